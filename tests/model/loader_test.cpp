// SPDX-License-Identifier: Apache-2.0
#include <apertus/model/loader.hpp>

#include <apertus/arch/all.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/model/session.hpp>

#include <support/random_model.hpp>

#include <boost/test/unit_test.hpp>

using namespace apertus;
using test_support::memory_source;
using test_support::small_config;

namespace {

template <class Format> auto load(const model_config& c, const memory_source& s, const load_control& control = {}) {
    return load_decoder<apertus_architecture, Format>(c, s, control);
}

void refused(const model_config& c, const memory_source& s, error_category category, std::string_view text) {
    BOOST_CHECK_EXCEPTION((void)load<dense<float>>(c, s), error, [&](const error& e) {
        BOOST_TEST_CONTEXT(e.what()) {
            BOOST_TEST((e.category() == category));
            BOOST_TEST((std::string_view(e.what()).find(text) != std::string_view::npos));
        }
        return true;
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(loader_tests)

BOOST_AUTO_TEST_CASE(matrices_of_the_stored_type_stay_where_they_are) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<bf16>(s, c);
    const auto m = load<dense<bf16>>(c, s);
    BOOST_TEST(static_cast<const void*>(m->embed_tokens.blocks) ==
               static_cast<const void*>(s.tensors.at("model.embed_tokens.weight").bytes.data()));
    BOOST_TEST(m->surplus.empty());
    std::size_t stored = 0;
    for (const auto& [name, t] : s.tensors) stored += t.shape.size() == 2 ? t.bytes.size() : 0;
    BOOST_TEST(m->weight_bytes > stored);
    BOOST_TEST(m->weight_bytes < stored + 4096); // the vectors, widened to float
}

BOOST_AUTO_TEST_CASE(other_types_and_sources_that_only_read_are_converted) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<bf16>(s, c);
    const auto direct = load<dense<bf16>>(c, s);
    const auto widened = load<dense<float>>(c, s);
    s.zero_copy = false;
    const auto read = load<dense<bf16>>(c, s);
    const std::size_t n = c.vocab_size * c.hidden_size;
    for (std::size_t i = 0; i < n; ++i) {
        BOOST_REQUIRE_EQUAL(static_cast<float>(direct->embed_tokens.blocks[i]), widened->embed_tokens.blocks[i]);
        BOOST_REQUIRE(direct->embed_tokens.blocks[i] == read->embed_tokens.blocks[i]);
    }
    BOOST_TEST(static_cast<const void*>(read->embed_tokens.blocks) !=
               static_cast<const void*>(direct->embed_tokens.blocks));
}

BOOST_AUTO_TEST_CASE(a_source_that_reads_pieces_gives_the_same_weights) {
    model_config c = small_config();
    c.vocab_size = c.output_vocab_size = 1003; // the last band of rows is not whole
    memory_source s;
    test_support::fill<bf16>(s, c);
    load_control control;
    control.executor = any_executor(3);
    for (const format_info* const format : {&info_of<dense<bf16>>, &info_of<dense<float>>, &info_of<int8>}) {
        s.zero_copy = true;
        const auto direct = load_decoder<apertus_architecture, any_format>(c, s, control, {format, format, format});
        s.zero_copy = false;
        s.pieces = true;
        const auto pieces = load_decoder<apertus_architecture, any_format>(c, s, control, {format, format, format});
        BOOST_REQUIRE(direct->matrices.size() == pieces->matrices.size());
        for (std::size_t i = 0; i < direct->matrices.size(); ++i) {
            const auto& a = direct->matrices[i].matrix;
            const auto& b = pieces->matrices[i].matrix;
            BOOST_REQUIRE((a.info == b.info && a.bytes() == b.bytes()));
            BOOST_TEST((std::memcmp(a.data, b.data, a.bytes()) == 0), direct->matrices[i].name);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_a_piece_cannot_be_read_for_reaches_the_caller) {
    class broken_source final : public weight_source {
    public:
        const memory_source& base;
        explicit broken_source(const memory_source& b) : base(b) {}
        [[nodiscard]] std::optional<source_tensor> find(std::string_view name) const override {
            return base.find(name);
        }
        [[nodiscard]] bool reads_pieces(std::string_view name) const noexcept override {
            return name == "lm_head.weight";
        }
        void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
            if (offset > 1000)
                fail(error_category::io, "test checkpoint", "byte " + std::to_string(offset), "more", "no");
            base.read(name, out, offset);
        }
        [[nodiscard]] std::vector<std::string> names() const override { return base.names(); }
        [[nodiscard]] std::string name() const override { return base.name(); }
        [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return nullptr; }
    };
    model_config c = small_config();
    c.vocab_size = c.output_vocab_size = 20000; // more than a piece when it is only copied
    memory_source s;
    test_support::fill<bf16>(s, c);
    s.zero_copy = false;
    const broken_source broken(s);
    load_control control;
    control.executor = any_executor(3);
    for (const format_info* const format : {&info_of<dense<bf16>>, &info_of<int8>}) {
        BOOST_CHECK_EXCEPTION(
            (void)(load_decoder<apertus_architecture, any_format>(c, broken, control, {format, format, format})), error,
            [](const error& e) {
                return e.category() == error_category::io &&
                       std::string_view(e.what()).find("byte ") != std::string_view::npos;
            });
    }
}

BOOST_AUTO_TEST_CASE(bytes_at_an_odd_address_are_copied) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<float>(s, c);
    auto& t = s.tensors.at("lm_head.weight");
    std::vector<std::byte> shifted(t.bytes.size() + 1);
    std::copy(t.bytes.begin(), t.bytes.end(), shifted.begin() + 1);

    class odd_source final : public weight_source {
    public:
        const memory_source& base;
        std::span<const std::byte> odd;
        odd_source(const memory_source& b, std::span<const std::byte> o) : base(b), odd(o) {}
        [[nodiscard]] std::optional<source_tensor> find(std::string_view name) const override {
            auto found = base.find(name);
            if (name == "lm_head.weight") found->bytes = odd;
            return found;
        }
        void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
            base.read(name, out, offset);
        }
        [[nodiscard]] std::vector<std::string> names() const override { return base.names(); }
        [[nodiscard]] std::string name() const override { return base.name(); }
        [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return nullptr; }
    } odd(s, std::span<const std::byte>(shifted).subspan(1));
    const auto m = load_decoder<apertus_architecture, dense<float>>(c, odd);
    const auto expected = load<dense<float>>(c, s);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(m->lm_head.weight.blocks) % alignof(float) == 0u);
    BOOST_TEST((std::memcmp(m->lm_head.weight.blocks, expected->lm_head.weight.blocks, t.bytes.size()) == 0));
}

BOOST_AUTO_TEST_CASE(a_tied_head_is_the_embedding_and_a_stored_one_is_ignored) {
    model_config c = small_config();
    memory_source s;
    test_support::fill<bf16>(s, c); // stores lm_head.weight as well
    c.tie_word_embeddings = true;
    const auto m = load<dense<bf16>>(c, s);
    BOOST_TEST(m->lm_head.weight.blocks == m->embed_tokens.blocks);
    BOOST_TEST(m->vocab_size() == c.vocab_size);
    BOOST_TEST(m->surplus.empty());
    s.tensors.erase("lm_head.weight");
    BOOST_CHECK_NO_THROW((void)load<dense<bf16>>(c, s));
    c.tie_word_embeddings = false;
    refused(c, s, error_category::format, "1 missing tensor(s): lm_head.weight");
}

BOOST_AUTO_TEST_CASE(missing_tensors_are_named_and_surplus_ones_listed) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<float>(s, c);
    s.tensors["model.vision_tokenizer.conv.weight"] = s.tensors.at("model.norm.weight");
    BOOST_TEST((load<dense<float>>(c, s)->surplus == std::vector<std::string>{"model.vision_tokenizer.conv.weight"}));
    s.tensors.erase("model.layers.1.self_attn.k_norm.weight");
    s.tensors.erase("model.layers.0.mlp.act_fn.alpha_n");
    refused(c, s, error_category::format,
            "2 missing tensor(s): model.layers.0.mlp.act_fn.alpha_n, model.layers.1.self_attn.k_norm.weight");
    for (auto& [name, t] : s.tensors) BOOST_REQUIRE(!name.empty());
    s.tensors.clear();
    refused(c, s, error_category::format, "more");
}

BOOST_AUTO_TEST_CASE(wrong_shapes_and_types_are_refused) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<float>(s, c);
    const auto good = s.tensors;
    s.tensors.at("model.layers.0.self_attn.q_proj.weight").shape = {40, 64};
    refused(c, s, error_category::shape,
            "'model.layers.0.self_attn.q_proj.weight': expected shape [64, 40], found [40, 64]");
    s.tensors = good;
    s.tensors.at("model.norm.weight").type = dtype::i32;
    refused(c, s, error_category::format, "'model.norm.weight': expected type F32, F16 or BF16, found I32");
    s.tensors = good;
    s.tensors.at("model.layers.0.mlp.act_fn.alpha_p").shape = {}; // 0-dimensional is fine
    BOOST_CHECK_NO_THROW((void)load<dense<float>>(c, s));
    s.tensors.at("model.layers.0.mlp.act_fn.alpha_p").shape = {2};
    refused(c, s, error_category::shape, "expected shape [1], found [2]");
}

BOOST_AUTO_TEST_CASE(every_matrix_may_have_its_own_format_and_is_packed_while_loading) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<bf16>(s, c);
    const auto stored = load<any_format>(c, s);
    BOOST_TEST(stored->format_names == "BF16");
    BOOST_TEST(stored->embed_tokens.holds<dense<bf16>>());
    BOOST_TEST(static_cast<const void*>(stored->embed_tokens.data) ==
               static_cast<const void*>(s.tensors.at("model.embed_tokens.weight").bytes.data()));

    const weight_choice choice{&info_of<int4>, &info_of<int8>, nullptr};
    for (const bool zero_copy : {true, false}) {
        s.zero_copy = zero_copy;
        const auto m = load_decoder<apertus_architecture, any_format>(c, s, {}, choice);
        BOOST_TEST(m->format_names.find("int4") != std::string::npos);
        BOOST_TEST(m->layers[1].mlp.up_proj.weight.holds<int4>());
        BOOST_TEST(m->lm_head.weight.holds<int8>());
        BOOST_TEST(m->embed_tokens.holds<dense<bf16>>());
        const auto& down = m->layers[0].mlp.down_proj.weight;
        BOOST_TEST(down.rows == c.hidden_size);
        BOOST_TEST(down.cols == c.intermediate_size);
        // the same blocks as packing the matrix by hand
        std::vector<float> values(down.rows * down.cols);
        for (std::size_t r = 0; r < down.rows; ++r) {
            unpack_row(stored->layers[0].mlp.down_proj.weight, r, values.data() + r * down.cols);
        }
        std::vector<std::byte> blocks(down.bytes());
        pack_rows(info_of<int4>, values.data(), down.rows, down.cols, blocks.data());
        BOOST_TEST((std::memcmp(blocks.data(), down.data, blocks.size()) == 0));
    }
}

BOOST_AUTO_TEST_CASE(a_tied_head_follows_the_choice_for_heads) {
    model_config c = small_config();
    c.tie_word_embeddings = true;
    memory_source s;
    test_support::fill<bf16>(s, c);
    const auto m = load_decoder<apertus_architecture, any_format>(c, s, {}, {nullptr, &info_of<int8>, &info_of<int4>});
    BOOST_TEST(m->tied_head());
    BOOST_TEST(m->lm_head.weight.holds<int8>());
    BOOST_TEST(m->embed_tokens.holds<int8>());
    BOOST_TEST(m->layers[0].self_attn.q_proj.weight.holds<dense<bf16>>());
}

BOOST_AUTO_TEST_CASE(progress_is_reported_and_a_stop_is_obeyed) {
    const model_config c = small_config();
    memory_source s;
    test_support::fill<bf16>(s, c);
    load_control control;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    control.progress = [&](const load_progress& p) {
        BOOST_TEST(p.bytes_done >= done);
        done = p.bytes_done;
        total = p.bytes_total;
    };
    (void)load<dense<float>>(c, s, control);
    BOOST_TEST(total > 0u);
    BOOST_TEST(done == total);

    std::stop_source stop;
    control.cancel.stop = stop.get_token();
    control.progress = [&](const load_progress&) { stop.request_stop(); };
    BOOST_CHECK_EXCEPTION((void)load<dense<float>>(c, s, control), error,
                          [](const error& e) { return e.category() == error_category::cancelled; });
}

BOOST_AUTO_TEST_SUITE_END()
