"""Which release of each name is built, and what binds the releases of what they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from planning_cases import plan

from debgen import chainplan
from debgen.chainplan import plan_chain
from debgen.errors import ResolutionError
from debgen.planning.model import Plan

Requires = Mapping[str, list[str]]


class Case:
    """Small plans in the place of resolutions: which releases there are, and what each needs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, larger: Requires | None = None) -> None:
        self.pins: list[dict[str, str]] = []
        self.trees: dict[str, Requires] = {}
        self.lacking: set[str] = set()
        self.unresolvable: set[str] = set()
        if larger is not None:
            found = plan(larger, {}, versions={"shared": "7.0"})
            monkeypatch.setattr(chainplan, "_larger", lambda *args: found)
        monkeypatch.setattr(chainplan, "releases_of", lambda name, bounds, bench: ["2.0", "1.0"])
        monkeypatch.setattr(chainplan, "choose_release", self.choose)
        monkeypatch.setattr(chainplan, "_plan", self.plan)

    @staticmethod
    def choose(text: str, root: str, bench: object, settings: object) -> tuple[str, str]:
        name, _, version = text.partition("==")
        return name, version or "1.0"

    def plan(self, name: str, version: str, pins: Mapping[str, str], bench: object, settings: object) -> Plan:
        if name in self.unresolvable and version == "2.0":
            raise ResolutionError("there is no such release\nand so on")
        self.pins.append(dict(pins))
        requires = self.trees.get(name, {name: []})
        return plan(requires, {}, versions={name: version}, wheels_only=self.lacking)

    def chosen(self, *names: str, root: str = "") -> dict[str, str]:
        chain, plans = plan_chain(names, root, cast(Any, None), cast(Any, None))
        assert [p.root for p in plans] == [name.partition("==")[0] for name in dict.fromkeys(names)]
        return {link.name: link.version for link in chain.links}


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(monkeypatch)


def test_the_newest_is_built_with_what_it_needs(case: Case) -> None:
    case.trees["top"] = {"top": ["low"], "low": []}
    assert case.chosen("top") == {"low": "2.0", "top": "2.0"}


def test_where_something_stands_in_its_way_it_is_the_one_that_the_suite_carries(case: Case) -> None:
    case.trees["top"] = {"top": ["low"], "low": []}
    case.lacking = {"low"}
    assert case.chosen("top") == {"top": "1.0"}


def test_a_newest_release_that_cannot_be_planned_is_passed_over(case: Case) -> None:
    case.unresolvable = {"top"}
    assert case.chosen("top") == {"top": "1.0"}


def test_an_exact_release_is_taken_as_it_is(case: Case) -> None:
    assert case.chosen("top==1.5") == {"top": "1.5"}


def test_what_the_larger_plan_has_is_chosen_for_that_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(monkeypatch, {"root": ["top", "shared"], "top": [], "shared": []})
    assert case.chosen("top", root="root") == {"top": "1.0"}
    assert case.pins[0]["shared"] == "==7.0"
    assert case.chosen("other", root="root") == {"other": "2.0"}


def test_each_name_binds_those_after_it(case: Case) -> None:
    case.trees["one"] = {"one": ["low"], "low": []}
    case.chosen("one", "two", "one")
    assert case.pins == [{}, {"low": "==2.0", "one": "==2.0"}]
