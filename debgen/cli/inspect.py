"""``debgen inspect PATH|NAME==VERSION``: what a source tree is, without running it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from debgen.cargo.targets import holds_somewhere
from debgen.cli.options import SubParsers, index_client
from debgen.errors import NoSdistError, ResolutionError, UnsupportedSourceError, UsageError
from debgen.pipeline import parse_name
from debgen.planning.choice import allowed_versions
from debgen.upstream.fetches import Fetch
from debgen.upstream.index import IndexClient
from debgen.upstream.inspection import Inspection, inspect_tree
from debgen.upstream.licences import LicenceScan, scan_licences
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.sdist import unpack
from debgen.workspace import cache_directory

SCHEMA = 1
_SHOWN = 12
#: Sections that are cut after so many lines; the others are what a packager must see in full.
_LONG = {"libraries", "crates", "scripts", "tests", "copies", "prebuilt"}
_ARCHIVES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip", ".tar")


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "inspect", help="tell what a source tree is, without running it",
        description="Say where the version of a source tree comes from, what its build takes and would fetch, and what "
        "else is in it: scripts, tests, licences, copies of other projects, prebuilt files, devices. Nothing of it is "
        "run.",
    )  # fmt: skip
    parser.add_argument(
        "source", metavar="PATH|NAME[==VERSION]", help="a folder, an sdist archive, or a release on the package index"
    )
    parser.add_argument(
        "--licences", action="store_true", help="scan every file for its licence too, which takes minutes"
    )
    parser.add_argument("--all", action="store_true", help="print lists in full")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--no-color", action="store_true", help="no colours even on a terminal")
    parser.add_argument("--refresh", action="store_true", help="ask the index again, whatever is cached")
    parser.add_argument("--index-url", metavar="URL", help="package index (default: uv's or pip's configuration)")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Read the tree and print the report."""
    with source_folder(args) as (root, source):
        found = inspect_tree(root)
        scan = scan_licences(root, _tree_hash(root)) if args.licences else None
    if args.json:
        print(json.dumps(as_json(found, source, scan), indent=2))
    else:
        _print(found, source, scan, colour=not args.no_color, limit=10**9 if args.all else _SHOWN)
    return 0


@contextmanager
def source_folder(args: argparse.Namespace) -> Iterator[tuple[Path, str]]:
    """The folder to read, and what it is called; archives are unpacked into one that goes afterwards.

    UsageError for a path that isn't there, HostileArchiveError for an unsafe archive, and the index's errors.
    """
    path = Path(args.source)
    if path.is_dir() and (_is_path(args.source) or _is_source(path)):
        yield path.resolve(), args.source
        return
    if not path.is_file():
        if _is_path(args.source) or args.source.endswith((*_ARCHIVES, ".whl")):
            raise UsageError(f"{args.source} doesn't exist", hint="Give a folder, an sdist, NAME or NAME==VERSION.")
        client = index_client(args)
        file = _release(args.source, client)
        path = client.download(file, cache_directory("sdists") / (file.sha256 or "unhashed") / file.filename)
    elif path.name.endswith((".whl", ".egg")):
        raise UnsupportedSourceError(f"{path.name} is built, and no source", hint="Give the sdist of the same release.")
    with tempfile.TemporaryDirectory(prefix="debgen-inspect-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(path, tree)
        yield tree, path.name


def _is_path(text: str) -> bool:
    return os.sep in text or text.startswith(".")


def _is_source(path: Path) -> bool:
    return any((path / mark).is_file() for mark in ("pyproject.toml", "setup.py", "setup.cfg", "PKG-INFO"))


def _release(text: str, client: IndexClient) -> ReleaseFile:
    """The sdist of the release that ``text`` names; without a version, of the newest that has one."""
    name, bounds = parse_name(text)
    versions = client.versions(name)
    exact = [s.version for s in bounds if s.operator in ("==", "===") and not s.version.endswith(".*")]
    if exact:
        return client.sdist_of(name, exact[0])
    allowed = allowed_versions(versions, bounds)
    if not allowed:
        raise ResolutionError(
            f"no release of {name} satisfies {bounds}", hint=f"The newest releases are {', '.join(versions[:5])}."
        )
    with_sdist = {file.version for file in client.files(name) if file.kind is FileKind.SDIST and not file.yanked}
    chosen = next((version for version in allowed if version in with_sdist), None)
    if chosen is None:
        raise NoSdistError(f"no release of {name} has a source distribution", hint="Give the folder of a checkout.")
    return client.sdist_of(name, chosen)


def _tree_hash(root: Path) -> str:
    """A hash over the paths and contents of all files, under which a licence scan is kept."""
    digest = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        digest.update(f"{path.relative_to(root)}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def as_json(found: Inspection, source: str, scan: LicenceScan | None = None) -> dict[str, Any]:
    """The report as plain data; its form is described in README.md and versioned by ``schema``."""
    data = asdict(found)
    del data["build"]["cargo"]  # the files themselves; `crates` says what they ask for
    data["pins"] = [{"requirement": pin, "evidence": evidence} for pin, evidence in found.pins]
    data["build"]["evidence"] = data.pop("build_evidence")
    data["build"].pop("notes")
    data["build"]["pins"] = data.pop("pins")
    return {
        "schema": SCHEMA,
        "source": source,
        **data,
        "licence_scan": None if scan is None else [asdict(file) for file in scan.files],
    }


def _print(found: Inspection, source: str, scan: LicenceScan | None, *, colour: bool, limit: int) -> None:
    console = Console(color_system="auto" if colour else None, highlight=False)
    if not console.is_terminal:
        console.width = 180  # a file or a pipe has no width of its own; nothing should be cut there
    title = f"{found.name or 'unnamed'} {found.version.version or '(version unknown)'}"
    console.print(
        Text(f"{title}: {source}, {found.files} files" + ("" if found.metadata else ", no PKG-INFO"), style="bold")
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, lines in _sections(found, scan):
        most = limit if label in _LONG else len(lines)
        cut = lines[:most] + ([f"… and {len(lines) - most} more; --all shows them"] if len(lines) > most else [])
        for number, line in enumerate(cut):
            table.add_row("" if number else label, Text(line, style="yellow" if line.startswith("! ") else ""))
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        print(line.rstrip())  # the grid fills every line up


def _sections(found: Inspection, scan: LicenceScan | None) -> Iterator[tuple[str, list[str]]]:
    yield "version", _version(found)
    yield "build", _build(found)
    sources = []
    for s in found.sources:
        made = f" ({s.generated} of them generated)" if s.generated else ""
        many = f"{_count(s.files, 'file')}, such as " if s.files else ""
        sources.append(f"{s.language}: {many}{s.example}{made}")
    if sources and not found.builders:
        sources.append("! nothing in the build files compiles them")
    yield "sources", sources or ["Python only"]
    yield "fetches", [_fetch(f) for f in found.fetches] or ["nothing that the build files show"]
    if found.build.libraries:
        yield (
            "libraries",
            [
                f"{lib.name} ({lib.kind.value}{'' if lib.required else ', optional'}): {lib.evidence}"
                for lib in found.build.libraries
            ],
        )
    if found.build.crates:
        yield "crates", _crates(found)
    yield "scripts", [f"{s.command} = {s.target}{_at(s.evidence)}" for s in found.scripts] or ["none"]
    yield (
        "tests",
        [f"{t.folder}/: {_count(t.files, 'test file')}, {t.runner}{_at(t.evidence)}" for t in found.tests] or ["none"],
    )
    yield "licences", _licences(found)
    yield "copies", [f"{e.path}: {_count(e.files, 'file')}, {e.reason}" for e in found.embedded] or ["none seen"]
    yield "prebuilt", [f"! {p.path}: {p.kind}, {p.size:,} bytes" for p in found.prebuilt] or ["none"]
    yield "devices", [f"{d.name}: {'; '.join(d.evidence)}" for d in found.devices] or ["no variants"]
    if scan is not None:
        names = Counter(file.licence or "none found" for file in scan.files)
        yield "scan", [f"{name}: {_count(number, 'file')}" for name, number in names.most_common()]
    if found.notes:
        yield "notes", [f"! {note}" for note in found.notes]


def _version(found: Inspection) -> list[str]:
    origin = found.version
    lines = [f"{origin.method}: {origin.explanation}{_at(origin.evidence)}"]
    if origin.without_tags:
        lines.append(("! " if not found.metadata else "") + origin.without_tags)
    if origin.variables:
        lines.append(f"set from outside by {', '.join(origin.variables)}")
    if origin.changed_at:
        lines.append(f"the build appends to it: {', '.join(origin.changed_at)}")
    return lines


def _build(found: Inspection) -> list[str]:
    lines = [
        found.build.backend + (_at(found.build_evidence) or ", PEP 517's default"),
        f"requires {', '.join(found.build.requires) or 'nothing'}",
    ]
    lines += [f"! {pin} allows one version only, which Debian can't promise{_at(at)}" for pin, at in found.pins]
    by_name: dict[str, list[str]] = {}
    for builder in found.builders:
        by_name.setdefault(builder.name, []).append(builder.evidence)
    lines += [
        f"compiled by {name}{_at(', '.join(at[:4]) + (' …' if len(at) > 4 else ''))}" for name, at in by_name.items()
    ]
    return lines


def _fetch(fetch: Fetch) -> str:
    where = f"{fetch.url}{f' at {fetch.revision}' if fetch.revision else ''}" if fetch.url else "address not literal"
    conditions = fetch.when if len(fetch.when) <= 3 else (fetch.when[0], "…", *fetch.when[-2:])
    when = f"; when {' and '.join(conditions)}" if conditions else ""
    override = f"; {fetch.override} points to a copy" if fetch.override else ""
    return f"! {fetch.name} ({fetch.kind}): {where}{_at(fetch.evidence)}{when}{override}"


def _crates(found: Inspection) -> list[str]:
    crates = [c for c in found.build.crates if holds_somewhere(c.target)]
    needed = {c.name for c in crates if not c.optional and not c.source.startswith("path")}
    optional = {c.name for c in crates if c.optional and not c.source.startswith("path")} - needed
    places = _count(len({c.manifest for c in crates}), "manifest")
    lines = [f"{len(needed)} needed, {len(optional)} optional, from {places}"]
    lines += [
        f"{name} {requirement or '*'}{_list(features)}{f' (locked {locked})' if locked else ''}"
        for name, requirement, features, locked in sorted(
            {
                (c.name, c.requirement, c.features, c.locked)
                for c in crates
                if not c.optional and not c.source.startswith("path")
            }
        )
    ]
    return lines


def _licences(found: Inspection) -> list[str]:
    licences = found.licences
    lines = [f"{licences.expression}{_at(licences.evidence)}"] if licences.expression else []
    lines += [f"classifier {c}" for c in licences.classifiers]
    if licences.files:
        more = f" and {len(licences.files) - 8} more" if len(licences.files) > 8 else ""
        lines.append(f"files {', '.join(licences.files[:8])}{more}")
    return lines or ["! none stated"]


def _at(evidence: str) -> str:
    return f" — {evidence}" if evidence else ""


def _list(words: Iterable[str]) -> str:
    text = ", ".join(words)
    return f" [{text}]" if text else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
