// SPDX-License-Identifier: Apache-2.0
//
// How tokens and text leave a generation while it runs, and how ids become text: callables, so that neither a tokenizer
// nor a stream class is part of the loop's type.
#pragma once

#include <apertus/core/error.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Called with every new token, end tokens included, and the row that it belongs to. False ends the row.
using token_streamer = std::function<bool(std::int32_t id, std::size_t row)>;

/// Called with every new piece of text and its row: whole UTF-8 characters, never part of a stop string, nothing after
/// one. Pieces are not empty. False ends the row.
using text_streamer = std::function<bool(std::string_view piece, std::size_t row)>;

/// Turns the ids of one sequence into text piece by piece: `push` returns what an id completes (nothing while a UTF-8
/// character is unfinished), `flush` what is left at the end.
template <class D>
concept incremental_decoder = requires(D& d, std::int32_t id) {
    { d.push(id) } -> std::convertible_to<std::string_view>;
    { d.flush() } -> std::convertible_to<std::string_view>;
};

/// Any incremental_decoder, owned. What push and flush return is valid until the next call.
class text_decoder {
public:
    template <class D>
        requires(!std::same_as<std::remove_cvref_t<D>, text_decoder> && incremental_decoder<std::remove_cvref_t<D>>)
    text_decoder(D&& decoder) // NOLINT(google-explicit-constructor): a decoder is a text_decoder
        : self_(std::make_unique<model<std::remove_cvref_t<D>>>(std::forward<D>(decoder))) {}

    std::string_view push(std::int32_t id) { return self_->push(id); }
    std::string_view flush() { return self_->flush(); }

private:
    struct interface {
        virtual ~interface() = default;
        virtual std::string_view push(std::int32_t id) = 0;
        virtual std::string_view flush() = 0;
    };
    template <class D> struct model final : interface {
        using piece = decltype(std::declval<D&>().push(0));
        using last_piece = decltype(std::declval<D&>().flush());
        explicit model(const D& d) : decoder(d) {}
        explicit model(D&& d) : decoder(std::move(d)) {}

        std::string_view push(std::int32_t id) override { return keep<piece>(decoder.push(id)); }
        std::string_view flush() override { return keep<last_piece>(decoder.flush()); }

        /// A string returned by value is kept alive here; a view is the decoder's own.
        template <class Piece, class Value> std::string_view keep(Value&& value) {
            if constexpr (std::is_same_v<Piece, std::string>) {
                text = std::forward<Value>(value);
                return text;
            } else {
                return value;
            }
        }

        D decoder;
        std::string text;
    };

    std::unique_ptr<interface> self_;
};

/// Makes the decoder of one row; called once per row, before the first token.
using text_decoder_factory = std::function<text_decoder()>;

APERTUS_END_NAMESPACE
