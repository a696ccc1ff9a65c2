// SPDX-License-Identifier: Apache-2.0
//
// Writing a file that is either there as a whole or not at all: into a temporary file beside it, which takes the name when
// everything is on the disk. The one place where the library writes files, and only when it is asked to.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Without `commit` nothing is left of it. Not movable: made, filled and committed in one place.
class output_file {
public:
    /// Opens a temporary file "<path>.<process>-<number>.tmp". Throws error(io) with the path and the system's reason.
    explicit output_file(std::string path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
#if APERTUS_HAS_POSIX_FILES
        descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); // less the umask
        if (descriptor_ < 0) detail::file_failure(path_, "create", errno);
#else
        stream_ = std::fopen(temporary_.c_str(), "wbx");
        if (stream_ == nullptr) detail::file_failure(path_, "create", errno);
#endif
    }
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file() {
        (void)close(); // an error does not matter any more
        if (!committed_) std::remove(temporary_.c_str());
    }

    /// Appends. Throws error(io): a full disk, a limit on file sizes.
    void write(std::span<const std::byte> bytes) {
#if APERTUS_HAS_POSIX_FILES
        constexpr std::size_t most = std::size_t{1} << 30; // Linux writes at most 2 GiB at once
        while (!bytes.empty()) {
            const ::ssize_t n = ::write(descriptor_, bytes.data(), bytes.size() < most ? bytes.size() : most);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) detail::file_failure(path_, "write", errno);
            bytes = bytes.subspan(static_cast<std::size_t>(n));
        }
#else
        if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size()) {
            detail::file_failure(path_, "write", errno);
        }
#endif
    }

    /// Everything on the disk, then under its name; a file of that name is replaced, and who has it mapped keeps the old one.
    /// Throws error(io).
    void commit() {
#if APERTUS_HAS_POSIX_FILES
        if (::fsync(descriptor_) != 0) detail::file_failure(path_, "write", errno);
#endif
        if (!close()) detail::file_failure(path_, "write", errno);
#if !APERTUS_HAS_POSIX_FILES
        std::remove(path_.c_str()); // rename does not replace there
#endif
        if (std::rename(temporary_.c_str(), path_.c_str()) != 0) detail::file_failure(path_, "rename to", errno);
        committed_ = true;
    }

private:
    [[nodiscard]] static std::string temporary_name(const std::string& path) {
        static std::atomic<std::uint64_t> count{0};
#if APERTUS_HAS_POSIX_FILES
        const std::string process = std::to_string(::getpid());
#else
        const std::string process = "0";
#endif
        return path + "." + process + "-" + std::to_string(count.fetch_add(1)) + ".tmp";
    }
    /// False when the system reports an error of an earlier write.
    [[nodiscard]] bool close() noexcept {
#if APERTUS_HAS_POSIX_FILES
        return descriptor_ < 0 || ::close(std::exchange(descriptor_, -1)) == 0;
#else
        return stream_ == nullptr || std::fclose(std::exchange(stream_, nullptr)) == 0;
#endif
    }

    std::string path_;
    std::string temporary_;
    bool committed_ = false;
#if APERTUS_HAS_POSIX_FILES
    int descriptor_ = -1;
#else
    std::FILE* stream_ = nullptr;
#endif
};

APERTUS_END_NAMESPACE
