"""Running a chain: what is ready begins, side by side where it can, and all that is known is told as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from debgen.building.record import Built
from debgen.building.schedule import Schedule, State
from debgen.errors import BlockedError, DebgenError, MissingToolError, WorkspaceError
from debgen.narrate import about
from debgen.planning.chain import Chain, Link
from debgen.workshop import Made, Workshop


class End(Enum):
    """What became of a package."""

    KEPT = "kept"
    """Nothing had changed since it was built."""
    BUILT = "built"
    FAILED = "failed"
    BLOCKED = "blocked"
    """The plan says why it can't be built."""
    LEFT = "left out"
    """What it needs failed, or the run ended before."""


@dataclass(frozen=True)
class Outcome:
    """What became of a package, with its summary where it was built and the error where it was not.

    ``unchecked`` is one that is built and published, and whose checks were left out.
    """

    link: Link
    end: End
    summary: dict[str, Any] | None = None
    error: DebgenError | None = None
    waited_for: tuple[str, ...] = ()
    unchecked: bool = False

    @property
    def good(self) -> bool:
        """Whether it is built and no check failed."""
        return self.summary is not None and bool(self.summary["good"])


class Watcher(Protocol):
    """Who follows a run: each call says what happens now, from whatever thread."""

    def begins(self, name: str, task: str) -> None: ...
    def stage(self, name: str, text: str) -> None: ...
    def rests(self, name: str) -> None: ...
    def ends(self, name: str, outcome: Outcome) -> None: ...
    def waits(self, waiting: dict[str, tuple[str, ...]]) -> None: ...


#: The checks of a package: their results as plain data, from what was made.
Checker = Callable[[Made, Callable[[str], None]], Sequence[dict[str, Any]]]


W = TypeVar("W", bound=Watcher)


@dataclass
class Run(Generic[W]):
    """One run over a chain.

    ``jobs`` is how many packages are worked on at once; with ``keep_going`` a failure leaves out only what needs it.
    Of the chain, those in ``chosen`` are built; what they need besides has to be in ``before``, which are the records
    of what was built in earlier runs.
    """

    chain: Chain
    shop: Workshop
    check: Checker
    checks: tuple[str, ...]
    watcher: W
    chosen: tuple[str, ...]
    before: Mapping[str, Built]
    jobs: int = 1
    keep_going: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _built: dict[str, Built] = field(default_factory=dict)
    _made: dict[str, Made] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)

    def go(self) -> tuple[Outcome, ...]:
        """Build and check what was chosen; the outcomes in the order of the chain.

        A package that can't be built is an outcome; a missing program, a full disk and an interruption end the run
        with an error.
        """
        self.settle()
        self._run()
        return tuple(self.outcomes[link.name] for link in self.links)

    @property
    def links(self) -> tuple[Link, ...]:
        """What was chosen, in order."""
        return tuple(link for link in self.chain.links if link.name in self.chosen)

    def settle(self) -> None:
        """Find the outcome of what was built before and hasn't changed, and of what can't be built."""
        self._built |= {name: built for name, built in self.before.items() if name not in self.chosen}
        for link in self.links:
            needs = self.needs(link)
            if needs is not None and (kept := self.shop.kept(link, needs, self.checks)):
                self._built[link.name], summary = kept
                self._end(Outcome(link, End.KEPT, summary))
            elif link.obstacle:
                self._end(Outcome(link, End.BLOCKED, error=blocked(link)))

    def needs(self, link: Link) -> tuple[Built, ...] | None:
        """What was built for a link, directly and indirectly; None while something is lacking."""
        found: dict[str, Built] = {}
        for need in self._closure(link):
            if need not in self._built:
                return None
            found[need] = self._built[need]
        return tuple(found.values())

    def _closure(self, link: Link) -> tuple[str, ...]:
        return tuple(need.name for need in self.chain.closure(link.name))

    def _run(self) -> None:
        left = [link for link in self.links if link.name not in self.outcomes or self._blocks(link)]
        names = {link.name for link in left}
        needs = {f"make {link.name}": {f"make {need}" for need in link.needs & names} for link in left}
        # Checks come last where there is a choice: others wait for what is built, nobody for them.
        needs |= {f"check {link.name}": {f"make {link.name}"} for link in left}
        schedule = Schedule(needs)
        for link in left:
            if self._blocks(link):
                self._fail(schedule, f"make {link.name}", self.outcomes[link.name])
        running: dict[Future[Any], str] = {}
        with ThreadPoolExecutor(self.jobs) as pool:
            while not schedule.over:
                for task in schedule.ready()[: self.jobs - len(running)]:
                    schedule.begin(task)
                    running[pool.submit(self._task, task)] = task
                self.watcher.waits(
                    {
                        name: tuple(need.removeprefix("make ") for need in schedule.waits_for(f"make {name}"))
                        for name in (link.name for link in left)
                        if schedule.state(f"make {name}") is State.WAITING
                    }
                )
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._settle(schedule, running.pop(future), future)

    def _blocks(self, link: Link) -> bool:
        return link.name in self.outcomes and self.outcomes[link.name].end is End.BLOCKED

    def _task(self, task: str) -> Any:
        """One task in a thread of its own: build a package, or check it."""
        kind, _, name = task.partition(" ")
        link = self.chain.by_name[name]

        def tell(text: str) -> None:
            self.watcher.stage(name, text)

        with about(name):
            if kind == "make":
                self._began[name] = time.monotonic()
                self.watcher.begins(name, "building")
                return self.shop.make(link, self.needs(link) or (), tell)
            self.watcher.begins(name, "checking")
            made = self._made[name]
            with self.shop.holding(made):
                return self.shop.tell(made, self.check(made, tell), time.monotonic() - self._began[name])

    def _settle(self, schedule: Schedule, task: str, future: Future[Any]) -> None:
        name = task.partition(" ")[2]
        link = self.chain.by_name[name]
        error = future.exception()
        if error is None:
            schedule.done(task)
            result = future.result()
            if isinstance(result, Made):
                self._made[name], self._built[name] = result, result.built
                if schedule.state(f"check {name}") is State.LEFT:  # another one failed meanwhile
                    self._end(Outcome(link, End.LEFT, unchecked=True))
                else:
                    self.watcher.rests(name)
            else:
                self._end(Outcome(link, End.BUILT, result))
        elif isinstance(error, DebgenError) and not isinstance(error, (MissingToolError, WorkspaceError)):
            self._fail(schedule, task, Outcome(link, End.FAILED, error=error))
        else:
            schedule.stop()
            raise error

    def _fail(self, schedule: Schedule, task: str, outcome: Outcome) -> None:
        if outcome.link.name not in self.outcomes:
            self._end(outcome)
        left = schedule.failed(task)
        if not self.keep_going:
            left += schedule.stop()
        for other in left:
            kind, _, name = other.partition(" ")
            # A package that is built and whose checks are stopped has no summary, and the next run makes it.
            if name not in self.outcomes and (kind == "make" or name in self._made):
                link = self.chain.by_name[name]
                self._end(Outcome(link, End.LEFT, waited_for=self._lacking(name), unchecked=name in self._made))

    def _lacking(self, name: str) -> tuple[str, ...]:
        return tuple(need for need in self._closure(self.chain.by_name[name]) if need not in self._built)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes[outcome.link.name] = outcome
        self.watcher.ends(outcome.link.name, outcome)


def blocked(link: Link) -> BlockedError:
    """The error of a package that the plan says can't be built."""
    return BlockedError(
        f"{link.name} {link.version} can't be built: {link.obstacle}",
        hint=f"`debgen why` tells more; recipes can relax or drop what {link.name} needs, each with a reason.",
    )
