// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/post_mortem.hpp>
#include <procpool/worker_event.hpp>

#include <string.h>

namespace procpool {

const char* to_string(task_phase phase) noexcept {
    switch (phase) {
    case task_phase::reading:
        return "reading the arguments of";
    case task_phase::decoding:
        return "decoding the arguments of";
    case task_phase::running:
        return "running";
    case task_phase::encoding:
        return "encoding the result of";
    case task_phase::writing:
        return "writing the result of";
    case task_phase::unknown:
        break;
    }
    return "doing something unknown with";
}

std::string describe_end(const post_mortem& details) {
    if (details.exit_code)
        return "exited with code " + std::to_string(*details.exit_code);
    if (!details.signal)
        return "ended in a way that nobody knows, since something else in this program took its exit status";
    const char* const name = ::sigabbrev_np(*details.signal);
    const char* const meaning = ::sigdescr_np(*details.signal);
    std::string text = "was ended by ";
    text += name ? std::string("SIG") + name : "signal " + std::to_string(*details.signal);
    if (meaning)
        text += std::string(" (") + meaning + ")";
    return text;
}

const char* to_string(worker_event::kind what) noexcept {
    switch (what) {
    case worker_event::kind::started:
        return "started";
    case worker_event::kind::ready:
        return "ready";
    case worker_event::kind::retired:
        return "retired";
    case worker_event::kind::died:
        return "died";
    case worker_event::kind::replaced:
        return "replaced";
    }
    return "unknown";
}

} // namespace procpool
