// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <core/completion_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <utility>
#include <vector>

using namespace procpool::core;

namespace {

struct fake final : completion {
    void complete() override { ++completed; }
    void abandon() noexcept override { ++abandoned; }

    int completed = 0;
    int abandoned = 0;
};

/// So many completions, in a place where they stay.
class fakes {
public:
    explicit fakes(std::size_t count) : all_(std::make_unique<fake[]>(count)), count_(count) {}

    fake& operator[](std::size_t index) { return all_[index]; }

    void push_all(completion_queue& queue) {
        for (std::size_t index = 0; index != count_; ++index)
            queue.push(all_[index]);
    }

    /// Empties the queue and answers which ones came out.
    std::vector<std::size_t> drain(completion_queue& queue) {
        std::vector<std::size_t> order;
        while (completion* const over = queue.pop())
            order.push_back(static_cast<std::size_t>(static_cast<fake*>(over) - all_.get()));
        return order;
    }

private:
    std::unique_ptr<fake[]> all_;
    std::size_t count_;
};

std::vector<std::size_t> numbers(std::size_t begin, std::size_t end) {
    std::vector<std::size_t> all;
    for (; begin < end; ++begin)
        all.push_back(begin);
    return all;
}

using order = std::vector<std::size_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(completions)

BOOST_AUTO_TEST_CASE(an_empty_queue_gives_nothing) {
    completion_queue queue;
    BOOST_TEST(queue.empty());
    BOOST_TEST(!queue.pop());
    BOOST_TEST(queue.pop_some(5).empty());
    BOOST_TEST(!queue.pop());
}

BOOST_AUTO_TEST_CASE(first_come_is_first_told) {
    for (std::size_t count = 1; count != 20; ++count) {
        fakes over(count);
        completion_queue queue;
        over.push_all(queue);
        BOOST_TEST(!queue.empty());
        BOOST_TEST(over.drain(queue) == numbers(0, count));
        BOOST_TEST(queue.empty());
    }
}

BOOST_AUTO_TEST_CASE(a_queue_that_ran_empty_goes_on) {
    fakes over(3);
    completion_queue queue;
    for (int round = 0; round != 3; ++round) {
        over.push_all(queue);
        BOOST_TEST(over.drain(queue) == numbers(0, 3));
    }
}

BOOST_AUTO_TEST_CASE(the_first_some_come_out_in_order_and_the_rest_stays) {
    for (std::size_t count = 0; count != 8; ++count) {
        for (std::size_t most = 0; most != 10; ++most) {
            fakes over(count);
            completion_queue queue;
            over.push_all(queue);
            completion_queue some = queue.pop_some(most);
            const std::size_t taken = std::min(count, most);
            BOOST_TEST(queue.empty() == (taken == count));
            BOOST_TEST(over.drain(some) == numbers(0, taken));
            BOOST_TEST(over.drain(queue) == numbers(taken, count));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_put_back_comes_first_again) {
    for (std::size_t count = 0; count != 8; ++count) {
        for (std::size_t most = 0; most <= count; ++most) {
            for (std::size_t told = 0; told <= most; ++told) {
                fakes over(count + 1);
                completion_queue queue;
                for (std::size_t index = 0; index != count; ++index)
                    queue.push(over[index]);
                completion_queue some = queue.pop_some(most);
                for (std::size_t index = 0; index != told; ++index)
                    some.pop();
                queue.put_back(some);
                BOOST_TEST(some.empty());
                queue.push(over[count]); // the end is still the end
                BOOST_TEST(over.drain(queue) == numbers(told, count + 1));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(what_was_put_back_from_can_be_used_again) {
    fakes over(4);
    completion_queue queue;
    completion_queue other;
    other.push(over[0]);
    queue.put_back(other);
    other.push(over[1]);
    queue.push(over[2]);
    BOOST_TEST((over.drain(other) == order{1}));
    BOOST_TEST((over.drain(queue) == order{0, 2}));
}

BOOST_AUTO_TEST_CASE(moving_a_queue_leaves_an_empty_one_that_can_be_used) {
    fakes over(4);
    completion_queue queue;
    queue.push(over[0]);
    queue.push(over[1]);
    completion_queue moved(std::move(queue));
    BOOST_TEST(queue.empty());
    queue.push(over[2]);
    moved.push(over[3]);
    BOOST_TEST((over.drain(queue) == order{2}));
    BOOST_TEST((over.drain(moved) == order{0, 1, 3}));
}

BOOST_AUTO_TEST_CASE(what_is_left_at_the_end_is_abandoned_once_and_never_told) {
    fakes over(6);
    {
        completion_queue queue;
        over.push_all(queue);
        queue.pop();                                     // is somebody else's now
        completion_queue some = queue.pop_some(2);       // 1 and 2
        const completion_queue moved = std::move(queue); // 3, 4 and 5
        some.pop();
    }
    const int expected[] = {0, 0, 1, 1, 1, 1};
    for (std::size_t index = 0; index != 6; ++index) {
        BOOST_TEST(over[index].abandoned == expected[index], "number " << index);
        BOOST_TEST(over[index].completed == 0);
    }
}

BOOST_AUTO_TEST_CASE(one_that_frees_itself_when_it_is_abandoned_is_not_touched_afterwards) {
    struct self_owned final : completion {
        explicit self_owned(int& counter) : count(counter) {}
        void complete() override {}
        void abandon() noexcept override {
            ++count;
            delete this;
        }
        int& count;
    };
    int freed = 0;
    {
        completion_queue queue;
        for (int index = 0; index != 5; ++index)
            queue.push(*new self_owned(freed));
    }
    BOOST_TEST(freed == 5);
}

BOOST_AUTO_TEST_SUITE_END()
