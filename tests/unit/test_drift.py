from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import UsageError
from debgen.planning.drift import Drift, Topic, compare, is_pin, new_releases
from debgen.planning.saved import is_quick, load, save
from debgen.upstream.model import FileKind, ReleaseFile

Document = dict[str, Any]


def asked(parent: str | None, specifier: str = "", verdict: str = "satisfied", **more: Any) -> Document:
    fields: Document = {"extras": [], "kind": "run", "extra": "", "decision": None, "reason": "", "counts": True}
    return {"name": parent, "specifier": specifier, "verdict": verdict, **fields, **more}


def debian(package: str, version: str, upstream: str = "", **more: str) -> Document:
    fields = {"source": package, "component": "main", "mapping": "contents", "evidence": "e"}
    return (
        {"package": package, "version": version, "upstream_version": upstream or version.split("-")[0]} | fields | more
    )


def node(name: str, version: str, decision: str, *by: Document, deb: Document | None = None, **more: Any) -> Document:
    verdict = {"use": "satisfied", "package": "missing"}.get(decision, "too old")
    return {
        "name": name, "version": version, "verdict": verdict, "decision": decision, "reason": f"why {decision}",
        "chain": [name], "needed": True, "required_by": list(by), "debian": deb,
    } | more  # fmt: skip


@pytest.fixture
def plan() -> Document:
    """App needs lib and torch, which sid has, and tool, which it hasn't; sub is asked for by what sid has."""
    return {
        "schema": 2, "root": "app", "requirement": "app", "variant": {"name": "cpu", "reason": "r", "facts": []},
        "suite": "sid", "suite_date": "2026-11-01T00:00:00+00:00", "python": "3.14", "architecture": "amd64",
        "totals": {}, "order": [], "cycles": [], "notes": [],
        "distributions": [
            node("app", "1.0", "package", asked(None)),
            node("lib", "2.0", "use", asked("app", ">=1.5"), deb=debian("python3-lib", "1.9-1")),
            node("sub", "3.0", "use", asked("lib"), deb=debian("python3-sub", "3.0-1"), needed=False),
            node("tool", "4.0", "package", asked("app", "<5,>=4"), asked("app", kind="build")),
            node("torch", "2.7", "use", asked("app", "==2.7"), deb=debian("python3-torch", "2.7-1")),
        ],
    }  # fmt: skip


@pytest.fixture
def now(plan: Document) -> Document:
    return copy.deepcopy(plan)


def at(plan: Document, name: str) -> Document:
    return next(n for n in plan["distributions"] if n["name"] == name)


def told(before: Document, after: Document) -> list[tuple[str, str]]:
    return [(drift.topic.value, drift.text) for drift in compare(before, after)]


def test_nothing_has_drifted(plan: Document, now: Document) -> None:
    now["suite_date"] = "2026-12-01T00:00:00+00:00"
    at(now, "lib")["required_by"][0]["specifier"] = ">=1.5"
    at(now, "tool")["required_by"][0]["specifier"] = ">=4,<5"  # the same, in another order
    assert compare(plan, now) == ()


def test_the_archive_moves(plan: Document, now: Document) -> None:
    at(now, "lib")["debian"] |= {"version": "1.9-2", "component": "contrib"}
    at(now, "sub")["debian"] = None
    at(now, "tool")["debian"] = debian("python3-tool", "3.9-1")
    at(now, "torch")["debian"] = debian("python3-torch-cpu", "2.7-3", source="pytorch")
    assert told(plan, now) == [
        ("archive", "python3-lib has moved: its component was main, is contrib"),
        ("archive", "python3-lib was 1.9-1, is 1.9-2"),
        ("archive", "python3-tool 3.9-1 is new in the suite"),
        ("archive", "python3-torch-cpu has moved: its source was python3-torch, is pytorch"),
        ("archive", "torch was in python3-torch 2.7-1, is in python3-torch-cpu 2.7-3"),
        ("archive", "python3-sub 3.0-1 is gone from the suite"),
    ]
    assert [drift.needed for drift in compare(plan, now)] == [True] * 5 + [False]
    (gone,) = [d for d in compare(plan, now) if d.name == "sub"]
    assert gone == Drift(Topic.ARCHIVE, "sub", gone.text, "python3-sub 3.0-1", "", needed=False)


def test_decisions_and_verdicts(plan: Document, now: Document) -> None:
    at(now, "lib").update(decision="update", verdict="too old")
    at(now, "tool").update(verdict="too old")
    at(now, "sub").update(needed=True)
    assert told(plan, now) == [
        ("decision", "lib: use has become update: why use"),
        ("decision", "sub: now the work reaches it"),
        ("decision", "tool: missing has become too old; the decision is still to package"),
    ]


def test_a_pin_that_held_and_holds_no_more(plan: Document, now: Document) -> None:
    at(now, "torch")["debian"] = debian("python3-torch", "2.8-1")
    at(now, "torch")["required_by"][0]["verdict"] = "too new"
    assert told(plan, now)[0] == (
        "pin", "app pins torch ==2.7, which python3-torch 2.8-1 violates: too new"
    )  # fmt: skip
    pins = [d for d in compare(plan, now) if d.topic is Topic.PIN]
    assert [(d.before, d.after) for d in pins] == [("2.7", "2.8")]
    assert [t for t, _ in told(now, now)] == []  # it was violated before already
    at(now, "lib")["required_by"][0] |= {"specifier": "==1.*", "verdict": "too new"}
    assert len([d for d in compare(plan, now) if d.topic is Topic.PIN]) == 1


def test_the_same_release_asks_for_something_else(plan: Document, now: Document) -> None:
    at(now, "lib")["required_by"] = [asked("app", ">=1.6", extras=["fast"])]
    at(now, "sub")["required_by"] = [asked("lib"), asked("app", extra="all")]
    at(now, "tool")["required_by"] = [asked("app", ">=4,<5")]
    assert told(plan, now) == [
        ("requirement", "app 1.0 asked for lib >=1.5, now [fast]>=1.6"),
        ("requirement", "app 1.0 asked for tool in any version to be built and <5,>=4, now <5,>=4"),
        ("requirement", "app 1.0 did not ask for sub, now in any version with its extra all"),
    ]
    at(now, "app")["version"] = "1.1"  # another release may ask for what it likes
    assert told(plan, now) == [("release", "resolution took app 1.0, now 1.1")]


def test_the_tree_changes(plan: Document, now: Document) -> None:
    now["distributions"].remove(at(now, "tool"))
    now["distributions"].append(node("fresh", "1", "package", asked("lib", ">=1")))
    assert told(plan, now) == [  # and not once more for each of those that ask
        ("requirement", "fresh 1 is new in the tree: lib asks for it; package"),
        ("requirement", "tool is no longer in the tree of app: app asked for it"),
    ]


def test_the_target(plan: Document, now: Document) -> None:
    now.update(python="3.15", variant={"name": "cuda", "reason": "r", "facts": []})
    assert told(plan, now) == [
        ("target", "the Python of sid was 3.14, is 3.15"),
        ("target", "the variant was cpu, is cuda"),
    ]


# --- new releases


def file(version: str, uploaded: str, *, kind: FileKind = FileKind.SDIST, yanked: bool = False) -> ReleaseFile:
    end = "tar.gz" if kind is FileKind.SDIST else "py3-none-any.whl"
    return ReleaseFile(f"tool-{version}.{end}", "https://x.example/f", version, kind, yanked=yanked, uploaded=uploaded)


OLD, NEW = "2026-10-01T00:00:00Z", "2026-11-15T00:00:00.5Z"


def fresh(before: Document, after: Document, *files: ReleaseFile) -> list[str]:
    return [drift.text for drift in new_releases(before, after, {"tool": files, "lib": [file("9", NEW)]})]


def test_new_releases_of_what_is_to_be_packaged(plan: Document, now: Document) -> None:
    known = (file("4.0", OLD), file("4.1", OLD), file("3.9", NEW))
    assert fresh(plan, now, *known) == []  # 4.1 was there and not taken; lib is not to be packaged
    assert fresh(plan, now, *known, file("4.2", NEW)) == ["tool 4.2 is new on the index; the plan has 4.0"]
    assert fresh(plan, now, file("5.1", NEW, kind=FileKind.WHEEL)) == [
        "tool 5.1 is new on the index; the plan has 4.0, and asks for <5,>=4; it has no sdist"
    ]
    (outside,) = new_releases(plan, now, {"tool": [file("5.1", NEW)]})
    assert not outside.counts
    assert fresh(plan, now, file("4.2", NEW, yanked=True), file("4.3rc1", NEW), file("4.4", "")) == []
    assert fresh(plan, now, file("4.1", OLD), file("4.1", NEW, kind=FileKind.WHEEL)) == []  # a wheel that came later


def test_a_release_that_resolution_takes_is_told_once(plan: Document, now: Document) -> None:
    at(now, "tool")["version"] = "4.2"
    assert fresh(plan, now, file("4.2", NEW)) == []
    assert told(plan, now) == [("release", "resolution took tool 4.0, now 4.2")]


def test_new_is_newer_than_the_time_of_saving(plan: Document, now: Document) -> None:
    plan["saved"] = "2026-11-20T00:00:00+00:00"
    assert fresh(plan, now, file("4.2", NEW)) == []


@pytest.mark.parametrize(
    ("clause", "pin"),
    [("==1.0", True), ("===1.0", True), (" == 1!2.0+cpu", True), ("==1.*", False), (">=1", False), ("", False)],
)
def test_pins(clause: str, pin: bool) -> None:
    assert is_pin(clause) is pin


# --- plans in files


def test_a_plan_is_read_as_it_was_written(plan: Document, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "plan.json"
    save(path, plan, saved=datetime(2026, 11, 20, 12, 30, 1, 5, tzinfo=UTC))
    assert load(path) == plan | {"saved": "2026-11-20T12:30:01+00:00"}
    save(path, plan, quick=True)
    assert load(path) == plan | {"quick": True}
    assert [p.name for p in path.parent.iterdir()] == ["plan.json"]


def test_a_plan_without_build_requirements_was_made_quickly(plan: Document) -> None:
    assert not is_quick(plan)
    at(plan, "tool")["required_by"].pop()
    assert is_quick(plan)
    assert not is_quick(plan | {"quick": False})
    at(plan, "tool")["decision"] = at(plan, "app")["decision"] = "use"  # then there is nothing to build
    assert not is_quick(plan)
    assert is_quick(plan | {"quick": True})


def damaged(plan: Document, how: str) -> object:
    match how:
        case "schema":
            return plan | {"schema": 1}
        case "no schema":
            return {"root": "app"}
        case "list":
            return [plan]
        case "key":
            del at(plan, "tool")["needed"]
        case "version":
            at(plan, "tool")["version"] = "four"
        case "date":
            plan["suite_date"] = "2026-11-01T00:00:00"
        case "asked":
            at(plan, "tool")["required_by"][1]["name"] = 3
        case "debian":
            at(plan, "lib")["debian"] = "python3-lib"
        case "nodes":
            plan["distributions"] = {"app": {}}
        case "root":
            plan["root"] = "other"
        case "saved":
            plan["saved"] = "yesterday"
    return plan


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("schema", "has schema 1; this version of debgen reads 2"),
        ("no schema", "it has no schema"),
        ("list", "not a plan"),
        ("key", "'distributions', entry 4 has no 'needed'"),
        ("version", "entry 4, 'version' is 'four'"),
        ("date", "'suite_date' is '2026-11-01T00:00:00'"),
        ("asked", "entry 4, 'required_by', entry 2, 'name' is 3"),
        ("debian", "entry 2, 'debian' is not a table"),
        ("nodes", "'distributions' is not a list"),
        ("root", "no distribution named other"),
        ("saved", "'saved' is 'yesterday'"),
    ],
)
def test_what_is_no_plan(plan: Document, tmp_path: Path, how: str, message: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(damaged(plan, how)))
    with pytest.raises(UsageError) as caught:
        load(path)
    assert message in str(caught.value)
    assert "--save" in caught.value.hint


def test_what_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    for text in ("", "{", "[" * 100_000, "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")):
        path.write_text(text)
        with pytest.raises(UsageError, match="is not JSON"):
            load(path)
    with pytest.raises(UsageError, match="can't read"):
        load(tmp_path / "none.json")
