// SPDX-License-Identifier: Apache-2.0
//
// A small cache of encoded pieces that all threads share: natural text repeats its words, and a merged word costs ten times what a
// remembered one does. Direct-mapped, 64 bytes per slot, lossy, without locks: a slot is guarded by a sequence number (odd while
// it is written); a reader that meets a writer counts it as a miss, a writer that meets another leaves the slot alone. All words are
// atomic, so there is no data race. It changes no result: only what `encode` computed is stored.
#pragma once

#include <apertus/text/bpe_tables.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

class piece_cache {
public:
    static constexpr std::size_t max_bytes = 24, max_ids = 8;

    piece_cache() = default;
    /// `slots` is a power of two.
    explicit piece_cache(std::size_t slots) : slots_(std::make_unique<slot[]>(slots)), mask_(slots - 1) {}

    /// Appends the ids of `piece`, if it is remembered.
    [[nodiscard]] bool find(std::string_view piece, std::uint64_t hash, std::vector<std::int32_t>& out) const
        noexcept(false) {
        if (piece.size() > max_bytes) return false;
        const slot& s = slots_[hash & mask_];
        const std::uint64_t before = s.words[0].load(std::memory_order_acquire);
        if ((before & 1) != 0 || (before >> 8 & 0xFF) != piece.size()) return false;
        const std::array<std::uint64_t, 3> wanted = key_of(piece);
        for (std::size_t i = 0; i < 3; ++i) {
            if (s.words[1 + i].load(std::memory_order_relaxed) != wanted[i]) return false;
        }
        const std::size_t count = before >> 16 & 0xFF;
        std::array<std::uint64_t, max_ids / 2> ids;
        for (std::size_t i = 0; i < (count + 1) / 2; ++i) ids[i] = s.words[4 + i].load(std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (s.words[0].load(std::memory_order_relaxed) != before) return false;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(ids[i / 2] >> i % 2 * 32)));
        return true;
    }

    /// Remembers the ids of `piece`, in place of what was there; does nothing for long pieces.
    void store(std::string_view piece, std::uint64_t hash, std::span<const std::int32_t> ids) const noexcept {
        if (piece.size() > max_bytes || ids.size() > max_ids) return;
        slot& s = slots_[hash & mask_];
        std::uint64_t before = s.words[0].load(std::memory_order_relaxed);
        const std::uint64_t number = before >> 32;
        if ((before & 1) != 0 || !s.words[0].compare_exchange_strong(before, before | 1, std::memory_order_acquire))
            return;
        std::atomic_thread_fence(std::memory_order_release);
        const std::array<std::uint64_t, 3> key = key_of(piece);
        for (std::size_t i = 0; i < 3; ++i) s.words[1 + i].store(key[i], std::memory_order_relaxed);
        for (std::size_t i = 0; i < (ids.size() + 1) / 2; ++i) {
            std::uint64_t word = static_cast<std::uint32_t>(ids[2 * i]);
            if (2 * i + 1 < ids.size()) word |= std::uint64_t{static_cast<std::uint32_t>(ids[2 * i + 1])} << 32;
            s.words[4 + i].store(word, std::memory_order_relaxed);
        }
        const std::uint64_t after =
            (number + 1) << 32 | std::uint64_t{ids.size()} << 16 | std::uint64_t{piece.size()} << 8;
        s.words[0].store(after, std::memory_order_release);
    }

private:
    /// words[0]: bit 0 being written, byte 1 size of the piece (0: empty slot), byte 2 number of ids, upper half sequence number.
    /// words[1..3]: the piece. words[4..7]: the ids.
    struct alignas(64) slot {
        std::array<std::atomic<std::uint64_t>, 8> words{};
    };

    [[nodiscard]] static std::array<std::uint64_t, 3> key_of(std::string_view piece) noexcept {
        std::array<std::uint64_t, 3> key{};
        std::memcpy(key.data(), piece.data(), piece.size());
        return key;
    }

    std::unique_ptr<slot[]> slots_;
    std::size_t mask_ = 0;
};

} // namespace detail
APERTUS_END_NAMESPACE
