"""A source-only .changes: what is uploaded where the archive builds the binaries itself.

It is made from the .dsc and the debian/ that its own tarball holds, by dpkg-genchanges; nothing of upstream's is
unpacked or run. It lists no .buildinfo: one of a source-only upload records the machine where it was made, which
nothing was built on, and the archive does without (dgit makes none either). A new package passes NEW with its
binaries (Developer's Reference 5.9.1): then the .changes of the build is the one to upload.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from debgen.building.changes import listed_files
from debgen.errors import BuildError, WorkspaceError
from debgen.run import Runner, run
from debgen.upstream.sdist import unpack
from debgen.workspace import write_atomically


def source_changes(
    dsc: Path, out: Path | None = None, run: Runner = run, *, with_orig: bool | None = None, since: str = ""
) -> Path:
    """Write ``SOURCE_VERSION_source.changes`` for ``dsc`` into ``out`` (its own folder), and give its path.

    ``with_orig`` says whether the upstream tarball is uploaded: by default where the changelog's entry before has
    another upstream version or there is none, which is right unless the archive has never seen that entry. Changes
    after the version ``since`` are listed, by default those of the newest entry. Raises WorkspaceError where a file
    of the .dsc is missing, BuildError where it has no debian/, MissingToolError and CommandError.
    """
    names = listed_files(dsc)
    if lost := [name for name in names if not (dsc.parent / name).is_file()]:
        raise WorkspaceError(f"{dsc.name} lists {lost[0]}, which isn't beside it", hint="Generate the package again.")
    packed = next((name for name in names if ".debian.tar." in name), "")
    if not packed:
        raise BuildError(f"{dsc.name} has no tarball of debian/", hint="It must be of the format 3.0 (quilt).")
    orig = {None: (), True: ("-sa",), False: ("-sd",)}[with_orig]
    with tempfile.TemporaryDirectory(prefix="debgen-changes-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(dsc.parent / packed, tree / "debian")  # the archive's only folder is debian/
        told = run(
            ["dpkg-genchanges", "--build=source", *orig, *([f"-v{since}"] if since else []), "-q", f"-u{dsc.parent}"],
            cwd=tree,
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC", "DEB_HOST_ARCH": "", "DEB_CHANGES_OPTIONS": ""},
        ).stdout
    target = (out or dsc.parent) / f"{dsc.stem}_source.changes"
    write_atomically(target, told.encode())
    return target
