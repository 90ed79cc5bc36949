// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_ENTRY_HPP
#define PROCPOOL_DETAIL_ENTRY_HPP

#include <procpool/core/pool_core.hpp>
#include <procpool/detail/callable.hpp>
#include <procpool/serialization/decoder.hpp>
#include <procpool/serialization/encoder.hpp>
#include <procpool/serialization/exceptions.hpp>
#include <procpool/worker/call.hpp>

#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <optional>
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

/// The same for a function besides the one that is called: if it has an address, its name travels with the arguments.
template <class F>
void encode_named_function(serialization::encoder& out, const F& function) {
    if constexpr (travels_as_address<F>)
        out.raw(core::function_entry(reinterpret_cast<const void*>(function)));
    else
        encode_function(out, function);
}

template <class F>
F decode_named_function(serialization::decoder& in, worker::call& made) {
    if constexpr (travels_as_address<F>) {
        std::uint64_t name = 0;
        in.raw(name);
        return reinterpret_cast<F>(const_cast<void*>(made.function(name)));
    } else {
        return decode_function<F>(in, made);
    }
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
        serialization::decoder in(made.arguments(), made.attached());
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

/// Reads one item's arguments and makes the call.
template <class F, class R, class... P, class... T>
decltype(auto) call_next(worker::call& made, serialization::decoder& in, F& function, type_list<P...> parameters,
                         type_list<T...>) {
    made.enter(task_phase::decoding);
    std::tuple<T...> arguments{in.get<T>()...};
    made.enter(task_phase::running);
    return apply_arrived<F, R>(function, parameters, arguments, std::index_sequence_for<T...>{});
}

/// A chunk of a batch: the function, then the arguments of one call after the other. Ends with the first item that throws.
template <class F, class R, class Parameters, class Travelled>
struct chunk_entry {
    static void run(worker::call& made) {
        serialization::decoder in(made.arguments(), made.attached());
        serialization::encoder out(made.result());
        F function = decode_function<F>(in, made);
        while (made.next_item()) {
            if constexpr (std::is_void_v<R>) {
                call_next<F, R>(made, in, function, Parameters{}, Travelled{});
            } else {
                const returned_t<R> result = call_next<F, R>(made, in, function, Parameters{}, Travelled{});
                made.enter(task_phase::encoding);
                out(result);
            }
        }
    }
};

/// Writes a result with its size in front, so that the one behind it is found even if this one cannot be decoded. One that is
/// only copied always can.
template <class R>
void encode_with_size(wire::payload_builder& to, serialization::encoder& out, const R& result) {
    if constexpr (serialization::detail::bitwise<R>) {
        out(result);
    } else {
        out.raw(std::uint32_t{0}); // no message is larger than that can say
        const std::size_t before = to.size();
        out(result);
        const auto size = static_cast<std::uint32_t>(to.size() - before);
        std::memcpy(to.data() + before - sizeof size, &size, sizeof size);
    }
}

/// A chunk of which each item has an outcome of its own: a result, or an exception.
template <class F, class R, class Parameters, class Travelled>
struct settled_entry;

template <class F, class R, class Parameters, class... T>
struct settled_entry<F, R, Parameters, type_list<T...>> {
    static void run(worker::call& made) {
        serialization::decoder in(made.arguments(), made.attached());
        serialization::encoder out(made.result());
        F function = decode_function<F>(in, made);
        while (made.next_item()) {
            const std::size_t before = made.result().size();
            bool decoded = false;
            try {
                made.enter(task_phase::decoding);
                std::tuple<T...> arguments{in.get<T>()...};
                decoded = true;
                made.enter(task_phase::running);
                if constexpr (std::is_void_v<R>) {
                    apply_arrived<F, R>(function, Parameters{}, arguments, std::index_sequence_for<T...>{});
                    out.boolean(true);
                } else {
                    const returned_t<R> result =
                        apply_arrived<F, R>(function, Parameters{}, arguments, std::index_sequence_for<T...>{});
                    made.enter(task_phase::encoding);
                    out.boolean(true);
                    encode_with_size(made.result(), out, result);
                }
            } catch (...) {
                made.result().truncate(before);
                const wire::payload thrown = serialization::encode_exception(std::current_exception());
                out.boolean(false);
                out.count(thrown.size());
                out.bytes(thrown.data(), thrown.size());
                if (!decoded)
                    made.end_after_this_item(); // where the next one begins is not known
            }
        }
    }
};

/// A chunk whose items' results are reduced to one.
template <class F, class R, class Op, class T, class Parameters, class Travelled>
struct reduce_entry {
    static void run(worker::call& made) {
        serialization::decoder in(made.arguments(), made.attached());
        F function = decode_function<F>(in, made);
        Op combine = decode_named_function<Op>(in, made);
        std::optional<T> all;
        while (made.next_item()) {
            T one(call_next<F, R>(made, in, function, Parameters{}, Travelled{}));
            if (all)
                all.emplace(std::invoke(combine, std::move(*all), std::move(one)));
            else
                all.emplace(std::move(one));
        }
        made.enter(task_phase::encoding);
        serialization::encoder out(made.result());
        if (all)
            out(*all);
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
