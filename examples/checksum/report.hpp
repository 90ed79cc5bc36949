// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the user sees: the sums as sha256sum prints them, complaints as coreutils words them, and the progress.

#ifndef CHECKSUM_REPORT_HPP
#define CHECKSUM_REPORT_HPP

#include "hash.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

/// A file's name as sha256sum escapes it, so that it cannot break a line.
inline std::string escaped(std::string_view path) {
    constexpr std::string_view special = "\\\n\r";
    std::string text;
    for (const char c : path)
        if (const auto which = special.find(c); which != special.npos)
            (text += '\\') += "\\nr"[which];
        else
            text += c;
    return text;
}

/// One line of sha256sum; a backslash in front says that the name is escaped.
inline std::string sum_line(const sha256_digest& digest, std::string_view path) {
    const std::string name = escaped(path);
    std::string line(name.size() == path.size() ? "" : "\\");
    for (const unsigned char byte : digest)
        (line += "0123456789abcdef"[byte >> 4]) += "0123456789abcdef"[byte & 15];
    return line + "  " + name + '\n';
}

class reporter {
public:
    reporter() : shows_progress_(::isatty(STDERR_FILENO) == 1) {}

    void expect_bytes(std::uintmax_t bytes) { expected_bytes_ += bytes; }

    void sum(const std::string& path, const file_sum& sum) {
        if (sum.error != 0)
            return complain(path, std::generic_category().message(sum.error));
        ++files_;
        bytes_ += sum.bytes;
        hide_progress();
        const std::string line = sum_line(sum.digest, path);
        if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size())
            throw std::system_error(errno, std::generic_category(), "write error");
    }

    void complain(const std::string& path, const std::string& why) {
        complained_ = true;
        hide_progress();
        std::fprintf(stderr, "checksum: %s: %s\n", escaped(path).c_str(), why.c_str());
    }

    /// Draws the bar, if a terminal is there to see it, but not more often than an eye can follow.
    void show_progress() {
        using namespace std::chrono_literals;
        const auto now = std::chrono::steady_clock::now();
        if (!shows_progress_ || now < next_progress_)
            return;
        next_progress_ = now + 100ms;
        constexpr int width = 40;
        const double done = expected_bytes_ == 0
                                ? 1
                                : std::min(1.0, static_cast<double>(bytes_) / static_cast<double>(expected_bytes_));
        const std::string bar(static_cast<std::size_t>(done * width), '#');
        std::fflush(stdout); // or lines that were printed before would come out behind the bar
        std::fprintf(stderr, "\r[%-*s] %3.0f %%  %ju files", width, bar.c_str(), 100 * done, files_);
        progress_is_shown_ = true;
    }

    void finish() {
        hide_progress();
        if (std::fflush(stdout) != 0)
            throw std::system_error(errno, std::generic_category(), "write error");
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
        std::fprintf(stderr, "%ju files, %ju bytes in %.3f s, %.1f MB/s\n", files_, bytes_, took.count(),
                     static_cast<double>(bytes_) / 1e6 / took.count());
    }

    bool complained() const { return complained_; }

private:
    void hide_progress() {
        if (std::exchange(progress_is_shown_, false))
            std::fputs("\r\033[K", stderr);
    }

    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_progress_ = begin_;
    std::uintmax_t files_ = 0;
    std::uintmax_t bytes_ = 0;
    std::uintmax_t expected_bytes_ = 0;
    bool shows_progress_;
    bool progress_is_shown_ = false;
    bool complained_ = false;
};

#endif
