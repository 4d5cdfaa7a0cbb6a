"""What the archive's package has and the generated one lacks, one sentence each, for a human to judge.

Maintainers know things that no rule finds: a further package with the documentation, a Breaks on an old name, a
completion file for shells. Nothing is taken over unseen; all of it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from debian.deb822 import Deb822

from debgen.archive.held import RELATIONS, HeldBinary, HeldSource
from debgen.archive.relation import clauses
from debgen.debianize.continued import SourceFields

#: Filled in when the package is built, by debhelper's and dpkg's tools.
_DERIVED = re.compile(
    r"python3(?:\.\d+)?(?:-supported-min|-supported-max)?(?::any)?|python3-[a-z0-9]+-abi.*|libc6|lib.*"
)
#: Build dependencies that stand for one another.
_SAME = {
    "debhelper": "debhelper-compat", "dh-python": "dh-sequence-python3", "python3": "python3-all",
    "python3-dev": "python3-all-dev", "python3-all": "python3-all-dev", "libpython3-all-dev": "python3-all-dev",
}  # fmt: skip
#: The name of a crate's package, or of one of its series or features: librust-serde-1+derive-dev.
_CRATE = re.compile(r"(librust-[a-z0-9-]+?)(?:-\d[\d.]*)?(?:\+[a-z0-9.+-]+)?-dev")
#: Files that every package has, or that its build makes from what it installs.
_EVERYWHERE = re.compile(
    r"usr/share/doc/[^/]+/(?:copyright|(?:changelog|NEWS)(?:\.Debian)?(?:\.[a-z0-9]+)?(?:\.gz)?)"
    r"|usr/lib/python3[0-9.]*/dist-packages/.*|usr/share/python3/runtime\.d/.*|usr/share/lintian/overrides/.*"
    r"|usr/lib/debug/.*"
)
_SHOWN = 6


def lacking(
    held: HeldSource,
    record: SourceFields | None,
    files: Mapping[str, str],
    *,
    derived: Collection[str] = (),
    commands: Collection[str] = (),
) -> tuple[str, ...]:
    """The sentences. ``files`` is the generated debian/.

    ``derived`` are the packages that dh_python3 will put into Depends, ``commands`` the programs in /usr/bin that the
    package will have.
    """
    source, *binaries = Deb822.iter_paragraphs(files.get("control", "Source: x\n").splitlines(), use_apt_pkg=False)
    generated = {str(fields.get("Package", "")): fields for fields in binaries}
    return (
        *_packages(held, generated, source, set(derived)),
        *(_build(record, source, files) if record else ()),
        *_files(held, generated, files, set(commands)),
    )


def _packages(
    held: HeldSource, generated: Mapping[str, Mapping[str, str]], source: Mapping[str, str], derived: set[str]
) -> Iterator[str]:
    for binary in held.binaries:
        fields = generated.get(binary.name)
        if fields is None:
            yield f"the archive's {held.source} also builds {binary.name} ({binary.synopsis})"
            continue
        section = str(fields.get("Section") or source.get("Section", ""))
        if binary.section and binary.section != section:
            yield f"{binary.name}: the archive's section is {binary.section}, not {section}"
        if binary.multi_arch and binary.multi_arch != "no" and "Multi-Arch" not in fields:
            yield f"{binary.name}: the archive's has Multi-Arch: {binary.multi_arch}"
        yield from _relations(binary, fields, derived)


def _relations(binary: HeldBinary, fields: Mapping[str, str], derived: set[str]) -> Iterator[str]:
    # What the generated one asks for more strongly is not lacking.
    stronger = {"Suggests": ("Recommends", "Depends"), "Recommends": ("Depends",), "Depends": ("Pre-Depends",)}
    for field in RELATIONS:
        have = set(derived) if field in ("Depends", "Recommends", "Suggests") else set()
        for name in (field, *stronger.get(field, ())):
            have |= {package for clause in clauses(str(fields.get(name, ""))) for package in _names(clause)}
        lacks = [
            clause
            for clause in clauses(binary.relations.get(field, ""))
            if not have & set(_names(clause)) and not (field == "Depends" and _is_derived(clause, binary))
        ]
        if lacks:
            yield f"{binary.name}: the archive's has {field}: {', '.join(lacks)}"


def _is_derived(clause: str, binary: HeldBinary) -> bool:
    first = _names(clause)[0] if _names(clause) else ""
    found = _DERIVED.fullmatch(first)
    return bool(found) and not (first.startswith("lib") and binary.architecture == "all")


def _build(record: SourceFields, source: Mapping[str, str], files: Mapping[str, str]) -> Iterator[str]:
    held = ",".join((record.build_depends, record.build_depends_indep, record.build_depends_arch))
    own = ",".join(str(source.get(f"Build-Depends{kind}", "")) for kind in ("", "-Indep", "-Arch"))
    have = {_same(name) for clause in clauses(own) for name in _names(clause)}
    lacks = [clause for clause in clauses(held) if not have & {_same(name) for name in _names(clause)}]
    if lacks:
        yield f"the archive's source has Build-Depends: {', '.join(lacks)}"
    tests = {"autopkgtest"} if "tests/control" in files else set()
    tests |= set(clauses(str(source.get("Testsuite", ""))))
    if missing := [suite for suite in clauses(record.testsuite) if suite not in tests]:
        yield f"the archive's source has Testsuite: {', '.join(missing)}"


def _same(name: str) -> str:
    # of a crate the generated one may ask for a series or a feature by name, the archive's for the package
    if crate := _CRATE.fullmatch(name):
        return crate[1]
    while name in _SAME:
        name = _SAME[name]
    return name


def _files(
    held: HeldSource, generated: Mapping[str, Mapping[str, str]], files: Mapping[str, str], commands: set[str]
) -> Iterator[str]:
    """Files of the archive's package other than modules that nothing in the generated one would install."""
    if held.package not in generated:
        return
    installed = "\n".join(text for path, text in files.items() if path.endswith((".install", ".links", "install")))
    documented = "\n".join(text for path, text in files.items() if path.endswith((".docs", ".manpages", ".examples")))
    found: dict[str, list[str]] = {}
    for path in held.files:
        name = PurePosixPath(path).name.removesuffix(".gz")
        known = name in commands or (path.startswith("usr/share/man/") and name.rpartition(".")[0] in commands)
        if known or _EVERYWHERE.fullmatch(path) or name in installed or name in documented:
            continue
        found.setdefault(str(PurePosixPath(path).parent), []).append(path)
    for paths in found.values():
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        yield f"{held.package}: the archive's has the files {', '.join(f'/{path}' for path in paths[:_SHOWN])}{more}"


def _names(clause: str) -> list[str]:
    """The packages of a clause's alternatives, without versions, architectures and profiles."""
    return [found[0] for part in clause.split("|") if (found := re.match(r"[^\s:(\[<]+", part.strip()))]
