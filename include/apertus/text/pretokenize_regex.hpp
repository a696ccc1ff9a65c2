// SPDX-License-Identifier: Apache-2.0
//
// A small backtracking regular-expression machine for the patterns that have no hand-written matcher, and for Replace normalizers.
// Its stack is a vector, never the call stack, and its work is limited: a pattern that needs more steps than
// `100000000 + 1000 per byte of text` throws error(resource). Syntax: see pretokenize_regex_program.hpp. Text must be valid UTF-8.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/pretokenize_regex_program.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// One run of a program over one text.
class regex_machine {
public:
    regex_machine(const regex_program& program, std::string_view text)
        : program_(program), text_(text), slots_(program.slots, 0),
          steps_left_(100000000 + 1000 * std::uint64_t{text.size()}) {}

    /// Where the match that starts at byte `start` ends, if there is one.
    [[nodiscard]] std::optional<std::size_t> match(std::size_t start) {
        stack_.clear();
        barriers_.clear();
        std::size_t pc = 0, at = start;
        while (true) {
            spend(1);
            const regex_instruction& i = program_.code[pc];
            bool ok = true;
            switch (i.op) {
            case regex_op::character: ok = advance(program_.sets[i.set], at); break;
            case regex_op::greedy_run:
            case regex_op::atomic_run: ok = run(i, pc, at); break;
            case regex_op::lazy_run: ok = run_lazily(i, pc, at); break;
            case regex_op::split:
                stack_.push_back({frame::choice, jump(pc, i.high), at, 0});
                pc = jump(pc, i.low);
                continue;
            case regex_op::jump: pc = jump(pc, i.low); continue;
            case regex_op::line_start: ok = at == 0 || (text_[at - 1] == '\n' && at != text_.size()); break;
            case regex_op::line_end: ok = at == text_.size() || text_[at] == '\n'; break;
            case regex_op::text_start: ok = at == 0; break;
            case regex_op::text_end: ok = at == text_.size(); break;
            case regex_op::text_end_or_newline:
                ok = at == text_.size() || (text_[at] == '\n' && at + 1 == text_.size());
                break;
            case regex_op::word_boundary: ok = at_word_boundary(at); break;
            case regex_op::not_word_boundary: ok = !at_word_boundary(at); break;
            case regex_op::look:
            case regex_op::not_look:
            case regex_op::atomic:
                barriers_.push_back(stack_.size());
                stack_.push_back({frame::barrier, pc, at, 0});
                break;
            case regex_op::leave: { // drop the choices that the sub-program left open
                const frame opened = stack_[barriers_.back()];
                stack_.resize(barriers_.back());
                barriers_.pop_back();
                const regex_instruction& entry = program_.code[opened.pc];
                if (entry.op != regex_op::atomic) at = opened.at;
                ok = entry.op != regex_op::not_look;
                break;
            }
            case regex_op::loop_mark:
                stack_.push_back(
                    {frame::slot, static_cast<std::size_t>(i.low), slots_[static_cast<std::size_t>(i.low)], 0});
                slots_[static_cast<std::size_t>(i.low)] = at;
                break;
            case regex_op::loop_check: pc += slots_[static_cast<std::size_t>(i.low)] == at ? 1 : 0; break;
            case regex_op::accept: return at;
            }
            if (ok) {
                ++pc;
            } else if (!backtrack(pc, at)) {
                return std::nullopt;
            }
        }
    }

private:
    struct frame {
        enum kind_type : std::uint8_t { choice, greedy, lazy, slot, barrier } kind;
        std::size_t pc;    ///< where to go on (choice, greedy), the instruction (lazy, barrier), the slot
        std::size_t at;    ///< the position, or the slot's old value
        std::size_t extra; ///< greedy: the position that cannot be given back; lazy: characters taken
    };

    [[nodiscard]] static std::size_t jump(std::size_t pc, std::int32_t by) noexcept {
        return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(pc) + by);
    }
    void spend(std::size_t steps) {
        if (steps_left_ < steps) {
            fail(error_category::resource, "tokenizer",
                 "a pattern of the tokenizer needs too many steps for a text of " + std::to_string(text_.size()) +
                     " bytes");
        }
        steps_left_ -= steps;
    }
    [[nodiscard]] bool advance(const code_set& set, std::size_t& at) const noexcept {
        if (at == text_.size()) return false;
        const utf8_character c = utf8_decode(text_.data() + at);
        if (!set.contains(c.code)) return false;
        at += c.size;
        return true;
    }
    [[nodiscard]] bool run(const regex_instruction& i, std::size_t pc, std::size_t& at) {
        const code_set& set = program_.sets[i.set];
        std::int32_t count = 0;
        std::size_t fixed = at; // where the compulsory part ends
        while (count < i.high && advance(set, at)) {
            if (++count == i.low) fixed = at;
        }
        spend(static_cast<std::size_t>(count));
        if (count < i.low) return false;
        if (i.op == regex_op::greedy_run && at > fixed) stack_.push_back({frame::greedy, pc + 1, at, fixed});
        return true;
    }
    [[nodiscard]] bool run_lazily(const regex_instruction& i, std::size_t pc, std::size_t& at) {
        std::int32_t count = 0;
        while (count < i.low && advance(program_.sets[i.set], at)) ++count;
        spend(static_cast<std::size_t>(count));
        if (count < i.low) return false;
        if (count < i.high) stack_.push_back({frame::lazy, pc, at, static_cast<std::size_t>(count)});
        return true;
    }
    [[nodiscard]] bool at_word_boundary(std::size_t at) const {
        static constexpr auto is_word = [](std::uint32_t code) {
            return in_mask(code, masks::word & ~mask_of(unicode_class::Cf_join)) || (code >= 0xB2 && code <= 0xB3) ||
                   code == 0xB9 || (code >= 0xBC && code <= 0xBE);
        };
        const bool before = at > 0 && is_word(utf8_decode(text_.data() + utf8_previous(text_, at)).code);
        const bool after = at < text_.size() && is_word(utf8_decode(text_.data() + at).code);
        return before != after;
    }

    /// Goes back to the newest open choice; false when there is none.
    [[nodiscard]] bool backtrack(std::size_t& pc, std::size_t& at) {
        while (!stack_.empty()) {
            spend(1);
            frame& top = stack_.back();
            switch (top.kind) {
            case frame::choice:
                pc = top.pc;
                at = top.at;
                stack_.pop_back();
                return true;
            case frame::greedy:
                top.at = utf8_previous(text_, top.at);
                pc = top.pc;
                at = top.at;
                if (top.at == top.extra) stack_.pop_back();
                return true;
            case frame::lazy: {
                const regex_instruction& i = program_.code[top.pc];
                if (!advance(program_.sets[i.set], top.at)) {
                    stack_.pop_back();
                    break;
                }
                pc = top.pc + 1;
                at = top.at;
                if (++top.extra == static_cast<std::size_t>(i.high)) stack_.pop_back();
                return true;
            }
            case frame::slot:
                slots_[top.pc] = top.at;
                stack_.pop_back();
                break;
            case frame::barrier: {
                const frame opened = top;
                stack_.pop_back();
                barriers_.pop_back();
                const regex_instruction& entry = program_.code[opened.pc];
                if (entry.op != regex_op::not_look) break;
                pc = jump(opened.pc, entry.low); // the sub-program failed, so the negative look-ahead holds
                at = opened.at;
                return true;
            }
            }
        }
        return false;
    }

    const regex_program& program_;
    std::string_view text_;
    std::vector<std::size_t> slots_;
    std::vector<frame> stack_;
    std::vector<std::size_t> barriers_; ///< indices of the open barrier frames
    std::uint64_t steps_left_;
};

} // namespace detail

/// A literal or a regular expression, ready to search.
class text_matcher {
public:
    /// Throws error(tokenizer) for a regular expression outside the supported subset and for an empty literal.
    explicit text_matcher(const text_pattern& pattern) : literal_(pattern.regex ? std::string() : pattern.text) {
        if (pattern.regex) {
            program_ = detail::regex_compiler::compile(pattern.text);
        } else if (literal_.empty()) {
            fail(error_category::tokenizer, "tokenizer", "pattern", "a text that is not empty", "''");
        }
    }

    /// Calls sink(begin, end) for the matches in `text` from left to right: each the leftmost after the one before; an empty match
    /// right at the end of the one before is skipped.
    template <class Sink> void for_each_match(std::string_view text, Sink&& sink) const {
        if (text.empty()) return;
        if (!literal_.empty()) {
            for (std::size_t at = text.find(literal_); at != std::string_view::npos;
                 at = text.find(literal_, at + literal_.size())) {
                sink(at, at + literal_.size());
            }
            return;
        }
        detail::regex_machine machine(program_, text);
        std::size_t previous_end = std::string_view::npos;
        for (std::size_t at = 0; at <= text.size();) {
            const std::optional<std::size_t> end = machine.match(at);
            if (end && !(*end == at && at == previous_end)) {
                sink(at, *end);
                previous_end = *end;
                if (*end != at) {
                    at = *end;
                    continue;
                }
            }
            if (at == text.size()) break;
            at += utf8_size(text[at]);
        }
    }

private:
    std::string literal_;
    detail::regex_program program_;
};

APERTUS_END_NAMESPACE
