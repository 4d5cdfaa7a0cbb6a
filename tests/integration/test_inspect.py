"""``debgen inspect`` on true sdists of the index, on folders and on archives."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from clock import cpu_seconds

pytestmark = pytest.mark.integration


def inspect(*args: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "debgen", "inspect", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def report(*args: str | Path) -> dict[str, Any]:
    done = inspect(*args, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["schema"] == 1
    return found


def test_vllm() -> None:
    report("vllm==0.27.1")  # fetches the sdist, if nobody has yet
    before = cpu_seconds()
    found = report("vllm==0.27.1")
    took = cpu_seconds() - before
    assert took < 10
    assert found["version"]["method"] == "setuptools-scm"
    assert "SETUPTOOLS_SCM_PRETEND_VERSION" in found["version"]["variables"]
    assert "0.1.dev1" in found["version"]["without_tags"]
    assert found["build"]["pins"] == [{"requirement": "torch == 2.13.0", "evidence": "pyproject.toml:10"}]
    assert {"C++", "CUDA", "HIP", "Rust"} == set(found["build"]["languages"])
    assert {"CMake", "setuptools-rust"} == {b["name"] for b in found["builders"]}
    fetched = {f["name"]: f for f in found["fetches"]}
    assert fetched["oneDNN"]["url"] == "https://github.com/oneapi-src/oneDNN.git"
    assert {"cutlass", "flashmla", "vllm-flash-attn", "triton_kernels", "llm-multimodal"} <= set(fetched)
    assert {"cpu", "cuda", "rocm", "tpu", "xpu"} == {d["name"] for d in found["devices"]}
    assert found["scripts"] == [
        {"command": "vllm", "target": "vllm.entrypoints.cli.main:main", "evidence": "pyproject.toml:44"}
    ]
    assert len({c["name"] for c in found["build"]["crates"]}) > 80
    assert any("swagger-ui-bundle.js" in e["path"] for e in found["embedded"])


def test_a_release_without_a_version_and_the_text_of_the_report() -> None:
    done = inspect("regex")
    assert done.returncode == 0, done.stderr
    assert "compiled by setuptools Extension — setup.py:" in done.stdout
    assert re.search(r"C: \d+ files", done.stdout)


def test_an_archive_and_its_folder_say_the_same(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a-1.tar.gz", "w:gz") as tar:
        for name, text in {
            "setup.py": "from setuptools import setup\nsetup(name='a', version='1')",
            "a.py": "",
        }.items():
            info = tarfile.TarInfo(f"a-1/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
            (tmp_path / "tree").mkdir(exist_ok=True)
            (tmp_path / "tree" / name).write_text(text)
    archive, folder = report(tmp_path / "a-1.tar.gz"), report(tmp_path / "tree")
    assert (archive.pop("source"), folder.pop("source")) == ("a-1.tar.gz", str(tmp_path / "tree"))
    assert archive == folder
    assert archive["version"]["evidence"] == "setup.py:2"


def test_a_scan_of_licences(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("setup(name='a')")
    (tmp_path / "b.py").write_text("# SPDX-License-Identifier: Apache-2.0\n")
    found = report(tmp_path, "--licences")
    assert {f["path"]: f["licence"] for f in found["licence_scan"]} == {"b.py": "Apache-2.0", "setup.py": ""}


@pytest.mark.parametrize(
    ("argument", "code", "word"),
    [
        ("./nowhere", 2, "doesn't exist"),
        ("nowhere-1.tar.gz", 2, "doesn't exist"),
        ("not a name", 2, "neither NAME"),
        ("./empty", 16, "not the source"),
        ("a.whl", 16, "no source"),
        ("torn.tar.gz", 15, "not a sound archive"),
        ("evil.tar.gz", 15, "would leave its folder"),
        ("regex==0.0.0", 3, "no release"),
    ],
)
def test_errors(tmp_path: Path, argument: str, code: int, word: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.whl").write_bytes(b"PK")
    (tmp_path / "torn.tar.gz").write_bytes(b"\x1f\x8b torn")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../evil.py"))
    done = inspect(argument, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert word in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.whl", "empty", "evil.tar.gz", "torn.tar.gz"]
