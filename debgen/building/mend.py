"""From the log of a failed build to what is likely to mend it, with the suite's package that has what is missing.

The wording of the tools is matched, and only where they call it an error: a build may look for much that it can do
without.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from debgen.archive.borrow import RUST
from debgen.archive.model import FileKind
from debgen.archive.relation import parse_clause
from debgen.archive.unmet import Unmet, read_output
from debgen.building.buildlog import error_excerpt
from debgen.building.logreading import Failed, Stage, read
from debgen.building.mendrules import Ask, Missing, missing_in
from debgen.building.otherrules import OTHERS
from debgen.building.testlog import failures, ran

_MOST = 8
#: What dpkg says of each package that it installs.
_INSTALLED = re.compile(r"(?:Setting up|Unpacking) ([a-z0-9][a-z0-9+.-]+)(?::\w+)? \(")


@dataclass(frozen=True)
class Look:
    """What is asked of the suite, and of the package: ``own`` are its top-level modules.

    ``module`` and ``distribution`` name the suite's package, empty where it has none; ``file`` names the one that has
    a program, a header and the like, empty where every build has it, and is None where the suite has nothing.
    ``provided`` has the Debian versions of what bears a package's name or provides it (a bare Provides has an empty
    one).
    """

    suite: str
    module: Callable[[str], str]
    distribution: Callable[[str], str]
    file: Callable[[FileKind, str], str | None]
    provided: Callable[[str], Sequence[str]]
    own: Collection[str] = field(default=())


@dataclass(frozen=True)
class Mend:
    """What to do, the Debian package that is about (or nothing), and the line of the log that shows it."""

    text: str
    package: str
    evidence: str


@dataclass(frozen=True)
class Diagnosis:
    """What failed, the lines of the log that matter, and what is likely to mend it, the likeliest first."""

    stage: Stage
    excerpt: tuple[str, ...]
    mends: tuple[Mend, ...]

    @property
    def text(self) -> str:
        """All of it for people."""
        lines = [f"It failed while {self.stage.value}:", *(f"  {line}" for line in self.excerpt)]
        for mend in self.mends:
            first, *rest = mend.text.splitlines()
            lines += [f"Likely mend: {first}", *(f"  {line}" for line in rest)]
        return "\n".join(lines)


def mends(lines: Sequence[str], look: Look, count: int = 15) -> Diagnosis:
    """Read the log of a failed build; at most ``count`` of its lines are quoted."""
    failed = read(lines)
    there = {said[1] for line in lines if (said := _INSTALLED.match(line))}
    found: dict[str, Mend] = {}
    for mend in _mends(failed, look, there):
        found.setdefault(mend.package or mend.text, mend)
    return Diagnosis(failed.stage, error_excerpt(lines, count), tuple(found.values())[:_MOST])


def _mends(failed: Failed, look: Look, there: Collection[str]) -> Iterator[Mend]:
    if failed.stage is Stage.BUILD_DEPENDS:
        yield from _unmet(failed.lines, look)
        return
    tests = failed.stage is Stage.TESTS and ran(failed.lines)
    # What a test says counts as far as it failed; around the tests, what the tools say.
    said = [text for failure in failures(failed.lines) for _, text in failure.said] if tests else []
    lines = [*said, *(line for line in failed.lines if not line.startswith("E  "))] if said else failed.lines
    some = False
    for missing in missing_in(lines):
        if mend := _supplied(missing, failed, look, there):
            some = True
            yield mend
    for rule in OTHERS:
        for evidence, text in rule(lines):
            some = True
            yield Mend(text, "", evidence)
    if tests and not some:
        names = [failure.test for failure in failures(failed.lines)]
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            yield Mend(
                f"{', '.join(names[:3])}{more}: look at what the tests say; build with --triage to sort those that "
                "can't pass in a clean chroot from real failures.",
                "", names[0],
            )  # fmt: skip


def _supplied(missing: Missing, failed: Failed, look: Look, there: Collection[str]) -> Mend | None:
    """How to get what is missing into the build; None where every build has it."""
    package: str | None
    match missing.ask:
        case Ask.MODULE:
            if missing.name.partition(".")[0] in look.own:
                return Mend(
                    f"The package's own module {missing.name} isn't where it is looked for: was it built?",
                    "", missing.evidence,
                )  # fmt: skip
            package = look.module(missing.name) or look.module(_imported(missing.name, failed.lines))
        case Ask.DISTRIBUTION:
            package = look.distribution(missing.name)
        case Ask.PACKAGE:
            package = missing.name if look.provided(missing.name) else ""
        case kind if kind is FileKind.HEADER and missing.name == "Python.h":
            package = "python3-all-dev"
        case kind:
            package = look.file(kind, missing.name)
            if package is None and kind is FileKind.HEADER and "/" not in missing.name:
                # Libraries that upstream bundles often stand in a folder of their name in Debian.
                folder = missing.name.rpartition(".")[0]
                package = look.file(kind, f"{folder}/{missing.name}")
            if package == "":
                return None
    what = missing.what
    if not package:
        return Mend(_lacking(missing, failed.stage, look.suite), "", missing.evidence)
    if package in there:
        return Mend(
            f"{package} is installed, but doesn't have {what} here: not for the version of Python that asked, not in "
            f"{look.suite}'s release, or not in this package of it.",
            package, missing.evidence,
        )  # fmt: skip
    for_tests = failed.stage is Stage.TESTS
    key = "test_depends" if for_tests else "build_depends"
    profile = " <!nocheck>" if for_tests else ""
    if missing.bound and (known := look.provided(package)):
        return Mend(
            f"{look.suite} has {package} {known[0]}, and {what} {missing.bound} is asked for: where that is too old, "
            " package a newer one or loosen the bound by a patch.",
            package, missing.evidence,
        )  # fmt: skip
    reason = f"{'The tests need' if for_tests else 'The build needs'} {what}"
    return Mend(
        f"Build-Depends lacks {package}{profile}, which has {what}. In the recipe:\n"
        f"[[{key}]]\nrelation = {json.dumps(package)}\nreason = {json.dumps(reason, ensure_ascii=False)}",
        package, missing.evidence,
    )  # fmt: skip


def _imported(module: str, lines: Sequence[str]) -> str:
    """What is imported of a module that only holds others, so that Python says of it alone that it isn't there."""
    wanted = re.compile(rf"\s*(?:>\s+)?(?:import|from) ({re.escape(module)}\.[\w.]+).*")
    return next((found[1] for line in lines if (found := wanted.fullmatch(line))), module)


def _lacking(missing: Missing, stage: Stage, suite: str) -> str:
    text = f"{suite} has no package that is known to have {missing.what}: package it first, or "
    if stage is Stage.TESTS:
        return text + "skip the tests that need it with [[skip]] in the recipe (--triage proposes which)."
    return text + "have upstream's build do without."


def _unmet(lines: Sequence[str], look: Look) -> Iterator[Mend]:
    """What of Build-Depends can't be installed: not in the suite, too old there, or held up by something else."""
    says = read_output("\n".join(lines))
    if says is None:
        return
    # The newer solver's account names the culprits; the old list has everything that won't be installed.
    some = False
    for unmet in unique((*reversed(says.steps), *says.unmet)):
        asked = parse_clause(unmet.clause)
        versions = {str(one): look.provided(one.name) for one in asked}
        if not asked or unmet.field not in ("Depends", "Pre-Depends"):
            continue
        if any(one.allows(version) for one in asked for version in versions[str(one)]):
            continue
        some = True
        who = "Build-Depends" if unmet.package.startswith(_DUMMY) else unmet.package
        there = [f"{one.name} {found[-1]}" for one in asked if (found := [v for v in versions[str(one)] if v])]
        first = asked[0].name
        if there:
            text = f"{who} asks for {unmet.clause}, and {look.suite} has {', '.join(there)}: "
            text += "package a newer one first, or loosen the bound." if who == "Build-Depends" else _waiting(who)
        elif who == "Build-Depends":
            text = f"{look.suite} has no package {first}, which Build-Depends asks for: package it, or mend its name."
        else:
            text = f"{who} asks for {unmet.clause}, and {look.suite} has no such package: {_waiting(who)}"
        yield Mend(text, first, unmet.said)
    if not some and says.account:
        yield Mend(
            "Build-Depends can't be installed together in this suite: " + "; ".join(says.account[1:]), "",
            says.account[0],
        )  # fmt: skip


_DUMMY = "sbuild-build-depends-"


def _waiting(package: str) -> str:
    """What to do where the dependencies of ``package`` can't be had; crates may come from anywhere for a build."""
    text = "the suite itself is broken there for now, so wait for it or build-depend on something else"
    crate = fnmatchcase(package, RUST)
    return f"{text}, or build with the crates of another suite: --borrow SUITE." if crate else f"{text}."


def unique(found: Iterable[Unmet]) -> tuple[Unmet, ...]:
    """Each clause of a package once."""
    return tuple({(unmet.package, unmet.clause): unmet for unmet in found}.values())
