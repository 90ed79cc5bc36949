// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/init.hpp>

#include <system/worker_process.hpp>
#include <worker/serve.hpp>
#include <worker/worker_mode.hpp>

#include <cstdlib>

namespace procpool {

void init(int argc, char** argv) {
    worker::process_role& role = worker::role();
    role.init_was_called = true;
    if (!worker::asked_to_be_worker(argc, argv))
        return;
    auto channel = system::take_over_channel();
    if (!channel)
        system::refuse_to_run("the last argument is procpool's own, by which it starts its workers; leave it out");
    role.is_worker = true;
    // Through exit, so that what tasks printed is written and what they registered is done.
    std::exit(worker::serve(std::move(*channel)));
}

} // namespace procpool
