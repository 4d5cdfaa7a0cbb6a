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


_END = re.compile(r"Build finished at .*|\| (Cleanup|Post Build)  .*\|")
_NOISE = re.compile(
    r"-+|\+-+\+|\s*|Get:\d+ .*|Fetched .*|make\[\d+\]: (Entering|Leaving) directory .*|TIP pass --env-dir .*"
    r"|(copying|creating|adding|running|writing|reading|removing) [\w./'-]+( .*)?|I: pybuild .*|\s+[~^|]+"
)
#: Where other tools than the tests say what is wrong, and how many of the lines after it belong to it.
_TELLING = (
    (re.compile(r"[^\s:]+:\d+(:\d+)?: (fatal )?error: .*|.*\bcannot find -l\S+.*|.*undefined reference to .*"), 2),
    (re.compile(r"CMake Error( at .*|: .*)"), 5),
    (re.compile(r"\S*meson\.build:\d+:\d+: ERROR: .*|error(\[E\d+\])?: (?!Command |command ).*|fatal: .*"), 2),
    (re.compile(r".*: error: unrecognized arguments: .*|ERROR: (Unknown|not found).*|=+ no tests ran .*"), 1),
    (re.compile(r"(?!E  )([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|NotFound|Unavailable|Exit)(: .*)?"), 0),
    (re.compile(r"dh(_\w+)?: (warning: .* missing files: .*|warning: .* is not installed to anywhere.*|error: .*)"), 0),
    (
        re.compile(
            r"make(\[\d+\])?: (?!\*\*\*)\S+: .*|/bin/\w*sh: .*|\w+: .*(No such file or directory|left on device)"
        ),
        0,
    ),
    (re.compile(r"ERROR (Backend '.*' is not available|Missing dependencies).*|.*out of memory.*|Killed|Aborted"), 3),
)
_BEGINS = re.compile(r"   dh_\w+\b.*")
_WIDTH = 200
_UNMET = re.compile(r"The following packages have unmet dependencies:|Unsatisfied dependencies:|E: Unable to .*")
_PYTEST = re.compile(r"=+ short test summary info =+")
_PYTEST_DETAIL = re.compile(r"_{3,} .* _{3,}|E  .*|\S+\.py:\d+: (?!in )\w+.*")
_PYTEST_SUMMARY = re.compile(r"(FAILED|ERROR) .*")
_PYTEST_END = re.compile(r"=+ .*\b(failed|error).* =+")
# What other tools say last, from the most to the least telling, and how many lines after it to show.
_LAST_WORDS = (
    (re.compile(r"FAILED \((failures|errors).*\)"), 3),  # unittest
    (re.compile(r"(dh_\w+|dpkg-\w+|E: pybuild.*): error: .*|E: (?!Build failure).*|make(\[\d+\])?: \*\*\* .*"), 2),
)


def error_excerpt(lines: Sequence[str], count: int = 15) -> tuple[str, ...]:
    """At most ``count`` lines of a failed build's log: those that say what went wrong."""
    end = next((i for i, line in enumerate(lines) if _END.fullmatch(line)), len(lines))
    body = [line.rstrip() for line in lines[:end] if not _NOISE.fullmatch(line.rstrip())]
    # Build dependencies that can't be installed: apt tells the story from its first line on.
    unmet = next((i for i, line in enumerate(body) if _UNMET.fullmatch(line)), None)
    if unmet is not None:
        return tuple(body[unmet : unmet + count])
    pytest = next((i for i, line in enumerate(body) if _PYTEST.fullmatch(line)), None)
    if pytest is not None:
        # The first failure in detail without its source code, the list of failures, their number; of the first
        # version of Python that failed, since the next one says the same again.
        last = next((i for i, line in enumerate(body) if i > pytest and _PYTEST_END.fullmatch(line)), len(body) - 1)
        details = [line for line in body[:pytest] if _PYTEST_DETAIL.fullmatch(line)]
        failures = [line for line in body[pytest:last] if _PYTEST_SUMMARY.fullmatch(line)][: count // 2]
        return (*details[: count - len(failures) - 1], *failures, body[last])
    if told := _telling(body, count):
        return told
    for words, after in _LAST_WORDS:
        places = [i for i, line in enumerate(body) if words.fullmatch(line)]
        if places:
            last = places[-1] + after
            return tuple(body[max(0, min(last, len(body)) - count) : last])
    return tuple(body[-count:])


def _telling(body: Sequence[str], count: int) -> tuple[str, ...]:
    """What tools call an error in the step of debhelper that failed, each line once, and how that step ended."""
    start = next((i for i in range(len(body) - 1, -1, -1) if _BEGINS.fullmatch(body[i])), 0)
    step = body[start:]
    end = next(
        (i for i, line in enumerate(step) if re.match(r"dpkg-buildpackage: error: |make: \*\*\* ", line)), len(step)
    )
    told: dict[str, None] = {}
    until = -1
    for number, line in enumerate(step[:end]):
        if told and line.startswith("E: pybuild "):  # the next version of Python says the same again
            break
        after = next((after for words, after in _TELLING if words.fullmatch(line)), -1)
        until = max(until, number + after) if after >= 0 else until
        if number <= until:
            told.setdefault(line if len(line) <= _WIDTH else f"{line[:_WIDTH]} …")
    if not told:
        return ()
    last = [line for line in step[end : end + 1] if line not in told]
    return (*tuple(told)[: count - len(last)], *last)
