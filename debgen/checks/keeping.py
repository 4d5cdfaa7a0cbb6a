"""Results of checks on disk, each with a hash of what it was made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from debgen.building.checked import Checked, as_data, from_data
from debgen.checks.subject import Subject
from debgen.workspace import write_atomically

SCHEMA = 1


def inputs_of(subject: Subject) -> str:
    """A hash over all that decides the verdicts: the files, the suite's state, the local repository's, settings."""
    digest = hashlib.sha256()
    for path in subject.listed():
        with path.open("rb") as stream:
            digest.update(f"{path.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    index, source, upstream = subject.index, subject.source, subject.upstream
    wheel = upstream.wheel if upstream else None
    state = {
        "schema": SCHEMA,
        "inputs": subject.inputs,
        "suite": [index.codename, index.architecture, index.date.isoformat(), subject.store.mirror.uri],
        "source": source.state if source else "",
        "local": [path.name for path in subject.local],
        "wheel": [wheel.filename, wheel.sha256] if wheel else [],
        "lacks": [[line.path, line.reason] for line in upstream.lacks] if upstream else None,
        "itp": subject.itp,
        "distribution": subject.distribution,
    }
    digest.update(json.dumps(state, sort_keys=True).encode())
    return digest.hexdigest()


def keep(file: Path, inputs: str, check: Checked) -> None:
    """Write a result down; all of it or nothing."""
    data = {"schema": SCHEMA, "inputs": inputs, "check": as_data(check)}
    write_atomically(file, json.dumps(data, indent=2).encode() + b"\n")


def kept_result(file: Path, inputs: str) -> Checked | None:
    """The result in ``file``, if it was made from ``inputs`` and its log is still there.

    The log stands in the folder above that of ``file``, also where both have been moved or copied since.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if (data["schema"], data["inputs"]) != (SCHEMA, inputs):
            return None
        check = from_data(data["check"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if check.log is None:
        return check
    log = file.parent.parent / check.log.name
    return replace(check, log=log) if log.is_file() else None
