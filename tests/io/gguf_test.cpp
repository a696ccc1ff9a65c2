// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file: the sources give the same, every type of metadata is read, and everything that a file can get wrong is
// named.
#include <apertus/io/gguf.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/gguf_bytes.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using apertus::gguf_array;
using apertus::gguf_file;
using apertus::gguf_scalar;
using apertus::gguf_type;
using test_support::as_bytes;
using test_support::as_text;
using test_support::gguf_string;
using test_support::gguf_writer;
using test_support::little_endian;

constexpr std::uint32_t f32 = 0, q4_0 = 2, q4_k = 12;

gguf_writer good() {
    gguf_writer w;
    w.add("general.architecture", "apertus").add("n", std::uint32_t{7}).add("flag", true).add("x", 0.5f);
    w.add("tokens", std::vector<std::string>{"a", "", "bcd"});
    w.tensor("vector", f32, {3}, "AAAABBBBCCCC");
    w.tensor("matrix", q4_0, {64, 2}, std::string(4 * 18, 'q'));
    w.tensor("scalar", f32, {}, "ssss");
    w.tensor("empty", f32, {0, 5}, "");
    return w;
}

std::string message_of(std::string_view bytes) {
    return error_message(apertus::error_category::format,
                         [&] { (void)gguf_file::from_bytes(as_bytes(bytes), "m.gguf"); });
}
std::string message_of(const gguf_writer& w) { return message_of(w.bytes()); }

std::string read_all(const gguf_file& file, std::string_view name) {
    const apertus::gguf_tensor* const t = file.find(name);
    BOOST_REQUIRE(t != nullptr);
    std::vector<std::byte> out(t->size_bytes());
    file.read(*t, out);
    return as_text(out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(gguf)

BOOST_AUTO_TEST_CASE(every_source_gives_the_same) {
    const std::string bytes = good().bytes();
    const test_support::temporary_folder folder;
    const std::string path = folder.write("m.gguf", bytes);
    std::vector<gguf_file> files;
    files.push_back(gguf_file::from_bytes(as_bytes(bytes)));
    files.push_back(gguf_file::open(path));
    files.push_back(gguf_file::open_unmapped(path));
    files.push_back(gguf_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            BOOST_REQUIRE(offset <= bytes.size() && out.size() <= bytes.size() - offset);
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size()));
    for (const gguf_file& file : files) {
        BOOST_TEST_CONTEXT(file.document()) {
            BOOST_TEST(file.version() == 3u);
            BOOST_REQUIRE_EQUAL(file.tensors().size(), 4u);
            BOOST_TEST(file.tensors()[0].name == "vector");
            BOOST_TEST(*file.metadata().text("general.architecture") == "apertus");
            BOOST_TEST(file.metadata().texts("tokens")->text(2) == "bcd");
            const apertus::gguf_tensor* const matrix = file.find("matrix");
            BOOST_REQUIRE(matrix != nullptr);
            BOOST_TEST(matrix->type.name == "Q4_0");
            BOOST_TEST(matrix->shape == (std::vector<std::uint64_t>{2, 64}));
            BOOST_TEST(matrix->elements() == 128u);
            BOOST_TEST(matrix->begin % 32 == 0u);
            BOOST_TEST(read_all(file, "matrix") == std::string(72, 'q'));
            BOOST_TEST(read_all(file, "vector") == "AAAABBBBCCCC");
            BOOST_TEST(read_all(file, "scalar") == "ssss");
            BOOST_TEST(read_all(file, "empty").empty());
            BOOST_TEST(file.find("none") == nullptr);
            std::byte two[2];
            file.read(*file.find("vector"), two, 3);
            BOOST_TEST(as_text(two) == "AB");
            BOOST_CHECK_EXCEPTION(
                file.read(*file.find("vector"), two, 11), apertus::error, [&](const apertus::error& e) {
                    return e.category() == apertus::error_category::shape &&
                           e.what() == file.document() + ": read from tensor 'vector': expected a range inside its 12 "
                                                         "bytes, found 2 bytes at 11";
                });
            if (file.zero_copy()) {
                BOOST_TEST(as_text(file.view(*matrix)) == std::string(72, 'q'));
            } else {
                BOOST_CHECK_THROW((void)file.view(*matrix), apertus::error);
            }
        }
    }
    BOOST_TEST(files[1].is_mapped());
    BOOST_TEST(!files[0].is_mapped());
    BOOST_TEST(!files[2].zero_copy());
    const gguf_file moved = std::move(files[1]);
    BOOST_TEST(as_text(moved.view(*moved.find("scalar"))) == "ssss");
}

BOOST_AUTO_TEST_CASE(version_2_is_the_same) {
    gguf_writer w = good();
    w.version = 2;
    const std::string bytes = w.bytes();
    const auto file = gguf_file::from_bytes(as_bytes(bytes));
    BOOST_TEST(file.version() == 2u);
    BOOST_TEST(read_all(file, "vector") == "AAAABBBBCCCC");
}

BOOST_AUTO_TEST_CASE(a_header_larger_than_a_piece_through_a_reader) {
    std::vector<std::string> tokens;
    for (int i = 0; i < 60'000; ++i) tokens.push_back("token " + std::to_string(i));
    gguf_writer w = good();
    w.add("many", tokens);
    const std::string bytes = w.bytes();
    std::size_t calls = 0;
    const auto file = gguf_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            ++calls;
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size());
    BOOST_TEST(file.metadata().texts("many")->text(59'999) == "token 59999");
    BOOST_TEST(calls > 1u);
    BOOST_TEST(calls < 20u);
    BOOST_TEST(read_all(file, "vector") == "AAAABBBBCCCC");
}

BOOST_AUTO_TEST_CASE(all_types_of_metadata) {
    gguf_writer w;
    w.raw("u8", 0, "\xff").raw("i8", 1, "\xff").raw("u16", 2, "\xfe\xff").raw("i16", 3, "\xfe\xff");
    w.raw("u32", 4, little_endian(0xffffffffu)).raw("i32", 5, little_endian(std::int32_t{-5}));
    w.raw("f32", 6, little_endian(0.1f)).raw("bool", 7, std::string(1, '\0')).add("text", "hello");
    w.raw("u64", 10, little_endian(~std::uint64_t{0})).raw("i64", 11, little_endian(std::int64_t{1} << 62));
    w.raw("f64", 12, little_endian(0.1));
    w.add_numbers("ints", std::vector<std::int32_t>{-1, 2, 3}).add_numbers("floats", std::vector<float>{0.5f, 2.0f});
    w.raw("bools", 9, little_endian(std::uint32_t{7}) + little_endian(std::uint64_t{2}) + std::string("\1\0", 2));
    const std::string inner = little_endian(std::uint32_t{0}) + little_endian(std::uint64_t{2}) + "ab";
    w.raw("nested", 9, little_endian(std::uint32_t{9}) + little_endian(std::uint64_t{2}) + inner + inner);
    const std::string bytes = w.bytes();
    const auto file = gguf_file::from_bytes(as_bytes(bytes), "m.gguf");
    const apertus::gguf_metadata& m = file.metadata();
    BOOST_TEST(m.entries().size() == 16u);
    BOOST_TEST(*m.natural("u8") == 255u);
    BOOST_TEST(*m.number("i8") == -1.0);
    BOOST_TEST(*m.natural("u16") == 65534u);
    BOOST_TEST(*m.number("i16") == -2.0);
    BOOST_TEST(*m.natural("u32") == 0xffffffffu);
    BOOST_TEST(*m.number("i32") == -5.0);
    BOOST_TEST(*m.number("f32") == double{0.1f});
    BOOST_TEST(*m.boolean("bool") == false);
    BOOST_TEST(*m.text("text") == "hello");
    BOOST_TEST(*m.natural("u64") == ~std::uint64_t{0});
    BOOST_TEST(*m.natural("i64") == std::uint64_t{1} << 62);
    BOOST_TEST(*m.number("f64") == 0.1);
    BOOST_TEST(m.integers("ints")->integer(0) == -1);
    BOOST_TEST(m.numbers("ints")->number(2) == 3.0);
    BOOST_TEST(m.numbers("floats")->number(1) == 2.0);
    const auto& bools = std::get<gguf_array>(m.find("bools")->content);
    BOOST_TEST(std::get<bool>(bools.scalar(0)));
    BOOST_TEST(!std::get<bool>(bools.scalar(1)));
    const auto& nested = std::get<gguf_array>(m.find("nested")->content);
    BOOST_TEST(nested.size() == 2u);
    BOOST_TEST(nested.arrays[1].integer(1) == 'b');
    // What is not there, and what is of another kind.
    BOOST_TEST(!m.natural("none"));
    BOOST_TEST(!m.text("none"));
    BOOST_TEST(m.texts("none") == nullptr);
    const auto wrong = [&](auto&& ask, const std::string& message) {
        BOOST_CHECK_EXCEPTION(ask(), apertus::error, [&](const apertus::error& e) {
            BOOST_TEST(e.what() == "m.gguf: metadata " + message);
            return e.category() == apertus::error_category::format;
        });
    };
    wrong([&] { (void)m.natural("i32"); }, "'i32': expected an integer of at least 0, found int32 -5");
    wrong([&] { (void)m.natural("f32"); }, "'f32': expected an integer of at least 0, found float32 0.100000001");
    wrong([&] { (void)m.natural("bool"); }, "'bool': expected an integer of at least 0, found bool false");
    wrong([&] { (void)m.number("text"); }, "'text': expected a number, found string 'hello'");
    wrong([&] { (void)m.boolean("u8"); }, "'u8': expected a bool, found uint8 255");
    wrong([&] { (void)m.text("ints"); }, "'ints': expected a string, found an array of 3 int32");
    wrong([&] { (void)m.texts("ints"); }, "'ints': expected an array of strings, found an array of 3 int32");
    wrong([&] { (void)m.integers("floats"); }, "'floats': expected an array of integers, found an array of 2 float32");
    wrong([&] { (void)m.numbers("u8"); }, "'u8': expected an array of numbers, found uint8 255");
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    gguf_writer w;
    w.add("flag", true).add("tokens", std::vector<std::string>{"a", "bcd"});
    w.tensor("a", f32, {3}, "AAAABBBBCCCC").tensor("b", f32, {1, 1}, "DDDD");
    const std::string bytes = w.bytes();
    BOOST_TEST(message_of(bytes) == "no error");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(message_of(std::string_view(bytes).substr(0, size)) != "no error", size << " bytes");
    }
    BOOST_TEST(message_of("") == "m.gguf: magic at byte 0: expected 4 bytes, found 0 (the file ends)");
    BOOST_TEST(message_of(std::string_view(bytes).substr(0, bytes.size() - 1)) ==
               "m.gguf: tensor 'b': expected to end within the 35 bytes of data, found bytes 32 to 36");
    BOOST_TEST(message_of(bytes + "padding is allowed") == "no error");
}

BOOST_AUTO_TEST_CASE(head) {
    gguf_writer w = good();
    w.magic = "GGML";
    BOOST_TEST(message_of(w) == "m.gguf: magic (bytes 0 to 3): expected 'GGUF', found 'GGML'");
    w.magic = "GGUF";
    w.version = 1;
    BOOST_TEST(message_of(w) == "m.gguf: version: expected 2 or 3, found 1");
    w.version = 4;
    BOOST_TEST(message_of(w) == "m.gguf: version: expected 2 or 3, found 4");
    w.version = 3u << 24;
    BOOST_TEST(message_of(w) ==
               "m.gguf: byte order: expected a little-endian file, found a big-endian one (version 50331648)");
    w.version = 3;
    w.extra_tensors = ~std::uint64_t{0} - 100;
    BOOST_TEST(message_of(w).starts_with("m.gguf: number of tensors: expected at most "));
    w.extra_tensors = 1;
    BOOST_TEST(message_of(w) != "no error");
    w.extra_tensors = 0;
    w.extra_entries = std::uint64_t{1} << 40;
    BOOST_TEST(message_of(w).starts_with("m.gguf: number of metadata entries: expected at most "));
    BOOST_TEST(message_of(gguf_writer()) == "no error"); // nothing in it
}

BOOST_AUTO_TEST_CASE(metadata) {
    BOOST_TEST(message_of(gguf_writer().add("a", true).add("b", true).add("a", false)) ==
               "m.gguf: metadata 'a': expected one of that key, found two");
    BOOST_TEST(message_of(gguf_writer().raw("a", 13, "12345678")) ==
               "m.gguf: metadata 'a': expected a type of 0 to 12, found 13");
    BOOST_TEST(message_of(gguf_writer().raw("a", 7, "\2")) == "m.gguf: metadata 'a': expected bool 0 or 1, found 2");
    BOOST_TEST(message_of(gguf_writer().add("", true)) == "m.gguf: metadata key: expected a name, found an empty one");
    BOOST_TEST(message_of(gguf_writer().add(std::string(65536, 'k'), true)) ==
               "m.gguf: metadata key at byte 24: expected a length of at most 65535, found 65536");
    BOOST_TEST(message_of(gguf_writer().raw("a", 8, little_endian(~std::uint64_t{0}) + "text")) ==
               "m.gguf: metadata 'a' at byte 37: expected a length of at most 536870912, found 18446744073709551615");
    BOOST_TEST(message_of(gguf_writer().raw("a", 8, little_endian(std::uint64_t{5}) + "text")) ==
               "m.gguf: metadata 'a' at byte 45: expected 5 bytes, found 4 (the file ends)");
    const auto array = [](std::uint32_t type, std::uint64_t count, std::string_view data) {
        return message_of(gguf_writer().raw("a", 9, (little_endian(type) + little_endian(count)).append(data)));
    };
    BOOST_TEST(array(0, 4, "data") == "no error");
    BOOST_TEST(array(0, 5, "data") ==
               "m.gguf: metadata 'a': expected an array of at most 4 uint8 (the file ends), found 5");
    // 2^61 elements of 8 bytes are 2^64 bytes: zero, if one multiplies without looking.
    BOOST_TEST(
        array(10, std::uint64_t{1} << 61, "12345678") ==
        "m.gguf: metadata 'a': expected an array of at most 1 uint64 (the file ends), found 2305843009213693952");
    BOOST_TEST(array(8, 2, gguf_string("x")) ==
               "m.gguf: metadata 'a': expected an array of at most 1 string (the file ends), found 2");
    BOOST_TEST(array(8, 1, little_endian(~std::uint64_t{0}) + "x") ==
               "m.gguf: metadata 'a' at byte 57: expected 18446744073709551615 bytes, found 1 (the file ends)");
    BOOST_TEST(array(7, 2, std::string("\1\2")) == "m.gguf: metadata 'a': expected bool 0 or 1, found 2");
    BOOST_TEST(array(13, 0, "") == "m.gguf: metadata 'a': expected a type of 0 to 12, found 13");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += little_endian(std::uint32_t{9}) + little_endian(std::uint64_t{1});
    BOOST_TEST(array(9, 1, deep) == "m.gguf: metadata 'a': expected arrays nested at most 4 deep, found deeper");
    std::string wide;
    for (int i = 0; i < 70'000; ++i) wide += little_endian(std::uint32_t{0}) + little_endian(std::uint64_t{0});
    BOOST_TEST(array(9, 70'000, wide) == "m.gguf: metadata 'a': expected at most 65536 nested arrays, found more");
}

BOOST_AUTO_TEST_CASE(a_header_without_end) {
    // A reader that claims a terabyte: what is read must stay bounded.
    const std::string start =
        gguf_writer().raw("a", 9, little_endian(std::uint32_t{0}) + little_endian(std::uint64_t{1} << 39)).bytes();
    const auto reader = [&](std::uint64_t offset, std::span<std::byte> out) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = offset + i < start.size() ? static_cast<std::byte>(start[static_cast<std::size_t>(offset) + i])
                                               : std::byte{0};
        }
    };
    BOOST_CHECK_EXCEPTION((void)gguf_file::from_reader(reader, 1ull << 40, "big"), apertus::error,
                          [](const apertus::error& e) {
                              return std::string(e.what()) == "big: header: expected at most 536870912 bytes before "
                                                              "the data, found more (metadata 'a')";
                          });
    BOOST_CHECK_EXCEPTION((void)gguf_file::from_reader({}, 100, "remote"), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()) == "remote: reader callback: expected a function, found nothing";
    });
    BOOST_CHECK_THROW(
        (void)gguf_file::from_reader(
            [](std::uint64_t, std::span<std::byte>) { throw std::out_of_range("the network is gone"); }, 1000),
        std::out_of_range);
}

BOOST_AUTO_TEST_CASE(tensors) {
    const auto info = [](std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& extents,
                         std::uint64_t offset = 0) {
        return message_of(gguf_writer()
                              .tensor("first", f32, {16}, std::string(64, 'x'))
                              .tensor("last", f32, {16}, std::string(64, 'x'))
                              .tensor_info(name, type, extents, offset));
    };
    BOOST_TEST(info("w", f32, {0}) == "no error");
    BOOST_TEST(info("last", f32, {0}) == "m.gguf: tensor 'last': expected one of that name, found two");
    BOOST_TEST(info("", f32, {0}) == "m.gguf: tensor name: expected a name, found an empty one");
    BOOST_TEST(info(std::string(64, 'n'), f32, {0}) == "no error");
    BOOST_TEST(info(std::string(65, 'n'), f32, {0}) ==
               "m.gguf: tensor name at byte 97: expected a length of at most 64, found 65");
    BOOST_TEST(info("w", f32, {1, 1, 1, 1, 1}) == "m.gguf: tensor 'w': expected at most 4 dimensions, found 5");
    BOOST_TEST(info("w", 4, {0}) == "m.gguf: tensor 'w' type: expected a type of ggml, found 4");
    BOOST_TEST(info("w", 0xffffffffu, {0}) == "m.gguf: tensor 'w' type: expected a type of ggml, found 4294967295");
    BOOST_TEST(info("w", q4_0, {33, 1}) ==
               "m.gguf: tensor 'w': expected rows of a multiple of 32 elements for type Q4_0, found 33");
    BOOST_TEST(info("w", q4_k, {}) ==
               "m.gguf: tensor 'w': expected rows of a multiple of 256 elements for type Q4_K, found 1");
    BOOST_TEST(info("w", f32, {1}, 4) == "m.gguf: tensor 'w' offset: expected a multiple of the alignment 32, found 4");
    BOOST_TEST(info("w", f32, {1}, 32) ==
               "m.gguf: tensor 'w' offset: expected at least 64, the end of 'first', found 32 (an overlap)");
    BOOST_TEST(info("w", f32, {1}, 128) ==
               "m.gguf: tensor 'w': expected to end within the 128 bytes of data, found bytes 128 to 132");
    const std::string large = "m.gguf: tensor 'w': expected fewer than 2^63 bytes and elements, found ";
    BOOST_TEST(info("w", f32, {std::uint64_t{1} << 62}) == large + "[4611686018427387904] at offset 0");
    BOOST_TEST(info("w", f32, {std::uint64_t{1} << 63}) == large + "[9223372036854775808] at offset 0");
    BOOST_TEST(info("w", f32, {1ull << 32, 1ull << 32}) == large + "[4294967296, 4294967296] at offset 0");
    BOOST_TEST(info("w", f32, {1ull << 32, 0, 1ull << 32}) == large + "[4294967296, 0, 4294967296] at offset 0");
    BOOST_TEST(info("w", f32, {1}, ~std::uint64_t{31}) == large + "[1] at offset 18446744073709551584");
    BOOST_TEST(info("w", f32, {1}, (std::uint64_t{1} << 63) - 32) ==
               "m.gguf: tensor 'w': expected to end within the 128 bytes of data, found bytes 9223372036854775776 to "
               "9223372036854775780");
}

BOOST_AUTO_TEST_CASE(only_empty_tensors) {
    const std::string bytes = gguf_writer().tensor("nothing", f32, {0, 0}, "").bytes();
    const auto file = gguf_file::from_bytes(as_bytes(bytes)); // ends before its data would begin
    BOOST_TEST(file.find("nothing")->begin <= bytes.size());
    BOOST_TEST(file.view(*file.find("nothing")).empty());
    BOOST_TEST(read_all(file, "nothing").empty());
}

BOOST_AUTO_TEST_CASE(alignment) {
    gguf_writer w;
    w.add("general.alignment", std::uint32_t{64}).alignment = 64;
    w.tensor("a", f32, {1}, "aaaa").tensor("b", f32, {1}, "bbbb");
    const std::string bytes = w.bytes();
    const auto file = gguf_file::from_bytes(as_bytes(bytes));
    BOOST_TEST(file.find("b")->begin % 64 == 0u);
    BOOST_TEST(read_all(file, "b") == "bbbb");
    for (const std::uint32_t bad : {0u, 3u, 48u}) {
        BOOST_TEST(message_of(gguf_writer().add("general.alignment", bad)) ==
                   "m.gguf: metadata 'general.alignment': expected a power of two of at most 2147483648, found " +
                       std::to_string(bad));
    }
    BOOST_TEST(message_of(gguf_writer().add("general.alignment", "32")) ==
               "m.gguf: metadata 'general.alignment': expected an integer of at least 0, found string '32'");
}

BOOST_AUTO_TEST_CASE(files_on_disk) {
    const test_support::temporary_folder folder;
    BOOST_CHECK_EXCEPTION((void)gguf_file::open(folder.path("none.gguf")), apertus::error,
                          [](const apertus::error& e) { return e.category() == apertus::error_category::io; });
    const std::string empty = folder.write("empty.gguf", "");
    BOOST_CHECK_EXCEPTION((void)gguf_file::open(empty), apertus::error,
                          [](const apertus::error& e) { return e.category() == apertus::error_category::format; });
}

BOOST_AUTO_TEST_SUITE_END()
