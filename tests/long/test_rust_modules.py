"""Rust modules: those that vLLM takes, for two suites, and those that the archive has, at its versions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

#: What vLLM takes of Rust and the suites lack, or have without its tests; each with a recipe.
TAKEN = ("tokenizers==0.23.1", "openai-harmony==0.0.8", "llguidance==1.7.6")
#: What forky has of each, built by rule, but for a test of pydantic-core and a line of libcst, which recipes know.
ARCHIVES = (
    "blake3==1.0.8", "orjson==3.12.0", "pydantic-core==2.46.5", "libcst==1.8.6", "ahocorasick-rs==1.0.3",
    "fastcrc==0.3.6", "pendulum==3.2.0",
)  # fmt: skip
#: sid's pyo3 can't be installed at times; that of testing can.
PLACES = (("forky", ()), ("sid", ("--borrow", "forky:librust-*")))


def built(out: Path, suite: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The packages of a build with all its checks, by name."""
    env = {**os.environ, "DEBFULLNAME": "Jane Doe", "DEBEMAIL": "jane@debian.org", "DEBGEN_IGNORE_VALID_UNTIL": "1"}
    command = [sys.executable, "-m", "debgen", "build", *arguments, "--dist", suite, "--for", "", "--json"]
    done = subprocess.run([*command, "-o", str(out)], env=env, stdout=subprocess.PIPE, text=True, check=False)
    packages = {package["name"]: package for package in json.loads(done.stdout)["packages"]}
    assert done.returncode == 0, {name: package["error"] for name, package in packages.items()}
    return packages


def verdicts(package: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in package["summary"]["checks"]}


@pytest.mark.parametrize(("suite", "options"), PLACES, ids=[suite for suite, _ in PLACES])
def test_what_vllm_takes(tmp_path: Path, suite: str, options: tuple[str, ...]) -> None:
    packages = built(tmp_path, suite, *TAKEN, *options)
    assert packages.keys() == {name.partition("==")[0] for name in TAKEN}
    for package in packages.values():
        found = verdicts(package)
        # The modules are imported and used, in the build and as they are installed in the plain suite.
        assert {name: found[name] for name in ("lintian", "contents", "install", "autopkgtest")} == dict.fromkeys(
            ("lintian", "contents", "install", "autopkgtest"), "pass"
        )
        assert bool(package["summary"]["borrowed"]) is bool(options)


@pytest.mark.parametrize("name", ARCHIVES)
def test_what_the_archive_has_is_built_by_rule(tmp_path: Path, name: str) -> None:
    (package,) = built(tmp_path, "forky", name).values()
    assert package["summary"]["good"]
    assert verdicts(package)["autopkgtest"] == "pass"
