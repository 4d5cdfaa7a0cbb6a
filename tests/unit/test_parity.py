"""The benchmark that puts generated packages beside the archive's: what counts as a difference, and of which kind."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from archive_parity import Row, shows, summary, text_of
from parity_fields import class_of, depends_clauses, depends_differences, differences, parse_needs


def nothing(names: Iterable[str]) -> set[str]:
    return set()


def compared(theirs: str, ours: str, runtime: Iterable[str] = ()) -> tuple[int, list[str], list[str]]:
    mine, other = parse_needs([theirs]), parse_needs([ours])
    shared, missing = differences(mine, other, runtime, nothing)
    return shared, missing, differences(other, mine, runtime, nothing)[1]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("dh-python, debhelper (>= 13)", "dh-sequence-python3, debhelper-compat (= 14)"),
        ("python3-all-dev:any, libpython3-all-dev", "python3-all"),
        ("cython3:native (>= 3)", "cython3-legacy"),
        ("pkg-config", "pkgconf"),
        ("python3-foo (>= 1~) [!hurd-any] <!nocheck> <!nodoc>", "python3-foo"),
        ("python3-a | python3-b", "python3-b <!nocheck>"),
        ("dh-python, gcc-12 [arm64]", "dh-python"),
    ],
)
def test_what_means_the_same(theirs: str, ours: str) -> None:
    shared, missing, extra = compared(theirs, ours)
    assert (missing, extra) == ([], [])
    assert shared == len(parse_needs([theirs]))


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("python3-numpy", "build"),
        ("python3-numpy <!nocheck>", "test"),
        ("python3-pytest-mock", "test"),
        ("python3-rich <!nocheck>", "run"),
        ("python3-pytest-cov <!nocheck>", "lint"),
        ("python3-sphinx-rtd-theme", "docs"),
        ("python3-x <!nodoc>", "docs"),
        ("dh-sequence-single-binary", "helper"),
    ],
)
def test_what_a_difference_is_for(clause: str, expected: str) -> None:
    (need,) = parse_needs([clause])
    assert class_of(need, {"python3-rich"}) == expected
    name = clause.split()[0]
    assert compared(clause, "python3", ["python3-rich"])[1] == [f"{expected}: {name}"]


def test_what_comes_along_is_implied() -> None:
    brings = {"python3-requests": {"python3-idna"}}

    def implied(names: Iterable[str]) -> set[str]:
        return {found for name in names for found in brings.get(name, ())}

    mine, other = parse_needs(["python3-idna, python3-x"]), parse_needs(["python3-requests"])
    assert differences(mine, other, (), implied) == (0, ["build: python3-x", "implied: python3-idna"])


def test_depends_by_clauses() -> None:
    theirs = depends_clauses(
        ["python3-a (>= 1), python3-supported-min (>= 3.15) | python3-b, libc6, python3:any, python3-c | python3-d"]
    )
    assert theirs == [{"python3-a"}, {"python3-b"}, {"python3-c", "python3-d"}]
    assert depends_differences({"python3-b", "python3-d", "python3-e", "python3-f"}, theirs, ["python3-f"]) == (
        2, ["python3-a"], ["python3-e", "python3-f (they: Recommends)"],
    )  # fmt: skip


def test_the_table_tells_all_that_differs() -> None:
    same = {"source": "a", "binary": "python3-a", "section": "python", "architecture": "all", "tests": "autopkgtest"}
    rows = [
        Row("a", version="1", ours=same, theirs=same, shared=5, depends_shared=2),
        Row(
            "b", version="2", ours={**same, "binary": "python3-x", "tests": "superficial"}, theirs=same, shared=2,
            missing=["build: cmake", "docs: python3-sphinx", "implied: m"], extra=["test: python3-nose"],
            depends_missing=["python3-z", "python3-y"], depends_extra=["python3-q"], open=["unmet: z"],
            build={"result": "not good", "findings": ""},
        ),
        Row("c", version="3", problem="refused: NoSdistError: c 3 has none"),
    ]  # fmt: skip
    text = "\n".join(map(text_of, rows))
    for part in (
        "a 1: Build-Depends 5 shared, 0 missing, 0 extra; Depends 2 shared, 0 missing, 0 extra",
        "differ: binary python3-x (they: python3-a), tests superficial (they: autopkgtest)",
        "- Build-Depends: build: cmake, docs: python3-sphinx, implied: m",
        "+ Build-Depends: test: python3-nose", "- Depends: python3-z, python3-y", "+ Depends: python3-q",
        "open: unmet: z", "built: result not good", "c 3: refused: NoSdistError",
    ):  # fmt: skip
        assert part in text
    line = summary(rows)
    for part in (
        "generated 2 of 3", "same source 100 %", "same binary 50 %", "Build-Depends 88 % of theirs",
        "missing 1 build, 1 docs, 1 implied", "extra 1 test", "Depends 50 % of theirs, 1 extra", "tested 1, they 2",
        "ready 1", "built and good 0 of 1",
    ):  # fmt: skip
        assert part in line
    assert "generated 0 of 1" in summary(rows[2:])


def test_which_tests_show_something() -> None:
    assert shows("autopkgtest")
    assert shows("autopkgtest-pkg-python, autopkgtest-pkg-pybuild")
    assert not shows("autopkgtest-pkg-python")
    assert not shows("superficial")
    assert not shows("none")
    same = {"tests": "autopkgtest-pkg-pybuild"}
    assert "differ" not in text_of(Row("a", ours={"tests": "autopkgtest"}, theirs=same))
    assert "differ: tests superficial" in text_of(Row("a", ours={"tests": "superficial"}, theirs=same))
