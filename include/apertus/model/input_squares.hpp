// SPDX-License-Identifier: Apache-2.0
//
// A backend that also adds up the squares of what goes into every matrix: what an importance matrix is made of
// (model/importance_matrix.hpp). A session on `measuring_backend<B>` computes what one on B does, to the bit.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/model/importance_matrix.hpp>
#include <apertus/model/weight_source.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Sums of squares per column of a model's matrices, which it knows by where their weights lie.
class input_squares {
public:
    /// Throws std::bad_alloc.
    explicit input_squares(std::span<const named_matrix> matrices) {
        sums_.reserve(matrices.size());
        for (const named_matrix& m : matrices) {
            sums_.push_back({m.matrix.data, &m, 0, std::vector<double>(m.matrix.cols)});
        }
        std::sort(sums_.begin(), sums_.end(), before);
    }

    /// The rows x[T,K] go into the matrix at `weights`; one that is not known is passed over.
    void add(const std::byte* weights, tensor_view<const float, 2> x) noexcept {
        const auto found = std::lower_bound(sums_.begin(), sums_.end(), weights, [](const sum& s, const std::byte* w) {
            return std::less<>{}(s.weights, w);
        });
        if (found == sums_.end() || found->weights != weights || found->squares.size() != x.extent(1)) return;
        found->rows += x.extent(0);
        double* const squares = found->squares.data();
        for (std::size_t t = 0; t < x.extent(0); ++t) {
            const float* const row = x.row(t).data();
            for (std::size_t k = 0; k < x.extent(1); ++k)
                squares[k] += static_cast<double>(row[k]) * static_cast<double>(row[k]);
        }
    }

    /// The means of every matrix that rows went into. Throws error(format) when a mean is not a finite float.
    [[nodiscard]] importance_matrix means(const std::string& name, std::uint64_t tokens) const {
        importance_matrix::columns out;
        for (const sum& s : sums_) {
            if (s.rows == 0) continue;
            std::vector<float>& values = out[s.matrix->name];
            values.resize(s.squares.size());
            std::transform(s.squares.begin(), s.squares.end(), values.begin(),
                           [&](double square) { return static_cast<float>(square / static_cast<double>(s.rows)); });
        }
        return {name, tokens, std::move(out)};
    }

private:
    struct sum {
        const std::byte* weights;
        const named_matrix* matrix;
        std::uint64_t rows;
        std::vector<double> squares; // [cols]
    };
    static bool before(const sum& a, const sum& b) noexcept { return std::less<>{}(a.weights, b.weights); }

    std::vector<sum> sums_; // sorted by where the weights lie
};

/// B, with `squares` fed by every product. For one thread, as every backend object.
template <backend B>
    requires std::is_same_v<typename B::space, host_space>
class measuring_backend : public B {
public:
    measuring_backend(B b, std::shared_ptr<input_squares> squares) : B(std::move(b)), squares_(std::move(squares)) {}

    template <class Weights>
        requires requires(B& b, tensor_view<const float, 2> x, Weights w, tensor_view<const float, 1> bias,
                          tensor_view<float, 2> out) { b.matmul(x, w, bias, out); }
    void matmul(tensor_view<const float, 2> x, const Weights& w, tensor_view<const float, 1> bias,
                tensor_view<float, 2> out) noexcept {
        squares_->add(weight_view<any_format>(w).data, x);
        B::matmul(x, w, bias, out);
    }

    void matmul_all(tensor_view<const float, 2> x, std::span<const product<>> all) noexcept
        requires requires(B& b) { b.matmul_all(x, all); }
    {
        for (const product<>& p : all) squares_->add(p.w.data, x);
        B::matmul_all(x, all);
    }

private:
    std::shared_ptr<input_squares> squares_;
};

APERTUS_END_NAMESPACE
