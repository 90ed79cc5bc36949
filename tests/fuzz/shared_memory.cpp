// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The memory that a pool shares with a worker which writes into it whatever it likes, before and between the pool's looks.
// Ring and run sheet lie in front of pages that nobody may touch, and each answer is compared with the bytes that lie there.

#include <fuzz/input.hpp>
#include <fuzz/memory_watch.hpp>

#include <wire/ledger.hpp>
#include <wire/raw_ring.hpp>
#include <wire/raw_sheet.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

namespace procpool::fuzz {

namespace {

using testing::first_in;
using testing::guarded_ring;
using testing::guarded_sheet;
using testing::raw_sheet;
using testing::second_in;
using testing::sheet_word;
using testing::tag_in;
using wire::answer_ring;
using wire::ledger;
using wire::run_sheet;
using found = wire::ring_reader::found;

/// The pool's end of the ring.
class ring_end {
public:
    void step(input& in) {
        switch (in.choice(9)) {
        case 0: // a position, wherever it is
            memory_.set_written(in.number<std::uint64_t>());
            break;
        case 1: // a position that may well be right
            memory_.set_written(read_ + in.number<std::uint32_t>() % (answer_ring::capacity + 64));
            break;
        case 2: { // bytes where the next answer should be
            const std::size_t at = in.number();
            const bytes some = in.some(in.number());
            memory_.set_bytes((read_ + at) % answer_ring::capacity, some.data(), some.size());
            break;
        }
        case 3: // an answer of a size that may well be right, and perhaps more behind it
            put(in.number<std::uint16_t>() % 1100u, 16 * in.choice(3));
            break;
        case 4:
            memory_.set_sleeps(in.number<std::uint32_t>());
            memory_.set_read(in.number<std::uint64_t>());
            break;
        case 5:
            sleep();
            break;
        case 7: // many answers, to get around the ring's end
            for (std::size_t left = in.choice(70); left != 0; --left) {
                put(static_cast<std::uint32_t>(answer_ring::longest), 0);
                take();
            }
            break;
        case 6:
            rings_ += reader_.rang() ? 1 : 0;
            require(rings_ <= asked_, "a worker may ring more often than it was asked to");
            break;
        default:
            take();
        }
    }

private:
    void put(std::uint32_t size, std::size_t more) {
        const wire::frame_header header{size, wire::frame_kind::result, 0, 1, 2};
        memory_.set_bytes(read_ % answer_ring::capacity, &header, sizeof header);
        memory_.set_written(read_ + (sizeof header + header.size + 15) / 16 * 16 + more);
    }

    void sleep() {
        const bool nothing = written() == read_;
        require(reader_.sleep() == nothing, "the pool sleeps although there is something, or stays awake for nothing");
        asked_ += nothing ? 1 : 0;
    }

    void take() {
        const std::uint64_t held = written() - read_;
        wire::frame_header lies_there;
        memory_.get_bytes(read_ % answer_ring::capacity, &lies_there, sizeof lies_there);
        const std::uint64_t size = (sizeof lies_there + std::uint64_t{lies_there.size} + 15) / 16 * 16;
        const bool sensible = held >= sizeof lies_there && held <= answer_ring::capacity &&
                              lies_there.size <= answer_ring::longest && size <= held;

        const memory_watch memory;
        wire::frame_header header{};
        wire::payload got;
        const found outcome = reader_.take(header, got);
        require(outcome == (held == 0  ? found::nothing
                            : sensible ? found::answer
                                       : found::nonsense),
                "what is in the ring is judged wrongly");
        require(memory.most() <= 4 * answer_ring::longest, "an answer takes more memory than answers may");
        if (outcome != found::answer)
            return;
        require(std::memcmp(&header, &lies_there, sizeof header) == 0, "an answer has another header");
        require(got.size() == header.size, "an answer has another size");
        std::array<std::byte, answer_ring::longest> there;
        memory_.get_bytes((read_ + sizeof header) % answer_ring::capacity, there.data(), got.size());
        require(std::ranges::equal(got.bytes(), std::span(there).first(got.size())), "an answer has other bytes");
        read_ += size;
        require(memory_.read() == read_, "the worker is told wrongly how far the pool has read");
    }

    std::uint64_t written() const { return memory_.written(); }

    guarded_ring memory_;
    wire::ring_reader reader_{memory_.ring()};
    std::uint64_t read_ = 0;
    std::uint64_t asked_ = 1; ///< how often the worker was asked to ring
    std::uint64_t rings_ = 0;
};

/// The pool's side of the ledger.
class ledger_end {
public:
    void step(input& in) {
        const std::size_t slot = in.number<std::uint16_t>() % ledger::slots;
        const std::uint64_t id = in.choice(2) == 0 ? in.number<std::uint64_t>() : slot;
        switch (in.choice(6)) {
        case 0: // a word, whatever it says
            set(slot, in.number<std::uint64_t>());
            break;
        case 1: // a word that may well be right
            set(slot, id << 2 | in.choice(4));
            break;
        case 2:
            ledger_->post(slot, id);
            require(word(slot) == id << 2, "a task is posted wrongly");
            break;
        case 3:
            withdraw(slot, id);
            break;
        case 4: {
            const std::uint32_t phase = in.number() < 128 ? in.number<std::uint32_t>() : in.number();
            std::memcpy(memory_, &phase, sizeof phase);
            require(ledger_->phase() == (phase <= static_cast<std::uint32_t>(task_phase::writing)
                                             ? static_cast<task_phase>(phase)
                                             : task_phase::unknown),
                    "a phase is believed that there is not");
            break;
        }
        default: {
            const std::uint64_t there = word(slot);
            const auto state = static_cast<wire::ledger_state>(there & 3);
            require(ledger_->look(slot, id) ==
                        (there >> 2 == (id & ~std::uint64_t{0} >> 2) ? state : wire::ledger_state::nonsense),
                    "a task's state is believed of another one, or not of this");
        }
        }
    }

private:
    void withdraw(std::size_t slot, std::uint64_t id) {
        const std::uint64_t there = word(slot);
        const bool waits = there == id << 2;
        require(ledger_->withdraw(slot, id) == waits, "a task is withdrawn that was begun, or not although it waits");
        require(word(slot) == (waits ? there | 3 : there), "withdrawing a task leaves something wrong in the ledger");
    }

    std::uint64_t word(std::size_t slot) const {
        std::uint64_t value;
        std::memcpy(&value, memory_ + 64 + slot * sizeof value, sizeof value);
        return value;
    }
    void set(std::size_t slot, std::uint64_t value) {
        std::memcpy(memory_ + 64 + slot * sizeof value, &value, sizeof value);
    }

    // As a worker sees it: the phase, then on the next cache line the words.
    alignas(ledger) std::byte memory_[sizeof(ledger)];
    ledger* ledger_ = new (memory_) ledger;
};

/// The pool's side of the run sheet.
class sheet_end {
public:
    explicit sheet_end(input& in)
        : id_(in.number<std::uint64_t>()), tag_(id_ & 0xffffff),
          items_(1 + in.number<std::uint32_t>() % run_sheet::most_items) {}

    void step(input& in) {
        switch (in.choice(8)) {
        case 0: // words, whatever they say
            memory_.set_items(in.number<std::uint64_t>());
            memory_.set_done(in.number<std::uint64_t>());
            break;
        case 1: // numbers that may well be right
            memory_.set_items(sheet_word(tag_, number(in), in.choice(2) == 0 ? items_ : number(in)));
            break;
        case 2:
            memory_.set_done(
                sheet_word(tag_, number(in), in.number<std::uint32_t>() % (run_sheet::room_for_results + 64)));
            break;
        case 3: { // results
            const std::size_t at = in.number<std::uint16_t>();
            const bytes some = in.some(in.number());
            memory_.set_bytes(offsetof(raw_sheet, results) + std::min(at, run_sheet::room_for_results - some.size()),
                              some);
            break;
        }
        case 4: { // anything that is not results
            constexpr std::size_t all = offsetof(raw_sheet, results);
            const std::size_t at = in.choice(all);
            memory_.set_bytes(at, in.some(std::min<std::size_t>(in.number(), all - at)));
            break;
        }
        case 5:
            split();
            break;
        case 6:
            small_words();
            break;
        default:
            look();
        }
    }

private:
    /// Of items, and not too seldom at the bounds.
    std::uint64_t number(input& in) {
        const std::uint32_t any = in.number<std::uint32_t>();
        return any % 8 == 0 ? items_ : any % 8 == 1 ? items_ + 1 : any % (items_ + 1);
    }

    void look() {
        const memory_watch memory;
        const auto got = memory_.sheet().look(id_, items_);
        require(memory.most() <= 2 * run_sheet::room_for_results,
                "a chunk's results take more memory than there is room for them");
        const std::uint64_t items = memory_.items();
        const std::uint64_t done = memory_.done();
        const bool sensible = tag_in(items) == tag_ && tag_in(done) == tag_ && first_in(done) <= first_in(items) &&
                              first_in(items) <= second_in(items) && second_in(items) <= items_ &&
                              second_in(done) <= run_sheet::room_for_results;
        require(got.has_value() == sensible, "a chunk's progress is judged wrongly");
        if (!got)
            return;
        require(got->begun == first_in(items) && got->done == first_in(done), "a chunk's progress is another");
        require(std::ranges::equal(got->results.bytes(), memory_.results().first(second_in(done))),
                "a chunk's results are others");
    }

    void split() {
        const std::uint64_t before = memory_.items();
        const auto first = memory_.sheet().split(id_, items_);
        const std::uint64_t after = memory_.items();
        const std::uint64_t next = first_in(before);
        const std::uint64_t end = second_in(before);
        const bool possible = tag_in(before) == tag_ && end == items_ && next < end && end != 1;
        require(first.has_value() == possible, "a chunk is split that cannot be, or not although it can");
        if (!first) {
            require(after == before, "a chunk is changed although it is not split");
            return;
        }
        require(*first >= 1 && *first >= next && *first < items_, "a chunk is split where it was begun, or at its end");
        require(after == sheet_word(tag_, next, *first), "splitting a chunk leaves something wrong behind");
        items_ = *first; // as whoever asked does
    }

    void small_words() {
        run_sheet& sheet = memory_.sheet();
        const auto began = sheet.began_at(id_);
        require(began.has_value() == (memory_.number(offsetof(raw_sheet, began_id)) == id_) &&
                    (!began || *began == memory_.number(offsetof(raw_sheet, began_at))),
                "a time is believed of another task, or not of this");
        require(sheet.listens(id_) == (memory_.number(offsetof(raw_sheet, listening_id)) == id_),
                "a task listens that does not, or the other way round");
        const auto worn_out = static_cast<std::uint32_t>(memory_.number(offsetof(raw_sheet, worn_out)));
        require(sheet.worn_out() == (worn_out != 0), "a worker is worn out that is not, or the other way round");
        sheet.ask_to_stop(id_);
        require(memory_.number(offsetof(raw_sheet, stop_id)) == id_, "a task is not asked to stop");
    }

    guarded_sheet memory_;
    std::uint64_t id_;
    std::uint64_t tag_;
    std::uint32_t items_;
};

} // namespace

void shared_memory(bytes given) {
    input in(given);
    ring_end ring;
    ledger_end words;
    sheet_end sheet(in);
    while (!in.empty()) {
        switch (in.choice(3)) {
        case 0:
            ring.step(in);
            break;
        case 1:
            words.step(in);
            break;
        default:
            sheet.step(in);
        }
    }
}

} // namespace procpool::fuzz
