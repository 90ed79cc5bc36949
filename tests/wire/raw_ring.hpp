// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_RAW_RING_HPP
#define PROCPOOL_TESTS_WIRE_RAW_RING_HPP

#include <wire/answer_ring.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

namespace procpool::testing {

/// A ring's memory as a worker sees it that does what it likes with it. Answers lie in the order and at the places in
/// which the ring itself keeps them; `raw_view_shows_what_the_ring_does` makes sure of that.
struct raw_ring {
    alignas(64) std::uint64_t written;
    alignas(64) std::uint64_t read;
    alignas(64) std::uint32_t reader_sleeps;
    alignas(64) std::byte bytes[wire::answer_ring::capacity];
};
static_assert(sizeof(raw_ring) == sizeof(wire::answer_ring));
static_assert(alignof(raw_ring) == alignof(wire::answer_ring));

/// A ring right in front of a page that nobody may touch: who reads or writes past its end dies.
class guarded_ring {
public:
    guarded_ring() {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        usable_ = (sizeof(wire::answer_ring) + page - 1) / page * page;
        mapped_ = usable_ + page;
        void* const got = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (got == MAP_FAILED)
            throw std::bad_alloc();
        memory_ = static_cast<std::byte*>(got);
        if (::mprotect(memory_ + usable_, page, PROT_NONE) != 0)
            throw std::runtime_error("a page could not be protected");
        ring_ = new (place()) wire::answer_ring;
    }
    guarded_ring(const guarded_ring&) = delete;
    guarded_ring& operator=(const guarded_ring&) = delete;
    ~guarded_ring() { ::munmap(memory_, mapped_); }

    wire::answer_ring& ring() { return *ring_; }

    // By copying, for the same memory is no object of type raw_ring.
    raw_ring seen() const {
        raw_ring copy;
        std::memcpy(&copy, place(), sizeof copy);
        return copy;
    }
    void set_written(std::uint64_t value) { set(offsetof(raw_ring, written), &value, sizeof value); }
    void set_read(std::uint64_t value) { set(offsetof(raw_ring, read), &value, sizeof value); }
    void set_sleeps(std::uint32_t value) { set(offsetof(raw_ring, reader_sleeps), &value, sizeof value); }

    /// Writes into the ring's bytes, around its end if need be.
    void set_bytes(std::size_t at, const void* bytes, std::size_t size) {
        for (std::size_t done = 0; done != size; ++done)
            set(offsetof(raw_ring, bytes) + (at + done) % wire::answer_ring::capacity,
                static_cast<const std::byte*>(bytes) + done, 1);
    }

    // Parts of it, for whoever looks often.
    std::uint64_t written() const { return number(offsetof(raw_ring, written)); }
    std::uint64_t read() const { return number(offsetof(raw_ring, read)); }
    void get_bytes(std::size_t at, void* bytes, std::size_t size) const {
        for (std::size_t done = 0; done != size; ++done)
            static_cast<std::byte*>(bytes)[done] =
                place()[offsetof(raw_ring, bytes) + (at + done) % wire::answer_ring::capacity];
    }

private:
    std::uint64_t number(std::size_t offset) const {
        std::uint64_t value;
        std::memcpy(&value, place() + offset, sizeof value);
        return value;
    }
    std::byte* place() const { return memory_ + usable_ - sizeof(wire::answer_ring); }
    void set(std::size_t offset, const void* value, std::size_t size) { std::memcpy(place() + offset, value, size); }

    std::size_t usable_ = 0;
    std::size_t mapped_ = 0;
    std::byte* memory_ = nullptr;
    wire::answer_ring* ring_ = nullptr;
};

} // namespace procpool::testing

#endif
