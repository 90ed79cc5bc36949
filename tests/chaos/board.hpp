// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_CHAOS_BOARD_HPP
#define PROCPOOL_TESTS_CHAOS_BOARD_HPP

#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace procpool::testing {

/// On which tasks leave word that they began and that they ended, so that it is known even of those whose worker died.
class board {
public:
    static constexpr std::size_t places = std::size_t{1} << 16;

    struct place {
        std::atomic<unsigned char> began;
        std::atomic<unsigned char> ended;
    };

    explicit board(const std::string& file) {
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ::ftruncate(fd, sizeof(place) * places) != 0)
            throw std::runtime_error("cannot make " + file);
        void* const memory = ::mmap(nullptr, sizeof(place) * places, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (memory == MAP_FAILED)
            throw std::runtime_error("cannot map " + file);
        places_ = static_cast<place*>(memory);
    }
    board(const board&) = delete;
    board& operator=(const board&) = delete;
    ~board() { ::munmap(places_, sizeof(place) * places); }

    place& operator[](std::size_t task) const { return places_[task]; }

private:
    place* places_;
};

} // namespace procpool::testing

#endif
