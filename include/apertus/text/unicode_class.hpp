// SPDX-License-Identifier: Apache-2.0
//
// Which class a code point has, and sets of classes as bit masks: one 64-bit mask answers \p{L}, \s, [\p{Lu}\p{Lt}] and so on.
// The table is generated (unicode_data.hpp); code points above U+10FFFF do not occur.
#pragma once

#include <apertus/text/unicode_data.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// The general category; three categories are cut in two so that White_Space, Alphabetic and Join_Control are unions of classes.
enum class unicode_class : std::uint8_t {
    Lu,
    Ll,
    Lt,
    Lm,
    Lo,
    Mn,
    Mc,
    Me,
    Nd,
    Nl,
    No,
    Pc,
    Pd,
    Ps,
    Pe,
    Pi,
    Pf,
    Po,
    Sm,
    Sc,
    Sk,
    So,
    Zs,
    Zl,
    Zp,
    Cc,
    Cf,
    Cs,
    Co,
    Cn,
    So_alphabetic, ///< Ⓐ and its like: symbols with the property Alphabetic
    Cc_space,      ///< TAB, LF, VT, FF, CR, NEL
    Cf_join,       ///< ZWNJ, ZWJ
};

/// A set of classes.
using unicode_mask = std::uint64_t;

/// The set of the given classes.
template <class... Classes> [[nodiscard]] constexpr unicode_mask mask_of(Classes... classes) noexcept {
    return ((unicode_mask{1} << static_cast<unsigned>(classes)) | ... | unicode_mask{0});
}

namespace masks {

using enum unicode_class;
inline constexpr unicode_mask letter = mask_of(Lu, Ll, Lt, Lm, Lo);
inline constexpr unicode_mask mark = mask_of(Mn, Mc, Me);
inline constexpr unicode_mask number = mask_of(Nd, Nl, No);
inline constexpr unicode_mask punctuation = mask_of(Pc, Pd, Ps, Pe, Pi, Pf, Po);
inline constexpr unicode_mask symbol = mask_of(Sm, Sc, Sk, So, So_alphabetic);
inline constexpr unicode_mask separator = mask_of(Zs, Zl, Zp);
inline constexpr unicode_mask other = mask_of(Cc, Cc_space, Cf, Cf_join, Cs, Co, Cn);
/// The property White_Space; also \s of Oniguruma and of Rust's regex crate.
inline constexpr unicode_mask space = separator | mask_of(Cc_space);
/// \w of Rust's regex crate: Alphabetic, M, Nd, Pc, Join_Control.
inline constexpr unicode_mask word = letter | mark | mask_of(Nd, Nl, Pc, So_alphabetic, Cf_join);
inline constexpr unicode_mask any = letter | mark | number | punctuation | symbol | separator | other;

} // namespace masks

/// The class of a code point of at most U+10FFFF.
[[nodiscard]] constexpr unicode_class class_of(std::uint32_t code) noexcept {
    const std::size_t block = detail::unicode_blocks[code / detail::unicode_block_size];
    return static_cast<unicode_class>(
        detail::unicode_letters[block * detail::unicode_block_size + code % detail::unicode_block_size] - '#');
}

/// Whether the class of `code` is in `mask`.
[[nodiscard]] constexpr bool in_mask(std::uint32_t code, unicode_mask mask) noexcept {
    return (mask >> static_cast<unsigned>(class_of(code)) & 1) != 0;
}

/// The mask of a general category by its short name ("L", "Lu", "Nd", ...), as in \p{Lu}; empty for other names.
[[nodiscard]] constexpr std::optional<unicode_mask> category_mask(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 30> names = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                                        "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                                        "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
    if (name == "L") return masks::letter;
    if (name == "M") return masks::mark;
    if (name == "N") return masks::number;
    if (name == "P") return masks::punctuation;
    if (name == "S") return masks::symbol;
    if (name == "Z") return masks::separator;
    if (name == "C") return masks::other;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] != name) continue;
        unicode_mask mask = unicode_mask{1} << i;
        if (name == "So") mask |= mask_of(unicode_class::So_alphabetic);
        if (name == "Cc") mask |= mask_of(unicode_class::Cc_space);
        if (name == "Cf") mask |= mask_of(unicode_class::Cf_join);
        return mask;
    }
    return std::nullopt;
}

APERTUS_END_NAMESPACE
