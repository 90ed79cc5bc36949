// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_SYSTEM_SPAWN_LAUNCHER_HPP
#define PROCPOOL_SYSTEM_SPAWN_LAUNCHER_HPP

#include <system/descriptor_plan.hpp>
#include <system/failure.hpp>
#include <system/unique_fd.hpp>

#include <boost/process/v2/process.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace procpool::system {

/// A launcher for Boost.Process v2 that starts a program with posix_spawn.
/**
 * The launchers that come with the library fork, and then run code of Asio in the child, which is not safe in a program
 * with threads, and which costs the more the larger the program is. This one does not.
 *
 * The child leads a process group of its own, has every signal at its default and none blocked, reads nothing from its
 * standard input, and has no descriptors but 0, 1, 2 and the ones that it was given. Unless they are led elsewhere, 1
 * and 2 are this process's own.
 */
class spawn_launcher : public descriptor_plan {
public:
    spawn_launcher() = default;
    explicit spawn_launcher(descriptor_plan plan) : descriptor_plan(std::move(plan)) {}

    /// Starts the program. Throws boost::system::system_error with the system's reason.
    template <class Executor>
    boost::process::v2::basic_process<Executor> operator()(Executor executor, const std::filesystem::path& program,
                                                           const std::vector<std::string>& arguments) {
        const pid_t pid = spawn(program, arguments);
        unique_fd handle = open_child(pid);
        watched_ = duplicate(handle.get(), pid);
        const int adopted = handle.get();
        try {
            boost::process::v2::basic_process<Executor> process(std::move(executor), pid, adopted);
            handle.release();
            return process;
        } catch (const boost::system::system_error& error) {
            give_up(pid);
            throw_failure("watching a worker", error.code().value());
        } catch (...) {
            give_up(pid);
            throw;
        }
    }

    /// A pidfd of the child started last, for whoever wants to wait for it by its own means.
    unique_fd take_pidfd() noexcept { return std::move(watched_); }

private:
    pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments);
    static unique_fd open_child(pid_t pid);
    static void give_up(pid_t pid) noexcept;
    static unique_fd duplicate(int fd, pid_t pid);

    unique_fd watched_;
};

} // namespace procpool::system

#endif
