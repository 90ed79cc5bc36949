// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/init.hpp>

#include <system/channel.hpp>
#include <system/worker_process.hpp>
#include <worker/serve.hpp>
#include <worker/worker_mode.hpp>

#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace procpool {

namespace {

template <class Channel>
Channel insist(std::optional<Channel> taken) {
    if (!taken)
        system::refuse_to_run("the last argument is procpool's own, by which it starts its workers; leave it out");
    worker::role().is_worker = true;
    return std::move(*taken);
}

// Through exit, so that what tasks printed is written and what they registered is done.
[[noreturn]] void be_worker(system::worker_channel channel) {
    std::exit(worker::serve(std::move(channel)));
}

} // namespace

void init(int argc, char** argv) {
    worker::role().init_was_called = true;
    if (worker::asked_to_be_worker(argc, argv))
        be_worker(insist(system::take_over_channel()));
    if (!worker::asked_to_be_fork_server(argc, argv))
        return;
    // Comes back in each worker that is forked, which then shows in ps as what it is.
    auto channel = worker::serve_forks(insist(system::take_over_fork_server()));
    std::memcpy(argv[argc - 1], system::worker_argument, sizeof system::worker_argument);
    be_worker(insist(std::move(channel)));
}

} // namespace procpool
