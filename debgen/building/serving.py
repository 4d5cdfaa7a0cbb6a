"""Serving a state of the repository over HTTP to this machine's chroots, as long as something is built in them.

A chroot can't see the folders of the host, but it can reach the host's loopback while apt works in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from debgen.building.repository import Repository
from debgen.building.source import ExtraSource


class _Handler(SimpleHTTPRequestHandler):
    """Files of a folder, without a word on stderr."""

    protocol_version = "HTTP/1.1"
    tell: Callable[[str], None] | None = None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Tell of a request where somebody wants to hear it."""
        if self.tell is not None:
            self.tell(format % args)


def server(directory: Path, *, address: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A server of the files in ``directory``; ``port`` 0 is any free one."""
    found = ThreadingHTTPServer((address, port), partial(_Handler, directory=str(directory)))
    found.daemon_threads = True
    return found


@contextmanager
def served(repository: Repository) -> Iterator[ExtraSource | None]:
    """The newest state of ``repository`` as a source for chroots, until the block ends; None where it is empty.

    A state never changes, so what is added meanwhile isn't seen.
    """
    state = repository.current
    if state is None:
        yield None
        return
    with server(state) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            port = http.server_address[1]
            yield ExtraSource(f"http://127.0.0.1:{port}/", repository.suite, repository.key, state.name)
        finally:
            http.shutdown()
            thread.join()
