"""The features of a Cargo.toml, and what becomes of them without some of its dependencies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def needing(features: Mapping[str, Any], key: str) -> frozenset[str]:
    """The features whose list switches the dependency ``key`` on (its name in the dependency table).

    A weak item (``key?/feature``) doesn't. An optional dependency that no list names with ``dep:`` is a feature of
    its own, which is among them.

    >>> sorted(needing({"cli": ["dep:clap"], "full": ["cli"], "fast": ["clap?/simd"]}, "clap"))
    ['cli']
    """
    found = {name for name, items in features.items() if any(_names(str(i), key, features) for i in _listed(items))}
    hidden = any(str(item) == f"dep:{key}" for items in features.values() for item in _listed(items))
    return frozenset(found if hidden or key in features else {*found, key})


def switched_off(features: Mapping[str, Any], gone: Collection[str]) -> frozenset[str]:
    """The features that can't be on without the dependencies ``gone`` (their names in the dependency tables).

    ``default`` is never one of them: it goes on without what is switched off.
    """
    return frozenset(feature for key in gone for feature in needing(features, key)) - {"default"}


def _names(item: str, key: str, features: Mapping[str, Any]) -> bool:
    """Whether an item of a feature's list switches the dependency on."""
    name, slash, _ = item.removeprefix("dep:").partition("/")
    return name == key and (bool(slash) or item.startswith("dep:") or name not in features)


def _listed(items: Any) -> list[Any]:
    return items if isinstance(items, list) else []
