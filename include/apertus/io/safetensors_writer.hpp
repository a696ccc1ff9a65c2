// SPDX-License-Identifier: Apache-2.0
//
// Writes one safetensors file, whole or not at all (see output_file.hpp). The data begins at a multiple of 4096 bytes;
// whether each tensor is aligned is up to the sizes of those before it, since the format has no holes.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/core/error.hpp>
#include <apertus/io/checkpoint.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Throws error(io) when the file cannot be written, error(shape) for a tensor whose bytes are not as many as its type and
/// shape say, error(format) for two of one name,
/// error(cancelled). A file of that name is replaced at the end, in one step.
APERTUS_DECLARATION void write_safetensors(const std::string& path,
                                           std::span<const std::pair<std::string, std::string>> metadata,
                                           std::span<const memory_tensor> tensors, const cancellation& cancel = {});

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/safetensors_writer_definitions.hpp>
#endif
