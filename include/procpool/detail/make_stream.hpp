// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#ifndef PROCPOOL_DETAIL_MAKE_STREAM_HPP
#define PROCPOOL_DETAIL_MAKE_STREAM_HPP

#include <procpool/detail/prepare.hpp>
#include <procpool/detail/stream_flow.hpp>
#include <procpool/result_stream.hpp>

#include <exception>
#include <memory>
#include <ranges>
#include <utility>

namespace procpool::detail {

template <class F, class Range>
auto make_stream(const std::shared_ptr<core::pool_core>& pool, F&& f, Range&& inputs, batch_options options,
                 bool in_order) {
    static_assert(std::ranges::input_range<Range>, "procpool: imap wants a range of arguments");
    static_assert(std::ranges::viewable_range<Range>, "procpool: imap wants a range that can be kept: move it in");
    using view = std::views::all_t<Range>;
    using call = element_call<F, std::ranges::range_reference_t<view>>;
    if constexpr (call::possible) {
        using R = item_result_t<call>;
        using input = range_input<call, typename call::function, view>;
        flow_call named;
        std::unique_ptr<stream_input> reading;
        std::exception_ptr error;
        try {
            named = name_call<entry_for<settled_entry, call>>(f);
            reading = std::make_unique<input>(f, std::views::all(std::forward<Range>(inputs)));
        } catch (...) {
            error = std::current_exception();
        }
        auto flow = std::make_shared<stream_flow<R>>(pool, named, options, in_order, std::move(reading));
        flow->start(std::move(error));
        return result_stream<stream_value<R>>(std::move(flow));
    }
}

} // namespace procpool::detail

#endif
