// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/spin_window.hpp>

#include <boost/test/unit_test.hpp>

using procpool::system::spin_window;
using namespace std::chrono_literals;

namespace {

/// How many of so many times it is looked out for something, always in vain.
unsigned attempts_in_vain(spin_window& window, unsigned times) {
    unsigned attempts = 0;
    for (unsigned i = 0; i != times; ++i)
        if (window.next() != 0ns) {
            ++attempts;
            window.was_in_vain();
        }
    return attempts;
}

} // namespace

BOOST_AUTO_TEST_SUITE(spin_window_alone)

BOOST_AUTO_TEST_CASE(nothing_allowed_is_nothing_tried) {
    spin_window window;
    BOOST_TEST(attempts_in_vain(window, 1000) == 0u);
}

BOOST_AUTO_TEST_CASE(as_long_as_it_works_out_it_is_as_long_as_is_allowed) {
    for (const auto longest : {1ns, 999ns, 1000ns, 50'000ns, 3'600'000'000'000ns}) {
        spin_window window(longest);
        for (int i = 0; i != 100; ++i) {
            BOOST_TEST((window.next() == longest));
            window.worked_out();
        }
    }
}

BOOST_AUTO_TEST_CASE(each_time_in_vain_halves_the_next_and_one_that_works_out_makes_it_whole) {
    spin_window window(40us);
    for (int again = 0; again != 3; ++again) {
        for (const auto expected : {40'000ns, 20'000ns, 10'000ns, 5'000ns}) {
            BOOST_TEST((window.next() == expected));
            window.was_in_vain();
        }
        BOOST_TEST((window.next() == 2'500ns));
        window.worked_out();
    }
}

BOOST_AUTO_TEST_CASE(after_some_times_in_vain_it_is_tried_now_and_then_and_for_as_long_as_is_allowed) {
    spin_window window(2us);
    BOOST_TEST(attempts_in_vain(window, 2) == 2u); // 2 us and 1 us
    for (int again = 0; again != 3; ++again) {
        for (unsigned i = 0; i != spin_window::left_out_between_attempts; ++i)
            BOOST_TEST((window.next() == 0ns));
        BOOST_TEST((window.next() == 2us));
        window.was_in_vain();
    }
    BOOST_TEST(attempts_in_vain(window, 10 * (spin_window::left_out_between_attempts + 1)) == 10u);
    for (unsigned i = 0; i != spin_window::left_out_between_attempts; ++i)
        BOOST_TEST((window.next() == 0ns));
    BOOST_TEST((window.next() == 2us));
    window.worked_out();
    BOOST_TEST((window.next() == 2us));
}

BOOST_AUTO_TEST_SUITE_END()
