// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_INTEGRATION_SCRATCH_HPP
#define PROCPOOL_TESTS_INTEGRATION_SCRATCH_HPP

#include <support/wait_until.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace procpool::testing {

/// A folder of one test's own: how tasks in workers leave word, and are told to go on.
class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "procpool-test-XXXXXX").string();
        if (!::mkdtemp(name.data()))
            throw std::runtime_error("cannot make a temporary folder");
        path_ = name;
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline bool exists(const std::string& file) {
    return ::access(file.c_str(), F_OK) == 0;
}

inline void touch(const std::string& file) {
    std::ofstream made(file);
}

/// In a task: leaves word that it began, and goes on when it is told to.
inline void meet(const std::string& began, const std::string& go_on) {
    touch(began);
    if (!wait_until([&] { return exists(go_on); }, std::chrono::seconds(60)))
        throw std::runtime_error("nobody told the task to go on");
}

/// A task: meets, and returns its number.
inline int meet_and_return(const std::string& began, const std::string& go_on, int value) {
    meet(began, go_on);
    return value;
}

/// In a task: adds a number to the end of a file, whole, whoever else does the same.
inline void note(const std::string& file, std::int64_t number) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && ::write(fd, &number, sizeof number) == sizeof number;
    ::close(fd);
    if (!written)
        throw std::runtime_error("cannot write to " + file);
}

inline std::vector<std::int64_t> notes(const std::string& file) {
    std::vector<std::int64_t> numbers;
    std::ifstream in(file, std::ios::binary);
    std::int64_t number = 0;
    while (in.read(reinterpret_cast<char*>(&number), sizeof number))
        numbers.push_back(number);
    return numbers;
}

/// A task: notes its number, and returns it.
inline int note_and_return(int value, const std::string& diary) {
    note(diary, value);
    return value;
}

/// A task: notes its process, and never ends.
[[noreturn]] inline void note_and_hang(const std::string& diary) {
    note(diary, ::getpid());
    for (;;)
        ::pause();
}

} // namespace procpool::testing

#endif
