"""``debgen build`` of a package that needs another one which the suite lacks: in order, once, and interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clock import cpu_seconds

from debgen.archive.mirror import mirror_settings
from debgen.building.chroots import ChrootStore, Flavour
from debgen.building.repository import Repository
from debgen.building.serving import served
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

#: It is built with uv-dynamic-versioning, which no suite has; its release is fixed so that the test is.
TOP = "mcp-types==2.3.0"


def debgen(out: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DEBFULLNAME": "Jane Doe", "DEBEMAIL": "jane@debian.org", "DEBGEN_IGNORE_VALID_UNTIL": "1"}
    command = [sys.executable, "-m", "debgen", "build", TOP, "--for", "", "--variant", "cpu", "-o", str(out), *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chain")


@pytest.fixture(scope="module")
def first(out: Path) -> dict[str, Any]:
    """Both built, with one check each; the outcome as plain data."""
    done = debgen(out, "--checks", "install,area", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_would_be_built_is_told_before_anything_is(tmp_path: Path) -> None:
    done = debgen(tmp_path, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    packages = json.loads(done.stdout)["packages"]
    assert [(p["name"], p["needs"], p["would"]) for p in packages] == [
        ("uv-dynamic-versioning", [], "build"),
        ("mcp-types", ["uv-dynamic-versioning"], "build"),
    ]
    assert not list(tmp_path.rglob("*"))


def test_only_what_can_be_built_alone_is(tmp_path: Path) -> None:
    done = debgen(tmp_path, "--only", "mcp-types")
    assert done.returncode == 18
    assert "--only uv-dynamic-versioning" in done.stderr
    assert debgen(tmp_path, "--only", "mcp").returncode == 2


def test_a_package_is_built_after_what_it_needs_and_installs_beside_it(out: Path, first: dict[str, Any]) -> None:
    assert first["good"]
    assert [(p["name"], p["outcome"]) for p in first["packages"]] == [
        ("uv-dynamic-versioning", "built"),
        ("mcp-types", "built"),
    ]
    top = first["packages"][1]["summary"]
    assert [(check["name"], check["verdict"]) for check in top["checks"]] == [("install", "pass"), ("area", "pass")]
    control = Path(top["source_tree"], "debian/control").read_text()
    assert "python3-uv-dynamic-versioning" in control
    # The build took it from the local repository, and from nowhere else.
    buildinfo = next(Path(top["changes"]).parent.glob("*.buildinfo")).read_text()
    assert "python3-uv-dynamic-versioning (= 0.14.1-1)" in buildinfo
    assert Path(top["source_changes"]).is_file()
    store = ChrootStore(cache_directory("chroots"), mirror_settings(ignore_valid_until=True))
    with served(Repository(out / "sid/repository", "sid", "amd64")) as source:
        command = "apt-get -q update && apt-get -qy install python3-mcp-types && python3 -c 'import mcp_types'"
        done = store.run_in(store.ensure("sid", Flavour.CLEAN), ["sh", "-c", command], network=True, source=source)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_run_builds_nothing_and_takes_no_time(out: Path, first: dict[str, Any]) -> None:
    marks = {path: path.stat().st_mtime_ns for path in out.rglob("*.deb")}
    began = cpu_seconds()
    done = debgen(out, "--checks", "install,area", "--json")
    took = cpu_seconds() - began
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [p["outcome"] for p in found["packages"]] == ["kept", "kept"]
    assert [p["summary"] for p in found["packages"]] == [p["summary"] for p in first["packages"]]
    assert marks == {path: path.stat().st_mtime_ns for path in out.rglob("*.deb")}
    assert took < 5


def test_an_edit_is_noticed_and_never_lost(out: Path, first: dict[str, Any]) -> None:
    tree = Path(first["packages"][0]["summary"]["source_tree"])
    (tree / "debian/NEWS").write_text("mine\n")
    done = debgen(out, "--checks", "install,area")
    assert done.returncode != 0
    assert "debian/NEWS" in done.stdout + done.stderr
    assert (tree / "debian/NEWS").read_text() == "mine\n"
    (tree / "debian/NEWS").unlink()
    assert debgen(out, "--checks", "install,area").returncode == 0


def test_another_check_is_made_without_another_build(out: Path, first: dict[str, Any]) -> None:
    marks = {path: path.stat().st_mtime_ns for path in out.rglob("*.deb")}
    done = debgen(out, "--checks", "install,area,contents", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["packages"]
    assert {check["name"] for p in found for check in p["summary"]["checks"]} == {"install", "area", "contents"}
    assert marks == {path: path.stat().st_mtime_ns for path in out.rglob("*.deb")}
