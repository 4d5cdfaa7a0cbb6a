"""The commands and plug-ins that a distribution declares as entry points, by whichever of its files has them."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildsetup import read_script
from debgen.upstream.setuptools_layout import egg_info
from debgen.upstream.setupvalues import UnknownValueError, Values
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class EntryPoint:
    """A command: its name and the ``module:function`` behind it."""

    command: str
    target: str


@dataclass(frozen=True, slots=True, order=True)
class Plugin:
    """An entry point that other programs look for: its group, name and target."""

    group: str
    name: str
    target: str


def plugins(tree: SourceTree, files: BuildFiles, name: str) -> tuple[Plugin, ...]:
    """All entry points, commands among them, sorted; from the first source that has any.

    That is [project], poetry's or flit's table, then entry_points.txt of setuptools' metadata, then setup.cfg and
    setup.py. Commands whose name the specification of entry points doesn't recommend are left out.
    """
    for found in (_pyproject(files), _metadata(tree, name), _setup_cfg(files), _setup_py(tree, files)):
        if entries := sorted(set(found)):
            usable = (
                e for e in entries if e.group not in ("console_scripts", "gui_scripts") or _COMMAND.fullmatch(e.name)
            )
            return tuple(usable)
    return ()


def commands(found: Iterable[Plugin], group: str = "console_scripts") -> tuple[EntryPoint, ...]:
    """The commands of one group, sorted by name."""
    return tuple(EntryPoint(plugin.name, plugin.target) for plugin in found if plugin.group == group)


def console_scripts(
    root: Path, pyproject: Mapping[str, Any], setup_cfg: configparser.ConfigParser
) -> tuple[EntryPoint, ...]:
    """The console scripts of the source tree at ``root``, by whichever file declares them, sorted by command."""
    tree = SourceTree(root)
    script = read_script("setup.py", tree.text("setup.py"))
    files = BuildFiles((), {"setup.py": tree.text("setup.py")}, pyproject, setup_cfg, (script,) if script else (), ())
    return commands(plugins(tree, files, str(table(pyproject, "project").get("name", ""))))


def _pyproject(files: BuildFiles) -> Iterator[Plugin]:
    project, poetry = table(files.pyproject, "project"), table(files.pyproject, "tool", "poetry")
    flit = table(files.pyproject, "tool", "flit")
    for group, entries in (
        ("console_scripts", table(project, "scripts")),
        ("gui_scripts", table(project, "gui-scripts")),
        ("console_scripts", table(poetry, "scripts")),
        ("console_scripts", table(flit, "scripts")),
        *table(project, "entry-points").items(),
        *table(poetry, "plugins").items(),
        *table(flit, "entrypoints").items(),
    ):
        for name, target in entries.items() if isinstance(entries, dict) else ():
            if isinstance(target, dict):  # poetry's longer form; a file is no entry point
                target = target.get("reference") if target.get("type", "console") == "console" else None
            if isinstance(target, str):
                yield Plugin(group, name, target)


def _metadata(tree: SourceTree, name: str) -> Iterator[Plugin]:
    for folder in egg_info(tree, name):
        text = tree.text(f"{folder}/entry_points.txt")
        if text.strip():
            yield from _ini(text)
            return


def _ini(text: str) -> Iterator[Plugin]:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        yield from (Plugin(section, name, target) for name, target in parser.items(section))


def _setup_cfg(files: BuildFiles) -> Iterator[Plugin]:
    for section in ("options.entry_points", "entry_points"):  # the second is pbr's
        if files.setup_cfg.has_section(section):
            for group, text in files.setup_cfg.items(section):
                yield from _lines(group, text.splitlines())


def _setup_py(tree: SourceTree, files: BuildFiles) -> Iterator[Plugin]:
    for call in files.setup_calls():
        values = Values(next(s for s in files.scripts if s.path == call.path), tree)
        given = values.keywords(call.node).get("entry_points")
        if given is None:
            continue
        try:
            found = values.value(given)
        except UnknownValueError:
            yield from _known_groups(values, given)
            continue
        if isinstance(found, str):
            yield from _ini("\n".join(line.strip() for line in found.splitlines()))
        elif isinstance(found, dict):
            for group, lines in found.items():
                listed = lines.splitlines() if isinstance(lines, str) else lines if isinstance(lines, list) else []
                yield from _lines(str(group), [str(line) for line in listed])


def _known_groups(values: Values, node: Any) -> Iterator[Plugin]:
    """The groups whose lines are known, of a mapping in which some are computed."""
    for key, value in values.items(node).items():
        try:
            yield from _lines(key, values.words(value))
        except UnknownValueError:
            continue


def _lines(group: str, lines: Iterable[str]) -> Iterator[Plugin]:
    for line in lines:
        name, equals, target = line.partition("=")
        if equals and name.strip():
            yield Plugin(group, name.strip(), target.strip())
