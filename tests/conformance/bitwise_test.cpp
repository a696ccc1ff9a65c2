// SPDX-License-Identifier: Apache-2.0
//
// The exactness contract, bit by bit: results do not depend on the number of threads, on the executor, on how many rows a
// call has, or on how a prompt is cut into calls; and AVX2 and AVX-512 agree. (The baseline rounds products separately:
// within its own level the same contract holds.)
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>

using namespace conformance;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Runs every verb on one backend, on shapes that are cut into many pieces, and collects all results.
std::vector<float> everything(cpu_backend& backend) {
    std::vector<float> results;
    const auto keep = [&](const std::vector<float>& v) { results.insert(results.end(), v.begin(), v.end()); };
    formats::for_each([&]<class Format>() {
        generator g(1);
        const packed_matrix<Format> w(g, 157, 544);
        const auto bias = g.vector(157);
        for (const std::size_t t : {1U, 2U, 9U, 30U}) {
            const auto x = g.vector(t * 544);
            std::vector<float> out(t * 157);
            backend.matmul(view2(x, t, 544), w.view(), view1(bias), view2(out, t, 157));
            keep(out);
        }
        const std::vector<std::int32_t> ids{3, 156, 0, 77};
        std::vector<float> rows(4 * 544);
        backend.embed(view1(ids), w.view(), view2(rows, 4, 544));
        keep(rows);
    });
    cache_formats::for_each([&]<class Format>() {
        struct layout {
            std::size_t h, gr, k, before, t;
        };
        // prompts, one token of a long sequence, several of one
        for (const layout l : {layout{8, 2, 72, 0, 150}, layout{6, 2, 40, 4000, 1}, layout{4, 4, 16, 2500, 3},
                               layout{12, 1, 24, 1000, 60}}) {
            generator g(2);
            const std::size_t slots = l.before + l.t;
            const cache_memory cache(kv_info_of<Format>, l.gr, slots, l.k);
            kv_segment<> segment = cache.segment(0, slots, 0);
            const std::span<const kv_segment<>> segments(&segment, 1);
            const auto key = g.vector(slots * l.gr * l.k);
            const auto value = g.vector(slots * l.gr * l.k);
            backend.store(view3(key, slots, l.gr, l.k), view3(value, slots, l.gr, l.k), segments);
            segment = cache.segment(0, l.t, l.before);
            const auto q = g.vector(l.t * l.h * l.k, 2.0F);
            std::vector<float> out(l.t * l.h * l.k);
            backend.attend(view3(q, l.t, l.h, l.k), segments, 0.3F, view3(out, l.t, l.h, l.k));
            keep(out);
        }
    });
    generator g(3);
    constexpr std::size_t t = 40;
    constexpr std::size_t d = 1037;
    auto x = g.vector(t * d, 5.0F);
    const auto weight = g.vector(d);
    std::vector<float> out(t * d);
    backend.rms_norm(view2(std::as_const(x), t, d), view1(weight), 1e-5F, view2(out, t, d));
    keep(out);
    backend.add(view2(x, t, d), view2(std::as_const(out), t, d));
    keep(x);
    for (const any_activation& act : {any_activation(xielu(0.2F, -1.0F)), any_activation(gelu{}),
                                      any_activation(gelu_tanh{}), any_activation(silu{}), any_activation(relu{})}) {
        auto y = x;
        backend.map(act, view2(y, t, d));
        keep(y);
        backend.map_mul(act, view2(y, t, d), view2(std::as_const(x), t, d));
        keep(y);
    }
    std::vector<std::int32_t> positions;
    for (int i = 0; i < 40; ++i) positions.push_back(i * 31);
    const auto inv_freq = g.vector(40);
    std::vector<float> cos(t * 40);
    std::vector<float> sin(t * 40);
    backend.rope_angles(view1(std::as_const(positions)), view1(inv_freq), 1.0F, view2(cos, t, 40), view2(sin, t, 40));
    keep(cos);
    auto heads = g.vector(t * 6 * 80);
    backend.rope(view3(heads, t, 6, 80), view2(std::as_const(cos), t, 40), view2(std::as_const(sin), t, 40));
    keep(heads);
    return results;
}

} // namespace

BOOST_AUTO_TEST_SUITE(conformance_bitwise)

BOOST_AUTO_TEST_CASE(threads_and_executors_do_not_matter) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend serial(any_executor(std::make_shared<serial_executor>()), {isa});
        const auto expected = everything(serial);
        for (const std::size_t threads : {1U, 2U, 3U, 7U}) {
            cpu_backend standard(any_executor(threads), {isa});
            BOOST_TEST(same_bits(everything(standard), expected), to_string(isa) << ", " << threads << " threads");
            cpu_backend pooled(any_executor(std::make_shared<pool_executor>(threads)), {isa});
            BOOST_TEST(same_bits(everything(pooled), expected), to_string(isa) << ", a pool of " << threads);
        }
    }
}

BOOST_AUTO_TEST_CASE(avx2_and_avx512_agree) {
    if (!is_available(cpu_isa::avx2)) return;
    cpu_backend narrow(any_executor(2), {cpu_isa::avx2});
    const auto expected = everything(narrow);
    if (is_available(cpu_isa::avx512)) {
        cpu_backend wide(any_executor(2), {cpu_isa::avx512});
        BOOST_TEST(same_bits(everything(wide), expected));
    }
    cpu_backend again(any_executor(2), {cpu_isa::avx2});
    BOOST_TEST(same_bits(everything(again), expected));
}

BOOST_AUTO_TEST_CASE(several_products_at_once_are_those_one_by_one) {
    constexpr std::size_t k = 520;
    generator g(77);
    const packed_matrix<dense<float>> a(g, 70, k);
    const packed_matrix<dense<bf16>> b(g, 33, k);
    const packed_matrix<dense<bf16>> c(g, 190, k);
    const packed_matrix<int8> d(g, 47, k);
    const packed_matrix<int8> e(g, 300, k);
    const packed_matrix<int4> f(g, 161, k);
    const packed_matrix<int4> h(g, 1, k);
    const packed_matrix<toy_int8> i(g, 20, k);
    const packed_matrix<toy_int8> j(g, 65, k);
    const std::vector<std::vector<weight_view<any_format>>> groups = {
        {a.view()},
        {b.view(), c.view(), b.view()},
        {e.view(), d.view(), d.view()},
        {f.view(), h.view()},
        {j.view(), i.view()},
        {a.view(), d.view(), e.view(), f.view(), c.view(), b.view()},
    };
    for (const auto& [name, executor] : executors()) {
        for (const cpu_isa isa : available_isas()) {
            cpu_backend backend(executor, {isa});
            for (const std::size_t tokens : {0U, 1U, 5U, 140U}) {
                const auto x = g.vector(tokens * k);
                for (const auto& group : groups) {
                    std::vector<product<>> products;
                    std::vector<std::vector<float>> single(group.size());
                    std::vector<std::vector<float>> together(group.size());
                    std::vector<std::vector<float>> bias(group.size());
                    for (std::size_t n = 0; n < group.size(); ++n) {
                        const weight_view<any_format>& w = group[n];
                        if (n % 2 == 1) bias[n] = g.vector(w.rows);
                        single[n].assign(tokens * w.rows, -1.0F);
                        together[n].assign(tokens * w.rows, -2.0F);
                        backend.matmul(view2(x, tokens, k), w, view1(std::as_const(bias[n])),
                                       view2(single[n], tokens, w.rows));
                        products.push_back({w, view1(std::as_const(bias[n])), view2(together[n], tokens, w.rows)});
                    }
                    backend.matmul_all(view2(x, tokens, k), products);
                    for (std::size_t n = 0; n < group.size(); ++n) {
                        BOOST_TEST(same_bits(together[n], single[n]),
                                   to_string(isa) << " " << name << " " << tokens << " " << group[n].info->name);
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_row_of_a_product_does_not_depend_on_the_others) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(2), {isa});
        formats::for_each([&]<class Format>() {
            for (const std::size_t k : {32U, 544U, 1056U}) {
                const std::size_t t = k == 544 ? 101 : 29; // tiles, panels (several, and a single one of a cut)
                constexpr std::size_t n = 53;
                generator g(k);
                const auto x = g.vector(t * k);
                const packed_matrix<Format> w(g, n, k);
                std::vector<float> whole(t * n);
                backend.matmul(view2(x, t, k), w.view(), {}, view2(whole, t, n));
                for (const std::size_t cut : {1U, 2U, 3U, 6U, 7U, 50U}) {
                    std::vector<float> pieces(t * n);
                    for (std::size_t first = 0; first < t; first += cut) {
                        const std::size_t count = std::min(cut, t - first);
                        backend.matmul(view2(x, t, k).rows(first, count), w.view(), {},
                                       view2(pieces, t, n).rows(first, count));
                    }
                    BOOST_TEST(same_bits(pieces, whole), to_string(isa)
                                                             << " " << Format::name << " K=" << k << " by " << cut);
                }
                // nor on which rows of the weights are asked for
                std::vector<float> some(t * 5);
                backend.matmul(view2(x, t, k), w.view().slice(32, 5), {}, view2(some, t, 5));
                for (std::size_t r = 0; r < t; ++r) {
                    BOOST_TEST(std::memcmp(&some[r * 5], &whole[r * n + 32], 5 * sizeof(float)) == 0);
                }
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(a_prompt_in_chunks_attends_like_a_whole_one) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(2), {isa});
        cache_formats::for_each([&]<class Format>() {
            struct layout {
                std::size_t h, gr, k, before;
            };
            for (const layout l : {layout{12, 2, 64, 0}, layout{3, 3, 20, 0}, layout{10, 1, 130, 0},
                                   layout{8, 2, 16, 960}}) { // the last one crosses the end of a span
                constexpr std::size_t t = 197;
                const std::size_t slots = l.before + t;
                generator g(9);
                const auto q = g.vector(slots * l.h * l.k, 2.0F);
                const auto key = g.vector(slots * l.gr * l.k);
                const auto value = g.vector(slots * l.gr * l.k);
                const auto run = [&](const std::vector<std::size_t>& cuts) {
                    const cache_memory cache(kv_info_of<Format>, l.gr, slots, l.k);
                    std::vector<float> out(q.size());
                    std::size_t first = 0;
                    for (std::size_t i = 0; first < slots; ++i) {
                        std::size_t n = std::min(cuts[i % cuts.size()], slots - first);
                        if (first < l.before) n = l.before;
                        const kv_segment<> segment = cache.segment(0, n, first);
                        const std::span<const kv_segment<>> segments(&segment, 1);
                        backend.store(view3(key, slots, l.gr, l.k).rows(first, n),
                                      view3(value, slots, l.gr, l.k).rows(first, n), segments);
                        backend.attend(view3(q, slots, l.h, l.k).rows(first, n), segments, 0.125F,
                                       view3(out, slots, l.h, l.k).rows(first, n));
                        first += n;
                    }
                    return out;
                };
                const auto whole = run({slots});
                for (const auto& cuts : std::vector<std::vector<std::size_t>>{{1}, {3}, {64}, {100, 1}, {63, 2, 17}}) {
                    BOOST_TEST(same_bits(run(cuts), whole), to_string(isa) << " " << Format::name << " H=" << l.h
                                                                           << " K=" << l.k << " cut by " << cuts[0]);
                }
            }
        });
    }
}

BOOST_AUTO_TEST_CASE(a_batch_attends_like_its_sequences_one_by_one) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(3), {isa});
        cache_formats::for_each([&]<class Format>() {
            constexpr std::size_t h = 4;
            constexpr std::size_t gr = 1;
            constexpr std::size_t k = 40;
            generator g(10);
            const std::size_t lengths[] = {5, 1100, 1, 2049, 33};
            constexpr std::size_t total = 3188;
            const auto q = g.vector(total * h * k);
            const auto key = g.vector(total * gr * k);
            const auto value = g.vector(total * gr * k);
            std::vector<cache_memory> caches;
            std::vector<kv_segment<>> segments;
            std::size_t row = 0;
            for (const std::size_t n : lengths) {
                caches.emplace_back(kv_info_of<Format>, gr, 2080, k);
                segments.push_back(caches.back().segment(row, n, 0));
                row += n;
            }
            const std::span<const kv_segment<>> all(segments);
            backend.store(view3(key, total, gr, k), view3(value, total, gr, k), all);
            std::vector<float> alone(q.size());
            for (std::size_t s = 0; s < 5; ++s) {
                backend.attend(view3(q, total, h, k), all.subspan(s, 1), 0.2F, view3(alone, total, h, k));
            }
            std::vector<float> together(q.size());
            backend.attend(view3(q, total, h, k), all, 0.2F, view3(together, total, h, k));
            BOOST_TEST(same_bits(alone, together), to_string(isa) << " " << Format::name);
            // the last row of each, decoded together: the long ones are split
            for (std::size_t s = 0; s < 5; ++s) {
                segments[s] = caches[s].segment(segments[s].first_row + lengths[s] - 1, 1, lengths[s] - 1);
            }
            std::vector<float> last(alone);
            for (const kv_segment<>& s : segments) std::fill_n(&last[s.first_row * h * k], h * k, 0.0F);
            backend.attend(view3(q, total, h, k), std::span<const kv_segment<>>(segments), 0.2F,
                           view3(last, total, h, k));
            BOOST_TEST(same_bits(alone, last), to_string(isa) << " " << Format::name << " decoded");
        });
    }
}

BOOST_AUTO_TEST_CASE(elementwise_verbs_do_not_depend_on_the_cut) {
    for (const cpu_isa isa : available_isas()) {
        cpu_backend backend(any_executor(2), {isa});
        generator g(12);
        constexpr std::size_t n = 9001;
        const auto x = g.vector(n, 8.0F);
        for (const any_activation& act :
             {any_activation(xielu(0.2F, -1.0F)), any_activation(gelu{}), any_activation(silu{})}) {
            auto whole = x;
            backend.map(act, view2(whole, 1, n));
            auto pieces = x;
            for (std::size_t first = 0; first < n; first += 101) {
                const std::size_t count = std::min<std::size_t>(101, n - first);
                backend.map(act, tensor_view<float, 2>(pieces.data() + first, {1, count}));
            }
            BOOST_TEST(same_bits(pieces, whole), to_string(isa));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
