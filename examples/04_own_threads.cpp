// SPDX-License-Identifier: Apache-2.0
//
// The host owns the threads: any object with concurrency() and a blocking parallel_for() will do. Also: what a session
// would cost, before it exists, and loading with progress and a stop token.
#include <apertus/apertus.hpp>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

// The host's own pool; here simply two threads per call.
struct my_executor {
    [[nodiscard]] std::size_t concurrency() const { return 2; }
    void parallel_for(std::size_t n, apertus::index_function_ref f) const {
        std::thread other([&] {
            for (std::size_t i = 1; i < n; i += 2) f(i);
        });
        for (std::size_t i = 0; i < n; i += 2) f(i);
        other.join();
    }
};
static_assert(apertus::executor<my_executor>);

int main(int argc, char** argv) try {
    const char* folder = argc > 1 ? argv[1] : "models/apertus-tiny";
    std::stop_source stop; // stop.request_stop() from any thread ends the load with error(cancelled)
    apertus::load_options load;
    load.executor = apertus::any_executor(std::make_shared<my_executor>());
    load.cancel.stop = stop.get_token();
    load.progress = [](const apertus::load_progress& p) {
        std::fprintf(stderr, "\r%3.0f %%",
                     100.0 * static_cast<double>(p.bytes_done) / static_cast<double>(p.bytes_total));
    };
    const auto model = apertus::causal_lm::from_pretrained(folder, load);
    std::fprintf(stderr, "\n");

    const apertus::memory_plan plan = model.plan({.max_sequences = 4, .max_length = 1024});
    std::printf("%s: weights %zu, cache %zu, scratch %zu bytes\n", model.backend_name().c_str(), plan.weights,
                plan.kv_cache, plan.activations + plan.logits);
    const std::vector<std::int32_t> ids{1, 2, 3};
    std::printf("%zu new tokens\n", model.generate(ids, {.max_new_tokens = 8}).new_tokens);
} catch (const apertus::error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}
