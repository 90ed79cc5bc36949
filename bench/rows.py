# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

"""What scripts/bench measures, and what is to be reached."""

MIB = 1 << 20
GIB = 1 << 30
PYTHONS = ["multiprocessing.Pool", "ProcessPoolExecutor", "loky", "pebble", "mpi4py.futures"]
NODES = ["jest-worker", "workerpool", "tinypool"]
ITSELF = "the figure"
LARGE = "procpool, 1 GiB resident"
COMPILER = "co_spawn"


class Row:
    """One kind of work: who does it under which name and how much of it, and what is to be reached.

    unit "tasks/s" and "GB/s" are rates, of which more is better; of all others less is.
    targets: (whom to compare with, ratio procpool / other for rates and times alike, "at least" or "at most");
    with ITSELF, the figure is compared and not a ratio.
    rounds: no more than so many. times: one after the other in each round, but no more than there are rounds; the median counts.
    """

    def __init__(self, key, title, unit, runs, targets, rounds=None, times=1):
        self.key, self.title, self.unit, self.runs, self.targets = key, title, unit, runs, targets
        self.rounds, self.times = rounds, times

    def value(self, answer, count):
        """From what a contender answers, which is a number of seconds where the unit is one of time or a rate."""
        return {
            "tasks/s": lambda: count / answer,
            "GB/s": lambda: count / answer / 1e9,
            "us": lambda: answer * 1e6,
            "ms": lambda: answer * 1e3,
        }.get(self.unit, lambda: answer)()


def peers(work, count, names):
    return {name: (work, count) for name in names}


def rows():
    many = 1_000_000
    return [
        Row(
            "submit",
            "submit int(int), all at once, 2 workers",
            "tasks/s",
            {
                "procpool": ("submit", many),
                "the machine": ("post", many),
                **peers("submit", 10_000, PYTHONS[:2]),
                **peers("submit", 3_000, PYTHONS[2:] + NODES),
            },
            [("the machine", 1.2, "at least"), ("multiprocessing.Pool", 40, "at least"), ("best of Node", 80, "at least")],
        ),
        Row(
            "awaited",
            "the same awaited from 256 coroutines",
            "tasks/s",
            {"procpool": ("awaited", 200_000), "the machine": ("post", many)},
            [("the machine", 0.4, "at least")],
        ),
        Row(
            "latency",
            "one at a time, median",
            "us",
            {
                "procpool": ("latency", 1_000),
                "the machine": ("coroutine_ping_pong", 1_000),
                **peers("latency", 300, PYTHONS + NODES),
            },
            [("the machine", 1.15, "at most")],
        ),
        Row(
            "latency_spinning",
            "one at a time, median, with spin of 50 us",
            "us",
            {"procpool": ("latency_spinning", 1_000), "the machine": ("coroutine_ping_pong", 1_000)},
            [("the machine", 0.3, "at most")],
        ),
        Row(
            "map",
            "map of 10 million ints",
            "tasks/s",
            {
                "procpool": ("map", 10_000_000),
                "multiprocessing.Pool": ("map", 2_000_000),
                **peers("map", 500_000, PYTHONS[1:]),
            },
            [("multiprocessing.Pool", 15, "at least")],
        ),
        Row(
            "argument",
            "64 MiB as argument, one after another",
            "GB/s",
            {"procpool": ("argument", 64 * MIB), "the machine": ("copy", 64 * MIB), **peers("argument", 64 * MIB, PYTHONS + NODES)},
            [("the machine", 0.45, "at least"), ("best of Python", 5, "at least")],
            times=5,  # whose memory was last in the cache matters less then
        ),
        Row(
            "result",
            "64 MiB as result, one after another",
            "GB/s",
            {"procpool": ("result", 64 * MIB), "the machine": ("copy", 64 * MIB), **peers("result", 64 * MIB, PYTHONS + NODES)},
            [("the machine", 0.45, "at least"), ("best of Python", 5, "at least")],
            times=5,  # whose memory was last in the cache matters less then
        ),
        Row(
            "start",
            "pool of 2 made, first result",
            "ms",
            {"procpool": ("start", 1), LARGE: ("start", 1), "the machine": ("spawn", 1)},
            [("the machine", 3, "at most"), (LARGE, 0.8, "at least")],
        ),
        Row(
            "respawn",
            "a worker killed, its replacement ready; start_method::spawn",
            "ms",
            {"procpool": ("respawn", 20), LARGE: ("respawn", 20), "the machine": ("spawn", 1)},
            [],
        ),
        Row(
            "respawn_forkserver",
            "a worker killed, its replacement ready; start_method::forkserver",
            "ms",
            {"procpool": ("respawn_forkserver", 20), LARGE: ("respawn_forkserver", 20), "the machine": ("spawn", 1)},
            [(ITSELF, 1, "at most"), (LARGE, 0.8, "at least")],
        ),
        Row(
            "shared_with_worker",
            "shared_buffer of 1 GiB, until a worker has looked into it",
            "ms",
            {"procpool": ("shared_with_worker", GIB)},
            [(ITSELF, 1, "at most")],
            rounds=3,
        ),
        Row(
            "shared_by_worker",
            "shared_buffer of 1 GiB filled by a worker, until the program has looked into it",
            "ms",
            {"procpool": ("shared_by_worker", GIB)},
            [(ITSELF, 1, "at most")],
            rounds=3,
        ),
        Row(
            "waiting",
            "a million tasks waiting, each beside its argument of 4 bytes",
            "bytes",
            {"procpool": ("waiting", 1_000_000)},
            [(ITSELF, 256, "at most")],
            rounds=3,
        ),
        Row(
            "idle",
            "a pool of 2 idle for 10 s",
            "context switches",
            {"procpool": ("idle", 10)},
            [(ITSELF, 0, "at most")],
            rounds=1,
        ),
        Row(
            "compile",
            "compiling a file with one submit, and with one co_spawn",
            "s",
            {"procpool": ("one_submit", 1), COMPILER: ("one_co_spawn", 1)},
            [(COMPILER, 1.5, "at most")],
            rounds=3,
        ),
        Row("ping_pong", "a pipe's ping-pong, blocking, median", "us", {"the machine": ("ping_pong", 1_000)}, []),
        Row("pipelined", "messages through a pipe, 512 on the way", "tasks/s", {"the machine": ("pipelined", 100_000)}, []),
    ]


class Scale:
    """How the cost of a task changes with how many there are, or how many workers.

    tasks: how many tasks there are at a point. runs: who does them under which name, given the point; they answer with the
    seconds that all of the tasks took.
    """

    def __init__(self, key, title, points, tasks, runs, wanted):
        self.key, self.title, self.points, self.tasks, self.runs, self.wanted = key, title, points, tasks, runs, wanted

    def nanoseconds(self, seconds, point):
        return seconds * 1e9 / self.tasks(point)


def scales():
    million = 1_000_000
    return [
        Scale(
            "tasks",
            "so many tasks at once, 2 workers",
            [10**n for n in range(3, 8)],
            lambda point: point,
            {"procpool": "tasks", "the machine": "posts"},
            1.25,
        ),
        Scale(
            "workers",
            "a million tasks at once, so many workers",
            [2**n for n in range(9)],
            lambda _: million,
            {"procpool": "workers"},
            1.25,
        ),
    ]
