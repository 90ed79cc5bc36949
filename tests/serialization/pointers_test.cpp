// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Pointers inside classes: identity, cycles, derived classes.

#include "samples.hpp"
#include "support.hpp"

#include <boost/serialization/scoped_ptr.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

using namespace procpool;
using namespace procpool::testing;
using namespace samples;

namespace {

std::unique_ptr<shape> make_circle(std::string name, double radius) {
    auto made = std::make_unique<circle>();
    made->name = std::move(name);
    made->radius = radius;
    return made;
}

/// Values, and raw pointers that know them: the pointers refer to the values again, wherever these were moved.
struct town {
    std::string name;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& name;
    }
};

template <class Towns>
struct road_map {
    Towns towns;
    std::vector<const town*> capitals;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& towns& capitals;
    }
};

/// Owns by raw pointer, as older code does.
class old_style {
public:
    old_style() = default;
    old_style(const old_style&) = delete;
    old_style& operator=(const old_style&) = delete;
    old_style(old_style&& other) noexcept : first(std::exchange(other.first, nullptr)) {}
    ~old_style() { delete first; }
    person* first = nullptr;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& first;
    }
};

struct virtual_base {
    virtual ~virtual_base() = default;
    int value = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value;
    }
};
struct left : virtual virtual_base {
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<virtual_base>(*this);
    }
};
struct right : virtual virtual_base {
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<virtual_base>(*this);
    }
};
struct bottom : left, right {
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<left>(*this);
        archive& boost::serialization::base_object<right>(*this);
    }
};

/// A polymorphic class made known with register_type instead of an export.
struct animal {
    virtual ~animal() = default;
    int legs = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& legs;
    }
};
struct cat : animal {
    int lives = 9;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<animal>(*this);
        archive& lives;
    }
};
struct zoo {
    std::vector<std::shared_ptr<animal>> animals;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive.template register_type<cat>();
        archive& animals;
    }
};

struct unexported : shape {
    double area() const override { return 0; }
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<shape>(*this);
    }
};

} // namespace

BOOST_CLASS_EXPORT(bottom)

BOOST_AUTO_TEST_SUITE(serialization_pointers)

BOOST_AUTO_TEST_CASE(unique_pointers) {
    BOOST_TEST(round_trip(std::unique_ptr<person>()).get() == nullptr);
    BOOST_TEST(round_trip(std::make_unique<person>(person{"Ada", 36, {}}))->name == "Ada");
    BOOST_TEST(*round_trip(std::make_unique<int>(4)) == 4);
    BOOST_TEST(*round_trip(std::make_unique<std::string>("text")) == "text");
    BOOST_TEST(round_trip(std::make_unique<std::vector<person>>(3))->size() == 3u);
    BOOST_TEST(round_trip(std::make_unique<temperature_log>("Oslo"))->place() == "Oslo");

    std::vector<std::unique_ptr<person>> several;
    for (int i = 0; i != 100; ++i)
        several.push_back(i % 3 ? std::make_unique<person>(person{"x", i, {}}) : nullptr);
    const auto arrived = round_trip(several);
    for (std::size_t i = 0; i != several.size(); ++i)
        BOOST_TEST((arrived[i] ? arrived[i]->age : -1) == (several[i] ? several[i]->age : -1));
}

BOOST_AUTO_TEST_CASE(a_long_list_of_unique_pointers) {
    list_node first;
    list_node* last = &first;
    for (int i = 1; i != 900; ++i) {
        last->next = std::make_unique<list_node>();
        last = last->next.get();
        last->value = i;
    }
    const list_node arrived = round_trip(first);
    int count = 0;
    for (const list_node* node = &arrived; node; node = node->next.get())
        BOOST_TEST(node->value == count++);
    BOOST_TEST(count == 900);
}

BOOST_AUTO_TEST_CASE(what_several_shared_pointers_share_stays_shared) {
    const auto one = std::make_shared<person>(person{"Ada", 36, {}});
    const auto other = std::make_shared<person>(person{"Bob", 5, {}});
    const auto arrived = round_trip(std::vector{one, other, one, std::shared_ptr<person>()});
    BOOST_TEST(arrived[0]->name == "Ada");
    BOOST_TEST(arrived[1]->name == "Bob");
    BOOST_TEST(arrived[0] == arrived[2]);
    BOOST_TEST(arrived[0] != arrived[1]);
    BOOST_TEST(arrived[3] == nullptr);
    BOOST_TEST(arrived[0].use_count() == 2);

    const auto tuple = round_trip(std::tuple(one, std::map<int, std::shared_ptr<const person>>{{1, one}}));
    BOOST_TEST(std::get<0>(tuple) == std::get<1>(tuple).at(1));
}

BOOST_AUTO_TEST_CASE(two_calls_share_nothing) {
    wire::payload_builder builder;
    serialization::encoder encode(builder);
    const auto one = std::make_shared<person>(person{"Ada", 36, {}});
    for (int i = 0; i != 3; ++i) {
        // In the same memory each time, and of a type to which there are pointers.
        const person here{"number", i, {}};
        encode(here);
        encode(one);
    }
    const wire::payload made = builder.finish();
    serialization::decoder decode(made.bytes());
    for (int i = 0; i != 3; ++i) {
        BOOST_TEST(decode.get<person>().age == i);
        const auto arrived = decode.get<std::shared_ptr<person>>();
        BOOST_TEST(arrived->name == "Ada");
        BOOST_TEST(arrived.use_count() == 1);
    }
    decode.finish();
}

BOOST_AUTO_TEST_CASE(cycles) {
    const auto top = std::make_shared<shared_node>();
    top->value = 1;
    for (int i = 0; i != 3; ++i) {
        top->links.push_back(std::make_shared<shared_node>());
        top->links.back()->parent = top;
    }
    const auto arrived = round_trip(top);
    for (const auto& link : arrived->links)
        BOOST_TEST(link->parent.lock() == arrived);
    BOOST_TEST(arrived.use_count() == 1);

    const auto knot = std::make_shared<shared_node>();
    knot->links.push_back(knot);
    const auto other_knot = round_trip(knot);
    BOOST_TEST(other_knot->links.at(0) == other_knot);
    knot->links.clear();
    other_knot->links.clear();
}

BOOST_AUTO_TEST_CASE(pointers_to_bases_carry_the_derived_object) {
    const auto arrived = round_trip(make_circle("c", 2));
    BOOST_TEST(arrived->area() == 12);
    BOOST_TEST(arrived->name == "c");

    auto outer = std::make_unique<group>();
    outer->parts.push_back(make_circle("a", 1));
    outer->parts.push_back(make_circle("b", 2));
    auto inner = std::make_unique<group>();
    inner->parts.push_back(make_circle("c", 3));
    outer->parts.push_back(std::move(inner));
    const std::unique_ptr<shape> whole = std::move(outer);
    BOOST_TEST(round_trip(whole)->area() == whole->area());

    const std::shared_ptr<shape> shared = make_circle("s", 1);
    const auto pair = round_trip(std::pair(shared, std::static_pointer_cast<circle>(shared)));
    BOOST_TEST(pair.first == pair.second);
    BOOST_TEST(pair.second->radius == 1);
}

BOOST_AUTO_TEST_CASE(virtual_bases) {
    const auto value = std::make_shared<bottom>();
    value->value = 5;
    const std::shared_ptr<virtual_base> through_base = value;
    const auto arrived = round_trip(through_base);
    BOOST_TEST(arrived->value == 5);
    BOOST_TEST(dynamic_cast<bottom*>(arrived.get()) != nullptr);
    const auto sides = round_trip(std::pair<std::shared_ptr<left>, std::shared_ptr<right>>(value, value));
    BOOST_TEST(static_cast<virtual_base*>(sides.first.get()) == static_cast<virtual_base*>(sides.second.get()));
}

BOOST_AUTO_TEST_CASE(registered_instead_of_exported) {
    zoo value;
    for (int i = 0; i != 4; ++i)
        value.animals.push_back(i % 2 ? std::make_shared<cat>() : std::make_shared<animal>());
    const zoo arrived = round_trip(value);
    BOOST_TEST(dynamic_cast<cat*>(arrived.animals[0].get()) == nullptr);
    BOOST_TEST(dynamic_cast<cat*>(arrived.animals[3].get())->lives == 9);
}

BOOST_AUTO_TEST_CASE(a_derived_class_that_is_not_exported_cannot_be_sent) {
    const std::unique_ptr<shape> value = std::make_unique<unexported>();
    BOOST_CHECK_EXCEPTION(encoded(value), pool_error, [](const pool_error& error) {
        return error.code() == errc::not_serializable &&
               std::string(error.what()).find("BOOST_CLASS_EXPORT") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(raw_pointers_find_the_values_they_point_to) {
    const auto check = []<class Towns>(Towns towns) {
        road_map<Towns> value{std::move(towns), {}};
        for (const town& one : value.towns)
            value.capitals.push_back(&one);
        const road_map<Towns> arrived = round_trip(value);
        BOOST_TEST(arrived.capitals.size() == value.capitals.size());
        auto at = arrived.capitals.begin();
        for (const town& one : arrived.towns)
            BOOST_TEST(*at++ == &one);
    };
    std::vector<town> towns(500);
    for (std::size_t i = 0; i != towns.size(); ++i)
        towns[i].name = std::to_string(i);
    check(towns);
    check(std::list<town>(towns.begin(), towns.end()));
}

// A map's values are read before they are moved into it.
BOOST_AUTO_TEST_CASE(raw_pointers_find_the_values_of_a_map) {
    const auto check = []<class Towns>(Towns towns) {
        road_map<Towns> value{std::move(towns), {}};
        for (const auto& [number, one] : value.towns)
            value.capitals.push_back(&one);
        const road_map<Towns> arrived = round_trip(value);
        BOOST_TEST(arrived.capitals.size() == 50u);
        for (const town* const capital : arrived.capitals) {
            const auto found = arrived.towns.find(std::stoi(capital->name));
            BOOST_REQUIRE((found != arrived.towns.end()));
            BOOST_TEST(&found->second == capital);
        }
    };
    std::map<int, town> towns;
    for (int i = 0; i != 50; ++i)
        towns[i].name = std::to_string(i);
    check(towns);
    check(std::unordered_map<int, town>(towns.begin(), towns.end()));
}

BOOST_AUTO_TEST_CASE(raw_pointers_that_own) {
    old_style value;
    value.first = new person{"Ada", 36, {}};
    const old_style arrived = round_trip(value);
    BOOST_TEST(arrived.first->name == "Ada");
    BOOST_TEST(round_trip(old_style()).first == nullptr);
}

BOOST_AUTO_TEST_CASE(a_value_after_a_pointer_to_it_is_refused_as_boost_refuses_it) {
    struct wrong_way_round {
        person value;
        person* pointer = &value;
        void serialize(serialization::output_archive& archive, unsigned int) { archive& pointer& value; }
        void serialize(serialization::input_archive&, unsigned int) {}
    };
    BOOST_CHECK_THROW(encoded(wrong_way_round()), pool_error);
}

BOOST_AUTO_TEST_SUITE_END()
