// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_CRASH_CELLS_HPP
#define PROCPOOL_TESTS_INTEGRATION_CRASH_CELLS_HPP

#include <facade/support.hpp>

#include <procpool/procpool.hpp>

#include <boost/serialization/split_member.hpp>
#include <boost/serialization/string.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>

/// The cells of the crash matrix: where a task goes wrong and how, and a task that does.
namespace procpool::testing::crash_cells {

enum class place : int {
    nowhere,
    arguments_encoded,  // in the program itself
    arguments_decoded,  // these are in the worker
    task_runs,          //
    result_encoded,     //
    argument_destroyed, // after the result was encoded, before it has left
    result_has_left,    // in a thread that the task left behind
    result_decoded,     // in the program itself
};

enum class fate : int { throws, exits, segfaults, is_killed, spins };

inline constexpr int exit_code = 3;
// No std::string: a thread that a task left behind may throw it while its process already destroys what is static.
inline constexpr const char* what_is_thrown = "something went wrong";

inline void go_off(fate how) {
    switch (how) {
    case fate::throws:
        throw std::domain_error(what_is_thrown);
    case fate::exits:
        std::exit(exit_code);
    case fate::segfaults:
        ::raise(SIGSEGV);
        break;
    case fate::is_killed:
        ::raise(SIGKILL);
        break;
    case fate::spins:
        // Longer than a call may take; and then goes on for ever, but leaves other tests some of the processors.
        for (const auto start = std::chrono::steady_clock::now();;)
            if (std::chrono::steady_clock::now() - start > std::chrono::milliseconds(100))
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

/// One way for a task to go wrong.
struct cell {
    place where = place::nowhere;
    fate how = fate::throws;
    unsigned runs = 1; ///< it goes wrong in so many of its runs
    std::string gate;  ///< a folder; the result has left when the gate is open

    bool in_worker() const { return where != place::arguments_encoded && where != place::result_decoded; }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& where& how& runs& gate;
    }
};

inline std::ostream& operator<<(std::ostream& out, const cell& one) {
    constexpr const char* places[] = {"nowhere",
                                      "while arguments are encoded",
                                      "while arguments are decoded",
                                      "while the task runs",
                                      "while the result is encoded",
                                      "when an argument is destroyed",
                                      "when the result has left",
                                      "while the result is decoded"};
    constexpr const char* fates[] = {"throws", "exits", "segfaults", "is killed", "spins"};
    return out << fates[static_cast<int>(one.how)] << ' ' << places[static_cast<int>(one.where)];
}

inline void pass(const cell& here, place where, bool in_worker) {
    if (here.where == where && procpool::is_worker() == in_worker &&
        (!in_worker || procpool::this_task::attempt() <= here.runs))
        go_off(here.how);
}

/// An argument. It belongs to one task, and so does what happens to it: one that was moved from does nothing any more.
class bomb {
public:
    bomb() = default;
    bomb(int value, cell what) : value_(value), cell_(std::move(what)) {}
    bomb(const bomb&) = default;
    bomb(bomb&& other) noexcept : value_(other.value_), cell_(std::exchange(other.cell_, {})) {}
    bomb& operator=(const bomb&) = default;
    bomb& operator=(bomb&& other) noexcept {
        value_ = other.value_;
        cell_ = std::exchange(other.cell_, {});
        return *this;
    }
    ~bomb() noexcept(false) {
        if (cell_.where == place::argument_destroyed)
            pass(cell_, place::argument_destroyed, true);
    }

    int value() const { return value_; }
    const cell& what() const { return cell_; }

    template <class Archive>
    void save(Archive& archive, unsigned) const {
        pass(cell_, place::arguments_encoded, false);
        archive << value_ << cell_;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        archive >> value_ >> cell_;
        pass(cell_, place::arguments_decoded, true);
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()

private:
    int value_ = 0;
    cell cell_;
};

/// A result.
struct answer {
    int value = 0;
    cell what;

    template <class Archive>
    void save(Archive& archive, unsigned) const {
        pass(what, place::result_encoded, true);
        archive << value << what;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        archive >> value >> what;
        pass(what, place::result_decoded, false);
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
};

inline int expected_of(int value) {
    return 3 * value + 1;
}

inline answer work(const bomb& argument) {
    pass(argument.what(), place::task_runs, true);
    if (argument.what().where == place::result_has_left)
        std::thread([what = argument.what()] {
            if (wait_until([&] { return std::filesystem::exists(what.gate + "/open"); }, patience))
                go_off(what.how);
        }).detach();
    return {expected_of(argument.value()), argument.what()};
}

/// All the cells that mean something.
inline std::vector<cell> all_cells() {
    std::vector<cell> all;
    // In the program itself only throwing can be survived: what exits, segfaults, is killed or spins there is the
    // host, and no pool can do anything about that.
    all.push_back({place::arguments_encoded, fate::throws, 1, {}});
    all.push_back({place::result_decoded, fate::throws, 1, {}});
    for (const place where :
         {place::arguments_decoded, place::task_runs, place::result_encoded, place::argument_destroyed})
        for (const fate how : {fate::throws, fate::exits, fate::segfaults, fate::is_killed, fate::spins})
            all.push_back({where, how, 1, {}});
    // A thread that spins, left behind by a task that is over, is nobody's operation: it takes processor time, that is
    // all.
    for (const fate how : {fate::throws, fate::exits, fate::segfaults, fate::is_killed})
        all.push_back({place::result_has_left, how, 1, {}});
    return all;
}

inline std::vector<cell> deadly_cells() {
    std::vector<cell> all;
    std::ranges::copy_if(all_cells(), std::back_inserter(all), [](const cell& one) {
        return one.in_worker() && one.where != place::result_has_left && one.how != fate::throws &&
               one.how != fate::spins;
    });
    return all;
}

} // namespace procpool::testing::crash_cells

#endif
