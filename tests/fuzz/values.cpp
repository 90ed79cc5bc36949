// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Values of all kinds without pointers. Any bytes give some values or the one error, within bounds of memory; and what was
// decoded is still the same after another journey.

#include <fuzz/messages.hpp>
#include <fuzz/values.hpp>

#include <algorithm>

namespace procpool::fuzz {

void values(bytes given) {
    // The largest value, and as much again twice while a vector of them grows, for each byte.
    const auto decoded = try_decode<any_values>(given, 4 * sizeof(any_value));
    if (!decoded)
        return;
    const any_values second = again(*decoded);
    require(second.size() == decoded->size(), "some values are others after another journey");
    for (std::size_t i = 0; i != second.size(); ++i) {
        // Numbers that are not equal to themselves have the same bytes; hash tables in another order are equal.
        if ((*decoded)[i] == second[i])
            continue;
        const wire::payload before = encode((*decoded)[i]);
        const wire::payload after = encode(second[i]);
        if (!std::ranges::equal(before.bytes(), after.bytes()))
            throw violation("a value of kind " + std::to_string(second[i].index()) +
                            " is another after another journey");
    }
}

} // namespace procpool::fuzz
