"""What ``debgen build`` prints: the tree of results, as text and as plain data."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from debgen.building import lent
from debgen.chainrun import Outcome, Run
from debgen.cli.board import Board, told
from debgen.planning.chain import Link
from debgen.workshop import SCHEMA

#: How many findings of a check are printed.
_SHOWN = 12


def as_json(run: Run[Board]) -> dict[str, Any]:
    """The outcome of a run as plain data."""
    return {
        "schema": SCHEMA,
        "suite": run.shop.bench.index.codename,
        "good": all(outcome.good for outcome in run.outcomes.values()),
        "repository": _repository(run),
        "packages": [_package(run.outcomes[link.name]) for link in run.links],
    }


def _package(outcome: Outcome) -> dict[str, Any]:
    error = outcome.error
    return {
        "name": outcome.link.name,
        "version": outcome.link.version,
        "needs": sorted(outcome.link.needs),
        "outcome": outcome.end.value,
        "waited_for": list(outcome.waited_for),
        "error": {"message": str(error), "hint": error.hint, "exit_code": error.exit_code} if error else None,
        "summary": outcome.summary,
    }


def _repository(run: Run[Board]) -> dict[str, str | None] | None:
    repository = run.shop.repository
    if repository.current is None:
        return None
    return {"path": str(repository.newest), "line": repository.line or None}


def as_text(run: Run[Board]) -> str:
    """The outcome of a run for people: each package with its checks, then where to install from."""
    outcomes = [run.outcomes[link.name] for link in run.links]
    parts = [_told(outcome) for outcome in outcomes]
    if len(outcomes) > 1:
        good = sum(outcome.good for outcome in outcomes)
        parts.append(f"{good} of {len(outcomes)} packages are good")
    if (repository := _repository(run)) and any(outcome.summary for outcome in outcomes):
        built = [(outcome.link, outcome.summary) for outcome in outcomes if outcome.summary]
        asked = [summary for link, summary in built if link.asked] or [summary for _, summary in built]
        packages = " ".join(map(_binary, asked))
        suite = run.shop.bench.index.codename
        command = f"debgen repo path --dist {suite} -o {shlex.quote(str(run.shop.out.parent))}"
        line = repository["line"] or f"with the entry for apt that `{command}` prints"
        parts.append(f"install  {line}\n         apt install {packages}")
    return "\n".join(parts)


def _binary(summary: Mapping[str, Any]) -> str:
    """The binary packages of a summary, as words for apt."""
    names = (str(path).rpartition("/")[2].partition("_")[0] for path in summary["debs"])
    return " ".join(name for name in names if not name.endswith("-dbgsym"))


def _told(outcome: Outcome) -> str:
    summary, link = outcome.summary, outcome.link
    if summary is None:
        error = (
            f"\n  {str(outcome.error).replace(chr(10), chr(10) + '  ')}\n  {outcome.error.hint}"
            if outcome.error
            else ""
        )
        return f"{link.name} {link.version}: {told(outcome)}{error.rstrip()}"
    head = f"{summary['source']} {summary['version']} for {summary['suite']}: {told(outcome)}"
    lines = [
        *(("package", path) for path in summary["debs"]),
        ("changes", summary["changes"]),
        ("debian/", f"{summary['source_tree']}/debian"),
        ("log", summary["log"]),
        *([("orig", summary["orig"]["text"])] if summary["orig"]["archive"] else []),
        *_borrowed(summary),
        *(row for check in summary["checks"] for row in _rows(check)),
        ("took", f"{summary['seconds']:.0f} s"),
    ]
    width = max(len(label) for label, _ in lines)
    return "\n".join([head, *(f"  {label:<{width}}  {text}" for label, text in lines)])


def _borrowed(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was borrowed to build with, and what that means."""
    found, suite = lent.from_data(summary.get("borrowed", ())), summary["suite"]
    if found:
        yield "borrowed", lent.told(found, suite)
        yield "", lent.meaning(suite, summary["alone"])


def _rows(check: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A check's verdict, and where it is not all well what it found."""
    yield check["name"], f"{check['verdict']}: {check['summary']}"
    findings = check["findings"]
    yield from (("", finding) for finding in findings[:_SHOWN])
    if len(findings) > _SHOWN:
        yield "", f"and {len(findings) - _SHOWN} more"
    if check["log"] and check["verdict"] in ("fail", "warn"):
        yield "", str(check["log"])


def dry_json(run: Run[Board]) -> dict[str, Any]:
    """What a run would do, as plain data."""
    return {
        "schema": SCHEMA,
        "suite": run.shop.bench.index.codename,
        "packages": [
            {
                "name": link.name, "version": link.version, "needs": sorted(link.needs), "reason": link.reason,
                "would": _would(run, link), "obstacle": link.obstacle,
            }
            for link in run.links
        ],
    }  # fmt: skip


def dry_text(run: Run[Board]) -> str:
    """What a run would do, in its order."""
    lines = []
    for number, link in enumerate(run.links, 1):
        lines.append(f"{number:2}. {link.name} {link.version}: {_would(run, link)}")
        lines.append(f"    {link.obstacle or link.reason}")
        if link.needs:
            lines.append(f"    after {', '.join(sorted(link.needs))}")
    return "\n".join(lines)


def _would(run: Run[Board], link: Link) -> str:
    outcome = run.outcomes.get(link.name)
    return outcome.end.value if outcome else "build"
