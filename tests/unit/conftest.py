"""Unit tests touch neither the network nor other programs; this makes a test that tries to, fail."""

from __future__ import annotations

import socket
import subprocess
import threading
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# The same examples each time and on any machine: a test fails where the code changed, not where luck did.
settings.register_profile("debgen", derandomize=True, deadline=None)
settings.load_profile("debgen")


@pytest.fixture(autouse=True)
def closed_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def no_process(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError(f"a unit test started a process: {args[:1]}")

    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_UNIX or (isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")):
            return real_connect(self, address)
        raise AssertionError(f"a unit test opened a connection to {address}")

    monkeypatch.setattr(subprocess.Popen, "__init__", no_process)
    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("debgen.run._ending", threading.Event())  # an interruption is the end of its own test only
