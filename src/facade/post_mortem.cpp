// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/post_mortem.hpp>

#include <string.h>

namespace procpool {

const char* to_string(task_phase phase) noexcept {
    switch (phase) {
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

} // namespace procpool
