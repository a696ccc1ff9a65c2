// SPDX-License-Identifier: Apache-2.0
//
// The one translation unit of apertus::compiled.
#include <apertus/src.hpp>
