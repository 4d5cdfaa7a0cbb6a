from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import DebgenError, UsageError
from debgen.run import Completed
from debgen.upstream.installed import Contents, Problem, examine, find_environment
from debgen.upstream.model import Target


def distribution(folder: Path, name: str, version: str, *lines: str, kind: str = "dist-info") -> Path:
    info = folder / f"{name}-{version}.{kind}"
    info.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
    (info / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text(text + "\n")
    return info


def venv(prefix: Path, settings: str = "home = /usr/bin\nversion = 3.12.4\n", series: str = "3.12") -> Path:
    site = prefix / "lib" / f"python{series}" / "site-packages"
    site.mkdir(parents=True)
    (prefix / "bin").mkdir(exist_ok=True)
    (prefix / "pyvenv.cfg").write_text(settings)
    return site


class Pipdeptree:
    """Says of the metadata what pipdeptree would: every requirement without an extra, and those of ``extras``."""

    def __init__(self, *extras: tuple[str, str]) -> None:
        self.extras = extras
        self.seen: dict[str, str] = {}

    def __call__(self, argv: Sequence[str | Path], **more: Any) -> Completed:
        words = [os.fspath(word) for word in argv]
        assert words[1:4] == ["-m", "pipdeptree", "--path"]
        entries = []
        for path in sorted(Path(words[4]).glob("*.dist-info/METADATA")):
            self.seen[path.parent.name] = path.read_text()
            name, found = path.parent.name.removesuffix(".dist-info").rpartition("-")[0].replace("_", "-"), []
            for line in path.read_text().splitlines():
                if line.startswith("Requires-Dist: "):
                    requirement, _, marker = line.removeprefix("Requires-Dist: ").partition(";")
                    extra = marker.partition('"')[2].rstrip('"') or None
                    key = requirement.split("[")[0].split("<")[0].split(">")[0].split("=")[0].split("!")[0].strip()
                    if extra is None or (name, extra) in self.extras:
                        found.append({"key": key} | ({"extra": extra} if extra else {}))
            entries.append({"package": {"key": name}, "dependencies": found})
        return Completed(tuple(words), 0, json.dumps(entries), "")


def examined(path: Path, *extras: tuple[str, str], python: str = "3.12.4") -> Contents:
    return examine(find_environment(path), target=Target(python, "amd64"), run=Pipdeptree(*extras))


def problems(contents: Contents) -> list[tuple[Problem, str]]:
    return [(finding.problem, finding.text) for finding in contents.findings]


# --- where things are


def test_a_virtual_environment_by_its_folder_and_by_its_interpreter(tmp_path: Path) -> None:
    site = venv(tmp_path / "env")
    (tmp_path / "python3.12").touch()
    (tmp_path / "env/bin/python3").symlink_to(tmp_path / "python3.12")
    (tmp_path / "env/bin/python").symlink_to("python3")
    (tmp_path / "elsewhere").symlink_to("env/bin/python")
    for path in ("env", "env/bin/python", "elsewhere"):
        found = find_environment(tmp_path / path)
        assert (found.path, found.folders, found.python_version) == (tmp_path / "env", (site,), "3.12.4")


@pytest.mark.parametrize(
    ("settings", "version"),
    [("version_info = 3.12.9.final.0", "3.12.9"), ("Version_Info=3.12.1", "3.12.1"), ("home = /x", "3.12")],
)
def test_the_version_that_each_tool_writes(tmp_path: Path, settings: str, version: str) -> None:
    venv(tmp_path, settings)
    assert find_environment(tmp_path).python_version == version


def test_the_system_is_seen_through_where_the_environment_says_so(tmp_path: Path) -> None:
    base = tmp_path / "base/lib/python3.12/site-packages"
    base.mkdir(parents=True)
    home = f"home = {tmp_path}/base/bin\nversion = 3.12.4\n"
    own = venv(tmp_path / "open", home + "include-system-site-packages = true\n")
    assert find_environment(tmp_path / "open").folders == (own, base)
    own = venv(tmp_path / "closed", home + "include-system-site-packages = false\n")
    assert find_environment(tmp_path / "closed").folders == (own,)


def test_a_prefix_with_several_pythons_is_that_of_python3(tmp_path: Path) -> None:
    for series in ("3.9", "3.12"):
        (tmp_path / f"lib/python{series}/dist-packages").mkdir(parents=True)
    with pytest.raises(UsageError):
        find_environment(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3.9").touch()
    (tmp_path / "bin/python3").symlink_to("python3.9")
    (tmp_path / "lib/python3/dist-packages").mkdir(parents=True)
    found = find_environment(tmp_path / "bin/python3")
    assert found.python_version == "3.9"
    assert [f.relative_to(tmp_path / "lib").as_posix() for f in found.folders] == [
        "python3.9/dist-packages", "python3/dist-packages"
    ]  # fmt: skip


def test_a_folder_of_distributions(tmp_path: Path) -> None:
    folder = tmp_path / "lib/python3.11/site-packages"
    distribution(folder, "app", "1")
    assert find_environment(folder).python_version == "3.11"
    distribution(tmp_path / "plain", "app", "1")
    with pytest.raises(UsageError, match="does not say which Python"):
        find_environment(tmp_path / "plain")


def test_what_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "shim").write_text("#!/bin/sh\n")
    (tmp_path / "loop").symlink_to("loop")
    for path in ("shim", "none", "loop", "."):
        with pytest.raises(UsageError):
            find_environment(tmp_path / path)


# --- what is wrong there


def test_versions_that_do_not_fit(tmp_path: Path) -> None:
    site = venv(tmp_path)
    distribution(site, "torch", "2.2.0")
    distribution(site, "vllm", "0.10.1.1", "Requires-Dist: torch==2.7.1", "Requires-Dist: numba==0.61; extra == 'x'")
    assert problems(examined(tmp_path)) == [
        (Problem.CONFLICT, "torch 2.2.0 is there, but vllm 0.10.1.1 asks for ==2.7.1")
    ]
    distribution(site, "torch", "2.7.1", "Requires-Dist: sympy>=1.13.3")
    assert (
        problems(examined(tmp_path))
        == [
            (Problem.DUPLICATE, f"torch is there as torch-2.2.0.dist-info, torch-2.7.1.dist-info in {site}"),
            (Problem.CONFLICT, "torch 2.2.0 is there, but vllm 0.10.1.1 asks for ==2.7.1"),
        ][::-1]
    )


def test_markers_are_those_of_the_environment(tmp_path: Path) -> None:
    site = venv(tmp_path)
    distribution(
        site, "app", "1",
        "Requires-Dist: old; python_version < '3.12'", "Requires-Dist: new>2; python_version >= '3.12'",
        "Requires-Dist: win; sys_platform == 'win32'", "Requires-Dist: arm; platform_machine == 'aarch64'",
    )  # fmt: skip
    assert problems(examined(tmp_path)) == [(Problem.MISSING, "new is missing: app 1 asks for >2")]
    arm = examine(find_environment(tmp_path), target=Target("3.11", "arm64"), run=Pipdeptree())
    assert [finding.name for finding in arm.findings] == ["arm", "old"]


def test_requirements_of_an_extra_count_where_it_is_asked_for(tmp_path: Path) -> None:
    site = venv(tmp_path)
    distribution(site, "web", "1", "Provides-Extra: fast", "Requires-Dist: loop; extra == 'fast'")
    distribution(site, "app", "1", "Requires-Dist: Web[Fast]>=1")
    assert problems(examined(tmp_path)) == []
    assert problems(examined(tmp_path, ("web", "fast"))) == [
        (Problem.MISSING, "loop is missing: web 1 (for its extra fast) asks for any version")
    ]


def test_eggs(tmp_path: Path) -> None:
    site = venv(tmp_path)
    info = distribution(site, "Old.Egg", "1", kind="egg-info")
    (info / "requires.txt").write_text("gone>=2\n\n[extra]\nmore\n")
    (site / "single-2.egg-info").write_text("Name: single\nVersion: 2\nRequires-Python: <3\n")
    distribution(site, "both", "1.0")
    distribution(site, "both", "1.0", kind="egg-info")  # Debian ships some packages so
    contents = examined(tmp_path)
    assert problems(contents) == [
        (Problem.MISSING, "gone is missing: old-egg 1 asks for >=2"),
        (Problem.PYTHON, "single 2 asks for Python <3, this is 3.12.4"),
    ]
    assert [(d.name, d.version) for d in contents.distributions] == [("both", "1.0"), ("old-egg", "1"), ("single", "2")]


def test_the_first_folder_wins(tmp_path: Path) -> None:
    base = tmp_path / "base/lib/python3.12/site-packages"
    distribution(base, "dep", "1")
    settings = f"home = {tmp_path}/base/bin\nversion = 3.12.4\ninclude-system-site-packages = true\n"
    site = venv(tmp_path / "env", settings)
    distribution(site, "app", "1", "Requires-Dist: dep>=2")
    assert problems(examined(tmp_path / "env")) == [(Problem.CONFLICT, "dep 1 is there, but app 1 asks for >=2")]
    distribution(site, "dep", "2")
    contents = examined(tmp_path / "env")
    assert problems(contents) == []
    assert contents.notes == (f"dep 2 in {site} hides 1 in {base}",)


def test_a_patch_release_that_is_not_known_is_given_the_benefit_of_the_doubt(tmp_path: Path) -> None:
    folder = tmp_path / "lib/python3.11/site-packages"
    distribution(folder, "app", "1", "Requires-Python: >=3.11.4")
    distribution(folder, "new", "1", "Requires-Python: >=3.12")
    assert [f.name for f in examined(folder, python="3.11").findings] == ["new"]


def test_metadata_that_can_not_be_read(tmp_path: Path) -> None:
    site = venv(tmp_path)
    (site / "empty-1.dist-info").mkdir()
    (site / "nameless-1.dist-info").mkdir()
    (site / "nameless-1.dist-info/METADATA").write_text("Version: 1\n")
    distribution(site, "odd", "one")
    distribution(site, "good", "1", "Requires-Dist: ???", "Requires-Python: whatever")
    contents = examined(tmp_path)
    assert [(f.problem, f.name) for f in contents.findings] == [
        (Problem.UNREADABLE, "empty-1.dist-info"),
        (Problem.UNREADABLE, "nameless-1.dist-info"),
        (Problem.UNREADABLE, "odd-one.dist-info"),
    ]
    assert contents.notes == ("good 1: requirement '???' is not valid and was left out",)


@pytest.mark.parametrize("output", ["", "{}[", '[{"package": 1}]'])
def test_another_pipdeptree(tmp_path: Path, output: str) -> None:
    distribution(venv(tmp_path), "app", "1")
    with pytest.raises(DebgenError, match="pipdeptree"):
        examine(
            find_environment(tmp_path), target=Target("3.12", "amd64"), run=lambda *a, **k: Completed((), 0, output, "")
        )
