"""One package of a chain: generated, built, published for those that need it, checked, and told of in summary.json.

Each step leaves its result complete on disk, with what it was made from; a run that was killed goes on at the first
step whose result is not there. One run at a time works in a package's folder.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from debgen.archive.borrow import relation_names
from debgen.archive.model import Match, Origin
from debgen.building import lent
from debgen.building.borrowed import BorrowedSource, lent_to, source_of, uses
from debgen.building.chroots import Chroot, ChrootStore, Flavour
from debgen.building.lookup import look_of
from debgen.building.mend import mends
from debgen.building.record import RECORD, Built, hash_of, load, moved_on, save
from debgen.building.repository import Repository
from debgen.building.result import BuildResult
from debgen.building.sbuild import build, configuration
from debgen.building.serving import served
from debgen.building.source import ExtraSource
from debgen.building.sourceonly import source_changes
from debgen.buildinputs import debian_hash, quick_inputs
from debgen.checks.area import build_relations
from debgen.errors import BuildError, WorkspaceError
from debgen.narrate import say
from debgen.pipeline import Settings, Written, generate
from debgen.planner import Workbench
from debgen.planning.chain import Link
from debgen.workspace import disk_errors, locked, make_directory, sweep_unfinished, write_atomically

SCHEMA = 2


@dataclass(frozen=True)
class Made:
    """A package that is built and published, and what it was generated as."""

    link: Link
    built: Built
    result: BuildResult
    written: Written
    source_changes: Path
    needs: tuple[Built, ...]


@dataclass
class Workshop:
    """Where the packages of one suite are made: ``out`` is the suite's folder of results.

    ``fresh`` builds what has not changed as well; ``recipes`` come before those of the workbench.
    """

    bench: Workbench
    settings: Settings
    store: ChrootStore
    out: Path
    fresh: bool = False
    _generating: threading.Lock = field(default_factory=threading.Lock)

    @property
    def repository(self) -> Repository:
        """The local repository of the suite."""
        index = self.bench.index
        return Repository(self.out / "repository", index.codename, index.architecture)

    def folder(self, link: Link) -> Path:
        """Where the results of a package stand."""
        return self.out / f"{link.name}-{link.version}"

    def chroot(self, flavour: Flavour) -> Chroot:
        """The suite's chroot, made where it is missing or older than the index."""
        index = self.bench.index
        return self.store.ensure(index.codename, flavour, index_key=index.date.isoformat())

    def kept(self, link: Link, needs: Sequence[Built], checks: Sequence[str]) -> tuple[Built, dict[str, Any]] | None:
        """The record and the summary of an earlier good build, if nothing that decides it has changed since."""
        folder = self.folder(link)
        if self.fresh or (found := load(folder / "result")) is None:
            return None
        built, result = found
        try:
            summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            same = (
                summary["schema"] == SCHEMA
                and summary["good"]
                and summary["inputs"] == self.inputs(link, needs)
                and summary["debian"] == debian_hash(folder / "source")
                and set(checks) <= {check["name"] for check in summary["checks"]}
                and all(Path(check["log"]).is_file() for check in summary["checks"] if check["log"])
                and summary["changes"] == str(result.changes)
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (built, summary) if same and self.repository.has(result.changes) else None

    def record(self, link: Link) -> Built | None:
        """What an earlier run built of a package, for those that need it; None where there is none."""
        found = load(self.folder(link) / "result")
        return found[0] if found and self.repository.has(found[1].changes) else None

    @contextmanager
    def at(self, link: Link) -> Iterator[Path]:
        """Hold the folder of a package, cleared of what a run that was killed left half-written."""
        folder = make_directory(self.folder(link))

        def waiting() -> None:
            say(f"{link.name}: another run works on it; waiting for that one to end")

        with locked(folder / ".lock", waiting):
            for part in (folder, folder / "result", folder / "result/checks"):
                sweep_unfinished(part)
            yield folder

    @contextmanager
    def holding(self, made: Made) -> Iterator[None]:
        """Hold the folder of what was made, while it is checked; WorkspaceError where it was built anew meanwhile."""
        with self.at(made.link) as folder:
            found = load(folder / "result")
            if found is None or found[0] != made.built:
                raise WorkspaceError(
                    f"{made.link.name} {made.link.version} was built anew by another run, before this one checked it",
                    hint="Run the command again.",
                )
            yield

    def generate(self, link: Link, needs: Sequence[Built]) -> Written:
        """Write the source package, which may depend on what was built before; the caller holds the folder."""
        bench, settings = self.bench_beside(needs), self.settings_for(link)
        with self._generating:  # it takes one core for seconds; side by side it would be no sooner done
            return generate(link.name, link.version, bench, settings, self.folder(link) / "source")

    def bench_beside(self, needs: Sequence[Built]) -> Workbench:
        """The workbench for a package that is built beside ``needs``."""
        return self.bench.beside({need.name: match_of(need) for need in needs})

    def settings_for(self, link: Link) -> Settings:
        """What the command line says about one package: the number of an ITP is that of the one that was asked for."""
        return self.settings if link.asked else replace(self.settings, itp=None)

    def make(self, link: Link, needs: Sequence[Built], tell: Callable[[str], None] = say) -> Made:
        """Generate, build and publish a package that uses ``needs``; errors are those of these steps."""
        with self.at(link) as folder:
            tell("writing the source package")
            written = self.generate(link, needs)
            return self.build(link, needs, written, folder / "result", tell)

    def build(
        self, link: Link, needs: Sequence[Built], written: Written, out: Path, tell: Callable[[str], None] = say
    ) -> Made:
        """Build a source package into ``out``, unless it stands there unchanged, and publish it."""
        kept = None if self.fresh else load(out)
        if kept and self._holds(*kept, written, needs):
            say(f"{link.name}: {written.package.source} {written.package.version} is built already")
            built, result = kept
        else:
            result = self._built(written, out, needs, tell)
            built = self._recorded(link, needs, written, result)
            save(built, result)
            say(f"{link.name}: built in {result.seconds:.0f} s: {', '.join(deb.name for deb in result.debs)}")
        if not self.repository.has(result.changes):
            self.repository.add([result.changes])
        return Made(link, built, result, written, source_changes(result.dsc), tuple(needs))

    @contextmanager
    def seeing(self, needs: Sequence[Built]) -> Iterator[ExtraSource | None]:
        """What was built before and is needed, and nothing else of it, as a source for chroots.

        WorkspaceError where another run has put other builds in their place.
        """
        if not needs:
            yield None
            return
        with self.repository.only([need.source for need in needs]) as view, served(view) as source:
            for need in needs:
                changes = self.out / f"{need.name}-{need.release}" / "result" / need.file
                if not (view.has(changes) and hash_of(changes) == need.changes):
                    raise WorkspaceError(
                        f"another run has built {need.name} anew, in another release or from other inputs",
                        hint="Run the command again; runs that want different releases need different folders (-o).",
                    )
            state = hashlib.sha256("".join(sorted(need.changes for need in needs)).encode()).hexdigest()
            yield replace(source, state=state) if source else None

    def debs_of(self, needs: Sequence[Built]) -> tuple[Path, ...]:
        """The binary packages that were built before."""
        results = (load(self.out / f"{need.name}-{need.release}" / "result") for need in needs)
        return tuple(deb for found in results if found for deb in found[1].debs)

    def inputs(self, link: Link, needs: Sequence[Built]) -> str:
        """The hash of all that decides what a package is."""
        hashes = {need.name: need.changes for need in needs}
        return quick_inputs(
            link.name, link.version, self.bench, self.settings_for(link), hashes, self._borrowed_state(link)
        )

    def _borrowed_state(self, link: Link) -> str:
        """What decides a package of all that is borrowed: nothing where neither its source nor its crates ask for it.

        Without the source package, which is written first, it may be less than with it.
        """
        source = source_of(self.bench.packages, self.store.mirror) if self.bench.lenders else None
        if source is None:
            return ""
        dsc = next((self.folder(link) / "source").glob("*.dsc"), None)
        if dsc and uses(dsc, self.bench.packages):
            return source.state
        sdist = self.bench.client.sdist_of(link.name, link.version)
        return source.state if self.bench.reader.read(sdist).crates else ""

    def _holds(self, built: Built, result: BuildResult, written: Written, needs: Sequence[Built]) -> bool:
        """Whether a build of the source package would start from the same bytes again (and find the same packages)."""
        own = {package: need.version for need in needs for package in need.packages}

        borrowed = self.borrowed(written.dsc)
        packages = self.bench.packages if borrowed else self.bench.index

        def version_of(package: str) -> str | None:
            return own.get(package) or packages.version_of(package)

        return (
            built.dsc == hash_of(written.dsc)
            and built.needs == {need.name: need.changes for need in needs}
            and built.how == _how(self.bench.index.codename, borrowed)
            and not moved_on(result.buildinfo, version_of)
        )

    def _built(self, written: Written, out: Path, needs: Sequence[Built], tell: Callable[[str], None]) -> BuildResult:
        """What sbuild makes of a source package; a failure comes with what would likely mend it."""

        def narrate(text: str) -> None:
            tell(text.removeprefix(f"{written.dsc.stem}: ").strip())

        distribution = written.package.distribution
        chroot = self.chroot(Flavour.BUILD)
        with disk_errors(out):
            for told in (out / RECORD, out.parent / "summary.json"):  # the log is about to be that of another build
                told.unlink(missing_ok=True)
        try:
            with self.seeing(needs) as source:
                return build(
                    written.dsc, chroot, out, distribution=distribution, source=source,
                    borrowed=self.borrowed(written.dsc), narrate=narrate,
                )  # fmt: skip
        except BuildError as error:
            raise self._explained(error, written, needs) from None

    def _explained(self, error: BuildError, written: Written, needs: Sequence[Built]) -> BuildError:
        """A failed build with what would likely mend it, by the archive's index."""
        if error.log is None or not error.log.is_file():
            return error
        bench = self.bench_beside(needs)
        lines = error.log.read_text(encoding="utf-8", errors="replace").splitlines()
        look = look_of(bench.index, bench.lookup, written.modules)
        if self.borrowed(written.dsc):
            seen = bench.packages
            look = replace(
                look, suite=seen.codename, provided=lambda name: tuple(e.version for e in seen.provided(name))
            )
        diagnosis = mends(lines, look)
        return BuildError(f"{written.dsc.stem} does not build. {diagnosis.text}", hint=error.hint, log=error.log)

    def _recorded(self, link: Link, needs: Sequence[Built], written: Written, result: BuildResult) -> Built:
        package = written.package
        borrowed = self.borrowed(written.dsc)
        local = [name for need in needs for name in need.packages]
        found = lent_to(result.buildinfo, self.bench.packages, self.bench.index, local) if borrowed else ()
        return Built(
            name=link.name, release=link.version, source=package.source, version=package.version,
            package=package.binary, packages=tuple(sorted(deb.name.partition("_")[0] for deb in result.debs)),
            dsc=hash_of(written.dsc), changes=hash_of(result.changes),
            needs={need.name: need.changes for need in needs}, how=_how(self.bench.index.codename, borrowed),
            seconds=round(result.seconds, 1), file=result.changes.name, borrowed=found,
            alone=self._alone(written.dsc, local) if found else "",
        )  # fmt: skip

    def borrowed(self, dsc: Path) -> BorrowedSource | None:
        """The other suites that the build of ``dsc`` sees: none, unless it asks for what they lend."""
        if not (self.bench.lenders and uses(dsc, self.bench.packages)):
            return None
        return source_of(self.bench.packages, self.store.mirror)

    def _alone(self, dsc: Path, local: Sequence[str]) -> str:
        """Why the build dependencies of ``dsc`` can't be installed from the suite alone; empty where they can.

        ``local`` are packages that were built here.
        """
        index = self.bench.index
        wanted = [
            clause for clause in build_relations(dsc, index.architecture)
            if not set(relation_names(clause)) & set(local)
        ]  # fmt: skip
        problem = self.bench.solver.together(wanted)
        return problem.text if problem else ""

    def tell(self, made: Made, checks: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
        """Write the summary of a package and return it."""
        summary = self.summary(made, checks, seconds)
        text = json.dumps(summary, indent=2).encode() + b"\n"
        write_atomically(self.folder(made.link) / "summary.json", text)
        return summary

    def summary(self, made: Made, checks: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
        """What became of a package, as plain data; it is good where no check failed. ``seconds`` is all that took."""
        folder = self.folder(made.link)
        return {
            "schema": SCHEMA,
            "name": made.link.name,
            "source": made.built.source,
            "version": made.built.version,
            "upstream_version": made.link.version,
            "suite": self.bench.index.codename,
            "good": not any(check["verdict"] == "fail" for check in checks),
            "inputs": self.inputs(made.link, made.needs),
            "debian": debian_hash(folder / "source"),
            "debs": [str(path) for path in made.result.debs],
            "changes": str(made.result.changes),
            "source_changes": str(made.source_changes),
            "source_tree": str(made.written.tree),
            "orig": made.written.orig.as_json(),
            "log": str(made.result.log),
            "checks": list(checks),
            "needs": [need.name for need in made.needs],
            "borrowed": lent.as_data(made.built.borrowed),
            "alone": made.built.alone,
            "itp": self.settings_for(made.link).itp is not None,
            # A run that finds most of it done takes less than all of it took.
            "seconds": round(max(seconds, made.built.seconds + sum(check.get("seconds", 0) for check in checks)), 1),
        }


def match_of(built: Built) -> Match:
    """A package that was built before, as if the suite had it."""
    return Match(
        distribution=built.name,
        package=built.package,
        source=built.source,
        debian_version=built.version,
        upstream_version=built.release,
        component="main",
        origin=Origin.CONTENTS,
        evidence=f"{built.package} {built.version} was built here from {built.name} {built.release}",
    )


def _how(suite: str, borrowed: BorrowedSource | None) -> str:
    text = configuration(suite) + (f"{borrowed.lines}{borrowed.preferences}" if borrowed else "")
    return hashlib.sha256(text.encode()).hexdigest()
