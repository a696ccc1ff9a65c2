// SPDX-License-Identifier: Apache-2.0
//
// The cache formats that the library ships. Adding one is a header with the struct, a test, and one name here: every
// backend then runs it by unpacking.
#pragma once

#include <apertus/core/kv_format.hpp>
#include <apertus/core/type_list.hpp>
#include <apertus/format/kv_dense.hpp>
#include <apertus/format/kv_int8.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

using kv_formats = type_list<kv_dense<float>, kv_dense<bf16>, kv_dense<f16>, kv_int8>;

/// The format of that name ("f32", "bf16", "f16", "int8"), upper and lower case alike, or null.
[[nodiscard]] constexpr const kv_format_info* find_kv_format(std::string_view name) noexcept {
    const kv_format_info* found = nullptr;
    visit_named<kv_formats>(name, [&]<class F>() { found = &kv_info_of<F>; });
    return found;
}

/// Their names with commas between, for messages.
[[nodiscard]] inline std::string kv_format_names() { return names_of<kv_formats>(); }

APERTUS_END_NAMESPACE
