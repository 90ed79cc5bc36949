// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_LEFTOVERS_HPP
#define PROCPOOL_TESTS_SUPPORT_LEFTOVERS_HPP

#include <support/proc.hpp>
#include <support/wait_until.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

namespace procpool::testing {

/// What a process has around it at one moment, each with a line of description: to be compared with another moment.
/**
 * A test may also use it in the middle, around the life of one pool:
 *
 *     const auto before = leftovers::now();
 *     { process_pool pool; ... }
 *     BOOST_TEST(wait_for_no_leftovers(before) == "");
 */
struct leftovers {
    std::map<long, std::string> processes;          ///< By process id.
    std::map<std::string, std::string> descriptors; ///< By number and by what that is open to.
    std::map<long, std::string> threads;            ///< By thread id.

    static leftovers now() {
        leftovers found;
        for (const auto& [pid, path] : numbered("/proc"))
            if (const auto line = describe_process(static_cast<pid_t>(pid)))
                found.processes.emplace(pid, *line);
        for (const auto& [fd, target] : open_descriptors())
            if (const auto identity = identify_descriptor(fd, target))
                found.descriptors.emplace(*identity, "descriptor " + std::to_string(fd) + " -> " + target);
        for (const auto& [tid, path] : numbered("/proc/self/task")) {
            std::string name = content_of(path / "comm");
            name.resize(name.find_last_not_of('\n') + 1);
            found.threads.emplace(tid, "thread " + std::to_string(tid) + " \"" + name + "\"");
        }
        return found;
    }

    /// What is here and was not there before, a line for each; nothing if that is nothing.
    std::string beyond(const leftovers& before) const {
        std::string lines;
        const auto collect = [&](const auto& mine, const auto& theirs) {
            for (const auto& [identity, line] : mine)
                if (!theirs.contains(identity))
                    lines += "  " + line + "\n";
        };
        collect(processes, before.processes);
        collect(descriptors, before.descriptors);
        collect(threads, before.threads);
        return lines;
    }

private:
    /// What tells a descriptor from all others, and from itself if its number is taken by something else.
    /**
     * Not the name of a file: whoever gave it to this process, as the program that runs the tests does with its log,
     * may rename or unlink it meanwhile. What has no file of its own (a pidfd, an epoll) is known by its kind.
     */
    static std::optional<std::string> identify_descriptor(int fd, const std::string& target) {
        struct ::stat file = {};
        if (::fstat(fd, &file) != 0)
            return std::nullopt; // closed a moment ago
        return std::to_string(fd) + ' ' + std::to_string(file.st_dev) + ' ' + std::to_string(file.st_ino) + ' ' +
               (target.starts_with('/') ? "" : target);
    }

    /// A line for a process that this one has to answer for, zombies included.
    /**
     * These are its children. If it leads a session, as under run_bounded, then also all the others in it: so a
     * grandchild that has outlived the worker between is found, although its parent is now another.
     */
    static std::optional<std::string> describe_process(pid_t pid) {
        const pid_t self = ::getpid();
        const process_line found = look_at(pid);
        // Where the orphans' new parent does not care for them, as in many a container, their zombies stay for ever.
        const bool orphan = found.session == self && found.state != 'Z';
        if (pid == self || found.state == 0 || (found.parent != self && !orphan))
            return std::nullopt;
        std::string command;
        for (const std::string& argument : arguments_of(pid))
            command += argument + ' ';
        return "process " + std::to_string(pid) + " (state " + found.state + ", parent " +
               std::to_string(found.parent) +
               "): " + (command.empty() ? found.name : command); // a zombie has no command line any more
    }
};

/// What is left beyond an earlier moment, a line for each. Some things end on their own a moment later, so it waits
/// for them, up to the bound.
inline std::string wait_for_no_leftovers(const leftovers& before,
                                         std::chrono::milliseconds bound = std::chrono::seconds(2)) {
    std::string left;
    wait_until(
        [&] {
            left = leftovers::now().beyond(before);
            return left.empty();
        },
        bound);
    return left;
}

} // namespace procpool::testing

#endif
