"""What differs from the archive's own packages of the same names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from debgen.archive.model import Binary
from debgen.archive.relation import clauses, compare, parse_clause
from debgen.building.checked import Checked, Verdict
from debgen.building.chroots import Flavour
from debgen.building.debfiles import Deb
from debgen.checks.subject import Subject
from debgen.errors import CheckError, NetworkError

# The arguments: the names of the archive's packages. apt verifies what it fetches; the mirror may have moved on.
_SCRIPT = """
set -eu
cd /tmp
apt-get update -qq
apt-get download -qq "$@" || exit 100
set +e
debdiff --show-moved --from /tmp/*.deb --to /in/*.deb
code=$?
test $code -le 1 || exit $code
"""
_HEADING = re.compile(
    r"(?P<kind>Files only in first|Files in first|New files in second|Files in second) (?:set of )?\.debs?\b.*"
)
_CONTROL = re.compile(r"Control files.*: lines which differ \(wdiff format\)")
_GONE_FIELD = re.compile(r"\[-(?P<field>[A-Z][A-Za-z-]*): .*-\]")
#: Fields whose loss is told by the names that they had; the source's name is left out where its version is the same.
_RELATIONS = ("Pre-Depends", "Depends", "Recommends", "Source")
#: Names that change with the release or the interpreter, not with what is shipped.
_CHANGING = (
    (re.compile(r"-[^/-]+(?=\.(?:dist|egg)-info(?:/|$))"), ""),
    (re.compile(r"\.cpython-\d+[a-z]?-[^./]+|\.abi3(?:-[^./]+)?(?=\.so$)"), ""),
    (re.compile(r"(?<=python)3\.\d+(?=/)"), "3"),
    (re.compile(r"\.gz$"), ""),
)


#: What stands beside an egg-info and has no place in a dist-info; the log of rebuilds for one machine.
_PASSING = re.compile(r"\.egg-info(?:/|$)|/changelog\.Debian\.[^/]+\.gz$")


@dataclass(frozen=True)
class Difference:
    """Paths that only the one side has: ``gained`` are ours, ``lost`` the archive's; ``fields`` lack in our control."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    fields: tuple[str, ...] = ()


def check(subject: Subject) -> Checked:
    """Compare with the archive's packages by debdiff; WARN where files, packages or dependencies were lost.

    WARN also where ours isn't newer; SKIP where the archive has none of the packages. Raises NetworkError where the
    archive's can't be fetched, CheckError where debdiff fails, and as :meth:`Subject.chroot`.
    """
    ours = {deb.name: deb for deb in subject.packages}
    theirs = {name: found for name in ours if (found := subject.index.binary(name))}
    if not theirs:
        return Checked("debdiff", Verdict.SKIP, "the archive has none of its packages")
    log = subject.log("debdiff")
    result = subject.store.run_in(
        subject.chroot(Flavour.CHECKS),
        ["sh", "-c", _SCRIPT, "sh", *theirs],
        inputs=[path for path in subject.debs if path.name.partition("_")[0] in theirs],
        network=True,
        log=log,
    )
    text = log.read_text(encoding="utf-8", errors="replace")
    told = "\n".join(text.splitlines()[-10:])
    if result.returncode == 100:
        raise NetworkError(f"the archive's packages can't be fetched:\n{told}", hint=f"The whole output is in {log}")
    if result.returncode != 0:
        raise CheckError(f"debdiff fails (exit code {result.returncode}):\n{told}", hint=f"Its output is in {log}")
    gone = [
        binary.name
        for source in sorted({binary.source for binary in theirs.values()})
        for binary in subject.index.source_binaries(source)
        if binary.name not in ours
    ]
    return judged(parse(text), list(theirs.values()), list(ours.values()), gone, log=log)


def judged(
    difference: Difference,
    theirs: Sequence[Binary],
    ours: Sequence[Deb],
    gone: Sequence[str] = (),
    log: Path | None = None,
) -> Checked:
    """The verdict; ``gone`` are binary packages of the archive's source that ours doesn't make."""
    mine = {deb.name: deb for deb in ours}
    old = theirs[0].version
    order = max(compare(binary.version, mine[binary.name].version) for binary in theirs)
    age = {-1: "", 0: "the archive has this very version; ", 1: "THE ARCHIVE'S IS NEWER; "}[order]
    fewer = [
        f"{binary.name}: {field}: {name} is gone"
        for binary in theirs
        for field, text in (("Depends", f"{binary.pre_depends}, {binary.depends}"), ("Recommends", binary.recommends))
        for name in sorted(_names(text) - _related(mine[binary.name]))
    ]
    findings = (
        *([f"the archive has {old}, ours is {mine[theirs[0].name].version}"] if order >= 0 else []),
        *(f"the package {name} is gone" for name in gone),
        *(f"lost: {path}" for path in difference.lost),
        *fewer,
        *(f"the control field {field} is gone" for field in difference.fields if field not in _RELATIONS),
    )
    summary = (
        f"{age}{len(difference.gained)} files more, {len(difference.lost)} fewer, {len(fewer)} dependencies fewer "
        f"than {old}"
    )
    details = {"archive": old, "gained": list(difference.gained), "lost": list(difference.lost), "gone": list(gone)}
    return Checked("debdiff", Verdict.WARN if findings else Verdict.PASS, summary, findings, log, details=details)


def parse(text: str) -> Difference:
    """What debdiff lists as being on one side only, without what merely has another name in another release."""
    gained: list[str] = []
    lost: list[str] = []
    fields: list[str] = []
    current: list[str] | None = None
    control = False
    for line in text.splitlines():
        if heading := _HEADING.fullmatch(line):
            current, control = (gained if "second" in heading["kind"] else lost), False
        elif _CONTROL.match(line):
            current, control = None, True
        elif not line.strip():
            current = None
        elif control and (gone := _GONE_FIELD.fullmatch(line)):
            fields.append(gone["field"])
        elif current is not None and (path := re.search(r"(?<=\s)/.*", line)):  # after permissions and owner
            current.append(path[0].partition(" -> ")[0])
    known, new = {_steady(path) for path in lost}, {_steady(path) for path in gained}
    has_info = any(".dist-info/" in path for path in gained)
    return Difference(
        tuple(path for path in gained if _steady(path) not in known),
        tuple(
            path
            for path in lost
            if _steady(path) not in new and not (_PASSING.search(path) and (has_info or ".egg-info" not in path))
        ),
        tuple(fields),
    )


def _steady(path: str) -> str:
    for pattern, instead in _CHANGING:
        path = pattern.sub(instead, path)
    return path


def _names(field: str) -> frozenset[str]:
    return frozenset(relation.name for clause in clauses(field) for relation in parse_clause(clause))


def _related(deb: Deb) -> frozenset[str]:
    fields: Iterable[str] = ("Pre-Depends", "Depends", "Recommends")
    return frozenset(name for field in fields for name in _names(deb.control.get(field, "")))
