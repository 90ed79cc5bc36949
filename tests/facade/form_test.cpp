// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// The forms that functions and their parameters may have.

#include <facade/support.hpp>

#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>

#include <functional>
#include <memory>
#include <string_view>
#include <tuple>
#include <vector>

#include <unistd.h>

namespace forms {

int free_function(int value) {
    return value + 1;
}

int free_noexcept(int value) noexcept {
    return value + 2;
}

static int internal_function(int value) {
    return value + 3;
}

inline int inline_function(int value) {
    return value + 4;
}

template <class T>
T function_template(T value) {
    return value + T(5);
}

int overloaded(int) {
    return 1;
}
int overloaded(const std::string&) {
    return 2;
}

struct with_members {
    static int static_member(int value) { return value + 6; }
};

int default_argument(int left, int right = 10) {
    return left + right;
}

/// A function object without a state.
struct stateless {
    int operator()(int value) const { return value + 7; }
};

struct stateless_mutable {
    int operator()(int value) { return value + 8; }
};

struct overloaded_object {
    int operator()(int) const { return 1; }
    int operator()(const std::string&) const { return 2; }
    int operator()(int, int) const { return 3; }
};

/// A function object with a state, which travels.
class adder {
public:
    adder() = default;
    explicit adder(int addend) : addend_(addend) {}
    int operator()(int value) const { return value + addend_; }

    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& addend_;
    }

private:
    int addend_ = 0;
};

struct prefixer {
    std::string prefix;
    template <class T>
    std::string operator()(const T& value) {
        return prefix + std::to_string(value);
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& prefix;
    }
};

struct move_only_object {
    std::unique_ptr<int> addend;
    int operator()(int value) const { return value + *addend; }
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& addend;
    }
};

double half(double value) {
    return value / 2;
}

std::string by_value(std::string text) {
    text += " by value";
    return text;
}

std::string by_const_reference(const std::string& text) {
    return text + " by reference";
}

std::string by_rvalue_reference(std::string&& text) {
    std::string own = std::move(text);
    return own + " by rvalue";
}

std::string by_view(std::string_view text) {
    return std::string(text) + " by view";
}

std::string by_pointer(const char* text) {
    return std::string(text) + " by pointer";
}

std::string by_const_value(const std::string text) { // NOLINT: that is its point
    return text + " by constant value";
}

std::string file_name(const std::filesystem::path& path) {
    return path.filename().string();
}

std::size_t length(const std::vector<std::string>& texts) {
    std::size_t sum = 0;
    for (const auto& one : texts)
        sum += one.size();
    return sum;
}

int of_pointer(std::unique_ptr<int> value) {
    return *value;
}

bool is_true(bool value) {
    return value;
}

using ten =
    std::tuple<int, long, char, bool, double, std::string, std::vector<int>, unsigned short, float, std::string>;

ten of_ten(int a, long b, char c, bool d, double e, const std::string& f, std::vector<int> g, unsigned short h, float i,
           std::string_view j) {
    return {a + 1, b + 1, static_cast<char>(c + 1), !d, e + 1, f + "!", std::move(g), h, i, std::string(j)};
}

int of_nothing() {
    return 42;
}

void give_nothing(int) {
}

const std::string& give_reference() {
    static const std::string text = "kept in the worker";
    return text;
}

const std::string give_constant() { // NOLINT: that is its point
    return "constant";
}

} // namespace forms

namespace {

using namespace procpool::testing;
using procpool::process_pool;

int in_unnamed_namespace(int value) {
    return value + 9;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(function_form, one_worker)

BOOST_AUTO_TEST_CASE(may_be_any_kind_of_free_function) {
    BOOST_TEST(run(context, pool.submit(forms::free_function, 1)) == 2);
    BOOST_TEST(run(context, pool.submit(&forms::free_function, 1)) == 2);
    BOOST_TEST(run(context, pool.submit(forms::free_noexcept, 1)) == 3);
    BOOST_TEST(run(context, pool.submit(forms::internal_function, 1)) == 4);
    BOOST_TEST(run(context, pool.submit(forms::inline_function, 1)) == 5);
    BOOST_TEST(run(context, pool.submit(forms::function_template<int>, 1)) == 6);
    BOOST_TEST(run(context, pool.submit(forms::function_template<double>, 1.5)) == 6.5);
    BOOST_TEST(run(context, pool.submit(forms::with_members::static_member, 1)) == 7);
    BOOST_TEST(run(context, pool.submit(in_unnamed_namespace, 1)) == 10);
    BOOST_TEST(run(context, pool.submit(static_cast<int (*)(int)>(forms::overloaded), 1)) == 1);
    BOOST_TEST(run(context, pool.submit(static_cast<int (*)(const std::string&)>(forms::overloaded), "a")) == 2);
    BOOST_TEST(run(context, pool.submit(forms::default_argument, 1, 2)) == 3);
}

BOOST_AUTO_TEST_CASE(may_be_chosen_at_run_time) {
    std::vector<int> results;
    for (int (*const function)(int) : {&forms::free_function, &forms::internal_function, &in_unnamed_namespace})
        results.push_back(run(context, pool.submit(function, 0)));
    BOOST_TEST(results == (std::vector{1, 3, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(may_be_a_function_of_the_standard_library) {
    BOOST_TEST(run(context, pool.submit(&::abs, -3)) == 3);
    BOOST_TEST(run(context, pool.submit(&::getppid)) == ::getpid());
}

BOOST_AUTO_TEST_CASE(may_be_a_lambda_without_captures) {
    BOOST_TEST(run(context, pool.submit([](int value) { return value * 2; }, 4)) == 8);
    BOOST_TEST(run(context, pool.submit([](int value) noexcept { return value * 3; }, 4)) == 12);
    BOOST_TEST(run(context, pool.submit([](int value) mutable { return value * 4; }, 4)) == 16);
    BOOST_TEST(run(context, pool.submit([] { return 7; })) == 7);
    run(context, pool.submit([] {}));
    const auto named = [](const std::string& text) { return text.size(); };
    BOOST_TEST(run(context, pool.submit(named, "four")) == 4u);
    BOOST_TEST(run(context, pool.submit(
                                +[](int value) { return value; }, 1)) == 1); // as a pointer
    static const int constant = 5;                                           // needs no capture
    BOOST_TEST(run(context, pool.submit([](int value) { return value + constant; }, 1)) == 6);
}

BOOST_AUTO_TEST_CASE(may_be_a_generic_lambda) {
    const auto sum = [](const auto&... values) { return (values + ...); };
    BOOST_TEST(run(context, pool.submit(sum, 1, 2, 3)) == 6);
    BOOST_TEST(run(context, pool.submit(sum, 1, 2.5)) == 3.5);
    BOOST_TEST(run(context, pool.submit(sum, std::string("a"), std::string("b"))) == "ab");
    BOOST_TEST(run(context, pool.submit([](auto text) { return text.size(); }, "four")) == 4u); // travels as a string
    BOOST_TEST(run(context, pool.submit([]<class T>(std::vector<T> v) { return v.size(); }, std::vector{1, 2})) == 2u);
}

BOOST_AUTO_TEST_CASE(may_be_an_object_without_a_state) {
    BOOST_TEST(run(context, pool.submit(forms::stateless{}, 1)) == 8);
    BOOST_TEST(run(context, pool.submit(forms::stateless_mutable{}, 1)) == 9);
    BOOST_TEST(run(context, pool.submit(forms::overloaded_object{}, 1)) == 1);
    BOOST_TEST(run(context, pool.submit(forms::overloaded_object{}, std::string("1"))) == 2);
    BOOST_TEST(run(context, pool.submit(forms::overloaded_object{}, "1")) == 2);
    BOOST_TEST(run(context, pool.submit(forms::overloaded_object{}, 1, 1)) == 3);
    BOOST_TEST(run(context, pool.submit(std::plus<>{}, 1, 2)) == 3);
    BOOST_TEST(run(context, pool.submit(std::plus<int>{}, 1, 2)) == 3);
    BOOST_TEST(run(context, pool.submit(std::hash<std::string>{}, "text")) == std::hash<std::string>{}("text"));
}

BOOST_AUTO_TEST_CASE(may_be_an_object_whose_state_travels) {
    BOOST_TEST(run(context, pool.submit(forms::adder(10), 1)) == 11);
    const forms::adder constant(20);
    BOOST_TEST(run(context, pool.submit(constant, 1)) == 21);
    BOOST_TEST(run(context, pool.submit(forms::prefixer{"number "}, 7)) == "number 7");
    BOOST_TEST(run(context, pool.submit(forms::prefixer{"number "}, 7L)) == "number 7");
    BOOST_TEST(run(context, pool.map(forms::adder(10), std::vector{1, 2})) == (std::vector{11, 12}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(may_be_an_object_that_can_only_be_moved) {
    BOOST_TEST(run(context, pool.submit(forms::move_only_object{std::make_unique<int>(30)}, 1)) == 31);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(parameter_form, one_worker)

BOOST_AUTO_TEST_CASE(arguments_convert_to_the_functions_own_parameter_types) {
    BOOST_TEST(run(context, pool.submit(forms::half, 5)) == 2.5);
    BOOST_TEST(run(context, pool.submit(forms::half, 5u)) == 2.5);
    BOOST_TEST(run(context, pool.submit(forms::half, 5.0f)) == 2.5);
    BOOST_TEST(run(context, pool.submit(forms::free_function, 'a')) == 'a' + 1);
    BOOST_TEST(run(context, pool.submit(forms::free_function, true)) == 2);
    BOOST_TEST(run(context, pool.submit(forms::file_name, "folder/file.txt")) == "file.txt");
    BOOST_TEST(run(context, pool.submit(forms::file_name, std::string("folder/file.txt"))) == "file.txt");
    BOOST_TEST(run(context, pool.submit([](double value) { return value / 2; }, 5)) == 2.5); // of a lambda too
    BOOST_TEST(run(context, pool.submit(std::divides<double>{}, 5, 2)) == 2.5);
    BOOST_TEST(run(context, pool.submit(forms::is_true, 7)));
}

BOOST_AUTO_TEST_CASE(text_travels_as_a_string_whatever_it_was) {
    char array[] = "text";
    const char constant_array[] = "text";
    const char* const pointer = constant_array;
    const std::string_view view(pointer, 4);
    const std::string text = "text";
    {
        const auto function = &forms::by_const_reference;
        BOOST_TEST(run(context, pool.submit(function, array)) == "text by reference");
        BOOST_TEST(run(context, pool.submit(function, constant_array)) == "text by reference");
        BOOST_TEST(run(context, pool.submit(function, pointer)) == "text by reference");
        BOOST_TEST(run(context, pool.submit(function, view)) == "text by reference");
        BOOST_TEST(run(context, pool.submit(function, text)) == "text by reference");
        BOOST_TEST(run(context, pool.submit(function, std::string("text"))) == "text by reference");
    }
    BOOST_TEST(run(context, pool.submit(forms::by_view, array)) == "text by view");
    BOOST_TEST(run(context, pool.submit(forms::by_view, pointer)) == "text by view");
    BOOST_TEST(run(context, pool.submit(forms::by_view, view)) == "text by view");
    BOOST_TEST(run(context, pool.submit(forms::by_view, text)) == "text by view");
    BOOST_TEST(run(context, pool.submit(forms::by_pointer, array)) == "text by pointer");
    BOOST_TEST(run(context, pool.submit(forms::by_pointer, pointer)) == "text by pointer");
    BOOST_TEST(run(context, pool.submit(forms::by_pointer, text)) == "text by pointer");
    BOOST_TEST(run(context, pool.submit(forms::by_pointer, view)) == "text by pointer");
    BOOST_TEST(run(context, pool.submit([](const auto& any) { return any + "!"; }, "text")) == "text!");
    BOOST_TEST(run(context, pool.submit([](const auto& any) { return any + "!"; }, view)) == "text!");
    const std::string with_zeros("a\0b", 3);
    BOOST_TEST(run(context, pool.submit(forms::by_view, with_zeros)).size() == 3u + 8u);
}

BOOST_AUTO_TEST_CASE(parameters_may_be_by_value_by_reference_and_by_rvalue) {
    std::string text = "text";
    BOOST_TEST(run(context, pool.submit(forms::by_value, text)) == "text by value");
    BOOST_TEST(run(context, pool.submit(forms::by_const_reference, text)) == "text by reference");
    BOOST_TEST(run(context, pool.submit(forms::by_rvalue_reference, text)) == "text by rvalue");
    BOOST_TEST(run(context, pool.submit(forms::by_const_value, text)) == "text by constant value");
    BOOST_TEST(text == "text"); // the functions got copies
    BOOST_TEST(run(context, pool.submit(forms::by_rvalue_reference, std::move(text))) == "text by rvalue");
    BOOST_TEST(run(context, pool.submit(forms::of_pointer, std::make_unique<int>(5))) == 5);
    BOOST_TEST(run(context, pool.submit(forms::length, std::vector<std::string>{"one", "three"})) == 8u);
}

BOOST_AUTO_TEST_CASE(there_may_be_ten_parameters_or_none) {
    const forms::ten result = run(context, pool.submit(forms::of_ten, 1, 2, 'c', true, 1.5, "text", std::vector{1, 2},
                                                       static_cast<unsigned short>(7), 2.5f, std::string_view("view")));
    BOOST_TEST((result == forms::ten{2, 3, 'd', false, 2.5, "text!", {1, 2}, 7, 2.5f, "view"}));
    BOOST_TEST(run(context, pool.submit(forms::of_nothing)) == 42);
}

BOOST_AUTO_TEST_CASE(results_may_be_nothing_references_or_constant) {
    run(context, pool.submit(forms::give_nothing, 1));
    BOOST_TEST(run(context, pool.submit(forms::give_reference)) == "kept in the worker");
    BOOST_TEST(run(context, pool.submit(forms::give_constant)) == "constant");
    static_assert(std::is_same_v<decltype(pool.submit(forms::give_nothing, 1)), procpool::submission<void>>);
    static_assert(std::is_same_v<decltype(pool.submit(forms::give_reference)), procpool::submission<std::string>>);
    static_assert(std::is_same_v<decltype(pool.submit(forms::give_constant)), procpool::submission<std::string>>);
}

BOOST_AUTO_TEST_CASE(a_null_text_makes_the_operation_fail_and_not_the_program) {
    const char* const nothing = nullptr;
    BOOST_TEST(bool(run_to_error(context, pool.submit(forms::by_pointer, nothing))));
    BOOST_TEST(bool(run_to_error(context, pool.submit(forms::by_const_reference, nothing))));
    BOOST_TEST(run(context, pool.submit(forms::of_nothing)) == 42);
}

BOOST_AUTO_TEST_CASE(a_null_function_makes_the_operation_fail_and_not_the_program) {
    int (*const nothing)(int) = nullptr;
    BOOST_TEST(bool(run_to_error(context, pool.submit(nothing, 1))));
    BOOST_TEST(run(context, pool.submit(forms::of_nothing)) == 42);
}

BOOST_AUTO_TEST_SUITE_END()
