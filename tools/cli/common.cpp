// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <thread>

#include <unistd.h>

namespace cli {

namespace {

using apertus::error_category;
using apertus::fail;

/// Where this program lies; empty when the system does not tell.
std::string program_folder() {
    std::string path(4096, '\0');
    const auto n = ::readlink("/proc/self/exe", path.data(), path.size());
    if (n <= 0 || static_cast<std::size_t>(n) == path.size()) return {};
    path.resize(static_cast<std::size_t>(n));
    return path.substr(0, path.rfind('/'));
}

/// Draws on stderr when it is a terminal and the load takes more than a moment.
class progress_bar {
public:
    void show(const apertus::load_progress& p) {
        if (!terminal_ || p.bytes_total == 0) return;
        const auto now = std::chrono::steady_clock::now();
        if (now - start_ < std::chrono::milliseconds(500) || now - last_ < std::chrono::milliseconds(100)) return;
        last_ = now;
        constexpr std::size_t width = 40;
        const double share = std::min(1.0, static_cast<double>(p.bytes_done) / static_cast<double>(p.bytes_total));
        const auto filled = static_cast<std::size_t>(share * width);
        std::string line = "\rloading [" + std::string(filled, '#') + std::string(width - filled, ' ') + "] ";
        line += std::to_string(static_cast<int>(share * 100)) + " % of " + bytes_text(p.bytes_total) + " ";
        std::fwrite(line.data(), 1, line.size(), stderr);
        drawn_ = true;
    }
    ~progress_bar() {
        if (drawn_) std::fputs("\r\x1b[K", stderr);
    }

private:
    bool terminal_ = ::isatty(STDERR_FILENO) != 0;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_{};
};

} // namespace

std::string model_folder(const model_options& options) {
    if (!options.folder.empty()) return options.folder;
    const std::string here = program_folder();
    for (const char* place : {"/../models/apertus-tiny", "/../share/apertus/models/apertus-tiny"}) {
        if (!here.empty() && apertus::path_exists(here + place + "/config.json")) return here + place;
    }
    fail(error_category::io, "built-in model", "folder", "../models/apertus-tiny beside this program",
         "none: give --model DIR");
}

apertus::causal_lm load(const model_options& options, bool prefault) {
    apertus::load_options o;
    o.backend = options.backend;
    o.isa = options.isa;
    o.exactness = options.exactness;
    o.threads = options.threads;
    o.weights = options.weights;
    o.head_weights = options.head_weights;
    o.embedding_weights = options.embedding_weights;
    o.kv_cache = options.kv_cache;
    o.packed_cache = options.packed_cache;
    o.verify_packed_cache = options.verify_packed_cache;
    if (!options.importance.empty()) {
        o.importance = std::make_shared<const apertus::importance_matrix>(apertus::read_importance(options.importance));
    }
    o.use_mmap = !options.no_mmap;
    o.prefault = prefault;
    progress_bar bar;
    o.progress = [&](const apertus::load_progress& p) { bar.show(p); };
    return apertus::causal_lm::from_pretrained(model_folder(options), o);
}

apertus::generation_config call_config(const generation_options& options) {
    apertus::generation_config c = options.config;
    const bool shapes_sampling = c.temperature || c.top_k || c.top_p || c.min_p || c.typical_p;
    if (!c.do_sample && shapes_sampling) c.do_sample = true;
    if (options.greedy) c.do_sample = false;
    if (!options.eos_token_ids.empty()) c.eos_token_id = options.eos_token_ids;
    if (options.ignore_eos) c.eos_token_id = std::vector<std::int32_t>{};
    if (!options.stop_strings.empty()) c.stop_strings = options.stop_strings;
    return c;
}

std::string read_stdin() {
    std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
    if (std::cin.bad()) fail(error_category::io, "stdin", "cannot be read");
    return text;
}

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        fail(error_category::io, "stdout", "cannot be written");
    }
}

void print_json(const apertus::json& line) {
    print(line.dump(-1, ' ', false, apertus::json::error_handler_t::replace) + "\n");
}

namespace {

// A signal handler may only touch lock-free atomics; a thread turns the flag into a stop request.
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

struct interrupt_state {
    std::stop_source source;
    std::jthread watcher;
    struct sigaction before{};
};
interrupt_state* current = nullptr;

void on_interrupt(int) {
    if (interrupts.fetch_add(1) > 0) {
        std::signal(SIGINT, SIG_DFL);
        ::raise(SIGINT);
    }
}

} // namespace

interrupt_scope::interrupt_scope() {
    interrupts = 0;
    current = new interrupt_state;
    current->watcher = std::jthread([source = current->source](const std::stop_token& done) mutable {
        while (!done.stop_requested()) {
            if (interrupts.load() > 0) source.request_stop();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    struct sigaction action{};
    action.sa_handler = on_interrupt;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, &current->before);
}

interrupt_scope::~interrupt_scope() {
    ::sigaction(SIGINT, &current->before, nullptr);
    delete current;
    current = nullptr;
}

std::stop_token interrupt_scope::token() const { return current->source.get_token(); }
bool interrupt_scope::interrupted() const { return interrupts.load() > 0; }

resident_memory measure_memory() {
    resident_memory out;
    if (std::FILE* f = std::fopen("/proc/self/status", "r")) {
        char line[256];
        unsigned long long kib = 0;
        while (std::fgets(line, sizeof line, f) != nullptr) {
            if (std::sscanf(line, "VmRSS: %llu kB", &kib) == 1) out.total = kib * 1024;
            if (std::sscanf(line, "RssAnon: %llu kB", &kib) == 1) out.own = kib * 1024;
        }
        std::fclose(f);
    }
    return out;
}

std::string bytes_text(std::uint64_t bytes) {
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1000.0 && unit + 1 < std::size(units)) {
        value /= 1000.0;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

} // namespace cli
