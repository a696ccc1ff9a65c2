#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests the program from outside, as a script would use it: output, exit status, one-line errors.
#   tests/cli/run.sh build/apertus
set -u
program=$(realpath "${1:?usage: tests/cli/run.sh PROGRAM}")
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED: $*"
    sed 's/^/   out: /' "$work/out" | head -n 5 | cut -c1-300
    sed 's/^/   err: /' "$work/err" | head -n 5 | cut -c1-300
}
# run STATUS ARGUMENTS...: runs the program and checks its exit status
run() {
    local wanted=$1 status
    shift
    "$program" "$@" > "$work/out" 2> "$work/err" < "${input:-/dev/null}"
    status=$?
    if [ $status = "$wanted" ]; then ok; else bad "exit status $status instead of $wanted: apertus $*"; fi
}
out() { if grep -qF -- "$1" "$work/out"; then ok; else bad "output lacks: $1"; fi; }
out_is() { if [ "$(cat "$work/out")" = "$1" ]; then ok; else bad "output is not: $1"; fi; }
err() { if grep -qF -- "$1" "$work/err"; then ok; else bad "stderr lacks: $1"; fi; }
one_line_error() {
    if [ "$(wc -l < "$work/err")" = 1 ] && grep -q '^apertus: ' "$work/err"; then ok; else bad "not a one-line error"; fi
}
golden=tests/golden/v1_8b

# generate
run 0 generate --chat --quiet --max-new-tokens 40 'Was ist die Hauptstadt der Schweiz?'
out Bern
run 0 generate --chat --json 'Hello!'
out '"finish_reason":'
out '"decode_tokens_per_second":'
run 0 generate --json --ids 1,2,3 --max-new-tokens 4 --ignore-eos --model $golden
out '"finish_reason":"length"'
cp "$work/out" "$work/first"
run 0 generate --json --ids 1,2,3 --max-new-tokens 4 --ignore-eos --model $golden --threads 1 --prefill-chunk 2 --no-mmap
if [ "$(grep -o '"ids":[^]]*' "$work/out")" = "$(grep -o '"ids":[^]]*' "$work/first")" ]; then ok; else bad 'threads or chunks change ids'; fi
run 0 generate --chat --quiet --seed 7 --temperature 1.5 --max-new-tokens 20 'Hello!'
cp "$work/out" "$work/first"
run 0 generate --chat --quiet --seed 7 --temperature 1.5 --max-new-tokens 20 --threads 1 'Hello!'
if cmp -s "$work/out" "$work/first"; then ok; else bad 'same seed, other text'; fi

# chat: history, commands, the end of the input
printf 'Hello!\n/history\n/nonsense\n/exit\n' > "$work/talk"
input=$work/talk run 0 chat --max-new-tokens 30
out 'user: Hello!'
out 'assistant: '
out 'unknown command'

# chat on a terminal: line editing, Ctrl-C at the prompt and in an answer, Ctrl-D. The library of line editing is optional.
wait_for() { # TEXT COUNT: until the terminal has shown TEXT COUNT times; half a minute at most
    for _ in $(seq 300); do
        [ "$(grep -aoF -- "$1" "$work/out" | wc -l)" -ge "$2" ] && { ok; return; }
        sleep 0.1
    done
    bad "the terminal lacks: $2 times $1"
}
trap '' PIPE # the program may end before it has read everything
if ldd "$program" | grep -q libedit && script -qec true /dev/null > /dev/null 2>&1 < /dev/null; then
    mkfifo "$work/keys"
    : > "$work/out"
    TERM=xterm script -qec "'$program' chat --max-new-tokens 30" /dev/null < "$work/keys" >> "$work/out" 2> "$work/err" &
    exec 9> "$work/keys"
    wait_for '> ' 1
    printf '\003' >&9 # Ctrl-C
    wait_for '> ' 2
    printf 'dropped\003' >&9
    wait_for '> ' 3
    printf 'Hellop\177!\r' >&9 # with a backspace
    wait_for 'help you' 1
    wait_for '> ' 4
    printf '\004' >&9 # Ctrl-D
    wait $!
    if [ $? = 0 ]; then ok; else bad "chat on a terminal: exit status"; fi
    exec 9>&-
else
    echo "skipped: chat on a terminal: needs pseudo terminals, 'script', and a program with libedit"
    skipped=$((skipped + 1))
fi

# tokenize, detokenize
run 0 tokenize --json
out_is ''
printf 'Grüezi mitenand!\n\nzwei  Wörter\n' > "$work/text"
input=$work/text run 0 tokenize --json --no-special
if [ "$(wc -l < "$work/out")" = 3 ]; then ok; else bad 'one line per line'; fi
out '{"ids":[]}'
cp "$work/out" "$work/ids"
input=$work/ids run 0 detokenize
if cmp -s "$work/out" "$work/text"; then ok; else bad 'detokenize does not give the text back'; fi
printf '"two\\nlines"\n' > "$work/json"
input=$work/json run 0 tokenize --json --json-in
out '{"ids":[1,'
run 0 tokenize --json --json-in --untrusted < /dev/null
printf '<|user_end|>\n' > "$work/special"
input=$work/special run 0 tokenize --json --no-special
out_is '{"ids":[66]}'
input=$work/special run 0 tokenize --json --no-special --untrusted
if grep -qF '66' "$work/out" && [ "$(cat "$work/out")" = '{"ids":[66]}' ]; then bad 'untrusted text gave a control token'; else ok; fi

# render
cat > "$work/messages.json" <<'JSON'
[{"role": "system", "content": "S"}, {"role": "user", "content": "a <|user_end|> b"}]
JSON
run 0 render --json "$work/messages.json"
out '"text":"<s><|system_start|>S<|system_end|>'
out '<|assistant_start|>"'
if [ "$(grep -o '"ids":.*' "$work/out" | tr -c '0-9' '\n' | grep -cx 66)" = 1 ]; then ok; else bad 'content closed the turn'; fi
if [ "$(grep -o '"ids":.*' "$work/out" | tr -c '0-9' '\n' | grep -cx 1)" = 1 ]; then ok; else bad 'BOS is not there exactly once'; fi
run 0 render --no-generation-prompt "$work/messages.json"
if grep -q 'assistant_start' "$work/out"; then bad 'generation prompt in spite of the option'; else ok; fi

# logits, info, bench
run 0 logits --json --ids 1,2,3 --model $golden
if [ "$(grep -c '^{"position":' "$work/out")" = 3 ]; then ok; else bad 'one line per position'; fi
run 0 info --json
out '"num_hidden_layers":'
out '"kv_cache":'
run 0 info --tensors --model $golden
out 'lm_head.weight'
run 0 bench --json --prompt-tokens 8 --new-tokens 4 --repeat 1
out '"ratio":'

# a packed cache: written, read, and never left half written
packed="$work/packed"
run 0 generate --json --ids 1,2,3 --max-new-tokens 4 --ignore-eos --model $golden --weights int4
grep -o '"ids":[^]]*' "$work/out" > "$work/first"
for _ in write read; do
    run 0 generate --json --ids 1,2,3 --max-new-tokens 4 --ignore-eos --model $golden --weights int4 --packed-cache "$packed"
    if [ "$(grep -o '"ids":[^]]*' "$work/out")" = "$(cat "$work/first")" ]; then ok; else bad 'a packed cache changes ids'; fi
done
if [ -s "$packed" ]; then ok; else bad 'no packed cache was written'; fi
printf 'x' | dd of="$packed" bs=1 seek=$(($(stat -c %s "$packed") - 1)) conv=notrunc 2> /dev/null
run 1 info --model $golden --weights int4 --packed-cache "$packed" --verify-packed-cache
one_line_error
err 'damaged packed cache'
head -c 5000 "$packed" > "$work/short"
run 1 generate --ids 1 --model $golden --weights int4 --packed-cache "$work/short"
one_line_error
(
    trap '' XFSZ # a write beyond the limit becomes an error, as on a full disk
    ulimit -f 4
    "$program" generate --ids 1 --model $golden --weights int4 --packed-cache "$work/full" > "$work/limited" 2>&1
)
if [ $? = 1 ] && ! ls "$work"/full* > /dev/null 2>&1; then ok; else bad 'a full disk left a part of a packed cache'; fi

# an importance matrix: measured on text or on the model's own words, used by int4, refused for another model
weighed=$work/importance
printf 'The model is small.' > "$work/text"
run 0 importance --output "$weighed" --text "$work/text"
out 'matrices, measured on'
run 0 generate --json --ids 1,2,3 --max-new-tokens 4 --weights int4 --importance "$weighed"
out '"finish_reason"'
run 0 importance --output "$work/own" --tokens 96 --window 48
out 'measured on 96 tokens'
run 1 generate --ids 1,2,3 --model $golden --weights int4 --importance "$weighed"
one_line_error
err importance
run 0 generate --ids 1,2,3 --model $golden --weights int8 --importance "$weighed" # nothing goes by it
run 1 generate --ids 1,2,3 --weights int4 --importance "$work/text"
one_line_error
run 1 importance --output "$work/nowhere/importance" --text "$work/text"
one_line_error
err 'cannot create'
run 1 importance --output "$work/own" --text "$work/none"
one_line_error
run 1 importance --output "$work/own" --tokens 0
one_line_error
err tokens
run 2 importance
run 2 importance --output

# GGUF: a file of nine tokens and a matrix in every format with blocks of 32 weights
bash tests/cli/tiny_gguf.sh > "$work/tiny.gguf"
run 0 info --model "$work/tiny.gguf"
out 'LlamaForCausalLM'
out 'Q8_0 + Q4_0 + Q4_1 + Q5_1 + Q5_0'
printf 'abcab\n' > "$work/text"
input=$work/text run 0 tokenize --json --no-special --model "$work/tiny.gguf"
out_is '{"ids":[6,5]}'
run 0 generate --json --max-new-tokens 4 --ignore-eos --model "$work/tiny.gguf" abcab
out '"prompt_ids":[6,5]'
out '"finish_reason":"length"'
run 0 logits --json --ids 2,3,4 --model "$work/tiny.gguf"
if [ "$(grep -c '^{"position":' "$work/out")" = 3 ]; then ok; else bad 'one line per position'; fi
cp "$work/out" "$work/first"
for other in '--weights f32 --head-weights f32' '--threads 1' '--no-mmap'; do # the same weights: the same bits
    # shellcheck disable=SC2086
    run 0 logits --json --ids 2,3,4 --model "$work/tiny.gguf" $other
    if cmp -s "$work/out" "$work/first"; then ok; else bad "other logits with $other"; fi
done
run 0 logits --json --ids 2,3,4 --model "$work/tiny.gguf" --weights int8
if cmp -s "$work/out" "$work/first"; then bad 'int8 changes nothing'; else ok; fi
head -c 5000 "$work/tiny.gguf" > "$work/short.gguf"
run 1 generate --model "$work/short.gguf" abcab
one_line_error
err short.gguf

# errors: exit status 1 and one line for what goes wrong, 2 for wrong arguments
run 1 generate --model "$work/nowhere" hello
one_line_error
err nowhere
mkdir "$work/broken"
cp $golden/config.json "$work/broken"
run 1 generate --ids 1 --model "$work/broken"
one_line_error
err 'model.safetensors'
head -c 1000 "$(ls $golden/model*.safetensors | head -n 1)" > "$work/broken/model.safetensors"
run 1 generate --ids 1 --model "$work/broken"
one_line_error
run 1 generate --ids 999999999 --model $golden
one_line_error
run 1 generate --temperature -1 hello
one_line_error
err temperature
run 1 generate --isa avx1024 hello
one_line_error
echo '{' > "$work/bad.json"
run 1 render "$work/bad.json"
one_line_error
run 2
run 2 nonsense
run 2 generate --nonsense
run 2 logits
run 0 --help
out generate
run 0 --version
out apertus
if [ -w /dev/full ]; then
    "$program" tokenize --no-special hello > /dev/full 2> "$work/err"
    if [ $? = 1 ]; then ok; else bad 'a full disk is not noticed'; fi
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
