// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_PREPARE_HPP
#define PROCPOOL_DETAIL_PREPARE_HPP

#include <procpool/detail/batch.hpp>
#include <procpool/detail/entry.hpp>
#include <procpool/submission.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

// From a function and its arguments to bytes, with everything checked that can be checked before.

namespace procpool::detail {

template <class Argument, class T>
inline constexpr bool becomes =
    std::is_convertible_v<Argument, T> || std::is_same_v<travelling_t<std::remove_cvref_t<Argument>>, T>;

template <class Travelled, class... Arguments>
inline constexpr bool all_become = false;
template <class... T, class... Arguments>
requires(sizeof...(T) == sizeof...(Arguments)) inline constexpr bool all_become<type_list<T...>, Arguments...> =
    (becomes<Arguments, T> && ...);

/// Stops the compilation with one sentence if a call cannot be made in another process. Whether it can.
template <class F, class... Arguments>
consteval bool check_call() {
    using shape = typename call_shape<F, type_list<Arguments...>>::shape;
    static_assert(shape::right_number, "procpool: the function cannot be called with these arguments");
    static_assert(shape::no_writing,
                  "procpool: the function takes a reference to write through, but its arguments are copies in another "
                  "process; return the result instead");
    if constexpr (!check_function<F>() || !shape::right_number || !shape::no_writing) {
        return false;
    } else if constexpr (!all_carriable<typename shape::travelled>::check() ||
                         !check_result<typename shape::result>()) {
        return false;
    } else {
        constexpr bool convertible = all_become<typename shape::travelled, Arguments...>;
        static_assert(convertible, "procpool: an argument does not convert to the type of the function's parameter");
        return convertible;
    }
}

template <class... T, class... Arguments>
void encode_arguments(serialization::encoder& out, type_list<T...>, Arguments&&... arguments) {
    (encode_argument<T>(out, std::forward<Arguments>(arguments)), ...);
}

template <class F, class... Arguments>
struct single_call {
    using function = std::decay_t<F>;
    static constexpr bool possible = check_call<function, Arguments...>();
    using shape = typename call_shape<function, type_list<Arguments...>>::shape;
    using result = typename shape::result;
    using entry = call_entry<function, result, typename shape::parameters, typename shape::travelled>;
};

/// A call in encoded form. What goes wrong with that is in its `error`.
template <class F, class... Arguments>
core::encoded_call encode_call(F&& f, Arguments&&... arguments) {
    core::encoded_call call;
    using made = single_call<F, Arguments...>;
    if constexpr (made::possible) {
        try {
            call.entry = entry_name<typename made::entry>();
            call.function = function_name(f);
            wire::payload_builder bytes(&core::memory_for_arguments());
            serialization::encoder out(bytes);
            encode_function(out, f);
            encode_arguments(out, typename made::shape::travelled{}, std::forward<Arguments>(arguments)...);
            call.arguments = bytes.finish();
        } catch (...) {
            call.error = std::current_exception();
        }
    }
    return call;
}

template <class F, class... Arguments>
auto prepare_call(const std::shared_ptr<core::pool_core>& pool, F&& f, Arguments&&... arguments) {
    using made = single_call<F, Arguments...>;
    if constexpr (made::possible)
        return submission<returned_t<typename made::result>>(
            pool, encode_call(std::forward<F>(f), std::forward<Arguments>(arguments)...));
}

// Batches and streams ------------------------------------------------------------------------------------------------

/// The calls of a function for the elements of a range: each element is the one argument.
template <class F, class Element>
struct element_call {
    using function = std::decay_t<F>;
    static constexpr bool possible = check_call<function, Element>();
    using shape = typename call_shape<function, type_list<Element>>::shape;
    static void encode(serialization::encoder& out, Element&& one) {
        encode_arguments(out, typename shape::travelled{}, std::forward<Element>(one));
    }
};

template <class T>
concept tuple_like = requires {
    std::tuple_size<std::remove_cvref_t<T>>::value;
};

/// The same, where each element is a tuple of arguments.
template <class F, class Tuple, class Indices>
struct tuple_call_of;
template <class F, class Tuple, std::size_t... I>
struct tuple_call_of<F, Tuple, std::index_sequence<I...>> {
    using function = std::decay_t<F>;
    template <std::size_t Index>
    using argument = decltype(std::get<Index>(std::declval<Tuple>()));
    static constexpr bool possible = check_call<function, argument<I>...>();
    using shape = typename call_shape<function, type_list<argument<I>...>>::shape;
    static void encode(serialization::encoder& out, Tuple&& one) {
        encode_arguments(out, typename shape::travelled{}, std::get<I>(std::forward<Tuple>(one))...);
    }
};
template <class F, class Tuple>
struct tuple_call : tuple_call_of<F, Tuple, std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<Tuple>>>> {};

/// How a function of an entry's kind is named and encoded.
template <class Entry, class F>
flow_call name_call(const F& f) {
    return {entry_name<Entry>(), function_name(f), false};
}

template <class F>
wire::payload encode_before(const F& f) {
    wire::payload_builder bytes;
    serialization::encoder out(bytes);
    encode_function(out, f);
    return bytes.finish();
}

/// Whether a range's memory is what its items travel as.
template <class Call, class Range>
inline constexpr bool travels_as_it_is = false;
template <class F, class Element, class Range>
requires std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
    serialization::detail::bitwise<std::remove_cvref_t<Element>> &&
    std::is_same_v<typename element_call<F, Element>::shape::travelled, type_list<std::remove_cvref_t<Element>>>
inline constexpr bool travels_as_it_is<element_call<F, Element>, Range> = true;

/// Reads a whole range.
template <class Call, class Range>
std::shared_ptr<encoded_items> encode_range(wire::payload before, Range&& inputs) {
    auto items = std::make_shared<encoded_items>(std::move(before));
    wire::payload_builder bytes(&core::memory_for_arguments());
    serialization::encoder out(bytes);
    if constexpr (travels_as_it_is<Call, std::remove_cvref_t<Range>>) {
        const std::size_t size = sizeof(std::ranges::range_value_t<Range>);
        items->items_of(size, std::ranges::size(inputs));
        out.bytes(std::ranges::data(inputs), size * std::ranges::size(inputs));
    } else {
        for (auto&& element : inputs) {
            Call::encode(out, std::forward<decltype(element)>(element));
            items->item_ends(bytes.size());
        }
    }
    items->bytes(bytes.finish());
    return items;
}

/// A batch ready to be started, whose flow is of type `Flow`.
template <class Call, class Entry, class Result, class Flow, class F, class Range>
auto prepare_batch(const std::shared_ptr<core::pool_core>& pool, const F& f, Range&& inputs, batch_options options) {
    prepared_batch batch{{}, options, std::make_shared<encoded_items>(), nullptr};
    try {
        batch.call = name_call<Entry>(f);
        batch.items = encode_range<Call>(encode_before(f), std::forward<Range>(inputs));
    } catch (...) {
        batch.error = std::current_exception();
    }
    auto make = [](const std::shared_ptr<core::pool_core>& with, const prepared_batch& prepared,
                   std::unique_ptr<core::task_terms> terms, receiver_ptr<Result> waiting) {
        return std::make_shared<Flow>(with, prepared, std::move(terms), std::move(waiting));
    };
    return submission<Result>(
        std::make_unique<batch_source<Result, decltype(make)>>(pool, std::move(batch), std::move(make)));
}

template <template <class, class, class, class> class Entry, class Call>
using entry_for = Entry<typename Call::function, typename Call::shape::result, typename Call::shape::parameters,
                        typename Call::shape::travelled>;

template <class Call>
using item_result_t = returned_t<typename Call::shape::result>;

template <class Call, class F, class Range>
auto prepare_map_of(const std::shared_ptr<core::pool_core>& pool, const F& f, Range&& inputs, batch_options options) {
    if constexpr (Call::possible) {
        using R = item_result_t<Call>;
        constexpr bool fits = std::is_void_v<R> || std::is_default_constructible_v<R>;
        static_assert(fits,
                      "procpool: the result type of a map needs a default constructor, for results come in any order; "
                      "map_settled and imap do without");
        if constexpr (fits)
            return prepare_batch<Call, entry_for<chunk_entry, Call>, map_result<R>, map_flow<R>>(
                pool, f, std::forward<Range>(inputs), options);
    }
}

template <class F, class Range>
auto prepare_map(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& inputs, batch_options options) {
    static_assert(std::ranges::input_range<Range>, "procpool: map wants a range of arguments");
    return prepare_map_of<element_call<F, std::ranges::range_reference_t<Range>>>(pool, f, std::forward<Range>(inputs),
                                                                                  options);
}

template <class F, class Range>
auto prepare_starmap(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& tuples, batch_options options) {
    static_assert(std::ranges::input_range<Range>, "procpool: starmap wants a range of tuples of arguments");
    using element = std::ranges::range_reference_t<Range>;
    static_assert(tuple_like<element>,
                  "procpool: starmap wants a range of tuples, pairs or arrays; map takes single arguments");
    if constexpr (tuple_like<element>)
        return prepare_map_of<tuple_call<F, element>>(pool, f, std::forward<Range>(tuples), options);
}

template <class F, class Range>
auto prepare_settled(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& inputs, batch_options options) {
    static_assert(std::ranges::input_range<Range>, "procpool: map_settled wants a range of arguments");
    using call = element_call<F, std::ranges::range_reference_t<Range>>;
    if constexpr (call::possible) {
        using R = item_result_t<call>;
        return prepare_batch<call, entry_for<settled_entry, call>, std::vector<outcome<R>>, settled_flow<R>>(
            pool, f, std::forward<Range>(inputs), options);
    }
}

/// Stops the compilation with one sentence if values cannot be reduced so. Whether they can.
template <class T, class Op, class R>
consteval bool check_reduction() {
    constexpr bool convertible = !std::is_void_v<R> && std::is_constructible_v<T, R>;
    static_assert(convertible, "procpool: map_reduce wants a function whose results convert to the type of `init`");
    constexpr bool combines = std::is_invocable_r_v<T, Op&, T, T>;
    static_assert(combines,
                  "procpool: map_reduce wants an operation that makes one value of the type of `init` of two");
    if constexpr (convertible && combines)
        return check_function<Op>() && serialization::check_carriable<T>();
    else
        return false;
}

template <class F, class Range, class T, class Op>
auto prepare_reduce(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& inputs, T init, Op combine,
                    batch_options options) {
    static_assert(std::ranges::input_range<Range>, "procpool: map_reduce wants a range of arguments");
    using call = element_call<F, std::ranges::range_reference_t<Range>>;
    if constexpr (call::possible) {
        using shape = typename call::shape;
        if constexpr (check_reduction<T, Op, typename shape::result>()) {
            using entry = reduce_entry<typename call::function, typename shape::result, Op, T,
                                       typename shape::parameters, typename shape::travelled>;
            prepared_batch batch{{}, options, std::make_shared<encoded_items>(), nullptr};
            try {
                batch.call = name_call<entry>(f);
                batch.call.joint_result = true;
                wire::payload_builder before;
                serialization::encoder out(before);
                encode_function(out, f);
                encode_named_function(out, combine);
                batch.items = encode_range<call>(before.finish(), std::forward<Range>(inputs));
            } catch (...) {
                batch.error = std::current_exception();
            }
            auto make = [init = std::move(init), combine = std::move(combine)](
                            const std::shared_ptr<core::pool_core>& with, const prepared_batch& prepared,
                            std::unique_ptr<core::task_terms> terms, receiver_ptr<T> waiting) mutable {
                return std::make_shared<reduce_flow<T, Op>>(with, prepared, std::move(terms), std::move(waiting),
                                                            std::move(init), std::move(combine));
            };
            return submission<T>(
                std::make_unique<batch_source<T, decltype(make)>>(pool, std::move(batch), std::move(make)));
        }
    }
}

} // namespace procpool::detail

#endif
