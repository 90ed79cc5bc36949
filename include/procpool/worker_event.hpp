// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_WORKER_EVENT_HPP
#define PROCPOOL_WORKER_EVENT_HPP

#include <procpool/post_mortem.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace procpool {

/// Something that happened to one of a pool's workers.
/**
 * A worker is started, or takes the place of one that ended (replaced); becomes ready once its initializer has run; and in the
 * end is retired or dies. Only a worker that could not be launched dies without having been started.
 */
struct worker_event {
    enum class kind : std::uint8_t {
        started,  ///< It was launched, in a place where there was none before.
        ready,    ///< It takes tasks.
        retired,  ///< It has ended because the pool wanted it to.
        died,     ///< It has ended otherwise, or could not be launched.
        replaced, ///< It was launched in the place of one that has ended.
    };

    kind what = kind::started;
    std::size_t worker = 0;             ///< The worker's index in its pool.
    pid_t pid = -1;                     ///< Its process id; -1 if it could not be launched.
    std::string reason;                 ///< Why, in words.
    std::optional<post_mortem> details; ///< Of a worker that was launched and has ended: what is known of its end.
};

/// The name of a kind of event, as it stands in messages.
const char* to_string(worker_event::kind what) noexcept;

} // namespace procpool

#endif
