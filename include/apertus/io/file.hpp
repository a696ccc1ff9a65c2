// SPDX-License-Identifier: Apache-2.0
//
// Files as bytes: a read-only memory mapping, reads at an offset, and whole small files. (output_file.hpp writes.)
// A mapping costs no memory of its own: pages come from the page cache when they are first touched. If another process
// shortens a mapped file the operating system delivers SIGBUS; who cannot exclude that opens the checkpoint without
// mapping (`checkpoint_options::use_mmap = false`), which reads through `readable_file` and gets a typed error instead.
#pragma once

#include <apertus/core/error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#define APERTUS_HAS_POSIX_FILES 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define APERTUS_HAS_POSIX_FILES 0
#include <cstdio>
#include <vector>
#endif

APERTUS_BEGIN_NAMESPACE

namespace detail {

[[noreturn]] inline void file_failure(std::string_view path, std::string_view verb, int code) {
    fail(error_category::io, path, "cannot " + std::string(verb) + ": " + std::generic_category().message(code));
}

} // namespace detail

/// A caller's way to bytes: fills the whole span from `offset` (bytes from the start of the file) or throws; whatever
/// it throws passes through unchanged. Called from the thread that asks for a tensor.
using read_callback = std::function<void(std::uint64_t offset, std::span<std::byte> out)>;

/// How a mapped range is going to be used; a hint for the operating system, without effect on results.
enum class file_access {
    normal,     ///< no hint
    sequential, ///< once, from front to back
    will_need,  ///< start reading it now
    dont_need,  ///< not needed again soon: its pages may be dropped (they come back from the file when touched)
};

/// A regular file open for reads at any offset. Move-only. Reads are thread-safe on POSIX systems.
class readable_file {
public:
    readable_file() = default;

    /// Opens `path`. Throws error(io) naming the path and the system's reason; a directory or a device is refused.
    explicit readable_file(std::string path) : path_(std::move(path)) {
#if APERTUS_HAS_POSIX_FILES
        do {
            descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // NONBLOCK: a FIFO must not hang us
        } while (descriptor_ < 0 && errno == EINTR);
        if (descriptor_ < 0) detail::file_failure(path_, "open", errno);
        struct stat status{};
        if (::fstat(descriptor_, &status) != 0) {
            const int code = errno;
            close();
            detail::file_failure(path_, "stat", code);
        }
        if (!S_ISREG(status.st_mode)) {
            close();
            fail(error_category::io, path_, "file type", "a regular file",
                 S_ISDIR(status.st_mode) ? "a directory" : "something else");
        }
        size_ = static_cast<std::uint64_t>(status.st_size);
#if defined(__APPLE__)
        const auto& changed = status.st_mtimespec;
#else
        const auto& changed = status.st_mtim;
#endif
        changed_ = static_cast<std::int64_t>(changed.tv_sec) * 1'000'000'000 + changed.tv_nsec;
#else
        stream_ = std::fopen(path_.c_str(), "rb");
        if (stream_ == nullptr) detail::file_failure(path_, "open", errno);
        if (_fseeki64(stream_, 0, SEEK_END) != 0) {
            close();
            detail::file_failure(path_, "seek in", errno);
        }
        size_ = static_cast<std::uint64_t>(_ftelli64(stream_));
#endif
    }

    readable_file(readable_file&& other) noexcept { swap(other); }
    readable_file& operator=(readable_file&& other) noexcept {
        readable_file(std::move(other)).swap(*this);
        return *this;
    }
    readable_file(const readable_file&) = delete;
    readable_file& operator=(const readable_file&) = delete;
    ~readable_file() { close(); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Size in bytes when the file was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// When its content was last changed, in nanoseconds since 1970; 0 where the system does not tell.
    [[nodiscard]] std::int64_t changed() const noexcept { return changed_; }

    /// Whether several threads may `read` at once.
#if APERTUS_HAS_POSIX_FILES
    static constexpr bool reads_side_by_side = true;
#else
    static constexpr bool reads_side_by_side = false;
#endif
    /// Fills `out` from `offset`. Throws error(io) when the system fails or the file ends early.
    void read(std::uint64_t offset, std::span<std::byte> out) const {
#if APERTUS_HAS_POSIX_FILES
        while (!out.empty()) {
            const ::ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<::off_t>(offset));
            if (got < 0) {
                if (errno == EINTR) continue;
                detail::file_failure(path_, "read", errno);
            }
            if (got == 0) ended_early(offset, out.size());
            offset += static_cast<std::uint64_t>(got);
            out = out.subspan(static_cast<std::size_t>(got));
        }
#else
        if (_fseeki64(stream_, static_cast<long long>(offset), SEEK_SET) != 0)
            detail::file_failure(path_, "seek in", errno);
        const std::size_t got = std::fread(out.data(), 1, out.size(), stream_);
        if (got != out.size()) ended_early(offset + got, out.size() - got);
#endif
    }

#if APERTUS_HAS_POSIX_FILES
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
#endif

private:
    [[noreturn]] void ended_early(std::uint64_t offset, std::size_t wanted) const {
        fail(error_category::io, path_, "byte " + std::to_string(offset), std::to_string(wanted) + " more bytes",
             "the end of the file");
    }
    void swap(readable_file& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(size_, other.size_);
        std::swap(changed_, other.changed_);
#if APERTUS_HAS_POSIX_FILES
        std::swap(descriptor_, other.descriptor_);
#else
        std::swap(stream_, other.stream_);
#endif
    }
    void close() noexcept {
#if APERTUS_HAS_POSIX_FILES
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
#else
        if (stream_ != nullptr) std::fclose(stream_);
        stream_ = nullptr;
#endif
    }

    std::string path_;
    std::uint64_t size_ = 0;
    std::int64_t changed_ = 0;
#if APERTUS_HAS_POSIX_FILES
    int descriptor_ = -1;
#else
    std::FILE* stream_ = nullptr;
#endif
};

/// A whole file mapped read-only. Move-only; the bytes live as long as the object and do not move with it.
/// On systems without POSIX mappings the file is read into memory instead.
class mapped_file {
public:
    mapped_file() = default;

    /// Maps `path`; an empty file gives an empty span. Throws error(io) like readable_file.
    explicit mapped_file(std::string path) {
        const readable_file file(std::move(path));
        path_ = file.path();
        if (file.size() == 0) return;
        if (file.size() > static_cast<std::uint64_t>(PTRDIFF_MAX)) {
            fail(error_category::resource, path_, "size", "at most " + std::to_string(PTRDIFF_MAX) + " bytes",
                 std::to_string(file.size()));
        }
        const auto size = static_cast<std::size_t>(file.size());
#if APERTUS_HAS_POSIX_FILES
        void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.descriptor(), 0);
        if (address == MAP_FAILED) detail::file_failure(path_, "map", errno);
        bytes_ = {static_cast<const std::byte*>(address), size};
#else
        storage_.resize(size);
        file.read(0, storage_);
        bytes_ = storage_;
#endif
    }

    mapped_file(mapped_file&& other) noexcept { swap(other); }
    mapped_file& operator=(mapped_file&& other) noexcept {
        mapped_file(std::move(other)).swap(*this);
        return *this;
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file() {
#if APERTUS_HAS_POSIX_FILES
        if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
#endif
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

private:
    void swap(mapped_file& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(bytes_, other.bytes_);
#if !APERTUS_HAS_POSIX_FILES
        std::swap(storage_, other.storage_);
#endif
    }

    std::string path_;
    std::span<const std::byte> bytes_;
#if !APERTUS_HAS_POSIX_FILES
    std::vector<std::byte> storage_;
#endif
};

/// Tells the operating system how a range of a *mapped* file will be used. Only whole pages inside the range are
/// affected for `dont_need`, the enclosing pages for the other hints. Never fails; must not be given heap memory.
inline void advise_mapped(std::span<const std::byte> range, file_access access) noexcept {
#if APERTUS_HAS_POSIX_FILES
    if (range.empty()) return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    auto first = reinterpret_cast<std::uintptr_t>(range.data());
    auto last = first + range.size();
    if (access == file_access::dont_need) {
        first = (first + page - 1) / page * page;
        last = last / page * page;
    } else {
        first = first / page * page;
    }
    if (first >= last) return;
    int advice = MADV_NORMAL;
    if (access == file_access::sequential) advice = MADV_SEQUENTIAL;
    if (access == file_access::will_need) advice = MADV_WILLNEED;
    if (access == file_access::dont_need) advice = MADV_DONTNEED;
    (void)::madvise(reinterpret_cast<void*>(first), last - first, advice);
#else
    (void)range;
    (void)access;
#endif
}

/// The whole content of a small file. Throws error(io) as readable_file does and error(resource) when the file is
/// larger than `max_bytes`.
[[nodiscard]] inline std::string read_file(const std::string& path, std::uint64_t max_bytes) {
    const readable_file file(path);
    if (file.size() > max_bytes) {
        fail(error_category::resource, path, "size", "at most " + std::to_string(max_bytes) + " bytes",
             std::to_string(file.size()));
    }
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    return text;
}

/// Whether `path` names something that exists (a file of any type, a directory).
[[nodiscard]] inline bool path_exists(const std::string& path) noexcept {
#if APERTUS_HAS_POSIX_FILES
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0;
#else
    std::FILE* const stream = std::fopen(path.c_str(), "rb");
    if (stream != nullptr) std::fclose(stream);
    return stream != nullptr;
#endif
}

/// `folder` and `name` joined by one separator.
[[nodiscard]] inline std::string join_path(std::string_view folder, std::string_view name) {
    std::string path(folder);
    if (!path.empty() && path.back() != '/' && path.back() != '\\') path += '/';
    path += name;
    return path;
}

APERTUS_END_NAMESPACE
