// SPDX-License-Identifier: Apache-2.0
//
// Compiled with -march=native, and linked with baseline.cpp.
#include "answer.hpp"

answer native_answer(const std::string& folder, const std::string& isa) { return run_model(folder, isa); }
