// SPDX-License-Identifier: Apache-2.0
//
// A disk that is full after so many bytes of a file: the system's limit on file sizes, for as long as the object lives.
#pragma once

#include <csignal>
#include <cstddef>

#include <sys/resource.h>

namespace test_support {

class file_size_limit {
public:
    explicit file_size_limit(std::size_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = std::signal(SIGXFSZ, SIG_IGN); // an error of write() instead of the end of the program
        ::rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    ::rlimit before_{};
    void (*handler_)(int) = nullptr;
};

} // namespace test_support
