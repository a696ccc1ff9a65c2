// SPDX-License-Identifier: Apache-2.0
//
// A model's tensors from a folder (one file or shards), from memory and from loose tensors, and what a folder can get wrong.
#include <apertus/io/checkpoint.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using apertus::checkpoint;
using test_support::as_bytes;
using test_support::as_text;
using test_support::safetensors_bytes;
using test_support::temporary_folder;

/// A file with one U8 tensor.
std::string one_tensor(const std::string& name, std::string_view data) {
    const std::string size = std::to_string(data.size());
    return safetensors_bytes(
        "{\"" + name + R"(":{"dtype":"U8","shape":[)" + size + R"(],"data_offsets":[0,)" + size + "]}}", data);
}

std::string read_all(const checkpoint& c, std::string_view name) {
    const apertus::stored_tensor* const t = c.find(name);
    BOOST_REQUIRE(t != nullptr);
    std::vector<std::byte> out(t->size_bytes());
    t->read(out);
    return as_text(out);
}

std::string message_of(const std::string& folder, apertus::error_category category = apertus::error_category::format) {
    return error_message(category, [&] { (void)checkpoint::open(folder); });
}

constexpr const char* index_name = "model.safetensors.index.json";

} // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_folder)

BOOST_AUTO_TEST_CASE(single_file_wins) {
    const temporary_folder folder;
    folder.write("model.safetensors", one_tensor("a", "hello"));
    folder.write(index_name, "not even JSON");
    for (const bool use_mmap : {true, false}) {
        const checkpoint c = checkpoint::open(folder.path(), {use_mmap});
        BOOST_TEST(c.tensors().size() == 1u);
        BOOST_TEST(c.total_bytes() == 5u);
        BOOST_TEST(read_all(c, "a") == "hello");
        BOOST_TEST(c.find("a")->zero_copy() == use_mmap);
        BOOST_TEST(c.find("a")->document() == folder.path("model.safetensors"));
        BOOST_TEST(c.find("b") == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(shards) {
    const temporary_folder folder;
    folder.write("model-00001-of-00002.safetensors", one_tensor("b", "second"));
    folder.write("model-00002-of-00002.safetensors", one_tensor("a", "first"));
    folder.write("model-00003-of-00002.safetensors", "not in the index, not opened");
    folder.write(index_name, R"({"metadata":{"total_size":11,"more":[1,{"x":null}]},
        "weight_map":{"a":"model-00002-of-00002.safetensors","b":"model-00001-of-00002.safetensors"}})");
    checkpoint opened = checkpoint::open(folder.path());
    const apertus::stored_tensor a = *opened.find("a");
    const checkpoint c = std::move(opened); // handles survive the move
    BOOST_TEST(as_text(a.view()) == "first");
    BOOST_REQUIRE_EQUAL(c.tensors().size(), 2u);
    BOOST_TEST(c.tensors()[0].name() == "a"); // sorted by name
    BOOST_TEST(c.tensors()[1].name() == "b");
    BOOST_TEST(c.files().size() == 2u);
    BOOST_TEST(read_all(c, "b") == "second");
    a.advise(apertus::file_access::will_need);
    a.advise(apertus::file_access::dont_need);
    BOOST_TEST(as_text(a.view()) == "first");
}

BOOST_AUTO_TEST_CASE(a_shard_may_hold_more_than_the_index_says) {
    const temporary_folder folder;
    folder.write(
        "s.safetensors",
        safetensors_bytes(
            R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"extra":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            "xy"));
    folder.write(index_name, R"({"weight_map":{"a":"s.safetensors"}})");
    const checkpoint c = checkpoint::open(folder.path());
    BOOST_TEST(read_all(c, "extra") == "y");
}

BOOST_AUTO_TEST_CASE(nothing_to_load) {
    const temporary_folder folder;
    const std::string start =
        folder.path() + ": weights: expected model.safetensors or model.safetensors.index.json, found ";
    BOOST_TEST(message_of(folder.path(), apertus::error_category::io) == start + "neither");
    folder.write("pytorch_model.bin", "x");
    BOOST_TEST(message_of(folder.path(), apertus::error_category::io) ==
               start + "only pytorch_model.bin, which we do not read (save the model again as safetensors)");
    BOOST_TEST(message_of(folder.path("nowhere"), apertus::error_category::io) ==
               folder.path("nowhere") +
                   ": weights: expected model.safetensors or model.safetensors.index.json, found neither");
}

BOOST_AUTO_TEST_CASE(bad_shards) {
    const temporary_folder folder;
    const std::string index = folder.path(index_name);
    folder.write(index_name, R"({"weight_map":{"a":"gone.safetensors"}})");
    BOOST_TEST(message_of(folder.path(), apertus::error_category::io) ==
               folder.path("gone.safetensors") + ": cannot open: No such file or directory");
    folder.write("s.safetensors", one_tensor("b", "x"));
    folder.write(index_name, R"({"weight_map":{"a":"s.safetensors"}})");
    BOOST_TEST(message_of(folder.path()) ==
               index + ": weight_map 'a': expected a tensor of 's.safetensors', found no such tensor there");
    folder.write("t.safetensors", one_tensor("b", "y"));
    folder.write(index_name, R"({"weight_map":{"b":"s.safetensors","c":"t.safetensors"}})");
    BOOST_TEST(message_of(folder.path()) ==
               index + ": weight_map 'c': expected a tensor of 't.safetensors', found no such tensor there");
    folder.write(
        "u.safetensors",
        safetensors_bytes(
            R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            "xy"));
    folder.write(index_name, R"({"weight_map":{"b":"s.safetensors","c":"u.safetensors"}})");
    const std::string twice = message_of(folder.path());
    BOOST_TEST((twice == folder.path("u.safetensors") + ": tensor 'b': expected one of that name, found another in " +
                             folder.path("s.safetensors") ||
                twice == folder.path("s.safetensors") + ": tensor 'b': expected one of that name, found another in " +
                             folder.path("u.safetensors")),
               twice);
}

BOOST_AUTO_TEST_CASE(shards_stay_in_the_folder) {
    const temporary_folder folder;
    const std::string index = folder.path(index_name);
    for (const std::string name :
         {"../s.safetensors", "/etc/passwd", "a/b", "..", ".", "", "c:s", "a\\\\b", "a\\u0000b", "a\\nb"}) {
        folder.write(index_name, R"({"weight_map":{"w":")" + name + "\"}}");
        const std::string message = message_of(folder.path());
        BOOST_TEST(message.starts_with(index + ": weight_map 'w': expected a plain file name, found '"), message);
    }
}

BOOST_AUTO_TEST_CASE(bad_index) {
    const temporary_folder folder;
    const std::string index = folder.path(index_name);
    const auto with = [&](std::string_view text) {
        folder.write(index_name, text);
        const std::string message = message_of(folder.path());
        BOOST_TEST_REQUIRE(message.starts_with(index + ": "), message);
        return message.substr(index.size() + 2);
    };
    BOOST_TEST(with("").starts_with("line 1, column 1: syntax error"));
    BOOST_TEST(with("{\n\"weight_map\": }").starts_with("line 2, column 15: syntax error"));
    BOOST_TEST(with("[]") == "top level: expected an object, found an array");
    BOOST_TEST(with("{}") == "weight_map: expected an object, found nothing");
    BOOST_TEST(with(R"({"weight_map":{}})") == "weight_map: expected at least one tensor, found none");
    BOOST_TEST(with(R"({"weight_map":[]})") == "weight_map: expected one object, found an array");
    BOOST_TEST(with(R"({"weight_map":"x"})") == "weight_map: expected one object, found 'x'");
    BOOST_TEST(with(R"({"weight_map":{"a":1}})") == "weight_map 'a': expected a file name, found 1");
    BOOST_TEST(with(R"({"weight_map":{"a":{}}})") == "weight_map 'a': expected a file name, found an object");
    BOOST_TEST(with(R"({"weight_map":{"a":["x"]}})") == "weight_map 'a': expected a file name, found an array");
    BOOST_TEST(with(R"({"weight_map":{"a":"x","a":"y"}})") == "weight_map 'a': expected one entry, found two");
    BOOST_TEST(with(R"({"weight_map":{"a":"x"},"weight_map":{"b":"x"}})") ==
               "weight_map: expected one object, found a second value");
    BOOST_TEST(with(R"({"weight_map":{"a":"x"},"weight_map":3})") ==
               "weight_map: expected one object, found a second value");
    std::string deep = R"({"metadata":)" + std::string(100'000, '[');
    BOOST_TEST(with(deep) == "nesting: expected at most 128, found more");
    BOOST_TEST(with(R"({"metadata":{"weight_map":{"a":1}}})") == "weight_map: expected an object, found nothing");
}

BOOST_AUTO_TEST_CASE(in_memory) {
    const std::string first = one_tensor("a", "one");
    const std::string second = one_tensor("b", "two");
    const std::vector<std::span<const std::byte>> shards{as_bytes(first), as_bytes(second)};
    const checkpoint c = checkpoint::from_bytes(shards);
    BOOST_TEST(read_all(c, "a") == "one");
    BOOST_TEST(read_all(c, "b") == "two");
    BOOST_TEST(c.find("b")->document() == "safetensors in memory, shard 1");
    BOOST_TEST(checkpoint::from_bytes(as_bytes(first)).tensors().size() == 1u);
    const std::vector<std::span<const std::byte>> twice{as_bytes(first), as_bytes(first)};
    BOOST_CHECK_EXCEPTION((void)checkpoint::from_bytes(twice), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()).find(
                   "tensor 'a': expected one of that name, found another in safetensors in memory, shard") !=
               std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(loose_tensors) {
    const std::string data = "abcdefgh";
    std::vector<apertus::memory_tensor> tensors{{"w", apertus::dtype::bf16, {2, 2}, as_bytes(data)},
                                                {"a", apertus::dtype::f32, {}, as_bytes(data).first(4)}};
    checkpoint made = checkpoint::from_tensors(tensors);
    const checkpoint c = std::move(made);
    BOOST_TEST(read_all(c, "w") == data);
    BOOST_TEST(c.find("w")->view().data() == as_bytes(data).data());
    BOOST_TEST(c.find("a")->shape().empty());
    BOOST_TEST(c.find("a")->document() == "tensors in memory");
    std::byte out[8];
    BOOST_CHECK_EXCEPTION(c.find("a")->read(out), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()) ==
               "tensors in memory: read from tensor 'a': expected a range inside its 4 bytes, found 8 bytes at 0";
    });
    tensors[0].shape = {2, 3};
    BOOST_CHECK_EXCEPTION((void)checkpoint::from_tensors(tensors), apertus::error, [](const apertus::error& e) {
        return e.category() == apertus::error_category::shape &&
               std::string(e.what()) == "tensors in memory: tensor 'w': expected 12 bytes for BF16 [2, 3], found 8";
    });
    tensors[0].shape = {1ull << 62, 4};
    BOOST_CHECK_EXCEPTION((void)checkpoint::from_tensors(tensors), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()) == "tensors in memory: tensor 'w': expected fewer than 2^63 bytes for BF16 "
                                        "[4611686018427387904, 4], found 8";
    });
    BOOST_TEST(checkpoint::from_tensors({}).tensors().empty());
}

BOOST_AUTO_TEST_CASE(missing_and_surplus_names) {
    const std::string data = "x";
    std::vector<apertus::memory_tensor> tensors;
    for (const char* name : {"a", "c", "e"}) tensors.push_back({name, apertus::dtype::u8, {1}, as_bytes(data)});
    const checkpoint c = checkpoint::from_tensors(tensors);
    const std::vector<std::string> expected{"e", "b", "a", "b", "d"};
    const auto difference = c.compare_names(expected);
    BOOST_TEST(difference.missing == (std::vector<std::string>{"b", "d"}));
    BOOST_TEST(difference.surplus == std::vector<std::string>{"c"});
    const std::vector<std::string> names{"a", "b", "c", "d"};
    BOOST_TEST(apertus::describe_names(names, 2) == "'a', 'b' and 2 more");
    BOOST_TEST(apertus::describe_names(names) == "'a', 'b', 'c' and 'd'");
    BOOST_TEST(apertus::describe_names(std::span(names).first(1)) == "'a'");
    BOOST_TEST(apertus::describe_names({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
