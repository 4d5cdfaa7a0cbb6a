"""Time of debgen's builds beside bare sbuild on the same source package, from the same chroot tarball.

For each source package, and as often as asked, one after the other so that a busy machine burdens all three alike:

    bare     sbuild in unshare mode with its own defaults (no tmpfs, no kept archives), less lintian, piuparts and
             autopkgtest, which debgen runs apart from the build
    first    debgen's build, which has never built this package: at most 1.1 of bare
    second   the same build again: less than 0.7 of bare

The ratios of the medians are judged; where one is missed, the exit code is 1. Seconds are those of the wall clock,
since users wait for those. Processor time (of all processes below) and the load average at the start stand beside
them: where the load is above the number of processors, the seconds tell more about the neighbours than about the
programs, and a ratio near its target should be measured again. All three must make the same packages, or the
benchmark fails.

The chroot is debgen's own of the suite, made if it is missing, before the clock starts. What sbuild downloads comes
from the machine's mirror each time.

    python benchmarks/build_vs_sbuild.py [--dist SUITE] [--runs N] [--json] (FILE.dsc | NAME[==VERSION])...
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from debgen.archive.mirror import mirror_settings
from debgen.building.chroots import Chroot, ChrootStore
from debgen.building.sbuild import build
from debgen.building.sbuild import configuration as configuration_of
from debgen.building.warm import WarmChroots
from debgen.workspace import cache_directory

KINDS = ("bare", "first", "second")
TARGETS = {"first": 1.1, "second": 0.7}


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and processor that one build took, and the load average when it began."""

    wall: float
    processor: float
    load: float


def cost(work: Callable[[], object]) -> Cost:
    """What ``work`` costs."""
    load = os.getloadavg()[0]
    before, began = os.times(), time.perf_counter()
    work()
    took, after = time.perf_counter() - began, os.times()
    return Cost(took, sum(after[:4]) - sum(before[:4]), load)


def bare(dsc: Path, chroot: Chroot, folder: Path) -> set[str]:
    """Build ``dsc`` with sbuild alone, without anybody's configuration; the names of the packages made."""
    made = folder / "made"
    made.mkdir()
    config = folder / "sbuild.conf"
    # Where a newer sbuild would make a chroot of its own, it shall take this one too.
    config.write_text("$nolog = 1;\neval q{ $unshare_mmdebstrap_auto_create = 0 };\n1;\n", encoding="utf-8")
    distribution = configuration_of(chroot.suite).partition("$distribution = '")[2].partition("'")[0]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            [
                *("sbuild", "--chroot-mode=unshare", f"--chroot={chroot.path}", f"--arch={chroot.architecture}"),
                *(f"--dist={distribution}", "--arch-all", f"--jobs={os.cpu_count() or 1}"),
                *("--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest", str(dsc)),
            ],
            cwd=made,
            env=os.environ | {"SBUILD_CONFIG": str(config), "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(f"sbuild {dsc} failed:\n{(folder / 'log').read_text(errors='replace')[-3000:]}")
    return {path.name for path in made.glob("*.deb")}


def measure(dsc: Path, chroot: Chroot) -> dict[str, Cost]:
    """Build three times, with no kept chroot at the start."""
    with tempfile.TemporaryDirectory(prefix="debgen-benchmark-", dir=cache_directory("benchmark")) as name:
        folder = Path(name)
        warm = WarmChroots(folder / "warm")
        names: dict[str, set[str]] = {}

        def alone() -> None:
            names["bare"] = bare(dsc, chroot, folder)

        def again(kind: str) -> Callable[[], None]:
            def built() -> None:
                result = build(dsc, chroot, folder / kind, warm=warm, narrate=lambda line: None)
                names[kind] = {path.name for path in result.debs}

            return built

        costs = {"bare": cost(alone), "first": cost(again("first")), "second": cost(again("second"))}
        if any(found != names["bare"] for found in names.values()):
            raise SystemExit(f"{dsc.name}: not the same packages: {names}")
        return costs


def generated(name: str, suite: str, folder: Path) -> Path:
    """The source package that debgen makes of a distribution."""
    argv = [sys.executable, "-m", "debgen", "generate", name, "--for", "", "--dist", suite, "--output", str(folder)]
    if subprocess.run(argv, stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise SystemExit(f"no source package of {name} can be made")
    return next(iter(folder.rglob("source/*.dsc")))


def summary(runs: list[dict[str, Cost]]) -> dict[str, dict[str, float]]:
    """Medians of each kind, and the ratio of its seconds to those of bare sbuild."""
    table = {
        kind: {
            "wall": statistics.median(run[kind].wall for run in runs),
            "processor": statistics.median(run[kind].processor for run in runs),
            "load": statistics.median(run[kind].load for run in runs),
        }
        for kind in KINDS
    }
    for row in table.values():
        row["ratio"] = row["wall"] / table["bare"]["wall"]
    return table


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="+", metavar="FILE.dsc | NAME[==VERSION]")
    parser.add_argument("--dist", default="sid", help="the suite to build in, by its codename (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="repeat and judge the medians (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    arguments = parser.parse_args()
    chroot = ChrootStore(cache_directory("chroots"), mirror_settings()).ensure(arguments.dist)
    results, good = {}, True
    for package in arguments.packages:
        with tempfile.TemporaryDirectory(prefix="debgen-benchmark-") as folder:
            dsc = Path(package)
            dsc = dsc.absolute() if dsc.suffix == ".dsc" else generated(package, arguments.dist, Path(folder))
            runs = []
            for number in range(arguments.runs):
                runs.append(measure(dsc, chroot))
                seconds = ", ".join(f"{kind} {found.wall:.1f} s" for kind, found in runs[-1].items())
                print(f"{dsc.name}: run {number + 1} of {arguments.runs}: {seconds}", file=sys.stderr)
        table = summary(runs)
        missed = [kind for kind, most in TARGETS.items() if table[kind]["ratio"] > most]
        good = good and not missed
        costs = [{kind: asdict(found) for kind, found in run.items()} for run in runs]
        results[dsc.name] = {"medians": table, "missed": missed, "runs": costs}
        if not arguments.json:
            print(f"{dsc.name}   (medians of {len(runs)}; {os.cpu_count()} processors)")
            for kind, row in table.items():
                target = f"   at most {TARGETS[kind]}" if kind in TARGETS else ""
                print(
                    f"  {kind:8}{row['wall']:8.1f} s  processor {row['processor']:6.1f} s  load {row['load']:4.1f}  "
                    f"ratio {row['ratio']:5.2f}{target}{'   MISSED' if kind in missed else ''}"
                )
            sys.stdout.flush()
    if arguments.json:
        print(json.dumps({"processors": os.cpu_count(), "suite": arguments.dist, "packages": results}, indent=2))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
