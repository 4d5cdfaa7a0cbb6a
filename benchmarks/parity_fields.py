"""Relation fields of two source packages beside each other: what differs, and what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from debgen.archive.relation import clauses, parse_clause

_SAME = {
    "debhelper": "debhelper-compat",
    "dh-compat": "debhelper-compat",
    "dh-python": "dh-sequence-python3",
    "dh-sequence-sphinxdoc": "python3-sphinx",
    "python3-flit": "flit",
    "flit-core": "flit",
    "python3-flit-core": "flit",
    "cython3": "cython",
    "cython3-legacy": "cython",
    "pkg-config": "pkgconf",
    "python3-pkg-resources": "python3-setuptools",
    **dict.fromkeys(
        (
            "python3",
            "python3-all",
            "python3-minimal",
            "python3-dev",
            "python3-all-dev",
            "libpython3-dev",
            "libpython3-all-dev",
            "python3-all-dbg",
            "python3-venv",
        ),
        "python3",
    ),
}
_CLASSES = (
    (
        "lint",
        r"python3-(?:pytest-(?:cov|black|flake8|mypy|ruff|pylint|codspeed|benchmark)|coverage|flake8|pylint|isort"
        r"|bandit|pre-commit|pycodestyle|pyflakes|tox)|black|flake8|mypy|ruff|pylint|tox|isort",
    ),
    (
        "docs",
        r".*sphinx.*|.*-docs?|.*theme.*|mkdocs.*|furo|libjs-.*|pandoc|docbook.*|asciidoc.*|help2man|texlive.*|latexmk"
        r"|python3-(?:mkdocs|myst|numpydoc|nbsphinx|recommonmark|pallets|docutils|furo|breathe|argparse-manpage).*"
        r"|doxygen|graphviz|tex-gyre|dvipng|fonts-.*|xsltproc|ronn|txt2man|scdoc|argparse-manpage|texinfo",
    ),
    ("helper", r"dh-.*|debhelper.*|quilt|jdupes|rdfind|symlinks|lsb-release|rename|dos2unix|distro-info.*|devscripts"),
    (
        "test",
        r"python3-(?:pytest.*|hypothesis|nose.*|mock|testtools|testscenarios|testfixtures|freezegun|responses"
        r"|requests-mock|httpretty|vcr|time-machine|pexpect|fixtures|stestr|zope\.testrunner|pyfakefs|trustme)"
        r"|tzdata.*|locales.*|xvfb|xauth|procps|net-tools|git",
    ),
)
_IGNORED_DEPENDS = re.compile(
    r".*-(?:abi|api)[-\w]*|python3(?:\.\d+)?(?:-minimal|-supported-\w+)?|lib(?!js-).*|\$\{.*|.*-common"
)


@dataclass(frozen=True)
class Needed:
    """One clause of Build-Depends: what could satisfy it, and whether only tests or documentation ask for it."""

    text: str
    names: tuple[str, ...]
    profiles: tuple[str, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The names, those that mean the same made one."""
        return frozenset(_SAME.get(name, name) for name in self.names)


def parse_needs(fields: Iterable[str]) -> list[Needed]:
    """The clauses of Build-Depends fields, without those of other architectures."""
    found = []
    for clause in (clause for text in fields for clause in clauses(text)):
        profiles = tuple(re.findall(r"<([^<>]+)>", clause))
        plain = re.sub(r"<[^<>]+>(?=\s*(?:<|$|\|))|\[[^\]]*\]", "", clause)
        places = re.findall(r"\[([^\]]*)\]", clause)
        here = all("amd64" in p or "any" in p or ("!" in p and "!amd64" not in p) for p in places)
        names = tuple(relation.name for relation in parse_clause(plain))
        if names and here:
            found.append(Needed(clause, names, profiles))
    return found


def class_of(need: Needed, runtime: Iterable[str]) -> str:
    """What a clause is for, by its profiles, its names, and the package's own Depends (``runtime``)."""
    for name, pattern in _CLASSES:
        if all(re.fullmatch(pattern, n) for n in need.names):
            return name
    if any("!nodoc" in profile for profile in need.profiles):
        return "docs"
    if set(need.names) & set(runtime):
        return "run"
    return "test" if any("!nocheck" in profile for profile in need.profiles) else "build"


def differences(
    mine: Sequence[Needed],
    other: Sequence[Needed],
    runtime: Iterable[str],
    implied: Callable[[Iterable[str]], set[str]],
) -> tuple[int, list[str]]:
    """How many clauses of ``mine`` the ``other`` has too, and those that it hasn't, each after its class."""
    keys = {key for need in other for key in need.keys}
    through: set[str] | None = None
    shared = 0
    lacking = []
    for need in mine:
        if need.keys & keys:
            shared += 1
            continue
        through = implied(name for need in other for name in need.names) if through is None else through
        kind = "implied" if through & set(need.names) else class_of(need, runtime)
        lacking.append(f"{kind}: {' | '.join(need.names)}")
    return shared, sorted(set(lacking))


def depends_clauses(fields: Iterable[str]) -> list[frozenset[str]]:
    """The alternatives of each clause of Depends fields, without what every package gets by itself."""
    found = (
        frozenset(r.name for r in parse_clause(clause) if not _IGNORED_DEPENDS.fullmatch(r.name))
        for text in fields
        for clause in clauses(text)
    )
    return [names for names in found if names]


def depends_differences(
    mine: Iterable[str], theirs: Sequence[frozenset[str]], weaker: Iterable[str]
) -> tuple[int, list[str], list[str]]:
    """How many clauses of ``theirs`` the packages ``mine`` satisfy, the others, and what of ``mine`` is in none.

    Of the latter it is told where it is in the ``weaker`` relations of theirs.
    """
    own, named = set(mine), {name for names in theirs for name in names}
    missing = [" | ".join(sorted(names)) for names in theirs if not names & own]
    extra = [f"{name} (they: Recommends)" if name in set(weaker) else name for name in own - named]
    return len(theirs) - len(missing), sorted(missing), sorted(extra)
