// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Every sequence of events up to a length, with what must hold whatever happens.

#include <machines/staffing.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace procpool::machines;
using namespace std::chrono_literals;

namespace {

enum class event {
    launch,
    ready,
    start_failed,
    failed_for_good,
    died_useful,
    died_useless,
    first_answer,
    a_moment,
    retry_time,
    stop,
    count
};

constexpr const char* names[] = {"launch",       "ready",    "start failed", "died useful", "died useless",
                                 "first answer", "a moment", "retry time",   "stop"};

constexpr staffing::pauses pauses{.first = 100ms, .longest = 1s};

struct walker {
    explicit walker(std::size_t workers) : walker(workers, workers) {}
    walker(std::size_t fewest, std::size_t workers) : least(fewest), most(workers), staff(fewest, workers, pauses) {}

    std::size_t least;
    std::size_t most;
    staffing staff;
    staffing::time_point now{};
    std::size_t starting = 0;
    std::size_t ready = 0;
    std::size_t failed_in_a_row = 0;
    std::size_t useless_in_a_row = 0;
    bool stopped = false;

    bool possible(event what) const {
        switch (what) {
        case event::launch:
            return staff.launches(now, most) != 0;
        case event::ready:
        case event::start_failed:
        case event::failed_for_good:
            return starting != 0;
        case event::died_useful:
        case event::died_useless:
        case event::first_answer:
            return ready != 0;
        case event::retry_time:
            return staff.retry_at(most) > now;
        case event::stop:
            return !stopped;
        default:
            return true;
        }
    }

    void tell(event what) {
        switch (what) {
        case event::launch:
            staff.launched();
            ++starting;
            break;
        case event::ready:
            staff.became_ready();
            --starting;
            ++ready;
            failed_in_a_row = 0;
            break;
        case event::start_failed:
            staff.start_failed(now, true);
            --starting;
            ++failed_in_a_row;
            break;
        case event::failed_for_good:
            staff.start_failed(now, false);
            --starting;
            failed_in_a_row = std::max<std::size_t>(failed_in_a_row, 2) + 1;
            break;
        case event::died_useful:
            staff.gone(now, true);
            --ready;
            useless_in_a_row = 0;
            break;
        case event::died_useless:
            staff.gone(now, false);
            --ready;
            ++useless_in_a_row;
            break;
        case event::first_answer:
            staff.was_of_use();
            useless_in_a_row = 0;
            break;
        case event::a_moment:
            now += 30ms;
            break;
        case event::retry_time:
            now = *staff.retry_at(most);
            break;
        case event::stop:
            staff.stop();
            stopped = true;
            break;
        case event::count:
            break;
        }
    }

    /// What is wrong; nothing if nothing is.
    const char* look() const {
        const std::size_t alive = starting + ready;
        if (staff.starting() != starting || staff.ready() != ready)
            return "it does not know how many workers there are";
        const bool trouble = failed_in_a_row > 2 || useless_in_a_row > 3;
        if ((staff.failures() != 0) != trouble)
            return "it does not know whether starts are held back";
        for (std::size_t tasks = 0; tasks != most + 2; ++tasks) {
            const bool work_waits = tasks != 0;
            // As many as there are tasks, but not fewer or more than was asked for.
            const std::size_t wanted = tasks < least ? least : tasks > most ? most : tasks;
            const std::size_t launches = staff.launches(now, tasks);
            const auto retry = staff.retry_at(tasks);
            if (launches != 0 && alive + launches > wanted)
                return "it wants more workers than were asked for, or than there is work for";
            if (stopped && (launches != 0 || retry))
                return "it starts workers after the end";
            const bool later = retry && *retry > now;
            if (!stopped && !trouble && !later && alive + launches != std::max(wanted, alive))
                return "without trouble it does not fill up at once";
            if (trouble && !work_waits && (launches != 0 || retry))
                return "after trouble it tries again though there is no work";
            if (trouble && launches + starting > std::max<std::size_t>(starting, 1))
                return "after trouble it tries more than one at a time";
            if (!trouble && later && *retry > now + pauses.brief)
                return "it waits long after a failure that it forgives";
            if (retry && *retry > now + pauses.longest)
                return "it wants to be asked again too late";
            if (retry && (launches != 0) != (*retry <= now))
                return "it tries before its time, or not when it has come";
            if (retry && (staff.launches(*retry, tasks) != (trouble ? 1 : wanted - alive) ||
                          staff.launches(*retry - 1ns, tasks) != 0))
                return "it does not try at the time at which it wants to be asked again";
            if (launches == 0 && !retry && staff.launches(now + 24h, tasks) != 0)
                return "it would start a worker later without having asked to be asked";
        }
        if (!stopped && alive == 0 && staff.launches(now, 1) == 0 && !staff.retry_at(1))
            return "work waits for ever";
        if (staff.hopeless() != (alive == 0 && (failed_in_a_row > 2 || useless_in_a_row > 8)))
            return "it is hopeless too early or too late";
        return nullptr;
    }
};

struct walk {
    std::vector<event> path;
    std::size_t looks = 0;

    void from(const walker& before, int steps) {
        ++looks;
        if (const char* const wrong = before.look()) {
            std::ostringstream text;
            text << wrong << ", after:";
            for (const event what : path)
                text << ' ' << names[static_cast<int>(what)] << ';';
            throw std::logic_error(text.str());
        }
        if (steps == 0)
            return;
        for (int what = 0; what != static_cast<int>(event::count); ++what) {
            if (!before.possible(static_cast<event>(what)))
                continue;
            walker one = before;
            path.push_back(static_cast<event>(what));
            one.tell(path.back());
            from(one, steps - 1);
            path.pop_back();
        }
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(staffing_walk)

BOOST_AUTO_TEST_CASE(whatever_happens_it_fills_up_backs_off_tries_again_and_stops) {
    for (const std::size_t wanted : {1u, 2u, 3u}) {
        walk all;
        all.from(walker(wanted), 10);
        BOOST_TEST(all.looks > 1000u);
        BOOST_TEST_MESSAGE(wanted << " workers: " << all.looks << " looks");
    }
}

BOOST_AUTO_TEST_CASE(a_pool_of_changing_size_has_as_many_workers_as_there_are_tasks_whatever_happens) {
    for (const auto& [least, most] : {std::pair<std::size_t, std::size_t>{0, 1}, {0, 3}, {1, 2}, {2, 4}}) {
        walk all;
        all.from(walker(least, most), 9);
        BOOST_TEST(all.looks > 1000u);
        BOOST_TEST_MESSAGE(least << " to " << most << " workers: " << all.looks << " looks");
    }
}

BOOST_AUTO_TEST_CASE(the_same_holds_after_any_number_of_useless_deaths) {
    for (const std::size_t wanted : {1u, 2u}) {
        for (int deaths = 1; deaths <= 10; ++deaths) {
            walk all;
            walker before(wanted);
            for (int count = 0; count != deaths; ++count)
                for (const event what : {event::launch, event::ready, event::died_useless}) {
                    before.tell(what);
                    all.path.push_back(what);
                }
            all.from(before, 6);
            BOOST_TEST(all.looks > 100u);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
