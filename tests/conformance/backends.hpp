// SPDX-License-Identifier: Apache-2.0
//
// The backends that every conformance test runs on: a new backend is one more line in `for_each_backend`. Also the
// formats and cache element types, and reproducible random tensors.
#pragma once

#include <apertus/backend/cpu.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/format/kv_formats.hpp>

#include <conformance/toy_format.hpp>
#include <conformance/toy_kv.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace conformance {

using namespace apertus; // NOLINT(google-build-using-namespace): tests

/// Every weight format of the library, and one that no backend knows.
using formats = weight_formats::append<toy_int8>;

/// Every cache format of the library, and one that no backend knows.
using cache_formats = kv_formats::append<toy_kv>;

/// Formats that the cpu backend multiplies with activations of eight bits: tests/conformance/packed_matmul_test.cpp.
template <class Format> inline constexpr bool is_packed = std::is_same_v<Format, int8> || std::is_same_v<Format, int4>;

inline std::vector<cpu_isa> available_isas() {
    std::vector<cpu_isa> out;
    for (const cpu_isa isa : all_cpu_isas) {
        if (is_available(isa)) out.push_back(isa);
    }
    return out;
}

inline std::vector<std::pair<std::string, any_executor>> executors() {
    std::vector<std::pair<std::string, any_executor>> out;
    out.emplace_back("serial", any_executor(std::make_shared<serial_executor>()));
    out.emplace_back("pool", any_executor(std::make_shared<pool_executor>(3)));
#ifdef _OPENMP
    out.emplace_back("omp", any_executor(std::make_shared<omp_executor>(2)));
#endif
    return out;
}

/// Calls f(name, backend) for every backend, instruction set and executor.
template <class F> void for_each_backend(F&& f) {
    reference_backend reference;
    f(std::string("reference"), reference);
    for (const auto& [name, executor] : executors()) {
        for (const cpu_isa isa : available_isas()) {
            cpu_backend cpu(executor, {isa});
            f("cpu " + std::string(to_string(isa)) + " " + name, cpu);
        }
    }
}

/// Uniform in [-scale, scale], the same on every machine.
class generator {
public:
    explicit generator(std::uint64_t seed) : state_(seed * 2862933555777941757ULL + 3037000493ULL) {}
    float operator()(float scale = 1.0F) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (static_cast<float>(state_ >> 40) / 8388608.0F - 1.0F) * scale;
    }
    std::vector<float> vector(std::size_t n, float scale = 1.0F) {
        std::vector<float> out(n);
        for (float& x : out) x = (*this)(scale);
        return out;
    }

private:
    std::uint64_t state_;
};

/// A weight matrix in a format, with the floats that its blocks stand for.
template <class Format> struct packed_matrix {
    std::vector<typename Format::block> blocks;
    std::vector<float> values;
    std::size_t rows;
    std::size_t cols;

    packed_matrix(generator& g, std::size_t n, std::size_t k)
        : blocks(info_of<Format>.bytes(n, k) / sizeof(typename Format::block)), values(g.vector(n * k)), rows(n),
          cols(k) {
        pack_matrix<Format>(values.data(), rows, cols, blocks.data());
        for (std::size_t row = 0; row < rows; ++row) unpack_row(view(), row, values.data() + row * cols);
    }
    [[nodiscard]] weight_view<Format> view() const { return {blocks.data(), rows, cols}; }
};

template <class T> tensor_view<T, 1> view1(std::vector<T>& v) { return {v.data(), {v.size()}}; }
template <class T> tensor_view<const T, 1> view1(const std::vector<T>& v) { return {v.data(), {v.size()}}; }
template <class T> tensor_view<T, 2> view2(std::vector<T>& v, std::size_t a, std::size_t b) {
    return {v.data(), {a, b}};
}
template <class T> tensor_view<const T, 2> view2(const std::vector<T>& v, std::size_t a, std::size_t b) {
    return {v.data(), {a, b}};
}
template <class T> tensor_view<T, 3> view3(std::vector<T>& v, std::size_t a, std::size_t b, std::size_t c) {
    return {v.data(), {a, b, c}};
}
template <class T> tensor_view<const T, 3> view3(const std::vector<T>& v, std::size_t a, std::size_t b, std::size_t c) {
    return {v.data(), {a, b, c}};
}

/// The cache of one sequence in one layer, filled with NaN.
class cache_memory {
public:
    cache_memory(const kv_format_info& format, std::size_t heads, std::size_t slots, std::size_t head_size)
        : view_{&format, nullptr, nullptr, heads, slots, head_size} {
        memory_.resize(view_.all_key_bytes() + view_.all_value_bytes());
        view_.keys = memory_.data();
        view_.values = memory_.data() + view_.all_key_bytes();
        const std::vector<float> nan(head_size, std::numeric_limits<float>::quiet_NaN());
        for (std::size_t g = 0; g < heads; ++g) {
            for (std::size_t s = 0; s < kv_blocks(slots) * kv_block_slots; ++s) {
                format.pack_key(nan.data(), head_size, s % kv_block_slots, view_.key_block(g, s));
                format.pack_value(nan.data(), head_size, s % kv_block_slots, view_.value_block(g, s));
            }
        }
    }
    [[nodiscard]] kv_segment<> segment(std::size_t first_row, std::size_t rows, std::size_t first_slot) const {
        return {first_row, rows, first_slot, view_};
    }
    [[nodiscard]] std::vector<float> key(std::size_t head, std::size_t slot) const {
        std::vector<float> row(view_.head_size);
        view_.format->unpack_key(view_.key_block(head, slot), slot % kv_block_slots, row.size(), row.data());
        return row;
    }
    [[nodiscard]] std::vector<float> value(std::size_t head, std::size_t slot) const {
        std::vector<float> row(view_.head_size);
        view_.format->unpack_value(view_.value_block(head, slot), slot % kv_block_slots, row.size(), row.data());
        return row;
    }

private:
    std::vector<std::byte> memory_;
    kv_view<> view_;
};

/// Unit roundoff of float.
inline constexpr double u = 1.0 / 16777216.0;

} // namespace conformance
