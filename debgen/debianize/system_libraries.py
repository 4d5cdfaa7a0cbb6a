"""Which of upstream's ways to use the system's libraries a build takes: those for which the suite has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from debgen.planning.model import BuildNeed
from debgen.upstream.systemlibs import SystemSwitch


@dataclass(frozen=True)
class SystemLibraries:
    """What debian/rules sets: ``variables`` as (name, value, reason), ``arguments`` of the build, with ``reason``."""

    variables: tuple[tuple[str, str, str], ...] = ()
    arguments: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


def system_libraries(
    switches: Iterable[SystemSwitch], needs: Iterable[BuildNeed], own: Collection[str] = ()
) -> SystemLibraries:
    """Take each switch of which the suite has all libraries, by the judged ``needs``; a note tells of the others.

    ``own`` are the binary packages of the very source: what builds a library can't begin with it.
    """
    packages = {need.name: need.package for need in needs if need.package}
    taken, notes = [], []
    for switch in switches:
        if lacking := [library for library in switch.libraries if library not in packages]:
            notes.append(
                f"{switch.evidence}: {switch.variable or switch.option} would build with the system's "
                f"{', '.join(lacking)}, which the suite lacks"
            )
        elif not {packages[library] for library in switch.libraries}.isdisjoint(own):
            notes.append(
                f"{switch.evidence}: not with {_packages([switch], packages)}, which this source builds itself"
            )
        elif switch.option.startswith("-"):
            # setup.py looks for the word before setuptools does: a way for its author, which PEP 517 has no place for
            notes.append(
                f"{switch.evidence}: setup.py {switch.option} would build with {_packages([switch], packages)}; "
                "not done, as what upstream offers with it may be less than what the tests expect"
            )
        else:
            taken.append(switch)
    variables = tuple((s.variable, s.value, _reason([s], packages)) for s in taken if s.variable)
    options = [s for s in taken if s.option]
    return SystemLibraries(
        variables=variables,
        arguments=" ".join(_arguments(switch.option for switch in options)),
        reason=_reason(options, packages) if options else "",
        notes=tuple(notes),
    )


def _reason(switches: Collection[SystemSwitch], packages: Mapping[str, str]) -> str:
    places = ", ".join(switch.evidence for switch in switches)
    return f"{_packages(switches, packages)} in the place of the copy in the tree ({places})"


def _packages(switches: Iterable[SystemSwitch], packages: Mapping[str, str]) -> str:
    return " and ".join(dict.fromkeys(packages[library] for switch in switches for library in switch.libraries))


def _arguments(options: Iterable[str]) -> Iterator[str]:
    """Words for the front end ``build``: setuptools appends what build-option has to setup.py's command line.

    Options of the same command stand behind its name together.
    """
    commands: dict[str, list[str]] = {}
    for option in options:
        command, _, rest = option.partition(" ")
        commands.setdefault(command, []).append(rest)
    for command, words in commands.items():
        yield f"--config-setting='--build-option={' '.join([command, *words])}'"
