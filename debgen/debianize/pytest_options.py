"""Upstream's options for pytest, without those that its own CI wants and a Debian build can't, or needn't, have."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass

from debgen.debianize.pytest_plugins import CI_OPTIONS, CORE_OPTIONS, NOT_FOR_TESTS, PLUGINS, starts
from debgen.debianize.test_switches import quoted
from debgen.upstream.tables import words
from debgen.upstream.testfacts import TestFacts

_VALUED = {"-n", "--numprocesses", "--dist", "--maxprocesses", "--tx", "--reruns", "--timeout", "--maxfail", "--html",
           "--junitxml", "--junit-xml", "--color", "--tb", "-r", "--durations", "--durations-min", "--cov-report",
           "--cov-config", "--cov-fail-under", "--cov-context", "--show-capture", "--verbosity", "--capture",
           "--report-log", "--splits", "--group", "--log-cli-level", "--log-cli-format"}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Arguments for the test runner that share one reason."""

    reason: str
    arguments: tuple[str, ...]


def option_blocks(tests: TestFacts, plugins: Collection[str]) -> list[Block]:
    """What has to be said against upstream's settings for pytest; ``plugins`` are the ones that will be there.

    Nothing is said where all settings can stay as they are.
    """
    blocks = []
    kept, dropped = rewritten(tests, plugins)
    if dropped:
        arguments = f"addopts={shlex.join(kept)}"
        told = ", ".join(dict.fromkeys(word.split("=")[0] for word in dropped))
        blocks.append(
            Block(
                f"without the options that are for upstream's own CI, or for plug-ins not needed here: {told}",
                ("-o addopts=" if not kept else f"-o {quoted(arguments)}",),
            )
        )
    absent = [name for name in map(_name, tests.settings.required_plugins) if name not in plugins]
    if absent:
        reason = f"upstream's CI insists on plug-ins that no test needs: {', '.join(absent)}"
        blocks.append(Block(reason, ("-o required_plugins=",)))
    if any(line.split(":")[0].strip() == "error" for line in tests.settings.filterwarnings):
        blocks.append(
            Block(
                "upstream's CI takes warnings for errors; newer releases of other packages warn of more",
                ("-o filterwarnings=",),
            )
        )
    return blocks


def rewritten(tests: TestFacts, plugins: Collection[str]) -> tuple[list[str], list[str]]:
    """Upstream's options, those that stay and those that go; looks go as well where anything has to go.

    An option stays that decides which tests run and how, that upstream's own conftest.py defines, or that one of
    ``plugins`` brings.
    """
    kept: list[str] = []
    dropped: list[str] = []
    looks: list[str] = []
    rest = list(words(tests.settings.addopts))
    while rest:
        word = rest.pop(0)
        entry = [word]
        plugin = next((name for name, about in PLUGINS.items() if starts(word, about.options)), "")
        topic = next((topic for begin, topic in CI_OPTIONS.items() if starts(word, (begin,))), None)
        takes_value = CORE_OPTIONS.get(word, word in _VALUED) and "=" not in word
        if takes_value and rest:
            entry.append(rest.pop(0))
        elif not word.startswith("-") and kept and not dropped:
            pass
        elif topic is None and word.startswith("--") and "=" not in word and word not in CORE_OPTIONS:
            # What follows an option of a plug-in may be its value; a path of the tests is named elsewhere anyway.
            while rest and not rest[0].startswith("-") and len(entry) < 2:
                entry.append(rest.pop(0))
        if _stays(entry, plugin, tests, plugins) and topic is None:
            kept += entry
        elif topic == "":
            looks += entry
        else:
            dropped += entry[:1]
    return kept, dropped


def _stays(entry: list[str], plugin: str, tests: TestFacts, plugins: Collection[str]) -> bool:
    word, value = entry[0], entry[-1]
    base = word.split("=")[0]
    if base == "-p" or (word.startswith("-p") and not word.startswith("--") and len(word) > 2):
        named = value if base == "-p" else word[2:]
        return named.startswith("no:") or not _foreign(named, tests, plugins)
    if base in ("-W", "--pythonwarnings") or word.startswith("-W"):
        return not (value if base != word or len(entry) > 1 else word[2:]).split("=")[-1].startswith("error")
    if base in ("-o", "--override-ini") and "junit" in value:
        return False
    if base in CORE_OPTIONS or starts(word, ("-k", "-m", "-c", "-o")):
        return base not in ("--strict",)
    if not word.startswith("-"):
        return False  # paths are given as arguments
    return base in tests.options or (plugin in plugins if plugin else False)


def _foreign(module: str, tests: TestFacts, plugins: Collection[str]) -> bool:
    """Whether ``-p MODULE`` names a plug-in that is neither pytest's own nor upstream's."""
    own = any(file.rsplit("/", 1)[-1].removesuffix(".py") == module.rsplit(".", 1)[-1] for file in tests.files)
    inside = any(file.path.removesuffix(".py").replace("/", ".").endswith(module) for file in tests.own)
    dashed = module.replace("_", "-")
    needed = any(used.name.startswith(module) for used in tests.foreign)
    names = {dashed, f"pytest-{dashed}"}
    known = bool(names & (NOT_FOR_TESTS | set(PLUGINS))) or dashed.startswith("pytest-")
    return known and not (own or inside or needed or names & set(plugins))


def _name(requirement: str) -> str:
    for sign in "<>=!~[; ":
        requirement = requirement.split(sign)[0]
    return requirement.strip().lower().replace("_", "-")
