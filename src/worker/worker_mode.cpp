// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <worker/worker_mode.hpp>

#include <procpool/init.hpp>
#include <procpool/this_worker.hpp>

#include <system/channel.hpp>

#include <cstring>

namespace procpool {

namespace worker {

process_role& role() noexcept {
    static process_role instance;
    return instance;
}

namespace {

bool last_argument_is(const char* text, int argc, const char* const* argv) noexcept {
    return argc > 1 && argv && argv[argc - 1] && std::strcmp(argv[argc - 1], text) == 0;
}

} // namespace

bool asked_to_be_worker(int argc, const char* const* argv) noexcept {
    return last_argument_is(system::worker_argument, argc, argv);
}

bool asked_to_be_fork_server(int argc, const char* const* argv) noexcept {
    return last_argument_is(system::fork_server_argument, argc, argv);
}

} // namespace worker

bool is_worker() noexcept {
    return worker::role().is_worker;
}

std::size_t this_worker::index() noexcept {
    return worker::role().index;
}

} // namespace procpool
