// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/packed_cache.hpp>

#include <apertus/arch/apertus.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/run/causal_lm.hpp>
#include <apertus/run/load_model.hpp>

#include <support/error_message.hpp>
#include <support/file_size_limit.hpp>
#include <support/gguf_of_checkpoint.hpp>
#include <support/random_model.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace apertus;

namespace {

const std::vector<std::int32_t> some_ids{1, 5, 9, 13, 2};

std::vector<float> logits_of(const std::string& path, const load_options& o) {
    const causal_lm model = causal_lm::from_pretrained(path, o);
    session_handle session = model.new_session({.max_length = 64});
    const segment step{0, some_ids, {}, logits_for::all};
    const auto logits = session.forward(std::span(&step, 1)).flat();
    return {logits.begin(), logits.end()};
}

enum class door { safetensors, gguf };

/// A model in a folder that a test may change, and a name for its cache.
struct copied_model {
    test_support::temporary_folder folder;
    std::string path; ///< the folder, or the GGUF file in it
    load_options options;

    explicit copied_model(const std::string& golden = "attention_bias", const std::string& weights = "int4",
                          door from = door::safetensors)
        : path(folder.path()) {
        const std::string original = source_path("tests/golden/" + golden);
        if (from == door::gguf) path = folder.write("model.gguf", test_support::gguf_of_checkpoint(original));
        for (const auto& entry : std::filesystem::directory_iterator(original)) {
            const std::string name = entry.path().filename().string();
            if (from == door::safetensors && (name.starts_with("model") || name == "config.json")) {
                std::filesystem::copy(entry.path(), folder.path(name));
            }
        }
        options.weights = weights;
        options.packed_cache = folder.path("packed");
        options.threads = 2;
    }
    [[nodiscard]] std::vector<float> logits() const { return logits_of(path, options); }
    [[nodiscard]] std::vector<float> expected() const {
        load_options direct = options;
        direct.packed_cache.clear();
        return logits_of(path, direct);
    }
    /// What tells one written file from another.
    [[nodiscard]] std::filesystem::file_time_type stamp() const {
        return std::filesystem::last_write_time(options.packed_cache);
    }
    /// Makes the cache look old, so that writing it again shows.
    std::filesystem::file_time_type age() const {
        std::filesystem::last_write_time(options.packed_cache, stamp() - std::chrono::hours(1));
        return stamp();
    }
    /// The cache does not fit: the next load writes it, the one after that reads it.
    void check_rewritten() const {
        const auto expected = this->expected();
        const auto old = age();
        BOOST_TEST((logits() == expected));
        BOOST_TEST((stamp() != old));
        const auto fits = age();
        BOOST_TEST((logits() == expected));
        BOOST_TEST((stamp() == fits));
    }
    void change_byte(std::size_t at) const {
        std::fstream file(options.packed_cache, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        const char byte = static_cast<char>(file.get() ^ 1);
        file.seekp(static_cast<std::streamoff>(at));
        file.put(byte);
    }
    /// The cache with `from` in its header replaced by `to` of the same length.
    void replace(const std::string& from, const std::string& to) const {
        std::string bytes = read_file(options.packed_cache, 1U << 30);
        const std::size_t at = bytes.find(from);
        BOOST_REQUIRE(at != std::string::npos && from.size() == to.size());
        bytes.replace(at, from.size(), to);
        (void)folder.write("packed", bytes);
    }
    [[nodiscard]] std::string refusal(error_category category) const {
        return error_message(category, [&] { (void)logits(); });
    }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(run_packed_cache)

BOOST_AUTO_TEST_CASE(the_same_logits_with_any_combination_of_formats) {
    struct choice {
        std::string golden, weights, head, embedding;
    };
    for (const choice& c :
         {choice{"v1_8b", "int4", "", ""}, choice{"v1_8b", "int8", "", "int8"}, choice{"v1_8b", "int4", "q8_0", "f32"},
          choice{"v1_8b", "f32", "", ""}, choice{"llama_tied", "int8", "", ""},
          choice{"odd_sizes", "int4", "int4", "f16"}, choice{"d64_gqa8_f16", "bf16", "", ""}}) {
        for (const door from : {door::safetensors, door::gguf}) {
            copied_model m(c.golden, c.weights, from);
            m.options.head_weights = c.head;
            m.options.embedding_weights = c.embedding;
            const auto expected = m.expected();
            BOOST_TEST((m.logits() == expected)); // writes
            const auto stamp = m.age();
            for (const bool mapped : {true, false}) {
                for (const bool verified : {false, true}) {
                    m.options.use_mmap = mapped;
                    m.options.verify_packed_cache = verified;
                    BOOST_TEST((m.logits() == expected), c.golden << ' ' << c.weights);
                }
            }
            BOOST_TEST((m.stamp() == stamp)); // and reads
        }
    }
}

BOOST_AUTO_TEST_CASE(the_blocks_are_those_of_packing_and_their_source_is_not_read) {
    const test_support::temporary_folder folder;
    const model_config config = test_support::small_config();
    test_support::memory_source source;
    test_support::fill<bf16>(source, config);
    const weight_choice choice{&info_of<int4>, &info_of<int8>, nullptr};
    const detail::packed_cache cache(folder.path("packed"), "identity", choice);
    BOOST_TEST(cache.open(true) == nullptr);

    load_control control;
    const auto model = load_decoder<apertus_architecture, any_format>(config, source, control, choice);
    std::vector<named_matrix> made;
    std::copy_if(model->matrices.begin(), model->matrices.end(), std::back_inserter(made),
                 [](const named_matrix& m) { return m.packed; });
    BOOST_TEST(made.size() + 1 == model->matrices.size()); // the embedding is used as it is stored
    BOOST_TEST(made.size() == 13U);                        // two layers of six matrices, and the head
    cache.write(made, control.executor, control.cancel);

    const auto file = cache.open(true);
    BOOST_REQUIRE(file != nullptr);
    for (const named_matrix& m : made) {
        const detail::packed_file::entry* const e = file->find(m.name);
        BOOST_REQUIRE(e != nullptr);
        const auto bytes = file->file().view(*e->stored);
        BOOST_TEST(bytes.size() == m.matrix.bytes());
        BOOST_TEST((std::memcmp(bytes.data(), m.matrix.data, bytes.size()) == 0), m.name);
        BOOST_TEST(e->stored->begin % 64 == 0U);
        source.tensors.erase(m.name);
    }
    made.clear();
    const detail::packed_source packed(source, file);
    const auto again = load_decoder<apertus_architecture, any_format>(config, packed, control, choice);
    BOOST_TEST(made.empty());
    BOOST_TEST(again->format_names == model->format_names);
    BOOST_TEST(again->weight_bytes == model->weight_bytes);
    const std::byte* const head = again->lm_head.weight.data;
    BOOST_TEST(head == file->file().view(*file->find("lm_head.weight")->stored).data()); // where it lies
    BOOST_TEST(file->find("model.embed_tokens.weight") == nullptr);                      // as it is stored
}

BOOST_AUTO_TEST_CASE(another_source_other_formats_or_another_version_are_packed_again) {
    copied_model m;
    (void)m.logits();
    m.options.weights = "int8";
    m.check_rewritten();
    m.options.head_weights = "int4";
    m.check_rewritten();
    m.options.embedding_weights = "int8";
    m.check_rewritten();
    const std::string source = m.folder.path("model.safetensors"); // its date
    std::filesystem::last_write_time(source, std::filesystem::last_write_time(source) + std::chrono::seconds(1));
    m.check_rewritten();
    std::string config = read_file(m.folder.path("config.json"), 1U << 20); // its configuration
    (void)m.folder.write("config.json", config + "\n");
    m.check_rewritten();
    const std::string version(detail::packed_cache_version);
    m.replace("\"apertus packed cache\":\"" + version + '"',
              "\"apertus packed cache\":\"" + std::string(version.size(), '0') + '"');
    m.check_rewritten();
}

BOOST_AUTO_TEST_CASE(another_gguf_file_in_the_place_of_the_first_is_packed_again) {
    copied_model m("llama_tied", "int8", door::gguf);
    const auto first = m.logits();
    const auto time = std::filesystem::last_write_time(m.path);
    std::filesystem::last_write_time(m.path, time + std::chrono::seconds(1)); // its date
    m.check_rewritten();
    std::string bytes = read_file(m.path, 1U << 30);
    for (std::size_t i = bytes.size() / 2; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ 1);
    (void)m.folder.write("model.gguf", bytes); // its weights, with the same size and date
    std::filesystem::last_write_time(m.path, time + std::chrono::seconds(1));
    m.check_rewritten();
    BOOST_TEST((m.logits() != first));
    (void)m.folder.write("model.gguf", bytes + std::string(32, '\0')); // its size
    std::filesystem::last_write_time(m.path, time + std::chrono::seconds(1));
    m.check_rewritten();
    m.path = m.folder.path("other.gguf"); // its name
    std::filesystem::rename(m.folder.path("model.gguf"), m.path);
    m.check_rewritten();
}

BOOST_AUTO_TEST_CASE(what_a_source_is_known_by) {
    const test_support::temporary_folder folder;
    const std::string bytes(std::size_t{3} << 20, 'x');
    const std::vector<std::string> paths{folder.write("a", bytes), folder.write("b", "")};
    const auto time = std::filesystem::last_write_time(paths[0]);
    const auto identity = [&](const std::string& content, std::chrono::seconds later, std::string_view config = "{}") {
        (void)folder.write("a", content);
        std::filesystem::last_write_time(paths[0], time + later);
        return detail::source_identity(config, paths);
    };
    const std::chrono::seconds at_once{0};
    const std::string known = identity(bytes, at_once);
    BOOST_TEST(identity(bytes, at_once) == known);
    BOOST_TEST(identity(bytes, at_once, "{ }") != known);
    BOOST_TEST(identity(bytes, std::chrono::seconds(1)) != known);
    BOOST_TEST(identity(bytes + "x", at_once) != known);
    for (const std::size_t changed : {std::size_t{0}, bytes.size() - 1}) { // a header; weights behind a long one
        std::string other = bytes;
        other[changed] = 'y';
        BOOST_TEST(identity(other, at_once) != known, changed);
    }
    BOOST_TEST(identity(bytes, at_once) == known);
    (void)folder.write("b", "x"); // of every file
    BOOST_TEST(identity(bytes, at_once) != known);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_refused_and_kept) {
    const copied_model m;
    (void)m.logits();
    const std::string good = read_file(m.options.packed_cache, 1U << 30);
    const safetensors_file packed = safetensors_file::open(m.options.packed_cache);
    // cut anywhere
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{7}, std::size_t{100}, std::size_t{5000}, good.size() - 1}) {
        (void)m.folder.write("packed", good.substr(0, size));
        BOOST_TEST(contains(m.refusal(error_category::format), m.options.packed_cache));
        BOOST_TEST(read_file(m.options.packed_cache, 1U << 30).size() == size);
    }
    // the table: a checksum, a shape, a format
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"int4 ", "int8 "},
                                                                                   {"\"layers int4", "\"layers int8"},
                                                                                   {"\"U8\"", "\"I8\""},
                                                                                   {"matrix lm", "matrix ml"}}) {
        (void)m.folder.write("packed", good);
        m.replace(from, to);
        BOOST_TEST(contains(m.refusal(error_category::format), "damaged packed cache"), from);
    }
    (void)m.folder.write("packed", good);
    BOOST_TEST((m.logits() == m.expected()));
}

BOOST_AUTO_TEST_CASE(damaged_matrices_are_found_when_asked) {
    copied_model m;
    const auto expected = m.logits();
    const std::string good = read_file(m.options.packed_cache, 1U << 30);
    m.options.verify_packed_cache = true;
    for (const bool mapped : {true, false}) {
        m.options.use_mmap = mapped;
        for (const std::size_t at : {good.size() - 1, good.size() / 2}) {
            m.change_byte(at);
            const std::string message = m.refusal(error_category::format);
            BOOST_TEST(contains(message, "damaged packed cache"));
            BOOST_TEST(contains(message, "tensor"));
            (void)m.folder.write("packed", good);
        }
        BOOST_TEST((m.logits() == expected));
    }
}

BOOST_AUTO_TEST_CASE(other_files_are_never_replaced) {
    copied_model m;
    const std::string source = m.folder.path("model.safetensors");
    const std::string before = read_file(source, 1U << 30);
    m.options.packed_cache = source;
    BOOST_TEST(contains(m.refusal(error_category::format), "a file that this library wrote"));
    BOOST_TEST((read_file(source, 1U << 30) == before));
    m.options.packed_cache = m.folder.path("config.json");
    BOOST_TEST(contains(m.refusal(error_category::format), "config.json"));
    m.options.packed_cache = m.folder.path();
    BOOST_TEST(contains(m.refusal(error_category::io), "a directory"));
    copied_model g("attention_bias", "int4", door::gguf);
    const std::string gguf = read_file(g.path, 1U << 30);
    g.options.packed_cache = g.path;
    BOOST_TEST(contains(g.refusal(error_category::format), "model.gguf"));
    BOOST_TEST((read_file(g.path, 1U << 30) == gguf));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_is_an_error_and_leaves_nothing) {
    copied_model m;
    const auto files = [&] {
        std::size_t n = 0;
        for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(m.folder.path())) ++n;
        return n;
    };
    const std::size_t before = files();
    {
        const test_support::file_size_limit full(6000);
        BOOST_TEST(contains(m.refusal(error_category::io), "cannot write"));
    }
    BOOST_TEST(files() == before);
    const auto expected = m.logits(); // room again
    BOOST_TEST((expected == m.expected()));
    m.options.weights = "int8"; // a stale one stays what it was when it cannot be replaced
    const std::string stale = read_file(m.options.packed_cache, 1U << 30);
    {
        const test_support::file_size_limit full(6000);
        BOOST_TEST(contains(m.refusal(error_category::io), "cannot write"));
    }
    BOOST_TEST((read_file(m.options.packed_cache, 1U << 30) == stale));
    m.options.packed_cache = m.folder.path("nowhere/packed");
    BOOST_TEST(contains(m.refusal(error_category::io), "cannot create"));
}

BOOST_AUTO_TEST_CASE(nothing_to_pack_is_nothing_to_write) {
    for (const door from : {door::safetensors, door::gguf}) {
        copied_model m("llama_tied", "stored", from);
        BOOST_TEST((m.logits() == m.expected()));
        BOOST_TEST(!path_exists(m.options.packed_cache));
        m.options.weights = "int4";
        (void)m.logits();
        const auto stamp = m.age();
        m.options.weights = "stored"; // what another choice left there stays
        BOOST_TEST((m.logits() == m.expected()));
        m.options.weights = "int4";
        BOOST_TEST((m.logits() == m.expected()));
        BOOST_TEST((m.stamp() == stamp));
    }
}

BOOST_AUTO_TEST_CASE(weights_without_files_have_no_cache) {
    const copied_model m;
    const std::string bytes = read_file(m.folder.path("model.safetensors"), 1U << 30);
    const std::string config = read_file(m.folder.path("config.json"), 1U << 20);
    BOOST_TEST(contains(error_message(error_category::config,
                                      [&] {
                                          (void)causal_lm::from_memory(
                                              config, {}, checkpoint::from_bytes(std::as_bytes(std::span(bytes))),
                                              m.options);
                                      }),
                        "packed_cache"));
    const copied_model g("attention_bias", "int4", door::gguf);
    const std::string gguf = read_file(g.path, 1U << 30);
    BOOST_TEST(contains(error_message(error_category::config,
                                      [&] { (void)causal_lm::from_gguf(test_support::files_of(gguf), g.options); }),
                        "packed_cache"));
    BOOST_TEST(!path_exists(g.options.packed_cache));
}

BOOST_AUTO_TEST_CASE(a_stop_request_leaves_nothing) {
    copied_model m;
    std::stop_source stop;
    m.options.cancel.stop = stop.get_token();
    m.options.progress = [&](const load_progress& p) { // at the last tensor: packed, and not yet written
        if (p.tensor == "lm_head.weight") stop.request_stop();
    };
    (void)m.refusal(error_category::cancelled);
    BOOST_TEST(!path_exists(m.options.packed_cache));
}

BOOST_AUTO_TEST_SUITE_END()
