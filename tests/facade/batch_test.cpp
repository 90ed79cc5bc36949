// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// map and starmap.

#include <facade/support.hpp>

#include <boost/serialization/string.hpp>

#include <array>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <numeric>
#include <ranges>
#include <set>
#include <span>
#include <sstream>
#include <vector>

#include <unistd.h>

namespace {

using namespace procpool::testing;
using boost::test_tools::per_element;
using procpool::batch_options;
using procpool::process_pool;

int twice(int value) {
    return 2 * value;
}

int add(int left, int right) {
    return left + right;
}

bool is_odd(int value) {
    return value % 2 != 0;
}

void touch_number(const std::filesystem::path& folder, int number) {
    touch(folder / std::to_string(number));
}

std::size_t length(const std::string& text) {
    return text.size();
}

int fail_from(int first, int value) {
    if (value >= first)
        throw std::range_error("item " + std::to_string(value));
    return value;
}

/// Has no default constructor, but can be carried.
class labelled {
public:
    explicit labelled(std::string label) : label_(std::move(label)) {}
    const std::string& label() const { return label_; }

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& label_;
    }

    std::string label_;
};

std::string label_of(const labelled& value) {
    return value.label();
}

template <class T>
std::vector<T> vector_to(T end) {
    std::vector<T> all(static_cast<std::size_t>(end));
    std::iota(all.begin(), all.end(), T(0));
    return all;
}

std::vector<int> doubled(int end) {
    auto all = vector_to(end);
    for (int& one : all)
        one *= 2;
    return all;
}

} // namespace

namespace boost::serialization {

template <class Archive>
void save_construct_data(Archive& archive, const labelled* value, unsigned) {
    archive << value->label();
}

template <class Archive>
void load_construct_data(Archive& archive, labelled* value, unsigned) {
    std::string label;
    archive >> label;
    ::new (value) labelled(std::move(label));
}

} // namespace boost::serialization

BOOST_FIXTURE_TEST_SUITE(batch, two_workers)

BOOST_AUTO_TEST_CASE(yields_the_results_in_the_order_of_the_inputs_whatever_the_chunks) {
    for (const std::size_t chunk : {0u, 1u, 7u, 100u, 101u, 1'000'000'000u})
        for (const int size : {1, 2, 6, 7, 8, 100})
            BOOST_TEST(run(context, pool.map(twice, vector_to(size), {.chunk_size = chunk})) == doubled(size),
                       per_element());
    BOOST_TEST(run(context, pool.map(twice, vector_to(100), {.chunk_size = std::numeric_limits<std::size_t>::max()})) ==
                   doubled(100),
               per_element());
}

BOOST_AUTO_TEST_CASE(travels_in_chunks_each_of_which_is_a_task) {
    const auto tasks_for = [&](int items, batch_options options) {
        const auto before = pool.stats().tasks_submitted;
        run(context, pool.map(twice, vector_to(items), options));
        return pool.stats().tasks_submitted - before;
    };
    BOOST_TEST(tasks_for(100, {.chunk_size = 1}) == 100u);
    BOOST_TEST(tasks_for(100, {.chunk_size = 7}) == 15u);
    BOOST_TEST(tasks_for(100, {.chunk_size = 100}) == 1u);
    BOOST_TEST(tasks_for(100, {.chunk_size = 1000}) == 1u);
    // Unless told otherwise, items that take next to nothing soon travel many at a time, and the last ones few at a time.
    BOOST_TEST(tasks_for(100'000, {}) < 1000u);
    BOOST_TEST(tasks_for(12, {}) > 2u);
}

BOOST_AUTO_TEST_CASE(of_nothing_yields_nothing) {
    BOOST_TEST(run(context, pool.map(twice, std::vector<int>())).empty());
    BOOST_TEST(run(context, pool.map(twice, std::vector<int>(), {.chunk_size = 1})).empty());
    BOOST_TEST(run(context, pool.starmap(add, std::vector<std::pair<int, int>>())).empty());
    BOOST_TEST(run(context, pool.map(is_odd, std::views::empty<int>)).empty());
    run(context, pool.map([](int) {}, std::vector<int>()));
    BOOST_TEST(pool.stats().tasks_with_workers + pool.stats().tasks_waiting == 0u);
}

BOOST_AUTO_TEST_CASE(of_a_function_that_returns_nothing_calls_it_for_each_element) {
    const gate place;
    std::vector<std::pair<std::filesystem::path, int>> items;
    for (int i = 0; i != 50; ++i)
        items.emplace_back(place.path(), i);
    static_assert(std::is_same_v<decltype(pool.starmap(touch_number, items)), procpool::submission<void>>);
    run(context, pool.starmap(touch_number, items));
    BOOST_TEST(place.count() == 50u);
}

BOOST_AUTO_TEST_CASE(may_yield_truth_values) {
    for (const std::size_t chunk : {0u, 1u, 7u}) {
        const std::vector<bool> odd = run(context, pool.map(is_odd, vector_to(1000), {.chunk_size = chunk}));
        BOOST_REQUIRE(odd.size() == 1000u);
        int wrong = 0;
        for (int i = 0; i != 1000; ++i)
            wrong += odd[static_cast<std::size_t>(i)] != is_odd(i);
        BOOST_TEST(wrong == 0);
    }
}

BOOST_AUTO_TEST_CASE(takes_ranges_of_all_kinds) {
    const std::vector<int> expected{2, 4, 6};
    const auto check = [&](auto&& range) {
        BOOST_TEST(run(context, pool.map(twice, std::forward<decltype(range)>(range))) == expected, per_element());
    };
    const int array[] = {1, 2, 3};
    const std::vector<int> constant{1, 2, 3};
    std::vector<int> vector = constant;
    check(constant);
    check(vector);
    check(std::vector<int>{1, 2, 3});
    check(array);
    check(std::array{1, 2, 3});
    check(std::list{1, 2, 3});
    check(std::forward_list{1, 2, 3});
    check(std::deque{1, 2, 3});
    check(std::set{3, 1, 2});
    check(std::span(array));
    check(std::initializer_list<int>{1, 2, 3});
    check(std::views::iota(1, 4));
    check(std::views::iota(1) | std::views::take(3));
    check(constant | std::views::reverse | std::views::reverse);
    check(std::vector{0, 1, 2} | std::views::transform([](int value) { return value + 1; }));
    check(std::vector{1, 5, 2, 7, 3} | std::views::filter([](int value) { return value < 4; }));
    check(std::map<int, int>{{1, 0}, {2, 0}, {3, 0}} | std::views::keys);
    check(std::vector<short>{1, 2, 3}); // converts
    BOOST_TEST(vector == constant, per_element());
}

BOOST_AUTO_TEST_CASE(takes_ranges_that_can_be_read_only_once) {
    for (const std::size_t chunk : {0u, 1u, 2u, 100u}) {
        std::istringstream text("1 2 3 4 5");
        BOOST_TEST(run(context, pool.map(twice, std::views::istream<int>(text), {.chunk_size = chunk})) ==
                       (std::vector{2, 4, 6, 8, 10}),
                   per_element());
    }
    std::istringstream many;
    std::string text;
    for (int i = 0; i != 5000; ++i)
        text += std::to_string(i) + " ";
    many.str(text);
    BOOST_TEST(run(context, pool.map(twice, std::views::istream<int>(many))) == doubled(5000), per_element());
    std::istringstream nothing;
    BOOST_TEST(run(context, pool.map(twice, std::views::istream<int>(nothing))).empty());
}

BOOST_AUTO_TEST_CASE(reads_its_range_once_and_at_once) {
    int reads = 0;
    auto counted = std::views::iota(0, 10) | std::views::transform([&](int value) {
                       ++reads;
                       return value;
                   });
    auto operation = pool.map(twice, counted);
    BOOST_TEST(reads == 10);
    BOOST_TEST(run(context, std::move(operation)) == doubled(10), per_element());
    BOOST_TEST(reads == 10);
}

BOOST_AUTO_TEST_CASE(of_a_range_that_throws_fails_with_that_error) {
    auto throwing = std::views::iota(0, 10) | std::views::transform([](int value) {
                        if (value == 5)
                            throw std::range_error("the range's own");
                        return value;
                    });
    BOOST_TEST(text_of(run_to_error(context, pool.map(twice, throwing))) == "the range's own");
    BOOST_TEST(pool.stats().tasks_completed == 0u);
}

BOOST_AUTO_TEST_CASE(of_texts_takes_whatever_is_a_text) {
    const std::vector<std::size_t> expected{3, 5};
    BOOST_TEST(run(context, pool.map(length, std::vector<std::string>{"one", "three"})) == expected, per_element());
    BOOST_TEST(run(context, pool.map(length, std::vector<const char*>{"one", "three"})) == expected, per_element());
    BOOST_TEST(run(context, pool.map(length, std::vector<std::string_view>{"one", "three"})) == expected,
               per_element());
}

BOOST_AUTO_TEST_CASE(takes_elements_without_a_default_constructor) {
    static_assert(!std::is_default_constructible_v<labelled>);
    std::vector<labelled> values;
    values.emplace_back("one");
    values.emplace_back("two");
    BOOST_TEST(run(context, pool.map(label_of, values)) == (std::vector<std::string>{"one", "two"}), per_element());
    BOOST_TEST(run(context, pool.submit(label_of, labelled("single"))) == "single");
}

BOOST_AUTO_TEST_CASE(star_takes_tuples_pairs_and_arrays) {
    const std::vector<int> expected{3, 7};
    BOOST_TEST(run(context, pool.starmap(add, std::vector<std::pair<int, int>>{{1, 2}, {3, 4}})) == expected,
               per_element());
    BOOST_TEST(run(context, pool.starmap(add, std::vector<std::tuple<int, short>>{{1, 2}, {3, 4}})) == expected,
               per_element());
    BOOST_TEST(run(context, pool.starmap(add, std::vector<std::array<int, 2>>{{1, 2}, {3, 4}})) == expected,
               per_element());
    BOOST_TEST(run(context, pool.starmap(add, std::map<int, int>{{1, 2}, {3, 4}})) == expected, per_element());
    BOOST_TEST(run(context, pool.starmap(std::plus<>{}, std::list<std::pair<int, int>>{{1, 2}, {3, 4}})) == expected,
               per_element());
    BOOST_TEST(run(context, pool.starmap(twice, std::vector<std::tuple<int>>{{1}, {2}})) == (std::vector{2, 4}),
               per_element());
    BOOST_TEST(run(context, pool.starmap([] { return 1; }, std::vector<std::tuple<>>(3))) == (std::vector{1, 1, 1}),
               per_element());
    const auto lines = std::views::iota(1, 3) | std::views::transform([](int i) { return std::tuple(i, 10 * i); });
    BOOST_TEST(run(context, pool.starmap(add, lines)) == (std::vector{11, 22}), per_element());
    const std::vector<std::tuple<std::string, std::string>> texts{{"a", "b"}};
    const auto join = [](const std::string& left, std::string_view right) { return left + std::string(right); };
    BOOST_TEST(run(context, pool.starmap(join, texts)) == (std::vector<std::string>{"ab"}), per_element());
}

BOOST_AUTO_TEST_CASE(of_a_million_items) {
    const std::vector<int> inputs = vector_to(1'000'000);
    for (const std::size_t chunk : {0u, 1000u}) {
        const std::vector<int> results = run(context, pool.map(twice, inputs, {.chunk_size = chunk}));
        BOOST_TEST((results == doubled(1'000'000)));
    }
}

BOOST_AUTO_TEST_CASE(in_which_one_item_fails_fails_with_its_error) {
    for (const std::size_t chunk : {0u, 1u, 7u, 1000u}) {
        const auto error =
            run_to_error(context, pool.map([](int value) { return value == 40 ? fail_from(0, value) : value; },
                                           vector_to(100), {.chunk_size = chunk}));
        BOOST_TEST(text_of(error) == "item 40");
    }
    BOOST_TEST(run(context, pool.submit(add, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(in_which_several_items_fail_fails_with_the_earliest_that_was_tried) {
    // In one chunk they are tried one after the other.
    const auto error = run_to_error(
        context, pool.map([](int value) { return fail_from(17, value); }, vector_to(100), {.chunk_size = 100}));
    BOOST_TEST(text_of(error) == "item 17");

    // Two workers try two items at the same time; the later one fails first.
    const gate door;
    std::vector<std::pair<std::filesystem::path, int>> items{{door.path(), 0}, {door.path(), 1}};
    const auto fail_in_turn = [](const std::filesystem::path& gate, int item) {
        if (item == 0)
            pass_gate(gate, 0);
        else if (!wait_until([&] { return std::filesystem::exists(gate / "0"); }, patience))
            throw std::logic_error("the other one never began");
        throw std::range_error("item " + std::to_string(item));
    };
    seen<void> result;
    pool.starmap(fail_in_turn, items, {.chunk_size = 1})(result.handler());
    BOOST_REQUIRE(run_until([&] { return pool.stats().tasks_failed == 2; })); // one of the earlier batch, one of this
    BOOST_TEST(!result.over());                                               // what has begun goes on to its end
    door.open();
    BOOST_REQUIRE(run_until([&] { return result.over(); }));
    BOOST_TEST(text_of(result.error) == "item 0");
}

BOOST_AUTO_TEST_CASE(that_fails_withdraws_what_was_not_begun) {
    const gate door;
    std::vector<std::pair<std::filesystem::path, int>> items;
    for (int i = 0; i != 1000; ++i)
        items.emplace_back(door.path(), i);
    const auto fail_first = [](const std::filesystem::path& gate, int item) {
        if (item != 0)
            return pass_gate(gate, item);
        leave_mark(gate, 0);
        throw std::range_error("the first one");
    };
    seen<std::vector<int>> result;
    pool.starmap(fail_first, items, {.chunk_size = 1})(result.handler());
    BOOST_REQUIRE(run_until([&] { return pool.stats().tasks_cancelled != 0; }));
    door.open();
    BOOST_REQUIRE(run_until([&] { return result.over(); }));
    BOOST_TEST(text_of(result.error) == "the first one");
    BOOST_TEST(door.count() < 100u);
    const auto stats = pool.stats();
    BOOST_TEST(stats.tasks_submitted < 100u); // most were never handed over
    BOOST_TEST(stats.tasks_completed + stats.tasks_failed + stats.tasks_cancelled == stats.tasks_submitted);
    BOOST_TEST(stats.workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(in_which_a_worker_dies_fails_with_its_death) {
    const auto error = run_to_error(context, pool.map(
                                                 [](int value) {
                                                     if (value == 50)
                                                         ::_exit(5);
                                                     return value;
                                                 },
                                                 vector_to(100), {.chunk_size = 10}));
    BOOST_CHECK_THROW(std::rethrow_exception(error), procpool::worker_died);
    BOOST_TEST(run(context, pool.map(twice, vector_to(100))) == doubled(100), per_element());
}

BOOST_AUTO_TEST_CASE(runs_beside_others) {
    std::vector<seen<std::vector<int>>> results(10);
    for (auto& one : results)
        pool.map(twice, vector_to(500), {.chunk_size = 5})(one.handler());
    seen<int> single;
    pool.submit(add, 1, 2)(single.handler());
    for (const auto& one : results) {
        BOOST_REQUIRE(run_until([&] { return one.over(); }));
        BOOST_TEST(*one.value == doubled(500), per_element());
    }
    BOOST_TEST(run_until([&] { return single.over(); }));
}

BOOST_AUTO_TEST_SUITE_END()
