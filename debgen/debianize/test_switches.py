"""Upstream's own ways to leave out tests that can't run in a build: marks, options and variables that are for that.

Debian builds without network and without accelerators (policy 4.9). Where upstream marks the tests that need such a
thing, or has a switch for machines without, that is known ahead, and better than to wait for the failure.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from debgen.upstream.testfacts import TestFacts

_NETWORK_WORDS = r"network|online|internet"
#: Marks whose name says enough, and those whose description does.
_NETWORK_MARK = re.compile(rf"(?:(?:tests?|needs?|requires?|uses?|with)_?)?(?:{_NETWORK_WORDS})(?:_(?:tests?|access|"
                           r"required|needed|connection))?|webtest")  # fmt: skip
_NETWORK_TOLD = re.compile(
    rf"\b(?:needs?|requires?|requiring|uses?|using|access(?:es)?|over|hits?|rely on|relies on|with)\b[^.,;]*"
    rf"\b(?:{_NETWORK_WORDS})\b",
    re.I,
)
_WITHOUT = re.compile(r"\b(?:no|not|without|offline|mock\w*|disable\w*|block\w*|fake\w*|local)\b", re.I)
_DEVICE_MARK = re.compile(r"(?:(?:tests?|needs?|requires?|uses?|with)_?)?(?:gpus?|cuda|rocm)(?:_(?:tests?|required))?")
#: Options and variables by which upstream's own tests do without the network.
_NETWORK_OPTION = re.compile(
    rf"--(?:no|skip|disable|without)[-_](?:{_NETWORK_WORDS}|remote)(?:[-_]tests?)?|--offline(?:[-_]only)?"
)
#: The variable that tells a library to do without the network, and the module that reads it.
_OFFLINE = dict.fromkeys(
    ("huggingface_hub", "transformers", "datasets", "diffusers", "sentence_transformers", "peft"),
    ("HF_HUB_OFFLINE", "huggingface_hub"),
)
_NETWORK_VARIABLE = re.compile(
    r"(?:\w+_)?(?:NO|SKIP|DISABLE|WITHOUT)_(?:\w+_)?(?:NETWORK|ONLINE|INTERNET)(?:_TESTS?)?|(?:\w+_)?TESTS?_OFFLINE"
)


@dataclass(frozen=True)
class Switch:
    """One thing that tests are told, and why: a mark, an option or a variable."""

    name: str
    reason: str


def unwanted_marks(tests: TestFacts) -> tuple[Switch, ...]:
    """The marks of tests that need what a build hasn't; upstream uses each, and declares it, or the name says it."""
    told = dict(_declared(tests))
    found = []
    for name in sorted({used.name for used in tests.marks}):
        words = told.get(name, "")
        against = _WITHOUT.search(words) or name.startswith(("no_", "not_"))
        if _NETWORK_MARK.fullmatch(name) or (_NETWORK_TOLD.search(words) and not against):
            found.append(Switch(name, "need the network"))
        elif _DEVICE_MARK.fullmatch(name):
            found.append(Switch(name, "need a GPU"))
    return tuple(found)


def _declared(tests: TestFacts) -> Iterator[tuple[str, str]]:
    """The marks that upstream's settings declare, with their descriptions."""
    for line in (*tests.settings.markers, *tests.registered_marks):
        head, _, words = line.partition(":")
        yield re.split(r"[\s(]", head.strip(), maxsplit=1)[0], words.strip()


def marks_expression(unwanted: Sequence[Switch], kept: Sequence[str]) -> str:
    """The value of ``-m`` that leaves out marks, together with the one among upstream's options, which it replaces.

    Empty where upstream's own says all of it.
    """
    own = ""
    for at, word in enumerate(kept):
        if word == "-m" and at + 1 < len(kept):
            own = kept[at + 1]
        elif word.startswith("-m") and len(word) > 2:
            own = word[2:].lstrip("=")
    more = [f"not {mark.name}" for mark in unwanted if not re.search(rf"\b{re.escape(mark.name)}\b", own)]
    if not more:
        return ""
    return " and ".join([f"({own})" if " or " in own else own, *more] if own else more)


def network_options(tests: TestFacts) -> tuple[str, ...]:
    """Options of upstream's own conftest.py that leave out what needs the network, and take no value."""
    return tuple(option for option in tests.flags if _NETWORK_OPTION.fullmatch(option))


def network_variables(tests: TestFacts) -> tuple[str, ...]:
    """Variables of the environment by which upstream's tests know that they have no network."""
    return tuple(name for name in tests.asked_variables if _NETWORK_VARIABLE.fullmatch(name))


def library_variables(tests: TestFacts, own: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Variables by which libraries that the tests or the package import, but for its ``own``, know that there is none.

    Each with the module. Without it such a library tries for minutes, or fails in ways that tell nothing.
    """
    modules = {used.name.partition(".")[0] for used in tests.foreign}
    modules |= {name.partition(".")[0] for file in tests.own for name in file.anywhere}
    known = sorted(name for name in modules & _OFFLINE.keys() if _OFFLINE[name][1] not in own)
    variables = {_OFFLINE[name][0]: name for name in reversed(known)}
    return tuple(sorted(variables.items()))


def quoted(argument: str) -> str:
    """``argument`` for a shell, in double quotes where it has single ones in it."""
    if "'" in argument and not re.search(r'["$`\\!]', argument):
        return f'"{argument}"'
    return shlex.quote(argument)
