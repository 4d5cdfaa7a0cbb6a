"""A package that the suite already has, generated without any recipe, beside what its maintainers wrote.

For each NAME (a distribution or a source package), the archive's upstream version is fetched and its source package
generated in a scratch folder. Then come, from Sources and Packages: what of the maintainers' Build-Depends and Depends
is missing, what the generated ones have beyond theirs, names, section, architecture, tests. What differs is sorted:

    build, test   asked for by the build, or (<!nocheck>, or a tool of testing) by the tests
    run           Depends of the package itself, which tests need too
    docs, lint    tools of documentation and of judging the source, which a build can do without
    helper        dh- sequences and tools of the maintainers' own rules
    implied       the other side has it as well, through what its packages depend on

Names that mean the same (dh-python and dh-sequence-python3, python3-all and python3-all-dev, ...) are no difference.
Depends are those of the built package with --build; else the requirements, mapped as dh_python3 does.

    python benchmarks/archive_parity.py NAME... [--dist SUITE] [--build] [--json]
    python benchmarks/archive_parity.py --sample 40 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from debian.deb822 import Deb822
from packaging.utils import canonicalize_name
from parity_fields import depends_clauses, depends_differences, differences, parse_needs

from debgen import pipeline
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import mirror_settings
from debgen.archive.model import Match, Origin
from debgen.archive.relation import clauses, parse_clause
from debgen.archive.sources import SourceRecord, Sources, open_sources
from debgen.building.debfiles import read_debs
from debgen.debianize.model import Inputs, SourcePackage
from debgen.debianize.package import debianize
from debgen.debianize.requirements import applies
from debgen.errors import DebgenError
from debgen.identity import Identity
from debgen.planner import Workbench
from debgen.run import run
from debgen.upstream.index import IndexClient
from debgen.workspace import write_atomically


@dataclass
class Row:
    """One package; the lists hold ``class: package``."""

    name: str
    source: str = ""
    version: str = ""
    distribution: str = ""
    problem: str = ""
    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    shared: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    depends_shared: int = 0
    depends_missing: list[str] = field(default_factory=list)
    depends_extra: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    build: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Archive:
    """What the suite has, and the way from a name to a release."""

    def __init__(self, index: SuiteIndex, sources: Sources, bench: Workbench) -> None:
        self.index = index
        self.sources = sources
        self.bench = bench
        self._closure: dict[str, set[str]] = {}

    def locate(self, name: str) -> tuple[Match, SourceRecord]:
        """The package of a distribution or source package; DebgenError where there is none."""
        match = self.bench.lookup(str(canonicalize_name(name)))
        if match is None or match.origin is not Origin.CONTENTS:
            match = next(self._of_source(name), match)
        record = self.sources.record(match.source) if match else None
        if match is None or record is None:
            raise DebgenError(f"{self.index.codename} has neither a distribution nor a source named {name}")
        return match, record

    def _of_source(self, source: str) -> Iterator[Match]:
        """The distributions that the source package ships, the one named like it first."""
        shipped = {s.distribution for b in self.index.source_binaries(source) for s in self.index.shipped_by(b.name)}
        wanted = source.removeprefix("python-").removeprefix("python3-")
        for distribution in sorted(shipped, key=lambda d: (d != wanted, wanted not in d, d)):
            match = self.bench.lookup(distribution)
            if match and match.source == source:
                yield match

    def sample(self, number: int, seed: int) -> Iterator[str]:
        """Names of ``number`` source packages of main with a python3- package of a distribution, chosen by ``seed``.

        Only those count of which the index has the very version, with an sdist.
        """
        packages = self.index.starting("python3-")
        found = sorted({b.source for b in packages if b.name.startswith("python3-") and b.component == "main"})
        random.Random(seed).shuffle(found)  # noqa: S311 - a sample, no secret
        for source in found:
            if number <= 0:
                return
            with suppress(DebgenError):
                match, _ = self.locate(source)
                self.bench.client.sdist_of(match.distribution, match.upstream_version)
                number -= 1
                yield source

    def implied(self, names: Iterable[str]) -> set[str]:
        """The packages that come with ``names``, by Depends and Pre-Depends, first alternatives."""
        found: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name not in self._closure:
                binary = self.index.binary(name)
                fields = (binary.depends, binary.pre_depends) if binary else ()
                firsts = [parse_clause(clause)[:1] for text in fields for clause in clauses(text)]
                self._closure[name] = {relation.name for first in firsts for relation in first}
            new = self._closure[name] - found
            found |= new
            queue.extend(new)
        return found


def measure(name: str, archive: Archive, scratch: Path, *, build: bool) -> Row:
    """Generate one package (and build it), and compare."""
    row = Row(name)
    try:
        match, record = archive.locate(name)
        row.source, row.version, row.distribution = record.name, match.upstream_version, match.distribution
        inputs, package, row.seconds = _generated(row, archive, scratch)
    except Exception as error:  # a crash of the generator is a finding, too, and the others are still of interest
        kind = "refused" if isinstance(error, DebgenError) else "CRASHED"
        row.problem = f"{kind}: {type(error).__name__}: {' '.join(str(error).split())}"
        return row
    source, *binaries = list(Deb822.iter_paragraphs(package.files["control"].splitlines(keepends=True)))
    own = next((b for b in binaries if b["Package"] == package.binary), binaries[0])
    row.open = [f"unmet: {unmet}" for unmet in package.unmet]
    row.open += [f"open: {fixme.file}: {fixme.question}" for fixme in package.fixmes]
    listed = {line.split()[0]: line for line in record.package_list.splitlines() if line.strip()}
    arch = re.search(r"\barch=(\S+)", listed.get(match.package, ""))
    row.theirs = {
        "source": record.name, "binary": match.package, "section": record.section_of(match.package),
        "architecture": arch[1] if arch else "", "tests": ", ".join(record.tests) or "none",
    }  # fmt: skip
    row.ours = {
        "source": package.source, "binary": package.binary, "section": own.get("Section") or source.get("Section", ""),
        "architecture": own["Architecture"], "tests": _tests(source, package),
    }  # fmt: skip
    theirs = parse_needs(record.all_build_depends)
    ours = parse_needs([source.get(key, "") for key in ("Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep")])
    held = archive.index.binary(match.package)
    relied = depends_clauses([held.depends, held.pre_depends] if held else [])
    depends = {name for names in relied for name in names}
    row.shared, row.missing = differences(theirs, ours, depends, archive.implied)
    _, row.extra = differences(ours, theirs, depends, archive.implied)
    mine = _build(row, archive, scratch) if build else None
    weaker = [name for names in depends_clauses([held.recommends] if held else []) for name in names]
    row.depends_shared, row.depends_missing, row.depends_extra = depends_differences(
        _mapped(inputs) | _written(own) if mine is None else mine, relied, weaker
    )
    return row


def _generated(row: Row, archive: Archive, scratch: Path) -> tuple[Inputs, SourcePackage, float]:
    """The generated package, also where it is not ready; and the seconds without the download."""
    recipes = scratch / "recipes"
    write_atomically(recipes / row.distribution / "recipe.toml", b"")  # debgen's own would be used else
    settings = pipeline.Settings(Identity("Archive Parity", "parity@example.org"), recipes=(recipes,))
    bench = archive.bench
    bench.client.sdist_of(row.distribution, row.version)
    kept: list[tuple[Inputs, SourcePackage]] = []

    def keep(inputs: Inputs, *rest: object) -> SourcePackage:
        package: SourcePackage = debianize(inputs, *rest)  # type: ignore[arg-type]
        kept.append((inputs, package))
        return package

    began = time.monotonic()
    with patch.object(pipeline, "debianize", keep):
        try:
            pipeline.generate(row.distribution, row.version, bench, settings, scratch / "out" / row.distribution)
        except DebgenError:
            if not kept:
                raise
    return (*kept[-1], time.monotonic() - began)


def _tests(source: Deb822, package: SourcePackage) -> str:
    control = package.files.get("tests/control", "")
    found = [source["Testsuite"]] if source.get("Testsuite") else []
    if control:
        found.append(
            "superficial" if "superficial" in control and "pybuild-autopkgtest" not in control else "autopkgtest"
        )
    return ", ".join(found) or "none"


def _mapped(inputs: Inputs) -> set[str]:
    """The packages of the requirements that hold on the target."""
    needed = [r for r in inputs.facts.base_requirements if applies(r, inputs.marker_environment)]
    matches = [inputs.lookup(str(canonicalize_name(r.name))) for r in needed]
    return {match.package for match in matches if match and match.package != "python3"}


def _written(binary: Deb822) -> set[str]:
    """The packages that debian/control itself names in Depends, beside the substitution variables."""
    named = [clause for clause in clauses(binary.get("Depends", "")) if "${" not in clause]
    return {name for names in depends_clauses([", ".join(named)]) for name in names}


def _build(row: Row, archive: Archive, scratch: Path) -> set[str] | None:
    """Build it with ``debgen build``; the Depends of the result, and in ``row`` what became of it."""
    argv = [sys.executable, "-m", "debgen", "build", f"{row.distribution}=={row.version}", "--for", "", "--json"]
    argv += ["--dist", archive.index.codename, "--recipes", str(scratch / "recipes"), "-o", str(scratch / "built")]
    done = run([*argv, "--maintainer", "Archive Parity", "--email", "parity@example.org"], check=False)
    try:
        summary = json.loads(done.stdout)
    except ValueError:
        last = [line for line in done.stderr.splitlines() if line.startswith("debgen: ")] or done.stderr.splitlines()
        row.build = {"result": f"exit code {done.returncode}", "reason": " ".join(last[-1:])[:300]}
        return None
    failed = [test for test in summary["exercise"]["tests"] if test["outcome"] == "FAIL"]
    row.build = {
        "result": "good" if summary["good"] else "not good", "lintian": summary["lintian"]["counts"],
        "findings": "; ".join(summary["lintian"]["findings"]), "tests": summary["exercise"]["verdict"],
        "failed": "; ".join(f"{test['name']}: {' '.join(test['detail'].split())[:300]}" for test in failed),
        "seconds": str(summary["seconds"]),
    }  # fmt: skip
    installed = read_debs(map(Path, summary["debs"]))
    fields = [deb.control.get("Depends", "") for deb in installed.debs if deb.name == row.ours["binary"]]
    return {name for names in depends_clauses(fields) for name in names}


def text_of(row: Row) -> str:
    """A row as text: a line, and below it what differs."""
    if row.problem:
        return f"{row.name} {row.version}: {row.problem[:240]}"
    head = f"{row.name} {row.version}: Build-Depends {row.shared} shared, {len(row.missing)} missing, "
    head += f"{len(row.extra)} extra; Depends {row.depends_shared} shared, {len(row.depends_missing)} missing, "
    lines = [f"{head}{len(row.depends_extra)} extra; {row.seconds:.1f} s"]
    differ = [key for key in row.ours if not agrees(row, key)]
    for label, values in (
        ("differ", [f"{key} {row.ours[key]} (they: {row.theirs[key]})" for key in differ]),
        ("- Build-Depends", row.missing), ("+ Build-Depends", row.extra), ("- Depends", row.depends_missing),
        ("+ Depends", row.depends_extra), ("open", row.open),
        ("built", [f"{key} {value}" for key, value in row.build.items() if value]),
    ):  # fmt: skip
        if values:
            lines.append(f"    {label}: {', '.join(values)}")
    return "\n".join(lines)


def agrees(row: Row, key: str) -> bool:
    """Whether both sides have the same there; tests, whether both show something, or neither."""
    if key == "tests":
        return shows(row.ours[key]) == shows(row.theirs[key])
    return row.ours[key] == row.theirs[key]


def shows(tests: str) -> bool:
    """Whether tests show more than that a module can be imported, which is all that autopkgtest-pkg-python does."""
    return bool({"autopkgtest", "autopkgtest-pkg-pybuild"} & set(tests.split(", ")))


def summary(rows: Sequence[Row]) -> str:
    """One line over all: how many were generated, and in what share of them each field agrees."""
    done = [row for row in rows if not row.problem]

    def share(part: float, whole: float) -> str:
        return f"{100 * part / whole:.0f} %" if whole else "-"

    agree = {
        key: sum(row.ours[key] == row.theirs[key] for row in done)
        for key in ("source", "binary", "section", "architecture")
    }
    counts = Counter(entry.partition(":")[0] for row in done for entry in row.missing)
    more = Counter(entry.partition(":")[0] for row in done for entry in row.extra)
    shared = sum(row.shared for row in done)
    needed = shared + sum(counts[kind] for kind in ("build", "run", "test"))
    depends = sum(row.depends_shared for row in done)
    tested = sum(shows(row.ours["tests"]) for row in done)
    parts = [
        f"generated {len(done)} of {len(rows)}",
        *(f"same {key} {share(count, len(done))}" for key, count in agree.items()),
        f"Build-Depends {share(shared, needed)} of theirs for build and tests; missing {_told(counts)}",
        f"extra {_told(more)}",
        f"Depends {share(depends, depends + sum(len(row.depends_missing) for row in done))} of theirs, "
        f"{sum(len(row.depends_extra) for row in done)} extra",
        f"tested {tested}, they {sum(shows(row.theirs['tests']) for row in done)}",
        f"ready {sum(not row.open for row in done)}",
    ]
    if built := [row for row in done if row.build]:
        parts.append(f"built and good {sum(row.build['result'] == 'good' for row in built)} of {len(built)}")
    return "; ".join(parts)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "nothing"


def main() -> int:
    """Generate, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="distribution or source package")
    parser.add_argument("--dist", default="sid", help="suite (default: %(default)s)")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="N source packages at random, besides NAMEs")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="decides the sample (default: %(default)s)")
    parser.add_argument("--build", action="store_true", help="build and test each package, too")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="keep what is generated and built there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show what the generator says")
    options = parser.parse_args()
    settings = mirror_settings()
    rows: list[Row] = []
    with (
        open_suite(options.dist, settings) as index,
        open_sources(options.dist, settings) as sources,
        tempfile.TemporaryDirectory(prefix="debgen-parity-") as folder,
    ):
        place = options.output.absolute() if options.output else Path(folder)
        archive = Archive(index, sources, Workbench(index, IndexClient(), settings))

        def one(name: str) -> Row:
            with redirect_stderr(sys.stderr if options.verbose else StringIO()):
                row = measure(name, archive, place, build=options.build)
            if options.json:
                print(f"{name}: {row.problem or 'generated'}"[:150], file=sys.stderr, flush=True)
            else:
                print(text_of(row), flush=True)
            return row

        rows += map(one, [*options.names, *archive.sample(options.sample, options.seed)])
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print(summary(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
