// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/process_pool.hpp>

#include <procpool/init.hpp>

#include <facade/own_thread.hpp>
#include <system/worker_process.hpp>
#include <worker/worker_mode.hpp>

namespace procpool {

// A program that makes pools but never calls init must not be started as a worker: its main would run a second time. Such
// a program does not have init linked in, if procpool is linked statically, and then this is null. That is looked at before
// main begins.
extern void init(int argc, char** argv) __attribute__((weak));

namespace {

[[gnu::constructor]] void refuse_to_be_worker_without_init(int argc, char** argv, char**) {
    if (&init == nullptr && (worker::asked_to_be_worker(argc, argv) || worker::asked_to_be_fork_server(argc, argv)))
        system::refuse_to_run("this program was started as a worker, but its main does not call "
                              "procpool::init(argc, argv), as it should with its first statement");
}

/// Waiting for something to become true of the pool.
class wait_operation final : public core::waiter {
public:
    explicit wait_operation(detail::receiver_ptr<void> waiting) : waiting_(std::move(waiting)) {
        completes_anywhere = waiting_->anywhere;
    }

    template <class Start>
    static void start(const std::shared_ptr<core::pool_core>& pool, detail::receiver_ptr<void> waiting, Start start) {
        auto operation = std::make_unique<wait_operation>(std::move(waiting));
        operation->cancellation = std::make_shared<core::wait_cancellation>(pool, *operation);
        operation->waiting_->on_cancel(
            [cancellation = operation->cancellation](boost::asio::cancellation_type) { cancellation->request(); });
        start(*pool, *operation.release());
    }

    void complete() override {
        const std::unique_ptr<wait_operation> self(this);
        waiting_.release()->complete({std::move(error), detail::no_value{}});
    }
    void abandon() noexcept override { delete this; }

private:
    detail::receiver_ptr<void> waiting_;
};

template <class Start>
class wait_source final : public detail::source<void> {
public:
    wait_source(std::shared_ptr<core::pool_core> pool, Start start)
        : pool_(std::move(pool)), start_(std::move(start)) {}

    const std::shared_ptr<core::pool_core>& pool() const noexcept override { return pool_; }
    void start(detail::receiver_ptr<void> waiting, std::unique_ptr<core::task_terms>) override {
        wait_operation::start(pool_, std::move(waiting), start_);
    }

private:
    std::shared_ptr<core::pool_core> pool_;
    Start start_;
};

template <class Start>
submission<void> wait_until(const std::shared_ptr<core::pool_core>& pool, Start start) {
    return submission<void>(std::make_unique<wait_source<Start>>(pool, std::move(start)));
}

} // namespace

std::shared_ptr<core::pool_core> process_pool::make_core(executor_type executor, pool_options options) {
    if (!worker::role().init_was_called)
        throw pool_error(errc::not_initialized,
                         "call procpool::init(argc, argv) as the first statement of main, before any process_pool is "
                         "made: the workers are started from this program, and their work begins there");
    return core::pool_core::create(std::move(executor), std::move(options));
}

process_pool::process_pool(executor_type executor, pool_options options)
    : core_(make_core(std::move(executor), std::move(options))) {
}

process_pool::process_pool(pool_options options)
    : thread_(std::make_unique<detail::own_thread>()), core_(make_core(thread_->executor(), std::move(options))) {
}

process_pool::~process_pool() {
    if (core_->destroy()) {
        if (thread_)
            thread_->finish(core_);
        return;
    }
    // In a copy of the process made by fork there is no such thread, and giving anything up would disturb the original.
    static_cast<void>(thread_.release());
    static_cast<void>(new std::shared_ptr<core::pool_core>(core_));
}

void process_pool::close() {
    core_->close();
}

void process_pool::terminate() {
    core_->terminate();
}

submission<void> process_pool::join() {
    return wait_until(core_, [](core::pool_core& pool, core::waiter& joiner) { pool.join(joiner); });
}

submission<void> process_pool::shutdown(std::chrono::milliseconds grace) {
    return wait_until(core_, [grace](core::pool_core& pool, core::waiter& joiner) { pool.shut_down(grace, joiner); });
}

submission<void> process_pool::wait_for_room() {
    return wait_until(core_, [](core::pool_core& pool, core::waiter& waiting) { pool.wait_for_room(waiting); });
}

pool_stats process_pool::stats() const {
    return core_->stats();
}

process_pool::executor_type process_pool::get_executor() const noexcept {
    return core_->executor();
}

} // namespace procpool
