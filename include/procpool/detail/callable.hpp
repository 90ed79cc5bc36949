// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_CALLABLE_HPP
#define PROCPOOL_DETAIL_CALLABLE_HPP

#include <procpool/serialization/carriable.hpp>

#include <string>
#include <string_view>
#include <type_traits>

// What crosses to the worker for a call of some function: which types its arguments travel as, and what comes back.

namespace procpool::detail {

template <class... T>
struct type_list {};

/// The type as which a value of this type travels: by value, and text as a string.
template <class T>
struct travelling {
    using type = std::decay_t<T>;
};
template <class Char>
requires std::is_same_v < std::remove_const_t<Char>,
char > struct travelling<Char*> { using type = std::string; };
template <class Char, class Traits>
struct travelling<std::basic_string_view<Char, Traits>> {
    using type = std::basic_string<Char, Traits>;
};
template <class T>
using travelling_t = typename travelling<std::decay_t<T>>::type;

/// The parameters of a function, where they can be known without knowing the arguments.
template <class F>
struct parameters_of {
    static constexpr bool known = false;
};
template <class R, class... P>
struct parameters_of<R (*)(P...)> {
    static constexpr bool known = true;
    using list = type_list<P...>;
};
template <class R, class... P>
struct parameters_of<R (*)(P...) noexcept> : parameters_of<R (*)(P...)> {};

template <class Member>
struct parameters_of_member {
    static constexpr bool known = false;
};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...)> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) const> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) noexcept> : parameters_of<R (*)(P...)> {};
template <class R, class C, class... P>
struct parameters_of_member<R (C::*)(P...) const noexcept> : parameters_of<R (*)(P...)> {};

template <class F>
requires requires {
    &F::operator();
}
struct parameters_of<F> : parameters_of_member<decltype(&F::operator())> {};

/// A parameter through which the function would write to its caller's object.
template <class P>
inline constexpr bool writes_through = (std::is_lvalue_reference_v<P> &&
                                        !std::is_const_v<std::remove_reference_t<P>>) ||
                                       std::is_same_v<std::remove_cvref_t<P>, char*>;

/// Hands an argument that travelled to the function's parameter.
template <class P, class T>
decltype(auto) arrive(T& value) {
    using plain = std::decay_t<P>;
    if constexpr (std::is_same_v<plain, const char*>)
        return value.c_str();
    else if constexpr (std::is_lvalue_reference_v<P>)
        return static_cast<const T&>(value);
    else
        return static_cast<T&&>(value);
}

/// How a call of F with arguments of these types travels.
template <class F, class Arguments, bool Known = parameters_of<F>::known>
struct call_shape;

// The parameters are known: arguments become what the function takes before they travel.
template <class F, class... Arguments>
struct call_shape<F, type_list<Arguments...>, true> {
    template <class List>
    struct with;
    template <class... P>
    struct with<type_list<P...>> {
        static constexpr bool right_number = sizeof...(P) == sizeof...(Arguments);
        static constexpr bool no_writing = !(writes_through<P> || ...);
        using parameters = type_list<P...>;
        using travelled = type_list<travelling_t<P>...>;
        using result = std::invoke_result_t<F&, P...>;
    };
    using shape = with<typename parameters_of<F>::list>;
};

// Overloaded or generic: the arguments travel as they are.
template <class F, class... Arguments>
struct call_shape<F, type_list<Arguments...>, false> {
    struct shape {
        static constexpr bool right_number = std::is_invocable_v<F&, travelling_t<Arguments>...>;
        static constexpr bool no_writing = true;
        using parameters = type_list<travelling_t<Arguments>...>;
        using travelled = parameters;
        using result = typename std::conditional_t<right_number, std::invoke_result<F&, travelling_t<Arguments>...>,
                                                   std::type_identity<void>>::type;
    };
};

/// What crosses of the function itself: nothing, if its type says all.
template <class F>
inline constexpr bool travels_as_type = std::is_empty_v<F>&& std::is_default_constructible_v<F>;
template <class F>
inline constexpr bool travels_as_address = std::is_pointer_v<F>&& std::is_function_v<std::remove_pointer_t<F>>;

template <class F>
consteval bool check_function() {
    static_assert(!std::is_member_pointer_v<F>,
                  "procpool: a pointer to a member cannot be submitted; pass a captureless lambda that calls it");
    if constexpr (travels_as_type<F> || travels_as_address<F> || std::is_member_pointer_v<F>)
        return !std::is_member_pointer_v<F>;
    else
        return serialization::check_carriable<F>();
}

template <class List>
struct all_carriable;
template <class... T>
struct all_carriable<type_list<T...>> {
    static consteval bool check() { return (serialization::check_carriable<T>() && ...); }
};

template <class R>
consteval bool check_result() {
    if constexpr (std::is_void_v<R>)
        return true;
    else
        return serialization::check_carriable<std::decay_t<R>>();
}

/// What the caller gets for a function's result.
template <class R>
using returned_t = std::decay_t<R>;

} // namespace procpool::detail

#endif
