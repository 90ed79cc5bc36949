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
import statistics
import sys
import time

from contender import ROOT, Contender, compile_one, contenders
from report import plot, plot_scales, ratios, table
from rows import rows, scales


def run(all_contenders, all_rows, rounds, scale):
    """row -> contender -> a value per round."""
    values = {row.key: {} for row in all_rows}
    for round_number in range(rounds + 1):  # the first one only warms up
        for row in all_rows:
            if row.rounds and (round_number == 0 or round_number > row.rounds):
                continue
            names = list(row.runs)
            shift = round_number % len(names)
            for name in names[shift:] + names[:shift]:
                work, count = row.runs[name]
                if row.unit == "tasks/s":
                    count = max(100, int(count * scale))
                if row.key == "compile":
                    answers = [compile_one(work)]
                else:
                    times = min(row.times, rounds) if round_number else 1
                    answers = [all_contenders[name].measure(work, count) for _ in range(times)]
                if None not in answers and round_number:
                    values[row.key].setdefault(name, []).append(row.value(statistics.median(answers), count))
        print(f"round {round_number} of {rounds}", file=sys.stderr)
    return values


def run_scales(build, all_scales, rounds, scale):
    """scale -> point -> contender -> nanoseconds per task, one for each round.

    Each in a process of its own: what one leaves behind is not counted to the next, and giving gigabytes back takes long.
    """
    commands = contenders(build)
    values = {one.key: {} for one in all_scales}
    for round_number in range(rounds):
        for one in all_scales:
            for point in one.points:
                if one.tasks(point) > 10_000_000 * scale:
                    continue
                found = values[one.key].setdefault(point, {})
                names = list(one.runs)
                shift = round_number % len(names)
                for name in names[shift:] + names[:shift]:
                    contender = Contender(name, *commands[name])
                    seconds = contender.measure(one.runs[name], point)
                    contender.end()
                    if seconds is not None:
                        found.setdefault(name, []).append(one.nanoseconds(seconds, point))
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the work is done, where it is many tasks")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT / "doc" / "performance")
    arguments = parser.parse_args()

    all_rows = rows()
    all_scales = scales()
    all_contenders = {name: Contender(name, *rest) for name, rest in contenders(arguments.build).items()}
    try:
        values = run(all_contenders, all_rows, arguments.rounds, arguments.scale)
        scale_rounds = (arguments.rounds + 1) // 2
        scale_values = run_scales(arguments.build, all_scales, scale_rounds, arguments.scale)
    finally:
        for one in all_contenders.values():
            one.end()
    missing = {name: one.missing for name, one in all_contenders.items() if one.missing}

    arguments.into.mkdir(parents=True, exist_ok=True)
    text = table(all_rows, values, all_scales, scale_values, missing)
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
        "scales": [
            {"key": one.key, "title": one.title, "ns_per_task": scale_values[one.key]} for one in all_scales
        ],
    }
    (arguments.into / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(all_rows, values, arguments.into)
    plot_scales(all_scales, scale_values, arguments.into)
    print(text)


main()
