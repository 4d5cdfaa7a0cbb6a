"""What has drifted between two plans of the same requirement, suite and variant. Pure: JSON in, differences out.

Both plans are in the JSON form of :func:`debgen.planning.asjson.as_json`; the older one comes from a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from debgen.upstream.model import FileKind, ReleaseFile

#: Decisions that mean work: a source package has to be made.
TO_PACKAGE = ("package", "update")
_SATISFIED = "satisfied"


class Topic(StrEnum):
    """What a drift is about, in the order in which they are shown."""

    TARGET = "target"
    """The suite's Python, or the plan's variant or architecture."""
    DECISION = "decision"
    """What becomes of a distribution, or the verdict on what the suite has."""
    PIN = "pin"
    """The suite's version violates an exact pin (``==``) that it satisfied before, or that is new."""
    REQUIREMENT = "requirement"
    """A distribution joined or left the tree, or the same release asks for something else."""
    RELEASE = "release"
    """The index has a newer release of what is to be packaged, or resolution takes another one."""
    ARCHIVE = "archive"
    """The suite's package was updated, moved, came or went."""
    IMPORT = "import"
    """A release imports what it does not declare."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: what was (empty where nothing was), what is, and a sentence.

    ``needed`` is false where only packages that the suite has ask for the distribution. ``counts`` is false for what
    is worth knowing and asks for nothing. ``places`` are files and lines of imports.
    """

    topic: Topic
    name: str
    text: str
    before: str = ""
    after: str = ""
    needed: bool = True
    counts: bool = True
    places: tuple[str, ...] = ()


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Drift, ...]:
    """All differences between two plans, sorted by topic and name."""
    old = {node["name"]: node for node in before["distributions"]}
    new = {node["name"]: node for node in after["distributions"]}
    found = [
        *_target(before, after),
        *_membership(old, new, str(before["root"])),
        *_changed_requirements(old, new),
    ]
    for name in old.keys() & new.keys():
        found += _nodes(old[name], new[name])
    for name, node in new.items():
        found += _pins(old.get(name), node)
    return in_order(found)


def in_order(drifts: Sequence[Drift]) -> tuple[Drift, ...]:
    """Sorted for people: by topic, what the work reaches first, then by name; imports keep their order, by weight."""
    topics = list(Topic)

    def key(drift: Drift) -> tuple[int, bool, bool, str, str]:
        words = ("", "") if drift.topic is Topic.IMPORT else (drift.name, drift.text)
        return (topics.index(drift.topic), not drift.needed, not drift.counts, *words)

    return tuple(sorted(drifts, key=key))


def new_releases(
    before: Mapping[str, Any], after: Mapping[str, Any], files: Mapping[str, Sequence[ReleaseFile]]
) -> tuple[Drift, ...]:
    """Releases that came to the index since the plan ``before`` was made, of what it wants packaged.

    ``files`` are the index's files by distribution. A release counts as new where the index says that it was uploaded
    after the plan was saved (or, in a plan that doesn't say when, after the suite's date). Where ``after`` takes the
    release anyway, it is not repeated here; pre-releases are told only if the plan has one. What the plan's bounds
    don't allow doesn't count.
    """
    since = datetime.fromisoformat(str(before.get("saved") or before["suite_date"]))
    taken = {node["name"]: node["version"] for node in after["distributions"]}
    found = []
    for node in before["distributions"]:
        if node["decision"] not in TO_PACKAGE or not node["needed"]:
            continue
        name, have = node["name"], Version(node["version"])
        fresh = {
            Version(file.version)
            for file in files.get(name, ())
            if not file.yanked and file.uploaded and datetime.fromisoformat(file.uploaded) > since
        }
        fresh -= {Version(file.version) for file in files.get(name, ()) if _is_older(file, since)}
        fresh = {v for v in fresh if v > have and (have.is_prerelease or not v.is_prerelease)}
        if not fresh or Version(taken.get(name, "0")) in fresh:
            continue
        newest = max(fresh)
        bounds = _bounds(node)
        allowed = bounds is None or bounds.contains(newest, prereleases=True)
        sdist = any(f.kind is FileKind.SDIST and Version(f.version) == newest for f in files[name])
        text = f"{name} {newest} is new on the index; the plan has {have}"
        text += "" if allowed else f", and asks for {bounds}"
        text += "" if sdist else "; it has no sdist"
        found.append(Drift(Topic.RELEASE, name, text, str(have), str(newest), counts=allowed))
    return tuple(found)


def _is_older(file: ReleaseFile, since: datetime) -> bool:
    """Whether the release was there before, and this file of it: wheels may come days later."""
    return bool(file.uploaded) and datetime.fromisoformat(file.uploaded) <= since


def _bounds(node: Mapping[str, Any]) -> SpecifierSet | None:
    try:
        return SpecifierSet(",".join(a["specifier"] for a in node["required_by"] if a["counts"] and a["specifier"]))
    except InvalidSpecifier:
        return None


def _target(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Drift]:
    for key, what in (("python", "Python"), ("architecture", "architecture")):
        if before[key] != after[key]:
            text = f"the {what} of {after['suite']} was {before[key]}, is {after[key]}"
            yield Drift(Topic.TARGET, "", text, str(before[key]), str(after[key]))
    was, now = ((plan["variant"] or {}).get("name", "") for plan in (before, after))
    if was != now:
        yield Drift(Topic.TARGET, "", f"the variant was {was or 'none'}, is {now or 'none'}", was, now)


def _membership(old: Mapping[str, Any], new: Mapping[str, Any], root: str) -> Iterator[Drift]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            node = old[name]
            text = f"{name} is no longer in the tree of {root}: {_askers(node)} asked for it"
            yield Drift(Topic.REQUIREMENT, name, text, before=node["version"], needed=node["needed"])
        elif name not in old:
            node = new[name]
            text = f"{name} {node['version']} is new in the tree: {_askers(node)} asks for it; {node['decision']}"
            yield Drift(Topic.REQUIREMENT, name, text, after=node["version"], needed=node["needed"])


def _askers(node: Mapping[str, Any]) -> str:
    names = sorted({asked["name"] or "you" for asked in node["required_by"]})
    return ", ".join(names) or "nobody"


Requirement = tuple[str, str, tuple[str, ...], str]


def _requirements(nodes: Mapping[str, Any]) -> dict[str, dict[str, set[Requirement]]]:
    """What each distribution asks of each other one."""
    found: dict[str, dict[str, set[Requirement]]] = {}
    for child, node in nodes.items():
        for a in node["required_by"]:
            if a["name"] is not None:
                row = (a["kind"], _normal(a["specifier"]), tuple(sorted(a["extras"])), a["extra"] or "")
                found.setdefault(a["name"], {}).setdefault(child, set()).add(row)
    return found


def _normal(specifier: str) -> str:
    try:
        return str(SpecifierSet(specifier))
    except InvalidSpecifier:
        return specifier


def _changed_requirements(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Drift]:
    was, now = _requirements(old), _requirements(new)
    for parent in sorted(old.keys() & new.keys()):
        if old[parent]["version"] != new[parent]["version"]:
            continue
        before, after = was.get(parent, {}), now.get(parent, {})
        for child in sorted((before.keys() | after.keys()) & old.keys() & new.keys()):
            if before.get(child) == after.get(child):
                continue
            first, second = _shown(before.get(child)), _shown(after.get(child))
            text = f"{parent} {new[parent]['version']} asked for {child} {first or 'not at all'}"
            text = text.replace(f"asked for {child} not at all", f"did not ask for {child}")
            text += f", now {second}" if second else ", now no longer"
            yield Drift(Topic.REQUIREMENT, child, text, first, second, new[child]["needed"])


def _shown(rows: set[Requirement] | None) -> str:
    words = []
    for kind, specifier, extras, extra in sorted(rows or ()):
        text = (f"[{','.join(extras)}]" if extras else "") + (specifier or "in any version")
        text += f" with its extra {extra}" if extra else ""
        words.append(text + (" to be built" if kind == "build" else ""))
    return " and ".join(words)


def _nodes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Drift]:
    """What changed about one distribution that both plans have."""
    name, needed = new["name"], bool(new["needed"] or old["needed"])
    if old["version"] != new["version"]:
        text = f"resolution took {name} {old['version']}, now {new['version']}"
        yield Drift(Topic.RELEASE, name, text, old["version"], new["version"], needed)
    if old["decision"] != new["decision"]:
        text = f"{name}: {old['decision']} has become {new['decision']}: {new['reason'] or new['verdict']}"
        yield Drift(Topic.DECISION, name, text, old["decision"], new["decision"], needed)
    elif old["verdict"] != new["verdict"]:
        text = f"{name}: {old['verdict']} has become {new['verdict']}; the decision is still to {new['decision']}"
        yield Drift(Topic.DECISION, name, text, old["verdict"], new["verdict"], needed)
    if old["needed"] != new["needed"]:
        text = f"{name}: " + ("now the work reaches it" if new["needed"] else "the work no longer reaches it")
        yield Drift(Topic.DECISION, name, text, _reached(old), _reached(new))
    yield from _archive(name, old["debian"], new["debian"], needed)


def _reached(node: Mapping[str, Any]) -> str:
    return "needed" if node["needed"] else "not needed"


def _archive(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, needed: bool) -> Iterator[Drift]:
    was, now = (f"{m['package']} {m['version']}" if m else "" for m in (old, new))
    if old is None and new is not None:
        yield Drift(Topic.ARCHIVE, name, f"{now} is new in the suite", was, now, needed)
    elif old is not None and new is None:
        yield Drift(Topic.ARCHIVE, name, f"{was} is gone from the suite", was, now, needed)
    elif old is not None and new is not None:
        if old["package"] != new["package"]:
            yield Drift(Topic.ARCHIVE, name, f"{name} was in {was}, is in {now}", was, now, needed)
        elif old["version"] != new["version"]:
            text = f"{old['package']} was {old['version']}, is {new['version']}"
            yield Drift(Topic.ARCHIVE, name, text, old["version"], new["version"], needed)
        for key in ("component", "source"):
            if old[key] != new[key]:
                text = f"{new['package']} has moved: its {key} was {old[key]}, is {new[key]}"
                yield Drift(Topic.ARCHIVE, name, text, old[key], new[key], needed)


def _pins(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Drift]:
    before = _violated(old) if old else {}
    debian = new["debian"]
    for (asker, pin), verdict in _violated(new).items():
        if debian and (asker, pin) not in before:
            text = (
                f"{asker} pins {new['name']} {pin}, which {debian['package']} {debian['version']} violates: {verdict}"
            )
            was = old["debian"]["upstream_version"] if old and old["debian"] else ""
            yield Drift(Topic.PIN, new["name"], text, was, debian["upstream_version"], bool(new["needed"]))


def _violated(node: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The exact pins on a distribution that the suite's version violates, by who pins and how."""
    return {
        (asked["name"], asked["specifier"]): asked["verdict"]
        for asked in node["required_by"]
        if asked["name"] and asked["verdict"] != _SATISFIED and any(map(is_pin, asked["specifier"].split(",")))
    }


def is_pin(clause: str) -> bool:
    """Whether a clause of a specifier allows one version only: ``==1.2``, ``===1.2``, and not ``==1.*``."""
    text = clause.strip()
    if text.startswith("==="):
        return True
    try:
        return text.startswith("==") and bool(Version(text[2:]))
    except InvalidVersion:
        return False
