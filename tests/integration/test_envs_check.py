"""``debgen check`` and ``debgen envs`` as a user calls them: real index, real suite, real uv and pipdeptree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import DebgenError, IntegrityError
from debgen.upstream.configuration import index_settings
from debgen.upstream.index import IndexClient
from debgen.upstream.install import Installer
from debgen.upstream.metadata import CoreMetadata, MetadataReader, metadata_source
from debgen.upstream.model import Target
from debgen.upstream.pages import parsed

pytestmark = pytest.mark.integration

DRIFTED = 19
RELEASE = "click==8.1.8"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def debgen(*args: str | Path, data: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DEBGEN_IGNORE_VALID_UNTIL": "1", **more}
    if data:
        env["DEBGEN_DATA"] = str(data)
    return subprocess.run(
        [sys.executable, "-m", "debgen", *map(str, args)], env=env, capture_output=True, text=True, check=False
    )


def printed(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


# --- saved plans


def test_a_plan_drifts(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert debgen("plan", "huggingface-hub==1.0.0", "--variant", "cpu", "--quick", "--save", path).returncode == 0
    done = debgen("check", path, "--ignore", "import", "--ignore", "release")
    assert (done.returncode, done.stdout) == (0, "nothing has drifted: huggingface-hub==1.0.0 on sid is as it was\n")
    plan = json.loads(path.read_text())
    nodes = {node["name"]: node for node in plan["distributions"]}
    nodes["httpx"]["debian"]["version"] = "0.1-1"
    nodes["pyyaml"]["debian"] = None
    nodes["tqdm"]["decision"] = "package"
    (asked,) = (a for a in nodes["packaging"]["required_by"] if a["name"] == "huggingface-hub")
    asked["specifier"] = ">=99"
    plan["distributions"].remove(nodes["filelock"])
    path.write_text(json.dumps(plan))
    found = printed(debgen("check", path, "--ignore", "import", "--json"), DRIFTED)
    (result,) = found["plans"]
    assert found["drifted"] == result["drifted"] >= 5
    drift = {(d["topic"], d["name"]): d for d in result["drift"]}
    assert drift["archive", "httpx"]["before"] == "0.1-1"
    assert drift["archive", "pyyaml"]["text"].endswith("is new in the suite")
    assert drift["decision", "tqdm"]["before"] == "package"
    assert "asked for packaging >=99, now >=20.9" in drift["requirement", "packaging"]["text"]
    assert drift["requirement", "filelock"]["text"].partition(" is new in the tree: ")[2].startswith("huggingface-hub")
    other = debgen(
        "check", path, *(f"--ignore={t}" for t in ("import", "archive", "decision", "requirement", "release"))
    )
    assert other.returncode == 0, other.stdout


def test_what_vllm_imports_and_does_not_declare(tmp_path: Path) -> None:
    """Models that are loaded by name import torchvision; of the variants, rocm's requirements don't list it."""
    expected = "vllm/model_executor/models/internvl.py:14"
    path = tmp_path / "plan.json"
    for variant in ("rocm", "cuda"):
        done = debgen("plan", "vllm==0.6.6.post1", "--variant", variant, "--quick", "--save", path)
        assert done.returncode == 0, done.stderr
        checked = debgen("check", path, "--json", "--ignore", "release", "--ignore", "archive")
        imports = {d["name"]: d for d in json.loads(checked.stdout)["plans"][0]["drift"] if d["topic"] == "import"}
        if variant == "rocm":
            row = imports["torchvision"]
            assert (row["after"], row["places"][0], row["counts"]) == ("on demand", expected, False)
        else:
            assert "torchvision" not in imports
        # Declared under names other than those of their modules:
        assert not {"pyzmq", "pillow", "pyyaml", "protobuf", "py-cpuinfo", "zmq", "PIL", "yaml", "cpuinfo"} & set(
            imports
        )
        assert imports["huggingface-hub"]["after"] == "unconditionally"
        assert imports["opencv-python-headless"]["places"][0].startswith("vllm/multimodal/video.py:")


def test_what_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("[]")
    for arguments in ((path,), (tmp_path / "none.json",), (), (path, "--installed")):
        done = debgen("check", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr


# --- installed environments


def laid_out(prefix: Path, releases: dict[str, str]) -> Path:
    """A virtual environment's layout with the index's real metadata of these releases."""
    site = prefix / "lib/python3.12/site-packages"
    site.mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.12.3\n")
    (prefix / "bin").mkdir()
    # An interpreter that would tell if it was run.
    (prefix / "bin/python").write_text(f"#!/bin/sh\ntouch {prefix}/it-was-run\n")
    (prefix / "bin/python").chmod(0o755)
    client = IndexClient()
    reader = MetadataReader(client)
    for name, version in releases.items():
        files = [file for file in client.files(name) if parsed(file.version) == parsed(version)]
        metadata: CoreMetadata = reader.read(metadata_source(files, Target("3.12", "amd64")))
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(metadata.render())
    return prefix


def test_torch_beside_a_vllm_that_asks_for_another(tmp_path: Path) -> None:
    prefix = laid_out(tmp_path / "env", {"torch": "2.2.0", "vllm": "0.10.1.1", "fsspec": "2024.2.0"})
    done = debgen("check", "--python", prefix / "bin/python")
    assert done.returncode == DRIFTED
    assert "conflict: torch 2.2.0 is there, but vllm 0.10.1.1 asks for ==2.7.1" in done.stdout.splitlines()
    found = printed(debgen("check", "--python", prefix, "--json"), DRIFTED)
    problems = {(p["problem"], p["name"]) for p in found["problems"]}
    assert {("conflict", "torch"), ("missing", "torchvision"), ("missing", "numpy")} <= problems
    assert ("missing", "fsspec") not in problems
    assert found["python"] == "3.12.3"
    assert {d["name"] for d in found["distributions"]} == {"torch", "vllm", "fsspec"}
    assert not (prefix / "it-was-run").exists()


def test_an_environment_that_fits(tmp_path: Path) -> None:
    prefix = laid_out(tmp_path / "env", {"click": "8.1.8", "iniconfig": "2.0.0"})
    done = debgen("check", "--python", prefix)
    assert (done.returncode, done.stdout) == (0, f"2 distributions for Python 3.12.3 in {prefix}, 0 problems\n")


def test_the_running_system() -> None:
    done = debgen("check", "--installed", "--json")
    assert done.returncode in (0, DRIFTED)
    found = json.loads(done.stdout)
    assert "/usr/lib/python3/dist-packages" in found["folders"]
    assert bool(found["problems"]) is (done.returncode == DRIFTED)
    names = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", "from importlib.metadata import *\nfor d in distributions(): print(d.name)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    seen = {d["name"] for d in found["distributions"]}
    assert {name.lower().replace("_", "-").replace(".", "-") for name in names} == seen


# --- several releases side by side


def test_the_life_of_an_environment(data: Path) -> None:
    name = "click-8.1.8-sid-cpu"
    missing = debgen("envs", "info", RELEASE, data=data)
    assert (missing.returncode, "debgen envs create click==8.1.8" in missing.stderr) == (2, True)
    made = debgen("envs", "create", "8.1.8", "--for", "click", "--variant", "cpu", data=data)
    assert made.returncode == 0, made.stderr
    folder = data / "envs" / name
    assert made.stdout.startswith(f"{name}\n  release    click 8.1.8")
    lock = (folder / "requirements.lock").read_text()
    assert lock.startswith("click==8.1.8 \\\n    --hash=sha256:")
    assert "://" not in lock
    tree = subprocess.run(
        [sys.executable, "-m", "pipdeptree", "--path", folder / "metadata", "--output", "json"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert [entry["package"]["key"] for entry in json.loads(tree)] == ["click"]
    again = debgen("envs", "create", RELEASE, "--variant", "cpu", data=data)
    assert (again.returncode, f"{name} is there since" in again.stderr) == (0, True)
    listed = printed(debgen("envs", "list", "--json", data=data))
    assert [(e["name"], e["root"], e["version"], e["installed_python"]) for e in listed["environments"]] == [
        (name, "click", "8.1.8", "")
    ]
    info = printed(debgen("envs", "info", RELEASE, "--json", data=data))
    assert (info["distributions"], info["suite"], info["environment"]) == (1, "sid", "")
    assert info["size"] > 0
    assert 0 <= info["age_seconds"] < 600
    assert debgen("check", info["plan"], "--ignore", "release", data=data).returncode == 0
    removed = debgen("envs", "remove", name, data=data)
    assert (removed.returncode, removed.stdout) == (0, f"removed {folder}\n")
    assert not folder.exists()
    assert debgen("envs", "remove", name, data=data).returncode == 2


def test_a_real_environment(data: Path) -> None:
    """It is made from wheels, with the hashes of the lock, and works where it was moved to."""
    args = ("envs", "create", RELEASE, "--variant", "cpu", "--install", "--python", sys.executable)
    done = debgen(*args, data=data, UV_OFFLINE="1", UV_NO_BINARY="1", UV_CONSTRAINT="/nowhere")
    assert done.returncode == 0, done.stderr
    info = printed(debgen("envs", "info", RELEASE, "--json", data=data))
    version = ".".join(map(str, sys.version_info[:3]))
    assert info["installed_python"] == version
    series = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if series != info["python"]:
        assert f"the suite has Python {info['python']}, the environment gets {version}" in done.stderr
        assert info["installed_lock"] == f"requirements-{series}.lock"
    python = Path(info["environment"]) / "bin/python"
    code = "import click, sys; print(click.__file__, sys.prefix)"
    place, prefix = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert prefix == info["environment"]
    assert place.startswith(prefix)
    assert debgen("check", "--python", python, data=data).returncode == 0
    again = debgen("envs", "create", RELEASE, "--variant", "cpu", "--install", data=data)
    assert f"it is installed for Python {version}" in again.stderr


def test_what_is_not_in_the_lock_is_not_installed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"{RELEASE} --hash=sha256:{'0' * 64}\n")
    installer = Installer(index_settings())
    with pytest.raises(IntegrityError, match="click"):
        installer.install(lock, tmp_path / "wrong", sys.executable)
    lock.write_text(f"{RELEASE}\n")
    with pytest.raises(DebgenError):
        installer.install(lock, tmp_path / "none", sys.executable)
    assert not list(tmp_path.glob("*/lib/python3*/site-packages/click"))


def test_what_has_no_wheel_is_not_built(data: Path, tmp_path: Path) -> None:
    """The sdist of docopt 0.6.2 is all there is of it; its setup.py must not run."""
    args = ("envs", "create", "docopt==0.6.2", "--variant", "cpu", "--install", "--python", sys.executable)
    done = debgen(*args, data=data)
    assert done.returncode == 11, done.stderr
    assert "wheel" in done.stderr
    assert printed(debgen("envs", "list", "--json", data=data))["environments"] == []
    assert not [path for path in (data / "envs").iterdir() if not path.name.endswith(".lock")]
