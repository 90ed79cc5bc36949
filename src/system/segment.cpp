// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/segment.hpp>

#include <system/failure.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace procpool::system {

namespace {

constexpr int no_other_size = F_SEAL_SHRINK | F_SEAL_GROW;
constexpr int as_made_here = no_other_size | F_SEAL_FUTURE_WRITE;

constexpr std::size_t page_size = 4096;

constexpr std::size_t whole_pages(std::size_t size) noexcept {
    return (size + page_size - 1) / page_size * page_size;
}

} // namespace

std::shared_ptr<segment> segment::make(std::size_t size) {
    unique_fd fd(::memfd_create("procpool-data", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        throw_failure("making memory to share");
    if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0 || ::fcntl(fd.get(), F_ADD_SEALS, no_other_size) != 0)
        throw_failure("sizing memory to share");
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED)
        throw_failure("mapping memory to share");
    try {
        auto made = std::make_shared<segment>(std::move(fd), size, static_cast<std::byte*>(memory));
        made->maker_ = ::getpid();
        return made;
    } catch (...) {
        ::munmap(memory, size);
        throw;
    }
}

std::shared_ptr<segment> segment::adopt(unique_fd fd) {
    // With F_SEAL_WRITE it could not be mapped before Linux 6.7, unless it was opened for reading alone.
    const int seals = ::fcntl(fd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & (as_made_here | F_SEAL_WRITE)) != as_made_here)
        return nullptr;
    if ((::fcntl(fd.get(), F_GETFL) & O_ACCMODE) == O_WRONLY) // it could not be read
        return nullptr;
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0 || status.st_size <= 0)
        return nullptr;
    return std::make_shared<segment>(std::move(fd), static_cast<std::size_t>(status.st_size), nullptr);
}

segment::~segment() {
    if (std::byte* const memory = memory_.load(std::memory_order_acquire))
        ::munmap(memory, size_);
}

bool segment::provide(std::size_t size) noexcept {
    size = whole_pages(size);
    if (size <= provided_)
        return true;
    std::byte* const from = memory_.load(std::memory_order_relaxed) + provided_;
    const std::size_t more = size - provided_;
    if (::madvise(from, more, MADV_POPULATE_WRITE) != 0 &&
        (errno != EINVAL ||
         ::fallocate(fd_.get(), 0, static_cast<off_t>(provided_), static_cast<off_t>(more)) != 0)) // before Linux 5.14
        return false;
    provided_ = size;
    return true;
}

void segment::seal() {
    if (::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
        throw_failure("sealing memory to share");
}

const std::byte* segment::data() const {
    if (const std::byte* const memory = memory_.load(std::memory_order_acquire))
        return memory;
    void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (mapped == MAP_FAILED)
        throw_failure("mapping memory that was shared");
    std::byte* none = nullptr;
    if (!memory_.compare_exchange_strong(none, static_cast<std::byte*>(mapped), std::memory_order_acq_rel)) {
        ::munmap(mapped, size_); // another thread was first
        return none;
    }
    return static_cast<std::byte*>(mapped);
}

void segment::unmap() noexcept {
    if (std::byte* const memory = memory_.exchange(nullptr, std::memory_order_acq_rel))
        ::munmap(memory, size_);
}

bool segment::holds(std::size_t size) const noexcept {
    struct stat status {};
    return ::fstat(fd_.get(), &status) == 0 && static_cast<std::uint64_t>(status.st_blocks) * 512 >= size;
}

bool segment::inherited() const noexcept {
    return maker_ != ::getpid();
}

} // namespace procpool::system
