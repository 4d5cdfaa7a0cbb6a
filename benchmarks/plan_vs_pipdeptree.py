"""How long `debgen plan` takes, cold and warm, beside pipdeptree resolving the same distribution itself.

All three run one after the other on this machine: `debgen plan` with an empty cache, again with that cache, and
`pipdeptree from-index` with an empty cache. Exit code 1 where the cold plan takes more than half of pipdeptree's
time, or the warm one more than two seconds.

    python benchmarks/plan_vs_pipdeptree.py [--dist SUITE] [--runs N] [DISTRIBUTION]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

COLD_RATIO = 0.5
WARM_SECONDS = 2.0


def seconds(argv: Sequence[str], folder: Path, environment: dict[str, str]) -> float:
    """Wall time of one command; a failure ends the benchmark with what the command said."""
    began = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)} failed with exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return took


def measure(distribution: str, suite: str) -> tuple[float, float, float]:
    """Seconds of the cold plan, the warm plan, and pipdeptree; every cache is empty at the start."""
    with tempfile.TemporaryDirectory(prefix="debgen-benchmark-") as name:
        folder = Path(name)
        # Caches of either tool that the user's settings name would not be empty.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NAB_")}
        environment |= {"DEBGEN_CACHE": str(folder / "debgen"), "XDG_CACHE_HOME": str(folder / "xdg")}
        plan = [str(Path(sys.executable).with_name("debgen")), "plan", distribution, "--dist", suite]
        cold = seconds(plan, folder, environment)
        warm = seconds(plan, folder, environment)
        pipdeptree = [sys.executable, "-m", "pipdeptree", "from-index", distribution, "--output", "json"]
        return cold, warm, seconds(pipdeptree, folder, environment)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("distribution", nargs="?", default="vllm")
    parser.add_argument("--dist", default="sid", help="the suite to plan for (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="repeat and judge the median (default: %(default)s)")
    options = parser.parse_args()
    runs = []
    for number in range(1, options.runs + 1):
        runs.append(measure(options.distribution, options.dist))
        print(f"run {number}: cold plan {runs[-1][0]:.2f} s, warm plan {runs[-1][1]:.2f} s, ", end="")
        print(f"pipdeptree from-index {runs[-1][2]:.2f} s", flush=True)
    cold, warm, pipdeptree = (statistics.median(column) for column in zip(*runs, strict=True))
    ratio = cold / pipdeptree
    print(f"cold plan / pipdeptree: {ratio:.2f} (at most {COLD_RATIO})")
    print(f"warm plan / pipdeptree: {warm / pipdeptree:.2f}")
    print(f"warm plan: {warm:.2f} s (at most {WARM_SECONDS} s)")
    return 0 if ratio <= COLD_RATIO and warm <= WARM_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
