// SPDX-License-Identifier: Apache-2.0
//
// The list of architectures. A new one is a page of answers, a golden and a name here.
#pragma once

#include <apertus/arch/apertus.hpp>
#include <apertus/arch/llama.hpp>
#include <apertus/core/type_list.hpp>

APERTUS_BEGIN_NAMESPACE

using architectures = type_list<apertus_architecture, llama_architecture>;

APERTUS_END_NAMESPACE
