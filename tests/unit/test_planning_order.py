"""The order in which to package."""

from __future__ import annotations

from debgen.planning.order import stages


def test_each_stage_needs_only_earlier_ones_and_is_sorted() -> None:
    needs = {"z": set(), "a": set(), "m": {"a"}, "b": {"z"}, "root": {"m", "b"}}
    assert stages(needs) == ((("a", "z"), ("b", "m"), ("root",)), ())
    assert stages(dict(reversed(needs.items()))) == stages(needs)
    assert stages({}) == ((), ())


def test_names_that_are_not_packaged_do_not_count() -> None:
    assert stages({"a": {"there"}, "b": {"a", "there"}}) == ((("a",), ("b",)), ())


def test_a_cycle_is_cut_at_its_last_step() -> None:
    order, cycles = stages({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    ((first, second, third, last),) = cycles
    assert first == last
    assert (first, second) in {("a", "b"), ("b", "c"), ("c", "a")}  # who needs comes before what it needs
    assert order == ((third,), (second,), (first,))


def test_several_cycles() -> None:
    order, cycles = stages({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}, "e": {"e"}})
    assert len(cycles) == 3
    assert sorted(name for stage in order for name in stage) == ["a", "b", "c", "d", "e"]
