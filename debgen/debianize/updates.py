"""What changes from one release to the next: upstream's requirements, and the files of debian/ for the changelog."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from debian.deb822 import Deb822
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.archive.relation import clauses
from debgen.debianize.continued import Upload
from debgen.upstream.facts import SdistFacts

_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_RELATIONS = ("Build-Depends", "Build-Depends-Indep", "Build-Depends-Arch", "Depends", "Recommends", "Suggests")
_UPLOADS = {upload.value for upload in Upload if upload.value}


@dataclass(frozen=True)
class Change:
    """One requirement of upstream's: ``before`` and ``after`` as upstream writes it, empty where it has none."""

    kind: str
    before: str
    after: str


def requirement_changes(old: SdistFacts, new: SdistFacts) -> tuple[Change, ...]:
    """What upstream asks for otherwise than before: the Python, at run time, by extra, and to build; sorted."""
    found = [Change("Python", old.requires_python, new.requires_python)]
    before, after = _by_subject(old), _by_subject(new)
    for kind, name in sorted(before.keys() | after.keys(), key=lambda subject: (_rank(subject[0]), *subject)):
        was, now = before.get((kind, name), []), after.get((kind, name), [])
        gone, come = [t for t in was if t not in now], [t for t in now if t not in was]
        length = max(len(gone), len(come))
        gone, come = ([*texts, *[""] * (length - len(texts))] for texts in (gone, come))
        found += [Change(kind, one, other) for one, other in zip(gone, come, strict=True)]
    return tuple(change for change in found if change.before != change.after)


def as_diff(changes: Iterable[Change]) -> str:
    """The changes as a diff, under a heading for each kind; empty for none."""
    lines: list[str] = []
    kind = ""
    for change in changes:
        if change.kind != kind:
            kind = change.kind
            lines.append(f"@@ {kind} @@")
        lines += [f"{sign}{text}" for sign, text in (("-", change.before), ("+", change.after)) if text]
    return "".join(f"{line}\n" for line in lines)


def _rank(kind: str) -> int:
    return {"run time": 0, "build": 2}.get(kind, 1)


def _by_subject(facts: SdistFacts) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    kinds = [("", requirement) for requirement in facts.requirements]
    kinds += [("build", requirement) for requirement in facts.build_requirements]
    for kind, requirement in kinds:
        extra = _EXTRA.search(str(requirement.marker or ""))
        label = kind or (f"extra {extra[1]}" if extra else "run time")
        found.setdefault((label, str(canonicalize_name(requirement.name))), []).append(_told(requirement))
    return found


def _told(requirement: Requirement) -> str:
    """The requirement without the part of its marker that only names its extra."""
    text = str(requirement)
    return re.sub(r"\s*;\s*extra\s*==\s*[\"'][^\"']+[\"']\s*$", "", text)


def changelog_lines(
    before: Mapping[str, str], after: Mapping[str, str], *, refreshed: Sequence[str] = (), dropped: Sequence[str] = ()
) -> list[str]:
    """What changed in debian/, as lines of a changelog entry.

    ``refreshed`` and ``dropped`` name patches: those written anew, and those that the release has.
    """
    before, after = ({p: t for p, t in files.items() if p != "changelog"} for files in (before, after))
    lines = list(_control(before.get("control", ""), after.get("control", "")))
    if refreshed:
        lines.append(f"Refresh {', '.join(refreshed)}.")
    lines += [f"Drop {name}, which the release has." for name in dropped]
    patched = {*refreshed, *dropped}
    for verb, one, other in (("Add", before, after), ("Remove", after, before)):
        new = [p for p in sorted(other) if p not in one and p.removeprefix("patches/") not in patched]
        if new:
            lines.append(f"{verb} {', '.join(f'debian/{path}' for path in new)}.")
    told = {"control", "patches/series", *(f"patches/{name}" for name in patched)}
    changed = [p for p in sorted(after) if p in before and before[p] != after[p] and p not in told]
    if changed:
        lines.append(f"Update {', '.join(f'debian/{path}' for path in changed)}.")
    return lines


def _control(before: str, after: str) -> Iterator[str]:
    old, new = (
        {str(p.get("Package", "")): p for p in Deb822.iter_paragraphs(text.splitlines(), use_apt_pkg=False)}
        for text in (before, after)
    )
    for package in old.keys() & new.keys() if "" in old else ():
        was, now = old[package], new[package]
        for field in _RELATIONS:
            if text := _relations(str(was.get(field, "")), str(now.get(field, ""))):
                yield f"{field}{f' of {package}' if package else ''}: {text}."
        if not package and now.get("Standards-Version") and was.get("Standards-Version") != now["Standards-Version"]:
            yield f"Standards-Version: {now['Standards-Version']}."
        others = [f for f in now if f not in (*_RELATIONS, "Standards-Version") and was.get(f) != now[f]]
        others += [f for f in was if f not in now and f not in _RELATIONS]
        if others:
            yield f"Update {', '.join(others)}{f' of {package}' if package else ''} in debian/control."


def _relations(before: str, after: str) -> str:
    old, new = ({clause.split()[0]: clause for clause in clauses(text)} for text in (before, after))
    parts = (
        ("add", [new[name] for name in new if name not in old]),
        ("drop", [name for name in old if name not in new]),
        ("now", [new[name] for name in new if name in old and old[name] != new[name]]),
    )
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names)


def entry(generated: str, lines: Sequence[str], *, version: str, date: str) -> str:
    """A changelog entry: distribution, urgency and author of the first one of ``generated``, with these lines.

    Whose upload the generated entry says it is stays. ``date`` is in the form of RFC 5322.
    """
    head, *rest = generated.splitlines()
    uploads = [line.strip("* ") for line in rest if line.strip("* ") in _UPLOADS][:1]
    author = next(line for line in rest if line.startswith(" -- ")).partition(">")[0]
    wrapped = [
        "\n".join(
            textwrap.wrap(
                line,
                78,
                initial_indent="  * ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
        for line in [*uploads, *lines]
    ]
    head = re.sub(r"\([^)]*\)", lambda _: f"({version})", head, count=1)
    return head + "\n\n" + "\n".join(wrapped) + f"\n\n{author}>  {date}\n"
