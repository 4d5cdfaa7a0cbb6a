"""What one package brings along: Depends before Recommends, alternatives, Provides, cycles."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from debgen.archive.extras import Pull, brought_along, pulled_in
from debgen.archive.model import Binary


@dataclass
class Archive:
    """Packages from lines ``name version | field: relations``; ``asked`` counts what is looked up."""

    binaries: dict[str, Binary]
    asked: list[str] = field(default_factory=list)

    def binary(self, name: str) -> Binary | None:
        self.asked.append(name)
        return self.binaries.get(name)

    def providers(self, virtual: str) -> tuple[Binary, ...]:
        return tuple(b for b in self.binaries.values() if virtual in b.provides.replace(",", " ").split())


def archive(**packages: str) -> Archive:
    made = {}
    for key, text in packages.items():
        name = key.replace("_", "-")
        fields = dict(part.split(": ", 1) for part in text.split("; ") if part)
        made[name] = Binary(
            name=name,
            version=fields.get("version", "1-1"),
            architecture="all",
            source=name,
            source_version="1-1",
            component="main",
            section="python",
            provides=fields.get("provides", ""),
            depends=fields.get("depends", ""),
            recommends=fields.get("recommends", ""),
            pre_depends=fields.get("pre_depends", ""),
        )
    return Archive(made)


FASTAPI = archive(
    fastapi="depends: uvicorn (>= 1), pydantic, python3:any; recommends: cli; pre_depends: base",
    uvicorn="version: 1.5-1; depends: click | typer; recommends: websockets",
    pydantic="depends: fastapi, typing | old (>= 9)",  # a cycle
    cli="depends: rich",
    typer="",
    websockets="",
    rich="recommends: pygments",
    pygments="",
    old="version: 3-1",
    base="",
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("fastapi", Pull.DEPENDS),
        ("uvicorn", Pull.DEPENDS),
        ("pydantic", Pull.DEPENDS),
        ("base", Pull.DEPENDS),
        ("typer", Pull.DEPENDS),  # the first alternative, click, isn't in the suite
        ("cli", Pull.RECOMMENDS),
        ("rich", Pull.RECOMMENDS),  # a dependency of what is recommended
        ("websockets", Pull.RECOMMENDS),  # recommended by a dependency
        ("pygments", Pull.NONE),  # recommended by what is only recommended
        ("old", Pull.NONE),  # too old for the alternative that names it
        ("absent", Pull.NONE),
    ],
)
def test_how_a_package_is_brought_along(wanted: str, expected: Pull) -> None:
    assert pulled_in(FASTAPI, "fastapi", wanted) is expected


def test_a_later_alternative_is_not_brought_along() -> None:
    suite = archive(app="depends: first | second", first="", second="")
    assert pulled_in(suite, "app", "first") is Pull.DEPENDS
    assert pulled_in(suite, "app", "second") is Pull.NONE


def test_no_alternative_is_brought_along_where_one_comes_anyway() -> None:
    suite = archive(
        app="depends: backport | supported (>= 3.11), lib",
        backport="",
        lib="depends: python",
        python="provides: supported (= 3.13)",
    )
    assert pulled_in(suite, "app", "backport") is Pull.NONE
    assert pulled_in(suite, "app", "python") is Pull.DEPENDS


def test_provides() -> None:
    suite = archive(
        app="depends: virtual, several, versioned (>= 2), bare (>= 2)",
        one="provides: virtual",
        two="provides: several",
        three="provides: several",
        four="provides: versioned (= 2.1)",
        five="provides: bare",
    )
    assert {name: pulled_in(suite, "app", name) for name in ("one", "two", "three", "four", "five")} == {
        "one": Pull.DEPENDS,
        "two": Pull.NONE,  # apt may choose either
        "three": Pull.NONE,
        "four": Pull.DEPENDS,
        "five": Pull.NONE,  # without a version, a Provides satisfies no versioned relation
    }


def test_a_package_that_is_too_old_gives_way_to_the_next_alternative() -> None:
    suite = archive(app="depends: lib (>= 2) | lib-new", lib="version: 1.9-1", lib_new="")
    assert pulled_in(suite, "app", "lib") is Pull.NONE
    assert pulled_in(suite, "app", "lib-new") is Pull.DEPENDS


def test_each_package_is_looked_at_once() -> None:
    names = [f"p{number}" for number in range(60)]
    suite = archive(**{name: "depends: " + ", ".join(names) for name in names})
    assert brought_along(suite, "p0") == dict.fromkeys(names, Pull.DEPENDS)
    assert len(suite.asked) < 3 * 60 * 61


def test_an_unknown_package_brings_nothing_but_itself() -> None:
    assert brought_along(archive(), "gone") == {"gone": Pull.DEPENDS}
