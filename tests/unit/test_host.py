"""What the doctor finds, and which commands mend it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from debgen import host
from debgen.cli import doctor
from debgen.errors import MissingToolError, WorkspaceError
from debgen.host import (
    KEYRING,
    TOOLS,
    Check,
    Compiler,
    Tool,
    apt_line,
    check_namespaces,
    check_subids,
    check_tools,
    find_compiler,
)
from debgen.run import Completed

GOOD = {tool.package: tool.minimum or "1" for tool in TOOLS} | {KEYRING: "2025.1"}


class Machine:
    """Stands in for dpkg-query, unshare and compilers."""

    def __init__(self, versions: Mapping[str, str] = GOOD, unshare: tuple[int, str] = (0, "")) -> None:
        self.versions = versions
        self.unshare = unshare
        self.calls: list[list[str]] = []

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        words = [str(a) for a in argv]
        self.calls.append(words)
        if words[0] == "unshare":
            return Completed(tuple(words), self.unshare[0], "", self.unshare[1])
        if words[0] == "dpkg-query":
            lines = [f"ii \t{p}\t{v}" for p, v in self.versions.items() if p in words]
            lines.append("un \tautopkgtest\t")
            return Completed(tuple(words), 1, "\n".join(lines), "dpkg-query: no packages found matching nope")
        return Completed(tuple(words), 0, "Cuda compilation tools, release 13.0, V13.0.48\n", "")


def everything(program: str) -> str | None:
    return f"/usr/bin/{program}"


def by_name(checks: Sequence[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_machine_that_has_everything_is_well() -> None:
    checks = check_tools(TOOLS, run=Machine(), which=everything)
    assert all(check.ok for check in checks)
    assert apt_line(checks) == ""


def test_missing_and_outdated_programs_are_mended_by_one_line() -> None:
    versions = dict(GOOD) | {"sbuild": "0.81.2", "autopkgtest": "5.28~bpo1"}
    del versions[KEYRING]
    checks = check_tools(
        TOOLS, run=Machine(versions), which=lambda p: None if p in ("mmdebstrap", "newuidmap") else everything(p)
    )
    found = by_name(checks)
    assert not found["sbuild"].ok
    assert "0.81.2 is too old" in found["sbuild"].detail
    assert not found["autopkgtest"].ok  # a tilde sorts before the release
    assert not found["mmdebstrap"].ok
    assert found["debmake"].ok
    line = apt_line(checks)
    assert line.startswith("apt install --no-install-recommends ")
    assert line.split()[3:] == ["autopkgtest", KEYRING, "mmdebstrap", "sbuild", "uidmap"]


def test_a_program_that_is_not_from_a_package_will_do() -> None:
    (check, _) = check_tools((Tool("sbuild", "sbuild", "0.85", ""),), run=Machine({}), which=everything)
    assert check == Check("sbuild", True, "present")


@pytest.mark.parametrize(
    ("lines", "ok"),
    [
        ("root:1:65536\njoe:100000:65536\n", True),
        ("1000:100000:65536\n", True),
        ("joe:100000:65535\n", False),
        ("joe:100000:10\njoe:200000:65536\n", False),
        ("# joe:100000:65536\njane:100000:65536\n", False),
        ("joe:x:y\njoe\n", False),
        ("", False),
    ],
)
def test_subordinate_ids(tmp_path: Path, lines: str, ok: bool) -> None:
    (tmp_path / "subuid").write_text(lines)
    check = check_subids("joe", 1000, tmp_path / "subuid")
    assert check.ok is ok
    assert bool(check.remedy) is not ok


def test_the_remedy_takes_ids_that_are_nobodys_in_both_files(tmp_path: Path) -> None:
    assert check_subids("joe", 1000, tmp_path / "subuid").remedy == (
        "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 joe"
    )
    (tmp_path / "subuid").write_text("jane:100000:65536\n")
    (tmp_path / "subgid").write_text("jane:165536:65536\nodd:240000:1\n")
    remedy = "usermod --add-subuids 240001-305536 --add-subgids 240001-305536 joe"
    assert check_subids("joe", 1000, tmp_path / "subuid").remedy == remedy
    assert check_subids("joe", 1000, tmp_path / "subgid").remedy == remedy


@pytest.mark.parametrize(
    ("setting", "value", "uid", "told"),
    [
        ("kernel/unprivileged_userns_clone", "0", 1000, "kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", 1000, "apparmor_restrict_unprivileged_userns=0"),
        ("user/max_user_namespaces", "0", 0, "user.max_user_namespaces=65536"),
        ("kernel/unprivileged_userns_clone", "0", 0, "container"),
        ("kernel/unprivileged_userns_clone", "1", 1000, "container"),
    ],
)
def test_forbidden_namespaces_name_the_setting(tmp_path: Path, setting: str, value: str, uid: int, told: str) -> None:
    path = tmp_path / "proc/sys" / setting
    path.parent.mkdir(parents=True)
    path.write_text(value + "\n")
    machine = Machine(unshare=(1, "unshare: unshare failed: Operation not permitted\n"))
    check = check_namespaces(uid, run=machine, root=tmp_path, which=everything)
    assert not check.ok
    assert told in check.remedy


def test_namespaces_are_tried_and_not_guessed(tmp_path: Path) -> None:
    assert check_namespaces(1000, run=Machine(), root=tmp_path, which=everything).ok
    missing = Machine()
    assert not check_namespaces(1000, run=missing, root=tmp_path, which=lambda p: None).ok
    assert missing.calls == []
    unlisted = Machine(unshare=(1, 'unshare: no line matching user "joe" in /etc/subuid'))
    assert "subordinate" in check_namespaces(1000, run=unlisted, root=tmp_path, which=everything).detail


def test_space(tmp_path: Path) -> None:
    assert host.check_space("x", tmp_path / "not" / "yet", 1).ok
    assert not host.check_space("x", tmp_path, 1 << 80).ok


def test_programs_of_administrators_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o755)
    assert host.find_program("tool", {"PATH": "/nowhere"}) is None
    monkeypatch.setattr(host, "_SBIN", (str(tmp_path),))
    assert host.find_program("tool", {"PATH": "/nowhere"}) == str(tmp_path / "tool")


def whole(tmp_path: Path, machine: Machine, which: Callable[[str], str | None]) -> dict[str, Check]:
    def no_room() -> Path:
        raise WorkspaceError("no place", hint="set TMPDIR")

    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc/subuid").write_text(f"{os.getuid()}:100000:65536\n")
    return by_name(host.check_host(tmp_path, run=machine, root=tmp_path, which=which, scratch=no_room))


def test_the_whole_machine(tmp_path: Path) -> None:
    found = whole(tmp_path, Machine(), everything)
    assert found["subuid"].ok
    assert not found["subgid"].ok
    assert found["space to unpack chroots"] == Check("space to unpack chroots", False, "no place", "set TMPDIR")
    assert found["uv"].ok


def test_compilers_for_gpus_are_told_and_never_asked_for(tmp_path: Path) -> None:
    found = whole(tmp_path, Machine(), everything)
    assert "13.0 at /usr/bin/nvcc" in found["nvcc"].detail
    assert "never the host's" in found["nvcc"].detail
    found = whole(tmp_path, Machine(), lambda p: None if p in ("nvcc", "hipcc") else everything(p))
    assert found["hipcc"].ok
    assert "not on this machine" in found["hipcc"].detail


NVCC = """\
nvcc: NVIDIA (R) Cuda compiler driver
Copyright (c) 2005-2025 NVIDIA Corporation
Built on Wed_Aug_20_01:58:59_PM_PDT_2025
Cuda compilation tools, release 13.0, V13.0.88
Build cuda_13.0.r13.0/compiler.36424714_0
"""
HIPCC = """\
HIP version: 6.3.42131-fa1d09cbd
AMD clang version 18.0.0git (https://example.invalid/llvm-project roc-6.3.0)
Target: x86_64-unknown-linux-gnu
"""


@pytest.mark.parametrize(
    ("program", "says", "version"),
    [
        ("nvcc", NVCC, "13.0"),
        ("hipcc", HIPCC, "6.3.42131-fa1d09cbd"),
        ("hipcc", "HIP version: 5.7\n", "5.7"),
        ("nvcc", "", ""),
        ("nvcc", "nvcc: fatal error\n", ""),
    ],
)
def test_compilers_for_gpus(program: str, says: str, version: str) -> None:
    asked: list[list[str]] = []

    def run(argv: Sequence[str | Path], *, check: bool = True, **more: object) -> Completed:
        assert not check  # one that fails is there all the same
        asked.append([str(word) for word in argv])
        return Completed(tuple(asked[-1]), 0 if version else 1, says, "")

    found = find_compiler(program, run, lambda name: f"/opt/bin/{name}")
    assert found == Compiler(program, f"/opt/bin/{program}", version)
    assert asked == [[f"/opt/bin/{program}", "--version"]]
    assert find_compiler(program, run, lambda name: None) is None
    assert len(asked) == 1


@pytest.mark.parametrize("error", [OSError(8, "Exec format error"), PermissionError(), MissingToolError("no sh")])
def test_a_compiler_that_cannot_be_started_is_of_unknown_version(error: Exception) -> None:
    def run(argv: Sequence[str | Path], **more: object) -> Completed:
        raise error

    assert find_compiler("nvcc", run, lambda name: "/opt/bin/nvcc") == Compiler("nvcc", "/opt/bin/nvcc", "")


def test_compilers_are_looked_for_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hipcc").write_text("#!/bin/sh\n")
    (tmp_path / "hipcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(host, "_SBIN", ())
    found = find_compiler("hipcc", Machine())
    assert found
    assert found.path == str(tmp_path / "hipcc")
    assert find_compiler("nvcc", Machine()) is None


@pytest.mark.parametrize("ok", [True, False])
def test_the_verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ok: bool) -> None:
    checks = (
        Check("sbuild", ok, "x", "apt install sbuild"),
        Check("subuid", ok, "y", "usermod it"),
        Check("subgid", ok, "y", "usermod it"),
    )
    monkeypatch.setattr(doctor, "check_host", lambda *args, **kwargs: checks)
    parser = argparse.ArgumentParser()
    doctor.add_parser(parser.add_subparsers())
    for words in (["doctor"], ["doctor", "--json"]):
        args = parser.parse_args(words)
        assert args.func(args) == (0 if ok else MissingToolError.exit_code)
        out = capsys.readouterr().out
        if "--json" in words:
            assert json.loads(out)["schema"] == doctor.SCHEMA
            assert json.loads(out)["ok"] is ok
            wanted = [] if ok else ["apt install --no-install-recommends sbuild", "usermod it"]
            assert json.loads(out)["remedies"] == wanted
        else:
            assert ("MISSING" in out) is not ok
            assert out.count("usermod it") == (0 if ok else 1)
