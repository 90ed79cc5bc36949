// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/shared_buffer.hpp>

#include <system/failure.hpp>
#include <system/segment.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace procpool {

namespace {

[[noreturn]] void fail_empty() {
    throw std::logic_error(
        "procpool: an empty shared buffer was used: there was never any memory, or it was moved away");
}

} // namespace

mutable_shared_buffer shared_buffer::allocate(std::size_t size) {
    mutable_shared_buffer made;
    made.memory_ = system::segment::make(std::max<std::size_t>(size, 1));
    made.data_ = made.memory_->writable();
    made.size_ = size;
    return made;
}

shared_buffer shared_buffer::copy_of(std::span<const std::byte> bytes) {
    mutable_shared_buffer made = allocate(bytes.size());
    // Of memory that cannot be had, touching a part ends the process.
    if (!made.memory_->provide(made.memory_->size()))
        system::throw_failure("providing the memory of a shared buffer", ENOMEM);
    if (!bytes.empty())
        std::memcpy(made.data(), bytes.data(), bytes.size());
    return std::move(made).seal();
}

const std::byte* shared_buffer::data() const {
    if (!memory_)
        fail_empty();
    return memory_->data();
}

shared_buffer mutable_shared_buffer::seal() && {
    if (!memory_)
        fail_empty();
    // Others must find it whole: what is not there could not be had when they look at it.
    if (!memory_->holds(memory_->size()) && !memory_->provide(memory_->size()))
        system::throw_failure("providing the memory of a shared buffer", ENOMEM);
    memory_->seal();
    data_ = nullptr;
    return shared_buffer(std::move(memory_), std::exchange(size_, 0));
}

namespace serialization::detail {

void codec<shared_buffer>::encode(encoder& to, const shared_buffer& value) {
    if (!value)
        fail("procpool: an empty shared buffer cannot be carried to another process: there was never any memory, or it "
             "was "
             "moved away");
    to.attach(value.memory_);
    to.raw(std::uint64_t{value.size_});
}

void codec<shared_buffer>::decode(decoder& from, shared_buffer& value) {
    // Whatever is attached to a message the link has made sure to be a segment.
    auto memory = std::static_pointer_cast<system::segment>(from.attachment());
    std::uint64_t size = 0;
    from.raw(size);
    if (!memory)
        fail("procpool: a message speaks of a shared buffer that did not come with it");
    if (size > memory->size())
        fail("procpool: a message says that a shared buffer is larger than it is");
    value = shared_buffer(std::move(memory), size);
}

} // namespace serialization::detail

} // namespace procpool
