"""Which release to package."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from debgen.debianize.model import Unmet
from debgen.planning.choice import Choice, Passed, allowed_versions, choose

LACKS = (Unmet(Requirement("absent>=2"), "", ""),)


def test_allowed_versions() -> None:
    versions = ["1.0", "2.0", "2.10", "2.9", "3.0rc1", "1.0.post1"]
    assert allowed_versions(versions, SpecifierSet("")) == ["2.10", "2.9", "2.0", "1.0.post1", "1.0"]
    assert allowed_versions(versions, SpecifierSet("<2.9,!=2.0")) == ["1.0.post1", "1.0"]
    assert allowed_versions(versions, SpecifierSet(">=3.0rc1")) == ["3.0rc1"]
    assert allowed_versions(versions, SpecifierSet(">9")) == []
    assert allowed_versions(["1.0rc1", "1.0rc2"], SpecifierSet("")) == ["1.0rc2", "1.0rc1"]  # nothing else is there


def test_the_newest_that_the_suite_can_carry() -> None:
    asked: list[str] = []

    def unmet_of(version: str) -> tuple[Unmet, ...]:
        asked.append(version)
        return LACKS if version > "2" else ()

    assert choose(["4", "3", "2", "1"], unmet_of) == Choice("2", (Passed("4", LACKS), Passed("3", LACKS)), ())
    assert asked == ["4", "3", "2"]  # not one request more than it takes


def test_where_none_can_be_carried_the_newest_says_why() -> None:
    assert choose(["2", "1"], lambda _: LACKS) == Choice("2", (), LACKS)
    assert choose([], lambda _: ()) is None
    assert str(LACKS[0]) == "absent>=2: the suite has no package of it"
    assert str(Unmet(Requirement("a<2"), "python3-a", "3-1")) == "a<2: the suite has python3-a 3-1"
