"""Whether packages can be installed: apt is asked, in the suite's private root, and the index tells why not.

apt only computes (``--print-uris`` downloads and installs nothing). Recommends don't count, and neither do
packages that are there already: the root's system is empty.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from debgen.archive.relation import parse_clause
from debgen.archive.unmet import REQUEST, AptSays, Unmet, read_output
from debgen.archive.ways import Clash, Packages, Ways
from debgen.errors import CommandError, UsageError
from debgen.run import Runner, run
from debgen.workspace import write_atomically

_FORMAT = 1
"""To be raised when answers change for the same Release, so that those on disk are asked for anew."""
_ASK = ("apt-get", "satisfy", "--print-uris", "--assume-yes", "--no-install-recommends", "-q")


@dataclass(frozen=True)
class Problem:
    """Why ``package`` (or a set, separated by commas) can't be installed.

    ``chain`` leads from a package that was asked for to the relation that fails, which comes last; it is empty
    where only apt's word is known. ``text`` is a clause of a sentence, with no full stop.
    """

    package: str
    chain: tuple[str, ...]
    text: str


class Root(Protocol):
    """Where apt is asked: a private root. ``state`` is another one whenever answers may change."""

    @property
    def directory(self) -> Path: ...
    def state(self) -> str: ...
    def apt_env(self) -> dict[str, str]: ...
    def locked(self) -> AbstractContextManager[None]: ...


class Solver:
    """apt's answers for one suite, each kept on disk until the suite's Release file changes.

    May be used by several threads; apt is run by one at a time.
    """

    def __init__(self, index: Packages, root: Root, *, run: Runner = run) -> None:
        """``index`` and ``root`` are of the same suite; the root has been updated, as open_suite does."""
        self._index = index
        self._root = root
        self._run = run
        self._ways = Ways(index)
        self._release = ""
        self._answers: dict[str, Problem | None] = {}
        self._remembering = threading.Lock()

    def check(self, packages: Collection[str]) -> Mapping[str, Problem | None]:
        """For each of ``packages``, why it can't be installed by itself; None where it can.

        A package may be any relation of Depends (``a | b (>= 1)``), but without build profiles or architectures.

        Raises UsageError for what is no relation, MissingToolError, and CommandError where apt fails for a reason
        other than dependencies.
        """
        wanted = _checked(packages)
        return dict(zip(wanted, self._answered(wanted), strict=True))

    def together(self, packages: Collection[str]) -> Problem | None:
        """Why ``packages`` can't be installed at the same time, as a source's Build-Depends must; None where they can.

        They are relations as :meth:`check` takes them; it raises the same.
        """
        wanted = tuple(sorted(set(_checked(packages))))
        if not wanted:
            return None
        key = ", ".join(wanted)
        if key not in self._known():
            with self._root.locked():
                self._store({key: self._set_problem(key, wanted)})
        return self._answers[key]

    def _answered(self, wanted: Sequence[str]) -> Iterator[Problem | None]:
        known = self._known()
        unknown = sorted(set(wanted) - known.keys())
        if unknown:
            with self._root.locked():
                self._store(dict(self._sorted_out(unknown)))
        return (self._answers[name] for name in wanted)

    def _sorted_out(self, names: Sequence[str]) -> Iterator[tuple[str, Problem | None]]:
        """Each of ``names`` with its answer."""
        # A dead end in the index is one for apt, which has no other versions: no need to ask.
        dead = [name for name in names if self._ways.is_dead(name)]
        yield from ((name, self._dead_end(name)) for name in dead)
        if rest := [name for name in names if name not in dead]:
            yield from self._tried(rest)

    def _tried(self, group: Sequence[str]) -> Iterator[tuple[str, Problem | None]]:
        """Each of ``group`` with apt's answer: all at once where they can be together, else in smaller groups."""
        said = self._ask(group)
        if said is None:
            yield from ((name, None) for name in group)
        elif len(group) == 1:
            yield group[0], self._explained(group[0], group, said)
        else:
            for part in _parted(group, said):
                yield from self._tried(part)

    def _set_problem(self, key: str, wanted: Sequence[str]) -> Problem | None:
        for name in wanted:
            if problem := self._dead_end(name):
                return replace(problem, package=key)
        said = self._ask(wanted)
        return self._explained(key, wanted, said) if said else None

    def _ask(self, wanted: Sequence[str]) -> AptSays | None:
        """What apt has against installing all of ``wanted``; None where it has nothing."""
        result = self._run([*_ASK, ", ".join(wanted)], env=self._root.apt_env(), check=False)
        if result.returncode == 0:
            return None
        output = f"{result.stdout}\n{result.stderr}"
        if said := read_output(output):
            return said
        raise CommandError(
            f"apt-get can't compute what to install of {self._index.codename}:\n{result.stderr.strip()}",
            hint="Fetch the lists of packages anew with --refresh.",
            returncode=result.returncode,
            output=output,
        )

    # Reasons, the surest first

    def _explained(self, key: str, wanted: Sequence[str], said: AptSays) -> Problem:
        if clash := self._ways.clash(wanted):
            return Problem(key, (*clash.way, f"{clash.field}: {clash.relation}"), self._clash_text(clash))
        return self._as_apt_says(key, wanted, said)

    def _dead_end(self, name: str) -> Problem | None:
        chain = self._ways.dead_end(name)
        if chain is None:
            return None
        suite, clause = self._index.codename, chain[-1]
        has = self._instead(clause)
        if len(chain) > 1:
            lack = f"and {suite} has {has}" if has else f"which {suite} doesn't have"
            return Problem(name, chain, f"{chain[-2]} depends on {clause}, {lack}")
        return Problem(name, chain, f"{suite} has {has}, not {clause}" if has else f"{suite} has no package {clause}")

    def _instead(self, clause: str) -> str:
        """What the suite has of the names in a clause that no package satisfies; empty where nothing."""
        has = (
            f"{provided.package} {provided.version or '(which gives no version)'}"
            for relation in parse_clause(clause)
            for provided in self._index.provided(relation.name)
        )
        return ", ".join(dict.fromkeys(has))

    def _clash_text(self, clash: Clash) -> str:
        verb = {"Breaks": "breaks", "Conflicts": "conflicts with"}[clash.field]
        brought = f", which {clash.other_way[-2]} depends on" if len(clash.other_way) > 1 else ""
        names = {relation.name for relation in parse_clause(clash.relation)}
        means = "" if clash.other in names else f", which {clash.other} provides"
        return f"{clash.package} {verb} {clash.relation}{means or brought}"

    def _as_apt_says(self, key: str, wanted: Sequence[str], said: AptSays) -> Problem:
        """Apt's own words, with the way to the clause that it names last in its account, or first in its list."""
        steps = [entry for entry in said.steps if entry.package != REQUEST]
        listed = [entry for entry in said.unmet if entry.package != REQUEST]
        listed.sort(key=lambda entry: entry.said.endswith("is not going to be installed"))  # a mere consequence
        told = [_sentence(entry) for entry in steps or listed or said.unmet]
        candidates = (*reversed(steps), *listed)
        for entry in candidates:
            for name in wanted:
                if way := self._ways.way(name, entry.package):
                    return Problem(key, (*way, _last(entry)), "; ".join(told))
        return Problem(key, (), "; ".join(told or said.account))

    # What is remembered

    def _known(self) -> Mapping[str, Problem | None]:
        digest = self._root.state()
        with self._remembering:
            if digest != self._release:
                self._release = digest
                self._answers = self._read()
            return self._answers

    @property
    def _path(self) -> Path:
        return self._root.directory / "installable.json"

    def _read(self) -> dict[str, Problem | None]:
        """The answers on disk; none where they are of another Release, or can't be read."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if stored["format"] != _FORMAT or stored["release"] != self._release:
                return {}
            return {name: _problem(answer) for name, answer in stored["answers"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _store(self, answers: Mapping[str, Problem | None]) -> None:
        """Add ``answers`` to those on disk, which another run may have added to meanwhile."""
        with self._remembering:
            self._answers = {**self._read(), **self._answers, **answers}
        text = json.dumps(
            {
                "format": _FORMAT,
                "release": self._release,
                "answers": {name: problem and asdict(problem) for name, problem in sorted(self._answers.items())},
            }
        )
        write_atomically(self._path, text.encode())


def _parted(group: Sequence[str], said: AptSays) -> tuple[Sequence[str], ...]:
    """``group`` in two: those that apt names, and the others; else its halves."""
    named = {entry.clause if entry.package == REQUEST else entry.package for entry in (*said.unmet, *said.steps)}
    suspects = [name for name in group if name in named]
    others = [name for name in group if name not in suspects]
    if suspects and others:
        return suspects, others
    return group[: len(group) // 2], group[len(group) // 2 :]


def _checked(packages: Collection[str]) -> tuple[str, ...]:
    for text in packages:
        if not parse_clause(text):
            raise UsageError(
                f"not a relation on a package: {text!r}",
                hint="Write it as Depends has it, without architectures and build profiles: a | b (>= 1).",
            )
    return tuple(packages)


def _last(entry: Unmet) -> str:
    return entry.clause if entry.field in ("Depends", "Pre-Depends") else f"{entry.field}: {entry.clause}"


def _sentence(entry: Unmet) -> str:
    return entry.said if entry.package == REQUEST else f"{entry.package}: {entry.field}: {entry.said}"


def _problem(answer: dict[str, object] | None) -> Problem | None:
    if answer is None:
        return None
    chain = answer["chain"]
    if not isinstance(chain, list):
        raise TypeError("a chain is a list")
    return Problem(str(answer["package"]), tuple(map(str, chain)), str(answer["text"]))
