"""Metadata in flit's own old tables, which flit_core 4 no longer reads, moved to the standard table (PEP 621)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

_TABLE = re.compile(r"^[ \t]*\[\[?[ \t]*([^\[\]\n]+?)[ \t]*\]\]?[ \t]*(#.*)?$", re.M)
_OLD = ("tool.flit.metadata", "tool.flit.scripts", "tool.flit.entrypoints")
_SAME = {"description-file": "readme", "requires-python": "requires-python", "classifiers": "classifiers"}
_PEOPLE = {"authors": ("author", "author-email"), "maintainers": ("maintainer", "maintainer-email")}

DROPPED_IN = Version("4")
REASON = """\
Upstream writes its metadata into tables of flit's own, which flit_core no
longer reads since release 4. The standard table says the same."""


def flit_needs_patch(pyproject: str, flit_core: str) -> bool:
    """Whether the build would end on flit's own tables in ``pyproject``, with ``flit_core`` of that version."""
    try:
        if Version(flit_core) < DROPPED_IN:
            return False
    except InvalidVersion:
        return False
    return bool(_flit(_parsed(pyproject)).keys() & {"metadata", "scripts", "entrypoints"})


def standard_tables(pyproject: str) -> str | None:
    """pyproject.toml with ``[project]`` in the place of flit's own tables; the rest stays as it is, byte for byte.

    None where that can't be done safely: a key without a counterpart that matters, or tables so written that they
    can't be cut out.
    """
    old = _parsed(pyproject)
    tables = _project(_flit(old), old.get("project"))
    if tables is None:
        return None
    spans = [span for name, span in _spans(pyproject) if name == _OLD[0] or name.startswith(_starts())]
    if not spans:
        return None
    new = pyproject
    for number, (start, end) in reversed(list(enumerate(spans))):
        rest = new[end:]
        new = new[:start] + (_written(tables) + ("\n" if rest else "") if number == 0 else "") + rest
    # What was cut and what was put in its place are checked by reading the result again.
    wanted = {key: value for key, value in old.items() if key != "project"}
    flit = {k: v for k, v in _flit(old).items() if k not in {"metadata", "scripts", "entrypoints"}}
    if module := tables.get("tool.flit.module"):
        flit["module"] = module
    wanted["tool"] = {k: v for k, v in old["tool"].items() if k != "flit"} | ({"flit": flit} if flit else {})
    wanted = {key: value for key, value in wanted.items() if value}
    got = _parsed(new)
    project = got.pop("project", None)
    return new if project == _nested(tables) and {k: v for k, v in got.items() if v} == wanted else None


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _flit(document: Mapping[str, Any]) -> dict[str, Any]:
    tool = document.get("tool")
    flit = tool.get("flit") if isinstance(tool, dict) else None
    return flit if isinstance(flit, dict) else {}


def _starts() -> tuple[str, ...]:
    return tuple(f"{name}." for name in _OLD) + _OLD[1:]


def _spans(text: str) -> list[tuple[str, tuple[int, int]]]:
    """The tables, each from its header to the next one's."""
    headers = list(_TABLE.finditer(text))
    ends = [*(header.start() for header in headers[1:]), len(text)]
    return [(re.sub(r"[\"'\s]", "", h[1]), (h.start(), end)) for h, end in zip(headers, ends, strict=False)]


def _project(flit: Mapping[str, Any], standard: object) -> dict[str, dict[str, Any]] | None:
    """The tables that say what flit's own say, by their names; None where there is no such way."""
    metadata = flit.get("metadata")
    if standard is not None or not isinstance(metadata, dict) or not isinstance(metadata.get("module"), str):
        return None
    project: dict[str, Any] = {"name": metadata.get("dist-name", metadata["module"])}
    # flit takes both from the module itself
    project["dynamic"] = ["version", "description"]
    for new, (name, mail) in _PEOPLE.items():
        person = {"name": metadata.get(name), "email": metadata.get(mail)}
        if person := {key: value for key, value in person.items() if value}:
            project[new] = [person]
    if "license" in metadata:
        # The table, not an SPDX expression: the old key holds any text.
        project["license"] = {"text": metadata["license"]}
    project |= {new: metadata[old] for old, new in _SAME.items() if old in metadata}
    if keywords := metadata.get("keywords"):
        words = keywords.split("," if "," in keywords else None) if isinstance(keywords, str) else keywords
        project["keywords"] = [word.strip() for word in words]
    if "requires" in metadata:
        project["dependencies"] = metadata["requires"]
    tables: dict[str, dict[str, Any]] = {"project": project}
    urls = {"Homepage": metadata["home-page"]} if "home-page" in metadata else {}
    if urls := urls | metadata.get("urls", {}):
        tables["project.urls"] = urls
    extras = dict(metadata.get("requires-extra", {}))
    if "dev-requires" in metadata:
        extras["dev"] = metadata["dev-requires"]
    if extras:
        tables["project.optional-dependencies"] = extras
    if "entry-points-file" in metadata:
        return None
    if scripts := flit.get("scripts"):
        tables["project.scripts"] = scripts
    for group, points in flit.get("entrypoints", {}).items():
        tables[f"project.entry-points.{json.dumps(group)}"] = points
    if project["name"].replace("-", "_") != metadata["module"]:
        tables["tool.flit.module"] = {"name": metadata["module"]}
    return tables


def _nested(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """[project] as a parser gives it back."""
    project = dict(tables["project"])
    for name, table in tables.items():
        if name.startswith("project.entry-points."):
            group = json.loads(name.removeprefix("project.entry-points."))
            project.setdefault("entry-points", {})[group] = dict(table)
        elif name.startswith("project."):
            project[name.removeprefix("project.")] = dict(table)
    return project


def _written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    blocks = []
    for name, table in tables.items():
        lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
        blocks.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(blocks)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    """A string, a list, or a table in a line. A JSON string is a TOML string as well, but for DEL."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        items = [_value(item) for item in value]
        flat = f"[{', '.join(items)}]"
        return flat if len(flat) <= 80 else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
