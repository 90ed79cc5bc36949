# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

"""Runs every contender on the same work, in turn, several rounds; see scripts/bench.

Each contender is a process that keeps its pool and does nothing until it is asked: a line of a work's name and a number,
which it answers with a number of seconds. In every round each row is gone through once by all of its contenders, so that
all see the same machine; a ratio is the median of the rounds' ratios.
"""

import argparse
import json
import os
import pathlib
import platform
import select
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTENDERS = ROOT / "bench" / "contenders"
PYTHON = ["/usr/bin/python3"]
NODE = ["node"]


def contenders(build):
    """name -> command, kind."""
    return {
        "procpool": ([build / "bench" / "bench_procpool_pool"], "own"),
        "the machine": ([build / "bench" / "bench_limits"], "limit"),
        "multiprocessing.Pool": (PYTHON + [CONTENDERS / "multiprocessing_pool.py"], "python"),
        "ProcessPoolExecutor": (PYTHON + [CONTENDERS / "executor.py"], "python"),
        "loky": (PYTHON + [CONTENDERS / "loky_executor.py"], "python"),
        "pebble": (PYTHON + [CONTENDERS / "pebble_pool.py"], "python"),
        "mpi4py.futures": (PYTHON + [CONTENDERS / "mpi4py_executor.py"], "python"),
        "jest-worker": (NODE + [CONTENDERS / "jest_worker.mjs"], "node"),
        "workerpool": (NODE + [CONTENDERS / "workerpool_pool.mjs"], "node"),
        "tinypool": (NODE + [CONTENDERS / "tinypool_pool.mjs"], "node"),
    }


MIB = 1 << 20
PATIENCE = 60
PYTHONS = ["multiprocessing.Pool", "ProcessPoolExecutor", "loky", "pebble", "mpi4py.futures"]
NODES = ["jest-worker", "workerpool", "tinypool"]


class Row:
    """One kind of work: who does it under which name and how much of it, and what is to be reached.

    unit "tasks/s" and "GB/s" are rates, of which more is better; "us" and "ms" are times, of which less is.
    targets: (whom to compare with, ratio procpool / other for rates and times alike, "at least" or "at most").
    """

    def __init__(self, key, title, unit, runs, targets):
        self.key, self.title, self.unit, self.runs, self.targets = key, title, unit, runs, targets

    def value(self, seconds, count):
        return {
            "tasks/s": lambda: count / seconds,
            "GB/s": lambda: count / seconds / 1e9,
            "us": lambda: seconds * 1e6,
            "ms": lambda: seconds * 1e3,
        }[self.unit]()


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
            "64 MiB as argument",
            "GB/s",
            {"procpool": ("argument", 64 * MIB), "the machine": ("copy", 64 * MIB), **peers("argument", 64 * MIB, PYTHONS + NODES)},
            [("the machine", 0.45, "at least"), ("best of Python", 5, "at least")],
        ),
        Row(
            "result",
            "64 MiB as result",
            "GB/s",
            {"procpool": ("result", 64 * MIB), "the machine": ("copy", 64 * MIB), **peers("result", 64 * MIB, PYTHONS + NODES)},
            [("the machine", 0.45, "at least"), ("best of Python", 5, "at least")],
        ),
        Row(
            "start",
            "pool of 2 made, first result",
            "ms",
            {"procpool": ("start", 1), "the machine": ("spawn", 1)},
            [("the machine", 3, "at most")],
        ),
        Row("ping_pong", "a pipe's ping-pong, blocking, median", "us", {"the machine": ("ping_pong", 1_000)}, []),
        Row("pipelined", "messages through a pipe, 512 on the way", "tasks/s", {"the machine": ("pipelined", 100_000)}, []),
    ]


class Contender:
    def __init__(self, name, command, kind):
        self.name, self.kind, self.missing = name, kind, None
        environment = dict(os.environ, BENCH_NODE_MODULES=str(ROOT / "build" / "peers" / "node_modules"))
        # Open MPI counts its own process against the cores, and is afraid of the superuser.
        environment.update(
            OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"
        )
        try:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if kind == "node" else subprocess.PIPE,
                text=True,
                env=environment,
                start_new_session=True,
            )
            if self.answer() != "ready":
                self.fail()
            self.pause()
        except OSError as error:
            self.missing = str(error)

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    # Some do not sleep while they have nothing to do.
    def pause(self):
        if self.kind in ("python", "node") and not self.missing:
            self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def answer(self):
        """A line; an empty one if none comes within the patience of a minute."""
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        return self.process.stdout.readline().strip() if ready else ""

    def fail(self):
        self.missing = f"no answer within {PATIENCE} s"
        if self.process.poll() is not None and self.process.stderr:
            lines = self.process.stderr.read().strip().splitlines()
            self.missing = lines[-1] if lines else "it ended without a word"
        self.signal(signal.SIGKILL)
        self.process.wait()

    def measure(self, work, count):
        """Seconds, or None if it cannot."""
        if self.missing:
            return None
        self.go_on()
        try:
            self.process.stdin.write(f"{work} {count}\n")
            self.process.stdin.flush()
            return float(self.answer())
        except (ValueError, OSError):
            self.fail()
            print(f"{self.name} failed at {work}: {self.missing}", file=sys.stderr)
            return None
        finally:
            self.pause()

    def end(self):
        if self.missing:
            return
        self.go_on()
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait()


def best_of(values, names):
    present = [name for name in names if name in values]
    return max(present, key=lambda name: statistics.median(values[name])) if present else None


def run(all_contenders, all_rows, rounds, scale):
    """row -> contender -> a value per round."""
    values = {row.key: {} for row in all_rows}
    for round_number in range(rounds + 1):  # the first one only warms up
        for row in all_rows:
            names = list(row.runs)
            shift = round_number % len(names)
            for name in names[shift:] + names[:shift]:
                work, count = row.runs[name]
                if row.unit == "tasks/s":
                    count = max(100, int(count * scale))
                seconds = all_contenders[name].measure(work, count)
                if seconds is not None and round_number:
                    values[row.key].setdefault(name, []).append(row.value(seconds, count))
        print(f"round {round_number} of {rounds}", file=sys.stderr)
    return values


def ratios(row, values):
    """For each target: with whom, the ratio, and whether it is reached."""
    found = []
    for other, wanted, sense in row.targets:
        name = {
            "best of Node": lambda: best_of(values, NODES),
            "best of Python": lambda: best_of(values, PYTHONS),
        }.get(other, lambda: other)()
        if name not in values or "procpool" not in values:
            found.append({"with": other, "ratio": None, "wanted": f"{sense} {wanted}", "reached": None})
            continue
        ratio = statistics.median(own / theirs for own, theirs in zip(values["procpool"], values[name]))
        reached = ratio >= wanted if sense == "at least" else ratio <= wanted
        shown = other if name == other else f"{other} ({name})"
        found.append({"with": shown, "ratio": ratio, "wanted": f"{sense} {wanted}", "reached": reached})
    return found


def figure(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(all_rows, values, missing):
    lines = ["| work | contender | median | least to most | procpool / it | wanted |", "|---|---|---|---|---|---|"]
    for row in all_rows:
        targets = {one["with"].split(" (")[0]: one for one in ratios(row, values[row.key])}
        for name, found in values[row.key].items():
            spread = f"{figure(min(found))} to {figure(max(found))}"
            ratio = wanted = ""
            if name != "procpool" and "procpool" in values[row.key]:
                own = values[row.key]["procpool"]
                ratio = figure(statistics.median(a / b for a, b in zip(own, found)))
            if name in targets:
                one = targets[name]
                wanted = f"{one['wanted']}: {'reached' if one['reached'] else 'not reached'}"
            lines.append(f"| {row.title} | {name} | {figure(statistics.median(found))} {row.unit} | {spread} | {ratio} | {wanted} |")
        for other, one in targets.items():
            if other.startswith("best") and one["ratio"] is not None:
                reached = "reached" if one["reached"] else "not reached"
                lines.append(f"| {row.title} | {one['with']} | | | {figure(one['ratio'])} | {one['wanted']}: {reached} |")
    for name, why in missing.items():
        lines.append(f"\nMissing: {name}: {why}")
    return "\n".join(lines)


def plot(all_rows, values, folder):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "procpool"
    from matplotlib import pyplot

    for row in all_rows:
        found = values[row.key]
        if len(found) < 2:
            continue
        names = sorted(found, key=lambda name: statistics.median(found[name]))
        medians = [statistics.median(found[name]) for name in names]
        errors = [
            [middle - min(found[name]) for name, middle in zip(names, medians)],
            [max(found[name]) - middle for name, middle in zip(names, medians)],
        ]
        picture, axes = pyplot.subplots(figsize=(8, 0.5 + 0.45 * len(names)), layout="constrained")
        colours = ["#1f77b4" if name == "procpool" else "#999999" for name in names]
        axes.barh(names, medians, xerr=errors, color=colours, ecolor="#444444", capsize=2)
        if max(medians) > 20 * min(medians):
            axes.set_xscale("log")
        axes.set_title(row.title)
        axes.set_xlabel(row.unit)
        picture.savefig(folder / f"{row.key}.svg", metadata={"Date": None})
        pyplot.close(picture)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the work is done, where it is many tasks")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT / "doc" / "performance")
    arguments = parser.parse_args()

    all_rows = rows()
    all_contenders = {name: Contender(name, *rest) for name, rest in contenders(arguments.build).items()}
    try:
        values = run(all_contenders, all_rows, arguments.rounds, arguments.scale)
    finally:
        for one in all_contenders.values():
            one.end()
    missing = {name: one.missing for name, one in all_contenders.items() if one.missing}

    arguments.into.mkdir(parents=True, exist_ok=True)
    text = table(all_rows, values, missing)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    (arguments.into / "table.md").write_text(
        f"{machine}; {arguments.rounds} rounds; {time.strftime('%Y-%m-%d')}\n\n{text}\n"
    )
    report = {
        "machine": machine,
        "rounds": arguments.rounds,
        "missing": missing,
        "rows": [
            {
                "key": row.key,
                "title": row.title,
                "unit": row.unit,
                "values": values[row.key],
                "targets": ratios(row, values[row.key]),
            }
            for row in all_rows
        ],
    }
    (arguments.into / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(all_rows, values, arguments.into)
    print(text)


main()
