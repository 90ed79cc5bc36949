// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/error.hpp>
#include <procpool/serialization/decoder.hpp>

#include <system/process.hpp>

#include <boost/archive/archive_exception.hpp>

#include <string>

namespace procpool::serialization {

void expect_filling(void* memory, std::size_t size) noexcept {
    system::prefer_large_pages(memory, size);
}

void fail(const char* sentence) {
    throw pool_error(errc::not_serializable, sentence);
}

void fail_truncated() {
    fail("procpool: a message ends in the middle of a value");
}

void rethrow_archive_failure() {
    try {
        throw;
    } catch (const boost::archive::archive_exception& exception) {
        throw pool_error(errc::not_serializable,
                         std::string("procpool: Boost.Serialization says: ") + exception.what());
    }
}

std::exception_ptr decoder::failure() noexcept {
    try {
        throw;
    } catch (const pool_error& error) {
        if (error.code() != errc::not_serializable && error.code() != errc::protocol_error)
            return std::current_exception();
        note_unreadable();
        try {
            throw pool_error(errc::protocol_error, std::string("procpool: a worker's answer cannot be read (") +
                                                       error.what() +
                                                       "); if a class in it has a serialize of its own, does that read "
                                                       "what it writes?");
        } catch (...) {
            return std::current_exception();
        }
    } catch (...) {
        return std::current_exception();
    }
}

input_archive& decoder::make_archive() {
    archive_ = new input_archive(*this);
    return *archive_;
}

void decoder::discard_archive() noexcept {
    delete archive_;
    archive_ = nullptr;
}

void decoder::end_graph() {
    if (archive_->used_for_graph())
        discard_archive();
}

std::size_t decoder::tracked_objects() const noexcept {
    return archive_->tracked_objects();
}

void decoder::move_objects(std::size_t mark, const void* from, std::size_t size, const void* to) noexcept {
    archive_->objects_moved(mark, from, size, to);
}

void decoder::forget_objects(std::size_t mark) noexcept {
    archive_->objects_gone(mark);
}

} // namespace procpool::serialization
