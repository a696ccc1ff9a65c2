// SPDX-License-Identifier: Apache-2.0
//
// The smallest use of the library: the umbrella header, an error, threads and a number of the narrow kind. Prints the
// version that the headers carry.
#include <apertus/apertus.hpp>

#include <atomic>
#include <cstddef>
#include <iostream>

int main() {
    std::atomic<std::size_t> sum{0};
    const apertus::any_executor threads;
    threads.parallel_for(100, [&](std::size_t i) noexcept { sum += i; });
    const auto third = static_cast<float>(apertus::bf16(1.0F / 3.0F));
    try {
        apertus::fail(apertus::error_category::config, "consumer", "thrown on purpose");
    } catch (const apertus::error& e) {
        if (e.category() != apertus::error_category::config) return 1;
    }
    std::cout << APERTUS_VERSION_STRING << '\n';
    return sum == 4950 && third > 0.33F && third < 0.34F ? 0 : 1;
}
