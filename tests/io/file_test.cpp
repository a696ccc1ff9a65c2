// SPDX-License-Identifier: Apache-2.0
//
// Mappings and reads: content, moves, and the exact errors of what cannot be read.
#include <apertus/io/file.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/temporary_folder.hpp>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#if APERTUS_HAS_POSIX_FILES
#include <sys/stat.h>
#endif

namespace {

using test_support::temporary_folder;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class F> std::string message_of(F f, apertus::error_category category = apertus::error_category::io) {
    return error_message(category, f);
}

} // namespace

BOOST_AUTO_TEST_SUITE(file)

BOOST_AUTO_TEST_CASE(maps_and_moves) {
    const temporary_folder folder;
    apertus::mapped_file a(folder.write("a", "hello"));
    BOOST_TEST(text_of(a.bytes()) == "hello");
    const std::byte* const address = a.bytes().data();
    apertus::mapped_file b(std::move(a));
    BOOST_TEST(b.bytes().data() == address);
    apertus::mapped_file c(folder.write("c", "other"));
    c = std::move(b);
    BOOST_TEST(text_of(c.bytes()) == "hello");
    BOOST_TEST(c.path() == folder.path("a"));
    c = apertus::mapped_file();
    BOOST_TEST(c.bytes().empty());
}

BOOST_AUTO_TEST_CASE(empty_file_is_an_empty_span) {
    const temporary_folder folder;
    const apertus::mapped_file f(folder.write("empty", ""));
    BOOST_TEST(f.bytes().empty());
    BOOST_TEST(apertus::read_file(f.path(), 10).empty());
}

BOOST_AUTO_TEST_CASE(reads_at_offsets) {
    const temporary_folder folder;
    const apertus::readable_file f(folder.write("a", "0123456789"));
    BOOST_TEST(f.size() == 10u);
    std::array<std::byte, 4> four{};
    f.read(3, four);
    BOOST_TEST(text_of(four) == "3456");
    BOOST_TEST(message_of([&] { f.read(8, four); }) ==
               f.path() + ": byte 10: expected 2 more bytes, found the end of the file");
    f.read(100, std::span(four).first(0));
}

BOOST_AUTO_TEST_CASE(errors_name_path_and_reason) {
    const temporary_folder folder;
    const std::string missing = folder.path("missing");
    BOOST_TEST(message_of([&] { apertus::mapped_file f(missing); }) ==
               missing + ": cannot open: No such file or directory");
    BOOST_TEST(message_of([&] { apertus::mapped_file f(folder.path()); }) ==
               folder.path() + ": file type: expected a regular file, found a directory");
    BOOST_TEST(message_of([&] { (void)apertus::read_file(missing, 10); }) ==
               missing + ": cannot open: No such file or directory");
    const std::string through_a_file = folder.write("plain", "x") + "/inner";
    BOOST_TEST(message_of([&] { apertus::mapped_file f(through_a_file); }) ==
               through_a_file + ": cannot open: Not a directory");
}

BOOST_AUTO_TEST_CASE(small_files_have_a_limit) {
    const temporary_folder folder;
    const std::string path = folder.write("a", "0123456789");
    BOOST_TEST(apertus::read_file(path, 10) == "0123456789");
    BOOST_TEST(message_of([&] { (void)apertus::read_file(path, 9); }, apertus::error_category::resource) ==
               path + ": size: expected at most 9 bytes, found 10");
}

#if APERTUS_HAS_POSIX_FILES
BOOST_AUTO_TEST_CASE(a_pipe_does_not_hang) {
    const temporary_folder folder;
    const std::string path = folder.path("pipe");
    BOOST_REQUIRE_EQUAL(::mkfifo(path.c_str(), 0600), 0);
    BOOST_TEST(message_of([&] { apertus::mapped_file f(path); }) ==
               path + ": file type: expected a regular file, found something else");
}

BOOST_AUTO_TEST_CASE(permission_denied) {
    const temporary_folder folder;
    const std::string path = folder.write("secret", "x");
    std::filesystem::permissions(path, std::filesystem::perms::none);
    const std::string message = message_of([&] { apertus::mapped_file f(path); });
    if (::geteuid() == 0) BOOST_TEST(message == "no error"); // root may read everything
    else BOOST_TEST(message == path + ": cannot open: Permission denied");
}
#endif

BOOST_AUTO_TEST_CASE(hints_change_nothing) {
    const temporary_folder folder;
    const apertus::mapped_file f(folder.write("a", std::string(100'000, 'x')));
    for (const auto access : {apertus::file_access::sequential, apertus::file_access::will_need,
                              apertus::file_access::dont_need, apertus::file_access::normal}) {
        apertus::advise_mapped(f.bytes().subspan(17, 90'000), access);
        apertus::advise_mapped(f.bytes().first(0), access);
        BOOST_TEST(text_of(f.bytes()) == std::string(100'000, 'x'));
    }
}

BOOST_AUTO_TEST_CASE(paths) {
    BOOST_TEST(apertus::join_path("a", "b") == "a/b");
    BOOST_TEST(apertus::join_path("a/", "b") == "a/b");
    BOOST_TEST(apertus::join_path("", "b") == "b");
    const temporary_folder folder;
    BOOST_TEST(apertus::path_exists(folder.path()));
    BOOST_TEST(!apertus::path_exists(folder.path("nothing")));
}

BOOST_AUTO_TEST_SUITE_END()
