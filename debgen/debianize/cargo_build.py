"""How debian/rules builds with Cargo: which of upstream's files stand in the way, and what it asks of the suite."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from debgen.cargo.targets import holds_somewhere
from debgen.debianize.cargo_manifest import Table, edited
from debgen.debianize.cargo_patch import CargoPatch, CargoPlan

#: Directories of cargo's profiles that aren't named like them (the Cargo book, "Build Cache").
_CHANNELS = {"dev": "debug", "test": "debug", "bench": "release"}
#: Tables of cargo's configuration that say nothing of how and from what it builds.
_HARMLESS = {"alias", "term", "cargo-new", "future-incompat-report", "net", "env"}
_STRIP = (
    "Keep the debugging symbols",
    "dh_strip puts them into a package of their own (policy 10.1), and needs them in the module for that.",
)
_UNLOCKED = (
    "Don't insist on upstream's Cargo.lock",
    "The build takes the crates of the suite, whose versions are others.",
)
_LOCKING = ("--locked", "--frozen")


@dataclass(frozen=True)
class CargoRules:
    """What the template of debian/rules needs to know.

    ``aside`` are upstream's files that are moved aside for the build, ``made`` those that it makes. ``channel`` is the
    folder of the build's profile below target/<triple>, ``profile`` its name as cargo's variables have it.
    """

    aside: tuple[str, ...]
    made: tuple[str, ...]
    channel: str
    profile: str
    vendored: bool
    strips: bool
    with_c: tuple[str, ...]


def cargo_rules(plan: CargoPlan, texts: Mapping[str, str]) -> CargoRules:
    """The answers for a plan of a source whose files are ``texts``."""
    configurations = (path for path in texts if _is_configuration(path) and steers_build(texts[path]))
    locks = [path for path in plan.locks if path in texts]
    return CargoRules(
        aside=(*locks, *sorted(configurations)),
        made=tuple(path for path in plan.locks if path not in texts),
        channel=_CHANNELS.get(plan.profile, plan.profile),
        profile=plan.profile.upper().replace("-", "_"),
        vendored=bool(plan.vendored),
        strips=plan.strips,
        with_c=plan.with_c,
    )


def steers_build(text: str) -> bool:
    r"""Whether a .cargo/config.toml changes what a build on Debian does, where Debian's own has to count.

    >>> steers_build("[target.x86_64-apple-darwin]\nrustflags = []"), steers_build("[source.crates-io]")
    (False, True)
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return True
    targets = data.pop("target", {})
    return bool(data.keys() - _HARMLESS) or any(map(holds_somewhere, targets))


def maturin_patches(texts: Mapping[str, str]) -> Iterator[CargoPatch]:
    """What of maturin's settings in pyproject.toml can't stay, one patch for each."""
    path = "pyproject.toml"
    text = texts.get(path, "")
    for name, told, edit in (
        ("maturin-strip", _STRIP, _without_strip),
        ("maturin-locked", _UNLOCKED, _without_locking),
    ):
        new = edited(text, path, edit) if text else text
        if new != text:
            yield CargoPatch(name, *told, {path: (text, new)})
        text = new


def _without_strip(data: Table) -> None:
    maturin = _maturin(data)
    if maturin.get("strip"):
        del maturin["strip"]


def _without_locking(data: Table) -> None:
    maturin = _maturin(data)
    for key in ("locked", "frozen"):
        if key in maturin:
            del maturin[key]
    for key in ("cargo-extra-args", "rustc-args", "unstable-flags"):
        given = maturin.get(key)
        if isinstance(given, str) and any(word in _LOCKING for word in given.split()):
            maturin[key] = " ".join(word for word in given.split() if word not in _LOCKING)
        elif isinstance(given, list):
            for at in range(len(given) - 1, -1, -1):
                if given[at] in _LOCKING:
                    del given[at]


def _maturin(data: Mapping[str, Any]) -> Any:
    tool = data.get("tool")
    found = tool.get("maturin") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else {}


def _is_configuration(path: str) -> bool:
    """Cargo's configuration in the folder that the build runs in; of other folders it reads none."""
    return posixpath.dirname(path) == ".cargo" and posixpath.basename(path) in ("config", "config.toml")
