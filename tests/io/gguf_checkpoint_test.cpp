// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file and several shards as one model; shards that do not belong together are refused.
#include <apertus/io/gguf_checkpoint.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/gguf_bytes.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using apertus::gguf_checkpoint;
using apertus::gguf_file;
using test_support::as_bytes;
using test_support::as_text;
using test_support::gguf_writer;
using test_support::little_endian;

/// Shard `number` of `count`, with one tensor.
gguf_writer shard(std::uint16_t number, std::uint16_t count, std::string_view tensor) {
    gguf_writer w;
    if (number == 0) w.add("general.architecture", "apertus").raw("split.tensors.count", 5, little_endian(2));
    w.raw("split.no", 2, little_endian(number)).raw("split.count", 2, little_endian(count));
    w.tensor(tensor, 0, {1}, std::string(4, static_cast<char>('a' + number)));
    return w;
}

std::string message_of(const std::vector<std::string>& bytes,
                       apertus::error_category category = apertus::error_category::format) {
    std::vector<gguf_file> files;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        files.push_back(gguf_file::from_bytes(as_bytes(bytes[i]), "file" + std::to_string(i)));
    }
    return error_message(category, [&] { (void)gguf_checkpoint(std::move(files)); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(gguf_checkpoints)

BOOST_AUTO_TEST_CASE(paths) {
    BOOST_TEST(apertus::is_gguf_path("a/b.gguf"));
    BOOST_TEST(apertus::is_gguf_path("B.GGUF"));
    BOOST_TEST(!apertus::is_gguf_path("a/b.gguf/"));
    BOOST_TEST(!apertus::is_gguf_path("folder"));
}

BOOST_AUTO_TEST_CASE(one_file) {
    const test_support::temporary_folder folder;
    const std::string path = folder.write(
        "m.gguf", gguf_writer().add("n", 1u).tensor("b", 0, {1}, "bbbb").tensor("a", 0, {2}, "aaaaaaaa").bytes());
    for (const bool use_mmap : {true, false}) {
        const auto files = gguf_checkpoint::open(path, use_mmap);
        BOOST_TEST(files.name() == path);
        BOOST_TEST(files.files()[0].is_mapped() == use_mmap);
        BOOST_TEST(*files.metadata().natural("n") == 1u);
        BOOST_REQUIRE_EQUAL(files.tensors().size(), 2u);
        BOOST_TEST(files.tensors()[0].info->name == "a"); // sorted
        BOOST_TEST(files.total_bytes() == 12u);
        BOOST_TEST(files.find("c") == nullptr);
        const auto* const b = files.find("b");
        BOOST_REQUIRE(b != nullptr);
        std::vector<std::byte> bytes(4);
        b->file->read(*b->info, bytes);
        BOOST_TEST(as_text(bytes) == "bbbb");
    }
}

BOOST_AUTO_TEST_CASE(shards) {
    const test_support::temporary_folder folder;
    const std::string first = folder.write("m-00001-of-00002.gguf", shard(0, 2, "a").bytes());
    const std::string second = folder.write("m-00002-of-00002.gguf", shard(1, 2, "b").bytes());
    const auto files = gguf_checkpoint::open(first);
    BOOST_TEST(files.files().size() == 2u);
    BOOST_TEST(*files.metadata().text("general.architecture") == "apertus");
    const auto* const b = files.find("b");
    BOOST_REQUIRE(b != nullptr);
    BOOST_TEST(as_text(b->file->view(*b->info)) == "bbbb");
    const auto fails = [](const std::string& path, const std::string& message) {
        BOOST_CHECK_EXCEPTION((void)gguf_checkpoint::open(path), apertus::error, [&](const apertus::error& e) {
            BOOST_TEST(e.what() == message);
            return true;
        });
    };
    fails(second, second + ": file name: expected the first of 2 shards, a name that ends with '-00001-of-00002.gguf', "
                           "found another");
    const std::string alone = folder.write("x-00001-of-00003.gguf", shard(0, 3, "a").bytes());
    BOOST_CHECK_EXCEPTION((void)gguf_checkpoint::open(alone), apertus::error, [](const apertus::error& e) {
        return e.category() == apertus::error_category::io; // x-00002-of-00003.gguf is not there
    });
}

BOOST_AUTO_TEST_CASE(files_that_do_not_belong_together) {
    BOOST_TEST(message_of({}, apertus::error_category::io) ==
               "GGUF checkpoint: files: expected at least one, found none");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes(), shard(1, 2, "b").bytes()}) == "no error");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes()}) ==
               "file0: metadata 'split.count': expected 1, the number of files given, found 2");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes(), shard(0, 2, "b").bytes()}) ==
               "file1: metadata 'split.no': expected 1, found 0");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes(), shard(1, 3, "b").bytes()}) ==
               "file1: metadata 'split.count': expected 2, as in the first file, found 3");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes(), shard(1, 2, "a").bytes()}) ==
               "file1: tensor 'a': expected one of that name, found another in file0");
    gguf_writer more = shard(1, 2, "b");
    more.tensor("c", 0, {1}, "cccc");
    BOOST_TEST(message_of({shard(0, 2, "a").bytes(), more.bytes()}) ==
               "file0: metadata 'split.tensors.count': expected 3, the number of tensors found, found 2");
    BOOST_TEST(message_of({gguf_writer().add("split.count", 100'000u).bytes()}) ==
               "file0: metadata 'split.count': expected at most 9999, found 100000");
}

BOOST_AUTO_TEST_SUITE_END()
