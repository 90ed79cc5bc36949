// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SUPPORT_PROC_HPP
#define PROCPOOL_TESTS_SUPPORT_PROC_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/types.h>

/// What /proc says. Processes and threads may end while it is asked, which gives what there is no more as nothing and is
/// never an exception.
namespace procpool::testing {

/// The whole of a file.
inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string all;
    char part[4096];
    // Not by way of an iterator: that throws when the process of which a file tells has ended since it was opened.
    while (in.read(part, sizeof part), in.gcount() > 0)
        all.append(part, static_cast<std::size_t>(in.gcount()));
    return all;
}

/// The entries of a folder that are named with a number, by that number.
inline std::map<long, std::filesystem::path> numbered(const std::filesystem::path& folder) {
    std::map<long, std::filesystem::path> entries;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.find_first_not_of("0123456789") == std::string::npos)
            entries.emplace(std::stol(name), at->path());
    }
    return entries;
}

/// What the kernel says of a process. All of it is nothing if there is no such process.
struct process_line {
    std::string name; ///< As in /proc/PID/stat, in parentheses.
    char state = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
};

inline process_line look_at(pid_t pid) {
    process_line found;
    const std::string text = content_of("/proc/" + std::to_string(pid) + "/stat");
    const auto name = text.find('(');
    const auto name_end = text.rfind(')'); // a program's name may hold blanks and parentheses
    if (name_end == text.npos)
        return found;
    found.name = text.substr(name, name_end + 1 - name);
    std::istringstream(text.substr(name_end + 1)) >> found.state >> found.parent >> found.group >> found.session;
    return found;
}

/// Whether it is there and no zombie.
inline bool lives(const process_line& found) {
    return found.state != 0 && found.state != 'Z' && found.state != 'X';
}

inline bool lives(pid_t pid) {
    return lives(look_at(pid));
}

/// With which arguments a process was started, its name first.
inline std::vector<std::string> arguments_of(pid_t pid) {
    std::vector<std::string> all;
    std::istringstream in(content_of("/proc/" + std::to_string(pid) + "/cmdline"));
    for (std::string one; std::getline(in, one, '\0');)
        all.push_back(one);
    return all;
}

/// The children of all of this process's threads, zombies included.
inline std::vector<pid_t> children() {
    std::vector<pid_t> all;
    for (const auto& [tid, path] : numbered("/proc/self/task")) {
        std::istringstream in(content_of(path / "children"));
        for (pid_t one = 0; in >> one;)
            all.push_back(one);
    }
    return all;
}

/// Of these, those that live and were started with that as their last argument.
inline std::vector<pid_t> children_started_as(std::string_view argument) {
    std::vector<pid_t> found;
    for (const pid_t one : children())
        if (const auto all = arguments_of(one); !all.empty() && all.back() == argument)
            found.push_back(one);
    return found;
}

/// The processes of a session that live.
inline std::vector<pid_t> members_of(pid_t session) {
    std::vector<pid_t> all;
    for (const auto& [pid, path] : numbered("/proc"))
        if (const process_line found = look_at(static_cast<pid_t>(pid)); found.session == session && lives(found))
            all.push_back(static_cast<pid_t>(pid));
    return all;
}

/// What this process has open, and what each descriptor refers to.
inline std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> open;
    for (const auto& [fd, path] : numbered("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(path, gone);
        if (!gone) // else it was the descriptor with which the folder was read
            open.emplace(static_cast<int>(fd), target.string());
    }
    return open;
}

/// How many of the pipes that this process has open, the standard streams aside, hold as much as they can.
inline std::size_t full_pipes() {
    std::size_t full = 0;
    for (const auto& [fd, target] : open_descriptors()) {
        int held = 0;
        if (fd > 2 && target.starts_with("pipe:") && ::ioctl(fd, FIONREAD, &held) == 0)
            full += held == ::fcntl(fd, F_GETPIPE_SZ) ? 1 : 0;
    }
    return full;
}

/// The lines of /proc/self/maps of what has that in its name, by where each begins.
inline std::map<std::uintptr_t, std::string> mappings_of(std::string_view name) {
    std::map<std::uintptr_t, std::string> found;
    std::istringstream maps(content_of("/proc/self/maps"));
    for (std::string line; std::getline(maps, line);)
        if (line.find(name) != line.npos)
            found.emplace(std::stoull(line, nullptr, 16), line);
    return found;
}

/// How much of this process's memory is resident, in kilobytes.
inline std::size_t resident_kilobytes() {
    std::istringstream status(content_of("/proc/self/status"));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:"))
            return std::stoul(line.substr(6));
    return 0;
}

} // namespace procpool::testing

#endif
