// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <machines/staffing.hpp>

#include <algorithm>

namespace procpool::machines {

void staffing::became_ready() noexcept {
    --starting_;
    ++ready_;
    failed_starts_ = 0;
}

void staffing::start_failed(time_point now, bool trying_again_may_help) noexcept {
    --starting_;
    failed_starts_ = trying_again_may_help ? failed_starts_ + 1 : std::max(failed_starts_, failed_starts_forgiven) + 1;
    pause(now);
}

void staffing::killed_at_start(time_point now) noexcept {
    --starting_;
    ++useless_deaths_;
    if (failures() != 0)
        pause(now);
}

void staffing::gone(time_point now, bool was_useful) noexcept {
    --ready_;
    useless_deaths_ = was_useful ? 0 : useless_deaths_ + 1;
    if (failures() != 0)
        pause(now);
}

std::size_t staffing::failures() const noexcept {
    const auto beyond = [](std::size_t count, std::size_t forgiven) { return count - std::min(count, forgiven); };
    return beyond(failed_starts_, failed_starts_forgiven) + beyond(useless_deaths_, useless_deaths_forgiven);
}

void staffing::pause(time_point now) noexcept {
    if (failures() == 0) {
        forgiven_at_ = now + pauses_.brief;
        return;
    }
    const auto doublings = std::min<std::size_t>(failures() - 1, 20);
    retry_at_ = now + std::min(pauses_.longest, pauses_.first * (duration::rep{1} << doublings));
}

std::size_t staffing::launches(time_point now, std::size_t tasks) const noexcept {
    const std::size_t alive = starting_ + ready_;
    if (stopped_ || alive >= wanted(tasks))
        return 0;
    if (failures() == 0)
        return failed_starts_ != 0 && now < forgiven_at_ ? 0 : wanted(tasks) - alive;
    return tasks != 0 && starting_ == 0 && now >= retry_at_ ? 1 : 0;
}

std::optional<staffing::time_point> staffing::retry_at(std::size_t tasks) const noexcept {
    const bool understaffed = !stopped_ && starting_ + ready_ < wanted(tasks);
    const bool will_try = understaffed && (failures() != 0 ? tasks != 0 && starting_ == 0 : failed_starts_ != 0);
    return will_try ? std::optional(failures() != 0 ? retry_at_ : forgiven_at_) : std::nullopt;
}

} // namespace procpool::machines
