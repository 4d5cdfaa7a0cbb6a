"""What a build had from other suites: what a sponsor has to know before anything else about it."""

from __future__ import annotations

from collections.abc import Iterator

from debgen.building.lent import meaning, told
from debgen.review.document import Mark, Para, Section, Table, counted
from debgen.review.results import Results


def sentence(results: Results) -> str:
    """It in one plain line; empty where nothing was borrowed."""
    summary = results.summary
    if summary is None or not summary.borrowed:
        return ""
    return f"Built with {told(summary.borrowed, results.suite)}; {meaning(results.suite, summary.alone)}"


def borrowed(results: Results) -> Iterator[Section]:
    """The section on what was borrowed, where anything was."""
    summary = results.summary
    if summary is None or not summary.borrowed:
        return
    rows = tuple((e.package, e.version, e.suite, e.own or "none") for e in summary.borrowed)
    heads = ("package", "version in the build", "from", f"version in {results.suite}")
    lenders = ", ".join(dict.fromkeys(e.suite for e in summary.borrowed))
    blocks = (
        Para(f"It is {meaning(results.suite, summary.alone)}.", Mark.LOOK),
        Para("They were installed in the build alone: the packages were installed and tested without them."),
        Table("What the build had from other suites, by its .buildinfo", heads, rows),
    )
    yield Section(
        "borrowed", "Borrowed to build with", Mark.LOOK, f"{counted(len(rows), 'package')} of {lenders}", blocks
    )
