// SPDX-License-Identifier: Apache-2.0
//
// A session of any model on any backend behind one type: a handful of virtual calls per token, templates below.
#pragma once

#include <apertus/model/memory_plan.hpp>
#include <apertus/model/segment.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Called with (index, first_row, values[t, D]): 0 the embedding, i the output of layer i, L + 1 the final norm.
using layer_observer =
    std::function<void(std::size_t index, std::size_t first_row, tensor_view<const float, 2> values)>;

namespace detail {

class session_interface {
public:
    session_interface() = default;
    session_interface(const session_interface&) = delete;
    session_interface& operator=(const session_interface&) = delete;
    virtual ~session_interface() = default;
    virtual tensor_view<const float, 2> forward(std::span<const segment>, const cancellation&) = 0;
    [[nodiscard]] virtual std::size_t vocab_size() const = 0;
    [[nodiscard]] virtual std::size_t input_vocab_size() const = 0;
    [[nodiscard]] virtual std::size_t max_sequences() const = 0;
    [[nodiscard]] virtual std::size_t max_length() const = 0;
    [[nodiscard]] virtual std::size_t length(std::size_t sequence) const = 0;
    virtual void truncate(std::size_t sequence, std::size_t length) = 0;
    virtual void set_observer(layer_observer) = 0;
};

template <class Session> class session_holder final : public session_interface {
public:
    template <class... Arguments>
    explicit session_holder(Arguments&&... arguments) : session_(std::forward<Arguments>(arguments)...) {}

    tensor_view<const float, 2> forward(std::span<const segment> segments, const cancellation& cancel) override {
        return session_.forward(segments, cancel);
    }
    [[nodiscard]] std::size_t vocab_size() const override { return session_.vocab_size(); }
    [[nodiscard]] std::size_t input_vocab_size() const override { return session_.input_vocab_size(); }
    [[nodiscard]] std::size_t max_sequences() const override { return session_.max_sequences(); }
    [[nodiscard]] std::size_t max_length() const override { return session_.max_length(); }
    [[nodiscard]] std::size_t length(std::size_t sequence) const override { return session_.length(sequence); }
    void truncate(std::size_t sequence, std::size_t length) override { session_.truncate(sequence, length); }
    void set_observer(layer_observer f) override { session_.set_observer(std::move(f)); }

private:
    Session session_;
};

} // namespace detail

/// A session (see model/session.hpp and `causal_session` in model/segment.hpp): caches and scratch for up to
/// `max_sequences` sequences. Movable, for one thread at a time; keeps its model alive.
class session_handle {
public:
    explicit session_handle(std::unique_ptr<detail::session_interface> self) : self_(std::move(self)) {}

    /// Appends the segments to their sequences; logits [rows, V] of the wanted rows, valid until the next call.
    tensor_view<const float, 2> forward(std::span<const segment> segments, const cancellation& cancel = {}) {
        return self_->forward(segments, cancel);
    }
    [[nodiscard]] std::size_t vocab_size() const { return self_->vocab_size(); }
    /// Token ids are below this; more than there are logits in v1.5.
    [[nodiscard]] std::size_t input_vocab_size() const { return self_->input_vocab_size(); }
    [[nodiscard]] std::size_t max_sequences() const { return self_->max_sequences(); }
    [[nodiscard]] std::size_t max_length() const { return self_->max_length(); }
    /// Cached positions of a sequence.
    [[nodiscard]] std::size_t length(std::size_t sequence) const { return self_->length(sequence); }
    /// Cuts a sequence back to `length` positions; 0 empties it.
    void truncate(std::size_t sequence, std::size_t length) { self_->truncate(sequence, length); }
    /// See `layer_observer`; an empty function switches it off.
    void set_observer(layer_observer f) { self_->set_observer(std::move(f)); }

private:
    std::unique_ptr<detail::session_interface> self_;
};
static_assert(causal_session<session_handle>);

APERTUS_END_NAMESPACE
