// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/error.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

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

// For a line of text: only the last line of what may be several, and not all of a long one.
std::string last_line(const std::string& text) {
    constexpr std::size_t longest = 200;
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos)
        return {};
    const std::size_t before = text.rfind('\n', end);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::size_t size = end + 1 - begin;
    return size <= longest ? text.substr(begin, size) : text.substr(begin, longest) + "...";
}

std::string tell_usage(const resource_usage& usage) {
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(usage.user_time + usage.system_time);
    std::string text = "it had used " + std::to_string(time.count()) + " ms of processor time";
    if (usage.most_resident)
        text += " and at most " + std::to_string(*usage.most_resident >> 20) + " MiB of memory";
    return text;
}

std::string tell_one(const post_mortem& details) {
    std::string text = "worker " + std::to_string(details.worker) + " with process id " + std::to_string(details.pid) +
                       " " + describe_end(details);
    if (details.phase != task_phase::unknown)
        text += std::string(" while ") + to_string(details.phase) + " the task";
    return text;
}

std::string tell(const std::vector<post_mortem>& attempts) {
    const post_mortem& details = attempts.back();
    std::string text = tell_one(details);
    if (details.attempt > 1)
        text += ", in attempt " + std::to_string(details.attempt);
    if (!details.reason.empty())
        text += ", since " + details.reason;
    if (details.out_of_memory_likely)
        text += "; the kernel's out-of-memory killer is the likely cause";
    if (details.usage)
        text += "; " + tell_usage(*details.usage);
    if (const std::string last = last_line(details.standard_error_tail); !last.empty())
        text += "; the last that it wrote to standard error: \"" + last + "\"";
    for (std::size_t earlier = 0; earlier + 1 < attempts.size(); ++earlier)
        text += "; in attempt " + std::to_string(attempts[earlier].attempt) + ", " + tell_one(attempts[earlier]);
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

worker_died::worker_died(post_mortem details) : worker_died(std::vector<post_mortem>{std::move(details)}) {
}

worker_died::worker_died(std::vector<post_mortem> attempts)
    : pool_error(errc::worker_died, tell(attempts)),
      attempts_(std::make_shared<const std::vector<post_mortem>>(std::move(attempts))) {
}

remote_exception::remote_exception(std::string type, const std::string& what)
    : std::runtime_error(what), type_(std::move(type)) {
}

} // namespace procpool
