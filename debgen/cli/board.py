"""Telling of a run over a chain while it lasts: a live table on a terminal, else lines that say what is new."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from debgen.chainrun import End, Outcome
from debgen.narrate import say, told_to
from debgen.planning.chain import Link

_COLOURS = {
    End.KEPT: "green", End.BUILT: "green", End.FAILED: "red", End.BLOCKED: "red", End.LEFT: "yellow",
}  # fmt: skip


#: What a stage's text begins with: seconds since the build began, beside which the table has those of the package.
_CLOCK = re.compile(r"^\d+ s\s+")


@dataclass
class _Row:
    """What is known of one package."""

    task: str = ""
    stage: str = ""
    since: float = 0.0
    waits: tuple[str, ...] = ()
    outcome: Outcome | None = None


class Board:
    """What every package of a chain is doing now: which task, which stage of it, since when, and what it waits for."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links
        self._rows = {link.name: _Row() for link in links}
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._told = ""

    @contextmanager
    def shown(self) -> Iterator[Board]:
        """Show the board on stderr until the block ends, if that is a terminal."""
        console = Console(stderr=True, highlight=False)
        if not (console.is_terminal and sys.stderr.isatty()):
            yield self
            return
        with (
            Live(get_renderable=self._table, console=console, refresh_per_second=2, transient=True) as self._live,
            told_to(lambda line: console.print(Text(line))),
        ):
            yield self
        self._live = None

    def begins(self, name: str, task: str) -> None:
        """A package is being built or checked from now on."""
        with self._lock:
            row = self._rows[name]
            row.task, row.stage, row.since, row.waits = task, "", time.monotonic(), ()
        if not self._live:
            say(f"{name}: {task}")

    def stage(self, name: str, text: str) -> None:
        """What a package is at, inside its task."""
        with self._lock:
            self._rows[name].stage = text
        if not self._live:
            say(text)

    def rests(self, name: str) -> None:
        """A package is built, and its checks have not begun."""
        with self._lock:
            self._rows[name] = _Row(waits=("its checks",))

    def ends(self, name: str, outcome: Outcome) -> None:
        """What became of a package."""
        with self._lock:
            self._rows[name].outcome = outcome
        say(f"{name} {outcome.link.version}: {told(outcome)}")

    def waits(self, waiting: dict[str, tuple[str, ...]]) -> None:
        """What waits, and for which packages."""
        with self._lock:
            for name, needs in waiting.items():
                self._rows[name].waits = needs
            busy = [f"{name} ({row.task})" for name, row in self._rows.items() if row.task and not row.outcome]
        held = [f"{name} waits for {', '.join(needs)}" for name, needs in waiting.items() if needs]
        free = [name for name, needs in waiting.items() if not needs]
        parts = [
            f"{sum(row.outcome is not None for row in self._rows.values())} of {len(self._rows)} done",
            *([f"now: {', '.join(busy)}"] if busy else []),
            *([f"next: {', '.join(free)}"] if free else []),
            *held,
        ]
        line = "; ".join(parts)
        if not self._live and len(self._rows) > 1 and line != self._told:
            self._told = line
            say(line)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for fixed in (False, False, True, False):  # the name, what is done, since when, and the stage
            table.add_column(overflow="fold", no_wrap=fixed)
        now = time.monotonic()
        with self._lock:
            for link in self._links:
                row = self._rows[link.name]
                label = f"{link.name} {link.version}"
                if row.outcome:
                    table.add_row(label, Text(told(row.outcome), style=_COLOURS[row.outcome.end]), "")
                elif row.task:
                    table.add_row(
                        label, Text(row.task, style="bold"), f"{now - row.since:4.0f} s", _CLOCK.sub("", row.stage)
                    )
                else:
                    table.add_row(
                        label, Text(f"waits for {', '.join(row.waits)}" if row.waits else "waiting", style="dim"), ""
                    )
        return table


def told(outcome: Outcome) -> str:
    """What became of a package, in a few words."""
    summary = outcome.summary
    if summary is None:
        if outcome.end is not End.LEFT:
            return str(outcome.end.value)
        if outcome.unchecked:
            return "built, but its checks were left out, as another package failed"
        if outcome.waited_for:
            return f"left out, as it needs {', '.join(outcome.waited_for)}"
        return "left out, as another package failed"
    kept = " (nothing has changed since it was built)" if outcome.end is End.KEPT else ""
    if summary["good"]:
        return f"good{kept}"
    failed = [check["name"] for check in summary["checks"] if check["verdict"] == "fail"]
    return f"built, but not fit for upload: {', '.join(failed)}{kept}"
