"""Which variant is planned for, and what is said of this machine, the suite and its chroot."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pytest

from debgen import detection
from debgen.archive.index import SuiteIndex
from debgen.archive.model import Binary, MetadataKind, Shipped
from debgen.detection import Detected, Toolkit, choose_variant, detect, facts, variant_packages
from debgen.errors import UsageError
from debgen.host import Compiler

NVCC = Compiler("nvcc", "/usr/local/bin/nvcc", "13.0")
HIPCC = Compiler("hipcc", "/opt/rocm/bin/hipcc", "7.0.2")
CUDA = Toolkit("nvcc", "nvidia-cuda-toolkit", "12.4.131~12.4.1-8", "non-free")
ROCM = Toolkit("hipcc", "hipcc", "7.0.2+dfsg-3", "main")


def detected(
    *host: Compiler, toolkits: Sequence[Toolkit] = (CUDA, ROCM), chroot: tuple[str, ...] | None = None
) -> Detected:
    return Detected("sid", host, tuple(toolkits), chroot)


def chosen(
    about: Detected,
    wanted: str = "",
    *,
    impossible: Collection[str] = (),
    packages: Mapping[str, Collection[str]] = MappingProxyType({"cuda": (), "rocm": ()}),
) -> tuple[str, str]:
    """The variant and its reason, where the packages ``impossible`` can't be installed."""

    def problem(asked: Sequence[str]) -> str:
        return "; ".join(f"{package} can't" for package in asked if package in impossible)

    found = choose_variant(wanted, about, problem, packages)
    assert found.facts == facts(about)
    return found.name, found.reason


def test_what_is_asked_for_wins() -> None:
    assert chosen(detected(NVCC), "rocm") == ("rocm", "as asked for with --variant")
    assert chosen(detected(), "cuda", impossible=["nvidia-cuda-toolkit"])[0] == "cuda"  # the plan tells what is wrong
    with pytest.raises(UsageError, match="no variant 'tpu'") as caught:
        chosen(detected(), "tpu")
    assert caught.value.hint == "The variants are cpu, cuda, rocm."


def test_this_machine_says_what_is_wanted_and_the_suite_what_is_possible() -> None:
    assert chosen(detected()) == ("cpu", "this machine has neither nvcc nor hipcc")
    assert chosen(detected(NVCC)) == ("cuda", "this machine has nvcc 13.0")
    assert chosen(detected(HIPCC)) == ("rocm", "this machine has hipcc 7.0.2")
    assert chosen(detected(Compiler("nvcc", "/x", ""))) == ("cuda", "this machine has nvcc")
    assert chosen(detected(NVCC, toolkits=[ROCM])) == (
        "cpu", "this machine has nvcc 13.0, but sid has no package of it",
    )  # fmt: skip
    assert chosen(detected(NVCC), impossible=["nvidia-cuda-toolkit"]) == (
        "cpu", "this machine has nvcc 13.0, but sid can't carry cuda: nvidia-cuda-toolkit can't",
    )  # fmt: skip


def test_a_variant_that_makes_no_difference_is_not_chosen() -> None:
    assert chosen(detected(NVCC), packages={}) == (
        "cpu",
        "this machine has nvcc 13.0, but nothing here is made for cuda",
    )
    assert chosen(detected(NVCC, HIPCC), packages={"rocm": ()})[0] == "rocm"


def test_what_the_project_needs_must_be_installable_with_the_toolkit() -> None:
    packages = {"cuda": {"python3-torch-cuda"}, "rocm": {"python3-torch-rocm"}}
    assert chosen(detected(NVCC), packages=packages)[0] == "cuda"
    name, reason = chosen(detected(NVCC), packages=packages, impossible=["python3-torch-cuda"])
    assert (name, reason.endswith("can't carry cuda: python3-torch-cuda can't")) == ("cpu", True)
    assert chosen(detected(NVCC), packages=packages, impossible=["python3-torch-rocm"])[0] == "cuda"


def test_a_second_compiler_counts_where_the_first_is_of_no_use() -> None:
    assert chosen(detected(NVCC, HIPCC))[0] == "cuda"
    assert chosen(detected(NVCC, HIPCC), impossible=["nvidia-cuda-toolkit"])[0] == "rocm"
    assert chosen(detected(NVCC, HIPCC, toolkits=[ROCM])) == ("rocm", "this machine has hipcc 7.0.2")
    name, reason = chosen(detected(NVCC, HIPCC, toolkits=[CUDA]), impossible=["nvidia-cuda-toolkit"])
    assert name == "cpu"
    assert "nvcc 13.0, but sid can't carry cuda" in reason
    assert "hipcc 7.0.2, but sid has no package of it" in reason


def test_facts_keep_the_machine_the_suite_and_the_chroot_apart() -> None:
    nvcc, differs, hipcc = facts(detected(NVCC))
    assert nvcc == (
        "nvcc: on this machine 13.0 at /usr/local/bin/nvcc; in sid nvidia-cuda-toolkit 12.4.131~12.4.1-8 (non-free), "
        "its build chroot is not made yet, and starts without one"
    )
    assert differs == "nvcc 13.0 of this machine is not the 12.4.131~12.4.1 of sid, which is what a build uses"
    assert hipcc.startswith("hipcc: on this machine none; in sid hipcc 7.0.2+dfsg-3 (main), ")
    nvcc, hipcc = facts(detected(HIPCC, toolkits=[ROCM], chroot=("nvcc",)))  # the same series: nothing more to say
    assert nvcc.endswith("in sid no package, its build chroot has one before Build-Depends")
    assert hipcc.endswith("its build chroot has none before Build-Depends")
    unknown = facts(detected(Compiler("nvcc", "/x", "")))
    assert len(unknown) == 2
    assert "of unknown version at /x" in unknown[0]


def binary(name: str, version: str = "1.0-1", component: str = "main") -> Binary:
    return Binary(name, version, "amd64", "source", version, component, "python", "", "", "")


class Index:
    """The part of a suite's index that is asked."""

    codename = "sid"
    python_version = "3.14"

    def __init__(self, packages: Sequence[Binary], shipped: Mapping[str, str] | None = None) -> None:
        self.packages = {package.name: package for package in packages}
        self.metadata = shipped or {}

    def program(self, name: str) -> tuple[str, ...]:
        return {"nvcc": ("nvidia-cuda-toolkit", "other"), "hipcc": ("gone",)}[name]

    def binary(self, name: str) -> Binary | None:
        return self.packages.get(name)

    def providers(self, virtual: str) -> tuple[Binary, ...]:
        return ()

    def shipped(self, distribution: str) -> tuple[Shipped, ...]:
        return tuple(
            Shipped(name, "1.0", package, MetadataKind.DIST_INFO, f"usr/lib/python3/dist-packages/{name}-1.0.dist-info")
            for package, name in self.metadata.items()
            if name == distribution
        )

    def shipped_by(self, package: str) -> tuple[Shipped, ...]:
        return tuple(row for row in self.shipped(self.metadata.get(package, "")) if row.package == package)


def test_detection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(detection, "find_compiler", lambda program, run: NVCC if program == "nvcc" else None)
    index = Index([binary("nvidia-cuda-toolkit", "12.4-1", "non-free")])
    found = detect(cast(SuiteIndex, index), tmp_path / "sid-amd64.tar")
    assert found == Detected("sid", (NVCC,), (Toolkit("nvcc", "nvidia-cuda-toolkit", "12.4-1", "non-free"),), None)


def tarball(path: Path, *names: str) -> None:
    with tarfile.open(path, "w:") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))


def test_the_chroot_is_looked_into_once_for_each_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(detection, "find_compiler", lambda program, run: None)
    path = tmp_path / "sid-amd64.tar"
    opened: list[Path] = []
    real = tarfile.open

    def counted(name: Path, mode: str) -> tarfile.TarFile:
        opened.append(name)
        return real(name, "r:")

    def inside() -> tuple[str, ...] | None:
        return detect(cast(SuiteIndex, Index([])), path).chroot

    tarball(path, "./usr/bin/sh", "./usr/bin/nvcc", "./opt/usr/bin/hipcc")
    monkeypatch.setattr(tarfile, "open", counted)
    assert inside() == ("nvcc",)
    assert inside() == ("nvcc",)
    assert len(opened) == 1
    monkeypatch.undo()
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "cache"))
    tarball(path, "./usr/bin/hipcc")
    os.utime(path, (5, 5))  # another chroot: another time
    assert inside() == ("hipcc",)
    for kept in (tmp_path / "cache").rglob("*.json"):
        kept.write_text("{}")
    assert inside() == ("hipcc",)
    path.write_bytes(b"no archive at all" * 100)
    assert inside() is None


def test_packages_that_are_made_for_one_variant() -> None:
    index = Index(
        [binary("python3-torch"), binary("python3-torch-cuda", component="contrib"), binary("python3-click")],
        {"python3-torch": "torch", "python3-torch-cuda": "torch", "python3-click": "click"},
    )
    found = variant_packages(cast(SuiteIndex, index), ["torch", "click", "missing"])
    assert found == {"cuda": {"python3-torch-cuda"}, "rocm": set()}
