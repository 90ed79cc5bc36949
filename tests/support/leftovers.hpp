// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_LEFTOVERS_HPP
#define PROCPOOL_TESTS_SUPPORT_LEFTOVERS_HPP

#include <support/wait_until.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

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
    std::map<long, std::string> processes;   ///< By process id.
    std::map<long, std::string> descriptors; ///< By descriptor.
    std::map<long, std::string> threads;     ///< By thread id.

    static leftovers now() {
        leftovers found;
        for (const auto& [pid, path] : numbered("/proc"))
            if (const auto line = describe_process(pid, path))
                found.processes.emplace(pid, *line);
        for (const auto& [fd, path] : numbered("/proc/self/fd")) {
            std::error_code gone;
            const auto target = std::filesystem::read_symlink(path, gone);
            if (!gone) // else it was the descriptor with which the folder was read
                found.descriptors.emplace(fd, "descriptor " + std::to_string(fd) + " -> " + target.string());
        }
        for (const auto& [tid, path] : numbered("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(path / "comm"), name);
            found.threads.emplace(tid, "thread " + std::to_string(tid) + " \"" + name + "\"");
        }
        return found;
    }

    /// What is here and was not there before, a line for each; nothing if that is nothing.
    std::string beyond(const leftovers& before) const {
        std::string lines;
        const auto collect = [&](const auto& mine, const auto& theirs) {
            for (const auto& [number, line] : mine) {
                const auto known = theirs.find(number);
                // A descriptor's number may have been taken by something else, so what it is counts as well.
                if (known == theirs.end() || (&mine == &descriptors && known->second != line))
                    lines += "  " + line + "\n";
            }
        };
        collect(processes, before.processes);
        collect(descriptors, before.descriptors);
        collect(threads, before.threads);
        return lines;
    }

private:
    /// The entries of a folder in /proc that are named with a number.
    static std::map<long, std::filesystem::path> numbered(const std::filesystem::path& folder) {
        std::map<long, std::filesystem::path> entries;
        std::error_code error;
        for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
            const std::string name = at->path().filename().string();
            if (name.find_first_not_of("0123456789") == std::string::npos)
                entries.emplace(std::stol(name), at->path());
        }
        return entries;
    }

    /// A line for a process that this one has to answer for, zombies included.
    /**
     * These are its children. If it leads a session, as under run_bounded, then also all the others in it: so a
     * grandchild that has outlived the worker between is found, although its parent is now another.
     */
    static std::optional<std::string> describe_process(long pid, const std::filesystem::path& path) {
        const pid_t self = ::getpid();
        if (pid == self)
            return std::nullopt;
        std::string stat;
        std::getline(std::ifstream(path / "stat"), stat);
        const auto name_end = stat.rfind(')'); // a program's name may hold blanks and parentheses
        if (name_end == std::string::npos)
            return std::nullopt;
        std::istringstream fields(stat.substr(name_end + 1));
        char state = 0;
        long parent = 0;
        long group = 0;
        long session = 0;
        fields >> state >> parent >> group >> session;
        // Where the orphans' new parent does not care for them, as in many a container, their zombies stay for ever.
        const bool orphan = session == self && state != 'Z';
        if (parent != self && !orphan)
            return std::nullopt;
        std::ifstream file(path / "cmdline", std::ios::binary);
        std::string command{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        for (char& byte : command)
            if (byte == '\0')
                byte = ' ';
        if (command.empty()) // a zombie has no command line any more, but still a name
            command = stat.substr(stat.find('('), name_end + 1 - stat.find('('));
        return "process " + std::to_string(pid) + " (state " + state + ", parent " + std::to_string(parent) +
               "): " + command;
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
