// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/prepared_worker.hpp>

#include <unistd.h>

namespace procpool::system {

namespace {

// Where what a worker writes to one of its standard streams goes. If it is captured, the pipe for it.
pipe_ends lead(descriptor_plan& plan, int stream, output where) {
    if (where == output::discard)
        plan.discard(stream);
    if (where != output::capture)
        return {};
    pipe_ends made = make_pipe();
    set_non_blocking(made.read.get());
    plan.redirect(stream, made.write.get());
    return made;
}

} // namespace

prepared_worker prepare_worker(const worker_command& command, int own_process) {
    prepared_worker made;
    made.calls = make_pipe(command.pipe_size);
    made.answers = make_pipe(command.pipe_size);
    set_non_blocking(made.calls.write.get());
    set_non_blocking(made.answers.read.get());
    made.descriptor_channel = make_descriptor_channel();
    made.printed = lead(made.descriptors, STDOUT_FILENO, command.standard_output);
    made.complained = lead(made.descriptors, STDERR_FILENO, command.standard_error);
    made.descriptors.give(made.calls.read.get(), worker_calls_fd);
    made.descriptors.give(made.answers.write.get(), worker_answers_fd);
    made.descriptors.give(made.shared.fd(), worker_memory_fd);
    made.descriptors.give(own_process, worker_pool_fd);
    made.descriptors.give(made.descriptor_channel.worker.get(), worker_descriptors_fd);
    return made;
}

void prepared_worker::close_workers_ends() noexcept {
    calls.read = unique_fd();
    answers.write = unique_fd();
    printed.write = unique_fd();
    complained.write = unique_fd();
    descriptor_channel.worker = unique_fd();
    shared.close_fd();
}

} // namespace procpool::system
