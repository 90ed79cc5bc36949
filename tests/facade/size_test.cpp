// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Numbers and sizes at and beyond their limits.

#include <facade/support.hpp>

#include <limits>
#include <set>
#include <vector>

namespace {

using namespace procpool::testing;
using procpool::errc;
using procpool::process_pool;

constexpr std::size_t megabyte = 1'000'000;
[[maybe_unused]] constexpr std::size_t limit = std::size_t(1) << 30; // 1 GiB

std::size_t size_of(const std::string& text) {
    return text.size();
}

std::string text_of_size(std::size_t size) {
    return std::string(size, 'x');
}

int add(int left, int right) {
    return left + right;
}

std::size_t index_after_all_are_there(const std::filesystem::path& gate, int who, std::size_t all) {
    touch(gate / std::to_string(who));
    const bool there = wait_until(
        [&] {
            std::size_t found = 0;
            for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(gate))
                ++found;
            return found >= all;
        },
        patience);
    return there ? procpool::this_worker::index() : 1000;
}

[[maybe_unused]] bool names_limit(const std::string& text) {
    return text.find("1 GiB") != std::string::npos || text.find(std::to_string(limit)) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(number_of_workers)

BOOST_AUTO_TEST_CASE(must_not_be_zero_or_absurd) {
    asio::io_context context;
    for (const std::size_t wrong : {std::size_t(0), std::size_t(4097), std::numeric_limits<std::size_t>::max()}) {
        BOOST_CHECK_THROW(process_pool(context, {.workers = wrong}), std::invalid_argument);
        BOOST_CHECK_THROW(process_pool(context.get_executor(), {.workers = wrong}), std::invalid_argument);
        BOOST_CHECK_THROW(process_pool({.workers = wrong}), std::invalid_argument);
    }
    BOOST_TEST(run_for(context, patience)); // nothing of them is left there
}

BOOST_AUTO_TEST_CASE(is_that_of_the_available_processors_by_default) {
    BOOST_TEST(procpool::available_parallelism() >= 1u);
    BOOST_TEST(procpool::pool_options().workers == procpool::available_parallelism());
    asio::io_context context;
    process_pool pool(context);
    BOOST_TEST(
        run_for(context, patience, [&] { return pool.stats().workers_idle == procpool::available_parallelism(); }));
}

BOOST_AUTO_TEST_CASE(may_be_thirteen_which_all_run_at_the_same_time_and_have_indexes_of_their_own) {
    for (const std::size_t workers : {std::size_t(1), std::size_t(13)}) {
        const gate meeting;
        small_pool with(workers);
        std::vector<seen<std::size_t>> results(workers);
        for (std::size_t i = 0; i != workers; ++i)
            with.pool.submit(index_after_all_are_there, meeting.path(), static_cast<int>(i),
                             workers)(results[i].handler());
        std::set<std::size_t> indexes;
        for (auto& one : results) {
            BOOST_REQUIRE(with.run_until([&] { return one.over(); }));
            BOOST_TEST(!one.error);
            indexes.insert(*one.value);
        }
        BOOST_TEST(indexes.size() == workers);
        BOOST_TEST(*indexes.rbegin() == workers - 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(size_of_values, one_worker)

BOOST_AUTO_TEST_CASE(of_an_argument_may_be_a_hundred_megabytes) {
    BOOST_TEST(run(context, pool.submit(size_of, std::string(100 * megabyte, 'a'))) == 100 * megabyte);
}

BOOST_AUTO_TEST_CASE(of_a_result_may_be_a_hundred_megabytes) {
    const std::string result = run(context, pool.submit(text_of_size, 100 * megabyte));
    BOOST_TEST(result.size() == 100 * megabyte);
    BOOST_TEST((result.find_first_not_of('x') == std::string::npos));
}

BOOST_AUTO_TEST_CASE(of_several_arguments_and_results_at_once_may_be_megabytes) {
    std::vector<seen<std::string>> results(20);
    for (std::size_t i = 0; i != results.size(); ++i)
        pool.submit(text_of_size, i * megabyte / 2)(results[i].handler());
    std::vector<seen<std::size_t>> sizes(20);
    for (std::size_t i = 0; i != sizes.size(); ++i)
        pool.submit(size_of, std::string(i * megabyte / 2, 'y'))(sizes[i].handler());
    for (std::size_t i = 0; i != results.size(); ++i) {
        BOOST_REQUIRE(run_until([&] { return results[i].over() && sizes[i].over(); }));
        BOOST_TEST(!results[i].error);
        BOOST_TEST(results[i].value->size() == i * megabyte / 2);
        BOOST_TEST(*sizes[i].value == i * megabyte / 2);
    }
}

BOOST_AUTO_TEST_CASE(around_every_power_of_two_makes_no_difference) {
    for (std::size_t power = 1; power != 25; power += 1)
        for (const std::size_t size : {(std::size_t(1) << power) - 1, std::size_t(1) << power}) {
            BOOST_TEST(run(context, pool.submit(size_of, std::string(size, 'z'))) == size);
            BOOST_TEST(run(context, pool.submit(text_of_size, size)).size() == size);
        }
}

#ifndef PROCPOOL_TEST_SANITIZED

BOOST_AUTO_TEST_CASE(of_an_argument_over_a_gigabyte_is_refused_and_said) {
    const auto error = run_to_error(context, pool.submit(size_of, std::string(limit + 1, 'a')));
    BOOST_TEST_INFO(text_of(error));
    BOOST_TEST(code_of(error) == errc::not_serializable);
    BOOST_TEST(names_limit(text_of(error)));
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(of_a_result_over_a_gigabyte_is_refused_and_said) {
    seen<int> other;
    seen<std::string> result;
    pool.submit(text_of_size, limit + 1)(result.handler());
    pool.submit(add, 1, 2)(other.handler());
    BOOST_REQUIRE(run_until([&] { return result.over() && other.over(); }));
    BOOST_TEST_INFO(text_of(result.error));
    BOOST_TEST(code_of(result.error) == errc::not_serializable);
    BOOST_TEST_INFO(text_of(result.error));
    BOOST_TEST(names_limit(text_of(result.error)));
    BOOST_TEST(*other.value == 3);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
