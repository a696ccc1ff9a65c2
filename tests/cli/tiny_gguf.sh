#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Writes a GGUF file to standard output: architecture llama with one layer of width 32, nine tokens, a matrix in each format
# with 32 weights per block. What it says is noise, but always the same.
#   tests/cli/tiny_gguf.sh > tiny.gguf
set -eu
export LC_ALL=C
head='' info='' data='' entries=0 tensors=0 offset=0

# Bytes are collected as printf understands them.
u32() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
u64() { u32 "$1" && printf '\\0\\0\\0\\0'; }
string() { u64 ${#1} && printf '%s' "$1"; }
entry() { # KEY TYPE BYTES
    head+=$(string "$1")$(u32 "$2")$3
    entries=$((entries + 1))
}
number() { entry "$1" 4 "$(u32 "$2")"; }
text() { entry "$1" 8 "$(string "$2")"; }
list() { # KEY TYPE VALUES...: strings (8) or integers (5)
    local key=$1 type=$2 bytes value
    shift 2
    bytes=$(u32 "$type")$(u64 $#)
    for value in "$@"; do if [ "$type" = 8 ]; then bytes+=$(string "$value"); else bytes+=$(u32 "$value"); fi; done
    entry "$key" 9 "$bytes"
}
random=1
# tensor NAME TYPE ROWS BLOCK BYTES: ROWS blocks that begin with BLOCK, BYTES noise bytes after it in each
tensor() {
    local length=0 row i
    info+=$(string "$1")$(u32 2)$(u64 32)$(u64 "$3")$(u32 "$2")$(u64 $offset)
    tensors=$((tensors + 1))
    for ((row = 0; row < $3; row++)); do
        data+=$4
        length=$((length + ${#4} / 4 + $5))
        for ((i = 0; i < $5; i++)); do
            random=$((random * 1103515245 + 12345 & 0x7fffffff))
            data+=\\x${hex[random >> 16 & 255]}
        done
    done
    pad_data $length
}
vector() { # NAME: 32 ones as floats
    info+=$(string "$1")$(u32 1)$(u64 32)$(u32 0)$(u64 $offset)
    tensors=$((tensors + 1))
    for _ in {1..32}; do data+='\x00\x00\x80\x3f'; done
    pad_data 128
}
pad_data() {
    offset=$((offset + $1))
    while ((offset % 32 != 0)); do data+='\0' offset=$((offset + 1)); done
}
mapfile -t hex < <(printf '%02x\n' {0..255})

text general.architecture llama
number llama.block_count 1
number llama.context_length 64
number llama.embedding_length 32
number llama.feed_forward_length 32
number llama.attention.head_count 2
number llama.attention.head_count_kv 1
number llama.rope.dimension_count 16
entry llama.attention.layer_norm_rms_epsilon 6 '\xac\xc5\x27\x37' # 1e-5
text tokenizer.ggml.model gpt2
text tokenizer.ggml.pre gpt-2
list tokenizer.ggml.tokens 8 '<s>' '</s>' a b c ab abc d e
list tokenizer.ggml.token_type 5 3 3 1 1 1 1 1 1 1
list tokenizer.ggml.merges 8 'a b' 'ab c'
number tokenizer.ggml.bos_token_id 0
number tokenizer.ggml.eos_token_id 1

scale='\x00\x2c' offsets='\x00\xb0' # 0.0625, -0.125
tensor token_embd.weight 8 9 $scale 32         # Q8_0
tensor output.weight 8 9 $scale 32             # Q8_0
tensor blk.0.attn_q.weight 2 32 $scale 16      # Q4_0
tensor blk.0.attn_k.weight 3 16 $scale$offsets 16 # Q4_1
tensor blk.0.attn_v.weight 6 16 $scale 20      # Q5_0
tensor blk.0.attn_output.weight 7 32 $scale$offsets 20 # Q5_1
tensor blk.0.ffn_gate.weight 8 32 $scale 32    # Q8_0
tensor blk.0.ffn_up.weight 3 32 $scale$offsets 16 # Q4_1
tensor blk.0.ffn_down.weight 2 32 $scale 16    # Q4_0
vector blk.0.attn_norm.weight
vector blk.0.ffn_norm.weight
vector output_norm.weight

file=$(printf 'GGUF' && u32 3 && u64 $tensors && u64 $entries)$head$info
length=$(printf '%b' "$file" | wc -c)
while ((length % 32 != 0)); do file+='\0' length=$((length + 1)); done
printf '%b' "$file$data"
