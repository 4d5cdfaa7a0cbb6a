"""What may begin next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.building.schedule import Schedule, State

NEEDS = {"low": set[str](), "mid": {"low"}, "top": {"mid"}, "free": set[str]()}


def test_what_needs_nothing_is_ready_first_and_the_rest_waits() -> None:
    schedule = Schedule(NEEDS)
    assert schedule.ready() == ("low", "free")
    assert schedule.waits_for("top") == ("mid",)
    schedule.begin("low")
    assert schedule.ready() == ("free",)
    schedule.done("low")
    assert schedule.ready() == ("mid", "free")


def test_what_needs_a_failure_is_left_out_and_the_rest_goes_on() -> None:
    schedule = Schedule(NEEDS)
    schedule.begin("low")
    assert schedule.failed("low") == ("mid", "top")
    assert schedule.state("top") is State.LEFT
    assert schedule.ready() == ("free",)
    schedule.begin("free")
    schedule.done("free")
    assert schedule.over


def test_stopping_leaves_out_what_has_not_begun() -> None:
    schedule = Schedule(NEEDS)
    schedule.begin("low")
    assert schedule.stop() == ("mid", "top", "free")
    assert schedule.waits_for("top") == ("mid",)
    schedule.done("low")
    assert schedule.over
    assert schedule.ready() == ()


@given(st.lists(st.sets(st.integers(0, 7)), min_size=1, max_size=8), st.sets(st.integers(0, 7)))
def test_every_task_ends_and_none_begins_before_its_needs(needs: list[set[int]], failing: set[int]) -> None:
    # a need points to an earlier task only, so there are no cycles
    graph = {str(n): {str(m) for m in wanted if m < n} for n, wanted in enumerate(needs)}
    schedule = Schedule(graph)
    done: set[str] = set()
    while not schedule.over:
        task = schedule.ready()[-1]
        assert graph[task] <= done
        schedule.begin(task)
        if int(task) in failing:
            schedule.failed(task)
        else:
            schedule.done(task)
            done.add(task)
    for task in graph:
        if schedule.state(task) is State.LEFT:
            assert graph[task] - done
        else:
            assert schedule.state(task) in (State.DONE, State.FAILED)


def test_an_unknown_task_is_an_error() -> None:
    with pytest.raises(KeyError):
        Schedule(NEEDS).state("none")
