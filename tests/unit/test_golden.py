"""Whole debian/ folders: each case below tests/golden is a small sdist, what the suite has, and what must come out.

``in/`` is the unpacked sdist, ``case.toml`` the rest of the input, ``recipe/`` the recipe if there is one,
``out/`` the expected debian/, ``result.json`` what is said beside it. After a wanted change of the generator,
``DEBGEN_UPDATE_GOLDEN=1 pytest tests/unit/test_golden.py`` writes the last two anew; then read the difference.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from debian.changelog import Changelog
from debian.copyright import Copyright
from debian.deb822 import Deb822, PkgRelation
from debian.debian_support import Version
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from provenance_cases import unexplained

from debgen.archive.model import Binary, Match, Origin
from debgen.archive.versions import upstream_version
from debgen.debianize.model import Inputs, SourcePackage, SuiteFacts, Team
from debgen.debianize.package import debianize
from debgen.debianize.templates import Templates
from debgen.identity import Identity
from debgen.planning.build_needs import judge_crates, relations_for_crate
from debgen.recipes import Layer, Recipe, parse_recipe
from debgen.sourcetexts import source_texts
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildfacts import build_facts, wanted
from debgen.upstream.facts import read_facts
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.model import Target

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/case.toml"))
UPDATE = bool(os.environ.get("DEBGEN_UPDATE_GOLDEN"))


def suite(codename: str, release: int, compat: int, policy: str, python: str, *, new: bool = False) -> SuiteFacts:
    return SuiteFacts(
        codename=codename,
        changelog_distribution=f"{codename}-backports" if release else "unstable",
        version_suffix=f"~bpo{release}+1" if release else "",
        compat=compat,
        standards_version=policy,
        watch_version=5 if new else 4,
        implied_rules_requires_root=codename != "bookworm",
        implied_priority=new,
        python_version=python,
        architecture="amd64",
    )


SUITES = {
    "sid": suite("sid", 0, 14, "4.7.4", "3.14", new=True),
    "trixie": suite("trixie", 13, 13, "4.7.2", "3.13"),
    "bookworm": suite("bookworm", 12, 13, "4.6.2", "3.11"),
}


def match(name: str, entry: dict[str, str]) -> Match:
    return Match(
        distribution=name,
        package=entry["package"],
        source=entry.get("source", entry["package"].removeprefix("python3-")),
        debian_version=entry["version"],
        upstream_version=entry.get("upstream") or upstream_version(entry["version"]),
        component="main",
        origin=Origin.CONTENTS,
        evidence="golden",
    )


@dataclass(frozen=True)
class Crates:
    """The packages of crates that a suite has: their version, and the features that they provide."""

    told: dict[str, dict[str, Any]]

    def binary(self, name: str) -> Binary | None:
        if name not in self.told:
            return None
        version, stem = str(self.told[name]["version"]), name.removesuffix("-dev")
        numbers = version.partition("-")[0].split(".")
        series = ["", f"-{numbers[0]}", f"-{'.'.join(numbers[:2])}", f"-{'.'.join(numbers[:3])}"]
        features = ["", *(f"+{feature}" for feature in self.told[name]["features"])]
        provides = ", ".join(f"{stem}{part}{feature}-dev (= {version})" for part in series for feature in features)
        return Binary(name, version, "amd64", stem, version, "main", "rust", provides, "", "")

    def starting(self, prefix: str) -> tuple[Binary, ...]:
        return tuple(found for name in self.told if name.startswith(prefix) and (found := self.binary(name)))


def inputs_of(case: str) -> Inputs:
    folder = GOLDEN / case
    told: dict[str, Any] = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    target = SUITES[told["suite"]]
    packages = {name: match(name, entry) for name, entry in told["packages"].items()}
    names = {m.package for m in packages.values()} | set(told.get("taken", ()))
    facts = read_facts(folder / "in")
    crates = Crates(told.get("crates", {}))
    files = (
        FileLicence(path, found.get("licence", ""), tuple(found.get("copyrights", ())))
        for path, found in sorted(told["scan"].items())
    )
    recipe = folder / "recipe"
    members = sorted(
        path.relative_to(folder / "in").as_posix() for path in (folder / "in").rglob("*") if path.is_file()
    )
    own = (
        parse_recipe(facts.normalised, target.codename, recipe)
        if recipe.is_dir()
        else Recipe(facts.normalised, target.codename, Layer(), None)
    )
    build = build_facts(members, {n: (folder / "in" / n).read_text("utf-8", "replace") for n in members if wanted(n)})
    choice = Choice(without=tuple(entry.crate for entry in own.layer.without))
    asked, _ = crates_of(build.cargo.manifests, build.cargo.texts, choice)
    return Inputs(
        facts=facts,
        build=build,
        crates=judge_crates(crates, asked, target.architecture, lambda package: None, python=target.python_version),
        crate_relations=lambda need: relations_for_crate(crates, need),
        has=lambda path: (folder / "in" / path).is_file(),
        scan=LicenceScan(tuple(files), ()),
        texts=source_texts(folder / "in", facts),
        sdist_name=told["sdist"],
        suite=target,
        lookup=packages.get,
        taken=names.__contains__,
        marker_environment=Target(target.python_version, target.architecture).marker_environment(),
        recipe=own,
        identity=Identity("Jane Doe", "jane@debian.example"),
        team=Team(**told.get("team", {})),
        date=datetime(2026, 10, 29, 15, 30, 12, tzinfo=UTC),
        itp=told.get("itp"),
    )


def generate(case: str) -> SourcePackage:
    return debianize(inputs_of(case), Templates())


def result_of(package: SourcePackage) -> dict[str, object]:
    return {
        "source": package.source,
        "version": package.version,
        "distribution": package.distribution,
        "binary": package.binary,
        "executable": sorted(package.executable),
        "fixmes": [f"{fixme.file}: {fixme.question}" for fixme in package.fixmes],
        "unmet": [str(unmet) for unmet in package.unmet],
        "notes": list(package.notes),
    }


def test_there_are_cases() -> None:
    assert len(CASES) >= 7


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    package = generate(case)
    assert generate(case) == package
    out, result = GOLDEN / case / "out", GOLDEN / case / "result.json"
    if UPDATE:
        shutil.rmtree(out, ignore_errors=True)
        for path, text in package.files.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_text(text, encoding="utf-8", newline="")
        result.write_text(json.dumps(result_of(package), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    expected = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert sorted(package.files) == sorted(expected)
    for path, text in package.files.items():
        assert text == expected[path].decode(), path
    assert result_of(package) == json.loads(result.read_text(encoding="utf-8"))


# --- rules that hold whatever the bytes are


READY = [case for case in CASES if case != "open-questions"]


def paragraphs(package: SourcePackage) -> tuple[Deb822, Deb822]:
    source, binary = Deb822.iter_paragraphs(package.files["control"].splitlines(keepends=True))
    return source, binary


@pytest.mark.parametrize("case", CASES)
def test_form_of_all_files(case: str) -> None:
    for path, text in generate(case).files.items():
        assert text.endswith("\n"), path
        assert not text.startswith("\n"), path
        assert "\n\n\n" not in text, path
        if not path.startswith("patches/"):  # a diff has lines with a single blank
            assert not re.search(r"[ \t]+$", text, re.M), path
        assert not re.search(r"FIXME|TODO|None\b|<[a-z_]+ [a-z ]+>", text), path


@pytest.mark.parametrize("case", CASES)
def test_control_is_sound(case: str) -> None:
    package = generate(case)
    source, binary = paragraphs(package)
    names = []
    for field in ("Build-Depends", "Depends", "Recommends", "Suggests"):
        relations = [r.strip() for r in (*source.get(field, "").split(","), *binary.get(field, "").split(","))]
        for relation in filter(None, relations):
            if "${" not in relation:
                ((parsed, *_),) = PkgRelation.parse_relations(relation)
                assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", str(parsed["name"])), relation
                # a crate has a lower and an upper bound
                upper = str(parsed["name"]).startswith("librust-") and (parsed["version"] or ("",))[0] == "<<"
                names.append((field, parsed["name"], upper))
    assert len(names) == len(set(names)), "a package is named twice"
    synopsis, *body = binary["Description"].split("\n")
    assert 5 < len(synopsis) < 80
    assert not re.match(r"(an?|the) ", synopsis, re.I)
    assert not synopsis.endswith(".")
    assert all(len(line) <= 80 for line in body)
    target = inputs_of(case).suite
    assert source.get("Rules-Requires-Root", "no") == "no"
    assert ("Rules-Requires-Root" in source) is (target.codename == "bookworm")
    assert ("Priority" in source) is (target.codename != "sid")


@pytest.mark.parametrize("case", CASES)
def test_every_line_that_is_not_boilerplate_has_a_reason(case: str) -> None:
    package = generate(case)
    assert list(unexplained(package, inputs_of(case).recipe.debian_files())) == []
    for why in package.provenance.reasons:
        assert 1 <= why.first <= why.last <= len(package.files[why.file].splitlines())
        assert len(why.cause) > 8, why
        assert not re.search(r"\n|None", why.cause), why


def test_reasons_name_the_place_and_the_recipe() -> None:
    package = generate("setuptools-scripts")
    lines = package.files["control"].splitlines()
    told: dict[str, list[tuple[str, str]]] = {}
    for why in package.provenance.reasons:
        if why.file == "control":
            told.setdefault(lines[why.first - 1].strip(" ,"), []).append((why.origin.value, why.cause))
    assert told["git <!nocheck>"] == [("recipe", "the tests of credentials call git")]
    assert told["ca-certificates"] == [("recipe", "the hub is reached over TLS")]
    ((origin, cause),) = told["python3-filelock (>= 3.10~) <!nocheck> <!nodoc>"]
    assert origin == "fact"
    assert re.match(r"setup\.py:\d+ asks for filelock>=3\.10", cause)
    number = int(cause.split(":")[1].split()[0])
    assert "filelock" in (GOLDEN / "setuptools-scripts/in/setup.py").read_text().splitlines()[number - 1]
    assert [origin for origin, _ in told["python3-click <!nocheck> <!nodoc>"]] == ["fact", "recipe"]
    rules = package.files["rules"].splitlines()
    skips = {s.select: (s.origin.value, s.reason) for s in package.provenance.skipped}
    assert skips["--ignore=tests/test_upload.py"] == ("recipe", "Uploads through hub-xet, which Debian does not have")
    assert skips["--ignore=tests/test_client.py"][0] == "fact"
    assert all(f"PYBUILD_TEST_ARGS += {s.replace('$', '$$')}" in rules for s in skips)


@pytest.mark.parametrize("case", CASES)
def test_changelog_and_versions(case: str) -> None:
    package, inputs = generate(case), inputs_of(case)
    log = Changelog(package.files["changelog"], strict=True)
    assert (log.package, str(log.version)) == (package.source, package.version)
    assert log.distributions == inputs.suite.changelog_distribution
    existing = inputs.lookup(inputs.facts.normalised)
    assert existing is None or Version(package.version) > Version(existing.debian_version)
    assert Version(package.version) <= Version(package.version.split("~bpo")[0])  # sorts below the next release's
    assert "#" not in package.files["changelog"] or f"#{inputs.itp}" in package.files["changelog"]


@pytest.mark.parametrize("case", CASES)
def test_copyright_is_complete(case: str) -> None:
    package = generate(case)
    parsed = Copyright(package.files["copyright"].splitlines(keepends=True), strict=True)
    files: list[Any] = list(parsed.all_files_paragraphs())  # python-debian's hints don't know its own fields
    licences: list[Any] = list(parsed.all_license_paragraphs())
    texts = {paragraph.license.synopsis for paragraph in licences}
    used = " ".join(paragraph.license.synopsis for paragraph in files)
    for paragraph in files:
        assert paragraph.copyright
        if not paragraph.license.text:
            assert set(re.split(r" and | or ", paragraph.license.synopsis)) <= texts
    assert all(paragraph.license.synopsis in used for paragraph in licences), "a text that no file is under"
    root = GOLDEN / case / "in"
    for path in root.rglob("*"):
        assert parsed.find_files_paragraph(path.relative_to(root).as_posix()) is not None


def applied(tree: dict[str, str], patch: str) -> None:
    """Apply a unified diff without any tolerance, as dpkg-source does."""
    path = ""
    for line in patch.split("\n---\n", 1)[1].splitlines(keepends=True):
        if line.startswith("+++ b/"):
            path, old, new, at = line[6:].strip(), tree[line[6:].strip()].splitlines(keepends=True), [], 0
        elif line.startswith("--- "):
            continue
        elif found := re.match(r"@@ -(\d+)", line):
            new += old[at : int(found[1]) - 1]
            at = int(found[1]) - 1
        elif line[0] in " -":
            assert old[at] == line[1:], (path, at)
            new += [line[1:]] if line[0] == " " else []
            at += 1
        elif line[0] == "+":
            new.append(line[1:])
        tree[path] = "".join([*new, *old[at:]]) if path else ""


@pytest.mark.parametrize("case", [c for c in READY if (GOLDEN / c / "out/patches").is_dir()])
def test_patches_apply_in_order_and_say_what_they_did(case: str) -> None:
    package, inputs = generate(case), inputs_of(case)
    root = GOLDEN / case / "in"
    tree = {p.relative_to(root).as_posix(): p.read_text("utf-8") for p in root.rglob("*") if p.is_file()}
    series = package.files["patches/series"].split()
    assert sorted(series) == sorted(p.removeprefix("patches/") for p in package.files if p.endswith(".patch"))
    for name in series:
        patch = package.files[f"patches/{name}"]
        header = Deb822(patch.split("\n---\n")[0].splitlines())
        assert {"Description", "Author", "Forwarded", "Last-Update"} <= set(header), name
        applied(tree, patch)
    left = {str(canonicalize_name(r.name)): str(r.specifier) for r in requirements(tree)}
    for drop in inputs.recipe.layer.drop:
        assert drop.distribution not in left
    for relax in inputs.recipe.layer.relax:
        assert left[relax.distribution] == str(Requirement(f"x{relax.specifier}").specifier)
    kept = {str(canonicalize_name(r.name)) for r in inputs.facts.base_requirements}
    assert set(left) == kept - {d.distribution for d in inputs.recipe.layer.drop}


def requirements(tree: dict[str, str]) -> list[Requirement]:
    """The requirements in the patched build file, read another way than the generator does."""
    if project := tomllib.loads(tree.get("pyproject.toml", "")).get("project"):
        return [Requirement(line) for line in project["dependencies"]]
    if "install_requires" in tree["setup.py"]:
        ((node, namespace),) = (
            (node, ast.unparse(ast.parse(tree["setup.py"])))
            for node in ast.parse(tree["setup.py"]).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "install_requires"
        )
        assert "install_requires=install_requires" in namespace
        return [Requirement(line) for line in ast.literal_eval(node.value)]
    lines = tree["setup.cfg"].split("install_requires =\n")[1].split("\n\n")[0]
    return [Requirement(line.strip()) for line in lines.splitlines()]


@pytest.mark.parametrize("case", READY)
def test_the_others_are_ready(case: str) -> None:
    package = generate(case)
    assert (package.fixmes, package.unmet) == ((), ())


def test_open_questions_are_all_listed() -> None:
    package = generate("open-questions")
    asked = " ".join(fixme.question for fixme in package.fixmes)
    for word in ("licence was found", "holder", "setuptools-mystery", "another python3-riddle"):
        assert word in asked
    assert [u.requirement.name for u in package.unmet] == ["old-thing", "new-thing", "absent"]


def test_a_file_of_the_recipe_answers_the_questions_about_it(tmp_path: Path) -> None:
    (tmp_path / "debian").mkdir()
    (tmp_path / "recipe.toml").touch()
    inputs = inputs_of("open-questions")
    for name, left in (("copyright", "debian/control"), ("control", "")):
        (tmp_path / "debian" / name).write_text("answered\n")
        package = debianize(replace(inputs, recipe=parse_recipe("mystery", "sid", tmp_path)), Templates())
        assert {fixme.file for fixme in package.fixmes} == ({left} if left else set())
        assert package.files[name] == "answered\n"
