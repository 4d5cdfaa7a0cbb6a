"""``debgen why``: what is said of one distribution of a plan."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from planning_cases import match, node, plan, relax

from debgen.cli import why
from debgen.errors import UnknownDistributionError
from debgen.planning.model import BuildNeed, CrateToPackage, Finding, Plan, Supply, Topic, Variant

Run = Callable[..., str]
NEEDS = (
    BuildNeed(Topic.CRATE, "pyo3", "^0.25", "librust-pyo3-dev", "0.28.2-1", Supply.RELAXABLE, "it is newer"),
    BuildNeed(
        Topic.CRATE,
        "gone",
        "^1",
        "",
        "",
        Supply.MISSING,
        "the suite has no such crate",
        askers=("core/Cargo.toml",),
        locked="1.2.3",
        ways=(("Cargo.toml", "core/Cargo.toml", "gone"),),
        switches=("core/Cargo.toml#net",),
        remarks=("its source is somewhere",),
        first=(CrateToPackage("low", "0.1.0", "", "gone"), CrateToPackage("gone", "1.2.3")),
    ),
    BuildNeed(Topic.LIBRARY, "zlib", "", "zlib1g-dev", "1.3-1", Supply.SATISFIED, "it has zlib.pc"),
)


def example() -> Plan:
    made = plan(
        {
            "root": ["hub>=1", "click>=8"], "hub": ["click>=8.4", "torch==2.0", "extra: seldom"], "click": [],
            "torch": [], "seldom": [], "user": ["click>=9"],
        },
        {"click": "8.3", "torch": "2.1", "user": "2.0"}, versions={"click": "8.5"},
        layers={"hub": relax("torch", "")},
    )  # fmt: skip
    hub = replace(
        node(made, "hub"), build=NEEDS, findings=(Finding(Topic.LIBRARY, "it names libfoo [bold]", ("hub", "libfoo")),)
    )
    click = replace(node(made, "click"), alternatives=(match("click-old", "0.5", "contrib"),))
    return replace(made, nodes=tuple({"hub": hub, "click": click}.get(n.name, n) for n in made.nodes))


class Bench:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, bool]]] = []
        self.made = example()

    def variant(self, requirement: str, wanted: str) -> Variant:
        return Variant(wanted or "cpu", "because")

    def plan(self, requirement: str, variant: Variant, **more: bool) -> Plan:
        self.asked.append((requirement, variant.name, more))
        return self.made


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    @contextmanager
    def suite_index(args: object, mirror: object) -> Iterator[Any]:
        yield None

    monkeypatch.delenv("DEBGEN_VARIANT", raising=False)
    monkeypatch.setattr(why, "index_client", lambda args: None)
    monkeypatch.setattr(why, "mirror_settings", lambda args: None)
    monkeypatch.setattr(why, "suite_index", suite_index)
    monkeypatch.setattr(why, "workbench", lambda *args: nullcontext(bench))

    def verb(*words: str) -> str:
        parser = argparse.ArgumentParser()
        why.add_parser(parser.add_subparsers())
        args = parser.parse_args(["why", *words])
        assert args.func(args) == 0
        return capsys.readouterr().out

    return verb


def test_who_asks_and_what_binds(run: Run) -> None:
    lines = run("Click").splitlines()
    assert lines[0] == "click 8.5: update, in the plan of root on sid (cpu)"
    assert "Debian: python3-click 8.3-1 (main), upstream's 8.3" in lines
    assert "  known from name: " in "\n".join(lines)
    assert any(line.startswith("  also python3-click-old 0.5-1 (contrib)") for line in lines)
    asked = lines[lines.index("asked for by:") + 1 : lines.index("ways to it:")]
    assert asked == [
        "  hub: >=8.4 (too old)  ← binding",
        "  root: >=8 (satisfied)",
        "  user: >=9 (too old); doesn't count, as no package is made of user",
    ]
    ways = lines[lines.index("ways to it:") + 1 :]
    assert ways[:2] == ["  root → click", "  root → hub → click"]


def test_reasons_findings_and_what_building_takes(run: Run) -> None:
    out = run("hub")
    assert "hub 2.0: package, in the plan of root" in out
    assert "library: it names libfoo [bold]\n  hub → libfoo\n" in out
    assert "building it takes 3 crates and libraries, 1 of them as the suite has them:" in out
    assert "  relaxable     pyo3 ^0.25: librust-pyo3-dev 0.28.2-1; it is newer" in out
    lines = out.splitlines()
    at = lines.index("  missing       gone ^1: no package; the suite has no such crate")
    assert [line.strip() for line in lines[at + 1 : at + 6]] == [
        "asked for by core/Cargo.toml, locked 1.2.3",
        "by way of Cargo.toml → core/Cargo.toml → gone",
        "only with the feature core/Cargo.toml#net",
        "to package first, in this order: low 0.1.0, gone 1.2.3",
        "its source is somewhere",
    ]
    out = run("torch")
    assert "  hub: ==2.0 (too new; relax: a reason that is long enough)  ← binding" in out
    out = run("seldom")
    assert "hub: any version, with its extra extra" in out


def test_many_words_on_crates_are_told_once_and_in_lines(run: Run, bench: Bench) -> None:
    crates = ", ".join(f"crate-{n} 1.0" for n in range(20))
    missing = Finding(Topic.CRATE, f"no package of {crates}; to package first: a", blocking=True)
    stuck = Finding(Topic.CRATE, "b can't be installed", ("b", "c"), blocking=True)
    reason = f"sid has no package of it; {missing.text} (and 1 more in the way)"
    hub = replace(node(bench.made, "hub"), reason=reason, findings=(missing, stuck))
    bench.made = replace(bench.made, nodes=tuple(hub if n.name == "hub" else n for n in bench.made.nodes))
    lines = run("hub").splitlines()
    assert lines[1] == "  sid has no package of it"
    assert lines[2].startswith("  no package of crate-0 1.0, ")
    shown = "\n".join(lines)
    assert shown.count("crate-0 1.0") == 1
    assert "more in the way" not in shown
    assert "\n  to package first: a\n" in shown
    assert "crate: b can't be installed\n  b → c" in shown


def test_the_root_has_no_way_to_itself(run: Run) -> None:
    out = run("root")
    assert "  you: any version (missing)  ← binding" in out
    assert "ways to it" not in out


@pytest.mark.parametrize("name", ["python3-torch", "torch", "Torch"])
def test_names_of_packages_do_too(run: Run, name: str) -> None:
    assert run(name).startswith("torch 2.0: relax")


def test_json(run: Run) -> None:
    found = json.loads(run("click", "--json"))
    assert (found["schema"], found["root"], found["suite"], found["variant"]) == (why.SCHEMA, "root", "sid", "cpu")
    assert (found["name"], found["decision"]) == ("click", "update")
    assert (found["binding"]["name"], found["binding"]["specifier"]) == ("hub", ">=8.4")
    assert found["ways"][:2] == [["root", "click"], ["root", "hub", "click"]]


def test_the_variant_is_told_with_its_reason(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(why, "say", told.append)
    run("click")
    assert told == ["variant: cpu (because)"]


def test_options(bench: Bench, run: Run) -> None:
    run("click", "--for", "vllm==1", "--variant", "rocm", "--quick")
    run("click")
    assert bench.asked == [
        ("vllm==1", "rocm", {"read_sdists": False, "ask_apt": False}),
        ("vllm", "cpu", {"read_sdists": True, "ask_apt": True}),
    ]


def test_what_the_plan_does_not_have(run: Run) -> None:
    for name in ("Nothing", "python3-nothing"):
        with pytest.raises(UnknownDistributionError, match=r"the plan of root on sid \(cpu\) has no") as caught:
            run(name)
        assert "debgen plan" in caught.value.hint
