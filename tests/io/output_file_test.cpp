// SPDX-License-Identifier: Apache-2.0
#include <apertus/io/output_file.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/file_size_limit.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>

#include <filesystem>
#include <string>

using namespace apertus;
using test_support::as_bytes;

namespace {

std::size_t count_files(const std::string& folder) {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
    return n;
}

} // namespace

BOOST_AUTO_TEST_SUITE(io_output_file)

BOOST_AUTO_TEST_CASE(nothing_is_there_before_commit_and_all_of_it_afterwards) {
    const test_support::temporary_folder folder;
    const std::string path = folder.write("out", "before");
    {
        output_file file(path);
        file.write(as_bytes("new "));
        file.write(as_bytes("content"));
        BOOST_TEST(read_file(path, 100) == "before");
        file.commit();
    }
    BOOST_TEST(read_file(path, 100) == "new content");
    BOOST_TEST(count_files(folder.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_not_committed_is_gone) {
    const test_support::temporary_folder folder;
    {
        output_file first(folder.path("out"));
        output_file second(folder.path("out")); // two at once do not meet
        first.write(as_bytes("first"));
        second.write(as_bytes("second"));
        BOOST_TEST(count_files(folder.path()) == 2U);
    }
    BOOST_TEST(count_files(folder.path()) == 0U);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_an_error) {
    const test_support::temporary_folder folder;
    const std::string path = folder.path("nowhere/out");
    BOOST_TEST(error_message(error_category::io, [&] { const output_file file(path); }).find(path) == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error_and_leaves_nothing) {
    const test_support::temporary_folder folder;
    const std::string path = folder.write("out", "before");
    const test_support::file_size_limit limit(1000);
    const auto write_much = [&] {
        output_file file(path);
        for (int i = 0; i < 100; ++i) file.write(as_bytes("0123456789abcdef"));
        file.commit();
    };
    BOOST_TEST(error_message(error_category::io, write_much).find("cannot write") != std::string::npos);
    BOOST_TEST(count_files(folder.path()) == 1U);
    BOOST_TEST(read_file(path, 100) == "before");
}

BOOST_AUTO_TEST_SUITE_END()
