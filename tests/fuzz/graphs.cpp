// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Objects that point to one another, in all the ways in which they may. Any bytes give some objects or the one error;
// every object has one owner, or owners that share it; no pointer points to what is gone; and after another journey they
// point to one another as before. That no object is lost or destroyed twice is for the sanitizers to see.

#include <fuzz/graphs.hpp>
#include <fuzz/messages.hpp>

#include <algorithm>

namespace procpool::fuzz {

namespace {

void try_objects(bytes given) {
    const auto decoded = try_decode<any_objects>(given, 4 * sizeof(any_object));
    if (!decoded)
        return;
    const any_objects second = again(*decoded);
    const wire::payload before = encode(*decoded);
    const wire::payload after = encode(second);
    require(std::ranges::equal(before.bytes(), after.bytes()),
            "some objects point to one another in another way after another journey");
}

struct undoing {
    ~undoing() { member::undo_all(); }
};

} // namespace

void graphs(bytes given) {
    {
        const undoing after;
        try_objects(given);
    }
    require(node::undo_all() == 0, "an object is lost");
}

} // namespace procpool::fuzz
