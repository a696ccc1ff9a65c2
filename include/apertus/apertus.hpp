// SPDX-License-Identifier: Apache-2.0
//
// The whole CPU side of the library in one include. Each room's headers can be included by themselves; this is the list.
// With APERTUS_SEPARATE_COMPILATION (the CMake target apertus::compiled) the templates behind `causal_lm` are compiled
// once, elsewhere.
#pragma once

#include <apertus/version.hpp>

#include <apertus/core/cancellation.hpp>
#include <apertus/core/concepts.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>

#include <apertus/io/checkpoint.hpp>

#include <apertus/generate/generate.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/generate/streamer.hpp>

#include <apertus/run/causal_lm.hpp>

#ifndef APERTUS_SEPARATE_COMPILATION
#include <apertus/run/load_model.hpp>
#endif
