"""What this machine must have for debgen to work, and how to mend what is missing.

Every fact is a :class:`Check`; nothing here changes the machine.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.debian_support import Version

from debgen.errors import DebgenError, MissingToolError
from debgen.run import Runner, run

GIB = 1024**3
_ROOT = Path("/")


@dataclass(frozen=True)
class Check:
    """One fact: whether it is as it must be, what was found, and the command or setting that mends it."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Tool:
    """A program, the Debian package that has it, the oldest release that will do, and what it is for."""

    program: str
    package: str
    minimum: str
    purpose: str


TOOLS = (
    Tool("apt-get", "apt", "2.6", "the archive's indexes"),
    Tool("apt-ftparchive", "apt-utils", "2.6", "the local repository of what was built"),
    Tool("autodep8", "autodep8", "0.28", "tests that a package's type implies"),
    Tool("autopkgtest", "autopkgtest", "5.28", "testing what was built"),
    Tool("bwrap", "bubblewrap", "0.8", "keeping tools that read upstream's files away from everything else"),
    Tool("debmake", "debmake", "4.4", "scanning upstream's licences"),
    Tool("dot", "graphviz", "2.42", "drawing a plan"),
    Tool("dpkg-source", "dpkg-dev", "1.21", "writing source packages"),
    Tool("git", "git", "2.28", "packaging repositories"),
    Tool("gpg", "gpg", "2.2", "signing the local repository"),
    Tool("ip", "iproute2", "", "chroots without network"),
    Tool("licensecheck", "licensecheck", "3.3", "scanning upstream's licences"),
    Tool("mmdebstrap", "mmdebstrap", "1.3", "making chroots"),
    Tool("newuidmap", "uidmap", "", "user namespaces"),
    Tool("patch", "patch", "2.7", "refreshing patches"),
    Tool("pristine-tar", "pristine-tar", "1.49", "packaging repositories"),
    Tool("sbuild", "sbuild", "0.85", "building"),
    Tool("unshare", "util-linux", "2.38", "user namespaces"),
)
"""Every program that debgen starts and that comes from a Debian package."""

ACCELERATOR_COMPILERS = ("nvcc", "hipcc")
"""The compilers that come with CUDA and with ROCm."""

KEYRING = "debian-archive-keyring"
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def check_host(
    chroots: Path,
    *,
    env: Mapping[str, str] = os.environ,
    run: Runner = run,
    root: Path = _ROOT,
    which: Callable[[str], str | None] | None = None,
    scratch: Callable[[], Path] | None = None,
) -> tuple[Check, ...]:
    """Check everything that debgen needs, on the machine whose file system is at ``root``.

    ``chroots`` is the folder for chroot tarballs, ``scratch`` says where they would be unpacked, ``which`` finds
    programs.
    """
    which = which or (lambda program: find_program(program, env))
    user = pwd.getpwuid(os.getuid()).pw_name
    namespaces = check_namespaces(os.getuid(), run=run, root=root, which=which)
    checks = [
        *check_tools(TOOLS, run=run, which=which),
        _check_uv(which),
        *(check_subids(user, os.getuid(), root / "etc" / name) for name in ("subuid", "subgid")),
        namespaces,
        check_space("space for chroots", chroots, 4 * GIB),
    ]
    if scratch:
        checks.append(_check_scratch(scratch))
    checks += [_accelerator(program, find_compiler(program, run, which)) for program in ACCELERATOR_COMPILERS]
    return tuple(checks)


@dataclass(frozen=True)
class Compiler:
    """A compiler for GPUs on this machine; ``version`` is empty where it doesn't tell."""

    program: str
    path: str
    version: str


def find_compiler(program: str, run: Runner = run, which: Callable[[str], str | None] | None = None) -> Compiler | None:
    """The compiler ``program`` on this machine's PATH, which says nothing about any chroot.

    One that can't be started, such as that of another architecture, counts as one of unknown version.
    """
    which = which or (lambda name: find_program(name, os.environ))
    found = which(program)
    if not found:
        return None
    try:
        output = run([found, "--version"], check=False).stdout
    except (OSError, MissingToolError):  # not for this machine, or a script whose interpreter is missing
        output = ""
    version = re.search(r"(?:release|version:?)\s+v?(\d[\w.-]*)", output, re.IGNORECASE)
    return Compiler(program, found, version[1] if version else "")


def find_program(program: str, env: Mapping[str, str]) -> str | None:
    """Where ``program`` is: $PATH, and the directories for administrators that users' paths leave out."""
    return shutil.which(program, path=os.pathsep.join((env.get("PATH", ""), *_SBIN)))


def check_tools(tools: Sequence[Tool], *, run: Runner, which: Callable[[str], str | None]) -> tuple[Check, ...]:
    """One check per tool, and one for the archive's keyring; dpkg is asked once for all versions."""
    versions = _installed([tool.package for tool in tools] + [KEYRING], run)
    checks = []
    for tool in tools:
        version = versions.get(tool.package, "")
        remedy = f"apt install {tool.package}"
        if not which(tool.program):
            checks.append(Check(tool.program, False, f"missing; needed for {tool.purpose}", remedy))
        elif version and tool.minimum and Version(version) < Version(tool.minimum):
            detail = f"{tool.package} {version} is too old: {tool.minimum} is needed for {tool.purpose}"
            checks.append(Check(tool.program, False, detail, remedy))
        else:
            checks.append(Check(tool.program, True, f"{tool.package} {version}" if version else "present"))
    if KEYRING in versions:
        checks.append(Check(KEYRING, True, f"{KEYRING} {versions[KEYRING]}"))
    else:
        checks.append(Check(KEYRING, False, "missing; needed to verify the archive", f"apt install {KEYRING}"))
    return tuple(checks)


def apt_line(checks: Sequence[Check]) -> str:
    """The one command that installs every missing or outdated package, or nothing where none is."""
    prefix = "apt install "
    packages = sorted({c.remedy.removeprefix(prefix) for c in checks if not c.ok and c.remedy.startswith(prefix)})
    return f"apt install --no-install-recommends {' '.join(packages)}" if packages else ""


def check_subids(user: str, uid: int, path: Path, *, needed: int = 65536) -> Check:
    """Whether ``user`` has enough subordinate ids in ``path`` (/etc/subuid or /etc/subgid; see subuid(5))."""
    ranges = _subid_ranges(path)
    own = [(first, count) for owner, first, count in ranges if owner in (user, str(uid))]
    # unshare and sbuild take the first line that is the user's.
    if own and own[0][1] >= needed:
        first, count = own[0]
        return Check(path.name, True, f"{user} has {first}-{first + count - 1}")
    # The same free range for both files, so that one command mends them.
    taken = [(f, c) for name in ("subuid", "subgid") for _, f, c in _subid_ranges(path.with_name(name))]
    start = _first_free(taken, needed)
    span = f"{start}-{start + needed - 1}"
    detail = f"{user} has only {own[0][1]} in {path}" if own else f"{user} has none in {path}"
    return Check(path.name, False, detail, f"usermod --add-subuids {span} --add-subgids {span} {user}")


def check_namespaces(
    uid: int, *, run: Runner, root: Path = _ROOT, which: Callable[[str], str | None] = shutil.which
) -> Check:
    """Whether user namespaces work, by making one; and if not, which setting of the kernel forbids them."""
    name = "user namespaces"
    if not which("unshare") or not which("newuidmap"):
        return Check(name, False, "can't be tried before the programs above are there")
    made = run(
        ["unshare", "--map-auto", "--setuid", "0", "--setgid", "0", "--mount", "--pid", "--fork", "true"], check=False
    )
    if made.returncode == 0:
        return Check(name, True, "work")
    for setting, bad, good in (
        ("user/max_user_namespaces", "0", "65536"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ):
        try:
            value = (root / "proc/sys" / setting).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if value == bad and (uid != 0 or setting.startswith("user/")):
            key = setting.replace("/", ".")
            return Check(name, False, f"forbidden by {key} = {bad}", f"sysctl -w {key}={good}")
    told = (made.stderr.strip().splitlines() or ["unshare says nothing"])[-1]
    if "subuid" in told or "subgid" in told:
        return Check(name, False, "can't be tried before the user has subordinate ids")
    return Check(name, False, told, "in a container: allow it to make user namespaces")


def check_space(name: str, path: Path, needed: int) -> Check:
    """Whether ``needed`` bytes are free where ``path`` is or will be."""
    existing = next(p for p in (path, *path.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / GIB:.0f} GiB free at {path}"
    if free >= needed:
        return Check(name, True, detail)
    return Check(name, False, f"only {detail}; {needed // GIB} GiB are needed", "free some space, or set DEBGEN_CACHE")


def _check_scratch(scratch: Callable[[], Path]) -> Check:
    name = "space to unpack chroots"
    try:
        return Check(name, True, f"in {scratch()}")
    except DebgenError as error:
        return Check(name, False, str(error), error.hint)


def _check_uv(which: Callable[[str], str | None]) -> Check:
    from uv import find_uv_bin

    try:
        return Check("uv", True, find_uv_bin())
    except FileNotFoundError:
        found = which("uv")
        return Check(
            "uv", bool(found), found or "missing; needed for resolution", "" if found else "install debgen again"
        )


def _accelerator(program: str, found: Compiler | None) -> Check:
    """A compiler for GPUs on the host: told because people look for it, and never needed."""
    note = "for information only: builds use what is in their chroot, never the host's"
    if found is None:
        return Check(program, True, f"not on this machine ({note})")
    return Check(program, True, f"{found.version or 'of unknown version'} at {found.path} ({note})")


def _installed(packages: Sequence[str], run: Runner) -> dict[str, str]:
    """Versions of those of ``packages`` that are installed."""
    query = run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}\t${Package}\t${Version}\n", *packages], check=False
    )
    rows = (line.split("\t") for line in query.stdout.splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0].strip() == "ii"}


def _subid_ranges(path: Path) -> tuple[tuple[str, int, int], ...]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    fields = (line.strip().split(":") for line in lines)
    return tuple((f[0], int(f[1]), int(f[2])) for f in fields if len(f) == 3 and f[1].isdigit() and f[2].isdigit())


def _first_free(taken: Sequence[tuple[int, int]], needed: int) -> int:
    """The first id from 100000 on (login.defs(5), SUB_UID_MIN) after which ``needed`` ids are nobody's."""
    start = 100000
    for first, count in sorted(taken):
        if first < start + needed and start < first + count:
            start = first + count
    return start
