"""A chain of two packages whose process is killed at 25 moments: nothing is lost, and the outcome is the same."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repositories import whole

from debgen.building.repository import Repository

pytestmark = pytest.mark.integration

TOP = "mcp-types==2.3.0"
KILLS = 25
#: Seconds after which a run is killed at the latest: longer than a build takes on a quiet machine.
LATEST = 75


def start(out: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "DEBFULLNAME": "Jane Doe", "DEBEMAIL": "jane@debian.org", "DEBGEN_IGNORE_VALID_UNTIL": "1"}
    command = [
        *(sys.executable, "-m", "debgen", "build", TOP, "--for", "", "--variant", "cpu"),
        *("--checks", "install,area", "--json", "-o", str(out)),
    ]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finished(out: Path) -> dict[str, str]:
    """Run to the end; the SHA-256 of each binary package that came out."""
    process = start(out)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    packages = json.loads(stdout)["packages"]
    assert [package["name"] for package in packages] == ["uv-dynamic-versioning", "mcp-types"]
    files = [Path(path) for package in packages for path in package["summary"]["debs"]]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_kills_at_random_moments(tmp_path: Path) -> None:
    out = tmp_path / "out"
    wanted = finished(out)
    assert len(wanted) == 2
    moments = random.Random(5)  # noqa: S311 - the same moments each time, as far as the machine allows
    shutil.rmtree(out)
    repository = Repository(out / "sid/repository", "sid", "amd64")
    kills = rounds = 0
    while kills < KILLS:
        process = start(out)
        try:
            stderr = process.communicate(timeout=moments.uniform(1, LATEST))[1]
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            held = whole(repository)
            assert set(held) <= {"python3-uv-dynamic-versioning", "python3-mcp-types"}
            print(f"kill {kills}: the repository is whole, with {sorted(held) or 'nothing'}", flush=True)
        else:
            assert process.returncode == 0, stderr
            assert finished(out) == wanted
            rounds += 1
            shutil.rmtree(out)
    assert finished(out) == wanted
    assert set(whole(repository)) == {"python3-uv-dynamic-versioning", "python3-mcp-types"}
    print(f"{kills} kills in {rounds + 1} rounds, each with the same packages")
    left = [path for part in ("*/.*", "*/result/.*", "repository/.*") for path in (out / "sid").glob(part)]
    assert {path.name for path in left} == {".lock"}
    assert not list((out / "sid/repository").glob("view-*"))
