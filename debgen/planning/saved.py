"""Plans in files: what ``debgen plan --save`` writes is read again, strictly, by whoever compares with it.

The file is the plan's JSON as it is printed, with two more keys: ``saved``, the time at which it was written, and
``quick``, how deep it looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from debgen.errors import UsageError
from debgen.workspace import write_atomically

SCHEMA = 2
_REMEDY = "Make it anew with `debgen plan NAME --save FILE`."
_Check = Callable[[Any], bool]


def save(path: Path, document: Mapping[str, Any], *, saved: datetime | None = None, quick: bool | None = None) -> None:
    """Write the plan's JSON ``document`` to ``path`` in one step.

    ``saved`` is the time, with its zone; ``quick`` says that the plan knows requirements at run time only. Each is
    kept if it is given. WorkspaceError where the file can't be written.
    """
    more: dict[str, Any] = {"saved": saved.isoformat(timespec="seconds")} if saved else {}
    more |= {"quick": quick} if quick is not None else {}
    write_atomically(path, json.dumps({**document, **more}, indent=2, ensure_ascii=False).encode() + b"\n")


def load(path: Path) -> dict[str, Any]:
    """The plan in ``path``, with every key that a comparison reads in its place.

    UsageError, naming the place in the file, where it isn't a plan of this schema.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}", hint=_REMEDY) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", hint=_REMEDY) from None
    if not isinstance(document, dict) or "schema" not in document:
        raise UsageError(f"{path} is JSON, but not a plan: it has no schema", hint=_REMEDY)
    if document["schema"] != SCHEMA:
        raise UsageError(
            f"{path} has schema {document['schema']!r}; this version of debgen reads {SCHEMA}", hint=_REMEDY
        )
    problem = _problem(document, _PLAN, "the plan")
    if not problem and "saved" in document and not _date(document["saved"]):
        problem = f"the plan, 'saved' is {document['saved']!r}"
    if not problem and not _texts(document.get("borrow", [])):
        problem = f"the plan, 'borrow' is {document['borrow']!r}"
    if not problem and all(node["name"] != document["root"] for node in document["distributions"]):
        problem = f"it has no distribution named {document['root']}"
    if problem:
        raise UsageError(f"{path} is not a plan that debgen wrote: {problem}", hint=_REMEDY)
    return document


def is_quick(plan: Mapping[str, Any]) -> bool:
    """Whether a plan knows requirements at run time only; where it doesn't say so, by what it has.

    Every source that is packaged needs something to build.
    """
    if isinstance(plan.get("quick"), bool):
        return bool(plan["quick"])
    nodes = plan["distributions"]
    work = any(node["needed"] and node["decision"] in ("package", "update") for node in nodes)
    return work and not any(asked["kind"] == "build" for node in nodes for asked in node["required_by"])


def _text(value: object) -> bool:
    return isinstance(value, str)


def _version(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Version(value))
    except InvalidVersion:
        return False


def _date(value: object) -> bool:
    """A moment with its time zone, so that two can be compared."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _boolean(value: object) -> bool:
    return isinstance(value, bool)


def _any(*checks: _Check) -> _Check:
    return lambda value: any(check(value) for check in checks)


def _none(value: object) -> bool:
    return value is None


class _Each:
    """A list, each of whose entries has these keys."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self.keys = keys


class _Or:
    """None, or a table with these keys."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        self.keys = keys


_MATCH = {"package": _text, "source": _text, "version": _text, "upstream_version": _version, "component": _text}
_ASKED = {
    "name": _any(_none, _text), "specifier": _text, "extras": _texts, "kind": _text, "extra": _text,
    "verdict": _text, "decision": _any(_none, _text), "counts": _boolean,
}  # fmt: skip
_NODE = {
    "name": _text, "version": _version, "verdict": _text, "decision": _text, "reason": _text, "needed": _boolean,
    "required_by": _Each(_ASKED), "debian": _Or(_MATCH),
}  # fmt: skip
_PLAN = {
    "root": _text, "requirement": _text, "variant": _Or({"name": _text}), "suite": _text, "suite_date": _date,
    "python": _text, "architecture": _text, "distributions": _Each(_NODE),
}  # fmt: skip


def _problem(value: object, keys: Mapping[str, Any], place: str) -> str:
    """What is wrong with a table that should have ``keys``, or '' where nothing is."""
    if not isinstance(value, dict):
        return f"{place} is not a table"
    for key, form in keys.items():
        if key not in value:
            return f"{place} has no {key!r}"
        found = _in_key(value[key], form, f"{place}, {key!r}")
        if found:
            return found
    return ""


def _in_key(value: object, form: Any, place: str) -> str:
    match form:
        case _Or():
            return "" if value is None else _problem(value, form.keys, place)
        case _Each():
            if not isinstance(value, list):
                return f"{place} is not a list"
            found = (_problem(part, form.keys, f"{place}, entry {n}") for n, part in enumerate(value, 1))
            return next((problem for problem in found if problem), "")
        case _:
            return "" if form(value) else f"{place} is {value!r}"
