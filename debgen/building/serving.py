"""Serving the repository over HTTP: one state of it to this machine's chroots, or the newest to other machines.

A chroot can't see the folders of the host, but it can reach the host's loopback while apt works in it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from debgen.building.repository import Repository
from debgen.building.source import ExtraSource
from debgen.errors import UsageError

#: What gives the folders to look for a file in, the first that has it counts.
Folders = Callable[[], tuple[Path, ...]]


class _Handler(SimpleHTTPRequestHandler):
    """Files of folders that may change from one request to the next."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for which a connection may be idle

    def __init__(self, *args: Any, folders: Folders, tell: Callable[[str], None] | None, **kwargs: Any) -> None:
        self._folders = folders
        self._tell = tell
        super().__init__(*args, **kwargs)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Tell of a request where somebody wants to hear it."""
        if self._tell is not None:
            told = (format % args).encode("ascii", "backslashreplace").decode()  # what was asked for is anybody's text
            self._tell(f"{self.address_string()} {told}")

    def translate_path(self, path: str) -> str:
        """The file in the newest folder that has it: an index or a package may be asked for by an older name."""
        found = ""
        for folder in self._folders():
            self.directory = str(folder)
            found = super().translate_path(path)
            if os.path.exists(found):
                break
        return found or os.devnull

    def send_head(self) -> Any:
        """As the base class, but what changes is never called unmodified: its times are of whole seconds."""
        if "/pool/" not in self.path:
            del self.headers["If-Modified-Since"]
        return super().send_head()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is nothing to tell of."""


def server(
    folders: Folders, *, address: str = "127.0.0.1", port: int = 0, tell: Callable[[str], None] | None = None
) -> ThreadingHTTPServer:
    """A server of the files in ``folders``; ``port`` 0 is any free one. UsageError where it can't have the address."""
    kind = type("_Family", (_Server,), {"address_family": socket.AF_INET6 if ":" in address else socket.AF_INET})
    try:
        found: ThreadingHTTPServer = kind((address, port), partial(_Handler, folders=folders, tell=tell))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"can't serve at {address}, port {port}: {getattr(error, 'strerror', None) or error}",
            hint="Choose another --address of this machine, or another --port (0 is any free one).",
        ) from None
    return found


def newest_states(repository: Repository) -> Folders:
    """The newest state of ``repository`` and then the older ones, as of each call.

    So who asks for what an older index names still gets it.
    """

    def folders() -> tuple[Path, ...]:
        current = repository.current
        return (current, *(path for path in reversed(repository.states()) if path != current)) if current else ()

    return folders


@contextmanager
def served(repository: Repository) -> Iterator[ExtraSource | None]:
    """The newest state of ``repository`` as a source for chroots, until the block ends; None where it is empty.

    A state never changes, so what is added meanwhile isn't seen.
    """
    with repository.reading() as state:
        if state is None:
            yield None
            return
        with server(lambda: (state,)) as http:
            thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                port = http.server_address[1]
                yield ExtraSource(f"http://127.0.0.1:{port}/", repository.suite, state / "key.asc", state.name)
            finally:
                http.shutdown()
                thread.join()
