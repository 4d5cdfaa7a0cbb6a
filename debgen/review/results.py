"""Reading what ``debgen generate`` and ``debgen build`` left in the folder of one package."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.building import checked
from debgen.building.checked import Checked
from debgen.building.lent import Lent, from_data
from debgen.debianize.provenance import Provenance
from debgen.errors import UsageError
from debgen.overlays import last_generated, read_debian, read_provenance, source_tree

#: The form of summary.json that is read here.
SCHEMA = 2


@dataclass(frozen=True)
class Summary:
    """What a build said of itself; ``log`` and ``debs`` are where they are now.

    ``borrowed`` was installed from other suites, and ``alone`` says why the build can't begin without.
    """

    source: str
    version: str
    good: bool
    orig: Mapping[str, Any]
    log: Path
    debs: tuple[Path, ...]
    changes: Path
    source_changes: Path | None
    checks: tuple[Checked, ...]
    needs: tuple[str, ...]
    itp: bool
    seconds: float
    borrowed: tuple[Lent, ...] = ()
    alone: str = ""

    def check(self, name: str) -> Checked | None:
        """The check of that name."""
        return next((check for check in self.checks if check.name == name), None)


@dataclass(frozen=True)
class Results:
    """Everything that the folder of a package has; what isn't there is None or empty.

    ``debian`` are the files of debian/ as they are, ``generated`` as debgen wrote them.
    """

    folder: Path
    name: str
    version: str
    suite: str
    tree: Path
    dsc: Path | None
    debian: Mapping[str, str]
    generated: Mapping[str, str] | None
    provenance: Provenance | None
    summary: Summary | None
    plan: Mapping[str, Any] | None
    problems: tuple[str, ...] = ()


def find_results(out: Path, suite: str, name: str, bounds: SpecifierSet) -> tuple[Path, str]:
    """The folder of a distribution's results and its version: the newest there that ``bounds`` allow.

    UsageError where nothing is there.
    """
    found: list[tuple[Version, Path]] = []
    for folder in sorted((out / suite).glob(f"{name}-*/source")):
        text = folder.parent.name.removeprefix(f"{name}-")
        try:
            found.append((Version(text), folder.parent))
        except InvalidVersion:  # the folder of another distribution, whose name begins the same
            continue
    allowed = [(version, folder) for version, folder in found if bounds.contains(version, prereleases=True)]
    if allowed:
        folder = max(allowed)[1]
        return folder, folder.name.removeprefix(f"{name}-")
    there = f"; there is {', '.join(str(version) for version, _ in sorted(found))}" if found else ""
    raise UsageError(
        f"{out / suite} has no results of {name}{bounds}{there}",
        hint=f"Run `debgen build {name}{bounds} --dist {suite} -o {out}` first.",
    )


def read_results(folder: Path, suite: str, name: str, version: str) -> Results:
    """Read one folder of results; UsageError where it has no source package."""
    source = folder / "source"
    tree = source_tree(source)
    if tree is None:
        raise UsageError(
            f"{source} has no source package", hint=f"Run `debgen build {name}=={version} --dist {suite}` first."
        )
    problems: list[str] = []
    return Results(
        folder=folder,
        name=name,
        version=version,
        suite=suite,
        tree=tree,
        dsc=next(iter(sorted(source.glob("*.dsc"))), None),
        debian=read_debian(tree / "debian").files,
        generated=last_generated(source),
        provenance=read_provenance(source),
        summary=_summary(folder, problems),
        plan=_plan(folder, problems),
        problems=tuple(problems),
    )


def _document(path: Path, problems: list[str]) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        problems.append(f"{path} can't be read: {error}")
        return None


def _summary(folder: Path, problems: list[str]) -> Summary | None:
    path = folder / "summary.json"
    if (data := _document(path, problems)) is None:
        return None
    try:
        if data["schema"] != SCHEMA:
            problems.append(f"{path} has the schema {data['schema']!r}, of another release of debgen; build again")
            return None
        return Summary(
            source=str(data["source"]),
            version=str(data["version"]),
            good=bool(data["good"]),
            orig=data["orig"] if isinstance(data.get("orig"), Mapping) else {},
            log=_here(folder, data["log"]),
            debs=tuple(_here(folder, deb) for deb in data["debs"]),
            changes=_here(folder, data["changes"]),
            source_changes=_here(folder, data["source_changes"]) if data.get("source_changes") else None,
            checks=tuple(_check(folder, check) for check in data["checks"]),
            needs=tuple(map(str, data.get("needs", ()))),
            itp=bool(data.get("itp")),
            seconds=float(data.get("seconds", 0)),
            borrowed=from_data(data.get("borrowed", ())),
            alone=str(data.get("alone", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problems.append(f"{path} is damaged ({type(error).__name__}: {error}); build again")
        return None


def _check(folder: Path, data: dict[str, Any]) -> Checked:
    check = checked.from_data(data)
    return replace(check, log=_here(folder, str(check.log)) if check.log else None)


def _here(folder: Path, text: str) -> Path:
    """Where a file of the result is now: results may have been moved or copied since."""
    path = Path(str(text))
    here = folder / "result" / path.name
    return here if here.exists() or not path.exists() else path


def _plan(folder: Path, problems: list[str]) -> Mapping[str, Any] | None:
    data = _document(folder / "plan.json", problems)
    if data is not None and not isinstance(data, dict):
        problems.append(f"{folder / 'plan.json'} is no plan")
        return None
    return data


def checksums(path: Path) -> dict[str, str]:
    """SHA-256 by file name, as the ``Checksums-Sha256`` of a .dsc or .changes has them."""
    text = path.read_text(encoding="utf-8", errors="replace")
    field_text = re.search(r"^Checksums-Sha256:[ \t]*\n((?:[ \t]+\S.*\n)+)", text, re.MULTILINE)
    rows: Sequence[list[str]] = [line.split() for line in field_text[1].splitlines()] if field_text else []
    return {row[2]: row[0] for row in rows if len(row) == 3}
