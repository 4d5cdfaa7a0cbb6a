"""A module in Rust, by rule alone: built offline from the suite's crates, with its tests, and as it is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from debian.debfile import DebFile

pytestmark = pytest.mark.integration

#: Small, and asks for an older series of pyo3 than the suites have. sid's crates can't be installed at times.
NAME, SUITE = "ahocorasick-rs==1.0.3", "forky"
CHECKS = "lintian,contents,install,autopkgtest,blhc"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The package, built and checked, as plain data."""
    env = {**os.environ, "DEBFULLNAME": "Jane Doe", "DEBEMAIL": "jane@debian.org", "DEBGEN_IGNORE_VALID_UNTIL": "1"}
    out = tmp_path_factory.mktemp("rust")
    command = [
        sys.executable,
        "-m",
        "debgen",
        "build",
        NAME,
        "--dist",
        SUITE,
        "--for",
        "",
        "--checks",
        CHECKS,
        "--json",
    ]
    done = subprocess.run([*command, "-o", str(out)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["packages"]
    return dict(found)


def test_all_checks_pass(package: dict[str, Any]) -> None:
    checks = {check["name"]: check["verdict"] for check in package["summary"]["checks"]}
    assert checks == dict.fromkeys(CHECKS.split(","), "pass")


def test_upstreams_tests_ran(package: dict[str, Any]) -> None:
    log = Path(package["summary"]["log"]).read_text("utf-8", "replace")
    assert re.search(r"^=+ \d+ passed.* in ", log, re.MULTILINE)


def test_the_crates_are_named(package: dict[str, Any]) -> None:
    (deb,) = (Path(path) for path in package["summary"]["debs"] if "dbgsym" not in path)
    with DebFile(deb) as opened:
        control = opened.debcontrol()
    assert re.search(r"\brust-aho-corasick \(= \S+\)", control["Static-Built-Using"])
    assert "librust" not in control["Depends"]


def test_a_loosened_bound_tells_what_was_wanted_and_what_there_is(package: dict[str, Any]) -> None:
    patch = Path(package["summary"]["source_tree"]) / "debian/patches/relax-crate-pyo3.patch"
    text = " ".join(patch.read_text("utf-8").split())  # the header's lines are wrapped
    assert "Upstream wants pyo3 0.26" in text
    assert re.search(rf"{SUITE} has \d+\.\d+\.\d+ \(librust-pyo3-dev ", text)
    assert "Upstream's tests passed with" in text
    assert (patch.parents[2] / "Cargo.lock").is_file()


def test_the_dossier_lists_licences(package: dict[str, Any]) -> None:
    out = Path(package["summary"]["source_tree"]).parents[3]
    command = [sys.executable, "-m", "debgen", "review", NAME, "--dist", SUITE, "--text", "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Licences of the crates", done.stdout)
    assert "aho-corasick" in done.stdout
