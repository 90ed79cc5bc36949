// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Which files there are to hash, and in which batches.

#ifndef CHECKSUM_WALK_HPP
#define CHECKSUM_WALK_HPP

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

struct file {
    std::string path;
    std::uintmax_t size = 0; ///< as far as it is known beforehand
};

using complain_function = std::function<void(const std::string& path, const std::string& why)>;

/// A file whose size cannot be found out is tried all the same, and so complained of in its turn.
inline file measured(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    return {path.native(), error ? 0 : size};
}

/// Adds the regular files under a folder, sorted by the bytes of their paths. Symbolic links are not followed.
inline void add_folder(const std::string& folder, std::vector<file>& files, const complain_function& complain) {
    const auto first = static_cast<std::ptrdiff_t>(files.size());
    std::vector<std::string> folders{folder};
    while (!folders.empty()) {
        const std::string current = std::move(folders.back());
        folders.pop_back();
        std::error_code error;
        for (std::filesystem::directory_iterator at(current, error), end; !error && at != end; at.increment(error)) {
            std::error_code vanished; // what is gone again is none of our business
            if (at->is_symlink(vanished))
                continue;
            if (at->is_directory(vanished))
                folders.push_back(at->path().native());
            else if (at->is_regular_file(vanished))
                files.push_back(measured(at->path()));
        }
        if (error)
            complain(current, error.message());
    }
    std::ranges::sort(files.begin() + first, files.end(), {}, &file::path);
}

/// The files that the operands of the command line stand for, in the order of the operands. Here symbolic links are
/// followed: who names one means what it points to.
inline std::vector<file> find_files(const std::vector<std::string>& operands, const complain_function& complain) {
    std::vector<file> files;
    for (const std::string& operand : operands) {
        std::error_code error; // a file that is not there is for the worker to find
        const auto status = std::filesystem::status(operand, error);
        if (std::filesystem::is_directory(status))
            add_folder(operand, files, complain);
        else if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status))
            files.push_back(measured(operand));
        else
            complain(operand, "Not a regular file");
    }
    return files;
}

/// The next batch of files: enough of them to make up for the way to a worker, few enough to share out evenly.
inline std::span<const file> next_batch(std::span<const file> files) {
    constexpr std::size_t most_files = 64;
    constexpr std::uintmax_t most_bytes = 1 << 20;
    std::size_t count = 0;
    std::uintmax_t bytes = 0;
    while (count < files.size() && count < most_files) {
        bytes += files[count].size;
        if (count != 0 && bytes > most_bytes)
            break; // a large file starts a batch of its own
        ++count;
    }
    return files.first(count);
}

#endif
