"""Which variant of a project to plan for: what this machine has, what the suite has, and what follows.

The two are different questions. A build happens in a chroot of the suite, whose CUDA or ROCm comes from the suite's
packages; a compiler on the host says only what somebody here is likely to want.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debgen.archive.index import SuiteIndex
from debgen.archive.names import find
from debgen.archive.versions import split_debian
from debgen.errors import UsageError
from debgen.host import ACCELERATOR_COMPILERS, Compiler, find_compiler
from debgen.planning.model import Variant
from debgen.recipes import VARIANTS
from debgen.run import Runner, run
from debgen.workspace import cache_directory, write_atomically

#: The variant that a compiler is for.
VARIANT_OF = {"nvcc": "cuda", "hipcc": "rocm"}


@dataclass(frozen=True)
class Toolkit:
    """The suite's package that has a compiler."""

    program: str
    package: str
    version: str
    component: str


@dataclass(frozen=True)
class Detected:
    """The compilers on the host, those that the suite has packages of, and those in its build chroot.

    ``chroot`` is None where no build chroot of the suite has been made yet.
    """

    suite: str
    host: tuple[Compiler, ...]
    toolkits: tuple[Toolkit, ...]
    chroot: tuple[str, ...] | None


def detect(index: SuiteIndex, chroot: Path, run: Runner = run) -> Detected:
    """Look at the host, at the suite's index, and into the tarball ``chroot`` if there is one."""
    host = tuple(c for program in ACCELERATOR_COMPILERS if (c := find_compiler(program, run)))
    toolkits = tuple(
        Toolkit(program, package, binary.version, binary.component)
        for program in ACCELERATOR_COMPILERS
        for package in index.program(program)[:1]
        if (binary := index.binary(package))
    )
    return Detected(index.codename, host, toolkits, _in_chroot(chroot))


def facts(detected: Detected) -> tuple[str, ...]:
    """What was detected where, as lines for people."""
    lines = []
    for program in ACCELERATOR_COMPILERS:
        compiler = next((c for c in detected.host if c.program == program), None)
        toolkit = next((t for t in detected.toolkits if t.program == program), None)
        here = f"{compiler.version or 'of unknown version'} at {compiler.path}" if compiler else "none"
        there = f"{toolkit.package} {toolkit.version} ({toolkit.component})" if toolkit else "no package"
        if detected.chroot is None:
            inside = "its build chroot is not made yet, and starts without one"
        else:
            inside = f"its build chroot has {'one' if program in detected.chroot else 'none'} before Build-Depends"
        lines.append(f"{program}: on this machine {here}; in {detected.suite} {there}, {inside}")
        if compiler and compiler.version and toolkit and not _same_series(compiler.version, toolkit.version):
            lines.append(
                f"{program} {compiler.version} of this machine is not the {split_debian(toolkit.version)[1]} of "
                f"{detected.suite}, which is what a build uses"
            )
    return tuple(lines)


def choose_variant(
    wanted: str, detected: Detected, problem: Callable[[Sequence[str]], str], packages: Mapping[str, Collection[str]]
) -> Variant:
    """The variant to plan for: ``wanted`` if given, else what this machine has a compiler for, else cpu.

    A variant that was not asked for by name must matter and be possible in the suite: ``packages`` are, by variant, the
    suite's packages made for it that the project needs, without the variants that make no difference. ``problem`` says
    why they can't be installed together with the toolkit (empty where they can). UsageError for a variant that there is
    none of.
    """
    told = facts(detected)
    if wanted:
        if wanted not in VARIANTS:
            raise UsageError(f"there is no variant {wanted!r}", hint=f"The variants are {', '.join(VARIANTS)}.")
        return Variant(wanted, "as asked for with --variant", told)
    reasons = []
    for compiler in detected.host:
        variant = VARIANT_OF[compiler.program]
        has = f"this machine has {compiler.program} {compiler.version}".rstrip()
        toolkit = next((t for t in detected.toolkits if t.program == compiler.program), None)
        if toolkit is None:
            reasons.append(f"{has}, but {detected.suite} has no package of it")
        elif variant not in packages:
            reasons.append(f"{has}, but nothing here is made for {variant}")
        elif reason := problem(sorted({toolkit.package, *packages[variant]})):
            reasons.append(f"{has}, but {detected.suite} can't carry {variant}: {reason}")
        else:
            return Variant(variant, has, told)
    none = f"this machine has neither {' nor '.join(ACCELERATOR_COMPILERS)}"
    return Variant("cpu", "; ".join(reasons) or none, told)


def variant_packages(index: SuiteIndex, names: Collection[str]) -> dict[str, set[str]]:
    """By variant, the suite's packages of the distributions ``names`` that are made for that variant alone."""
    found: dict[str, set[str]] = {variant: set() for variant in VARIANT_OF.values()}
    for variant, packages in found.items():
        for name in names:
            matches = find(index, name, variant=variant)
            if matches and matches[0].package.endswith(f"-{variant}"):
                packages.add(matches[0].package)
    return found


def _same_series(host: str, suite: str) -> bool:
    return host.split(".")[:2] == split_debian(suite)[1].split(".")[:2]


def _in_chroot(tarball: Path) -> tuple[str, ...] | None:
    """The compilers in a chroot's tarball; reading its directory takes a second, so the answer is kept."""
    if not tarball.is_file():
        return None
    state = tarball.stat()
    path = cache_directory("detection") / f"{tarball.stem}.json"
    stamp = [state.st_mtime_ns, state.st_size]
    try:
        kept = json.loads(path.read_bytes())
        if kept["stamp"] == stamp:
            return tuple(kept["programs"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    wanted = {f"./usr/bin/{program}": program for program in ACCELERATOR_COMPILERS}
    try:
        with tarfile.open(tarball, "r:") as archive:
            found = sorted(wanted[member.name] for member in archive if member.name in wanted)
    except tarfile.TarError:
        return None
    write_atomically(path, json.dumps({"stamp": stamp, "programs": found}).encode())
    return tuple(found)
