// SPDX-License-Identifier: Apache-2.0
//
// Compiled without instruction-set flags.
#include "answer.hpp"

answer baseline_answer(const std::string& folder, const std::string& isa) { return run_model(folder, isa); }
