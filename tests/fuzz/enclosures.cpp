// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What a worker says of memory and hands over, without the worker and without the link. It is to be believed exactly if it is
// true, and what is believed can be read.

#include <fuzz/input.hpp>
#include <fuzz/things.hpp>

#include <system/channel.hpp>
#include <system/descriptor_channel.hpp>
#include <system/descriptor_message.hpp>
#include <system/enclosed_input.hpp>
#include <wire/frame.hpp>
#include <wire/take_front.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace procpool::fuzz {

namespace {

using outcome = system::enclosed_input::outcome;

/// What is known of a piece of memory, if that is what it is.
struct described {
    std::size_t size = 0;
    std::size_t held = 0;
};

class pool_and_worker {
public:
    void step(input& in) {
        switch (in.choice(8)) {
        case 0:
            send(in);
            break;
        case 1: // with a descriptor that belongs to it, most likely
            send(in, 1);
            announce(in);
            break;
        case 2:
            announce(in);
            break;
        case 3:
            drop(in);
            break;
        case 4:
            if (!kept_.empty())
                kept_.pop_front();
            break;
        case 5: // any bytes
            open(in.some(in.number()));
            break;
        default:
            answer(in);
        }
    }

    /// The pool gives up the worker.
    void end() {
        system::discard_messages(ends_.pool.get());
        handed_.check();
    }

private:
    void send(input& in, std::size_t at_least = 0) {
        std::vector<thing> which = make_things(in);
        if (which.size() < at_least)
            which.push_back(make_thing(in));
        const std::uint64_t number = in.choice(16) == 15 ? in.number() : sent_ + 1;
        if (!hand_over(ends_.worker.get(), number, which))
            return;
        ++sent_;
        message made{number, {}};
        for (const thing& one : which)
            made.which.push_back({one.size, one.held});
        under_way_.push_back(std::move(made));
        handed_.add(std::move(which));
    }

    struct message {
        std::uint64_t number;
        std::vector<described> which;
    };

    /// The next message, if it is the one that the pool looks for and has so many descriptors.
    std::optional<std::vector<described>> take(std::size_t count) {
        ++taken_;
        if (under_way_.empty())
            return std::nullopt;
        const message next = std::move(under_way_.front());
        under_way_.pop_front();
        if (next.number != taken_ || next.which.size() != count)
            return std::nullopt;
        return next.which;
    }

    void announce(input& in) {
        wire::segment_message said{1 + static_cast<std::uint32_t>(in.choice(18)), 0, 0};
        if (said.number == 18)
            said.number = 0;
        const bool right = in.choice(4) != 3 && !under_way_.empty() && !under_way_.front().which.empty();
        said.size = right ? under_way_.front().which.front().size : in.number<std::uint64_t>();
        const std::size_t size = in.choice(16) == 15 ? in.choice(sizeof said) : sizeof said;
        const outcome got = input_.has_segment(std::as_bytes(std::span(&said, 1)).first(size), ends_.pool.get());
        bool good = size == sizeof said && said.number >= 1 && said.number <= announced_.size();
        if (good) {
            const auto which = take(1);
            good = which && which->front().size != 0 && which->front().size == said.size &&
                   said.size <= 4 * wire::max_payload_size;
            if (good)
                announced_[said.number - 1] = which->front();
        }
        judge(got, good);
    }

    void drop(input& in) {
        const wire::segment_message said{static_cast<std::uint32_t>(in.choice(18)), 0, 0};
        const bool good = said.number >= 1 && said.number <= announced_.size();
        judge(input_.dropped_segment(std::as_bytes(std::span(&said, 1))), good);
        if (good)
            announced_[said.number - 1] = {};
    }

    void answer(input& in) {
        wire::enclosure_header header{static_cast<std::uint32_t>(in.choice(18)), 0, 0, 0};
        const std::uint8_t how = in.number();
        const std::size_t next = under_way_.empty() ? 0 : under_way_.front().which.size();
        header.attached = (how & 1) != 0 ? static_cast<std::uint32_t>(next) : 0;
        if ((how & 6) == 6)
            header.attached = in.number<std::uint16_t>();
        header.offset = (how & 8) != 0 ? in.number<std::uint16_t>() : 0;
        header.size = in.number<std::uint16_t>();
        if ((how & 48) == 48)
            header.offset = in.number<std::uint64_t>();
        if ((how & 192) == 192)
            header.size = in.number<std::uint64_t>();
        std::vector<std::uint64_t> places;
        const std::size_t said = (how & 24) == 24 ? in.choice(4) : std::min<std::size_t>(header.attached, 300);
        for (std::size_t i = 0; i != said; ++i)
            places.push_back((how & 32) != 0 ? in.number() : i);
        std::vector<std::byte> text(sizeof header);
        std::memcpy(text.data(), &header, sizeof header);
        const bytes behind = std::as_bytes(std::span(places));
        text.insert(text.end(), behind.begin(), behind.end());
        if (header.segment == 0)
            text.resize(text.size() + ((how & 12) == 12 ? in.number() : header.size % 65536), std::byte{'x'});
        open(text);
    }

    void open(bytes text) {
        const outcome got = input_.open(text, ends_.pool.get(), answer_);
        wire::enclosure_header header;
        if (!wire::take_front(text, header)) {
            judge(got, false);
            return;
        }
        judge(got, good(header, text));
        if (got == outcome::good)
            read(header, text);
    }

    bool good(const wire::enclosure_header& header, bytes behind) {
        if (header.attached > wire::most_attached || header.size > wire::max_payload_size ||
            behind.size() < header.attached * sizeof(std::uint64_t))
            return false;
        if (header.attached != 0) {
            const auto which = take(header.attached);
            if (!which)
                return false;
            for (const described& one : *which)
                if (one.size == 0 || one.held < one.size)
                    return false;
        }
        std::uint64_t last = 0;
        for (std::uint32_t i = 0; i != header.attached; ++i) {
            std::uint64_t at = 0;
            std::memcpy(&at, behind.data() + i * sizeof at, sizeof at);
            if (at >= header.size || (i != 0 && at <= last))
                return false;
            last = at;
        }
        const std::size_t left = behind.size() - header.attached * sizeof(std::uint64_t);
        if (header.segment == 0)
            return left == header.size;
        if (left != 0 || header.segment > announced_.size())
            return false;
        const described& lies_in = announced_[header.segment - 1];
        const std::size_t pages = (lies_in.held + 4095) / 4096 * 4096;
        return lies_in.size != 0 && header.offset <= lies_in.size && header.size <= lies_in.size - header.offset &&
               header.offset + header.size <= pages;
    }

    static void judge(outcome got, bool good) {
        require(got != outcome::shortage, "there is a shortage where there is enough");
        require((got == outcome::good) == good, "what is true is not believed, or what is not is");
    }

    void read(const wire::enclosure_header& header, bytes behind) {
        require(answer_.size() == header.size, "an answer has another size than was said");
        const wire::attachments with = answer_.attachments();
        require(with.all.size() == header.attached, "other things are attached than were said");
        for (const wire::attached& one : with.all) {
            std::uint64_t at = 0;
            wire::take_front(behind, at);
            require(one.at == at, "something is attached elsewhere");
            const auto& memory = static_cast<const system::segment&>(*one.what);
            require(memory.data()[memory.size() - 1] == std::byte{}, "what is attached is something else");
        }
        static const std::vector<std::byte> nothing(std::size_t{1} << 17); // for nobody wrote there
        require(header.segment != 0 || header.size == behind.size(), "an answer is longer than what was said");
        const bool same =
            header.size == 0 ||
            std::memcmp(answer_.data(), header.segment == 0 ? behind.data() : nothing.data(), header.size) == 0;
        require(same, "an answer has other bytes");
        kept_.push_back(std::move(answer_));
        answer_ = {};
    }

    system::descriptor_channel_ends ends_ = system::make_descriptor_channel();
    system::enclosed_input input_{system::shared_mapping::create().share()};
    std::array<described, wire::segment_board::segments> announced_;
    std::deque<message> under_way_;
    handed handed_;
    std::deque<wire::payload> kept_;
    wire::payload answer_;
    std::uint64_t sent_ = 0;
    std::uint64_t taken_ = 0;
};

} // namespace

void enclosures(bytes given) {
    const std::size_t before = open_descriptors();
    {
        input in(given);
        pool_and_worker both;
        while (!in.empty())
            both.step(in);
        both.end();
    }
    require(open_descriptors() == before, "descriptors are left over");
}

} // namespace procpool::fuzz
