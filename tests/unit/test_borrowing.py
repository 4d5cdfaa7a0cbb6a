"""What plans say of borrowing, and which suites it is done from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from borrow_cases import COMMON, forky, opened, packages, sid

from debgen.archive.borrow import Borrow, BuildPackages, Lender
from debgen.archive.index import SuiteIndex
from debgen.archive.mirror import MirrorSettings
from debgen.archive.solver import Problem
from debgen.borrowing import lenders, notes_on, origins
from debgen.errors import UsageError
from debgen.planning.asjson import as_json
from debgen.planning.model import BuildNeed, Decision, Node, Plan, Supply, Topic, Variant
from debgen.planning.saved import load, save
from debgen.planning.verdict import Verdict

MIRROR = MirrorSettings("https://mirror.example/debian", True, (), (), Path("/keyring.gpg"), "amd64")


def test_suites_are_opened_once_and_known_by_their_codenames(tmp_path: Path) -> None:
    asked: list[str] = []

    def opened(suite: str, mirror: MirrorSettings) -> SuiteIndex:
        assert mirror is MIRROR
        asked.append(suite)
        return forky(tmp_path)

    words = ["testing:librust-a*", "forky:librust-b*", "testing"]
    with lenders(words, sid(tmp_path), MIRROR, opened=opened) as (lender,):
        assert lender.borrow == Borrow("forky", ("librust-a*", "librust-b*", "librust-*"))
        assert lender.index.codename == "forky"
    assert asked == ["testing", "forky"]
    with lenders([], sid(tmp_path), MIRROR, opened=opened) as nothing:
        assert nothing == ()


@pytest.mark.parametrize("word", ["sid", "unstable:librust-x-dev"])
def test_nothing_is_borrowed_from_the_suite_itself(tmp_path: Path, word: str) -> None:
    def opened(suite: str, mirror: MirrorSettings) -> SuiteIndex:
        return sid(tmp_path)

    with (
        pytest.raises(UsageError, match="--borrow sid: that is the suite to build for"),
        lenders([word], sid(tmp_path), MIRROR, opened=opened),
    ):
        pass


def test_a_package_is_borrowed_too_where_only_what_it_depends_on_is(tmp_path: Path) -> None:
    chain = ("librust-pyo3-dev", "librust-zip-dev", "librust-typed-path-dev")
    alone = {"librust-pyo3-dev": Problem("librust-pyo3-dev", chain, "x"), "librust-only-in-sid-dev": None}
    origin = origins(packages(tmp_path), alone)
    assert origin("librust-pyo3-dev") == "forky"
    assert origin("librust-zip-dev") == "forky"
    assert origin("librust-only-in-sid-dev") == ""
    assert origins(packages(tmp_path), {})("librust-pyo3-dev") == ""
    clash = {"librust-pyo3-dev": Problem("librust-pyo3-dev", (), "apt says so")}
    assert origins(packages(tmp_path), clash)("librust-pyo3-dev") == "forky"


def test_what_stands_last_on_the_way_says_who_lends(tmp_path: Path) -> None:
    other = opened(tmp_path, "stable", "trixie", f"{COMMON}\nPackage: librust-a-dev\nVersion: 2\n")
    lent = [
        Lender(Borrow("trixie", ("librust-a-*",)), other),
        Lender(Borrow("forky", ("librust-zip-*",)), forky(tmp_path)),
    ]
    chain = ("librust-pyo3-dev", "librust-a-dev", "librust-zip-dev", "librust-gone-dev")
    origin = origins(BuildPackages(sid(tmp_path), lent), {"librust-pyo3-dev": Problem("librust-pyo3-dev", chain, "x")})
    assert origin("librust-pyo3-dev") == "forky"


def plan(needs: Sequence[BuildNeed], borrow: tuple[str, ...] = (), **more: Any) -> Plan:
    node = Node(
        "root", "1.0", (), None, (), Verdict.MISSING, Decision.PACKAGE, "because", ("root",), needed=True,
        build=tuple(needs), **more,
    )  # fmt: skip
    return Plan(
        "root", "root", Variant("cpu", ""), "sid", "2026-10-30T00:00:00+00:00", "3.14", "amd64", (node,), (), (), (),
        borrow,
    )  # fmt: skip


NEED = BuildNeed(Topic.CRATE, "pyo3", "0.28", "librust-pyo3-dev", "0.28.2-2", Supply.SATISFIED, "it has it")
STUCK = replace(NEED, supply=Supply.UNINSTALLABLE)


def test_a_hint_names_the_option_where_it_may_help() -> None:
    (note,) = notes_on(plan([NEED, STUCK, replace(STUCK, package="librust-a-dev")]), "unstable")
    assert note == (
        "librust-a-dev and librust-pyo3-dev can't be installed in sid: building with the crates of another suite may "
        "help: --borrow testing"
    )
    assert notes_on(plan([STUCK]), "testing")[0].endswith("--borrow unstable")
    assert notes_on(plan([STUCK]), "stable") == ()
    assert notes_on(plan([NEED]), "unstable") == ()


def test_who_is_built_with_what_is_told() -> None:
    words = ("forky:librust-*",)
    lent = replace(NEED, borrowed="forky")
    (note,) = notes_on(plan([lent, replace(lent, package="librust-a-dev")], words), "unstable")
    assert note.startswith("to be built with packages borrowed from forky: root (librust-a-dev and librust-pyo3-dev)")
    assert note.endswith("can't be uploaded to sid as it is")
    (note,) = notes_on(plan([NEED], words), "unstable")
    assert note == "nothing of this plan asks for a package that forky:librust-* would lend"
    assert notes_on(plan([], words), "unstable") == ()
    assert cast(Any, notes_on(plan([STUCK], words), "unstable")) == (
        "nothing of this plan asks for a package that forky:librust-* would lend",
    )


def test_a_saved_plan_keeps_what_is_borrowed(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    document = as_json(plan([NEED], ("forky:librust-*",)))
    save(path, document)
    assert load(path)["borrow"] == ["forky:librust-*"]
    del document["borrow"]  # as earlier plans have it
    save(path, document)
    assert "borrow" not in load(path)
    for wrong in ("forky", [1], None):
        save(path, {**document, "borrow": wrong})
        with pytest.raises(UsageError, match="'borrow' is"):
            load(path)
