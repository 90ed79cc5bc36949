// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_WIRE_RAW_SHEET_HPP
#define PROCPOOL_TESTS_WIRE_RAW_SHEET_HPP

#include <wire/run_sheet.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>

#include <sys/mman.h>
#include <unistd.h>

namespace procpool::testing {

/// A sheet's memory as a worker sees it that does what it likes with it. Everything lies in the order and at the places
/// in which the sheet itself keeps it; `raw_view_shows_what_the_sheet_does` makes sure of that.
struct raw_sheet {
    alignas(64) std::uint64_t stop_id;
    std::uint32_t stops;
    alignas(64) std::uint64_t began_id;
    std::uint64_t began_at;
    std::uint64_t listening_id;
    std::uint32_t worn_out;
    std::uint64_t done;
    alignas(64) std::uint64_t items;
    alignas(64) std::byte results[wire::run_sheet::room_for_results];
};
static_assert(sizeof(raw_sheet) == sizeof(wire::run_sheet));
static_assert(alignof(raw_sheet) == alignof(wire::run_sheet));

/// Three numbers in one word, as the sheet packs them.
constexpr std::uint64_t sheet_word(std::uint64_t tag, std::uint64_t first, std::uint64_t second) {
    return tag << 40 | first << 20 | second;
}
constexpr std::uint64_t tag_in(std::uint64_t word) {
    return word >> 40;
}
constexpr std::uint64_t first_in(std::uint64_t word) {
    return word >> 20 & 0xfffff;
}
constexpr std::uint64_t second_in(std::uint64_t word) {
    return word & 0xfffff;
}

/// A sheet right in front of a page that nobody may touch: who reads or writes past its end dies.
class guarded_sheet {
public:
    guarded_sheet() {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        usable_ = (sizeof(wire::run_sheet) + page - 1) / page * page;
        mapped_ = usable_ + page;
        void* const got = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (got == MAP_FAILED)
            throw std::bad_alloc();
        memory_ = static_cast<std::byte*>(got);
        if (::mprotect(memory_ + usable_, page, PROT_NONE) != 0)
            throw std::runtime_error("a page could not be protected");
        sheet_ = new (place()) wire::run_sheet;
    }
    guarded_sheet(const guarded_sheet&) = delete;
    guarded_sheet& operator=(const guarded_sheet&) = delete;
    ~guarded_sheet() { ::munmap(memory_, mapped_); }

    wire::run_sheet& sheet() { return *sheet_; }

    // By copying, for the same memory is no object of type raw_sheet.
    raw_sheet seen() const {
        raw_sheet copy;
        std::memcpy(&copy, place(), sizeof copy);
        return copy;
    }
    void set(const raw_sheet& all) { std::memcpy(place(), &all, sizeof all); }
    void set_items(std::uint64_t word) { std::memcpy(place() + offsetof(raw_sheet, items), &word, sizeof word); }
    void set_done(std::uint64_t word) { std::memcpy(place() + offsetof(raw_sheet, done), &word, sizeof word); }

    // Parts of it, for whoever looks or changes something often.
    void set_bytes(std::size_t offset, std::span<const std::byte> bytes) {
        std::copy(bytes.begin(), bytes.end(), place() + offset);
    }
    std::uint64_t number(std::size_t offset) const {
        std::uint64_t value;
        std::memcpy(&value, place() + offset, sizeof value);
        return value;
    }
    std::span<const std::byte> results() const {
        return {place() + offsetof(raw_sheet, results), wire::run_sheet::room_for_results};
    }

    /// The words themselves, for somebody who changes them while they are looked at.
    std::uint64_t& items() { return *reinterpret_cast<std::uint64_t*>(place() + offsetof(raw_sheet, items)); }
    std::uint64_t& done() { return *reinterpret_cast<std::uint64_t*>(place() + offsetof(raw_sheet, done)); }

private:
    std::byte* place() const { return memory_ + usable_ - sizeof(wire::run_sheet); }

    std::size_t usable_ = 0;
    std::size_t mapped_ = 0;
    std::byte* memory_ = nullptr;
    wire::run_sheet* sheet_ = nullptr;
};

} // namespace procpool::testing

#endif
