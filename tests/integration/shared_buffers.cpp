// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// shared_buffer and shared_vector: memory that crosses without being copied.

#include <procpool/procpool.hpp>

#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/proc.hpp>

#include <boost/archive/text_oarchive.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstring>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace procpool::testing;
using namespace procpool;
using namespace std::chrono_literals;

namespace {

shared_buffer filled(std::size_t size, int with) {
    auto space = shared_buffer::allocate(size);
    std::memset(space.data(), with, size);
    return std::move(space).seal();
}

std::size_t sum(const shared_buffer& of) {
    std::size_t all = of.size();
    for (const std::byte one : of.span())
        all += std::to_integer<std::size_t>(one);
    return all;
}

shared_buffer pass(shared_buffer buffer) {
    return buffer;
}

std::size_t mappings() {
    return mappings_of("memfd:procpool-data").size();
}

std::vector<int> descriptors() {
    std::vector<int> found;
    for (const auto& [fd, target] : open_descriptors())
        if (target.starts_with("/memfd:procpool-data"))
            found.push_back(fd);
    return found;
}

struct scene {
    std::string name;
    std::vector<shared_buffer> parts;
    std::map<int, shared_vector<double>> numbers;

    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& name& parts& numbers;
    }
};

scene enlarge(scene one) {
    one.parts.push_back(filled(one.parts.size() * 1000, 9));
    auto numbers = shared_vector<double>::allocate(3);
    std::iota(numbers.begin(), numbers.end(), one.numbers.at(1)[2]);
    one.numbers[2] = std::move(numbers).seal();
    return one;
}

/// An exception that holds a buffer, which no exception carries.
struct holding : std::runtime_error {
    holding() : std::runtime_error("it holds a buffer") {}
    shared_buffer held = filled(10, 1);
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& held;
    }
};

bool refused(const std::exception_ptr& why) {
    try {
        std::rethrow_exception(why);
    } catch (const pool_error& error) {
        return error.code() == make_error_code(errc::not_serializable);
    } catch (...) {
        return false;
    }
}

template <class R>
bool refused(submission<R> operation) {
    try {
        std::move(operation).get();
        return false;
    } catch (...) {
        return refused(std::current_exception());
    }
}

} // namespace

PROCPOOL_EXCEPTION(holding)

BOOST_AUTO_TEST_SUITE(shared_buffers)

BOOST_AUTO_TEST_CASE(go_there_and_back_and_are_the_same_memory) {
    process_pool pool({.workers = 2});
    for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 10'000'000U}) {
        const shared_buffer buffer = filled(size, 7);
        BOOST_TEST(pool.submit(sum, buffer).get() == size * 8);
        const shared_buffer again = pool.submit(pass, buffer).get();
        BOOST_TEST(again.size() == size);
        BOOST_TEST(sum(again) == size * 8);
        BOOST_TEST(pool.submit(sum, again).get() == size * 8);
        const shared_buffer made = pool.submit(filled, size, 3).get();
        BOOST_TEST(sum(made) == size * 4);
        BOOST_TEST(sum(pool.submit(pass, made).get()) == size * 4);
    }
}

BOOST_AUTO_TEST_CASE(vectors_are_ranges_of_their_elements) {
    process_pool pool({.workers = 1});
    auto space = shared_vector<double>::allocate(1000);
    std::iota(space.begin(), space.end(), 1.0);
    const shared_vector<double> numbers = std::move(space).seal();
    const auto add = [](const shared_vector<double>& of) { return std::accumulate(of.begin(), of.end(), 0.0); };
    BOOST_TEST(pool.submit(add, numbers).get() == 500'500.0);
    const std::vector<int> some{1, 2, 3};
    const auto twice = [](const shared_vector<int>& of) {
        auto made = shared_vector<int>::allocate(of.size());
        std::transform(of.begin(), of.end(), made.begin(), [](int value) { return 2 * value; });
        return std::move(made).seal();
    };
    const shared_vector<int> doubled = pool.submit(twice, shared_vector<int>::copy_of(some)).get();
    BOOST_TEST(doubled.size() == 3u);
    BOOST_TEST(doubled[2] == 6);
    BOOST_TEST(!shared_vector<int>());
    BOOST_TEST(shared_vector<int>::copy_of({}).empty());
}

BOOST_AUTO_TEST_CASE(are_parts_of_containers_and_classes) {
    process_pool pool({.workers = 1});
    scene one{"one", {filled(10, 1), filled(20, 2)}, {}};
    const std::vector<double> values{1, 2, 3};
    one.numbers[1] = shared_vector<double>::copy_of(values);
    for (int i = 0; i != 3; ++i)
        one = pool.submit(enlarge, one).get();
    BOOST_TEST(one.parts.size() == 5u);
    BOOST_TEST(sum(one.parts[0]) == 20u);
    BOOST_TEST(sum(one.parts[4]) == 40'000u);
    BOOST_TEST(one.numbers.at(2)[2] == 5.0);
    const auto optional = [](std::optional<shared_buffer> maybe, const std::string& text) {
        return maybe ? sum(*maybe) + text.size() : 0;
    };
    BOOST_TEST(pool.submit(optional, one.parts[0], std::string(1 << 20, 'x')).get() == 20u + (1 << 20));
    BOOST_TEST(pool.submit(optional, std::nullopt, "").get() == 0u);
}

BOOST_AUTO_TEST_CASE(batches_and_streams_of_them) {
    process_pool pool({.workers = 2});
    std::vector<shared_buffer> all;
    for (int i = 0; i != 700; ++i)
        all.push_back(filled(static_cast<std::size_t>(i), 1));
    const auto sums = pool.map(sum, all).get();
    for (std::size_t i = 0; i != all.size(); ++i)
        BOOST_TEST(sums[i] == 2 * i);
    const auto made = pool.map(pass, all).get();
    for (std::size_t i = 0; i != all.size(); ++i)
        BOOST_TEST(sum(made[i]) == 2 * i);
    const auto odd = [](shared_buffer one) {
        if (one.size() % 2 == 0)
            throw std::invalid_argument("even");
        return one;
    };
    const auto settled = pool.map_settled(odd, all).get();
    for (std::size_t i = 0; i != all.size(); ++i)
        BOOST_TEST((i % 2 == 0 ? settled[i].has_error() : sum(*settled[i]) == 2 * i));
    auto stream = pool.imap(pass, all);
    std::size_t at = 0;
    while (auto one = stream.next().get())
        BOOST_TEST(sum(*one) == 2 * at++);
    BOOST_TEST(at == all.size());
}

BOOST_AUTO_TEST_CASE(too_many_in_one_message_are_refused_in_words) {
    process_pool pool({.workers = 1});
    const auto count = [](const std::vector<shared_buffer>& all) { return all.size(); };
    std::vector<shared_buffer> all(250, filled(1, 1));
    BOOST_TEST(pool.submit(count, all).get() == 250u);
    const auto many = [](std::size_t number) { return std::vector<shared_buffer>(number, filled(1, 1)); };
    BOOST_TEST(pool.submit(many, 250U).get().size() == 250u);
    BOOST_TEST(refused(pool.submit(many, 251U)));
    all.push_back(all.front());
    BOOST_TEST(refused(pool.submit(count, all)));
    BOOST_TEST(pool.submit(many, 250U).get().size() == 250u);
    BOOST_TEST(pool.stats().workers_died == 0u);
}

BOOST_AUTO_TEST_CASE(empty_handles_and_other_archives_are_refused_in_words) {
    process_pool pool({.workers = 1});
    shared_buffer buffer = filled(10, 1);
    const shared_buffer kept = std::move(buffer);
    BOOST_TEST(!buffer);
    BOOST_TEST(buffer.size() == 0u);
    BOOST_CHECK_THROW(buffer.data(), std::logic_error);
    BOOST_TEST(refused(pool.submit(sum, buffer)));
    BOOST_TEST(refused(pool.submit([] { return shared_buffer(); })));
    BOOST_CHECK_THROW(mutable_shared_buffer().seal(), std::logic_error);
    std::ostringstream text;
    boost::archive::text_oarchive archive(text);
    BOOST_CHECK_EXCEPTION(archive << kept, pool_error, [](const pool_error& error) {
        return error.code() == make_error_code(errc::not_serializable);
    });
    BOOST_TEST(pool.submit(sum, kept).get() == 20u);
}

BOOST_AUTO_TEST_CASE(an_exception_that_holds_one_arrives_as_a_description) {
    process_pool pool({.workers = 1});
    BOOST_CHECK_EXCEPTION(pool.submit([] { throw holding(); }).get(), remote_exception,
                          [](const remote_exception& error) {
                              return error.type().find("holding") != std::string::npos &&
                                     error.what() == std::string("it holds a buffer");
                          });
    BOOST_TEST(pool.submit(sum, filled(1, 1)).get() == 2u);
    BOOST_TEST(pool.stats().workers_started == 1u);
}

BOOST_AUTO_TEST_CASE(nobody_else_can_write_or_cut) {
    process_pool pool({.workers = 1});
    const auto tamper = [](const shared_buffer& buffer) {
        std::string done;
        (void)buffer.data();
        for (const int fd : descriptors()) {
            if (::ftruncate(fd, 0) == 0 || ::ftruncate(fd, 1 << 20) == 0)
                done += "cut ";
            if (::pwrite(fd, "x", 1, 0) == 1)
                done += "written ";
            if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
                done += "punched ";
            if (::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
                done += "mapped ";
        }
        if (::mprotect(const_cast<std::byte*>(buffer.data()), 4096, PROT_READ | PROT_WRITE) == 0)
            done += "unprotected ";
        return done;
    };
    BOOST_TEST(pool.submit(tamper, filled(10'000, 1)).get() == "");
}

BOOST_AUTO_TEST_CASE(are_freed_with_their_last_owner_on_either_side) {
    const auto before = leftovers::now();
    const std::size_t mapped_before = mappings();
    shared_buffer outlives;
    {
        process_pool pool({.workers = 1});
        for (int i = 0; i != 20; ++i) {
            const shared_buffer made = pool.submit(filled, std::size_t{100'000}, 1).get();
            BOOST_TEST(pool.submit(sum, made).get() == 200'000u);
        }
        BOOST_TEST(pool.submit(descriptors).get().empty());
        BOOST_TEST(pool.submit(mappings).get() == 0u);
        BOOST_TEST(descriptors().empty());
        // A worker can keep one, and the program can give up its own.
        const auto keep = [](shared_buffer buffer) {
            static shared_buffer kept;
            if (buffer.size() != 0)
                kept = std::move(buffer);
            return sum(kept);
        };
        BOOST_TEST(pool.submit(keep, filled(1000, 2)).get() == 3000u);
        BOOST_TEST(pool.submit(keep, filled(0, 0)).get() == 3000u);
        outlives = pool.submit(filled, std::size_t{5000}, 4).get();
        auto never_read = pool.submit(filled, std::size_t{5000}, 4).start();
        auto dropped = pool.submit(filled, std::size_t{5000}, 4).start();
        never_read.wait_for(20s);
        static_cast<void>(shared_buffer::allocate(1000));
    }
    BOOST_TEST(sum(outlives) == 25'000u);
    outlives = {};
    BOOST_TEST(wait_for_no_leftovers(before) == "");
    BOOST_TEST(mappings() == mapped_before);
}

std::size_t die_on_first_attempt(const std::vector<shared_buffer>& all) {
    if (this_task::attempt() == 1)
        ::raise(SIGKILL);
    return std::accumulate(all.begin(), all.end(), std::size_t{0},
                           [](std::size_t before, const shared_buffer& one) { return before + sum(one); });
}

BOOST_AUTO_TEST_CASE(retries_and_tasks_sent_ahead_of_a_death_have_theirs) {
    process_pool pool({.workers = 2});
    BOOST_TEST(pool.submit(die_on_first_attempt, std::vector<shared_buffer>(3, filled(100, 1))).retries(1).get() ==
               600u);
    std::vector<task_handle<std::size_t>> tasks;
    std::vector<task_handle<void>> deaths;
    for (std::size_t i = 0; i != 200; ++i) {
        if (i % 50 == 7)
            deaths.push_back(pool.submit([](const shared_buffer&) { ::raise(SIGKILL); }, filled(9, 1)).start());
        tasks.push_back(pool.submit(sum, filled(i, 1)).start());
    }
    for (auto& death : deaths)
        BOOST_CHECK_THROW(death.get(), worker_died);
    for (std::size_t i = 0; i != 200; ++i)
        BOOST_TEST(tasks[i].get() == 2 * i);
}

BOOST_AUTO_TEST_CASE(cancelled_ones_do_not_disturb_those_behind_them) {
    process_pool pool({.workers = 1, .kill_grace = 0ms});
    const scratch folder;
    for (int round = 0; round != 3; ++round) {
        const std::string began = folder.file("began" + std::to_string(round));
        const std::string go_on = folder.file("go_on" + std::to_string(round));
        auto first = pool.submit(meet, began, go_on).start();
        std::vector<task_handle<std::size_t>> tasks;
        for (std::size_t i = 0; i != 60; ++i)
            tasks.push_back(pool.submit(sum, filled(i, 1)).start());
        BOOST_REQUIRE(wait_until([&] { return exists(began); }));
        for (std::size_t i = 0; i < 60; i += 2)
            tasks[i].cancel();
        touch(go_on);
        for (std::size_t i = 1; i < 60; i += 2)
            BOOST_TEST(tasks[i].get() == 2 * i);
    }
}

BOOST_AUTO_TEST_CASE(more_than_the_socket_holds_wait_their_turn) {
    process_pool pool({.workers = 1});
    const scratch folder;
    auto first = pool.submit(meet, folder.file("began"), folder.file("go_on")).start();
    std::vector<shared_buffer> group(100, filled(3, 1));
    std::vector<task_handle<std::size_t>> tasks;
    const auto count = [](const std::vector<shared_buffer>& all) { return all.size() + sum(all.back()); };
    for (int i = 0; i != 500; ++i)
        tasks.push_back(pool.submit(count, group).start());
    for (int i = 0; i != 1000; ++i)
        tasks.push_back(pool.submit(sum, group[0]).start());
    touch(folder.file("go_on"));
    for (std::size_t i = 0; i != 1500; ++i)
        BOOST_TEST(tasks[i].get() == (i < 500 ? 106u : 6u));
}

// Sanitizers need descriptors of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(a_worker_without_descriptors_fails_that_call_alone) {
    process_pool pool({.workers = 1});
    const auto limit_to = [](rlim_t most) {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = most;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        return ::getpid();
    };
    const pid_t first = pool.submit(limit_to, rlim_t{8}).get();
    BOOST_CHECK_THROW(pool.submit(die_on_first_attempt, std::vector<shared_buffer>(20, filled(1, 1))).get(),
                      boost::system::system_error);
    BOOST_TEST(pool.submit(limit_to, rlim_t{1000}).get() == first);
    BOOST_TEST(pool.submit(sum, filled(5, 1)).get() == 10u);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
