// SPDX-License-Identifier: Apache-2.0
#include <apertus/io/safetensors_writer.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace apertus;
using test_support::as_bytes;
using test_support::as_text;

BOOST_AUTO_TEST_SUITE(io_safetensors_writer)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const test_support::temporary_folder folder;
    const std::vector<std::pair<std::string, std::string>> metadata{{"format", "pt"}, {"a \"key\"\n", "Grüezi \\ 1"}};
    const std::vector<memory_tensor> tensors{{"z", dtype::f32, {2, 1}, as_bytes("abcdefgh")},
                                             {"a\"b", dtype::u8, {3}, as_bytes("xyz")},
                                             {"empty", dtype::bf16, {0, 7}, {}},
                                             {"scalar", dtype::bf16, {}, as_bytes("uv")}};
    write_safetensors(folder.path("out"), metadata, tensors);
    const safetensors_file file = safetensors_file::open(folder.path("out"));
    BOOST_TEST(file.metadata().size() == metadata.size());
    for (std::size_t i = 0; i < metadata.size(); ++i) BOOST_TEST((file.metadata()[i] == metadata[i]));
    BOOST_TEST(file.tensors().size() == tensors.size());
    for (const memory_tensor& t : tensors) {
        const tensor_entry* const found = file.find(t.name);
        BOOST_REQUIRE(found != nullptr);
        BOOST_TEST((found->dtype == t.dtype));
        BOOST_TEST((found->shape == t.shape));
        BOOST_TEST(as_text(file.view(*found)) == as_text(t.bytes));
    }
    BOOST_TEST(file.find("z")->begin % 4096 == 0U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_file_is_refused_before_anything_is_written) {
    const test_support::temporary_folder folder;
    const std::string path = folder.path("out");
    const auto write = [&](std::vector<memory_tensor> tensors) { write_safetensors(path, {}, tensors); };
    BOOST_TEST(error_message(error_category::shape, [&] {
                   write({{"a", dtype::f32, {2}, as_bytes("abcd")}});
               }).find("8 bytes") != std::string::npos);
    BOOST_TEST(error_message(error_category::format, [&] {
                   write({{"a", dtype::u8, {1}, as_bytes("a")}, {"a", dtype::u8, {1}, as_bytes("b")}});
               }).find("one of that name") != std::string::npos);
    BOOST_TEST(!path_exists(path));
}

BOOST_AUTO_TEST_CASE(a_stop_request_ends_it) {
    const test_support::temporary_folder folder;
    const std::vector<memory_tensor> tensors{{"a", dtype::u8, {3}, as_bytes("xyz")}};
    std::stop_source stop;
    stop.request_stop();
    cancellation cancel;
    cancel.stop = stop.get_token();
    BOOST_TEST(error_message(error_category::cancelled, [&] {
                   write_safetensors(folder.path("out"), {}, tensors, cancel);
               }).find("write") != std::string::npos);
    BOOST_TEST(!path_exists(folder.path("out")));
}

BOOST_AUTO_TEST_SUITE_END()
