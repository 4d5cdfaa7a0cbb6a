"""README.md, the set-up script and the sources agree with each other."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from debgen import errors
from debgen.archive.model import Match, Origin
from debgen.building.result import ExerciseReport, LintianReport, Outcome, Severity, Tag, TestOutcome
from debgen.cli import build, parser, plan
from debgen.errors import INTERRUPTED, DebgenError
from debgen.host import KEYRING, TOOLS
from debgen.planning.plan import Asked, Node, Plan
from debgen.planning.verdict import Verdict
from debgen.recipes import Layer, parse_recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under one heading, up to the next of the same level."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def leaves(kind: type[DebgenError]) -> Iterator[type[DebgenError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from leaves(child)


def subparsers(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield name, child
                yield from ((f"{name} {verb}", inner) for verb, inner in subparsers(child))


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", section("Exit codes"), re.MULTILINE)
    documented = [(int(code), name) for code, name, _ in rows]
    known = {(kind.exit_code, kind.__name__) for kind in leaves(DebgenError) if kind.__module__ == errors.__name__}
    assert documented == [*sorted(known), (INTERRUPTED, "INTERRUPTED")]
    assert len({code for code, _ in documented}) == len(documented)


def test_every_verb_is_described() -> None:
    verbs = [name for name, _ in subparsers(parser()) if " " not in name]
    assert re.findall(r"^### debgen (\S+)$", section("The verbs"), re.MULTILINE) == verbs
    for name, _ in subparsers(parser()):
        assert name.split()[-1] in section("The verbs")


def test_every_option_named_exists_and_every_one_of_source_packages_is_named() -> None:
    by_verb = {name: {o for a in p._actions for o in a.option_strings} for name, p in subparsers(parser())}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named <= set().union(*by_verb.values())
    assert {o for o in by_verb["build"] if o.startswith("--")} <= named | {"--help", "--output"}


def test_the_example_of_a_recipe_is_one_and_shows_every_key(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.+?)^```$", section("Recipes"), re.MULTILINE | re.DOTALL)
    (tmp_path / "recipe.toml").write_text(example, encoding="utf-8")
    (tmp_path / "debian/tests").mkdir(parents=True)
    (tmp_path / "debian/tests/download").touch()
    assert parse_recipe("huggingface-hub", "trixie", tmp_path).layer.relax[0].specifier == ">=8.1"
    shown = set(tomllib.loads(example)) | set(re.findall(r"\[\[(\w+)\]\]", example))
    assert shown == {*Layer.model_fields, "suite"}


def keys(value: object) -> Iterator[str]:
    """All keys of nested plain data."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(part)


def undescribed(value: object, table: str) -> set[str]:
    return {key for key in keys(value) if f"`{key}`" not in table and f"{key}[]`" not in table}


def test_every_key_of_a_plans_json_is_described() -> None:
    match = Match("n", "p", "s", "1-1", "1", "main", Origin.CONTENTS, "e")
    node = Node("n", "1", (Asked(None, ">=1", (), Verdict.SATISFIED),), match, Verdict.SATISFIED, True, False)
    made = Plan("n", "n", "sid", "3.14", "amd64", (node,), (), (), ())
    table = section("JSON").split("`debgen build --json`")[0]
    assert undescribed(plan.as_json(made), table) == set()
    assert f"which is {plan.SCHEMA}." in section("JSON")


def test_every_key_of_a_builds_json_is_described() -> None:
    here = Path()
    made = build.Outcome(
        suite="sid",
        written=cast(Any, SimpleNamespace(package=SimpleNamespace(source="s", version="1-1"), tree=here)),
        build=cast(Any, SimpleNamespace(debs=(), changes=here, log=here)),
        lintian=LintianReport((Tag(Severity.INFO, "p", "t", ""),), "2", here),
        exercise=ExerciseReport((TestOutcome("t", Outcome.PASS),), here),
        seconds=1.0,
        itp=False,
    )
    table = section("JSON").split("`debgen build --json`")[1]
    assert undescribed(build.as_json(made, "i"), table) == {"schema"}
    assert f"which is {build.SCHEMA}." in section("JSON")


def test_set_up_installs_what_the_doctor_asks_for() -> None:
    script = (ROOT / "run.sh").read_text(encoding="utf-8")
    (found,) = re.findall(r'^debian_packages="([^"]+)"', script, re.MULTILINE)
    needed = {tool.package for tool in TOOLS} | {KEYRING, "ca-certificates", "python3", "python3-venv"}
    assert found.split() == sorted(needed)


def sources() -> Iterator[Path]:
    """The repository's own files: no hidden folder but .ci, nothing that tools have made."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        made = any(p in ("__pycache__", "dist", "debgen-output") or p.endswith(".egg-info") for p in parts)
        if not made and not any(p.startswith(".") and p not in (".ci", ".gitignore") for p in parts) and path.is_file():
            yield path


def registry_hosts() -> set[str]:
    """The hosts that this machine's apt, mmdebstrap and pip know, by configuration or by default."""
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*"), Path("/usr/bin/mmdebstrap")]
    files += [Path("/etc/pip.conf"), Path("/etc/uv/uv.toml"), Path.home() / ".config/pip/pip.conf"]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()]
    found = set(re.findall(r"https?://(?:[^/\s@]*@)?([A-Za-z0-9.-]+\.[a-z]+)/(?:debian|simple|pypi)", "\n".join(texts)))
    if importlib.util.find_spec("pip"):
        defaults = importlib.import_module("pip._internal.models.index")
        for index in (defaults.PyPI, defaults.TestPyPI):
            found |= {index.netloc, index.file_storage_domain}
    return found


def test_no_file_names_a_registrys_host() -> None:
    hosts = registry_hosts()
    if not hosts:
        pytest.skip("this machine knows no registry")
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(host)}(?![\w-])" for host in sorted(hosts)))
    paths = list(sources())
    assert ROOT / "run.sh" in paths
    assert ROOT / ".ci/run" in paths
    named = {
        (path.relative_to(ROOT).as_posix(), found[0])
        for path in paths
        if (found := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert named == set()
