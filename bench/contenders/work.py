# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

"""What the Python contenders have their workers do, and how a contender is asked to do it."""

import sys
import time

MEBIBYTES = 1 << 20
large = None


def plus_one(value):
    return value + 1


def length(value):
    return len(value)


def make(size):
    return b"x" * size


def payload(size):
    global large
    if large is None or len(large) != size:
        large = b"x" * size
    return large


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def median(values):
    return sorted(values)[len(values) // 2]


def one_at_a_time(call, count):
    """The median time of one call, of so many made one after the other."""
    return median([timed(lambda: call(plus_one, 1)) for _ in range(count)])


def works(submit, call, map_all):
    """submit: function, values -> all results; call: function, value -> result; map_all: function, range -> results."""

    def check(results, count):
        if sum(results) != count * (count + 1) // 2:
            sys.exit("a result is wrong")

    def large_argument(size):
        value = payload(size)
        return timed(lambda: call(length, value))

    return {
        "submit": lambda count: timed(lambda: check(submit(plus_one, range(count)), count)),
        "latency": lambda count: one_at_a_time(call, count),
        "map": lambda count: timed(lambda: check(map_all(plus_one, range(count)), count)),
        "argument": large_argument,
        "result": lambda size: timed(lambda: call(make, size)),
    }


def serve(all_works):
    """Reads lines of a work's name and a number, and answers each with a number of seconds."""
    print("ready", flush=True)
    for line in sys.stdin:
        name, count = line.split()
        print(all_works[name](int(count)), flush=True)
