// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/worker_life.hpp>

namespace procpool::machines {

worker_life::action worker_life::hello(time_point now, bool acceptable) noexcept {
    switch (phase_) {
    case phase::starting:
        if (!acceptable)
            return end(cause::wrong_hello);
        if (!limits_.has_initializer)
            return use();
        phase_ = phase::initializing;
        if (limits_.initializer)
            deadline_ = now + *limits_.initializer;
        return action::initialize;
    case phase::initializing:
    case phase::ready:
        return end(cause::protocol_error); // once is enough
    case phase::retiring:                  // told to end while it was starting
    case phase::ending:
    case phase::buried:
        break;
    }
    return action::none;
}

worker_life::action worker_life::initialized(bool well) noexcept {
    switch (phase_) {
    case phase::initializing:
        return well ? use() : end(cause::initializer_failed);
    case phase::starting:
    case phase::ready:
        return end(cause::protocol_error);
    case phase::retiring:
    case phase::ending:
    case phase::buried:
        break;
    }
    return action::none;
}

worker_life::action worker_life::use() noexcept {
    phase_ = phase::ready;
    was_ready_ = true;
    return action::use;
}

worker_life::action worker_life::output_ended(time_point now) noexcept {
    if (phase_ == phase::ending || phase_ == phase::buried)
        return action::none;
    // Nothing more can come from it. Most likely it is exiting, so how it ends is waited for a while.
    if (cause_ == cause::none)
        cause_ = cause::died;
    phase_ = phase::ending;
    deadline_ = now + limits_.exit;
    return action::close_input;
}

worker_life::action worker_life::exited() noexcept {
    if (phase_ == phase::buried)
        return action::none;
    if (cause_ == cause::none)
        cause_ = cause::died;
    phase_ = phase::buried;
    return action::bury;
}

worker_life::action worker_life::time_passed(time_point now) noexcept {
    const auto limit = deadline();
    if (!limit || now < *limit)
        return action::none;
    if (phase_ == phase::initializing)
        return end(cause::initializer_timed_out);
    return end(phase_ == phase::starting ? cause::start_timed_out : cause_);
}

worker_life::action worker_life::retire(time_point now) noexcept {
    if (phase_ != phase::starting && phase_ != phase::initializing && phase_ != phase::ready)
        return action::none;
    condemn(cause::retired);
    phase_ = phase::retiring;
    deadline_ = now + limits_.exit;
    return action::close_input;
}

worker_life::action worker_life::end(cause why) noexcept {
    if (phase_ == phase::buried || killed_)
        return action::none;
    if (cause_ == cause::none)
        cause_ = why;
    phase_ = phase::ending;
    killed_ = true;
    return action::kill;
}

std::optional<worker_life::time_point> worker_life::deadline() const noexcept {
    switch (phase_) {
    case phase::starting:
    case phase::retiring:
        return deadline_;
    case phase::initializing:
        return limits_.initializer ? std::optional(deadline_) : std::nullopt;
    case phase::ending:
        return killed_ ? std::nullopt : std::optional(deadline_);
    case phase::ready:
    case phase::buried:
        break;
    }
    return std::nullopt;
}

} // namespace procpool::machines
