"""Time and memory of `debgen plan` and `debgen matrix`, beside pipdeptree resolving the same distribution itself.

Everything runs one after the other on this machine, with caches of its own that are empty at the start. A target is
judged by the median of the runs; where one is missed, the exit code is 1.

    measured                                                            target
    cold plan: caches empty, the suite's lists and all metadata         at most 0.5 of `pipdeptree from-index`, whose
    are fetched                                                         caches are empty too
    warm plan: the same again                                           at most 1.5 s
    index build: what a new Release costs once its lists are fetched    at most 15 s
    index load: opening it and one query, in a process that runs        at most 0.3 s
    peak memory of debgen, and of the largest process that it starts    at most 500 MB each
    second matrix: a comparison of releases that was made before        at most 2 s

Seconds are those of the wall clock, since users wait for those; user and system time stand beside them, to tell a
machine that was busy from a program that is slow. All but the ratio depend on the machine.

    python benchmarks/plan_vs_pipdeptree.py [--dist SUITE] [--runs N] [--versions SPECIFIER] [DISTRIBUTION]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MB = 1 << 20
#: Runs in a process of its own: builds the index of a suite from lists that are there, and opens the one that is there.
INDEX = """
import sys, time
from pathlib import Path
from debgen.archive.aptroot import AptRoot
from debgen.archive.index import open_suite
from debgen.archive.indexbuild import build_index
from debgen.archive.mirror import mirror_settings
suite, target, settings = sys.argv[1], Path(sys.argv[2]), mirror_settings()
root = AptRoot(suite, settings)
release, lists = root.release(), root.lists()
times = [time.perf_counter()]
build_index(target, key="k", release=release, architecture=settings.architecture, lists=lists)
times.append(time.perf_counter())
with open_suite(suite, settings) as index:
    assert index.shipped("requests")
times.append(time.perf_counter())
print(times[1] - times[0], times[2] - times[1])
"""


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds of wall clock and of processor, bytes of memory of its largest process."""

    wall: float
    processor: float
    memory: int
    output: str


@dataclass(frozen=True)
class Run:
    """One measurement of everything."""

    cold: Cost
    warm: Cost
    build: float
    load: float
    index: Cost
    matrix: Cost
    pipdeptree: Cost

    @property
    def memory(self) -> int:
        """The largest process of debgen and what it starts, in bytes."""
        return max(cost.memory for cost in (self.cold, self.warm, self.index, self.matrix))


TARGETS: tuple[tuple[str, Callable[[Run], float], float, str], ...] = (
    ("cold plan / pipdeptree", lambda run: run.cold.wall / run.pipdeptree.wall, 0.5, ""),
    ("warm plan", lambda run: run.warm.wall, 1.5, " s"),
    ("index build", lambda run: run.build, 15.0, " s"),
    ("index load", lambda run: run.load, 0.3, " s"),
    ("peak memory", lambda run: run.memory / MB, 500.0, " MB"),
    ("second matrix", lambda run: run.matrix.wall, 2.0, " s"),
)


def cost(argv: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Cost:
    """What a command costs; where it fails, the benchmark ends with what it said."""
    began = time.perf_counter()
    with (folder / "stdout").open("w+") as output, (folder / "stderr").open("w+") as errors:
        process = subprocess.Popen(argv, cwd=folder, env=environment, stdout=output, stderr=errors)
        # The peak is that of the process itself or of the largest one below it, whichever is larger.
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            command = " ".join(map(str, argv))
            raise SystemExit(f"{command} failed with exit code {process.returncode}:\n{errors.read()[-3000:]}")
        return Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10, output.read())


def measure(distribution: str, suite: str, versions: str) -> Run:
    """One measurement; every cache is empty at its start."""
    with tempfile.TemporaryDirectory(prefix="debgen-benchmark-") as name:
        folder = Path(name)
        # Caches of either tool that the user's settings name would not be empty.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NAB_")}
        environment |= {"DEBGEN_CACHE": str(folder / "debgen"), "XDG_CACHE_HOME": str(folder / "xdg")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode, as pipdeptree has
        debgen = Path(sys.executable).with_name("debgen")
        cost([debgen, "--version"], folder, environment)
        plan: list[str | Path] = [debgen, "plan", distribution, "--dist", suite]
        cold = cost(plan, folder, environment)
        warm = cost(plan, folder, environment)
        index = cost([sys.executable, "-c", INDEX, suite, folder / "index"], folder, environment)
        build, load = map(float, index.output.split())
        matrix: list[str | Path] = [debgen, "matrix", distribution, "--dist", suite, "--variant", "cpu"]
        matrix += ["--versions", versions]
        cost(matrix, folder, environment)
        again = cost(matrix, folder, environment)
        from_index = [sys.executable, "-m", "pipdeptree", "from-index", distribution, "--output", "json"]
        return Run(cold, warm, build, load, index, again, cost(from_index, folder, environment))


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("distribution", nargs="?", default="vllm")
    parser.add_argument("--dist", default="sid", help="the suite to plan for, by its codename (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="repeat and judge the medians (default: %(default)s)")
    parser.add_argument("--versions", default=">=0.27,<0.29", help="releases to compare (default: %(default)s)")
    options = parser.parse_args()
    runs = []
    for number in range(1, options.runs + 1):
        run = measure(options.distribution, options.dist, options.versions)
        runs.append(run)
        shown = {
            "cold plan": run.cold,
            "warm plan": run.warm,
            "second matrix": run.matrix,
            "pipdeptree": run.pipdeptree,
        }
        parts = (f"{what} {taken.wall:.2f} s ({taken.processor:.2f} s)" for what, taken in shown.items())
        print(f"run {number}, wall clock (processor): {', '.join(parts)}", flush=True)
    missed = 0
    for what, value, limit, unit in TARGETS:
        found = statistics.median(map(value, runs))
        missed += found > limit
        print(f"{what}: {found:.2f}{unit}, at most {limit:g}{unit}: {'missed' if found > limit else 'met'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
