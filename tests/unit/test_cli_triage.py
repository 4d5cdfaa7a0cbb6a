"""The rounds of a triage: what is built with which recipe, what is printed, and how it ends."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from debgen.building.result import ExerciseReport, Outcome, TestOutcome
from debgen.cli import triage as verb
from debgen.errors import BuildError, CheckError
from debgen.identity import Identity
from debgen.pipeline import Settings

START = "============ test session starts ============"
NETWORK = "socket.gaierror: [Errno -3] Temporary failure in name resolution"


def log_of(*failing: tuple[str, str]) -> str:
    lines = [START, "=== FAILURES ==="]
    for test, said in failing:
        lines += [f"____ {test.split('::')[-1]} ____", f"E   {said}"]
    lines += ["=== short test summary info ===", *(f"FAILED {test} - {said}" for test, said in failing)]
    return "\n".join([*lines, "=== 1 failed in 1s ==="])


class Builds:
    """Stands for generation and sbuild: each build ends as the next of ``logs`` says, an empty one is good."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *logs: str, good: bool = True) -> None:
        self.path, self.logs, self.good = tmp_path, list(logs), good
        self.skips: list[list[str]] = []
        monkeypatch.setattr(verb, "generate", self.generate)
        monkeypatch.setattr(verb, "data_directory", lambda name: tmp_path / "no-recipes")

    def generate(self, name: str, version: str, bench: Any, settings: Settings, out: Path) -> Any:
        skips: list[str] = []
        for root in settings.recipes:
            recipe = root / name / "recipe.toml"
            if recipe.is_file():
                skips = [entry["select"] for entry in tomllib.loads(recipe.read_text()).get("skip", [])]
                break
        self.skips.append(skips)
        tree = self.path / "tree"
        (tree / "tests").mkdir(parents=True, exist_ok=True)
        (tree / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n")
        (tree / "foo.py").write_text("")
        (tree / "tests/test_a.py").write_text("def test_a(): ...")
        return SimpleNamespace(tree=tree, dsc=out / "x.dsc")

    def builder(self, written: Any, result: Path) -> tuple[dict[str, Any], ExerciseReport]:
        text = self.logs.pop(0)
        result.mkdir(parents=True, exist_ok=True)
        if text:
            log = result / "x.build.log"
            log.write_text(text)
            raise BuildError("it does not build", log=log)
        return {"good": self.good}, ExerciseReport((TestOutcome("x", Outcome.PASS),), result / "x.log")

    def run(self, *, as_json: bool = False, recipes: tuple[Path, ...] = ()) -> int:
        bench: Any = SimpleNamespace(
            lookup=lambda name: None, index=SimpleNamespace(codename="sid", binary=lambda name: None)
        )
        settings = replace(Settings(Identity("J", "j@example.org")), recipes=recipes)
        return verb.run_triage("foo", "1.0", bench, settings, self.path / "out", self.builder, as_json)


Make = Callable[..., Builds]


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda *logs, **more: Builds(tmp_path, monkeypatch, *logs, **more)


def test_nothing_to_skip(builds: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert builds("").run() == 0
    assert "nothing to skip" in capsys.readouterr().out


def test_proposals_are_tried_and_written(builds: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = builds(log_of(("tests/test_a.py::test_a", NETWORK)), "")
    assert made.run() == 0
    assert made.skips == [[], ["tests/test_a.py::test_a"]]
    out = capsys.readouterr().out
    assert tomllib.loads(out)["skip"][0]["select"] == "tests/test_a.py::test_a"  # stdout is a recipe as it stands
    assert "the rest passes" in out
    assert tomllib.loads((tmp_path / "out/triage.toml").read_text()) == {"skip": tomllib.loads(out)["skip"]}


def test_the_users_recipe_is_kept(builds: Make, tmp_path: Path) -> None:
    recipe = tmp_path / "mine/foo/recipe.toml"
    recipe.parent.mkdir(parents=True)
    recipe.write_text('[[skip]]\nselect = "tests/test_a.py::test_z"\nreason = "a reason that says something"\n')
    made = builds(log_of(("tests/test_a.py::test_a", NETWORK)), "")
    made.run(recipes=(tmp_path / "mine",))
    assert made.skips == [["tests/test_a.py::test_z"], ["tests/test_a.py::test_z", "tests/test_a.py::test_a"]]
    assert "test_a.py::test_a" not in recipe.read_text()


def test_a_second_round_can_show_more(builds: Make, capsys: pytest.CaptureFixture[str]) -> None:
    made = builds(log_of(("tests/a.py::test_a", NETWORK)), log_of(("tests/b.py::test_b", NETWORK)), "")
    assert made.run(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert [p["select"] for p in told["proposals"]] == ["tests/a.py::test_a", "tests/b.py::test_b"]
    assert (told["passes"], told["real"], told["schema"]) == (True, [], 1)


def test_real_failures_are_never_skipped(builds: Make, capsys: pytest.CaptureFixture[str]) -> None:
    made = builds(log_of(("tests/a.py::test_a", NETWORK), ("tests/b.py::test_b", "ValueError: wrong")))
    with pytest.raises(BuildError, match="1 tests fail") as caught:
        made.run(as_json=True)
    assert caught.value.exit_code == 9
    told = json.loads(capsys.readouterr().out)
    assert [p["select"] for p in told["proposals"]] == ["tests/a.py::test_a"]
    assert [r["test"] for r in told["real"]] == ["tests/b.py::test_b"]
    assert not told["passes"]


def test_real_failures_are_told_to_people(builds: Make, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError):
        builds(log_of(("tests/b.py::test_b", "ValueError: wrong"))).run()
    out = capsys.readouterr().out
    assert "# real failure: tests/b.py::test_b" in out
    assert "ValueError: wrong" in out
    assert tomllib.loads(out) == {}


def test_what_fails_again_is_not_tried_for_ever(builds: Make) -> None:
    same = log_of(("tests/a.py::test_a", NETWORK))
    made = builds(same, same)
    with pytest.raises(BuildError, match="still fail"):
        made.run()
    assert len(made.skips) == 2


def test_a_failure_that_is_no_matter_of_tests(builds: Make) -> None:
    with pytest.raises(BuildError, match="it does not build"):
        builds("dh_auto_build: error: x").run()


def test_built_but_not_fit(builds: Make) -> None:
    with pytest.raises(CheckError, match="not fit"):
        builds("", good=False).run()
