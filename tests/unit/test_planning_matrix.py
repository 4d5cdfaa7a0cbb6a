"""Which release fits best."""

from __future__ import annotations

from planning_cases import plan

from debgen.planning.matrix import Cell, best, cell_of, much_better
from debgen.planning.model import Decision


def cell(release: str, *, blocked: str = "", update: str = "", package: str = "", problem: str = "") -> Cell:
    names = {
        Decision.BLOCKED: dict.fromkeys(blocked.split(), "is blocked"),
        Decision.UPDATE: dict.fromkeys(update.split(), "is too old"),
        Decision.PACKAGE: dict.fromkeys(package.split(), "is missing"),
    }
    return Cell(release, "sid", "cpu", {d: len(n) for d, n in names.items()}, names, problem)


def test_the_summary_of_a_plan() -> None:
    made = plan({"root": ["a>=3", "b", "c"], "a": [], "b": [], "c": []}, {"a": "1.0", "c": "2.0"}, wheels_only={"b"})
    found = cell_of(made)
    assert (found.release, found.suite, found.variant) == ("2.0", "sid", "cpu")
    assert found.totals[Decision.USE] == 1
    assert set(found.obstacles) == {"b"} | ({"a"} if Decision.UPDATE in found.names else set())
    assert found.names[Decision.PACKAGE] == {}  # the root is no obstacle to itself


def test_the_newest_of_those_with_the_fewest_obstacles_fits_best() -> None:
    cells = [
        cell("3.0", update="hub"), cell("2.1", package="x y z"), cell("2.0"), cell("1.9", blocked="torch"),
        cell("2.10", blocked="a", update="b"), cell("4.0", problem="no sdist"),
    ]  # fmt: skip
    fit = best(cells)
    assert fit
    assert fit.cell.release == "2.1"
    assert fit.reasons[0].startswith("nothing is blocked")
    assert "2.10 is worse: a (is blocked); b (is too old)" in fit.reasons
    assert "1.9 is worse: torch (is blocked)" in fit.reasons
    assert best([cell("1", problem="no")]) is None


def test_a_summary_is_of_what_the_work_reaches() -> None:
    found = cell_of(plan({"root": ["leaf"], "leaf": ["deep"], "deep": []}, {"leaf": "2.0"}))
    assert found.names[Decision.DROP] == {}  # deep, which the suite's leaf does without


def test_what_stands_in_the_way_of_both_is_no_difference() -> None:
    fit = best([cell("2.0", blocked="a"), cell("3.0", blocked="a b")])
    assert fit
    assert "3.0 is worse: b (is blocked)" in fit.reasons


def test_a_root_that_is_blocked_is_the_problem() -> None:
    made = plan({"root": ["a>=3"], "a": []}, {"a": "1.0"}, wheels_only={"root"})
    found = cell_of(made)
    assert found.problem.endswith("root 2.0 has no source distribution on the index")
    assert (found.totals, found.names, found.obstacles) == ({}, {}, {})
    assert best([found]) is None


def test_releases_are_compared_as_versions() -> None:
    fit = best([cell("2.9"), cell("2.10"), cell("2.8")])
    assert fit
    assert fit.cell.release == "2.10"


def test_when_another_release_is_worth_telling() -> None:
    fit = best([cell("2.0", blocked="a"), cell("3.0", blocked="a", update="b c")])
    assert fit
    assert much_better(cell("3.0", blocked="a", update="b c"), fit)
    assert not much_better(cell("3.0", blocked="a"), fit)
    assert not much_better(cell("2.0", blocked="a b c d"), fit)
    assert not much_better(cell("3.0", blocked="x"), fit)  # as many
    three = best([cell("2.0", blocked="a b c")])
    assert three
    assert not much_better(cell("3.0", blocked="v w x y z"), three)  # fewer, but not half
    clear = best([cell("2.0"), cell("3.0")])
    assert clear
    assert not much_better(cell("1.0"), clear)  # nothing is better than no obstacle
    assert not much_better(cell("1.0", blocked="a"), clear)  # one obstacle is not worth a remark
    assert much_better(cell("1.0", blocked="a b"), clear)
