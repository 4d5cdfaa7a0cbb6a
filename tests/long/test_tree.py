"""A tree of packages that sid lacks, from nothing to installed, in one command; and once more, which takes no time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

NAMES = (
    "model-hosting-container-standards", "depyf", "lm-format-enforcer", "opentelemetry-semantic-conventions-ai", "mcp",
)  # fmt: skip
#: Seconds, as a user at a quiet machine sees them.
SECOND = 5


def debgen(out: Path) -> tuple[dict[str, dict[str, object]], float]:
    env = {**os.environ, "DEBFULLNAME": "Jane Doe", "DEBEMAIL": "jane@debian.org", "DEBGEN_IGNORE_VALID_UNTIL": "1"}
    command = [sys.executable, "-m", "debgen", "build", *NAMES, "--dist", "sid", "--variant", "cpu", "--json"]
    began = time.monotonic()
    done = subprocess.run([*command, "-o", str(out)], env=env, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    return {package["name"]: package for package in json.loads(done.stdout)["packages"]}, time.monotonic() - began


def test_a_tree_twice(tmp_path: Path) -> None:
    first, took = debgen(tmp_path)
    print(f"{len(first)} packages in {took:.0f} s")
    assert {*NAMES, "mcp-types", "uv-dynamic-versioning"} <= first.keys()
    assert {package["outcome"] for package in first.values()} == {"built"}
    second, again = debgen(tmp_path)
    print(f"again: {again:.1f} s")
    assert {package["outcome"] for package in second.values()} == {"kept"}
    assert again < SECOND
