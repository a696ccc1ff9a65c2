// SPDX-License-Identifier: Apache-2.0
//
// matmul and embed: every backend, instruction set, executor and weight format, around the vector width and with odd
// tails, against double precision (Eigen). The bound: a sum of K products over sixteen lanes makes at most K/16 + 5
// roundings on the way to an output, one more per product without fused multiply-add.
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <Eigen/Dense>

#include <cmath>
#include <cstring>
#include <limits>

using namespace conformance;

namespace {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

matrix to_double(const std::vector<float>& v, std::size_t rows, std::size_t cols) {
    matrix out(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols));
    for (std::size_t i = 0; i < v.size(); ++i) out.data()[i] = double{v[i]};
    return out;
}

struct shape {
    std::size_t t;
    std::size_t n;
    std::size_t k;
};

/// Every K from 1 to 35 and around 64, 128, 512; T and N around the tiles; one shape large enough for all threads. K that
/// is no multiple of the block too: the last block is padded.
std::vector<shape> shapes() {
    std::vector<shape> out;
    const std::size_t tokens[] = {1, 2, 3, 5, 6, 7, 13};
    const std::size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 25, 67};
    std::size_t at = 0;
    const auto add = [&](std::size_t k) {
        for (int i = 0; i < 3; ++i, ++at) out.push_back({tokens[at % 7], rows[(at * 5) % 12], k});
        out.push_back({1, rows[at % 12], k});
    };
    for (std::size_t k = 1; k <= 35; ++k) add(k);
    for (const std::size_t k : {63U, 64U, 65U, 96U, 127U, 128U, 129U, 511U, 512U, 513U, 544U, 1056U}) add(k);
    out.push_back({1, 301, 1120});
    out.push_back({21, 133, 1120});
    // panels: around sixteen tokens and rows, K in several stretches, more tokens than are taken at once
    for (const shape& s : {shape{32, 18, 100}, shape{48, 33, 1040}, shape{49, 17, 1025}, shape{64, 16, 1},
                           shape{67, 40, 37}, shape{80, 1, 16}, shape{97, 31, 2065}, shape{209, 5, 129}}) {
        out.push_back(s);
    }
    return out;
}

template <class B, class Format>
void check_matmul(const std::string& name, B& backend, generator& g, const shape& s, bool with_bias) {
    const auto x = g.vector(s.t * s.k);
    const packed_matrix<Format> w(g, s.n, s.k);
    const auto bias = with_bias ? g.vector(s.n) : std::vector<float>();
    std::vector<float> out(s.t * s.n, std::numeric_limits<float>::quiet_NaN());
    backend.matmul(view2(x, s.t, s.k), w.view(), view1(bias), view2(out, s.t, s.n));

    const matrix xd = to_double(x, s.t, s.k);
    const matrix wd = to_double(w.values, s.n, s.k);
    const matrix exact = xd * wd.transpose();
    const matrix size = xd.cwiseAbs() * wd.cwiseAbs().transpose();
    const double roundings = std::ceil(static_cast<double>(s.k) / 16) * 2 + 6;
    for (std::size_t t = 0; t < s.t; ++t) {
        for (std::size_t n = 0; n < s.n; ++n) {
            const auto row = static_cast<Eigen::Index>(t);
            const auto col = static_cast<Eigen::Index>(n);
            const double b = with_bias ? double{bias[n]} : 0.0;
            const double bound = roundings * u * (size(row, col) + std::fabs(b));
            const double found = double{out[t * s.n + n]};
            if (!(std::fabs(found - (exact(row, col) + b)) <= bound)) {
                BOOST_ERROR(name << " " << Format::name << " T=" << s.t << " N=" << s.n << " K=" << s.k << " at " << t
                                 << "," << n << ": " << found << " instead of " << exact(row, col) + b);
                return;
            }
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(conformance_matmul)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        formats::for_each([&]<class Format>() {
            if (is_packed<Format> && name != "reference") return;
            generator g(7);
            bool with_bias = false;
            for (const shape& s : shapes()) {
                check_matmul<B, Format>(name, backend, g, s, with_bias);
                with_bias = !with_bias;
            }
            BOOST_TEST(true);
        });
    });
}

BOOST_AUTO_TEST_CASE(empty_shapes_are_harmless) {
    for_each_backend([]<class B>(const std::string&, B& backend) {
        generator g(1);
        const packed_matrix<dense<bf16>> w(g, 3, 32);
        std::vector<float> none;
        backend.matmul(view2(std::as_const(none), 0, 32), w.view(), view1(std::as_const(none)), view2(none, 0, 3));
        backend.embed(tensor_view<const std::int32_t, 1>{}, w.view(), view2(none, 0, 32));
        BOOST_TEST(none.empty());
    });
}

BOOST_AUTO_TEST_CASE(weights_at_any_address) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        formats::for_each([&]<class Format>() {
            using block = typename Format::block;
            generator g(11);
            constexpr std::size_t n = 13;
            constexpr std::size_t k = 96;
            const auto x = g.vector(48 * k);
            const packed_matrix<Format> w(g, n, k);
            for (const std::size_t t : {1U, 2U, 48U}) {
                std::vector<float> straight(t * n);
                backend.matmul(view2(x, 48, k).rows(0, t), w.view(), {}, view2(straight, t, n));
                for (const std::size_t shift : {1U, 2U, 3U, 6U}) {
                    std::vector<unsigned char> bytes(shift + w.blocks.size() * sizeof(block));
                    std::memcpy(bytes.data() + shift, w.blocks.data(), bytes.size() - shift);
                    const void* at = bytes.data() + shift;
                    const weight_view<Format> view{static_cast<const block*>(at), n, k};
                    std::vector<float> shifted(t * n);
                    backend.matmul(view2(x, 48, k).rows(0, t), view, {}, view2(shifted, t, n));
                    BOOST_TEST(shifted == straight, name << " " << Format::name << " shifted by " << shift);
                    std::vector<float> row(k);
                    const std::vector<std::int32_t> id{5};
                    backend.embed(view1(id), view, view2(row, 1, k));
                    BOOST_TEST(std::memcmp(row.data(), w.values.data() + 5 * k, k * sizeof(float)) == 0);
                }
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(embed_copies_rows_exactly) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        formats::for_each([&]<class Format>() {
            for (const std::size_t d : {32U, 64U, 96U, 4128U}) {
                generator g(3);
                const packed_matrix<Format> table(g, 9, d);
                const std::vector<std::int32_t> ids{8, 0, 0, 3, 7};
                std::vector<float> out(ids.size() * d);
                backend.embed(view1(ids), table.view(), view2(out, ids.size(), d));
                for (std::size_t t = 0; t < ids.size(); ++t) {
                    const float* row = table.values.data() + static_cast<std::size_t>(ids[t]) * d;
                    BOOST_TEST(std::memcmp(out.data() + t * d, row, d * sizeof(float)) == 0,
                               name << " " << Format::name);
                }
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(not_a_number_and_infinity_stay_in_their_row) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        formats::for_each([&]<class Format>() {
            if (is_packed<Format> && name != "reference") return;
            constexpr std::size_t t = 7;
            constexpr std::size_t n = 9;
            constexpr std::size_t k = 96;
            generator g(5);
            auto x = g.vector(t * k);
            const packed_matrix<Format> w(g, n, k);
            std::vector<float> clean(t * n);
            backend.matmul(view2(std::as_const(x), t, k), w.view(), {}, view2(clean, t, n));
            x[2 * k + 95] = std::numeric_limits<float>::quiet_NaN();
            x[4 * k] = std::numeric_limits<float>::infinity();
            std::vector<float> out(t * n);
            backend.matmul(view2(std::as_const(x), t, k), w.view(), {}, view2(out, t, n));
            for (std::size_t row = 0; row < t; ++row) {
                for (std::size_t i = 0; i < n; ++i) {
                    const float found = out[row * n + i];
                    if (row == 2) BOOST_TEST(std::isnan(found), name);
                    else if (row == 4) BOOST_TEST((std::isinf(found) || w.values[i * k] == 0.0F), name);
                    else BOOST_TEST(found == clean[row * n + i], name);
                }
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(denormals_are_finite_and_at_worst_flushed) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        constexpr std::size_t k = 48;
        std::vector<float> x(k, 1e-30F);
        x[3] = 2.0F;
        std::vector<float> w(k, 1e-39F); // a denormal float
        w[3] = 0.5F;
        const weight_view<dense<float>> view{w.data(), 1, k};
        std::vector<float> out(1);
        backend.matmul(view2(std::as_const(x), 1, k), view, {}, view2(out, 1, 1));
        BOOST_TEST(out[0] == 1.0F, name << ": " << out[0]);
        // f16 denormals are ordinary floats: never flushed
        const std::vector<f16> tiny(k, f16(5.9604645e-8F));
        std::vector<float> ones(k, 1.0F);
        backend.matmul(view2(std::as_const(ones), 1, k), weight_view<dense<f16>>{tiny.data(), 1, k}, {},
                       view2(out, 1, 1));
        BOOST_TEST(std::fabs(out[0] - 48 * 5.9604645e-8F) <= 1e-12F, name << ": " << out[0]);
    });
}

BOOST_AUTO_TEST_SUITE_END()
