// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/tokenizer_json.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/io/json.hpp>
#include <apertus/run/gguf_tokenizer.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/tokenizer.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Builds a DOM from SAX events in linear time (inserting into an ordered object is linear per key otherwise).
/// Bounded in size, because it is for small sections only.
class json_collector {
public:
    static constexpr std::size_t max_values = 200000;

    /// Starts afresh.
    void reset() {
        root_ = nullptr;
        stack_.clear();
        count_ = 0;
    }
    void key(std::string text) { key_ = std::move(text); }
    /// Puts a value; a container becomes the place for what follows until `end`. Returns false when there are too many values.
    [[nodiscard]] bool put(json value) {
        if (++count_ > max_values) return false;
        const bool container = value.is_structured();
        json* place = &root_;
        if (stack_.empty()) {
            root_ = std::move(value);
        } else if (stack_.back()->is_array()) {
            stack_.back()->push_back(std::move(value));
            place = &stack_.back()->back();
        } else {
            auto& members = stack_.back()->get_ref<json::object_t&>();
            members.std::vector<std::pair<const std::string, json>, json::object_t::allocator_type>::emplace_back(
                std::move(key_), std::move(value));
            place = &members.back().second;
        }
        if (container) stack_.push_back(place);
        return true;
    }
    void end() { stack_.pop_back(); }
    [[nodiscard]] bool complete() const noexcept { return stack_.empty(); }
    [[nodiscard]] json take() { return std::exchange(root_, nullptr); }

private:
    json root_;
    std::vector<json*> stack_;
    std::string key_;
    std::size_t count_ = 0;
};

/// A place in a JSON document, with the checks that reading it needs. All failures are error(format) "document: place: ...".
class json_place {
public:
    json_place(const json& value, std::string_view document, std::string path)
        : value_(&value), document_(document), path_(std::move(path)) {}

    [[nodiscard]] const json& value() const noexcept { return *value_; }
    [[nodiscard]] bool is_null() const noexcept { return value_->is_null(); }
    [[noreturn]] void fail_here(std::string_view expected, std::string_view found) const {
        fail(error_category::format, document_, path_, expected, found);
    }
    [[nodiscard]] std::optional<json_place> find(std::string_view key) const {
        if (!value_->is_object()) fail_here("an object", describe_json(*value_));
        for (const auto& [name, member] : value_->get_ref<const json::object_t&>()) {
            if (name == key) return json_place(member, document_, path_ + "." + std::string(key));
        }
        return std::nullopt;
    }
    [[nodiscard]] json_place at(std::string_view key) const {
        if (auto found = find(key)) return *std::move(found);
        fail_here("a member '" + std::string(key) + "'", "none");
    }
    [[nodiscard]] std::vector<json_place> elements() const {
        if (!value_->is_array()) fail_here("an array", describe_json(*value_));
        std::vector<json_place> out;
        out.reserve(value_->size());
        for (std::size_t i = 0; i < value_->size(); ++i) {
            out.emplace_back((*value_)[i], document_, path_ + "[" + std::to_string(i) + "]");
        }
        return out;
    }
    [[nodiscard]] const std::string& text() const {
        if (!value_->is_string()) fail_here("a string", describe_json(*value_));
        return value_->get_ref<const std::string&>();
    }
    [[nodiscard]] bool boolean() const {
        if (!value_->is_boolean()) fail_here("true or false", describe_json(*value_));
        return value_->get<bool>();
    }
    /// A number that fits a token id.
    [[nodiscard]] std::int32_t id() const {
        if (!value_->is_number_integer() || value_->get<std::int64_t>() < 0 ||
            value_->get<std::int64_t>() > std::numeric_limits<std::int32_t>::max()) {
            fail_here("an integer from 0 to 2147483647", describe_json(*value_));
        }
        return value_->get<std::int32_t>();
    }
    [[nodiscard]] bool flag(std::string_view key, bool absent) const {
        const auto found = find(key);
        return found ? found->boolean() : absent;
    }

private:
    const json* value_;
    std::string_view document_;
    std::string path_;
};

/// The elements of a nested Sequence, flattened; anything else is one element; null is none.
inline void flatten_sequence(const json_place& place, std::string_view list, std::vector<json_place>& out,
                             std::size_t depth = 0) {
    if (place.is_null()) return;
    if (place.at("type").text() != "Sequence") {
        out.push_back(place);
        return;
    }
    if (depth == 16) place.fail_here("sequences nested at most 16 deep", "deeper nesting");
    for (const json_place& element : place.at(list).elements()) flatten_sequence(element, list, out, depth + 1);
}

[[nodiscard]] inline text_pattern read_text_pattern(const json_place& place) {
    if (const auto regex = place.find("Regex")) return {regex->text(), true};
    return {place.at("String").text(), false};
}

[[nodiscard]] inline normalizer_step read_normalizer(const json_place& place) {
    const std::string& type = place.at("type").text();
    if (type == "Replace") return replace_step{read_text_pattern(place.at("pattern")), place.at("content").text()};
    if (type == "Prepend") return prepend_step{place.at("prepend").text()};
    if (type == "Lowercase") return lowercase_step{};
    if (type == "Strip") return strip_step{place.at("strip_left").boolean(), place.at("strip_right").boolean()};
    if (type == "NFC") return unicode_form_step{unicode_form::nfc};
    if (type == "NFD") return unicode_form_step{unicode_form::nfd};
    place.at("type").fail_here("a supported normalizer (Sequence, Replace, Prepend, Lowercase, Strip, NFC, NFD)",
                               quoted(type));
}

[[nodiscard]] inline split_behavior read_behavior(const json_place& place) {
    const std::string& name = place.text();
    if (name == "Removed") return split_behavior::removed;
    if (name == "Isolated") return split_behavior::isolated;
    if (name == "MergedWithPrevious") return split_behavior::merged_with_previous;
    if (name == "MergedWithNext") return split_behavior::merged_with_next;
    if (name == "Contiguous") return split_behavior::contiguous;
    place.fail_here("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous", quoted(name));
}

[[nodiscard]] inline pre_tokenizer_step read_pre_tokenizer(const json_place& place) {
    const std::string& type = place.at("type").text();
    if (type == "Split") {
        return split_step{read_text_pattern(place.at("pattern")), read_behavior(place.at("behavior")),
                          place.flag("invert", false)};
    }
    if (type == "ByteLevel") {
        return byte_level_step{place.flag("add_prefix_space", true), place.flag("trim_offsets", true),
                               place.flag("use_regex", true)};
    }
    if (type == "Digits") return digits_step{place.flag("individual_digits", false)};
    place.at("type").fail_here("a supported pre-tokenizer (Sequence, Split, ByteLevel, Digits)", quoted(type));
}

/// The pieces of one template.
[[nodiscard]] inline std::vector<template_piece> read_template(const json_place& place, const json_place& specials) {
    std::vector<template_piece> out;
    for (const json_place& element : place.elements()) {
        template_piece piece;
        if (const auto sequence = element.find("Sequence")) {
            const json_place id = sequence->at("id");
            if (id.text() != "A" && id.text() != "B") id.fail_here("A or B", quoted(id.text()));
            piece.kind = id.text() == "A" ? template_piece::sequence_a : template_piece::sequence_b;
            piece.type_id = sequence->at("type_id").id();
        } else {
            const json_place special = element.at("SpecialToken");
            piece.kind = template_piece::special;
            piece.type_id = special.at("type_id").id();
            const json_place token = specials.at(special.at("id").text());
            for (const json_place& id : token.at("ids").elements()) piece.ids.push_back(id.id());
            for (const json_place& text : token.at("tokens").elements()) piece.tokens.push_back(text.text());
            if (piece.ids.size() != piece.tokens.size())
                token.fail_here("as many ids as tokens", std::to_string(piece.ids.size()));
        }
        out.push_back(std::move(piece));
    }
    return out;
}

/// ["<s>", 0] as a template piece.
[[nodiscard]] inline template_piece read_token_pair(const json_place& place, std::int32_t type_id) {
    const auto parts = place.elements();
    if (parts.size() != 2) place.fail_here("[token, id]", "an array of " + std::to_string(parts.size()));
    return {template_piece::special, type_id, {parts[1].id()}, {parts[0].text()}};
}

inline void read_post_processor(const json_place& place, std::vector<post_processor_step>& out) {
    const std::string& type = place.at("type").text();
    const auto sequence = [](template_piece::kind_type kind, std::int32_t type_id) {
        return template_piece{kind, type_id, {}, {}};
    };
    if (type == "TemplateProcessing") {
        const json_place specials = place.at("special_tokens");
        out.push_back(
            template_step{read_template(place.at("single"), specials), read_template(place.at("pair"), specials)});
    } else if (type == "ByteLevel") {
        if (place.flag("trim_offsets", true)) out.push_back(trim_offsets_step{place.flag("add_prefix_space", true)});
    } else if (type == "RobertaProcessing") { // <s> A </s>, <s> A </s></s> B </s>; every type id 0
        if (place.flag("trim_offsets", true)) out.push_back(trim_offsets_step{place.flag("add_prefix_space", true)});
        const template_piece cls = read_token_pair(place.at("cls"), 0), sep = read_token_pair(place.at("sep"), 0);
        const template_piece a = sequence(template_piece::sequence_a, 0), b = sequence(template_piece::sequence_b, 0);
        out.push_back(template_step{{cls, a, sep}, {cls, a, sep, sep, b, sep}});
    } else if (type == "BertProcessing") { // [CLS] A [SEP], [CLS] A [SEP] B [SEP]; B and its [SEP] have type id 1
        const template_piece cls = read_token_pair(place.at("cls"), 0);
        const template_piece sep = read_token_pair(place.at("sep"), 0), sep_b = read_token_pair(place.at("sep"), 1);
        const template_piece a = sequence(template_piece::sequence_a, 0), b = sequence(template_piece::sequence_b, 1);
        out.push_back(template_step{{cls, a, sep}, {cls, a, sep, b, sep_b}});
    } else {
        place.at("type").fail_here(
            "a supported post-processor (Sequence, TemplateProcessing, ByteLevel, RobertaProcessing, "
            "BertProcessing)",
            quoted(type));
    }
}

/// The decoder, reduced to the three that there are: ByteLevel, Fuse (or an empty sequence), none.
[[nodiscard]] inline decoder_kind read_decoder(const json_place& place) {
    if (place.is_null()) return decoder_kind::none;
    std::vector<json_place> steps;
    flatten_sequence(place, "decoders", steps);
    decoder_kind kind = decoder_kind::fuse;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const json_place type = steps[i].at("type");
        if (type.text() == "ByteLevel" && i == 0) {
            kind = decoder_kind::byte_level;
        } else if (type.text() != "Fuse") {
            type.fail_here("a supported decoder (ByteLevel first, Fuse, a Sequence of them)", quoted(type.text()));
        }
    }
    return kind;
}

/// Reads tokenizer.json event by event.
class tokenizer_json_handler {
public:
    tokenizer_json_handler(std::string_view text, std::string_view document) : text_(text), document_(document) {}

    bool null() { return scalar(nullptr); }
    bool boolean(bool value) { return scalar(value); }
    bool number_integer(std::int64_t value) { return number(value); }
    bool number_unsigned(std::uint64_t value) {
        return number(value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
                          ? std::numeric_limits<std::int64_t>::max()
                          : static_cast<std::int64_t>(value));
    }
    bool number_float(double value, const std::string&) { return scalar(value); }
    bool binary(json::binary_t&) { return false; }
    bool string(std::string& value) {
        if (where() == place::merges) {
            merge_line(value);
        } else if (where() == place::merge_pair) {
            merge_operand(value);
        } else {
            return scalar(std::move(value));
        }
        return true;
    }

    bool start_object(std::size_t) { return open(true); }
    bool start_array(std::size_t) { return open(false); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& text) {
        switch (where()) {
        case place::section:
        case place::added_tokens: section_.key(std::move(text)); break;
        case place::vocab: token_ = add(text); break;
        default: key_ = std::move(text); break;
        }
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const json::exception& e) {
        json_parse_failure(document_, text_, byte, e.what());
    }

    /// The result, after the last event.
    [[nodiscard]] tokenizer_spec take() {
        if (!has_model_) wrong("model", "an object", "none");
        if (!has_vocab_) wrong("model.vocab", "an object", "none");
        if (!has_merges_) wrong("model.merges", "an array", "none");
        return std::move(spec_);
    }

private:
    enum class place : std::uint8_t { outside, top, model, vocab, merges, merge_pair, section, added_tokens, skipped };

    [[nodiscard]] place where() const noexcept { return places_.empty() ? place::outside : places_.back(); }
    [[noreturn]] void wrong(std::string_view path, std::string_view expected, std::string_view found) const {
        fail(error_category::format, document_, path, expected, found);
    }

    text_ref add(std::string_view text) {
        if (spec_.model.arena.size() + text.size() > 0xFFFFFFFFu)
            wrong("model", "less than 4 GiB of vocabulary and merges", "more");
        return spec_.model.add(text);
    }

    bool open(bool object) {
        if (places_.size() >= json_max_depth) {
            wrong("document", "nesting of at most " + std::to_string(json_max_depth), "deeper nesting");
        }
        const std::string_view found = object ? "an object" : "an array";
        switch (where()) {
        case place::outside:
            if (!object) wrong("document", "an object", found);
            places_.push_back(place::top);
            return true;
        case place::top: return open_member(object, found);
        case place::model:
            if (key_ == "vocab") {
                if (!object) wrong("model.vocab", "an object (a BPE model)", found);
                if (std::exchange(has_vocab_, true)) wrong("model.vocab", "one", "two");
                places_.push_back(place::vocab);
            } else if (key_ == "merges") {
                if (object) wrong("model.merges", "an array", found);
                if (std::exchange(has_merges_, true)) wrong("model.merges", "one", "two");
                places_.push_back(place::merges);
            } else {
                model_field_container(found);
                places_.push_back(place::skipped);
            }
            return true;
        case place::merges:
            if (object) wrong(merge_path(), "a string or a pair", found);
            check_merge_form(2);
            pair_size_ = 0;
            places_.push_back(place::merge_pair);
            return true;
        case place::vocab: wrong("model.vocab[" + quoted(spec_.model.text(token_)) + "]", "an id", found);
        case place::merge_pair: wrong(merge_path(), "two strings", found);
        case place::section:
        case place::added_tokens:
            collect(object ? json(json::value_t::object) : json(json::value_t::array));
            places_.push_back(where());
            return true;
        case place::skipped: places_.push_back(place::skipped); return true;
        }
        return false;
    }

    bool open_member(bool object, std::string_view found) {
        if (key_ == "model") {
            if (!object) wrong("model", "an object", found);
            if (std::exchange(has_model_, true)) wrong("model", "one", "two");
            places_.push_back(place::model);
        } else if (key_ == "added_tokens") {
            if (object) wrong("added_tokens", "an array", found);
            places_.push_back(place::added_tokens);
        } else if (is_section(key_)) {
            if (!object) wrong(key_, "an object or null", found);
            section_.reset();
            collect(json(json::value_t::object));
            places_.push_back(place::section);
        } else {
            places_.push_back(place::skipped);
        }
        return true;
    }

    bool close() {
        const place closed = where();
        places_.pop_back();
        if (closed == place::section || (closed == place::added_tokens && where() == place::added_tokens))
            section_.end();
        if (closed == place::section && where() == place::top) {
            finish_section();
        } else if (closed == place::added_tokens && where() == place::added_tokens && section_.complete()) {
            finish_added_token();
        } else if (closed == place::merge_pair) {
            if (pair_size_ != 2) wrong(merge_path(), "two strings", std::to_string(pair_size_));
            spec_.model.merges.push_back(pair_);
        }
        return true;
    }

    [[nodiscard]] static bool is_section(std::string_view key) {
        return key == "normalizer" || key == "pre_tokenizer" || key == "post_processor" || key == "decoder";
    }
    void collect(json value) {
        if (!section_.put(std::move(value))) {
            wrong(where() == place::added_tokens ? "added_tokens[" + std::to_string(spec_.added_tokens.size()) + "]"
                                                 : key_,
                  "at most " + std::to_string(json_collector::max_values) + " values", "more");
        }
    }

    void finish_section() {
        const json value = section_.take();
        const json_place root(value, document_, key_);
        std::vector<json_place> steps;
        if (key_ == "normalizer") {
            flatten_sequence(root, "normalizers", steps);
            for (const json_place& step : steps) spec_.normalizers.push_back(read_normalizer(step));
        } else if (key_ == "pre_tokenizer") {
            flatten_sequence(root, "pretokenizers", steps);
            for (const json_place& step : steps) spec_.pre_tokenizers.push_back(read_pre_tokenizer(step));
        } else if (key_ == "post_processor") {
            flatten_sequence(root, "processors", steps);
            for (const json_place& step : steps) read_post_processor(step, spec_.post_processors);
        } else {
            spec_.decoder = read_decoder(root);
        }
    }

    void finish_added_token() {
        const json value = section_.take();
        section_.reset();
        const json_place root(value, document_, "added_tokens[" + std::to_string(spec_.added_tokens.size()) + "]");
        added_token token;
        token.content = root.at("content").text();
        token.id = root.at("id").id();
        token.single_word = root.at("single_word").boolean();
        token.lstrip = root.at("lstrip").boolean();
        token.rstrip = root.at("rstrip").boolean();
        token.normalized = root.at("normalized").boolean();
        token.special = root.at("special").boolean();
        spec_.added_tokens.push_back(std::move(token));
    }

    bool number(std::int64_t value) {
        if (where() != place::vocab) return scalar(value);
        if (value < 0 || value > std::numeric_limits<std::int32_t>::max()) {
            wrong("model.vocab[" + quoted(spec_.model.text(token_)) + "]", "an id from 0 to 2147483647",
                  std::to_string(value));
        }
        spec_.model.vocab.push_back({token_, static_cast<std::int32_t>(value)});
        return true;
    }

    template <class Value> bool scalar(Value&& value) {
        switch (where()) {
        case place::section: collect(json(std::forward<Value>(value))); break;
        case place::added_tokens:
            if (section_.complete()) {
                wrong("added_tokens[" + std::to_string(spec_.added_tokens.size()) + "]", "an object",
                      describe_json(json(std::forward<Value>(value))));
            }
            collect(json(std::forward<Value>(value)));
            break;
        case place::model: model_field(json(std::forward<Value>(value))); break;
        case place::top: top_field(json(std::forward<Value>(value))); break;
        case place::vocab:
            wrong("model.vocab[" + quoted(spec_.model.text(token_)) + "]", "an id",
                  describe_json(json(std::forward<Value>(value))));
        case place::merges: wrong(merge_path(), "a string or a pair", describe_json(json(std::forward<Value>(value))));
        case place::merge_pair: wrong(merge_path(), "two strings", describe_json(json(std::forward<Value>(value))));
        case place::outside: wrong("document", "an object", describe_json(json(std::forward<Value>(value))));
        case place::skipped: break;
        }
        return true;
    }

    /// Not with ==, which the JSON library would compile a whole comparison of documents for.
    [[nodiscard]] static bool is_text(const json& value, std::string_view text) {
        return value.is_string() && value.get_ref<const std::string&>() == text;
    }

    void top_field(const json& value) {
        if (key_ == "version") {
            if (!is_text(value, "1.0")) wrong("version", "'1.0'", describe_json(value));
        } else if (key_ == "model" || key_ == "added_tokens" || (is_section(key_) && !value.is_null())) {
            wrong(key_, key_ == "added_tokens" ? "an array" : "an object", describe_json(value));
        }
    }

    void model_field_container(std::string_view found) const {
        for (const std::string_view field : {"type", "dropout", "unk_token", "continuing_subword_prefix",
                                             "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges"}) {
            if (key_ == field) wrong("model." + key_, "a plain value", found);
        }
    }

    void model_field(const json& value) {
        const std::string path = "model." + key_;
        const json_place here(value, document_, path);
        bpe_spec& model = spec_.model;
        const auto flag = [&] { return !value.is_null() && here.boolean(); };
        if (key_ == "type") {
            if (!is_text(value, "BPE")) wrong(path, "'BPE', the only supported model", describe_json(value));
        } else if (key_ == "dropout") {
            if (!value.is_null() && !(value.is_number() && value.get<double>() == 0.0))
                wrong(path, "null (dropout is not supported)", describe_json(value));
        } else if (key_ == "unk_token") {
            if (!value.is_null()) model.unk_token = here.text();
        } else if (key_ == "continuing_subword_prefix" || key_ == "end_of_word_suffix") {
            if (!value.is_null() && !is_text(value, ""))
                wrong(path, "null or '' (not supported)", describe_json(value));
        } else if (key_ == "fuse_unk") {
            model.fuse_unk = flag();
        } else if (key_ == "byte_fallback") {
            model.byte_fallback = flag();
        } else if (key_ == "ignore_merges") {
            model.ignore_merges = flag();
        } else if (key_ == "vocab" || key_ == "merges") {
            wrong(path, key_ == "vocab" ? "an object" : "an array", describe_json(value));
        }
    }

    [[nodiscard]] std::string merge_path() const {
        return "model.merges[" + std::to_string(spec_.model.merges.size()) + "]";
    }
    void check_merge_form(int form) {
        if (merge_form_ != 0 && merge_form_ != form) wrong(merge_path(), "all merges in the same form", "a mixture");
        merge_form_ = form;
    }
    void merge_line(std::string_view line) {
        check_merge_form(1);
        if (line.starts_with("#version")) return;
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
            wrong(merge_path(), "two tokens and a space", quoted(line));
        }
        const text_ref left = add(line.substr(0, space));
        spec_.model.merges.push_back({left, add(line.substr(space + 1))});
    }
    void merge_operand(std::string_view token) {
        if (pair_size_ == 2) wrong(merge_path(), "two strings", "more");
        (pair_size_++ == 0 ? pair_.left : pair_.right) = add(token);
    }

    std::string_view text_, document_;
    tokenizer_spec spec_;
    std::vector<place> places_; ///< one per open object or array
    std::string key_;           ///< the last key of an object that is not collected
    json_collector section_;
    text_ref token_; ///< the last key of the vocabulary
    bpe_spec::merge pair_{};
    int pair_size_ = 0;
    int merge_form_ = 0; ///< 1 strings, 2 pairs
    bool has_model_ = false, has_vocab_ = false, has_merges_ = false;
};

/// Collects the members of a document's object but for those named in `ignored`, which may be large.
class json_members_handler : public json_collector {
public:
    json_members_handler(std::string_view text, std::string_view document, std::string_view ignored)
        : text_(text), document_(document), ignored_(ignored) {}

    bool null() { return add(nullptr); }
    bool boolean(bool value) { return add(value); }
    bool number_integer(std::int64_t value) { return add(value); }
    bool number_unsigned(std::uint64_t value) { return add(value); }
    bool number_float(double value, const std::string&) { return add(value); }
    bool string(std::string& value) { return add(std::move(value)); }
    bool binary(json::binary_t&) { return false; }
    bool start_object(std::size_t) { return open(json(json::value_t::object)); }
    bool start_array(std::size_t) { return open(json(json::value_t::array)); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& text) {
        if (depth_ == 1) skipping_ = text == ignored_;
        if (!skipping_) json_collector::key(std::move(text));
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const json::exception& e) {
        json_parse_failure(document_, text_, byte, e.what());
    }

private:
    template <class Value> bool add(Value&& value) {
        if (!skipping_ && !put(json(std::forward<Value>(value)))) {
            fail(error_category::format, document_, "document", "at most " + std::to_string(max_values) + " values",
                 "more");
        }
        return true;
    }
    bool open(json container) {
        if (++depth_ > json_max_depth) {
            fail(error_category::format, document_, "document", "nesting of at most " + std::to_string(json_max_depth),
                 "deeper nesting");
        }
        return add(std::move(container));
    }
    bool close() {
        --depth_;
        if (!skipping_) end();
        if (depth_ <= 1) skipping_ = false;
        return true;
    }

    std::string_view text_, document_, ignored_;
    std::size_t depth_ = 0;
    bool skipping_ = false;
};

/// "<s>" or {"content": "<s>", ...} or null.
[[nodiscard]] inline std::optional<std::string> read_token_name(const json_place& place) {
    if (place.is_null()) return std::nullopt;
    if (place.value().is_object()) return place.at("content").text();
    return place.text();
}

/// Takes from `document` what is not set yet in `spec`.
inline void read_token_names(const json_place& root, tokenizer_spec& spec) {
    const std::pair<std::string_view, std::optional<std::string>*> names[] = {{"bos_token", &spec.bos_token},
                                                                              {"eos_token", &spec.eos_token},
                                                                              {"pad_token", &spec.pad_token},
                                                                              {"unk_token", &spec.unk_token}};
    for (const auto& [key, target] : names) {
        if (const auto found = root.find(key); found && !*target) *target = read_token_name(*found);
    }
}

APERTUS_DEFINITION void adopt_named_tokens(tokenizer_spec& spec) {
    for (const auto& name : {spec.bos_token, spec.eos_token, spec.pad_token, spec.unk_token}) {
        if (!name || name->empty()) continue;
        bool known = false, in_vocabulary = false;
        for (const added_token& token : spec.added_tokens) known = known || token.content == *name;
        if (known) continue;
        for (const bpe_spec::entry& entry : spec.model.vocab)
            in_vocabulary = in_vocabulary || spec.model.text(entry.token) == *name;
        if (!in_vocabulary) continue;
        added_token token;
        token.content = *name;
        token.normalized = false;
        token.special = true;
        spec.added_tokens.push_back(std::move(token));
    }
}

} // namespace detail

APERTUS_DEFINITION tokenizer_spec parse_tokenizer_json(std::string_view text, std::string_view document) {
    detail::tokenizer_json_handler handler(text, document);
    try {
        if (!parse_json_sax(text, handler)) fail(error_category::format, document, "not a JSON text");
    } catch (const json::exception& e) { // e.g. a number out of range
        detail::json_parse_failure(document, text, 0, e.what());
    }
    return handler.take();
}

APERTUS_DEFINITION void parse_tokenizer_config(std::string_view text, std::string_view document, tokenizer_spec& spec) {
    detail::json_members_handler handler(text, document, "added_tokens_decoder"); // tokenizer.json has the added tokens
    if (!parse_json_sax(text, handler)) fail(error_category::format, document, "not a JSON text");
    const json value = handler.take();
    const detail::json_place root(value, document, "document");
    detail::read_token_names(root, spec);
    for (const auto& [key, target] : {std::pair(std::string_view("padding_side"), &spec.padding_side),
                                      std::pair(std::string_view("truncation_side"), &spec.truncation_side)}) {
        if (const auto found = root.find(key); found && !found->is_null()) {
            if (found->text() != "left" && found->text() != "right")
                found->fail_here("'left' or 'right'", quoted(found->text()));
            *target = found->text();
        }
    }
    if (const auto found = root.find("model_max_length"); found && !found->is_null()) {
        if (!found->value().is_number()) found->fail_here("a number", describe_json(found->value()));
        const double length = found->value().get<double>();
        if (length >= 0 && length < 1e18)
            spec.model_max_length = static_cast<std::size_t>(length); // 1e30 stands for "very large"
    }
    for (const auto& [key, target] : {std::pair(std::string_view("add_bos_token"), &spec.add_bos_token),
                                      std::pair(std::string_view("add_eos_token"), &spec.add_eos_token)}) {
        if (const auto found = root.find(key); found && !found->is_null()) *target = found->boolean();
    }
    if (const auto found = root.find("chat_template"); found && !found->is_null()) {
        if (found->value().is_array()) { // named templates
            for (const detail::json_place& element : found->elements()) {
                if (element.at("name").text() == "default") spec.chat_template = element.at("template").text();
            }
        } else {
            spec.chat_template = found->text();
        }
    }
}

APERTUS_DEFINITION void parse_special_tokens_map(std::string_view text, std::string_view document,
                                                 tokenizer_spec& spec) {
    detail::json_members_handler handler(text, document, "");
    if (!parse_json_sax(text, handler)) fail(error_category::format, document, "not a JSON text");
    const json value = handler.take();
    detail::read_token_names(detail::json_place(value, document, "document"), spec);
}

APERTUS_DEFINITION tokenizer load_tokenizer(const std::string& directory) {
    if (is_gguf_path(directory)) return tokenizer(tokenizer_spec_from_gguf(gguf_checkpoint::open(directory)));
    static constexpr std::uint64_t limit = 0xFFFFFFFFu;
    const std::string path = join_path(directory, "tokenizer.json");
    tokenizer_spec spec = parse_tokenizer_json(read_file(path, limit), path);
    if (const std::string config = join_path(directory, "tokenizer_config.json"); path_exists(config)) {
        parse_tokenizer_config(read_file(config, limit), config, spec);
    }
    if (const std::string map = join_path(directory, "special_tokens_map.json"); path_exists(map)) {
        parse_special_tokens_map(read_file(map, limit), map, spec);
    }
    detail::adopt_named_tokens(spec);
    return tokenizer(std::move(spec));
}

APERTUS_END_NAMESPACE
