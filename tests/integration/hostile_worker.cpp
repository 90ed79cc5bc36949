// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Invariant 4: no bytes from a worker can crash, hang or exhaust the pool's process. Here a task gets hold of the worker's
// own end of the link and misuses it. What it says in frames that are right is in hostile_answers.cpp.

#include <procpool/procpool.hpp>

#include <integration/forged_frames.hpp>
#include <integration/own_place.hpp>
#include <integration/scratch.hpp>
#include <support/leftovers.hpp>
#include <support/proc.hpp>
#include <system/descriptor_channel.hpp>
#include <wire/enclosure.hpp>
#include <wire/frame.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <sstream>
#include <thread>
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

int same(int value) {
    return value;
}

// In a worker: the socket through which descriptors go.
int descriptors_fd() {
    for (const auto& [fd, target] : open_descriptors())
        if (fd > 2 && target.starts_with("socket:"))
            return fd;
    throw std::runtime_error("the worker has no socket");
}

void hand_over(std::vector<int> which, std::uint64_t number = 1) {
    if (system::send_descriptors(descriptors_fd(), number, which) != 0)
        throw std::runtime_error("cannot send descriptors to the pool");
}

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

int memory(off_t size, int seals, off_t touched) {
    const int fd = ::memfd_create("hostile", MFD_ALLOW_SEALING);
    if (fd < 0 || ::ftruncate(fd, size) != 0 || (touched != 0 && ::fallocate(fd, 0, 0, touched) != 0) ||
        (seals != 0 && ::fcntl(fd, F_ADD_SEALS, seals) != 0))
        throw std::runtime_error("cannot make memory");
    return fd;
}

void announce(std::uint32_t number, std::uint64_t size) {
    const wire::segment_message message{number, 0, size};
    write_header(sizeof message, wire::frame_kind::has_segment, 0, 0);
    write_all(std::as_bytes(std::span(&message, 1)));
}

// The answer to the very task that runs this.
void answer_enclosed(const wire::enclosure_header& enclosure, std::span<const std::byte> behind) {
    const place own = own_place();
    const wire::frame_header header{static_cast<std::uint32_t>(sizeof enclosure + behind.size()),
                                    wire::frame_kind::result, wire::call_flags::enclosed, own.slot, own.sent};
    write_all(std::as_bytes(std::span(&header, 1)));
    write_all(std::as_bytes(std::span(&enclosure, 1)));
    write_all(behind);
}

// What a hostile worker does, by number.
void attack(int way) {
    const std::vector<std::byte> nonsense = garbage(100'000, static_cast<unsigned>(way));
    switch (way) {
    case 0: // garbage
        write_all(nonsense);
        break;
    case 1: // an impossible length
        write_header(0xffffffff, wire::frame_kind::result, 0, 1);
        break;
    case 2: // an answer to a task that does not exist
        write_header(0, wire::frame_kind::result, 400, 12345678);
        break;
    case 3: // a slot that does not exist
        write_header(0, wire::frame_kind::result, 60000, 1);
        break;
    case 4: // a message that only the pool sends
        write_header(0, wire::frame_kind::call, 0, 1);
        break;
    case 5: // hello again, and again wrongly
        write_header(3, wire::frame_kind::hello, 0, 0);
        write_all(std::span(nonsense).first(3));
        break;
    case 6: // the ring filled with garbage, and a doorbell
        std::memcpy(static_cast<void*>(&shared_memory().answers), nonsense.data(), sizeof(wire::answer_ring));
        write_header(0, wire::frame_kind::doorbell, 0, 0);
        break;
    case 7: // a kind of message that nobody sends
        write_header(0, static_cast<wire::frame_kind>(99), 0, 0);
        break;
    case 8: // ringing and ringing
        for (;;)
            write_header(0, wire::frame_kind::doorbell, 0, 0);
    case 9: // ready once more
        write_header(0, wire::frame_kind::ready, 0, 0);
        break;
    case 10: // an initializer that nobody asked for has failed
        write_header(0, wire::frame_kind::not_ready, 0, 0);
        break;
    case 11: // progress that is none
        write_header(3, wire::frame_kind::progress, 0, 1);
        write_all(std::span(nonsense).first(3));
        break;
    case 12: // memory that does not come
        announce(1, 4096);
        break;
    case 13: // that is not sealed
        hand_over({memory(4096, 0, 4096)});
        announce(1, 4096);
        break;
    case 14: // that is no memory
        hand_over({own_pipe(O_WRONLY)});
        announce(1, 4096);
        break;
    case 15: // that is shorter than it should be
        hand_over({memory(4096, all_seals, 4096)});
        announce(1, 8192);
        break;
    case 16: // under a number that there is not
        hand_over({memory(4096, all_seals, 4096)});
        announce(17, 4096);
        break;
    case 17: // two pieces for one
        hand_over({memory(4096, all_seals, 4096), memory(4096, all_seals, 4096)});
        announce(1, 4096);
        break;
    case 18: // said to be another message than it is
        hand_over({memory(4096, all_seals, 4096)}, 2);
        announce(1, 4096);
        break;
    case 19: // an answer in memory that was not announced
        answer_enclosed({1, 0, 0, 8}, {});
        break;
    case 20: // an answer beyond its memory's end
        hand_over({memory(4096, all_seals, 4096)});
        announce(1, 4096);
        answer_enclosed({1, 0, 4090, 8}, {});
        break;
    case 21: // the same so far beyond it that the numbers go around
        hand_over({memory(4096, all_seals, 4096)});
        announce(1, 4096);
        answer_enclosed({1, 0, ~std::uint64_t{0} - 3, 8}, {});
        break;
    case 22: // an answer of which nothing was ever written
        hand_over({memory(off_t{1} << 29, all_seals, 0)});
        announce(1, 1 << 29);
        answer_enclosed({1, 0, 0, 1 << 29}, {});
        break;
    case 23: // more attached than can be
        answer_enclosed({0, 100'000, 0, 8}, nonsense);
        break;
    case 24: // an attached thing that does not come
        answer_enclosed({0, 1, 0, 8}, std::vector<std::byte>(16));
        break;
    case 25: // attached things that are not sealed
        hand_over({memory(4096, 0, 4096)});
        answer_enclosed({0, 1, 0, 8}, std::vector<std::byte>(16));
        break;
    case 26: // of which a part is not there
        hand_over({memory(off_t{1} << 40, all_seals, 4096)});
        answer_enclosed({0, 1, 0, 8}, std::vector<std::byte>(16));
        break;
    case 27: // attached where nothing is
        hand_over({memory(4096, all_seals, 4096)});
        answer_enclosed({0, 1, 0, 8}, std::vector<std::byte>(16, std::byte{0xff}));
        break;
    case 28: // shorter than it says
        answer_enclosed({0, 0, 0, 800}, std::vector<std::byte>(16));
        break;
    case 29: // to drop what it never had
        write_header(3, wire::frame_kind::dropped_segment, 0, 0);
        write_all(std::span(nonsense).first(3));
        break;
    default:
        throw std::logic_error("no such attack");
    }
    wait_for_the_end();
}

constexpr int ways = 30;

} // namespace

BOOST_AUTO_TEST_SUITE(hostile_worker)

BOOST_AUTO_TEST_CASE(whatever_a_worker_sends_it_alone_is_ended_with_protocol_error) {
    process_pool pool({.workers = 2});
    for (int way = 0; way != ways; ++way) {
        BOOST_TEST_CONTEXT("attack " << way) {
            auto attacked = pool.submit(attack, way).start();
            std::vector<task_handle<int>> others;
            for (int i = 0; i != 100; ++i)
                others.push_back(pool.submit(same, i).start());
            BOOST_REQUIRE(attacked.wait_for(20s));
            try {
                attacked.get();
                BOOST_ERROR("the attack went unnoticed");
            } catch (const pool_error& error) {
                BOOST_TEST(error.code() == make_error_code(errc::protocol_error));
            }
            for (int i = 0; i != 100; ++i) {
                BOOST_REQUIRE(others[static_cast<std::size_t>(i)].wait_for(20s));
                BOOST_TEST(others[static_cast<std::size_t>(i)].get() == i);
            }
            BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == 2; }));
        }
    }
    BOOST_TEST(pool.stats().workers_died == static_cast<std::uint64_t>(ways));
}

// What it writes where a chunk's progress stands, in the middle of a chunk of a stream.
int scribble(int item, int way) {
    if (item != 5)
        return item;
    auto& sheet = shared_memory().running;
    std::mt19937_64 random(static_cast<unsigned>(way));
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < 10ms) {
        auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(&sheet);
        for (std::size_t word = 0; word != 24; ++word) {
            const std::uint64_t now = words[word].load();
            // All of a word, or only its lower numbers, so that it still passes for the chunk's.
            words[word].store(way % 2 == 0 ? random()
                                           : (now & ~std::uint64_t{0xffffffffff}) | (random() & 0x0000700007));
        }
    }
    if (way % 3 == 0)
        ::_exit(1);
    return item;
}

BOOST_AUTO_TEST_CASE(a_chunks_progress_scribbled_over_harms_nobody_else) {
    process_pool pool({.workers = 2});
    for (int way = 0; way != 40; ++way) {
        std::size_t told = 0;
        const auto call = [](const std::pair<int, int>& one) { return scribble(one.first, one.second); };
        std::vector<std::pair<int, int>> items;
        for (int i = 0; i != 20; ++i)
            items.emplace_back(i, way);
        auto stream = pool.imap_unordered(call, items, {.chunk_size = 10, .window = 20});
        for (;;) {
            auto next = stream.next().start();
            BOOST_REQUIRE(next.wait_for(20s));
            try {
                if (!next.get())
                    break;
            } catch (const boost::system::system_error&) {
                // What a worker of this kind says of its own items may be anything.
            }
            ++told;
        }
        BOOST_TEST(told == 20u);
        BOOST_TEST(pool.submit(same, way).get() == way);
    }
}

BOOST_AUTO_TEST_CASE(an_announced_length_takes_no_memory_before_the_bytes_come) {
    process_pool pool({.workers = 1});
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    auto announced = pool.submit([] {
                             write_header(wire::max_payload_size, wire::frame_kind::result, 0, 1);
                             ::_exit(0);
                         })
                         .start();
    BOOST_REQUIRE(announced.wait_for(20s));
    BOOST_CHECK_THROW(announced.get(), worker_died);
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    BOOST_TEST(after.ru_maxrss - before.ru_maxrss < 100 * 1024);
    BOOST_TEST(pool.submit(same, 1).get() == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_given_twice_does_not_complete_anything_twice) {
    process_pool pool({.workers = 1});
    int told = 0;
    // The task answers itself, correctly and early; the worker's own answer is then one too many.
    auto doubled = pool.submit([] {
        const place own = own_place();
        write_header(0, wire::frame_kind::result, own.slot, own.sent);
    });
    std::move(doubled)([&](std::exception_ptr) { ++told; });
    BOOST_TEST(wait_until([&] { return pool.stats().workers_died == 1; }));
    BOOST_TEST(pool.submit(same, 1).get() == 1);
    pool.close();
    pool.join().get();
    BOOST_TEST(told == 1);
}

BOOST_AUTO_TEST_CASE(descriptors_that_nothing_refers_to_are_not_kept) {
    const auto before = leftovers::now();
    {
        process_pool pool({.workers = 1});
        pool.submit([] {
                for (std::uint64_t i = 0; i != 20; ++i)
                    hand_over(std::vector<int>(200, memory(4096, all_seals, 4096)), i);
            })
            .get();
        const auto after = leftovers::now();
        BOOST_TEST(after.descriptors.size() < before.descriptors.size() + 40);
        // It has used up its numbers, so what it hands over honestly is not believed any more.
        BOOST_CHECK_THROW(pool.submit([] { return std::vector<char>(1 << 20); }).get(), pool_error);
        BOOST_TEST(pool.submit([] { return std::vector<char>(1 << 20); }).get().size() == 1u << 20);
    }
    BOOST_TEST(wait_for_no_leftovers(before) == "");
}

// The one who reads decides on what it has read, however often it changes meanwhile.
#ifndef __SANITIZE_THREAD__ // which would see the race that this is about
BOOST_AUTO_TEST_CASE(a_result_that_changes_while_it_is_read_harms_nobody) {
    process_pool pool({.workers = 1});
    using nested = std::vector<std::vector<std::string>>;
    for (int round = 0; round != 20; ++round) {
        auto changing = pool.submit([] {
                                // The memory of the next result is that of the last one, where this goes on writing.
                                for (const auto& [address, line] : mappings_of("memfd:procpool-data")) {
                                    if (line.find("rw-s") == line.npos)
                                        continue;
                                    auto* const at = reinterpret_cast<volatile unsigned char*>(address);
                                    std::thread([at] {
                                        for (unsigned i = 0;; ++i)
                                            at[16 + i * 7919 % 300'000] = static_cast<unsigned char>(i * 31);
                                    }).detach();
                                    break;
                                }
                                return nested(300, std::vector<std::string>(60, std::string(20, 'x')));
                            })
                            .start();
        BOOST_REQUIRE(changing.wait_for(20s));
        try {
            BOOST_TEST(changing.get().size() < 1'000'000u);
        } catch (const std::exception&) {
            // Most of them make no sense.
        }
    }
}
#endif

BOOST_AUTO_TEST_CASE(a_ledger_scribbled_over_harms_nobody_else) {
    process_pool pool({.workers = 2});
    auto scribbler = pool.submit([] {
                             std::memset(static_cast<void*>(&shared_memory().ledger), 0x5a, sizeof(wire::ledger));
                             ::raise(SIGKILL);
                         })
                         .start();
    BOOST_REQUIRE(scribbler.wait_for(20s));
    BOOST_CHECK_THROW(scribbler.get(), pool_error);
    for (int i = 0; i != 100; ++i)
        BOOST_TEST(pool.submit(same, i).get() == i);
}

/// A task: when all that is to come has been sent to its worker, writes over what the ledger says of all tasks but itself.
int scribble_and_live_on(int way, const std::string& began, const std::string& go_on) {
    meet(began, go_on);
    const std::uint16_t own = own_place().slot;
    std::mt19937_64 random(static_cast<unsigned>(way));
    std::array<std::uint64_t, sizeof(wire::ledger) / sizeof(std::uint64_t)> page;
    auto& ledger = shared_memory().ledger;
    std::memcpy(page.data(), static_cast<void*>(&ledger), sizeof ledger);
    const std::size_t first_word = page.size() - wire::ledger::slots;
    for (std::size_t word = first_word; word != page.size(); ++word)
        if (word != first_word + own)
            page[word] = way == 0 ? 0 : way == 1 ? 0x5a5a5a5a5a5a5a5a : random();
    std::memcpy(static_cast<void*>(&ledger), page.data(), sizeof ledger);
    return way;
}

// Its worker finds none of the tasks behind it in the ledger, and nobody can know any more which of them were begun.
BOOST_AUTO_TEST_CASE(tasks_that_a_ledger_scribbled_over_has_lost_fail_and_their_worker_is_ended) {
    for (const std::size_t workers : {1U, 2U})
        for (int way = 0; way != 10; ++way)
            BOOST_TEST_CONTEXT("way " << way << ", " << workers << " workers") {
                const scratch here;
                process_pool pool({.workers = workers});
                BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == workers; }, 20s));
                std::vector<task_handle<int>> scribblers;
                for (std::size_t i = 0; i != workers; ++i)
                    scribblers.push_back(
                        pool.submit(scribble_and_live_on, way, here.file(std::to_string(i)), here.file("go on"))
                            .start());
                for (std::size_t i = 0; i != workers; ++i)
                    BOOST_REQUIRE(wait_until([&] { return exists(here.file(std::to_string(i))); }, 20s));
                std::vector<task_handle<int>> behind;
                for (int i = 0; i != 50; ++i)
                    behind.push_back(pool.submit(same, i).start());
                BOOST_REQUIRE(wait_until([&] { return pool.stats().tasks_with_workers == workers + 50; }));
                touch(here.file("go on"));
                const auto fails = [](task_handle<int>& one) {
                    BOOST_REQUIRE(one.wait_for(20s));
                    try {
                        one.get();
                        return false;
                    } catch (const pool_error& error) {
                        BOOST_TEST(error.code() == make_error_code(errc::protocol_error));
                        return true;
                    }
                };
                const auto scribblers_failed = std::count_if(scribblers.begin(), scribblers.end(), fails);
                // Unless another worker that is idle by then makes the pool look there before it has the answer.
                if (workers == 1)
                    BOOST_TEST(scribblers_failed == 0);
                const auto failed = std::count_if(behind.begin(), behind.end(), fails);
                BOOST_TEST(failed != 0);
                BOOST_TEST(wait_until([&] { return pool.stats().workers_idle == workers; }, 20s));
                // The other one may have had nothing left behind its scribbler by then.
                BOOST_TEST(pool.stats().workers_died >= 1u);
                BOOST_TEST(pool.stats().workers_died <= workers);
                for (int i = 0; i != 50; ++i)
                    BOOST_TEST(pool.submit(same, i).get() == i);
            }
}

// What it lies about when the pool takes tasks back from it, for which another worker is idle.
BOOST_AUTO_TEST_CASE(a_worker_that_says_it_has_taken_back_a_task_itself_is_ended) {
    const scratch here;
    process_pool pool({.workers = 2});
    BOOST_REQUIRE(wait_until([&] { return pool.stats().workers_idle == 2; }, 20s));
    auto other = pool.submit(meet_and_return, here.file("other"), here.file("other may go"), 1).start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("other")); }, 20s));
    auto liar = pool.submit(
                        [](const std::string& began, const std::string& go_on) {
                            meet(began, go_on);
                            auto& ledger = shared_memory().ledger;
                            auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(&ledger) +
                                                (sizeof ledger / 8 - wire::ledger::slots);
                            for (std::size_t slot = 0; slot != wire::ledger::slots; ++slot)
                                if ((words[slot] & 3) == 0 && words[slot] != 0)
                                    words[slot] |= 3; // withdrawn
                            touch(began + " lied");
                            wait_for_the_end();
                        },
                        here.file("liar"), here.file("liar may go"))
                    .start();
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("liar")); }, 20s));
    std::vector<task_handle<int>> behind;
    for (int i = 0; i != 50; ++i)
        behind.push_back(pool.submit(same, i).start());
    BOOST_REQUIRE(wait_until([&] { return pool.stats().tasks_with_workers == 52; }));
    touch(here.file("liar may go"));
    BOOST_REQUIRE(wait_until([&] { return exists(here.file("liar lied")); }, 20s));
    touch(here.file("other may go"));
    BOOST_REQUIRE(other.wait_for(20s));
    BOOST_REQUIRE(liar.wait_for(20s));
    BOOST_CHECK_EXCEPTION(liar.get(), pool_error, [](const pool_error& error) {
        return error.code() == make_error_code(errc::protocol_error);
    });
    for (int i = 0; i != 50; ++i) {
        BOOST_REQUIRE(behind[static_cast<std::size_t>(i)].wait_for(20s));
        BOOST_TEST(behind[static_cast<std::size_t>(i)].get() == i);
    }
    BOOST_TEST(pool.stats().workers_died == 1u);
}

BOOST_AUTO_TEST_CASE(the_shared_memory_cannot_be_cut_short_under_the_pools_feet) {
    // The worker closed its descriptor of it, but finds it again through the mapping.
    process_pool pool({.workers = 1});
    const bool refused = pool.submit([] {
                                 for (const auto& [address, line] : mappings_of("memfd:procpool-worker")) {
                                     // One link per mapping, named by its addresses.
                                     const std::string name = "/proc/self/map_files/" + line.substr(0, line.find(' '));
                                     const int fd = ::open(name.c_str(), O_RDWR | O_CLOEXEC);
                                     const bool cut = fd >= 0 && ::ftruncate(fd, 0) == 0;
                                     ::close(fd);
                                     return !cut;
                                 }
                                 return false;
                             })
                             .get();
    BOOST_TEST(refused);
    BOOST_TEST(pool.submit(same, 1).get() == 1);
}

// Invariant 9.
BOOST_AUTO_TEST_CASE(nothing_that_pool_and_worker_share_has_a_name_that_somebody_else_could_open) {
    const auto shared_names = [] {
        std::ostringstream names;
        for (const auto& entry : std::filesystem::directory_iterator("/dev/shm"))
            names << entry.path() << '\n';
        std::ifstream sockets("/proc/net/unix");
        for (std::string line; std::getline(sockets, line);)
            if (line.find("procpool") != line.npos)
                names << line << '\n';
        return names.str();
    };
    const std::string before = shared_names();
    process_pool pool({.workers = 2});
    const auto kinds = pool.submit([] {
                               std::vector<std::string> targets;
                               for (const auto& [fd, target] : open_descriptors())
                                   if (fd > 2)
                                       targets.push_back(target);
                               return targets;
                           })
                           .get();
    for (const std::string& kind : kinds)
        BOOST_TEST((kind.starts_with("pipe:") || kind.starts_with("socket:") || kind.starts_with("anon_inode:") ||
                    kind.starts_with("/proc/")),
                   kind << " is open in a worker");
    BOOST_TEST(shared_names() == before);
}

BOOST_AUTO_TEST_SUITE_END()
