// SPDX-License-Identifier: Apache-2.0
//
// How fast this machine reads memory: one JSON line per access pattern and thread count (best and median of the passes),
// then one line with the limit. Usage: bandwidth [threads] [MiB] [passes]
#include <apertus/backend/cpu/read_bandwidth.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

int main(int argc, char** argv) try {
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : apertus::default_concurrency();
    const std::size_t mib = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 512;
    const std::size_t passes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 9;
    if (threads == 0 || mib < 64 || passes == 0) {
        std::fputs("usage: bandwidth [threads] [MiB >= 64] [passes]\n", stderr);
        return 2;
    }
    std::vector<std::size_t> counts{1};
    if (threads > 1) counts.push_back(threads);
    for (const std::size_t n : counts) {
        apertus::read_bandwidth probe(apertus::any_executor(n), mib << 20);
        std::vector<std::vector<double>> speeds(std::size(apertus::read_patterns));
        for (std::size_t pass = 0; pass < passes; ++pass) {
            for (std::size_t i = 0; i < speeds.size(); ++i) speeds[i].push_back(probe.pass(apertus::read_patterns[i]));
        }
        std::size_t best = 0;
        for (std::size_t i = 0; i < speeds.size(); ++i) {
            std::sort(speeds[i].begin(), speeds[i].end());
            std::printf("{\"bench\":\"read\",\"threads\":%zu,\"streams\":%d,\"ahead\":%zu,\"gb_s_best\":%.2f,"
                        "\"gb_s_median\":%.2f}\n",
                        n, apertus::read_patterns[i].streams, apertus::read_patterns[i].ahead, speeds[i].back() / 1e9,
                        speeds[i][passes / 2] / 1e9);
            if (speeds[i][passes / 2] > speeds[best][passes / 2]) best = i;
        }
        std::printf("{\"bench\":\"read_limit\",\"threads\":%zu,\"streams\":%d,\"ahead\":%zu,\"gb_s_median\":%.2f}\n", n,
                    apertus::read_patterns[best].streams, apertus::read_patterns[best].ahead,
                    speeds[best][passes / 2] / 1e9);
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "bandwidth: %s\n", e.what());
    return 1;
}
