# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

"""Those who are compared by scripts/bench: processes that do a work when they are asked to."""

import os
import pathlib
import select
import signal
import subprocess
import sys
import time

from rows import LARGE

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTENDERS = ROOT / "bench" / "contenders"
PYTHON = ["/usr/bin/python3"]
NODE = ["node"]
# One that asks and two that work. Open MPI counts its own process against the cores, and never sleeps.
MPI = ["mpiexec", "--oversubscribe", "--allow-run-as-root", "--mca", "mpi_yield_when_idle", "1", "-n", "3"]
PATIENCE = 60


def contenders(build):
    """name -> command, kind."""
    own = build / "bench" / "bench_procpool_pool"
    return {
        "procpool": ([own], "own"),
        LARGE: ([own, "1024"], "own"),
        "the machine": ([build / "bench" / "bench_limits"], "limit"),
        "multiprocessing.Pool": (PYTHON + [CONTENDERS / "multiprocessing_pool.py"], "python"),
        "ProcessPoolExecutor": (PYTHON + [CONTENDERS / "executor.py"], "python"),
        "loky": (PYTHON + [CONTENDERS / "loky_executor.py"], "python"),
        "pebble": (PYTHON + [CONTENDERS / "pebble_pool.py"], "python"),
        "mpi4py.futures": (MPI + PYTHON + ["-m", "mpi4py.futures", CONTENDERS / "mpi4py_executor.py"], "python"),
        "jest-worker": (NODE + [CONTENDERS / "jest_worker.mjs"], "node"),
        "workerpool": (NODE + [CONTENDERS / "workerpool_pool.mjs"], "node"),
        "tinypool": (NODE + [CONTENDERS / "tinypool_pool.mjs"], "node"),
    }


def family(of):
    """A process and all that it started, and what those did."""
    children = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [of]
    for one in found:
        found += children.get(one, [])
    return found


class Contender:
    def __init__(self, name, command, kind):
        self.name, self.kind, self.missing = name, kind, None
        environment = dict(os.environ, BENCH_NODE_MODULES=str(ROOT / "build" / "peers" / "node_modules"))
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
        for one in family(self.process.pid):
            try:
                os.kill(one, number)
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


def compile_one(name):
    """Seconds to compile a file of bench/compile_time as the release build would."""
    source = ROOT / "bench" / "compile_time" / f"{name}.cpp"
    command = ["c++", "-std=c++20", "-O3", "-DNDEBUG", "-I", ROOT / "include", "-c", source, "-o", os.devnull]
    begin = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - begin
