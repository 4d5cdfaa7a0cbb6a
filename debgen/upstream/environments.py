"""Several releases side by side: for each its plan, its lock, its metadata, and if wanted a real environment.

They are kept below ``$DEBGEN_DATA``, else ``$XDG_DATA_HOME/debgen``, else ``~/.local/share/debgen``. Each has a folder
``envs/NAME`` with ``plan.json``, ``requirements.lock``, ``metadata/*.dist-info`` and ``environment.json``; the last one
also marks the folder as one that may be removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.errors import IntegrityError, UsageError
from debgen.upstream.index import IndexClient
from debgen.upstream.installed import write_metadata
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import FileKind, ReleaseFile, Target
from debgen.upstream.pages import parsed
from debgen.upstream.proxy import Releases
from debgen.upstream.requirements import Evaluator, Needed
from debgen.workspace import disk_errors, fresh_directory, locked, make_directory, write_atomically

SCHEMA = 1
MARKER = "environment.json"
PLAN = "plan.json"
LOCK = "requirements.lock"
METADATA = "metadata"
VENV = "venv"
_NAME = re.compile(r"[a-z0-9][a-z0-9._+-]{0,127}")
_READERS = 8


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept about one release; ``created`` is in ISO 8601.

    ``installed_python`` is the version of the interpreter of its real environment, empty where it has none;
    ``installed_lock`` the lock that it was made from.
    """

    name: str
    requirement: str
    root: str
    version: str
    suite: str
    variant: str
    python: str
    architecture: str
    created: str
    installed_python: str = ""
    installed_lock: str = ""


def data_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of what debgen keeps for good, which may not be there yet."""
    chosen = environ.get("DEBGEN_DATA")
    base = Path(environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or Path.home()) / ".local/share")
    return Path(chosen or base / "debgen").absolute()


def request_of(text: str, root: str) -> str:
    """The requirement that ``text`` means: ``0.8.0`` is that release of ``root``, anything else a requirement."""
    try:
        return f"{root}=={Version(text)}"
    except InvalidVersion:
        return text


def default_name(plan: Mapping[str, Any]) -> str:
    """``vllm-0.8.0-sid-cpu`` for the plan of that release for that suite and variant."""
    variant = (plan["variant"] or {}).get("name", "")
    parts = (plan["root"], root_version(plan), plan["suite"], variant)
    return "-".join(part for part in parts if part).replace("!", "+")


def pinned(record: Record) -> str:
    """The requirement of a record with its very version: ``fastapi[standard]==0.115.0``."""
    extras = sorted(canonicalize_name(extra) for extra in Requirement(record.requirement).extras)
    return record.root + (f"[{','.join(extras)}]" if extras else "") + f"=={record.version}"


def root_version(plan: Mapping[str, Any]) -> str:
    """The release of the root that the plan is for."""
    return str(next(node["version"] for node in plan["distributions"] if node["name"] == plan["root"]))


def checked_name(name: str) -> str:
    """``name``, if it can be that of a folder; UsageError else."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of an environment",
            hint="Names are small letters, digits, '.', '_', '+' and '-', and begin with a letter or digit.",
        )
    return name


class EnvironmentStore:
    """The environments below one folder; names are those of the folders."""

    def __init__(self, root: Path | None = None) -> None:
        self.folder = (root or data_root()) / "envs"

    def path(self, name: str) -> Path:
        """Where the environment of that name is, or would be."""
        return self.folder / checked_name(name)

    def list(self) -> tuple[Record, ...]:
        """All environments, by name; what else lies in the folder is passed over."""
        paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return tuple(record for path in paths if (record := _record(path)))

    def get(self, name: str) -> Record | None:
        """The environment of that name, or None."""
        return _record(self.path(name))

    def find(self, text: str, *, root: str, suite: str = "", variant: str = "") -> tuple[Record, ...]:
        """Those that ``text`` means: one of that name, else all of that release."""
        if _NAME.fullmatch(text) and (record := self.get(text)):
            return (record,)
        wanted = request_of(text, root)
        name, _, version = wanted.partition("==")
        return tuple(
            record
            for record in self.list()
            if (record.requirement == wanted or (record.root, record.version) == (canonicalize_name(name), version))
            and suite in ("", record.suite)
            and variant in ("", record.variant)
        )

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Fill a new folder that takes the place of the environment ``name`` when the block succeeds.

        Two runs that make the same one take turns. UsageError where a folder is there that debgen did not make.
        """
        target = self.path(name)
        if (target.exists() or target.is_symlink()) and _record(target) is None:
            raise _foreign(target)
        with locked(self.folder / f".{name}.lock"), fresh_directory(target) as work:
            yield work

    def write_record(self, folder: Path, record: Record) -> None:
        """Mark ``folder`` as an environment."""
        data = json.dumps({"schema": SCHEMA, **asdict(record)}, indent=2)
        write_atomically(folder / MARKER, data.encode() + b"\n")

    def remove(self, name: str) -> Path:
        """Remove an environment and return where it was; UsageError where debgen has made none of that name."""
        target = self.path(name)
        if not target.exists() and not target.is_symlink():
            raise unknown(name)
        if _record(target) is None:
            raise _foreign(target)
        with locked(self.folder / f".{name}.lock"), disk_errors(target):
            # Out of sight in one step first, so that a run that is killed leaves no half of it behind.
            doomed = self.folder / f".{name}.removed.{os.getpid()}"
            target.rename(doomed)
            shutil.rmtree(doomed)
        (self.folder / f".{name}.lock").unlink(missing_ok=True)
        return target


def unknown(text: str) -> UsageError:
    """The error for an environment that isn't there."""
    make = ""
    with suppress(InvalidVersion):  # VERSION and NAME==VERSION are releases, the name of an environment is none
        Version(text.rpartition("==")[2])
        make = f", and `debgen envs create {text}` makes one of that release"
    return UsageError(f"there is no environment {text}", hint=f"`debgen envs list` shows those there are{make}.")


def _foreign(path: Path) -> UsageError:
    return UsageError(
        f"{path} was not made by debgen: it has no valid {MARKER}", hint="Look at it, and move it out of the way."
    )


def _record(path: Path) -> Record | None:
    """The record in a folder, which must be where its name says; a link to a folder is nothing of ours."""
    try:
        if path.is_symlink():
            return None
        fields = json.loads((path / MARKER).read_bytes())
        if fields.pop("schema") != SCHEMA or not all(isinstance(value, str) for value in fields.values()):
            return None
        record = Record(**fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if record.name == path.name else None


def size_of(path: Path) -> int:
    """Bytes on disk below ``path``; a file with several links counts once, a link not at all."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            state = os.lstat(os.path.join(folder, name))
            if (state.st_dev, state.st_ino) not in seen:
                seen.add((state.st_dev, state.st_ino))
                total += state.st_blocks * 512
    return total


def run_time_pins(plan: Mapping[str, Any]) -> dict[str, str]:
    """Name and version of all that the root needs at run time; what only builds need is left out."""
    versions = {node["name"]: node["version"] for node in plan["distributions"]}
    children: dict[str, set[str]] = {}
    for node in plan["distributions"]:
        for asked in node["required_by"]:
            if asked["kind"] == "run" and asked["name"]:
                children.setdefault(asked["name"], set()).add(node["name"])
    reached: set[str] = set()
    waiting = {plan["root"]}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= children.get(name, set()) - reached
    return {name: versions[name] for name in sorted(reached)}


def lock(pins: Mapping[str, str], client: IndexClient, target: Target) -> str:
    """A requirements file with hashes: of each release its sdists, and its wheels for the target's machine.

    IntegrityError where the index names no SHA-256 for any of them.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        pages = list(pool.map(client.files, pins))
    lines = []
    for (name, version), files in zip(pins.items(), pages, strict=True):
        wanted = parsed(version)
        fitting = [file for file in files if parsed(file.version) == wanted and _fits(file, target)]
        hashes = sorted({file.sha256 for file in fitting if file.sha256})
        if not hashes:
            raise IntegrityError(
                f"the index names no SHA-256 for {name} {version}, so it can't be locked",
                hint="Use an index that names the hashes of its files, as PEP 503 has it.",
            )
        lines.append(" \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{digest}" for digest in hashes)]))
    return "\n".join(lines) + "\n"


def _fits(file: ReleaseFile, target: Target) -> bool:
    if file.kind is FileKind.SDIST:
        return True
    platforms = file.filename.removesuffix(".whl").rpartition("-")[2].split(".")
    return any(p == "any" or ("linux" in p and p.endswith(f"_{target.machine}")) for p in platforms)


def write_tree(
    folder: Path, plan: Mapping[str, Any], pins: Mapping[str, str], releases: Releases, target: Target
) -> None:
    """Write the metadata of the pinned releases as pipdeptree reads it: requirements as they hold on the target.

    What is in force is taken from the plan, so that the tree is the plan's, whatever variant it is for; the rest, which
    is what extras would bring that nobody asks for, from the releases.
    """
    make_directory(folder)
    evaluator = Evaluator(target)
    with ThreadPoolExecutor(_READERS) as pool:
        metadata: Sequence[CoreMetadata] = list(pool.map(releases.metadata, pins, pins.values()))
    planned = _planned(plan)
    for name, found in zip(pins, metadata, strict=True):
        own = planned.get(name, set())
        active = {needed.via_extra for needed in own} | {None}
        dormant = [needed for needed in evaluator.needs(found)[0] if needed.via_extra not in active]
        needs = sorted([*own, *dormant], key=lambda n: (n.via_extra or "", n.name, n.specifier, n.extras))
        write_metadata(folder, found, needs)


def _planned(plan: Mapping[str, Any]) -> dict[str, set[Needed]]:
    found: dict[str, set[Needed]] = {}
    for node in plan["distributions"]:
        for a in node["required_by"]:
            if a["name"] and a["kind"] == "run":
                needed = Needed(node["name"], a["specifier"], tuple(a["extras"]), "", a["extra"] or None)
                found.setdefault(a["name"], set()).add(needed)
    return found


def bent_requirements(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of what the root asks for in vain, as the index has no such release: the plan has another one of it."""
    return tuple(
        node["name"]
        for node in plan["distributions"]
        for asked in node["required_by"]
        if asked["name"] == plan["root"] and asked["kind"] == "run" and node["version"]
        and not SpecifierSet(asked["specifier"]).contains(node["version"], prereleases=True)
    )  # fmt: skip
