// SPDX-License-Identifier: Apache-2.0
#include <apertus/simd/isa.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(simd_isa)

BOOST_AUTO_TEST_CASE(names_go_both_ways) {
    for (const cpu_isa isa : all_cpu_isas) BOOST_TEST((cpu_isa_from_string(to_string(isa)) == isa));
    BOOST_TEST(!cpu_isa_from_string("avx1024").has_value());
    BOOST_TEST(!cpu_isa_from_string("").has_value());
}

BOOST_AUTO_TEST_CASE(the_probe_agrees_with_the_compiler) {
    const cpu_isa best = detect_cpu_isa();
#if APERTUS_X86
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    const bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                        __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    BOOST_TEST(is_available(cpu_isa::avx2) == avx2);
    BOOST_TEST(is_available(cpu_isa::avx512) == avx512);
    BOOST_TEST(is_available(cpu_isa::avx512_vnni) == (avx512 && __builtin_cpu_supports("avx512vnni") != 0));
    BOOST_TEST((!is_available(cpu_isa::amx) || is_available(cpu_isa::avx512_vnni)));
#else
    BOOST_TEST((best == cpu_isa::baseline));
#endif
    BOOST_TEST(is_available(cpu_isa::baseline));
    BOOST_TEST(is_available(best));
}

BOOST_AUTO_TEST_CASE(choosing) {
    BOOST_TEST((choose_cpu_isa(std::nullopt) == detect_cpu_isa()));
    BOOST_TEST((choose_cpu_isa(cpu_isa::baseline) == cpu_isa::baseline));
    for (const cpu_isa isa : all_cpu_isas) {
        if (is_available(isa)) {
            BOOST_TEST((choose_cpu_isa(isa) == isa));
            continue;
        }
        BOOST_CHECK_EXCEPTION(static_cast<void>(choose_cpu_isa(isa)), error, [](const error& e) {
            return e.category() == error_category::backend &&
                   std::string(e.what()).find(to_string(detect_cpu_isa())) != std::string::npos;
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()
