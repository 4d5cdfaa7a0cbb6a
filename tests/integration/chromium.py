"""Drives Debian's Chromium without a window, over the DevTools protocol on a pair of pipes.

Chromium reads commands from its file descriptor 3 and writes answers and events to 4, each a JSON object that ends
with a NUL byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",  # it runs as root, and in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0
"""Seconds to wait for an answer."""


class Browser:
    """A running Chromium with one page; ``events`` has every event of the page so far."""

    def __init__(self, pid: int, commands: int, answers: int) -> None:
        self._pid = pid
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []

    def start(self) -> None:
        """Open the page and listen to all that it reports."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; RuntimeError where Chromium reports a failure."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        answer = self._until(lambda m: m.get("id") == self._number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Go to ``url`` and wait until it is loaded; the events before are forgotten."""
        self._load("about:blank")  # else an address that differs in its fragment only would not be loaded
        self.events.clear()
        self._load(url)

    def _load(self, url: str) -> None:
        loader = self.call("Page.navigate", url=url)["loaderId"]

        def loaded(message: Mapping[str, Any]) -> bool:
            of = message.get("params", {})
            return message.get("method") == "Page.lifecycleEvent" and of["loaderId"] == loader and of["name"] == "load"

        if not any(loaded(event) for event in self.events):
            self._until(loaded)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def settle(self) -> None:
        """Wait until the page has drawn itself twice, so that all events of what happened are handled."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def click(self, expression: str) -> None:
        """Click with the mouse where the element that ``expression`` gives is visible."""
        box = self.evaluate(
            f"(() => {{ const e = {expression}; e.scrollIntoView({{block: 'center', inline: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        self.settle()

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)
        self.settle()

    def press(self, key: str, code: int) -> None:
        """Press one key, by its name and its Windows virtual key code; Enter and space make their character."""
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.settle()

    def window(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Set the size of the window in pixels, and the colour scheme that the user prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.settle()

    def screenshot(self, path: Path, *, tallest: int = 0) -> None:
        """Write what the window shows as PNG; with ``tallest``, the page from its top, down to that many pixels."""
        extra: dict[str, Any] = {}
        if tallest:
            width, height = self.evaluate("[innerWidth, document.documentElement.scrollHeight]")
            clip = {"x": 0, "y": 0, "width": width, "height": min(height, tallest), "scale": 1}
            extra = {"captureBeyondViewport": True, "clip": clip}
        answer = self.call("Page.captureScreenshot", format="png", **extra)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def complaints(self) -> list[str]:
        """Exceptions, errors and warnings on the console, violations of the page's policy, failed requests."""
        found = []
        for event in self.events:
            match event["method"], event["params"]:
                case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                    found.append(f"exception: {details}")
                case "Runtime.consoleAPICalled", {"type": kind, "args": words}:
                    found.append(f"console.{kind}: {words}")
                case "Log.entryAdded", {"entry": entry}:
                    found.append(f"log: {entry['level']}: {entry['text']}")
                case "Page.javascriptDialogOpening", {"message": message}:
                    found.append(f"dialog: {message}")
                case _:
                    continue
        return found

    def requests(self) -> list[str]:
        """The addresses that the page asked for since it was opened; its own comes first."""
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def _until(self, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._buffer:
                raw, self._buffer = self._buffer.split(b"\0", 1)
                message: dict[str, Any] = json.loads(raw)
                if "method" in message:
                    self.events.append(message)
                if wanted(message):
                    return message
            if not select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"Chromium did not answer within {PATIENCE:.0f} s")
            data = os.read(self._answers, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has ended")
            self._buffer += data

    def end(self) -> None:
        """Ask Chromium to end, and end what is left of it."""
        self._session = ""
        with suppress(OSError, RuntimeError, TimeoutError):
            self.call("Browser.close")
        deadline = time.monotonic() + 10
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.killpg(self._pid, signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.05)
        os.close(self._commands)
        os.close(self._answers)


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A Chromium that keeps everything it writes in ``folder``, for as long as the context lasts."""
    program = shutil.which("chromium")
    assert program, "chromium is not installed"
    pipes = [os.pipe(), os.pipe()]
    # Away from 3 and 4, so that putting one end there doesn't overwrite another.
    ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for pair in pipes for fd in pair]
    for fd in (fd for pair in pipes for fd in pair):
        os.close(fd)
    its_input, commands, answers, its_output = ends
    log = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    pid = os.posix_spawn(
        program,
        [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, its_input, 3),
            (os.POSIX_SPAWN_DUP2, its_output, 4),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ],
        setsid=True,
    )
    for fd in (its_input, its_output, log):
        os.close(fd)
    browser = Browser(pid, commands, answers)
    try:
        browser.start()
        yield browser
    finally:
        browser.end()
