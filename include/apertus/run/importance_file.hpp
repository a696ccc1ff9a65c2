// SPDX-License-Identifier: Apache-2.0
//
// An importance matrix in a file: a safetensors file with an F32 tensor [cols] for every matrix of the model, by the
// matrix's name, and "__metadata__" {"apertus importance": "1", "tokens": how many it was measured on}.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/model/importance_matrix.hpp>
#include <apertus/version.hpp>

#include <string>

APERTUS_BEGIN_NAMESPACE

/// Throws error(io) when the file cannot be written; then one that was there is still what it was.
APERTUS_DECLARATION void write_importance(const std::string& path, const importance_matrix& importance,
                                          const cancellation& cancel = {});

/// Throws error(io), and error(format) for a file that is damaged or something else.
APERTUS_DECLARATION [[nodiscard]] importance_matrix read_importance(const std::string& path);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/importance_file_definitions.hpp>
#endif
