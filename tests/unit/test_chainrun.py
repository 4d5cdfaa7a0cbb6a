"""Running a chain: order, failures, what is kept; with a workshop that only writes down what it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from debgen.building.record import Built
from debgen.chainrun import End, Outcome, Run
from debgen.errors import BuildError, WorkspaceError
from debgen.planning.chain import Chain, Link
from debgen.workshop import Made


def built(name: str) -> Built:
    return Built(
        name=name, release="1", source=name, version="1-1", package=f"python3-{name}", packages=(f"python3-{name}",),
        dsc="d", changes=f"changes of {name}", needs={}, how="h", seconds=1.0, file=f"{name}.changes",
    )  # fmt: skip


class Shop:
    """What a run needs of a workshop."""

    def __init__(self, *, kept: Sequence[str] = (), fails: Mapping[str, BaseException] | None = None) -> None:
        self.made: list[str] = []
        self.told: list[str] = []
        self.held: list[str] = []
        self.seen: dict[str, tuple[str, ...]] = {}
        self._kept = kept
        self._fails = fails or {}
        self.hold: Callable[[str], None] = lambda name: None

    def kept(self, link: Link, needs: Sequence[Built], checks: Sequence[str]) -> Any:
        return (built(link.name), {"good": True, "checks": []}) if link.name in self._kept else None

    def make(self, link: Link, needs: Sequence[Built], tell: Callable[[str], None]) -> Made:
        self.hold(link.name)
        self.seen[link.name] = tuple(need.name for need in needs)
        if link.name in self._fails:
            raise self._fails[link.name]
        self.made.append(link.name)
        return Made(link, built(link.name), cast(Any, None), cast(Any, None), Path(), tuple(needs))

    @contextmanager
    def holding(self, made: Made) -> Iterator[None]:
        self.held.append(made.link.name)
        yield
        self.held.remove(made.link.name)

    def tell(self, made: Made, checks: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, Any]:
        assert made.link.name in self.held
        self.told.append(made.link.name)
        return {"good": made.link.name != "bad", "checks": list(checks)}


class Quiet:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, End]] = []
        self.waiting: list[dict[str, tuple[str, ...]]] = []

    def begins(self, name: str, task: str) -> None: ...

    def stage(self, name: str, text: str) -> None: ...

    def rests(self, name: str) -> None: ...

    def ends(self, name: str, outcome: Outcome) -> None:
        self.ended.append((name, outcome.end))

    def waits(self, waiting: dict[str, tuple[str, ...]]) -> None:
        self.waiting.append(dict(waiting))


def chain(needs: Mapping[str, str], obstacles: Mapping[str, str] | None = None) -> Chain:
    return Chain(
        tuple(Link(n, "1", frozenset(w.split()), "because", (obstacles or {}).get(n, "")) for n, w in needs.items())
    )


def run(made: Chain, shop: Shop, **more: Any) -> Run[Quiet]:
    chosen = more.pop("chosen", tuple(made.by_name))
    return Run(made, cast(Any, shop), lambda m, t: [], (), Quiet(), chosen, more.pop("before", {}), **more)


TREE = {"low": "", "free": "", "mid": "low", "top": "mid"}


def ends(outcomes: Sequence[Outcome]) -> dict[str, End]:
    return {outcome.link.name: outcome.end for outcome in outcomes}


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_each_is_built_after_what_it_needs_and_sees_all_of_that(jobs: int) -> None:
    shop = Shop()
    outcomes = run(chain(TREE), shop, jobs=jobs).go()
    assert set(ends(outcomes).values()) == {End.BUILT}
    assert shop.made.index("low") < shop.made.index("mid") < shop.made.index("top")
    assert shop.seen == {"low": (), "free": (), "mid": ("low",), "top": ("low", "mid")}
    assert sorted(shop.told) == sorted(TREE)


def test_independent_ones_are_built_side_by_side() -> None:
    shop = Shop()
    both = threading.Barrier(2, timeout=10)

    def hold(name: str) -> None:
        if name in ("low", "free"):
            both.wait()

    shop.hold = hold
    outcomes = run(chain(TREE), shop, jobs=2).go()
    assert ends(outcomes)["free"] is End.BUILT


def test_one_job_builds_before_it_checks() -> None:
    shop = Shop()
    order: list[str] = []
    made = Run(
        chain(TREE), cast(Any, shop), lambda m, t: order.append(f"check {m.link.name}") or [], (), Quiet(),  # type: ignore[func-returns-value]
        tuple(TREE), {},
    )  # fmt: skip
    shop.hold = lambda name: order.append(f"make {name}")
    made.go()
    assert [word.partition(" ")[0] for word in order] == ["make"] * 4 + ["check"] * 4


def test_a_failure_leaves_out_what_needs_it_and_stops_the_rest() -> None:
    shop = Shop(fails={"low": BuildError("no")})
    outcomes = run(chain(TREE), shop).go()
    assert ends(outcomes) == {"low": End.FAILED, "free": End.LEFT, "mid": End.LEFT, "top": End.LEFT}
    assert shop.made == []
    top = outcomes[-1]
    assert top.waited_for == ("low", "mid")
    assert str(outcomes[0].error) == "no"


def test_what_is_still_building_when_another_fails_has_an_outcome_too() -> None:
    shop = Shop(fails={"low": BuildError("no")})
    begun, failed = threading.Event(), threading.Event()

    def hold(name: str) -> None:
        if name == "free":
            begun.set()
            assert failed.wait(10)
        else:
            assert begun.wait(10)

    class Waiting(Quiet):
        def ends(self, name: str, outcome: Outcome) -> None:
            super().ends(name, outcome)
            if outcome.end is End.FAILED:
                failed.set()

    shop.hold = hold
    made = chain({"low": "", "free": ""})
    outcomes = Run(made, cast(Any, shop), lambda m, t: [], (), Waiting(), ("low", "free"), {}, jobs=2).go()
    assert ends(outcomes) == {"low": End.FAILED, "free": End.LEFT}
    assert shop.made == ["free"]
    assert outcomes[1].unchecked


def test_with_keep_going_only_what_needs_a_failure_is_left_out() -> None:
    shop = Shop(fails={"low": BuildError("no")})
    outcomes = run(chain(TREE), shop, keep_going=True).go()
    assert ends(outcomes) == {"low": End.FAILED, "free": End.BUILT, "mid": End.LEFT, "top": End.LEFT}
    assert shop.told == ["free"]


def test_an_obstacle_of_the_plan_is_not_tried() -> None:
    shop = Shop()
    outcomes = run(chain(TREE, {"mid": "it needs gone, which is blocked"}), shop, keep_going=True).go()
    assert ends(outcomes) == {"low": End.BUILT, "free": End.BUILT, "mid": End.BLOCKED, "top": End.LEFT}
    blocked = next(outcome for outcome in outcomes if outcome.end is End.BLOCKED)
    assert blocked.error is not None
    assert blocked.error.exit_code == 18


def test_an_obstacle_further_up_stops_a_run_before_it_begins() -> None:
    shop = Shop()
    made = run(chain(TREE, {"top": "it needs gone, which is blocked"}), shop)
    assert ends(made.go())["top"] is End.BLOCKED
    assert shop.made == []
    assert sorted(name for name, _ in made.watcher.ended) == sorted(TREE)  # each is told of once


def test_what_is_kept_is_not_built_and_others_build_upon_it() -> None:
    shop = Shop(kept=["low", "free"])
    outcomes = run(chain(TREE), shop).go()
    assert ends(outcomes) == {"low": End.KEPT, "free": End.KEPT, "mid": End.BUILT, "top": End.BUILT}
    assert shop.made == ["mid", "top"]
    assert shop.seen["top"] == ("low", "mid")


def test_what_was_not_chosen_counts_where_it_was_built_before() -> None:
    shop = Shop()
    outcomes = run(chain(TREE), shop, chosen=("mid",), before={"low": built("low")}).go()
    assert ends(outcomes) == {"mid": End.BUILT}
    assert shop.seen == {"mid": ("low",)}


def test_a_package_that_is_not_good_does_not_stop_the_run() -> None:
    outcomes = run(chain({"bad": "", "top": "bad"}), Shop()).go()
    assert [outcome.good for outcome in outcomes] == [False, True]


@pytest.mark.parametrize("error", [WorkspaceError("full"), KeyboardInterrupt(), ValueError("a bug")])
def test_what_is_no_matter_of_one_package_ends_the_run(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run(chain(TREE), Shop(fails={"low": error}), keep_going=True).go()


def test_the_watcher_hears_what_waits_for_what() -> None:
    made = run(chain(TREE), Shop())
    made.go()
    assert {"mid": ("low",), "top": ("mid",)}.items() <= made.watcher.waiting[0].items()
    assert [name for name, _ in made.watcher.ended] == ["low", "free", "mid", "top"]
