// SPDX-License-Identifier: Apache-2.0
//
// What is particular to the cpu backend: choosing an instruction set, copies, and the caller's executor. Its verbs are
// tested in tests/conformance.
#include <apertus/backend/cpu.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace apertus;

namespace {

/// Counts the regions that it is given.
struct counting_executor {
    std::size_t regions = 0;
    std::size_t concurrency() const { return 2; }
    void parallel_for(std::size_t n, index_function_ref f) {
        ++regions;
        for (std::size_t i = 0; i < n; ++i) f(i);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(backend_cpu)

BOOST_AUTO_TEST_CASE(the_best_instruction_set_is_the_default) {
    const cpu_backend standard;
    BOOST_TEST((standard.isa() == detect_cpu_isa()));
    BOOST_TEST(standard.concurrency() >= 1U);
}

BOOST_AUTO_TEST_CASE(a_lower_one_can_be_forced_and_a_missing_one_is_an_error) {
    const cpu_backend lower(any_executor(1), {cpu_isa::baseline});
    BOOST_TEST((lower.isa() == cpu_isa::baseline));
    for (const cpu_isa isa : all_cpu_isas) {
        if (is_available(isa)) continue;
        BOOST_CHECK_EXCEPTION(cpu_backend(any_executor(1), {isa}), error,
                              [](const error& e) { return e.category() == error_category::backend; });
    }
}

BOOST_AUTO_TEST_CASE(work_runs_on_the_executor_of_the_caller_and_small_work_on_the_caller) {
    const auto mine = std::make_shared<counting_executor>();
    cpu_backend backend{any_executor(mine)};
    const std::vector<float> w(std::size_t{512} * 512, 0.25F);
    const std::vector<float> x(512, 1.0F);
    std::vector<float> out(512);
    backend.matmul(tensor_view<const float, 2>(x.data(), {1, 512}), weight_view<dense<float>>{w.data(), 512, 512},
                   tensor_view<const float, 1>{}, tensor_view<float, 2>(out.data(), {1, 512}));
    BOOST_TEST(mine->regions == 1U);
    for (const float y : out) BOOST_TEST(y == 128.0F);
    backend.matmul(tensor_view<const float, 2>(x.data(), {1, 8}), weight_view<dense<float>>{w.data(), 8, 8},
                   tensor_view<const float, 1>{}, tensor_view<float, 2>(out.data(), {1, 8}));
    BOOST_TEST(mine->regions == 1U); // 64 products are not worth a region
    cpu_backend copy = backend;
    copy.matmul(tensor_view<const float, 2>(x.data(), {1, 512}), weight_view<dense<float>>{w.data(), 512, 512},
                tensor_view<const float, 1>{}, tensor_view<float, 2>(out.data(), {1, 512}));
    BOOST_TEST(mine->regions == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
