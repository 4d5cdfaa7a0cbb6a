"""Reading a log of sbuild or autopkgtest for a reviewer: how long what took, which tests ran, which warnings matter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from debgen.review.document import counted, plain

#: The most bytes of a log that are read: its end, where the results are.
_MOST_BYTES = 32 << 20
_STAGES = {
    "Install-Time": "installing the build dependencies",
    "Build-Time": "building and testing",
    "Package-Time": "all together",
}
_PYTHON = re.compile(r"platform \S+ -- Python (?P<version>[\d.]+\w*),.*|.*; (?:\S*/)?python(?P<short>3\.\d+)\S* .*")
_PYTEST = re.compile(r"=+ (?P<counts>.*\b\d+ (?:passed|failed|skipped|errors?|deselected|xfailed)\b.*?) in .*=+")
_UNITTEST = re.compile(r"Ran (?P<count>\d+) tests? in .*")
_SMOKE = re.compile(r"I: pybuild \S+ .*/debian/tests/smoke")
_SMOKE_SAYS = re.compile(r"imported \S+|ran \S+ --help")
_WARNING = re.compile(
    r"(?:dpkg-\w+|dh_\w+|dpkg-shlibdeps): warning: .*|.*\b(?:Setuptools)?DeprecationWarning: .*|.*\bSyntaxWarning: .*"
    r"|W: .*|E: .*"
)
_COMPILER = re.compile(r"\S+:\d+(?::\d+)?: warning: .*\[(?P<flag>-W[\w=+-]+)\]")
#: Matters of style, and what will be wrong some day: nothing that a reviewer of this upload can judge.
_STYLE = re.compile(
    r"-W(?:deprecated|unused|sign-compare|missing-field|cast-function-type|pedantic|extra|unknown-pragmas|comment).*"
)
#: What every build says, whatever is built, and what other packages are warned of.
_IDLE = re.compile(
    r".*(?:extracting unsigned source package|unusual owner or group|ignoring \d+ warnings? about the control file"
    r"|substitution variable \$\{misc:Depends\} used, but is not defined|APT-USER-FALLBACK|apt-key is deprecated).*"
    r"|\s*/usr/lib/python3\S*:\d+: .*"
)


@dataclass(frozen=True)
class TestRun:
    """One run of tests: by which Python, and the counts as the runner wrote them; ``smoke`` for debgen's own."""

    __test__ = False  # for pytest: no test class

    python: str
    counts: str
    smoke: bool = False


@dataclass(frozen=True)
class LogFacts:
    """What a log says. ``stages`` are (what, seconds); ``warnings`` are distinct, in the log's order."""

    stages: tuple[tuple[str, int], ...]
    tests: tuple[TestRun, ...]
    warnings: tuple[str, ...]
    tail: tuple[str, ...]
    lines: int
    status: str


def read_log(path: Path, *, tail: int = 60) -> LogFacts:
    """Read a log, its end of a huge one; OSError where it can't be read."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _MOST_BYTES))
        text = stream.read().decode("utf-8", "replace")
    lines = [plain(line.rstrip("\r")) for line in text.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    told = dict(re.findall(r"^([A-Z][A-Za-z-]+): (.*)$", "\n".join(lines[-60:]), re.MULTILINE))
    stages = tuple((words, int(told[key])) for key, words in _STAGES.items() if told.get(key, "").isdigit())
    return LogFacts(
        stages, tuple(_tests(lines)), tuple(_warnings(lines)), tuple(lines[-tail:]), len(lines), told.get("Status", "")
    )


def _tests(lines: Sequence[str]) -> Iterator[TestRun]:
    python, smoke, said = "", False, 0
    for number, line in enumerate(lines):
        if (found := _PYTHON.fullmatch(line)) or line.startswith("I: pybuild"):
            if smoke and said:
                yield TestRun(python, f"the smoke test said {said} times that something works", smoke=True)
            smoke, said = bool(_SMOKE.match(line)), 0
            python = (found["version"] or found["short"]) if found else python
        elif smoke and _SMOKE_SAYS.fullmatch(line):
            said += 1
        elif found := _PYTEST.fullmatch(line):
            yield TestRun(python, found["counts"])
        elif found := _UNITTEST.fullmatch(line):
            end = next((later for later in lines[number + 1 : number + 4] if re.match(r"OK|FAILED", later)), "")
            yield TestRun(python, f"{found['count']} run, {end}".rstrip(", "))
        elif line.startswith("   dh_") and smoke:
            if said:
                yield TestRun(python, f"the smoke test said {said} times that something works", smoke=True)
            smoke, said = False, 0


def _warnings(lines: Sequence[str]) -> Iterator[str]:
    seen = set()
    flags: Counter[str] = Counter()
    for line in lines:
        if found := _COMPILER.fullmatch(line):
            if not _STYLE.fullmatch(found["flag"]):
                flags[found["flag"]] += 1
        elif _WARNING.fullmatch(line) and not _IDLE.fullmatch(line) and line not in seen:
            seen.add(line)
            yield line
    for flag, count in flags.most_common():
        yield f"the compiler warned {counted(count, 'time')} of {flag}"
