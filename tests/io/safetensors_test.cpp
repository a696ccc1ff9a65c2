// SPDX-License-Identifier: Apache-2.0
//
// One safetensors file: the three sources give the same bytes, and everything that a header can get wrong is named.
#include <apertus/io/safetensors.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using apertus::safetensors_file;
using test_support::as_bytes;
using test_support::as_text;
using test_support::safetensors_bytes;

const std::string good_header = R"({"__metadata__":{"format":"pt"},)"
                                R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},)"
                                R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                                R"("none":{"dtype":"I64","shape":[0,7],"data_offsets":[14,14]},)"
                                R"("scalar":{"dtype":"F16","shape":[],"data_offsets":[14,16]}}    )";
const std::string good_data = "AAAAaaaaBBbbCCss";

std::string message_of(std::string_view bytes) {
    return error_message(apertus::error_category::format,
                         [&] { (void)safetensors_file::from_bytes(as_bytes(bytes), "m.safetensors"); });
}

/// The message for a file of that header and `size` bytes of data.
std::string header_message(std::string_view header, std::size_t size = 8) {
    return message_of(safetensors_bytes(header, std::string(size, 'x')));
}

std::string read_all(const safetensors_file& file, std::string_view name) {
    const apertus::tensor_entry* const entry = file.find(name);
    BOOST_REQUIRE(entry != nullptr);
    std::vector<std::byte> out(entry->size_bytes());
    file.read(*entry, out);
    return as_text(out);
}

} // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(every_source_gives_the_same) {
    const std::string bytes = safetensors_bytes(good_header, good_data);
    const test_support::temporary_folder folder;
    const std::string path = folder.write("m.safetensors", bytes);
    std::vector<safetensors_file> files;
    files.push_back(safetensors_file::from_bytes(as_bytes(bytes)));
    files.push_back(safetensors_file::open(path));
    files.push_back(safetensors_file::open_unmapped(path));
    files.push_back(safetensors_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size()));
    for (const safetensors_file& file : files) {
        BOOST_TEST_CONTEXT(file.document()) {
            BOOST_REQUIRE_EQUAL(file.tensors().size(), 4u);
            BOOST_TEST(file.tensors()[0].name == "a"); // in file order
            BOOST_TEST(file.metadata().size() == 1u);
            BOOST_TEST((file.metadata()[0] == std::pair<std::string, std::string>("format", "pt")));
            const apertus::tensor_entry* const a = file.find("a");
            BOOST_REQUIRE(a != nullptr);
            BOOST_TEST((a->dtype == apertus::dtype::f32));
            BOOST_TEST(a->shape == (std::vector<std::uint64_t>{2, 1}));
            BOOST_TEST(a->elements() == 2u);
            BOOST_TEST(read_all(file, "a") == "AAAAaaaa");
            BOOST_TEST(read_all(file, "b") == "BBbbCC");
            BOOST_TEST(read_all(file, "none").empty());
            BOOST_TEST(read_all(file, "scalar") == "ss");
            BOOST_TEST(file.find("scalar")->elements() == 1u);
            BOOST_TEST(file.find("c") == nullptr);
            BOOST_TEST(file.find("") == nullptr);
            std::byte two[2];
            file.read(*file.find("b"), two, 2);
            BOOST_TEST(as_text(two) == "bb");
            if (file.zero_copy()) BOOST_TEST(as_text(file.view(*a)) == "AAAAaaaa");
        }
    }
    BOOST_TEST(files[0].zero_copy());
    BOOST_TEST(!files[0].is_mapped());
    BOOST_TEST(files[1].is_mapped());
    BOOST_TEST(!files[2].zero_copy());
    BOOST_TEST(!files[3].zero_copy());
    BOOST_TEST(files[1].document() == path);
}

BOOST_AUTO_TEST_CASE(moving_keeps_views) {
    const test_support::temporary_folder folder;
    auto first = safetensors_file::open(folder.write("m", safetensors_bytes(good_header, good_data)));
    const auto view = first.view(*first.find("a"));
    const safetensors_file second = std::move(first);
    BOOST_TEST(second.view(*second.find("a")).data() == view.data());
    BOOST_TEST(as_text(view) == "AAAAaaaa");
}

BOOST_AUTO_TEST_CASE(unaligned_tensors_are_usable) {
    const std::string header =
        R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
    const float value = 2.5f;
    std::string data(1, 'x');
    data.append(reinterpret_cast<const char*>(&value), 4);
    alignas(8) char storage[256];
    const std::string bytes = safetensors_bytes(header, data);
    BOOST_REQUIRE(bytes.size() < sizeof storage);
    std::memcpy(storage, bytes.data(), bytes.size());
    const auto file = safetensors_file::from_bytes(as_bytes({storage, bytes.size()}));
    const apertus::tensor_entry& b = *file.find("b");
    const std::size_t misalignment = (8 + header.size() + 1) % 4;
    BOOST_TEST(is_aligned(file.view(b), b.dtype) == (misalignment == 0));
    BOOST_TEST(misalignment != 0u);
    float copy = 0;
    file.read(b, std::as_writable_bytes(std::span(&copy, 1)));
    BOOST_TEST(copy == 2.5f);
}

BOOST_AUTO_TEST_CASE(reads_outside_a_tensor_are_refused) {
    const std::string bytes = safetensors_bytes(good_header, good_data);
    const auto file = safetensors_file::from_bytes(as_bytes(bytes), "m");
    std::byte out[8];
    for (const std::uint64_t offset : {std::uint64_t{1}, std::uint64_t{9}, ~std::uint64_t{0}}) {
        try {
            file.read(*file.find("a"), out, offset);
            BOOST_ERROR("no error");
        } catch (const apertus::error& e) {
            BOOST_TEST((e.category() == apertus::error_category::shape));
            BOOST_TEST(e.what() == "m: read from tensor 'a': expected a range inside its 8 bytes, found 8 bytes at " +
                                       std::to_string(offset));
        }
    }
}

BOOST_AUTO_TEST_CASE(reader_errors) {
    const std::string bytes = safetensors_bytes(good_header, good_data);
    bool broken = false;
    const auto file = safetensors_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            if (broken) throw std::out_of_range("the network is gone");
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size(), "remote");
    broken = true;
    std::byte out[8];
    BOOST_CHECK_THROW(file.read(*file.find("a"), out), std::out_of_range); // the caller's own exception
    try {
        (void)file.view(*file.find("a"));
        BOOST_ERROR("no error");
    } catch (const apertus::error& e) {
        BOOST_TEST((e.category() == apertus::error_category::io));
        BOOST_TEST(std::string(e.what()) ==
                   "remote: tensor 'a': expected a mapped or in-memory file for view(), found a reader; use read()");
    }
    BOOST_CHECK_EXCEPTION(
        (void)safetensors_file::from_reader({}, 100, "remote"), apertus::error, [](const apertus::error& e) {
            return std::string(e.what()) == "remote: reader callback: expected a function, found nothing";
        });
    // The callback must not be asked for more than the size that the caller named.
    BOOST_CHECK_EXCEPTION(
        (void)safetensors_file::from_reader(
            [](std::uint64_t, std::span<std::byte> all) { std::fill(all.begin(), all.end(), std::byte{0x7f}); }, 1000,
            "remote"),
        apertus::error, [](const apertus::error& e) {
            return std::string(e.what()) ==
                   "remote: header length (bytes 0 to 7): expected 2 to 992, found 9187201950435737471";
        });
}

BOOST_AUTO_TEST_CASE(file_too_short) {
    const test_support::temporary_folder folder;
    const std::string path = folder.write("empty.safetensors", "");
    BOOST_CHECK_EXCEPTION((void)safetensors_file::open(path), apertus::error, [&](const apertus::error& e) {
        return e.what() == path + ": size: expected at least 8 bytes, found 0";
    });
    BOOST_TEST(message_of("1234567") == "m.safetensors: size: expected at least 8 bytes, found 7");
    BOOST_TEST(message_of(safetensors_bytes("", "")) ==
               "m.safetensors: header length (bytes 0 to 7): expected 2 to 0, found 0");
}

BOOST_AUTO_TEST_CASE(header_length) {
    const std::string expected = "m.safetensors: header length (bytes 0 to 7): expected 2 to 6, found ";
    BOOST_TEST(message_of(safetensors_bytes("{}", "data", 7)) == expected + "7");
    BOOST_TEST(message_of(safetensors_bytes("{}", "data", 1)) == expected + "1");
    BOOST_TEST(message_of(safetensors_bytes("{}", "data", ~std::uint64_t{0})) == expected + "18446744073709551615");
    BOOST_TEST(message_of(safetensors_bytes("{}", "data", 1ull << 63)) == expected + "9223372036854775808");
    std::string big = safetensors_bytes("", "", apertus::safetensors_max_header + 1);
    const auto reader = [&](std::uint64_t, std::span<std::byte> out) {
        std::memcpy(out.data(), big.data(), std::min(out.size(), big.size()));
    };
    BOOST_CHECK_EXCEPTION((void)safetensors_file::from_reader(reader, 1ull << 40, "big"), apertus::error,
                          [](const apertus::error& e) {
                              return std::string(e.what()) ==
                                     "big: header length (bytes 0 to 7): expected 2 to 100000000, found 100000001";
                          });
}

BOOST_AUTO_TEST_CASE(every_truncation_is_refused) {
    const std::string bytes = safetensors_bytes(good_header, good_data);
    BOOST_TEST(message_of(bytes) == "no error");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        BOOST_TEST(message_of(std::string_view(bytes).substr(0, size)) != "no error", size << " bytes");
    }
    BOOST_TEST(message_of(std::string_view(bytes).substr(0, bytes.size() - 1)) ==
               "m.safetensors: tensor 'scalar' data_offsets: expected begin <= end <= 15 (the size of the data), found "
               "[14, 16]");
    BOOST_TEST(message_of(bytes + "x") ==
               "m.safetensors: data: expected 16 bytes (the end of the last tensor), found 17");
}

BOOST_AUTO_TEST_CASE(not_a_header) {
    BOOST_TEST(header_message("[]") == "m.safetensors: header, first byte: expected '{', found '['");
    BOOST_TEST(header_message("\x01\x02") == "m.safetensors: header, first byte: expected '{', found '\\x01'");
    BOOST_TEST(header_message(" {}") == "m.safetensors: header, first byte: expected '{', found ' '");
    BOOST_TEST(header_message("{\"a\":}")
                   .starts_with("m.safetensors: header: line 1, column 6: syntax error while parsing value"));
    BOOST_TEST(header_message("{} {}").starts_with("m.safetensors: header: line 1, column 4: "));
    BOOST_TEST(header_message("{}", 0) == "no error");
    BOOST_TEST(header_message("{}", 3) ==
               "m.safetensors: data: expected 0 bytes (the end of the last tensor), found 3");
    BOOST_TEST(header_message(R"({"a":1})") == "m.safetensors: tensor 'a': expected an object, found 1");
    BOOST_TEST(header_message(R"({"a":null})") == "m.safetensors: tensor 'a': expected an object, found null");
    BOOST_TEST(header_message(R"({"a":[1]})") == "m.safetensors: tensor 'a': expected an object, found an array");
    BOOST_TEST(header_message("{\"a\":" + std::string(100'000, '[')) ==
               "m.safetensors: tensor 'a': expected an object, found an array");
}

BOOST_AUTO_TEST_CASE(metadata) {
    BOOST_TEST(header_message(R"({"__metadata__":{"a":1}})") ==
               "m.safetensors: header: __metadata__ 'a': expected a string, found 1");
    BOOST_TEST(header_message(R"({"__metadata__":{"a":{}}})") ==
               "m.safetensors: header: __metadata__ 'a': expected a string, found an object");
    BOOST_TEST(header_message(R"({"__metadata__":"x"})") ==
               "m.safetensors: header: __metadata__: expected an object, found 'x'");
    BOOST_TEST(header_message(R"({"__metadata__":{},"__metadata__":{}})") ==
               "m.safetensors: header: __metadata__: expected one, found a second one");
}

BOOST_AUTO_TEST_CASE(dtype) {
    const auto with = [](std::string_view value) {
        return header_message(R"({"w":{"dtype":)" + std::string(value) + R"(,"shape":[2],"data_offsets":[0,8]}})");
    };
    const std::string all = "m.safetensors: tensor 'w' dtype: expected one of F32, F16, BF16, F64, I64, I32, I16, I8, "
                            "U64, U32, U16, U8, BOOL, found ";
    BOOST_TEST(with("\"F32\"") == "no error");
    BOOST_TEST(with("\"F8_E4M3\"") == all + "'F8_E4M3'");
    BOOST_TEST(with("\"f32\"") == all + "'f32'");
    BOOST_TEST(with("3") == "m.safetensors: tensor 'w' dtype: expected a string, found 3");
    BOOST_TEST(with("[\"F32\"]") == "m.safetensors: tensor 'w' dtype: expected a string, found an array");
}

BOOST_AUTO_TEST_CASE(shape) {
    const auto with = [](std::string_view value, std::string_view offsets = "[0,8]") {
        return header_message(R"({"w":{"dtype":"F32","shape":)" + std::string(value) + R"(,"data_offsets":)" +
                              std::string(offsets) + "}}");
    };
    BOOST_TEST(with("[2]") == "no error");
    BOOST_TEST(with("[1,2,1]") == "no error");
    BOOST_TEST(with("[3]") ==
               "m.safetensors: tensor 'w' data_offsets: expected 12 bytes for F32 [3], found 8 ([0, 8])");
    BOOST_TEST(with("[]") == "m.safetensors: tensor 'w' data_offsets: expected 4 bytes for F32 [], found 8 ([0, 8])");
    BOOST_TEST(with("[-1]") == "m.safetensors: tensor 'w' shape: expected non-negative integers, found -1");
    BOOST_TEST(with("[2.0]") == "m.safetensors: tensor 'w' shape: expected non-negative integers, found '2.0'");
    BOOST_TEST(with("[[2]]") == "m.safetensors: tensor 'w' shape: expected non-negative integers, found an array");
    BOOST_TEST(with("2") == "m.safetensors: tensor 'w' shape: expected an array of non-negative integers, found 2");
    BOOST_TEST(with("null") ==
               "m.safetensors: tensor 'w' shape: expected an array of non-negative integers, found null");
    // 2^62 elements of 4 bytes are 2^64 bytes: zero, if one multiplies without looking.
    BOOST_TEST(with("[4611686018427387904]", "[0,0]") ==
               "m.safetensors: tensor 'w' shape: expected fewer than 2^63 bytes, found [4611686018427387904]");
    BOOST_TEST(with("[4294967296,4294967296]", "[0,0]") ==
               "m.safetensors: tensor 'w' shape: expected fewer than 2^63 bytes, found [4294967296, 4294967296]");
    BOOST_TEST(
        with("[18446744073709551615,0]", "[0,8]") ==
        "m.safetensors: tensor 'w' data_offsets: expected 0 bytes for F32 [18446744073709551615, 0], found 8 ([0, 8])");
    BOOST_TEST(
        with("[99999999999999999999]")
            .starts_with(
                "m.safetensors: tensor 'w' shape: expected non-negative integers, found '99999999999999999999'"));
    BOOST_TEST(with("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]") ==
               "m.safetensors: tensor 'w' shape: expected at most 16 dimensions, found more");
}

BOOST_AUTO_TEST_CASE(offsets) {
    const auto with = [](std::string_view value) {
        return header_message(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":)" + std::string(value) + "}}");
    };
    BOOST_TEST(with("[0]") == "m.safetensors: tensor 'w' data_offsets: expected two numbers, found 1");
    BOOST_TEST(with("[]") == "m.safetensors: tensor 'w' data_offsets: expected two numbers, found 0");
    BOOST_TEST(with("[0,8,8]") == "m.safetensors: tensor 'w' data_offsets: expected two numbers, found more");
    BOOST_TEST(
        with("[8,0]") ==
        "m.safetensors: tensor 'w' data_offsets: expected begin <= end <= 8 (the size of the data), found [8, 0]");
    BOOST_TEST(
        with("[0,9]") ==
        "m.safetensors: tensor 'w' data_offsets: expected begin <= end <= 8 (the size of the data), found [0, 9]");
    BOOST_TEST(with("[18446744073709551608,18446744073709551615]") ==
               "m.safetensors: tensor 'w' data_offsets: expected begin <= end <= 8 (the size of the data), found "
               "[18446744073709551608, 18446744073709551615]");
    BOOST_TEST(with("[0,\"8\"]") ==
               "m.safetensors: tensor 'w' data_offsets: expected non-negative integers, found '8'");
    BOOST_TEST(with("{}") ==
               "m.safetensors: tensor 'w' data_offsets: expected an array of non-negative integers, found an object");
}

BOOST_AUTO_TEST_CASE(members) {
    BOOST_TEST(header_message(R"({"w":{}})") == "m.safetensors: tensor 'w' dtype: expected a value, found nothing");
    BOOST_TEST(header_message(R"({"w":{"dtype":"F32","data_offsets":[0,8]}})") ==
               "m.safetensors: tensor 'w' shape: expected a value, found nothing");
    BOOST_TEST(header_message(R"({"w":{"dtype":"F32","shape":[2]}})") ==
               "m.safetensors: tensor 'w' data_offsets: expected a value, found nothing");
    BOOST_TEST(header_message(R"({"w":{"dtype":"F32","dtype":"F32"}})") ==
               "m.safetensors: tensor 'w' dtype: expected one, found a second one");
    BOOST_TEST(header_message(R"({"w":{"stride":[1]}})") ==
               "m.safetensors: tensor 'w' member: expected dtype, shape or data_offsets, found 'stride'");
}

BOOST_AUTO_TEST_CASE(layout) {
    const auto two = [](std::string_view a, std::string_view b, std::size_t size) {
        return header_message(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(a) +
                                  R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(b) + "}}",
                              size);
    };
    BOOST_TEST(two("[4,8]", "[0,4]", 8) == "no error");
    BOOST_TEST(two("[0,4]", "[0,4]", 4) ==
               "m.safetensors: tensor 'b' data_offsets: expected to begin at 4, the end of 'a', found 0 (an overlap)");
    BOOST_TEST(two("[0,4]", "[3,7]", 7) ==
               "m.safetensors: tensor 'b' data_offsets: expected to begin at 4, the end of 'a', found 3 (an overlap)");
    BOOST_TEST(two("[0,4]", "[6,10]", 10) ==
               "m.safetensors: tensor 'b' data_offsets: expected to begin at 4, the end of 'a', found 6 (a hole)");
    BOOST_TEST(two("[2,6]", "[6,10]", 10) ==
               "m.safetensors: tensor 'a' data_offsets: expected to begin at 0, found 2 (a hole)");
    BOOST_TEST(two("[0,4]", "[4,8]", 9) ==
               "m.safetensors: data: expected 8 bytes (the end of the last tensor), found 9");
}

BOOST_AUTO_TEST_CASE(duplicate_names) {
    BOOST_TEST(
        header_message(
            R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})") ==
        "m.safetensors: tensor 'w': expected one of that name, found two");
}

BOOST_AUTO_TEST_CASE(hostile_names_stay_on_one_line) {
    const std::string message = header_message("{\"a\\n" + std::string(5000, 'z') + "\":{}}");
    BOOST_TEST(message.find('\n') == std::string::npos);
    BOOST_TEST(message.starts_with("m.safetensors: tensor 'a\\x0azzz"));
    BOOST_TEST(message.size() < 400u);
}

BOOST_AUTO_TEST_CASE(many_tensors_are_linear) {
    std::string header = "{";
    constexpr std::size_t count = 50'000;
    for (std::size_t i = 0; i < count; ++i) {
        if (i != 0) header += ',';
        header += "\"t" + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) +
                  "," + std::to_string(i + 1) + "]}";
    }
    header += "}";
    const std::string bytes = safetensors_bytes(header, std::string(count, 'x'));
    const auto file = safetensors_file::from_bytes(as_bytes(bytes));
    BOOST_TEST(file.tensors().size() == count);
    BOOST_TEST(file.find("t49999")->begin == bytes.size() - 1);
}

BOOST_AUTO_TEST_SUITE_END()
