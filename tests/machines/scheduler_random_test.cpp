// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Long random stories, with more workers and tasks than can be enumerated.

#include <machines/scheduler_world.hpp>
#include <machines/seed.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using namespace procpool::testing;

namespace {

world::course some_course(std::mt19937_64& random) {
    world::course course{.workers = 1 + random() % 5,
                         .tasks = 5 + random() % 60,
                         .bounds = {.tasks_ahead = 1 + random() % 7},
                         .recalls_answered_at_once = random() % 2 == 0,
                         .cancels = random() % 3 == 0,
                         .asks_back = random() % 4 == 0,
                         .leaves = random() % 3 == 0,
                         .dies = random() % 3 == 0,
                         .takes_waiting = random() % 8 == 0};
    if (random() % 3 == 0) {
        course.bounds.bytes_ahead = 10;
        for (int count = 0; count != 7; ++count)
            course.sizes.push_back(1 + random() % (random() % 4 == 0 ? 30 : 6));
    }
    course.holds = random() % 4 == 0;
    course.adds_in_front = random() % 4 == 0;
    if (random() % 2 == 0)
        for (std::size_t count = 1 + random() % 11, levels = 1 + random() % 4; count != 0; --count)
            course.priorities.push_back(static_cast<int>(random() % levels) - 1);
    if (random() % 3 == 0)
        course.allowance = 1 + random() % 10;
    if (random() % 3 == 0)
        for (int count = 0; count != 5; ++count)
            course.items.push_back(static_cast<std::uint32_t>(1 + random() % 5));
    return course;
}

/// How often something happens, beside other things: work more often than trouble.
unsigned weight(world::happening what) {
    switch (what) {
    case world::happening::add:
        return 12;
    case world::happening::add_in_front:
        return 3;
    case world::happening::ready:
    case world::happening::released:
        return 6;
    case world::happening::begin:
    case world::happening::finish:
        return 8;
    case world::happening::answer:
        return 6;
    default:
        return 1;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(scheduler_random)

BOOST_AUTO_TEST_CASE(no_story_loses_doubles_or_strands_a_task) {
    const std::uint64_t seed = first_seed();
    for (std::uint64_t story = 0; story != 3000; ++story) {
        BOOST_TEST_CONTEXT("PROCPOOL_TEST_SEED=" << seed << ", story " << story) {
            std::mt19937_64 random(seed * 10000 + story);
            world here(some_course(random));
            std::vector<world::event> weighted;
            bool kept = true;
            std::string wrong;
            try {
                for (int step = 0; step != 250; ++step) {
                    weighted.clear();
                    for (const auto event : here.possible())
                        weighted.insert(weighted.end(), weight(event.what), event);
                    if (weighted.empty())
                        break;
                    here.happen(weighted[random() % weighted.size()]);
                }
                here.finish_all();
            } catch (const std::logic_error& error) {
                kept = false;
                wrong = error.what();
            }
            BOOST_REQUIRE_MESSAGE(kept, wrong);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
