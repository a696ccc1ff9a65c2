// SPDX-License-Identifier: Apache-2.0
//
// All block formats of GGUF files that the library computes with.
#pragma once

#include <apertus/format/gguf_k.hpp>      // IWYU pragma: export
#include <apertus/format/gguf_legacy.hpp> // IWYU pragma: export
