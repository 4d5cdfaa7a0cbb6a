"""Reading sbuild's log: which stage it is in, and which lines say what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# Newer releases of sbuild put the time at the end of the line.
_HEADER = re.compile(r"\| (?P<title>[A-Z][A-Za-z ]*?)(?:  .*| )\|")
_HEADERS = {
    "Update chroot": "updating the chroot",
    "Fetch source files": "copying the source into it",
    "Install package build dependencies": "installing build dependencies",
    "Build": "starting the build",
    "Post Build": "collecting the result",
    "Cleanup": "removing the chroot",
}
_STEPS = {
    "dh_auto_configure": "configuring",
    "dh_auto_build": "building",
    "dh_auto_test": "running upstream's tests",
    "dh_auto_install": "installing into debian/",
    "dh_builddeb": "making the .deb",
}
_STEP = re.compile(r"\s+(dh_auto_configure|dh_auto_build|dh_auto_test|dh_auto_install|dh_builddeb)\b")
_REPEAT_AFTER = 10.0


class Progress:
    """Turns lines of sbuild's output into narration: at each change of stage, and at times while one lasts."""

    def __init__(self, label: str, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._label = label
        self._say = say
        self._clock = clock
        self._start = clock()
        self._told = self._start
        self._stage = ""

    def feed(self, line: str) -> None:
        """Take one line of the log."""
        stage = stage_of(line)
        now = self._clock()
        if (stage and stage != self._stage) or (self._stage and now - self._told >= _REPEAT_AFTER):
            self._stage = stage or self._stage
            self._told = now
            self._say(f"{self._label}: {now - self._start:4.0f} s  {self._stage}")


def stage_of(line: str) -> str:
    """The stage that ``line`` opens, or nothing."""
    if "Unpacking" in line and " to " in line and "tmp.sbuild" in line:
        return "unpacking the chroot"
    header = _HEADER.fullmatch(line)
    if header:
        return _HEADERS.get(header["title"], "")
    step = _STEP.match(line)
    return _STEPS[step[1]] if step else ""


# From the most to the least telling; within one kind, the last place in the log counts.
_ANCHORS = (
    # Build dependencies that can't be installed: apt says which, from the first line of its explanation on.
    re.compile(
        r"The following packages have unmet dependencies:|Unsatisfied dependencies:|.*Unable to correct problems"
    ),
    # pytest and unittest sum up at their end.
    re.compile(r"=+ short test summary info =+|FAILED \((failures|errors).*\)|ImportError: .*|ERROR: .* not found"),
    # The line before make's.
    re.compile(r"(dh_\w+|dpkg-source|dpkg-\w+|pybuild\w*|E: pybuild.*): error: .*|E: (?!Build failure).*"),
    re.compile(r"make(\[\d+\])?: \*\*\* .*"),
)
_END = re.compile(r"Build finished at .*|\| (Cleanup|Post Build)  .*\|")
_NOISE = re.compile(r"-+|\+-+\+|\s*|Get:\d+ .*|Fetched .*")


def error_excerpt(lines: Sequence[str], count: int = 15) -> tuple[str, ...]:
    """The ``count`` lines of a failed build's log that say what went wrong."""
    end = next((i for i, line in enumerate(lines) if _END.fullmatch(line)), len(lines))
    body = [line.rstrip() for line in lines[:end]]
    body = [line for line in body if not _NOISE.fullmatch(line)]
    for number, anchor in enumerate(_ANCHORS):
        places = [i for i, line in enumerate(body) if anchor.match(line)]
        if not places:
            continue
        if number == 0:
            return tuple(body[places[0] : places[0] + count])
        # What leads to the last such line, and what follows it at once.
        last = min(places[-1] + (count // 2 if number == 1 else 2), len(body))
        return tuple(body[max(0, last - count) : last])
    return tuple(body[-count:])
