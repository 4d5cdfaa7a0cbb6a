"""Changes to Cargo.toml and to pyproject.toml that keep the rest of the file as it stands.

Each change is a function on the parsed file. It is made to what tomllib reads and to what tomlkit holds, which has
the comments and spaces too, and both results have to say the same.
"""

from __future__ import annotations

import copy
import posixpath
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Set
from fnmatch import fnmatchcase
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from debgen.cargo.targets import holds_somewhere
from debgen.errors import UnsupportedSourceError

Table = MutableMapping[str, Any]
Edit = Callable[[Table], None]

#: The tables of what a build asks for, at the top of a manifest and in its ``[target.…]``.
DEPENDENCIES = ("dependencies", "build-dependencies", "build_dependencies")
_DEVELOPMENT = ("dev-dependencies", "dev_dependencies")
_GIT = ("git", "branch", "tag", "rev")


def edited(text: str, path: str, edit: Edit) -> str:
    """The TOML file with the change, or ``text`` itself where it changes nothing.

    UnsupportedSourceError for a file that can't be read or written back.
    """
    try:
        plain = tomllib.loads(text)
        before = copy.deepcopy(plain)
        edit(plain)
        if plain == before:
            return text
        document = tomlkit.parse(text)
        edit(document)
        new = tomlkit.dumps(document)
        if tomllib.loads(new) == plain:
            return new
        problem = "the change can't be made without touching the rest"
    except (tomllib.TOMLDecodeError, TOMLKitError, RecursionError) as error:
        problem = str(error)
    raise UnsupportedSourceError(f"{path} can't be patched: {problem}", hint="Bring a patch to it in a recipe.")


def tables(data: Table, *, shared: bool = True) -> Iterator[Table]:
    """The tables of dependencies of a manifest, with ``shared`` that of its ``[workspace]`` as well."""
    targets = _table(data, "target")
    for holder in (data, *(_table(targets, name) for name in list(targets))):
        for kind in DEPENDENCIES:
            if _table(holder, kind):
                yield holder[kind]
    if shared and (inherited := _table(_table(data, "workspace"), "dependencies")):
        yield inherited


def crate_of(key: str, spec: Any) -> str:
    """The crate that a line of a table of dependencies is about."""
    named = spec.get("package") if isinstance(spec, dict) else None
    return str(named or key)


def without_development(data: Table) -> None:
    """Take out what only upstream's tests, examples and benchmarks in Rust ask for."""
    targets = _table(data, "target")
    for holder in (data, *(_table(targets, name) for name in list(targets))):
        for kind in _DEVELOPMENT:
            if kind in holder:
                del holder[kind]
    _drop_empty(data, "target")


def without_foreign_targets(data: Table) -> None:
    """Take out what is asked for on systems only that Debian isn't."""

    def edit(data: Table) -> None:
        targets = _table(data, "target")
        for name in [name for name in targets if not holds_somewhere(name)]:
            del targets[name]
        _drop_empty(data, "target")

    _and_features(data, edit)


def without_lines(data: Table, gone: Callable[[str, Any], bool], *, shared: bool = True) -> None:
    """Take out the dependencies for which ``gone`` (of the line's key and value) is true, and what names them."""

    def edit(data: Table) -> None:
        for table in tables(data, shared=shared):
            for key in [key for key, spec in table.items() if gone(str(key), spec)]:
                del table[key]
        _drop_empty_tables(data)

    _and_features(data, edit)


def keys_of(data: Table, crate: str) -> set[str]:
    """The names under which a manifest has dependencies on a crate."""
    found = ((str(key), spec) for table in tables(data, shared=False) for key, spec in table.items())
    return {key for key, spec in found if crate_of(key, spec) == crate}


def without_features(data: Table, off: Iterable[str], of: Mapping[str, Iterable[str]]) -> None:
    """Take the features ``off`` of the manifest itself, and those ``of`` other packages by name, out of all lists."""
    own = set(off)
    for name, items in list(_table(data, "features").items()):
        if isinstance(items, list):
            _keep(items, lambda item, name=name: item == name or item not in own)  # type: ignore[misc]
    for table in tables(data):
        for key, spec in table.items():
            gone = set(of.get(crate_of(str(key), spec), ()))
            if gone and isinstance(spec, dict) and isinstance(spec.get("features"), list):
                _keep(spec["features"], lambda item, gone=gone: item not in gone)  # type: ignore[misc]
            if gone:
                _without_feature_of(data, str(key), gone)


def without_unused_features(data: Table, wanted: Mapping[str, Set[str]]) -> None:
    """Take features of other crates that aren't ``wanted``, by crate, out of the lists of the manifest's own."""
    lines = [
        (str(key), crate_of(str(key), spec)) for table in tables(data, shared=False) for key, spec in table.items()
    ]
    for items in _table(data, "features").values():
        for key, crate in lines if isinstance(items, list) else ():
            if crate in wanted:
                prefixes = (f"{key}/", f"{key}?/")
                _keep(items, lambda item, c=crate, p=prefixes: not item.startswith(p)  # type: ignore[misc]
                      or item.partition("/")[2] in wanted[c])  # fmt: skip


def with_members(data: Table, folder: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """Leave those members of the workspace only whose folders are ``wanted``; ``known`` are all that have a manifest.

    Folders are relative to the sdist; ``folder`` is that of the manifest.
    """
    workspace = _table(data, "workspace")
    kept, all_of = set(wanted), list(known)
    for key in ("members", "default-members"):
        listed = workspace.get(key)
        if not isinstance(listed, list):
            continue
        for at in range(len(listed) - 1, -1, -1):
            path = posixpath.normpath(posixpath.join(folder, str(listed[at])))
            found = [member for member in all_of if fnmatchcase(member, path)]
            if found and all(member in kept for member in found):
                continue
            left = sorted(posixpath.relpath(member, folder or ".") for member in found if member in kept)
            del listed[at]
            for member in reversed(left):
                listed.insert(at, member)


def with_requirement(data: Table, crate: str, old: str, new: str) -> None:
    """Write ``new`` for the requirement ``old`` on ``crate``; where it comes from a repository, from the registry."""
    for table in tables(data):
        for key, spec in list(table.items()):
            if crate_of(str(key), spec) != crate:
                continue
            if isinstance(spec, str):
                if new and spec.strip() == old:
                    table[key] = new
            elif str(spec.get("version", "")).strip() == old and spec.get("workspace") is not True:
                if "path" in spec and "git" not in spec:
                    continue
                for word in _GIT:
                    if word in spec:
                        del spec[word]
                if new:
                    spec["version"] = new


def with_replaced_features(data: Table, crate: str, replaced: Mapping[str, str]) -> None:
    """Put other features of ``crate`` in the place of those that it hasn't, or nothing where there is none."""
    for table in tables(data):
        for key, spec in table.items():
            if crate_of(str(key), spec) == crate:
                if isinstance(spec, dict):
                    replace_items(spec.get("features"), replaced)
                replace_in_features(data, str(key), replaced)


def replace_in_features(data: Table, key: str, replaced: Mapping[str, str]) -> None:
    """The same in the lists of ``[features]``, where they are written ``key/feature``."""
    written = {
        f"{key}{sign}/{old}": f"{key}{sign}/{new}" if new else "" for old, new in replaced.items() for sign in ("", "?")
    }
    for items in _table(data, "features").values():
        replace_items(items, written)


def without_git_patches(data: Table) -> None:
    """Take out ``[patch]`` entries that put a repository in the place of the registry's crate."""
    patches = _table(data, "patch")
    for registry in list(patches):
        lines = patches[registry]
        for key in [key for key, spec in lines.items() if isinstance(spec, dict) and "git" in spec]:
            del lines[key]
        _drop_empty(patches, registry)
    _drop_empty(data, "patch")


def replace_items(items: object, replaced: Mapping[str, str]) -> None:
    if not isinstance(items, list):
        return
    for at in range(len(items) - 1, -1, -1):
        if items[at] in replaced:
            new = replaced[items[at]]
            if new and new not in items:
                items[at] = new
            else:
                del items[at]


def _and_features(data: Table, edit: Edit) -> None:
    """Make the change, and take what it took away out of the features."""
    before = {str(key) for table in tables(data) for key in table}
    edit(data)
    gone = before - {str(key) for table in tables(data) for key in table}
    features = _table(data, "features")
    for items in features.values():
        if gone and isinstance(items, list):
            _keep(items, lambda item: not any(_names(item, key, features) for key in gone))


def _without_feature_of(data: Table, key: str, gone: set[str]) -> None:
    words = {f"{key}{sign}/{feature}" for feature in gone for sign in ("", "?")}
    for items in _table(data, "features").values():
        if isinstance(items, list):
            _keep(items, lambda item: item not in words)


def _names(item: str, key: str, features: Mapping[str, Any]) -> bool:
    """Whether an item of a feature's list is about the dependency ``key``."""
    return _needs(item, key, features) or item.startswith(f"{key}?/")


def _needs(item: str, key: str, features: Mapping[str, Any]) -> bool:
    return item == f"dep:{key}" or item.startswith(f"{key}/") or (item == key and key not in features)


def _keep(items: list[Any], wanted: Callable[[str], bool]) -> None:
    for at in range(len(items) - 1, -1, -1):
        if not wanted(str(items[at])):
            del items[at]


def _drop_empty_tables(data: Table) -> None:
    targets = _table(data, "target")
    for name in list(targets):
        for kind in DEPENDENCIES:
            _drop_empty(targets[name], kind)
        _drop_empty(targets, name)
    _drop_empty(data, "target")


def _drop_empty(data: Table, key: str) -> None:
    if key in data and isinstance(data[key], dict) and not data[key]:
        del data[key]


def _table(data: Mapping[str, Any], key: str) -> Any:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
