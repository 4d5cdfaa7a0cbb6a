"""The dossier put together: the verdict, what is left for a human, and the sections in a sponsor's order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from debgen.building.checked import Verdict
from debgen.review import built, files, licences, tree
from debgen.review.borrowed import borrowed, sentence
from debgen.review.crates import crates
from debgen.review.document import Document, Mark, Section, counted
from debgen.review.lines import edited
from debgen.review.origin import Origin, Told, origin
from debgen.review.results import Results

_PLACEHOLDER = re.compile(r"\bFIXME\b|\bTODO\b")
#: The worst first.
_ORDER = (Mark.BAD, Mark.LOOK, Mark.NONE, Mark.PLAIN, Mark.GOOD)
#: The most findings of one check that the list of what is left names.
_SHOWN = 8


def dossier(results: Results, told: Told) -> Document:
    """All that a sponsor looks at; ``told`` is what the package index says of upstream's archive."""
    source = origin(results, told)
    log = built.log_of(results.summary.log if results.summary else None)
    sections = (
        source.section,
        licences.licences(results),
        files.control(results),
        files.rules(results),
        files.patches(results),
        built.tests(results, log),
        built.build(results, log),
        *crates(results.summary.log if results.summary else None),
        *borrowed(results),
        built.checks(results),
        built.install(results),
        built.archive(results),
        tree.tree(results),
    )
    left = sorted(dict.fromkeys(_left(results, sections)), key=lambda item: _ORDER.index(item[0]))
    mark, sentence = _verdict(results, source, sections, left={mark for mark, _ in left})
    return Document(
        title=_title(results),
        suite=results.suite,
        verdict=mark,
        told=sentence,
        facts=tuple(_facts(results)),
        left=tuple(left),
        sections=sections,
    )


def _title(results: Results) -> str:
    found = re.match(r"(\S+) \(([^)\s]+)\)", results.debian.get("changelog", ""))
    return f"{found[1]} {found[2]}" if found else f"{results.name} {results.version}"


def _facts(results: Results) -> Iterator[tuple[str, str]]:
    yield "Distribution", f"{results.name} {results.version}"
    yield "Suite", results.suite
    if results.summary:
        yield "Packages", ", ".join(deb.name for deb in results.summary.debs)
        yield "Took", f"{results.summary.seconds:.0f} s"
    yield "Results", str(results.folder)


def _verdict(results: Results, source: Origin, sections: tuple[Section, ...], *, left: set[Mark]) -> tuple[Mark, str]:
    """The verdict in one glance; ``left`` are the marks of what is left for a human."""
    if source.broken:
        return Mark.BAD, "the source package is not whole"
    if results.summary is None:
        return Mark.NONE, "generated, and not built: nothing was checked"
    failed = [c.name for c in results.summary.checks if c.verdict is Verdict.FAIL]
    if failed:
        return Mark.BAD, f"not ready: {', '.join(failed)} failed"
    if not results.summary.good:
        return Mark.BAD, "not ready: the build says that it is not good"
    if wrong := [section.title for section in sections if section.mark is Mark.BAD]:
        return Mark.BAD, f"not ready: see {', '.join(wrong)}"
    if Mark.BAD in left:
        return Mark.BAD, "not ready: see what is left for a human"
    if source.stale:
        return Mark.LOOK, "the checks are of an older source package than the one that stands here"
    made = {check.verdict for check in results.summary.checks} - {Verdict.SKIP}
    if not made:
        return Mark.NONE, "built, and no check was made"
    look = [section.title for section in sections if section.mark is Mark.LOOK]
    if look:
        return Mark.LOOK, f"no check failed; a human should look at: {', '.join(look)}"
    if Mark.LOOK in left:
        return Mark.LOOK, "no check failed; a human should look at what is left below"
    return Mark.GOOD, "no check failed, and nothing is left for a human that debgen knows of"


def _left(results: Results, sections: tuple[Section, ...]) -> Iterator[tuple[Mark, str]]:
    """What is left for a human, the worst first."""
    summary = results.summary
    for problem in results.problems:
        yield Mark.BAD, problem
    if lent := sentence(results):
        yield Mark.LOOK, lent
    for section in sections:
        if section.mark is Mark.BAD and section.key not in ("checks", "build"):
            yield Mark.BAD, f"{section.title}: {section.told}"
    for check in summary.checks if summary else ():
        if check.verdict in (Verdict.FAIL, Verdict.WARN):
            mark = built.MARKS[check.verdict]
            yield mark, f"{check.name}: {check.summary}"
            for finding in check.findings[:_SHOWN]:
                yield mark, f"{check.name}: {finding}"
            if len(check.findings) > _SHOWN:
                yield mark, f"{check.name}: {counted(len(check.findings) - _SHOWN, 'more finding')}, see the checks"
    for path, text in results.debian.items():
        for number, line in enumerate(text.split("\n"), 1):
            if path != "changelog" and not path.startswith("patches/") and _PLACEHOLDER.search(line):
                yield Mark.BAD, f"debian/{path}:{number}: {line.strip()[:200]}"
    told = results.provenance
    if told is None:
        yield Mark.LOOK, "nothing tells why the lines of debian/ are there: generate the source package again"
    for line in told.human if told else ():
        yield Mark.LOOK, line
    if summary and not summary.itp and not any("ITP" in line for line in (told.human if told else ())):
        lintian = summary.check("lintian")
        if lintian and lintian.details.get("wants_itp"):
            yield Mark.LOOK, "debian/changelog closes no ITP: file one, and give its number with --itp"
    if told and told.skipped:
        yield Mark.LOOK, f"{counted(len(told.skipped), 'thing')} left out of upstream’s tests: see Tests"
    for path in edited(results):
        yield Mark.LOOK, f"debian/{path} was edited by a human: see there"
    for note in told.notes if told else ():
        yield Mark.LOOK, note
    for check in summary.checks if summary else ():
        if check.verdict is Verdict.SKIP:
            yield Mark.NONE, f"{check.name}: not made: {check.summary}"
    if summary is None:
        yield Mark.NONE, "the package has not been built and checked"
    elif not summary.checks:
        yield Mark.NONE, "the package has not been checked"
