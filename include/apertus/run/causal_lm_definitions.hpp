// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/causal_lm.hpp that need no model's templates; the others are in run/load_model.hpp.
#pragma once

#include <apertus/run/causal_lm.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

APERTUS_BEGIN_NAMESPACE

#ifdef APERTUS_SEPARATE_COMPILATION
template generation_result generate<session_handle>(session_handle&, std::span<const prompt>, const generation_config&,
                                                    const generate_options&);
#endif

APERTUS_DEFINITION generation_result causal_lm::generate(std::span<const prompt> prompts, const generation_config& call,
                                                         const generate_options& options) const {
    const generation_config merged = merge(generation_, call);
    const effective_generation_config e = effective(merged);
    session_options wanted;
    wanted.max_sequences = std::clamp<std::size_t>(prompts.size(), 1, max_generate_sequences);
    wanted.max_length = 1;
    for (const prompt& p : prompts) {
        const std::size_t n = std::max<std::size_t>(1, p.ids.size());
        wanted.max_length =
            std::max(wanted.max_length, e.max_new_tokens ? n + *e.max_new_tokens : std::max(n, *e.max_length));
    }
    session_handle session = new_session(wanted);
    return apertus::generate(session, prompts, merged, options);
}

APERTUS_DEFINITION generation_result causal_lm::generate(std::span<const std::int32_t> ids,
                                                         const generation_config& call,
                                                         const generate_options& options) const {
    const prompt one{ids};
    return generate(std::span(&one, 1), call, options);
}

APERTUS_END_NAMESPACE
