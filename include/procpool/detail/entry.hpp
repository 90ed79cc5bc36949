// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_ENTRY_HPP
#define PROCPOOL_DETAIL_ENTRY_HPP

#include <procpool/core/pool_core.hpp>
#include <procpool/detail/callable.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/encoder.hpp>
#include <procpool/worker/call.hpp>

#include <cstdint>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

// What runs in a worker. The pool names an instance of these by its place in the program.

namespace procpool::detail {

/// The name by which workers know a function that has an address; 0 for any other callable.
template <class F>
std::uint64_t function_name([[maybe_unused]] const F& function) {
    if constexpr (travels_as_address<F>)
        return core::function_entry(reinterpret_cast<const void*>(function));
    else
        return 0;
}

/// Writes what has to cross of a function object that has a state.
template <class F>
void encode_function(serialization::encoder& out, [[maybe_unused]] const F& function) {
    if constexpr (!travels_as_address<F> && !travels_as_type<F>)
        out(function);
}

template <class F>
F decode_function(serialization::decoder& in, worker::call& made) {
    if constexpr (travels_as_address<F>)
        return reinterpret_cast<F>(const_cast<void*>(made.function()));
    else if constexpr (travels_as_type<F>)
        return F{};
    else
        return in.get<F>();
}

template <class F, class R, class... P, class Tuple, std::size_t... I>
decltype(auto) apply_arrived(F& function, type_list<P...>, Tuple& arguments, std::index_sequence<I...>) {
    return std::invoke(function, arrive<P>(std::get<I>(arguments))...);
}

/// One call: the function, then its arguments.
template <class F, class R, class Parameters, class Travelled>
struct call_entry;

template <class F, class R, class... P, class... T>
struct call_entry<F, R, type_list<P...>, type_list<T...>> {
    static void run(worker::call& made) {
        serialization::decoder in(made.arguments());
        F function = decode_function<F>(in, made);
        std::tuple<T...> arguments{in.get<T>()...};
        in.finish();
        made.enter(task_phase::running);
        if constexpr (std::is_void_v<R>) {
            apply_arrived<F, R>(function, type_list<P...>{}, arguments, std::index_sequence_for<T...>{});
            made.enter(task_phase::encoding);
        } else {
            const returned_t<R> result =
                apply_arrived<F, R>(function, type_list<P...>{}, arguments, std::index_sequence_for<T...>{});
            made.enter(task_phase::encoding);
            serialization::encoder out(made.result());
            out(result);
        }
    }
};

/// A chunk of a batch: the function, then the arguments of one call after the other.
template <class F, class R, class Parameters, class Travelled>
struct chunk_entry;

template <class F, class R, class... P, class... T>
struct chunk_entry<F, R, type_list<P...>, type_list<T...>> {
    static void run(worker::call& made) {
        serialization::decoder in(made.arguments());
        serialization::encoder out(made.result());
        F function = decode_function<F>(in, made);
        for (std::uint32_t item = 0; item != made.items(); ++item) {
            made.enter(task_phase::decoding);
            std::tuple<T...> arguments{in.get<T>()...};
            made.enter(task_phase::running);
            if constexpr (std::is_void_v<R>) {
                apply_arrived<F, R>(function, type_list<P...>{}, arguments, std::index_sequence_for<T...>{});
            } else {
                const returned_t<R> result =
                    apply_arrived<F, R>(function, type_list<P...>{}, arguments, std::index_sequence_for<T...>{});
                made.enter(task_phase::encoding);
                out(result);
            }
        }
        in.finish();
    }
};

/// The name by which workers know an entry, found once.
template <class Entry>
std::uint64_t entry_name() {
    static const std::uint64_t name = core::function_entry(reinterpret_cast<const void*>(&Entry::run));
    return name;
}

/// Encodes one argument as the type that it travels as.
template <class T, class Argument>
void encode_argument(serialization::encoder& out, Argument&& argument) {
    if constexpr (std::is_same_v<std::remove_cvref_t<Argument>, T>) {
        out(argument);
    } else {
        const T converted(std::forward<Argument>(argument));
        out(converted);
    }
}

} // namespace procpool::detail

#endif
