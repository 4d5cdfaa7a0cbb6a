"""Reading .dsc and .changes files, and making a .changes that lists source and binaries.

A new package is uploaded with both (Debian Developer's Reference 5.9.1 and the NEW queue's rules). sbuild could
build the source again and list that, but then the .dsc that is checked would not be the one that was generated.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from debian.deb822 import Changes, Dsc

from debgen.errors import BuildError
from debgen.workspace import write_atomically

_CHECKSUMS = {"Checksums-Sha1": "sha1", "Checksums-Sha256": "sha256", "Files": "md5"}
_NAME_OF_FIELD = {"Checksums-Sha1": "sha1", "Checksums-Sha256": "sha256", "Files": "md5sum"}


def listed_files(path: Path) -> tuple[str, ...]:
    """The names of the files that a .dsc or .changes lists; each a plain name, or a BuildError is raised."""
    text = path.read_text(encoding="utf-8")
    parsed = Dsc(text) if path.suffix == ".dsc" else Changes(text)
    names = tuple(entry["name"] for entry in parsed.get("Files", []))
    for name in names:
        if not name or "/" in name or name.startswith("."):
            raise BuildError(f"{path.name} lists a file with an impossible name: {name!r}")
    return names


def complete_changes(changes: Path, dsc: Path) -> None:
    """Add the source package ``dsc`` to the binary-only ``changes``, as mergechanges(1) of devscripts does."""
    content = Changes(changes.read_text(encoding="utf-8"))
    if "source" in content["Architecture"].split():
        return
    content["Architecture"] = f"source {content['Architecture']}"
    first = content["Files"][0]
    for field, algorithm in _CHECKSUMS.items():
        entries = []
        for name in (dsc.name, *listed_files(dsc)):
            path = dsc.parent / name
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, algorithm).hexdigest()
            entry = {_NAME_OF_FIELD[field]: digest, "size": str(path.stat().st_size), "name": name}
            if field == "Files":
                entry |= {"section": first["section"], "priority": first["priority"]}
            entries.append(entry)
        content[field] = entries + list(content[field])  # type: ignore[assignment]  # a multi-valued field
    write_atomically(changes, content.dump().encode())
