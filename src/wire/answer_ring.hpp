// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WIRE_ANSWER_RING_HPP
#define PROCPOOL_WIRE_ANSWER_RING_HPP

#include <procpool/wire/payload.hpp>
#include <wire/frame.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace procpool::wire {

/// Memory that a worker and its pool share, through which short answers go from the one to the other without a system call.
/**
 * An answer can be seen by the pool as soon as it is put. Only if the pool has said that it sleeps does the worker have to
 * wake it, by writing something to the pipe. Answers that find no room, or are too long, go through the pipe.
 *
 * No wake-up is lost: the worker publishes an answer and then looks whether the pool sleeps; the pool says that it sleeps
 * and then looks for answers. With a full fence between the two on either side, at least one sees what the other did.
 */
class answer_ring {
public:
    /// A power of two, and a multiple of the frames' alignment.
    static constexpr std::size_t capacity = 64 * 1024;

    /// Longer answers go through the pipe, where they need to be copied once less.
    static constexpr std::size_t longest = 1024;

private:
    friend class ring_writer;
    friend class ring_reader;

    static constexpr std::size_t alignment = sizeof(frame_header);
    static constexpr std::uint64_t taken_by(std::size_t payload_size) noexcept {
        return (sizeof(frame_header) + payload_size + alignment - 1) / alignment * alignment;
    }

    // How many bytes were ever written and read; each is changed by one side, and on a cache line of its own.
    alignas(64) std::atomic<std::uint64_t> written_{0};
    alignas(64) std::atomic<std::uint64_t> read_{0};
    alignas(64) std::atomic<std::uint32_t> reader_sleeps_{1};
    alignas(64) std::byte bytes_[capacity];
};

/// The worker's end.
class ring_writer {
public:
    explicit ring_writer(answer_ring& ring) noexcept : ring_(ring) {}

    /// False if there is no room, or the answer is too long; then nothing happened.
    bool put(const frame_header& header, std::span<const std::byte> payload) noexcept;

    /// Whether the pool has to be woken. It is told so once for each time that the pool goes to sleep.
    bool must_wake() noexcept;

private:
    answer_ring& ring_;
    std::uint64_t written_ = 0;
    std::uint64_t read_ = 0; ///< as of the last look
};

/// The pool's end. Nothing that it reads is believed: it stays within the ring whatever stands there.
class ring_reader {
public:
    explicit ring_reader(answer_ring& ring) noexcept : ring_(ring) {}

    enum class found : std::uint8_t { nothing, answer, nonsense };

    /// Takes the next answer out. Its bytes are copied before anybody looks at them.
    found take(frame_header& header, payload& bytes);

    /// Asks to be woken for what comes from now on. False if something is there already: then it does not sleep.
    bool sleep() noexcept;

    /// Does not ask any more.
    void wake() noexcept;

    /// Whether a look is worth it. Any thread may ask.
    bool may_hold_something() const noexcept;

    /// The worker has rung. False if it had not been asked to.
    bool rang() noexcept;

private:
    answer_ring& ring_;
    std::uint64_t rings_due_ = 1; ///< how often the worker may still ring: once for each time that it was asked to
    std::uint64_t read_ = 0;
};

} // namespace procpool::wire

#endif
