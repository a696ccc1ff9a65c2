// SPDX-License-Identifier: Apache-2.0
//
// The whole CPU side of the library in one include. Each room's headers can be included by themselves; this is the list.
#pragma once

#include <apertus/version.hpp>

#include <apertus/core/cancellation.hpp>
#include <apertus/core/concepts.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>
