// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"
int cli::bench(const model_options&, const bench_arguments&) { return 1; }
