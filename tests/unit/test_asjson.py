"""A plan as JSON: complete, in a fixed order, and readable by all that reads plans."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

from planning_cases import drop, match, node, plan

from debgen.planning.asjson import SCHEMA, as_json, asked_json, node_json
from debgen.planning.model import Asked, BuildNeed, CrateToPackage, Decision, Finding, Kind, Node, Plan, Supply, Topic
from debgen.planning.saved import SCHEMA as SAVED_SCHEMA
from debgen.planning.saved import load, save
from debgen.planning.verdict import Verdict
from debgen.report.dot import dot
from debgen.report.graph import read_graph

NEED = BuildNeed(
    Topic.CRATE, "pyo3", "^0.25", "librust-pyo3-dev", "0.28.2-1", Supply.RELAXABLE, "it is newer", ("a", "b"), ("x",),
    loosened=">=0.25, <0.29", replaced=(("x", "y"),), optional=True, askers=("Cargo.toml",), locked="0.25.1",
    borrowed="forky", ways=(("Cargo.toml", "pyo3"),), switches=("Cargo.toml#py",),
    first=(CrateToPackage("low", "1.0.0", "2.0.0", "pyo3"),), remarks=("something",),
)  # fmt: skip
FINDING = Finding(Topic.INSTALL, "it can't be installed", ("a", "gone"), blocking=True)


def example() -> Plan:
    made = plan(
        {"root": ["a[x]>=1", "b", "c"], "a": ["x: d"], "b": ["root"], "c": [], "d": []}, {"a": "1.5", "d": "1.0"},
        layers={"root": drop("c")},
    )  # fmt: skip
    rich = replace(
        node(made, "a"), findings=(FINDING,), build=(NEED,), alternatives=(match("other", "3.0", "contrib"),)
    )
    return replace(made, nodes=tuple(rich if n.name == "a" else n for n in made.nodes))


def test_everything_is_there() -> None:
    made = example()
    document = as_json(made)
    assert document["schema"] == SCHEMA == SAVED_SCHEMA
    assert (document["root"], document["requirement"], document["suite"], document["python"]) == (
        "root", "root", "sid", "3.14",
    )  # fmt: skip
    assert document["variant"] == {"name": "cpu", "reason": "because", "facts": []}
    assert list(document["totals"]) == [decision.value for decision in Decision]
    assert sum(document["totals"].values()) == sum(n["needed"] for n in document["distributions"])
    assert [n["name"] for n in document["distributions"]] == ["a", "b", "c", "d", "root"]
    assert document["cycles"] == [["b", "root", "b"]] or document["cycles"] == [["root", "b", "root"]]
    assert document["order"] == [list(stage) for stage in made.order]
    assert document["notes"] == ["my note", "a note of the tree"]


def test_every_field_of_a_node_has_its_key() -> None:
    a = node_json(node(example(), "a"))
    renamed = {"asked": "required_by", "match": "debian"}
    assert list(a) == [
        "name", "version", "verdict", "decision", "reason", "chain", "needed", "required_by", "debian", "alternatives",
        "findings", "build",
    ]  # fmt: skip
    assert set(a) == {renamed.get(field.name, field.name) for field in fields(Node)}
    assert set(a["build"][0]) == {field.name for field in fields(BuildNeed)}
    assert set(a["required_by"][0]) == {"name"} | {field.name for field in fields(Asked) if field.name != "parent"}
    assert a["debian"] == {
        "package": "python3-a", "source": "a", "version": "1.5-1", "upstream_version": "1.5", "component": "main",
        "mapping": "name", "evidence": "",
    }  # fmt: skip
    assert [other["component"] for other in a["alternatives"]] == ["contrib"]
    assert a["findings"] == [
        {"topic": "install", "text": "it can't be installed", "chain": ["a", "gone"], "blocking": True}
    ]
    assert a["build"] == [
        {
            "topic": "crate", "name": "pyo3", "requirement": "^0.25", "package": "librust-pyo3-dev",
            "version": "0.28.2-1", "supply": "relaxable", "reason": "it is newer", "features": ["x"],
            "chain": ["a", "b"], "loosened": ">=0.25, <0.29", "replaced": [["x", "y"]], "optional": True,
            "askers": ["Cargo.toml"], "locked": "0.25.1", "borrowed": "forky", "ways": [["Cargo.toml", "pyo3"]],
            "switches": ["Cargo.toml#py"], "remarks": ["something"],
            "first": [{"name": "low", "version": "1.0.0", "suite": "2.0.0", "asked_by": "pyo3"}],
        }
    ]  # fmt: skip
    assert node_json(node(example(), "b"))["debian"] is None


def test_requirements() -> None:
    asked = Asked(
        "root", ">=1", ("x", "y"), Verdict.TOO_OLD, Kind.BUILD, "extra", Decision.RELAX, " two\n  lines. ", counts=False
    )
    assert asked_json(asked) == {
        "name": "root", "specifier": ">=1", "extras": ["x", "y"], "kind": "build", "extra": "extra",
        "verdict": "too old", "decision": "relax", "reason": "two lines.", "counts": False,
    }  # fmt: skip
    plain = asked_json(Asked(None, "", (), Verdict.MISSING))
    assert (plain["name"], plain["decision"], plain["kind"]) == (None, None, "run")


def test_equal_plans_give_equal_text_and_it_is_plain_data() -> None:
    text = json.dumps(as_json(example()))
    assert text == json.dumps(as_json(example()))
    assert json.loads(text) == as_json(example())


def test_what_reads_plans_reads_this_one(tmp_path: Path) -> None:
    document = as_json(example())
    save(tmp_path / "plan.json", document)
    assert load(tmp_path / "plan.json") == document
    assert set(read_graph(document).nodes) >= {"root", "a", "b"}
    assert "root" in dot(document, everything=True)
