// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// checksum: what sha256sum does, on whole trees, on all processors.
//
// Shows a real job in a pool: batches of files go to the workers, a bounded number of them at a time, and the results
// are printed in order as they come. A worker that is killed in the middle of it costs nothing but its time.

#include "hash.hpp"
#include "report.hpp"
#include "walk.hpp"

#include <procpool/procpool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <getopt.h>

namespace asio = boost::asio;

namespace {

/// So many batches are with the pool at a time: plenty for the workers to do while the first of them takes long.
constexpr std::size_t most_batches_at_work = 256;

struct batch_at_work {
    std::span<const file> files;
    procpool::task_handle<std::vector<file_sum>> task;
    bool is_second_try;
};

batch_at_work start(procpool::process_pool& pool, std::span<const file> files, bool is_second_try = false) {
    std::vector<std::string> paths;
    for (const file& each : files)
        paths.push_back(each.path);
    return {files, pool.submit(hash_files, std::move(paths)).start(), is_second_try};
}

asio::awaitable<void> hash_all(procpool::process_pool& pool, std::span<const file> files, reporter& report) {
    std::deque<batch_at_work> at_work;
    while (!files.empty() || !at_work.empty()) {
        if (!files.empty() && at_work.size() < most_batches_at_work) {
            const std::span<const file> batch = next_batch(files);
            at_work.push_back(start(pool, batch));
            files = files.subspan(batch.size());
            continue;
        }
        batch_at_work first = std::move(at_work.front());
        at_work.pop_front();
        try {
            const std::vector<file_sum> sums = co_await first.task.result();
            for (std::size_t i = 0; i < sums.size(); ++i)
                report.sum(first.files[i].path, sums[i]);
        } catch (const procpool::worker_died& died) {
            // Try its files once more, each for itself: so only a file that is to blame for it is lost.
            if (first.is_second_try)
                report.complain(first.files.front().path, died.what());
            else
                for (std::size_t i = first.files.size(); i-- != 0;)
                    at_work.push_front(start(pool, first.files.subspan(i, 1), true));
        }
        report.show_progress();
    }
    pool.close();
    co_await pool.join();
}

constexpr const char* usage =
    "Usage: checksum [-j N] FILE|DIRECTORY...\n"
    "Prints the SHA-256 of every regular file under the operands, as sha256sum does. An operand\n"
    "that is a symbolic link is followed; one that is found inside a directory is not.\n\n"
    "  -j, --workers N  use N worker processes; by default, one for each CPU\n"
    "  -h, --help       print this and exit\n";

int usage_error(const char* message) {
    std::fprintf(stderr, "%sTry 'checksum --help' for more information.\n", message);
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    procpool::init(argc, argv);

    std::size_t workers = procpool::available_parallelism();
    const option options[] = {{"workers", required_argument, nullptr, 'j'}, {"help", no_argument, nullptr, 'h'}, {}};
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "j:h", options, nullptr)) != -1;) {
        if (letter == 'h')
            return std::fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        if (letter != 'j')
            return usage_error(""); // getopt has said what is wrong
        const std::string_view number = optarg;
        const auto [end, error] = std::from_chars(number.begin(), number.end(), workers);
        if (error != std::errc() || end != number.end() || workers == 0)
            return usage_error("checksum: the number of workers must be a number from 1\n");
    }
    const std::vector<std::string> operands(argv + optind, argv + argc);
    if (operands.empty())
        return usage_error("checksum: missing operand\n");

    try {
        asio::io_context context;
        procpool::process_pool pool(context, {.workers = workers});
        reporter report;
        const std::vector<file> files =
            find_files(operands, [&](const auto& path, const auto& why) { report.complain(path, why); });
        for (const file& each : files)
            report.expect_bytes(each.size);
        asio::co_spawn(context, hash_all(pool, files, report), [](std::exception_ptr error) {
            if (error)
                std::rethrow_exception(error);
        });
        context.run();
        report.finish();
        return report.complained() ? EXIT_FAILURE : EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "checksum: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
