"""What may begin next, of tasks that need one another. Pure bookkeeping; who runs the tasks holds the lock."""

from __future__ import annotations

from collections.abc import Mapping, Set
from enum import Enum


class State(Enum):
    """Where a task stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left out"
    """Never begun: something that it needs failed or was left out."""


class Schedule:
    """Tasks by name, with what each needs, in the order in which they are preferred."""

    def __init__(self, needs: Mapping[str, Set[str]]) -> None:
        """Every name in a set of ``needs`` is a key as well."""
        self._needs = dict(needs)
        self._states = dict.fromkeys(needs, State.WAITING)

    def state(self, name: str) -> State:
        """Where a task stands now."""
        return self._states[name]

    def ready(self) -> tuple[str, ...]:
        """The tasks that can begin, all that they need being done."""
        return tuple(name for name in self._waiting() if not self.waits_for(name))

    def waits_for(self, name: str) -> tuple[str, ...]:
        """What a task needs that isn't done, sorted."""
        return tuple(sorted(need for need in self._needs[name] if self._states[need] is not State.DONE))

    def begin(self, name: str) -> None:
        """A task that is ready begins."""
        self._states[name] = State.RUNNING

    def done(self, name: str) -> None:
        """A task has succeeded."""
        self._states[name] = State.DONE

    def failed(self, name: str) -> tuple[str, ...]:
        """A task has failed; the names of those that are left out because of it, in order."""
        self._states[name] = State.FAILED
        left: list[str] = []
        while more := [n for n in self._waiting() if any(self._gone(need) for need in self._needs[n])]:
            for other in more:
                self._states[other] = State.LEFT
            left += more
        return tuple(left)

    def stop(self) -> tuple[str, ...]:
        """Leave out all that has not begun; the names, in order."""
        left = tuple(self._waiting())
        self._states |= dict.fromkeys(left, State.LEFT)
        return left

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not any(state in (State.WAITING, State.RUNNING) for state in self._states.values())

    def _waiting(self) -> list[str]:
        return [name for name, state in self._states.items() if state is State.WAITING]

    def _gone(self, name: str) -> bool:
        return self._states[name] in (State.FAILED, State.LEFT)
