"""README.md, the set-up script and the sources agree with each other."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from planning_cases import match
from planning_cases import plan as small_plan

from debgen import comparison, errors, workshop
from debgen.archive.model import Origin
from debgen.building.checked import Checked
from debgen.building.checked import Verdict as CheckVerdict
from debgen.building.repository import Held, HeldBinary, Repository
from debgen.chainrun import End, Outcome, Run
from debgen.checks.all import CHECKS
from debgen.checks.all import as_json as checks_json
from debgen.cli import buildreport, check, chroot, doctor, envs, inspect, matrix, parser, repo, review, why
from debgen.cli.board import Board
from debgen.debianize.origs import Orig
from debgen.errors import CONFLICTS, INTERRUPTED, DebgenError
from debgen.host import KEYRING, TOOLS, Check
from debgen.planning import drift
from debgen.planning.asjson import SCHEMA, as_json
from debgen.planning.chain import Chain, Link
from debgen.planning.matrix import best, cell_of
from debgen.planning.model import BuildNeed, CrateToPackage, Decision, Finding, Kind, Plan, Supply, Topic
from debgen.planning.saved import save
from debgen.planning.verdict import Verdict
from debgen.recipes import Layer, Recipe, parse_recipe
from debgen.review.document import Document, Mark
from debgen.review.document import Section as ReviewSection
from debgen.upstream.builders import Builder
from debgen.upstream.buildmodel import BuildFacts, Crate, Library, LibraryKind
from debgen.upstream.devices import Device
from debgen.upstream.embedded import Embedded, Licences
from debgen.upstream.environments import PLAN, EnvironmentStore, Record
from debgen.upstream.fetches import Fetch
from debgen.upstream.inspection import Inspection, Script, Sources, TestPlace
from debgen.upstream.installed import Problem
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.prebuilt import Prebuilt
from debgen.upstream.versionorigin import VersionOrigin
from debgen.workshop import Workshop

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


def rows_of(verb: str) -> list[str]:
    """What the rows of the table under one verb begin with."""
    (text,) = re.findall(rf"^### debgen {verb}$(.+?)^##", README, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)


def test_the_table_of_checks_is_that_of_the_code() -> None:
    assert rows_of("build") == list(CHECKS)


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", section("Exit codes"), re.MULTILINE)
    documented = [(int(code), name) for code, name, _ in rows]
    known = {(kind.exit_code, kind.__name__) for kind in leaves(DebgenError) if kind.__module__ == errors.__name__}
    assert documented == [*sorted(known), (CONFLICTS, "CONFLICTS"), (INTERRUPTED, "INTERRUPTED")]
    assert len({code for code, _ in documented}) == len(documented)


def test_every_verb_is_described() -> None:
    verbs = [name for name, _ in subparsers(parser()) if " " not in name]
    assert re.findall(r"^### debgen (\S+)$", section("The verbs"), re.MULTILINE) == verbs
    for name, _ in subparsers(parser()):
        assert name.split()[-1] in section("The verbs")


#: Options of other programs that README.md names: pre-commit's and pipdeptree's.
FOREIGN = {"--all-files", "--hook-stage", "--path"}


def options() -> dict[str, set[str]]:
    """The long options of every verb and action."""
    return {
        name: {o for a in p._actions for o in a.option_strings if o.startswith("--")}
        for name, p in subparsers(parser())
    }  # fmt: skip


def test_every_option_named_exists_and_every_one_is_named() -> None:
    known = set().union(*options().values())
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named - known == FOREIGN
    assert known - named == {"--output"}  # which is -o there


def test_every_command_that_stands_for_itself_is_one() -> None:
    fences = re.findall(r"^```(\w*)\n(.+?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = [
        line for language, text in fences if not language for line in text.splitlines() if line[:7] == "debgen "
    ]
    assert len(commands) >= 8
    for command in commands:
        assert parser().parse_args(shlex.split(command)[1:]).func


def test_every_command_in_the_text_has_the_verb_and_the_options() -> None:
    by_verb = options()
    commands = [text for text in re.findall(r"`debgen ([^`]+)`", README) if "@" not in text]  # not a maintainer
    assert len(commands) >= 20
    for command in commands:
        words = shlex.split(command)
        verb = next((name for name in (" ".join(words[:2]), words[0]) if name in by_verb), "")
        assert verb or words[0] == "VERB", command
        used = {word for word in words if word.startswith("--")}
        assert used <= by_verb.get(verb, {"--help"}), command


def test_every_variable_of_debgens_own_is_named_and_no_other() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "debgen").rglob("*.py")]
    used = {name for text in texts for name in re.findall(r'"(DEBGEN_[A-Z_]+)"(?!:)', text)}  # not what sbuild gets
    assert set(re.findall(r"\bDEBGEN_[A-Z_]+", README)) == used


def recipe_example(folder: Path, suite: str, variant: str) -> Recipe:
    (example,) = re.findall(r"^```toml\n(.+?)^```$", section("Recipes"), re.MULTILINE | re.DOTALL)
    (folder / "recipe.toml").write_text(example, encoding="utf-8")
    (folder / "debian/tests").mkdir(parents=True, exist_ok=True)
    (folder / "debian/tests/download").touch()
    return parse_recipe("huggingface-hub", suite, folder, variant=variant)


def test_the_example_of_a_recipe_is_one_and_shows_every_key(tmp_path: Path) -> None:
    plain = recipe_example(tmp_path, "sid", "cuda").layer
    layered = recipe_example(tmp_path, "trixie", "cpu").layer
    assert (plain.relax[0].specifier, layered.relax[0].specifier) == (">=8.2,<9.0.0", ">=8.1")
    assert plain.requirements
    assert layered.requirements
    assert plain.requirements.files != layered.requirements.files == ("requirements/cpu.txt",)
    text = (tmp_path / "recipe.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(text)
    assert set(shown) | set(re.findall(r"\[\[(\w+)\]\]", text)) == {*Layer.model_fields, "suite", "variant"}
    for name, field in Layer.model_fields.items():
        if name not in shown:  # told to be like another
            continue
        entries = shown[name] if isinstance(shown[name], list) else [shown[name]]
        (model,) = re.findall(r"debgen\.recipes\.(\w+)", str(field.annotation))
        known = getattr(importlib.import_module("debgen.recipes"), model).model_fields
        assert {key for entry in entries for key in entry} == set(known), name


def keys(value: object) -> Iterator[str]:
    """All keys of nested plain data."""
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(part)


def form(*commands: str) -> str:
    """What the section on JSON says of the verbs' forms: from the line that begins with one up to the next such."""
    parts = re.split(r"^(?=`debgen )", section("JSON"), flags=re.MULTILINE)
    (found,) = (part for part in parts if all(f"`debgen {command}`" in part for command in commands))
    return found


def undescribed(value: object, table: str) -> set[str]:
    named = set(re.findall(r"`(?:….)?(\w+)(?:\[\])?`", table))
    return set(keys(value)) - named


def outdated(value: object, table: str) -> set[str]:
    """Keys that have a row, or part of one, and aren't there."""
    columns = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    named = {name.removeprefix("….").removesuffix("[]") for c in columns for name in re.findall(r"`([^`]+)`", c)}
    assert named
    return named - set(keys(value))


def full_plan() -> Plan:
    """A plan whose every list has something in it."""
    made = small_plan({"root": ["a>=3", "b"], "a": [], "b": []}, {"b": "2.0"})
    finding = Finding(Topic.CRATE, "t", ("x",), blocking=True)
    need = BuildNeed(Topic.CRATE, "c", "1", "librust-c-dev", "1-1", Supply.SATISFIED, "r", ("x",))
    need = replace(need, first=(CrateToPackage("c", "1"),))
    nodes = tuple(
        replace(n, match=match(n.name, "1"), alternatives=(match(n.name, "1"),), findings=(finding,), build=(need,))
        for n in made.nodes
    )
    return replace(made, nodes=nodes, cycles=(("a", "a"),))


def test_the_versions_of_all_forms() -> None:
    others = {module.SCHEMA for module in (why, matrix, check, envs, inspect, chroot, doctor, repo, review)}
    assert len(others) == 1
    assert SCHEMA == workshop.SCHEMA
    assert f"{SCHEMA} for a plan and a build, {others.pop()} for the others" in section("JSON")


def test_every_key_of_a_plans_json_is_described(tmp_path: Path) -> None:
    document = as_json(full_plan())
    assert undescribed(document, form("plan --json")) == {"schema"}
    assert outdated(document, form("plan --json")) == set()
    save(tmp_path / "p.json", document, saved=datetime.now(UTC), quick=True)
    for more in ("saved", "quick"):
        assert f'"{more}"' in (tmp_path / "p.json").read_text(encoding="utf-8")
        assert f"`{more}`" in form("plan --json")


@pytest.mark.parametrize(
    "words", [Decision, Verdict, Topic, Supply, Kind, Origin], ids=lambda words: words.__name__.lower()
)  # fmt: skip
def test_every_word_of_a_plan_is_described(words: Any) -> None:
    text = form("plan --json") + section("How a plan is made")
    assert {word.value for word in words if f"`{word.value}`" not in text} == set()


def test_the_mappings_stand_in_their_order_of_trust() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section("How a plan is made"), re.MULTILINE)
    assert rows == [*(origin.value for origin in Origin), *(decision.value for decision in Decision)]


def test_every_key_of_whys_json_is_described() -> None:
    plan = full_plan()
    answer = why._json(plan, plan.nodes[0])
    own = {key: answer[key] for key in answer.keys() - as_json(plan)["distributions"][0].keys()}
    assert undescribed(own, form("why --json") + form("plan --json")) == {"schema"}
    assert outdated(own, form("why --json")) == set()


def test_every_key_of_a_matrixs_json_is_described() -> None:
    cell = cell_of(full_plan())
    document = {"schema": matrix.SCHEMA, "name": "x", "fits": [matrix._json([cell], best([cell]))]}
    decisions = {decision.value for decision in Decision}
    found = undescribed({**document, "cell": comparison.cell_json(replace(cell, names={}))}, form("matrix --json"))
    assert found == {"schema", "cell", *decisions, *cell.names[Decision.PACKAGE]}
    assert outdated(document, form("matrix --json")) == set()


def test_every_key_of_checks_json_is_described() -> None:
    document = as_json(full_plan())
    found = check.drift_json(Path("p"), document, document, [drift.Drift(drift.Topic.PIN, "n", "t")])
    document = {"schema": check.SCHEMA, "drifted": 0, "plans": [found]}
    table = form("check PLAN --json")
    assert undescribed(document, table) == {"schema", *(decision.value for decision in Decision)}
    assert outdated(document, table) == set()
    assert [t.value for t in drift.Topic] == rows_of("check")


def test_every_key_of_an_examined_environments_json_is_described() -> None:
    here = Path()
    contents = SimpleNamespace(
        environment=SimpleNamespace(path=here, folders=(here,), python_version="3.14"),
        distributions=(SimpleNamespace(name="n", version="1", path=here),),
        findings=(SimpleNamespace(problem=Problem.MISSING, name="n", text="t"),),
        notes=("note",),
    )
    document = check.environment_json(cast(Any, contents))
    table = form("check --python PATH --json")
    assert undescribed(document, table) == {"schema"}
    assert outdated(document, table) == set()
    assert {problem.value for problem in Problem if f"`{problem.value}`" not in table} == set()


def test_every_key_of_envs_json_is_described(tmp_path: Path) -> None:
    store = EnvironmentStore(tmp_path)
    now = datetime.now(UTC)
    record = Record("root-2.0-sid-cpu", "root", "root", "2.0", "sid", "cpu", "3.14", "amd64", now.isoformat())
    with store.making(record.name) as folder:
        save(folder / PLAN, {**as_json(full_plan()), "suite_date": now.isoformat()}, saved=now, quick=False)
        store.write_record(folder, record)
    document = envs.info_json(store, record)
    table = form("envs list --json", "envs remove --json", "envs create --json", "envs info --json")
    assert undescribed(document, table) == {"schema", *(decision.value for decision in Decision)}
    assert outdated(document, table) == set()
    later = table.split("not in the list")[1]
    assert {key for key in envs._summary(store, record) if f"`{key}`" in later} == {"created"}


def test_every_key_of_inspects_json_is_described() -> None:
    build_facts = BuildFacts(crates=(Crate("c"),), libraries=(Library(LibraryKind.LINK, "l", "e"),))
    found = Inspection(
        name="n",
        metadata=True,
        files=1,
        version=VersionOrigin("static", "", ""),
        build=build_facts,
        builders=(Builder("b", "e"),),
        sources=(Sources("C", 1, "a.c"),),
        fetches=(Fetch("download", "n", "u", "", "e"),),
        scripts=(Script("c", "t", "e"),),
        tests=(TestPlace("tests", 1, "pytest", "e"),),
        licences=Licences(),
        embedded=(Embedded("p", 1, "r"),),
        prebuilt=(Prebuilt("p", "k", 1),),
        devices=(Device("cpu", ("e",)),),
        pins=(("a==1", "e"),),
    )
    document = inspect.as_json(found, "s", LicenceScan((FileLicence("p", "MIT", ()),), ()))
    plain = {**document, **{key: list(value) for key, value in document.items() if isinstance(value, tuple)}}
    plain["build"] = {key: list(v) if isinstance(v, tuple) else v for key, v in document["build"].items()}
    assert undescribed(plain, form("inspect --json")) == {"schema"}
    assert outdated(plain, form("inspect --json")) == set()


def test_every_key_of_the_doctors_json_is_described() -> None:
    document = doctor.checks_json((Check("sbuild", False, "d", "apt install sbuild"),))
    assert undescribed(document, form("doctor --json")) == {"schema"}
    assert outdated(document, form("doctor --json")) == set()


def a_run(folder: Path) -> Run[Board]:
    """A run in which one package was built and one failed."""
    link, broken = (Link(name, "1", frozenset(), "r", asked=True) for name in ("good", "broken"))
    index = SimpleNamespace(codename="sid", architecture="amd64")
    settings = SimpleNamespace(itp=None)
    shop = Workshop(cast(Any, SimpleNamespace(index=index)), cast(Any, settings), cast(Any, None), folder)
    board = Board([link, broken])
    run = Run(Chain((link, broken)), shop, lambda made, tell: [], (), board, ("good", "broken"), {})
    package = SimpleNamespace(source="s", version="1-1")
    made = SimpleNamespace(
        link=link, needs=(), source_changes=folder,
        built=SimpleNamespace(source="s", version="1-1", seconds=1.0, borrowed=(), alone=""),
        result=SimpleNamespace(debs=(), changes=folder, log=folder),
        written=SimpleNamespace(package=package, tree=folder, orig=Orig()),
    )  # fmt: skip
    check = Checked("lintian", CheckVerdict.PASS, "nothing", details={})
    summary = shop.summary(cast(Any, made), checks_json([check]), 1.0)
    run.outcomes["good"] = Outcome(link, End.BUILT, summary)
    run.outcomes["broken"] = Outcome(broken, End.FAILED, error=errors.BuildError("no"))
    return run


def test_every_key_of_a_builds_json_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workshop, "inputs", lambda *args: "i")
    state = tmp_path / "repository/states/0001"
    state.mkdir(parents=True)
    (tmp_path / "repository/current").symlink_to(state)
    run = a_run(tmp_path)
    document = buildreport.as_json(run)
    (summary,) = (found for package in document["packages"] if (found := package.pop("summary")))
    told = {**document, "summary": None}
    assert undescribed(told, form("build --json")) == {"schema"}
    assert outdated(told, form("build --json")) == set()
    assert undescribed(summary, form("build NAME")) == {"schema"}
    assert outdated(summary, form("build NAME")) == set()
    assert undescribed(buildreport.dry_json(run), form("build --dry-run --json")) == {"schema"}
    assert outdated(buildreport.dry_json(run), form("build --dry-run --json")) == set()


def test_every_key_of_a_reviews_json_is_described() -> None:
    section = ReviewSection("k", "t", Mark.GOOD, "told", ())
    document = Document("t", "sid", Mark.LOOK, "told", (), ((Mark.LOOK, "read it"),), (section,))
    told = review._json(document, Path("a"), Path("b"))
    assert undescribed(told, form("review --json")) == {"schema"}
    assert outdated(told, form("review --json")) == set()


def test_every_key_of_a_repositorys_json_is_described(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "sid", "amd64")
    held = Held("s", "1", (HeldBinary("p", "1", "all"),))
    told = {**repo._listing(repository, (held,)), **repo._place(repository)}
    assert undescribed(told, form("repo path --json", "repo list --json")) == {"schema"}
    assert outdated(told, form("repo path --json", "repo list --json")) == set()


def listed(variable: str) -> list[str]:
    """A list of packages in run.sh."""
    script = (ROOT / "run.sh").read_text(encoding="utf-8")
    (found,) = re.findall(rf'^{variable}="([^"]+)"', script, re.MULTILINE)
    return cast(str, found).split()


def test_set_up_installs_what_the_doctor_asks_for_and_what_the_tests_use() -> None:
    needed = {tool.package for tool in TOOLS} | {KEYRING, "ca-certificates", "python3", "python3-venv"}
    assert listed("debian_packages") == sorted(needed)
    texts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/integration").glob("*.py"))
    programs = {"chromium": "chromium", "gbp": "git-buildpackage"}
    assert listed("test_packages") == [package for program, package in programs.items() if f'"{program}"' in texts]
    assert all(name in section("Two commands") for name in ("graphviz", *listed("test_packages")))


def test_the_hook_for_pre_commit_is_the_one_that_is_described() -> None:
    hook = dict(re.findall(r"^[- ] (\w+): (.+)$", (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"), re.MULTILINE))
    assert f"- id: {hook['id']}\n" in README
    assert f"pre-commit run {hook['id']} --all-files --hook-stage pre-push" in README
    assert "pre-push" in hook["stages"]
    assert parser().parse_args([*shlex.split(hook["entry"])[1:], "--ignore", "archive", "plan.json"]).func
    for path, taken in {"plan.json": True, "plans/vllm-plan-2.json": True, "package.json": False}.items():
        assert bool(re.search(hook["files"], path)) is taken


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
