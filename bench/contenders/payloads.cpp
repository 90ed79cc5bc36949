// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include "payloads.hpp"

#include <cstring>
#include <utility>

namespace bench {

namespace {

std::size_t length(const std::vector<char>& bytes) {
    return bytes.size();
}

std::vector<char> make(std::size_t size) {
    return std::vector<char>(size, 'x');
}

procpool::mutable_shared_buffer fill(std::size_t size) {
    auto space = procpool::shared_buffer::allocate(size);
    std::memset(space.data(), 1, size);
    return space;
}

/// Its first and its last byte.
int ends_of(const procpool::shared_buffer& buffer) {
    return std::to_integer<int>(buffer.data()[0]) + std::to_integer<int>(buffer.data()[buffer.size() - 1]);
}

// In a worker.
procpool::mutable_shared_buffer& prepared() {
    static procpool::mutable_shared_buffer space;
    return space;
}

bool prepare(std::size_t size) {
    prepared() = fill(size);
    return true;
}

procpool::shared_buffer hand_over() {
    return std::move(prepared()).seal();
}

} // namespace

double payloads::argument(std::size_t size) {
    if (large_.size() != size)
        large_.assign(size, 'x');
    const auto begin = clock::now();
    const std::size_t seen = one_.run(one_.pool.submit(length, large_));
    const double took = seconds_since(begin);
    require(seen == size, "an argument is wrong");
    return took;
}

double payloads::result(std::size_t size) {
    const auto begin = clock::now();
    const std::vector<char> made = one_.run(one_.pool.submit(make, size));
    const double took = seconds_since(begin);
    require(made.size() == size && made.back() == 'x', "a result is wrong");
    return took;
}

double payloads::shared_with_worker(std::size_t size) {
    auto space = fill(size);
    const auto begin = clock::now();
    const procpool::shared_buffer buffer = std::move(space).seal();
    const int seen = one_.run(one_.pool.submit(ends_of, buffer));
    const double took = seconds_since(begin);
    require(seen == 2, "an argument is wrong");
    return took;
}

double payloads::shared_by_worker(std::size_t size) {
    one_.run(one_.pool.submit(prepare, size));
    const auto begin = clock::now();
    const procpool::shared_buffer buffer = one_.run(one_.pool.submit(hand_over));
    const int seen = ends_of(buffer);
    const double took = seconds_since(begin);
    require(seen == 2, "a result is wrong");
    return took;
}

} // namespace bench
