// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Arguments and results that are too large for the pipe to be the best way. They cross in memory that both sides share; here
// it is tried at every size around where that begins, in every state, and with everything that can end it early.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/proc.hpp>
#include <wire/enclosure.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace procpool;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using bytes = std::vector<unsigned char>;

constexpr std::size_t threshold = wire::storage::threshold;
constexpr std::size_t large = std::size_t{3} << 20;

bytes pattern(std::size_t size, std::uint32_t seed) {
    bytes made(size);
    std::uint32_t state = seed * 2654435761U + 1;
    for (unsigned char& one : made)
        one = static_cast<unsigned char>((state = state * 1664525U + 1013904223U) >> 24);
    return made;
}

std::uint64_t checksum(const bytes& all) {
    std::uint64_t sum = all.size();
    for (const unsigned char one : all)
        sum = sum * 31 + one;
    return sum;
}

bytes back(bytes all) {
    return all;
}

// So many mappings of shared data this process has.
std::size_t mappings() {
    return mappings_of("memfd:procpool-data").size();
}

} // namespace

BOOST_AUTO_TEST_SUITE(large_payloads)

BOOST_AUTO_TEST_CASE(every_size_around_the_threshold_comes_and_goes_unchanged) {
    process_pool pool({.workers = 2});
    std::vector<std::size_t> sizes;
    for (const std::size_t around :
         {std::size_t{1} << 16, threshold, threshold * 2, std::size_t{1} << 20, std::size_t{4} << 20})
        for (const int more : {-4096, -64, -33, -25, -24, -17, -16, -15, -10, -9, -8, -1, 0, 1, 9, 16, 4096})
            sizes.push_back(around + static_cast<std::size_t>(more));
    for (const std::size_t size : sizes) {
        const bytes sent = pattern(size, static_cast<std::uint32_t>(size));
        BOOST_TEST(pool.submit(checksum, sent).get() == checksum(sent));
        BOOST_TEST((pool.submit(back, sent).get() == sent), size);
        BOOST_TEST((pool.submit(pattern, size, 7U).get() == pattern(size, 7)), size);
    }
}

BOOST_AUTO_TEST_CASE(what_grows_element_by_element_arrives_whole) {
    process_pool pool({.workers = 1});
    std::vector<std::string> many;
    for (int i = 0; i != 300'000; ++i)
        many.push_back(std::to_string(i));
    const auto same = [](std::vector<std::string> all) { return all; };
    BOOST_TEST((pool.submit(same, many).get() == many));
    BOOST_TEST((pool.submit(same, many).get() == many));
}

BOOST_AUTO_TEST_CASE(many_at_once_each_get_their_own) {
    process_pool pool({.workers = 3});
    std::vector<task_handle<bytes>> tasks;
    for (std::uint32_t i = 0; i != 60; ++i)
        tasks.push_back(pool.submit(back, pattern(threshold + i * 40'000, i)).start());
    for (std::uint32_t i = 0; i != 60; ++i)
        BOOST_TEST((tasks[i].get() == pattern(threshold + i * 40'000, i)), i);
}

BOOST_AUTO_TEST_CASE(batches_and_streams_of_large_items) {
    process_pool pool({.workers = 2});
    std::vector<bytes> items;
    for (std::uint32_t i = 0; i != 24; ++i)
        items.push_back(pattern(i % 3 == 0 ? 100 : i % 3 == 1 ? 50'000 : 900'000, i));
    const std::vector<bytes> all = pool.map(back, items).get();
    BOOST_TEST((all == items));
    const auto settled = pool.map_settled(
                                 [](bytes one) {
                                     if (one.size() == 100)
                                         throw std::runtime_error("too small");
                                     return one;
                                 },
                                 items)
                             .get();
    for (std::size_t i = 0; i != items.size(); ++i)
        BOOST_TEST((i % 3 == 0 ? settled[i].has_error() : *settled[i] == items[i]));
    auto stream = pool.imap(back, items);
    std::size_t at = 0;
    while (auto one = stream.next().get())
        BOOST_TEST((*one == items[at++]));
    BOOST_TEST(at == items.size());
    std::vector<int> numbers(3'000'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    BOOST_TEST((pool.map([](int value) { return value; }, numbers).get() == numbers));
}

BOOST_AUTO_TEST_CASE(memory_is_used_again_and_nothing_is_left) {
    const auto before = leftovers::now();
    const std::size_t mapped_before = mappings();
    {
        process_pool pool({.workers = 1});
        const bytes sent = pattern(large, 1);
        for (int i = 0; i != 50; ++i)
            BOOST_TEST((pool.submit(back, sent).get() == sent));
        BOOST_TEST(mappings() - mapped_before <= 3u);
        BOOST_TEST(pool.submit(mappings).get() <= 3u);
        const auto handle = pool.submit(back, sent).start();
        std::vector<task_handle<bytes>> at_once;
        for (int i = 0; i != 10; ++i)
            at_once.push_back(pool.submit(back, sent).start());
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
    BOOST_TEST(mappings() == mapped_before);
}

BOOST_AUTO_TEST_CASE(an_exception_after_a_large_argument_or_in_place_of_a_large_result) {
    process_pool pool({.workers = 1});
    const auto fail = [](const bytes& all) -> bytes { throw std::out_of_range(std::to_string(all.size())); };
    BOOST_CHECK_EXCEPTION(pool.submit(fail, bytes(large)).get(), std::out_of_range,
                          [](const auto& error) { return error.what() == std::to_string(large); });
    const auto with_long_text = [] { throw std::runtime_error(std::string(large, 'x')); };
    BOOST_CHECK_THROW(pool.submit(with_long_text).get(), std::runtime_error);
    BOOST_TEST(pool.submit(checksum, pattern(large, 2)).get() == checksum(pattern(large, 2)));
}

int die_on_first_attempt(const bytes& all, std::uint64_t sum) {
    if (checksum(all) != sum)
        return -1;
    if (this_task::attempt() == 1)
        ::raise(SIGKILL);
    return static_cast<int>(this_task::attempt());
}

BOOST_AUTO_TEST_CASE(a_retry_finds_its_arguments_unchanged) {
    process_pool pool({.workers = 2});
    for (std::uint32_t i = 0; i != 10; ++i) {
        const bytes sent = pattern(large, i);
        BOOST_TEST(pool.submit(die_on_first_attempt, sent, checksum(sent)).retries(1).get() == 2);
    }
}

BOOST_AUTO_TEST_CASE(tasks_sent_ahead_of_a_death_go_elsewhere_with_their_arguments) {
    process_pool pool({.workers = 2});
    std::vector<task_handle<std::uint64_t>> others;
    std::vector<task_handle<void>> deaths;
    for (std::uint32_t i = 0; i != 80; ++i) {
        if (i % 16 == 3)
            deaths.push_back(pool.submit([](const bytes&) { ::raise(SIGKILL); }, pattern(large, i)).start());
        else
            others.push_back(pool.submit(checksum, pattern(threshold + i, i)).start());
    }
    for (auto& death : deaths)
        BOOST_CHECK_THROW(death.get(), worker_died);
    std::size_t at = 0;
    for (std::uint32_t i = 0; i != 80; ++i)
        if (i % 16 != 3)
            BOOST_TEST(others[at++].get() == checksum(pattern(threshold + i, i)));
}

BOOST_AUTO_TEST_CASE(cancelled_in_every_state_the_next_ones_are_right) {
    process_pool pool({.workers = 2, .kill_grace = 0ms});
    for (std::uint32_t round = 0; round != 6; ++round) {
        std::vector<task_handle<bytes>> tasks;
        for (std::uint32_t i = 0; i != 12; ++i)
            tasks.push_back(pool.submit(back, pattern(large, i)).start());
        for (std::uint32_t i = round % 3; i < 12; i += 3)
            tasks[i].cancel();
        for (std::uint32_t i = 0; i != 12; ++i) {
            try {
                BOOST_TEST((tasks[i].get() == pattern(large, i)), i);
            } catch (const boost::system::system_error&) {
                BOOST_TEST(i % 3 == round % 3);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(handles_are_dropped_before_and_after_their_results_come) {
    process_pool pool({.workers = 1});
    for (int i = 0; i != 40; ++i) {
        auto dropped = pool.submit(pattern, large, 1U).start();
        if (i % 2 == 0)
            dropped.wait_for(20s);
    }
    BOOST_TEST((pool.submit(pattern, large, 9U).get() == pattern(large, 9)));
    BOOST_TEST(pool.submit(mappings).get() <= wire::segment_board::segments);
}

BOOST_AUTO_TEST_CASE(results_outlive_the_worker_that_made_them) {
    process_pool pool({.workers = 1, .max_tasks_per_worker = 1});
    std::vector<task_handle<bytes>> tasks;
    for (std::uint32_t i = 0; i != 12; ++i)
        tasks.push_back(pool.submit(back, pattern(large, i)).start());
    for (std::uint32_t i = 0; i != 12; ++i)
        BOOST_TEST((tasks[i].get() == pattern(large, i)));
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(a_copy_that_a_task_made_of_its_worker_does_not_disturb_the_result) {
    process_pool pool({.workers = 1});
    const auto forks = [](std::uint32_t seed) {
        const pid_t copy = ::fork();
        bytes made = pattern(large, copy == 0 ? 99 : seed);
        if (copy > 0)
            ::waitpid(copy, nullptr, 0);
        return made;
    };
    for (std::uint32_t i = 0; i != 5; ++i)
        BOOST_TEST((pool.submit(forks, i).get() == pattern(large, i)));
}

BOOST_AUTO_TEST_CASE(several_pools_share_nothing_but_what_is_idle) {
    process_pool first({.workers = 1});
    const bytes sent = pattern(large, 5);
    {
        process_pool second({.workers = 1});
        BOOST_TEST(second.submit(checksum, sent).get() == checksum(sent));
        BOOST_TEST(first.submit(checksum, sent).get() == checksum(sent));
    }
    BOOST_TEST(first.submit(checksum, sent).get() == checksum(sent));
    const auto inner = [](const bytes& all) {
        process_pool pool({.workers = 1});
        return pool.submit(checksum, all).get();
    };
    BOOST_TEST(first.submit(inner, sent).get() == checksum(sent));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(what_is_only_kept_does_not_wear_a_worker_out) {
    process_pool pool({.workers = 1, .max_memory_per_worker = std::size_t{64} << 20});
    const pid_t first = pool.submit([] { return ::getpid(); }).get();
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(pool.submit([](const bytes& all) { return all.size(); }, bytes(100 << 20)).get() == 100u << 20);
    BOOST_TEST(pool.submit([] { return ::getpid(); }).get() == first);
}
// With few descriptors the memory cannot be shared, and the pipe has to do. (Sanitizers need descriptors of their own.)
BOOST_AUTO_TEST_CASE(without_descriptors_to_spare_the_pipe_does) {
    process_pool pool({.workers = 1});
    BOOST_TEST(pool.submit(checksum, bytes(10)).get() == checksum(bytes(10)));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const bytes sent = pattern(large, 4);
    const std::uint64_t sum = pool.submit(checksum, sent).get();
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(sum == checksum(sent));
    const auto limited = [](std::size_t size) {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 3;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        return pattern(size, 3);
    };
    BOOST_TEST((pool.submit(limited, large).get() == pattern(large, 3)));
    // Such a worker cannot take over what it is handed either; that call alone fails.
    BOOST_CHECK_THROW(pool.submit(checksum, pattern(large, 6)).get(), std::exception);
    BOOST_TEST(pool.submit(checksum, bytes(10)).get() == checksum(bytes(10)));
}

// Nor does its worker end for it, which would then have to be replaced without descriptors.
BOOST_AUTO_TEST_CASE(a_result_for_which_the_program_has_no_descriptor_fails_alone) {
    asio::io_context context;
    process_pool pool(context, {.workers = 1});
    BOOST_REQUIRE(run_for(context, 20s, [&] { return pool.stats().workers_idle == 1; }));
    auto big = pool.submit(pattern, large, 1U).start();
    std::vector<task_handle<std::uint64_t>> others;
    for (int i = 0; i != 20; ++i)
        others.push_back(pool.submit(checksum, bytes(10)).start());
    auto big_again = pool.submit(pattern, large, 2U).start();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{3, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto told = [&] {
        return big.ready() && big_again.ready() &&
               std::all_of(others.begin(), others.end(), [](const auto& one) { return one.ready(); });
    };
    const bool in_time = run_for(context, 20s, told);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_REQUIRE(in_time);
    for (auto* const one : {&big, &big_again})
        BOOST_CHECK_EXCEPTION(one->get(), boost::system::system_error, [](const auto& error) {
            return error.code() == boost::system::errc::too_many_files_open;
        });
    for (auto& one : others)
        BOOST_TEST(one.get() == checksum(bytes(10)));
    BOOST_TEST(pool.stats().workers_started == 1u);
    auto later = pool.submit(pattern, large, 3U).start();
    BOOST_REQUIRE(run_for(context, 20s, [&] { return later.ready(); }));
    BOOST_TEST((later.get() == pattern(large, 3)));
}
#endif

BOOST_AUTO_TEST_SUITE_END()
