"""The chain of what has to be built: order, needs, obstacles, several roots."""

from __future__ import annotations

import pytest
from planning_cases import plan

from debgen.errors import ResolutionError, UsageError
from debgen.planning.chain import chain_of, chosen


def names(chain: object) -> list[str]:
    return [link.name for link in chain.links]  # type: ignore[attr-defined]


def test_each_stands_after_what_it_needs() -> None:
    chain = chain_of([plan({"top": ["mid>=2", "low"], "mid": ["low"], "low": [], "had": []}, {"had": "1"})])
    assert names(chain) == ["low", "mid", "top"]
    assert chain.by_name["top"].needs == {"low", "mid"}
    assert chain.by_name["top"].asked
    assert not chain.by_name["low"].asked
    assert [link.name for link in chain.closure("top")] == ["low", "mid"]
    assert [link.name for link in chain.closure("low")] == []


def test_what_the_suite_has_is_no_link_and_what_is_too_old_is_one() -> None:
    chain = chain_of([plan({"top": ["had>=1", "old>=2"], "had": [], "old": []}, {"had": "2.0", "old": "1.0"})])
    assert names(chain) == ["old", "top"]


def test_the_root_is_built_although_the_suite_has_it() -> None:
    chain = chain_of([plan({"top": []}, {"top": "2.0"})])
    assert names(chain) == ["top"]


def test_a_blocked_need_is_an_obstacle_and_a_note() -> None:
    chain = chain_of([plan({"top": ["gone"], "gone": []}, {}, wheels_only=["gone"])])
    assert "it needs gone, which is blocked" in chain.by_name["top"].obstacle
    assert any(note.startswith("gone: blocked") for note in chain.notes)
    assert "gone" not in names(chain)


def test_a_cycle_is_cut_and_told() -> None:
    chain = chain_of([plan({"top": ["egg"], "egg": ["hen"], "hen": ["egg"]}, {})])
    assert set(names(chain)) == {"top", "egg", "hen"}
    first = next(link for link in chain.links if link.name in ("egg", "hen"))
    assert not first.needs
    assert "needs it in turn" in first.obstacle
    assert any("cycle" in note for note in chain.notes)


def test_several_roots_share_what_they_need() -> None:
    chain = chain_of([plan({"one": ["low"], "low": []}, {}), plan({"two": ["low", "one"], "low": [], "one": []}, {})])
    assert names(chain) == ["low", "one", "two"]
    assert chain.by_name["one"].asked
    assert chain.by_name["two"].needs == {"low", "one"}


def test_a_later_root_that_an_earlier_one_needs_stands_before_it() -> None:
    chain = chain_of([plan({"one": ["two"], "two": []}, {}), plan({"two": []}, {})])
    assert names(chain) == ["two", "one"]
    assert chain.by_name["two"].asked


def test_two_releases_of_one_distribution_are_refused() -> None:
    first = plan({"one": ["low"], "low": []}, {}, versions={"low": "1.0"})
    second = plan({"two": ["low"], "low": []}, {}, versions={"low": "3.0"})
    with pytest.raises(ResolutionError, match=r"low 1\.0 and 3\.0"):
        chain_of([first, second])


def test_only_what_is_there_can_be_chosen() -> None:
    chain = chain_of([plan({"top": ["low"], "low": []}, {})])
    assert chosen(chain, ["top"]) == ("top",)
    assert chosen(chain, ["top", "low"]) == ("low", "top")
    with pytest.raises(UsageError, match="lwo"):
        chosen(chain, ["lwo"])


def test_what_is_chosen_may_be_spelt_otherwise() -> None:
    chain = chain_of([plan({"top-one": ["low"], "low": []}, {})])
    assert chosen(chain, ["Top_One"]) == ("top-one",)
