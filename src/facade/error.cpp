// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/error.hpp>

#include <utility>

namespace procpool {

namespace {

class category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "procpool"; }

    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
        case errc::worker_died:
            return "the worker that ran the task died";
        case errc::timed_out:
            return "the task ran longer than its time limit";
        case errc::queue_timed_out:
            return "the task waited longer than its waiting limit";
        case errc::queue_full:
            return "the pool holds as many tasks as it may";
        case errc::pool_closed:
            return "the pool is closed";
        case errc::pool_terminated:
            return "the pool was terminated";
        case errc::worker_start_failed:
            return "no worker could be started";
        case errc::initializer_failed:
            return "the initializer failed";
        case errc::not_serializable:
            return "a value could not be carried between processes";
        case errc::protocol_error:
            return "a worker broke the protocol";
        case errc::not_initialized:
            return "procpool::init was not called";
        case errc::would_deadlock:
            return "waiting here would never end";
        }
        return "unknown error of procpool";
    }
};

std::string tell(const post_mortem& details) {
    std::string text = "worker " + std::to_string(details.worker) + " with process id " + std::to_string(details.pid) +
                       " " + describe_end(details);
    if (details.phase != task_phase::unknown)
        text += std::string(" while ") + to_string(details.phase) + " the task";
    if (details.attempt > 1)
        text += ", in attempt " + std::to_string(details.attempt);
    if (!details.reason.empty())
        text += ", since " + details.reason;
    return text;
}

} // namespace

const boost::system::error_category& pool_category() noexcept {
    static const category instance;
    return instance;
}

boost::system::error_code make_error_code(errc code) noexcept {
    return {static_cast<int>(code), pool_category()};
}

pool_error::pool_error(errc code) : system_error(make_error_code(code)) {
}

pool_error::pool_error(errc code, const std::string& explanation) : system_error(make_error_code(code), explanation) {
}

worker_died::worker_died(post_mortem details)
    : pool_error(errc::worker_died, tell(details)), details_(std::move(details)) {
}

remote_exception::remote_exception(std::string type, const std::string& what)
    : std::runtime_error(what), type_(std::move(type)) {
}

} // namespace procpool
