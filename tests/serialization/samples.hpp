// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_TESTS_SERIALIZATION_SAMPLES_HPP
#define PROCPOOL_TESTS_SERIALIZATION_SAMPLES_HPP

// Classes as users of Boost.Serialization write them, for several of the tests.

#include <procpool/serialization/serialization.hpp>

#include <boost/serialization/access.hpp>
#include <boost/serialization/assume_abstract.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/split_free.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/weak_ptr.hpp>

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace samples {

enum class colour : std::uint8_t { red, green, blue };
enum class yes_no : bool { no, yes };

/// Copied as its bytes, without a serialize.
struct point {
    int x = 0;
    int y = 0;
    auto operator<=>(const point&) const = default;
};

/// The usual: a public serialize.
struct person {
    std::string name;
    int age = 0;
    std::vector<std::string> tags;
    bool operator==(const person&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& name& age& tags;
    }
};

/// A private serialize and default constructor, for a friend.
class account {
public:
    explicit account(long balance) : balance_(balance) {}
    bool operator==(const account&) const = default;

private:
    friend class boost::serialization::access;
    account() = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& BOOST_SERIALIZATION_NVP(balance_);
    }
    long balance_ = 0;
};

/// Nothing to say.
struct nothing {
    bool operator==(const nothing&) const = default;
    template <class Archive>
    void serialize(Archive&, unsigned int) {}
};

struct tree {
    int value = 0;
    std::vector<tree> children;
    bool operator==(const tree&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value& children;
    }
};

/// A free serialize in the class's own namespace.
struct rectangle {
    point corner, size;
    bool operator==(const rectangle&) const = default;
};
template <class Archive>
void serialize(Archive& archive, rectangle& object, const unsigned int) {
    archive& object.corner& object.size;
}

/// Free save and load in Boost's namespace, see below.
struct celsius {
    double degrees = 0;
    bool operator==(const celsius&) const = default;
};

/// save and load as members.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) : text_(std::move(text)) {}
    bool operator==(const secret&) const = default;

private:
    friend class boost::serialization::access;
    template <class Archive>
    void save(Archive& archive, unsigned int version) const {
        static_assert(Archive::is_saving::value && !Archive::is_loading::value);
        std::string reversed(text_.rbegin(), text_.rend());
        archive << reversed << version;
    }
    template <class Archive>
    void load(Archive& archive, unsigned int version) {
        static_assert(Archive::is_loading::value && !Archive::is_saving::value);
        std::string reversed;
        unsigned int written = 0;
        archive >> reversed >> written;
        text_.assign(reversed.rbegin(), reversed.rend());
        if (written != version)
            text_ += " of another version";
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
    std::string text_;
};

/// Without a default constructor: made by load_construct_data, below.
class temperature_log {
public:
    explicit temperature_log(std::string place) : place_(std::move(place)) {}
    const std::string& place() const { return place_; }
    std::vector<celsius> values;
    bool operator==(const temperature_log&) const = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& values;
    }

private:
    std::string place_;
};

struct list_node {
    int value = 0;
    std::unique_ptr<list_node> next;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value& next;
    }
};

struct shared_node {
    int value = 0;
    std::vector<std::shared_ptr<shared_node>> links;
    std::weak_ptr<shared_node> parent;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& value& links& parent;
    }
};

/// A base class with exported derived classes.
class shape {
public:
    virtual ~shape() = default;
    virtual double area() const = 0;
    std::string name;

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& name;
    }
};

class circle : public shape {
public:
    double radius = 0;
    double area() const override { return 3 * radius * radius; }

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& boost::serialization::base_object<shape>(*this);
        archive& radius;
    }
};

class group : public shape {
public:
    std::vector<std::unique_ptr<shape>> parts;
    double area() const override {
        double sum = 0;
        for (const auto& part : parts)
            sum += part->area();
        return sum;
    }

private:
    friend class boost::serialization::access;
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& BOOST_SERIALIZATION_BASE_OBJECT_NVP(shape);
        archive& parts;
    }
};

/// Of everything a little.
struct everything {
    person someone;
    account money{0};
    std::map<std::string, tree> trees;
    std::variant<std::monostate, secret, rectangle> choice;
    std::optional<celsius> warmth;
    std::pair<colour, bool> pair{};
    std::shared_ptr<shape> figure;
    int numbers[3] = {};
    template <class Archive>
    void serialize(Archive& archive, unsigned int) {
        archive& someone& money& trees& choice& warmth& pair& figure& numbers;
    }
};

} // namespace samples

BOOST_IS_BITWISE_SERIALIZABLE(samples::point)
BOOST_SERIALIZATION_ASSUME_ABSTRACT(samples::shape)
BOOST_CLASS_VERSION(samples::secret, 7)
BOOST_SERIALIZATION_SPLIT_FREE(samples::celsius)
BOOST_CLASS_EXPORT_KEY(samples::circle)
BOOST_CLASS_EXPORT_KEY(samples::group)

namespace boost::serialization {

template <class Archive>
void save(Archive& archive, const samples::celsius& object, const unsigned int) {
    archive << object.degrees;
}
template <class Archive>
void load(Archive& archive, samples::celsius& object, const unsigned int) {
    archive >> object.degrees;
}

template <class Archive>
void save_construct_data(Archive& archive, const samples::temperature_log* object, const unsigned int) {
    archive << object->place();
}
template <class Archive>
void load_construct_data(Archive& archive, samples::temperature_log* object, const unsigned int) {
    std::string place;
    archive >> place;
    ::new (object) samples::temperature_log(std::move(place));
}

} // namespace boost::serialization

#endif
