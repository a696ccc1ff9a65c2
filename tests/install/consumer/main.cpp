// SPDX-License-Identifier: Apache-2.0
//
// A program that uses the installed library from two translation units with different instruction-set flags. Both must
// run the model and agree: the same tokens, and logits that differ by rounding only.
//
//   consumer FOLDER     a Hugging Face folder
#include "answer.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>

answer baseline_answer(const std::string& folder, const std::string& isa);
answer native_answer(const std::string& folder, const std::string& isa);

namespace {

bool agree(const answer& a, const answer& b, const char* what) {
    float largest = 0;
    float difference = 0;
    for (std::size_t i = 0; i < std::min(a.logits.size(), b.logits.size()); ++i) {
        largest = std::max(largest, std::abs(a.logits[i]));
        difference = std::max(difference, std::abs(a.logits[i] - b.logits[i]));
    }
    const bool same = !a.ids.empty() && a.ids == b.ids && a.logits.size() == b.logits.size() && largest > 0 &&
                      difference <= 1e-4F * std::max(1.0F, largest);
    std::cout << what << ": " << a.backend << " and " << b.backend << ", " << a.ids.size() << " tokens, logits up to "
              << largest << " differ by at most " << difference << (same ? "\n" : ": DISAGREE\n");
    return same;
}

} // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: consumer FOLDER\n";
        return 2;
    }
    const std::string folder = argv[1];
    const bool best = agree(baseline_answer(folder, ""), native_answer(folder, ""), "best kernels");
    const bool plain =
        agree(baseline_answer(folder, "baseline"), native_answer(folder, "baseline"), "baseline kernels");
    return best && plain ? 0 : 1;
} catch (const apertus::error& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
