"""Where in the log of a failed build to look: the stage that failed, and the lines that it printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Stage(Enum):
    """What a build was at when it failed, in words for people."""

    UNPACK = "unpacking the source"
    BUILD_DEPENDS = "installing build dependencies"
    CLEAN = "cleaning the tree"
    CONFIGURE = "configuring"
    BUILD = "building"
    TESTS = "running upstream's tests"
    INSTALL = "installing into debian/"
    BINARY = "making the binary packages"
    OTHER = "building the package"


@dataclass(frozen=True)
class Failed:
    """The stage that failed, its command of debhelper (empty where none is named), and the lines it printed."""

    stage: Stage
    command: str
    lines: tuple[str, ...]


_STAGES = {
    "dh_auto_clean": Stage.CLEAN,
    "dh_clean": Stage.CLEAN,
    "dh_auto_configure": Stage.CONFIGURE,
    "dh_auto_build": Stage.BUILD,
    "dh_auto_test": Stage.TESTS,
    "dh_auto_install": Stage.INSTALL,
    "dh_install": Stage.INSTALL,
    "dh_missing": Stage.INSTALL,
}
_SBUILD = {
    "install-deps": Stage.BUILD_DEPENDS,
    "explain-bd-uninstallable": Stage.BUILD_DEPENDS,
    "install-deps-env": Stage.BUILD_DEPENDS,
    "unpack": Stage.UNPACK,
    "fetch-src": Stage.UNPACK,
    "unpack-check": Stage.UNPACK,
}
_FAIL_STAGE = re.compile(r"Fail-Stage: (\S+)")
_END = re.compile(r"Build finished at .*|\| (Cleanup|Post Build|Summary)\s.*\|")
#: What make says of the target in debian/rules that failed, and what a command of debhelper says of itself.
_TARGET = re.compile(
    r"make(?:\[\d+\])?: \*\*\* \[debian/rules:\d+: (?:override_|execute_(?:before|after)_)?"
    r"(dh_\w+?)(?:-arch|-indep)?\] .*"
)
_CLEAN = re.compile(r"make: \*\*\* \[debian/rules:\d+: clean\] .*")
_ERROR = re.compile(r"(dh_\w+|dh|dpkg-\w+): error: .*")
_STEP = re.compile(r"   (dh_\w+|create-stamp)\b.*|dh (?:clean|binary|build)\b.*")
_SOURCE = re.compile(r"dpkg-source: error: .*")
_UNMET = re.compile(
    r"The following packages have unmet dependencies:|Unsatisfied dependencies:|.*Unable to satisfy dependencies\..*"
    r"|E: Unable to correct problems, you have held broken packages\..*|E: Package installation failed"
)


def read(lines: Sequence[str]) -> Failed:
    """What the log of sbuild, or of dpkg-buildpackage alone, says of the stage that failed."""
    named = next((found[1] for line in reversed(lines) if (found := _FAIL_STAGE.fullmatch(line.rstrip()))), "")
    end = next((i for i, line in enumerate(lines) if _END.fullmatch(line.rstrip())), len(lines))
    body = [line.rstrip() for line in lines[:end]]
    if stage := _SBUILD.get(named):
        return Failed(stage, "", tuple(body))
    if not named and any(_UNMET.fullmatch(line) for line in body) and not any(map(_STEP.fullmatch, body)):
        return Failed(Stage.BUILD_DEPENDS, "", tuple(body))
    if not any(map(_STEP.fullmatch, body)) and any(map(_SOURCE.fullmatch, body)):
        return Failed(Stage.UNPACK, "", tuple(body))
    command = _command(body)
    start = next((i for i in range(len(body) - 1, -1, -1) if _STEP.fullmatch(body[i])), 0)
    told = next((i for i in range(len(body) - 1, -1, -1) if body[i].startswith(f"   {command} ")), None)
    if command and told is not None:
        start = told
    stage = _stage(command) if command else Stage.CLEAN if any(map(_CLEAN.fullmatch, body)) else Stage.OTHER
    return Failed(stage, command, tuple(body[start:]))


def _command(body: Sequence[str]) -> str:
    for pattern in (_TARGET, _ERROR, _STEP):
        for line in reversed(body):
            if (found := pattern.fullmatch(line)) and found[1] and found[1].startswith("dh_"):
                return found[1]
    return ""


def _stage(command: str) -> Stage:
    if command in _STAGES:
        return _STAGES[command]
    return Stage.INSTALL if command.startswith(("dh_install", "dh_python", "dh_missing")) else Stage.BINARY
