"""A package of a Cargo workspace as Cargo would publish it: its manifest by itself, and the files that go along.

What stands in the manifest of the workspace, or leads to a folder beside, is written out, as `cargo package` does. The
rules for files are those of Cargo's reference on ``include`` and ``exclude``.
"""

from __future__ import annotations

import os
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from debgen.errors import UnsupportedSourceError
from debgen.upstream.testfacts import table

MANIFEST = "Cargo.toml"
_DEPENDENCIES = ("dependencies", "build-dependencies", "build_dependencies")
_DEVELOPMENT = ("dev-dependencies", "dev_dependencies")
_ELSEWHERE = ("path", "git", "branch", "tag", "rev")
_VERSION_CONTROL = {".git", ".hg", ".svn", ".bzr", ".jj"}
_HEADER = "# What stood in the manifest of the workspace, or led out of this folder, is written out here.\n\n"

#: Gives the text of a manifest by its path in the source, None where there is none.
Reader = Callable[[str], str | None]


def published_manifest(path: str, read: Reader) -> tuple[str, Mapping[str, Any]]:
    """The manifest at ``path`` as it stands alone, and its data; upstream's own text where nothing has to change.

    UnsupportedSourceError where it is no manifest of a package, or something that it inherits isn't there.
    """
    text = read(path) or ""
    data = _parsed(text, path)
    if not isinstance(table(data, "package").get("name"), str):
        raise UnsupportedSourceError(f"{path} is not the manifest of a package", hint="Give the folder of the crate.")
    before = _parsed(text, path)
    root = _workspace_of(path, data, read)
    workspace = table(_parsed(read(root) or "", root), "workspace") if root else {}
    _inherit(data, workspace, root, path)
    for holder in (data, *(t for t in table(data, "target").values() if isinstance(t, dict))):
        for kind in (*_DEPENDENCIES, *_DEVELOPMENT):
            if isinstance(lines := holder.get(kind), dict):
                for key in list(lines):
                    line = _alone(key, lines[key], (workspace, root, path), read, needed=kind in _DEPENDENCIES)
                    if line is None:
                        del lines[key]
                    else:
                        lines[key] = line
    return (text, data) if data == before else (_HEADER + tomlkit.dumps(data), data)


def published_files(folder: Path, package: Mapping[str, Any]) -> Iterator[str]:
    """The files below ``folder`` that Cargo would publish of a ``package``, by their paths in it, sorted.

    Left out are other packages, what ``include`` and ``exclude`` say, a lock, build results, and hidden folders of
    version control. UnsupportedSourceError for a link to a folder among them.
    """
    include, exclude = (_patterns(package.get(key)) for key in ("include", "exclude"))

    def published(path: str) -> bool:
        if path == MANIFEST:
            return True
        return _matches(path, include) if include else not _matches(path, exclude)

    found = []
    for place, folders, files in os.walk(folder):
        base = Path(place).relative_to(folder).as_posix()
        prefix = "" if base == "." else f"{base}/"
        kept = []
        for name in folders:
            inner = Path(place) / name
            if name in _VERSION_CONTROL or (inner / MANIFEST).is_file() or f"{prefix}{name}" == "target":
                continue
            if inner.is_symlink():
                if published(f"{prefix}{name}"):
                    raise UnsupportedSourceError(
                        f"{prefix}{name} is a link to a folder", hint="Take the crate from another source."
                    )
                continue
            kept.append(name)
        folders[:] = kept
        found += [f"{prefix}{name}" for name in files if name != "Cargo.lock" and published(f"{prefix}{name}")]
    yield from sorted(found)


def _parsed(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnsupportedSourceError(f"{path} can't be read: {error}", hint="Report it to upstream.") from None


def _workspace_of(path: str, data: Mapping[str, Any], read: Reader) -> str:
    """The path of the manifest with the workspace that a package belongs to; empty where there is none."""
    if "workspace" in data:
        return path
    folder = posixpath.dirname(path)
    named = table(data, "package").get("workspace")
    if isinstance(named, str):
        return posixpath.normpath(posixpath.join(folder, named, MANIFEST))
    while folder:
        folder = posixpath.dirname(folder)
        place = posixpath.join(folder, MANIFEST)
        if "workspace" in _parsed(read(place) or "", place):
            return place
    return ""


def _inherits(value: Any) -> bool:
    return isinstance(value, dict) and value.get("workspace") is True


def _inherit(data: dict[str, Any], workspace: Mapping[str, Any], root: str, path: str) -> None:
    """Write out what ``[package]`` and ``[lints]`` take from the workspace."""
    package = data["package"]
    package.pop("workspace", None)
    data.pop("workspace", None)
    for key, value in list(package.items()):
        if _inherits(value):
            shared = table(workspace, "package")
            if key not in shared:
                raise _missing(f"package.{key}", root, path)
            found = shared[key]
            if key in ("readme", "license-file") and isinstance(found, str):
                there = posixpath.join(posixpath.dirname(root), found)
                found = posixpath.relpath(there, posixpath.dirname(path) or ".")
            package[key] = found
    if _inherits(data.get("lints")):
        data["lints"] = dict(table(workspace, "lints"))


def _alone(
    key: str, spec: Any, places: tuple[Mapping[str, Any], str, str], read: Reader, *, needed: bool
) -> Any | None:
    """A dependency as the registry takes it; None for one that only development needs and the registry can't have."""
    workspace, root, path = places
    if not isinstance(spec, dict):
        return spec
    base, merged = path, dict(spec)
    if _inherits(spec):
        if key not in table(workspace, "dependencies"):
            if needed:
                raise _missing(f"the dependency {key}", root, path)
            return None
        shared = table(workspace, "dependencies")[key]
        shared = {"version": shared} if isinstance(shared, str) else dict(shared)
        base, merged = root, {**shared, **{k: v for k, v in spec.items() if k != "workspace"}}
        if features := [*shared.get("features", []), *spec.get("features", [])]:
            merged["features"] = list(dict.fromkeys(features))
        if spec.get("default-features") is False and shared.get("default-features") is not False:
            merged.pop("default-features")  # Cargo's rule: the workspace has switched them on
    if not any(word in merged for word in _ELSEWHERE):
        return merged
    if "version" not in merged:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(base), str(merged.get("path", "")), MANIFEST))
        version = _version(beside, read) if "path" in merged and "git" not in merged else ""
        if not version:
            if needed:
                raise UnsupportedSourceError(
                    f"{path} asks for {key} without a version", hint="Such a crate can't be vendored by itself."
                )
            return None
        merged = {"version": version, **merged}
    return {word: value for word, value in merged.items() if word not in _ELSEWHERE}


def _version(path: str, read: Reader) -> str:
    """The version of the package of a manifest; empty where it can't be told."""
    data = _parsed(read(path) or "", path)
    version = table(data, "package").get("version")
    if _inherits(version):
        root = _workspace_of(path, data, read)
        version = table(_parsed(read(root) or "", root), "workspace", "package").get("version")
    return version if isinstance(version, str) else ""


def _missing(what: str, root: str, path: str) -> UnsupportedSourceError:
    where = root or "its workspace, which isn't there"
    return UnsupportedSourceError(
        f"{path} takes {what} from {where}, which doesn't have it", hint="Vendor the crate from another source."
    )


def _patterns(value: Any) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    return tuple(map(_pattern, (str(item) for item in value))) if isinstance(value, list) else ()


def _pattern(line: str) -> tuple[bool, re.Pattern[str]]:
    """A pattern as gitignore(5) has them: whether it takes something in, or out again, and what it matches."""
    takes, line = not line.startswith("!"), line.removeprefix("!")
    inside, line = line.endswith("/"), line.rstrip("/")
    anchored = "/" in line
    body = ""
    for part in re.findall(r"/?\*\*/|/\*\*|\*\*|\*|\?|\[[^\]]*\]|\\.|.", line.lstrip("/"), re.DOTALL):
        match part:
            case "**/":
                body += "(?:.*/)?"
            case "/**/":
                body += "/(?:.*/)?"
            case "/**":
                body += "/.*"
            case "**" | "*":
                body += "[^/]*"
            case "?":
                body += "[^/]"
            case _ if part.startswith("[") and len(part) > 2:
                body += (
                    f"[{'^' if part[1] == '!' else ''}{re.escape(part[1:-1].lstrip('!')).replace(chr(92) + '-', '-')}]"
                )
            case _:
                body += re.escape(part.removeprefix("\\") or part)
    return takes, re.compile(f"{'' if anchored else '(?:.*/)?'}{body}{'/.*' if inside else '(?:/.*)?'}", re.DOTALL)


def _matches(path: str, patterns: Sequence[tuple[bool, re.Pattern[str]]]) -> bool:
    """Whether a list of patterns takes a path in; the last one that matches decides."""
    return next((takes for takes, pattern in reversed(patterns) if pattern.fullmatch(path)), False)
