// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/checkpoint_source.hpp>

#include <apertus/arch/all.hpp>
#include <apertus/io/safetensors_writer.hpp>
#include <apertus/model/loader.hpp>

#include <support/random_model.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace apertus;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// A line of /proc/self/status in bytes, 0 when there is none.
std::uint64_t process_status(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1)) * 1024;
    }
    return 0;
}

/// From now on VmHWM is the most that was resident since now. False where the system cannot do that.
bool restart_peak() {
    std::ofstream refs("/proc/self/clear_refs");
    refs << "5" << std::flush;
    return refs.good() && process_status("VmHWM") < process_status("VmRSS") + (std::uint64_t{1} << 20);
}

} // namespace

BOOST_AUTO_TEST_SUITE(run_checkpoint_source)

BOOST_AUTO_TEST_CASE(packing_takes_the_final_size_and_one_tensor) {
    if (sanitized) return skip_test("sanitizers need memory of their own");
    model_config c = test_support::small_config();
    c.vocab_size = c.output_vocab_size = 8000;
    c.hidden_size = 768;
    c.intermediate_size = 3072;
    c.num_hidden_layers = 4;
    c.num_attention_heads = 12;
    c.num_key_value_heads = 12;
    c.head_dim = 64;
    c.validate();
    const test_support::temporary_folder folder;
    std::uint64_t largest = 0;
    std::uint64_t all = 0;
    {
        test_support::memory_source model;
        test_support::fill<bf16>(model, c);
        std::vector<memory_tensor> tensors;
        for (const auto& [name, t] : model.tensors) {
            tensors.push_back({name, t.type, {t.shape.begin(), t.shape.end()}, t.bytes});
            largest = std::max<std::uint64_t>(largest, t.bytes.size());
            all += t.bytes.size();
        }
        write_safetensors(folder.path("model.safetensors"), {}, tensors);
    }
    load_control control;
    control.executor = any_executor(2);
    for (const bool mapped : {true, false}) {
        for (const format_info* const format : {&info_of<int8>, &info_of<int4>}) {
            if (!restart_peak()) return skip_test("this system does not tell the most memory that was in use");
            const std::uint64_t before = process_status("VmRSS");
            const auto files = std::make_shared<const checkpoint>(checkpoint::open(folder.path(), {mapped}));
            const checkpoint_source source(files, folder.path());
            const auto model =
                load_decoder<apertus_architecture, any_format>(c, source, control, {format, format, format});
            const std::uint64_t used = process_status("VmHWM") - before;
            const std::uint64_t final_size = model->weight_bytes;
            const std::uint64_t slack = std::uint64_t{8} << 20; // a huge page more or less, stacks
            BOOST_TEST(used <= final_size + final_size / 10 + largest + slack);
            BOOST_TEST(final_size + largest + slack < all); // so that a source kept in memory would show
            BOOST_TEST(used >= final_size / 2);             // and so would a measurement of nothing
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
