// SPDX-License-Identifier: Apache-2.0
//
// How much each input of each matrix matters when the matrix is rounded: the mean of the input's square over some text. An
// error e in w[n][k] changes output n by e * x[k], so that the sum of mean(x[k]^2) * e^2 is what a row's outputs are off by,
// roundings taken as independent. Called importance matrix, or imatrix, after llama.cpp's; AWQ (Lin 2023) scales columns by
// the same. `causal_lm::measure_importance` makes one, run/importance_file.hpp keeps it, int4 is packed by it.
//
// Measured (KL divergence to fp32, nats). SmolLM2-135M, a few inputs of which are far larger than the others: int4 0.037,
// by importance 0.023, of which 0.007 is the rounding of activations; 1,024 tokens to measure on are as good as 16,384, and
// its own words as good as documents. GPTQ (Frantar 2022) instead of it, in Python: 0.025; on top of it 0.019 to 0.021,
// where it alone had 0.021. apertus-tiny, whose inputs are nearly alike: 0.047 and 0.055 to 0.059, although the outputs of
// its matrices come closer by a twentieth; another rounding of a single matrix moves that model by a tenth.
#pragma once

#include <apertus/core/error.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class importance_matrix {
public:
    using columns = std::map<std::string, std::vector<float>, std::less<>>;

    /// `name` is what error messages call it, a path usually; `tokens` is how many it was measured on; `mean_squares` are
    /// [cols] of every matrix, by the names of the checkpoint ("model.layers.0.mlp.up_proj.weight"). Throws error(format)
    /// for values that are not finite numbers >= 0.
    importance_matrix(std::string name, std::uint64_t tokens, columns mean_squares)
        : name_(std::move(name)), tokens_(tokens), mean_squares_(std::move(mean_squares)) {
        for (const auto& [matrix, values] : mean_squares_) {
            for (std::size_t k = 0; k < values.size(); ++k) {
                if (std::isfinite(values[k]) && values[k] >= 0.0F) continue;
                fail(error_category::format, name_,
                     "importance of " + quoted(matrix, 200) + ", column " + std::to_string(k), "a finite number >= 0",
                     std::to_string(values[k]));
            }
        }
    }

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] std::uint64_t tokens() const noexcept { return tokens_; }
    [[nodiscard]] const columns& mean_squares() const noexcept { return mean_squares_; }

    /// [cols] of a matrix. Throws error(format) when it has none of that name, error(shape) when it has not `cols` values:
    /// it was measured on another model then.
    [[nodiscard]] std::span<const float> of(std::string_view matrix, std::size_t cols) const {
        const auto found = mean_squares_.find(matrix);
        if (found == mean_squares_.end()) {
            fail(error_category::format, name_, "importance of " + quoted(matrix, 200), "measured on this model",
                 "none");
        }
        if (found->second.size() != cols) {
            fail(error_category::shape, name_, "importance of " + quoted(matrix, 200),
                 std::to_string(cols) + " columns", std::to_string(found->second.size()));
        }
        return found->second;
    }

private:
    std::string name_;
    std::uint64_t tokens_;
    columns mean_squares_;
};

APERTUS_END_NAMESPACE
