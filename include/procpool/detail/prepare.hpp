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
auto prepare_call(const std::shared_ptr<core::pool_core>& pool, F&& f, Arguments&&... arguments) {
    using function = std::decay_t<F>;
    if constexpr (check_call<function, Arguments...>()) {
        using shape = typename call_shape<function, type_list<Arguments...>>::shape;
        using result = typename shape::result;
        using entry = call_entry<function, result, typename shape::parameters, typename shape::travelled>;
        prepared_call call;
        try {
            call.entry = entry_name<entry>();
            call.function = function_name(f);
            wire::payload_builder bytes;
            serialization::encoder out(bytes);
            encode_function(out, f);
            encode_arguments(out, typename shape::travelled{}, std::forward<Arguments>(arguments)...);
            call.arguments = bytes.finish();
        } catch (...) {
            call.error = std::current_exception();
        }
        return submission<returned_t<result>>(pool, std::move(call));
    }
}

/// How many elements a range has, or 0 if only going through it would tell.
template <class Range>
std::size_t expected_items(Range& range) {
    if constexpr (std::ranges::sized_range<Range>)
        return static_cast<std::size_t>(std::ranges::size(range));
    else if constexpr (std::ranges::forward_range<Range>)
        return static_cast<std::size_t>(std::ranges::distance(range));
    else
        return 0;
}

/// A batch of calls; `encode_item(out, element)` writes one call's arguments.
template <class Shape, class F, class Range, class EncodeItem>
auto prepare_batch(const std::shared_ptr<core::pool_core>& pool, const F& f, Range&& inputs, batch_options options,
                   EncodeItem encode_item) {
    using result = typename Shape::result;
    using entry = chunk_entry<F, result, typename Shape::parameters, typename Shape::travelled>;
    prepared_batch batch;
    try {
        batch.entry = entry_name<entry>();
        batch.function = function_name(f);
        {
            wire::payload_builder bytes;
            serialization::encoder out(bytes);
            encode_function(out, f);
            batch.shared = bytes.finish();
        }
        chunk_cutter cutter(options.chunk_size, expected_items(inputs), pool->workers());
        wire::payload_builder bytes;
        serialization::encoder out(bytes);
        for (auto&& element : inputs) {
            encode_item(out, std::forward<decltype(element)>(element));
            cutter.item_ends(bytes.size());
        }
        batch.items = cutter.items();
        batch.chunks = cutter.finish();
        batch.bytes = bytes.finish();
    } catch (...) {
        batch.chunks.clear();
        batch.error = std::current_exception();
    }
    return submission<batch_result_t<returned_t<result>>>(
        std::make_unique<batch_source<returned_t<result>>>(pool, std::move(batch)));
}

template <class F, class Range>
auto prepare_map(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& inputs, batch_options options) {
    using function = std::decay_t<F>;
    static_assert(std::ranges::input_range<Range>, "procpool: map wants a range of arguments");
    using element = std::ranges::range_reference_t<Range>;
    if constexpr (check_call<function, element>()) {
        using shape = typename call_shape<function, type_list<element>>::shape;
        return prepare_batch<shape>(
            pool, f, std::forward<Range>(inputs), options, [](serialization::encoder& out, auto&& one) {
                encode_arguments(out, typename shape::travelled{}, std::forward<decltype(one)>(one));
            });
    }
}

template <class F, class Tuple, class Indices>
struct starmap_call;
template <class F, class Tuple, std::size_t... I>
struct starmap_call<F, Tuple, std::index_sequence<I...>> {
    template <std::size_t Index>
    using argument = decltype(std::get<Index>(std::declval<Tuple>()));
    using shape = typename call_shape<F, type_list<argument<I>...>>::shape;
    static consteval bool check() { return check_call<F, argument<I>...>(); }
    static void encode(serialization::encoder& out, Tuple&& one) {
        encode_arguments(out, typename shape::travelled{}, std::get<I>(std::forward<Tuple>(one))...);
    }
};

template <class T>
concept tuple_like = requires {
    std::tuple_size<std::remove_cvref_t<T>>::value;
};

template <class F, class Range>
auto prepare_starmap(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& tuples, batch_options options) {
    using function = std::decay_t<F>;
    static_assert(std::ranges::input_range<Range>, "procpool: starmap wants a range of tuples of arguments");
    using element = std::ranges::range_reference_t<Range>;
    static_assert(tuple_like<element>,
                  "procpool: starmap wants a range of tuples, pairs or arrays; map takes single arguments");
    if constexpr (tuple_like<element>) {
        constexpr std::size_t size = std::tuple_size_v<std::remove_cvref_t<element>>;
        using call = starmap_call<function, element, std::make_index_sequence<size>>;
        if constexpr (call::check()) {
            return prepare_batch<typename call::shape>(
                pool, f, std::forward<Range>(tuples), options,
                [](serialization::encoder& out, element&& one) { call::encode(out, std::forward<element>(one)); });
        }
    }
}

} // namespace procpool::detail

#endif
