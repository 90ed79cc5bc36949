// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_MACHINES_LOAD_INDEX_HPP
#define PROCPOOL_MACHINES_LOAD_INDEX_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace procpool::machines {

/// Workers by how many tasks each has, so that one of those with the fewest is found whatever their number.
/**
 * A list of workers for each load, in the order in which they came to have it, and a bit for each that says whether anybody
 * is in it.
 */
class load_index {
public:
    /// @param most no worker will have more tasks
    explicit load_index(std::size_t most)
        : loads_(static_cast<std::uint32_t>(most + 1)), lists_(loads_), used_(most / bits + 1) {
        for (std::uint32_t load = 0; load != loads_; ++load)
            lists_[load] = {load, load};
    }

    /// Before a worker is placed for the first time. Nothing else allocates.
    void make_room(std::uint32_t workers) { lists_.resize(loads_ + workers, {absent, absent}); }

    /// Where it was before does not matter.
    void place(std::uint32_t worker, std::size_t load) noexcept {
        remove(worker);
        const auto head = static_cast<std::uint32_t>(load);
        const std::uint32_t node = node_of(worker);
        const std::uint32_t last = lists_[head].previous;
        lists_[node] = {last, head};
        lists_[last].next = node;
        lists_[head].previous = node;
        used_[load / bits] |= bit_of(load);
    }

    void remove(std::uint32_t worker) noexcept {
        link& one = lists_[node_of(worker)];
        if (one.next == absent)
            return;
        lists_[one.previous].next = one.next;
        lists_[one.next].previous = one.previous;
        if (one.next == one.previous) // what is left is the list's head
            used_[one.next / bits] &= ~bit_of(one.next);
        one = {absent, absent};
    }

    /// The first that is accepted of those with fewer tasks than so many, beginning with those that have the fewest.
    template <class Accept>
    std::optional<std::uint32_t> first(std::size_t fewer_than, Accept accept) const {
        for (std::size_t word = 0; word != used_.size(); ++word) {
            for (std::uint64_t left = used_[word]; left != 0; left &= left - 1) {
                const auto head =
                    static_cast<std::uint32_t>(word * bits + static_cast<unsigned>(std::countr_zero(left)));
                if (head >= fewer_than)
                    return std::nullopt;
                for (std::uint32_t node = lists_[head].next; node != head; node = lists_[node].next)
                    if (accept(node - loads_))
                        return node - loads_;
            }
        }
        return std::nullopt;
    }

private:
    /// Of the ring that a list is; its head is the node that has the load's own number.
    struct link {
        std::uint32_t previous;
        std::uint32_t next;
    };

    static constexpr std::size_t bits = 64;
    static constexpr std::uint32_t absent = 0xffff'ffff;

    std::uint32_t node_of(std::uint32_t worker) const noexcept { return loads_ + worker; }
    static std::uint64_t bit_of(std::size_t load) noexcept { return std::uint64_t{1} << (load % bits); }

    std::uint32_t loads_;
    std::vector<link> lists_;
    std::vector<std::uint64_t> used_;
};

} // namespace procpool::machines

#endif
