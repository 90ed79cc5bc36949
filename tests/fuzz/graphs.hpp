// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_FUZZ_GRAPHS_HPP
#define PROCPOOL_TESTS_FUZZ_GRAPHS_HPP

#include <serialization/samples.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace procpool::fuzz {

/// An object that can be part of a cycle, which nobody would ever destroy. So all are known, and cycles can be undone.
class node {
public:
    node() { all().insert(this); }
    node(const node&) = delete;
    node& operator=(const node&) = delete;
    ~node() { all().erase(this); }

    int value = 0;
    std::vector<std::shared_ptr<node>> links;
    std::weak_ptr<node> parent;

    /// Takes all objects apart that are still there. How many of them nobody owned.
    static std::size_t undo_all() {
        std::vector<std::shared_ptr<node>> owned;
        for (node* const one : all())
            for (auto& link : std::exchange(one->links, {}))
                owned.push_back(std::move(link));
        owned.clear();
        return all().size();
    }

private:
    static std::set<node*>& all() {
        thread_local std::set<node*> known;
        return known;
    }

    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value& links& parent;
    }
};

/// An object that is pointed to, and can also be carried by value. Those made by themselves are known, for nobody else would
/// destroy one that only a plain pointer points to.
struct member {
    std::string name;

    static void* operator new(std::size_t size) {
        void* const made = ::operator new(size);
        alone().insert(static_cast<member*>(made));
        return made;
    }
    static void* operator new(std::size_t, void* place) noexcept { return place; }
    static void operator delete(void* made) noexcept {
        alone().erase(static_cast<member*>(made));
        ::operator delete(made);
    }
    static void operator delete(void*, void*) noexcept {}

    static void undo_all() {
        while (!alone().empty())
            delete *alone().begin();
    }

    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& name;
    }

private:
    static std::set<member*>& alone() {
        thread_local std::set<member*> known;
        return known;
    }
};

/// Something that refers to its own parts, or to those of others, by a plain pointer.
struct team {
    std::vector<member> members;
    std::map<std::string, member> others;
    std::vector<std::unique_ptr<member>> guests;
    const member* leader = nullptr;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& members& others& guests& leader;
    }
};

/// Something that is made with what it needs, and moved to its place afterwards: no pointer finds what is in it.
class cabin {
public:
    explicit cabin(int number) : number_(number) {}
    member guest;

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& guest;
    }
    template <class Archive>
    friend void save_construct_data(Archive& archive, const cabin* object, const unsigned int) {
        archive << object->number_;
    }
    template <class Archive>
    friend void load_construct_data(Archive& archive, cabin* object, const unsigned int) {
        int number = 0;
        archive >> number;
        ::new (object) cabin(number);
    }

    int number_;
};

using any_object =
    std::variant<team, std::optional<team>, std::shared_ptr<node>, std::weak_ptr<node>,
                 std::map<int, std::shared_ptr<node>>, std::optional<std::shared_ptr<const samples::person>>,
                 std::unique_ptr<samples::person>, samples::person, std::vector<samples::person>,
                 std::pair<samples::person, std::shared_ptr<samples::person>>, std::unique_ptr<samples::shape>,
                 std::shared_ptr<samples::shape>, std::unique_ptr<samples::circle>,
                 std::vector<std::shared_ptr<samples::group>>, samples::circle, samples::list_node,
                 std::unique_ptr<samples::list_node>, std::unique_ptr<std::string>, samples::everything,
                 std::vector<cabin>, std::optional<cabin>, std::map<int, cabin>, std::pair<cabin, member>>;

using any_objects = std::vector<any_object>;

} // namespace procpool::fuzz

#endif
