// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <procpool/serialization/encoder.hpp>

namespace procpool::serialization {

output_archive& encoder::make_archive() {
    archive_ = new output_archive(*this);
    return *archive_;
}

void encoder::discard_archive() noexcept {
    delete archive_;
    archive_ = nullptr;
}

void encoder::end_graph() {
    // Most archives remember nothing and serve the next value too.
    if (archive_->used_for_graph())
        discard_archive();
}

} // namespace procpool::serialization
