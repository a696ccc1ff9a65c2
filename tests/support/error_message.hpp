// SPDX-License-Identifier: Apache-2.0
//
// What went wrong, as text to compare with.
#pragma once

#include <apertus/core/error.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace test_support {

/// The message of the apertus::error that f() throws, "no error" when it throws none. An error of another category is a
/// failed check.
template <class F> std::string error_message(apertus::error_category category, F&& f) {
    try {
        f();
    } catch (const apertus::error& e) {
        BOOST_TEST((e.category() == category), e.what());
        return e.what();
    }
    return "no error";
}

} // namespace test_support

using test_support::error_message;
