// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint (io/checkpoint.hpp) as the weight source that the loader of room `model` reads from.
#pragma once

#include <apertus/io/checkpoint.hpp>
#include <apertus/model/weight_source.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class checkpoint_source final : public weight_source {
public:
    /// `name` is what error messages call the checkpoint: its folder, usually.
    checkpoint_source(std::shared_ptr<const checkpoint> files, std::string name)
        : files_(std::move(files)), name_(std::move(name)) {}

    [[nodiscard]] std::optional<source_tensor> find(std::string_view tensor) const override {
        const stored_tensor* t = files_->find(tensor);
        if (t == nullptr) return std::nullopt;
        source_tensor out;
        out.type = t->dtype();
        out.shape.assign(t->shape().begin(), t->shape().end());
        out.byte_size = t->size_bytes();
        if (t->zero_copy()) out.bytes = t->view();
        return out;
    }
    void read(std::string_view tensor, std::span<std::byte> out, std::uint64_t offset) const override {
        files_->find(tensor)->read(out, offset);
    }
    [[nodiscard]] bool reads_pieces(std::string_view tensor) const noexcept override {
        return files_->find(tensor)->reads_side_by_side();
    }
    void done_with(std::string_view tensor) const noexcept override {
        if (const stored_tensor* t = files_->find(tensor)) t->advise(file_access::dont_need);
    }
    [[nodiscard]] std::vector<std::string> names() const override {
        std::vector<std::string> out;
        out.reserve(files_->tensors().size());
        for (const stored_tensor& t : files_->tensors()) out.push_back(t.name());
        return out;
    }
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return files_; }

private:
    std::shared_ptr<const checkpoint> files_;
    std::string name_;
};

APERTUS_END_NAMESPACE
