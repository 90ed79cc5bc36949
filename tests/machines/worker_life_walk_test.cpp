// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Every sequence of events up to a length, with what must hold whatever happens.

#include <machines/worker_life_walker.hpp>

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using procpool::machines::worker_life;
using event = procpool::testing::life_event;
using walker = procpool::testing::life_walker;

namespace {

struct walk {
    std::vector<event> path;
    std::size_t lives = 0;

    void from(const walker& before, int steps) {
        ++lives;
        if (const char* const wrong = walker(before).finish())
            fail(wrong);
        if (steps == 0)
            return;
        for (int what = 0; what != static_cast<int>(event::count); ++what) {
            walker one = before;
            path.push_back(static_cast<event>(what));
            if (const char* const wrong = one.step(path.back()))
                fail(wrong);
            from(one, steps - 1);
            path.pop_back();
        }
    }

    [[noreturn]] void fail(const char* wrong) const {
        std::ostringstream text;
        text << wrong << ", after:";
        for (const event what : path)
            text << ' ' << procpool::testing::life_event_names[static_cast<int>(what)] << ';';
        throw std::logic_error(text.str());
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(worker_life_walk)

BOOST_AUTO_TEST_CASE(whatever_happens_it_is_buried_once_killed_at_most_once_and_ends_in_time_for_the_first_cause) {
    for (const worker_life::limits& bounds :
         {worker_life::limits{.start = 30s, .exit = 5s},
          worker_life::limits{.start = 30s, .exit = 5s, .has_initializer = true, .initializer = 60s},
          worker_life::limits{.start = 30s, .exit = 5s, .has_initializer = true}}) {
        walk all;
        all.from(walker(bounds), 5);
        BOOST_TEST(all.lives == 402234u); // of 13 events, in every order
    }
}

BOOST_AUTO_TEST_SUITE_END()
