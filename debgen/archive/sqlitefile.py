"""SQLite files that are written in one step: a reader sees the old file or the new one."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debgen.errors import WorkspaceError
from debgen.workspace import disk_errors, make_directory


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside ``target``, which takes its place where the block succeeds, and is gone where it fails.

    Raises WorkspaceError where the disk is full.
    """
    make_directory(target.parent)
    with disk_errors(target):
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        try:
            yield Path(name)
            os.chmod(name, 0o644)
            os.replace(name, target)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE):
                raise
            raise WorkspaceError(
                f"the disk is full while writing {target}", hint="Free some space and run the command again."
            ) from None
        finally:
            Path(name).unlink(missing_ok=True)
