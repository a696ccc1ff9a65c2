// SPDX-License-Identifier: Apache-2.0
//
// Adding a backend: an object with the verbs of `concept backend` (core/concepts.hpp). This one does what the reference
// does and counts multiply-adds, so it inherits and replaces one verb; a backend for other memory writes all of them and
// names its own `space`. The model's code does not change.
#include <apertus/apertus.hpp>
#include <apertus/arch/apertus.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/model/session.hpp>
#include <apertus/run/checkpoint_source.hpp>
#include <apertus/run/config_json.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

struct counting_backend : apertus::reference_backend {
    std::shared_ptr<std::uint64_t> multiply_adds = std::make_shared<std::uint64_t>(0);

    template <apertus::weight_format Format>
    void matmul(apertus::tensor_view<const float, 2> x, apertus::weight_view<Format> w,
                apertus::tensor_view<const float, 1> bias, apertus::tensor_view<float, 2> out) noexcept {
        *multiply_adds += x.extent(0) * w.rows * w.cols;
        apertus::reference_backend::matmul(x, w, bias, out);
    }
};
static_assert(apertus::backend<counting_backend>);

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : "models/apertus-tiny";
    const std::string path = apertus::join_path(folder, "config.json");
    const apertus::model_config config = apertus::parse_config_json(apertus::read_file(path, 1 << 20), path);
    const apertus::checkpoint_source source(
        std::make_shared<const apertus::checkpoint>(apertus::checkpoint::open(folder)), folder);

    using model = apertus::apertus_model<apertus::dense<apertus::bf16>>;
    const auto weights =
        apertus::load_decoder<apertus::apertus_architecture, apertus::dense<apertus::bf16>>(config, source);
    const counting_backend counter;
    apertus::session<model, counting_backend> session(weights, counter);

    const std::vector<std::int32_t> ids{1, 2, 3, 4};
    const apertus::segment step{0, ids};
    (void)session.forward(std::span(&step, 1));
    std::printf("%zu tokens: %llu multiply-adds in matrix products\n", ids.size(),
                static_cast<unsigned long long>(*counter.multiply_adds));
    return *counter.multiply_adds > 0 ? 0 : 1;
}
