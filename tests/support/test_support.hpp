// SPDX-License-Identifier: Apache-2.0
//
// What every test may use: paths of test data, whole-file reading, and a way to skip a test that is reported at the end.
// Data beside the checkout ("../shared/data", or the folder named by APERTUS_TEST_DATA) may be absent; a test that needs
// it says so:
//
//     if (!have_data("text/udhr.txt")) return skip_test("../shared/data/text/udhr.txt is not there");
#pragma once

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifndef APERTUS_SOURCE_DIR
#error "APERTUS_SOURCE_DIR must be defined to the root of the source tree"
#endif

namespace test_support {

/// A test that chose not to run, and why.
struct skipped_test {
    std::string name;
    std::string reason;
};

inline std::vector<skipped_test>& skipped_tests() {
    static std::vector<skipped_test> list;
    return list;
}

/// Records the running test as skipped; the caller then returns. A failed check still makes it a failed test.
inline void skip_test(std::string_view reason) {
    const std::string name = boost::unit_test::framework::current_test_case().full_name();
    BOOST_TEST_MESSAGE("skipped: " << name << ": " << reason);
    BOOST_TEST(true); // Boost complains about a test without a check
    skipped_tests().push_back({name, std::string(reason)});
}

/// The value of an environment variable, "" when it is not set.
[[nodiscard]] inline std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

/// A file of this source tree.
[[nodiscard]] inline std::string source_path(std::string_view relative) {
    return std::string(APERTUS_SOURCE_DIR "/").append(relative);
}

/// A file of the data beside the checkout, which may be absent: see have_data.
[[nodiscard]] inline std::string data_path(std::string_view relative) {
    std::string root = environment("APERTUS_TEST_DATA");
    if (root.empty()) root = APERTUS_SOURCE_DIR "/../shared/data";
    return root.append("/").append(relative);
}

[[nodiscard]] inline bool file_exists(const std::string& path) { return std::ifstream(path).good(); }

[[nodiscard]] inline bool have_data(std::string_view relative) { return file_exists(data_path(relative)); }

/// All bytes of a file; the test fails where it cannot be opened.
[[nodiscard]] inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    BOOST_REQUIRE_MESSAGE(in.good(), "cannot open " + path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace test_support

using test_support::data_path;
using test_support::have_data;
using test_support::read_file;
using test_support::skip_test;
using test_support::source_path;
