"""The targets that tables of Cargo.toml are for, ``cfg(unix)`` or ``x86_64-unknown-linux-gnu``, on Debian."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from debgen.errors import UnsupportedSourceError, UsageError

#: rustc's name of each Linux architecture of Debian, and what it calls its processor.
_TRIPLES = {
    "amd64": ("x86_64-unknown-linux-gnu", "x86_64"),
    "arm64": ("aarch64-unknown-linux-gnu", "aarch64"),
    "armel": ("armv5te-unknown-linux-gnueabi", "arm"),
    "armhf": ("armv7-unknown-linux-gnueabihf", "arm"),
    "i386": ("i686-unknown-linux-gnu", "x86"),
    "loong64": ("loongarch64-unknown-linux-gnu", "loongarch64"),
    "mips64el": ("mips64el-unknown-linux-gnuabi64", "mips64"),
    "powerpc": ("powerpc-unknown-linux-gnu", "powerpc"),
    "ppc64": ("powerpc64-unknown-linux-gnu", "powerpc64"),
    "ppc64el": ("powerpc64le-unknown-linux-gnu", "powerpc64"),
    "riscv64": ("riscv64gc-unknown-linux-gnu", "riscv64"),
    "s390x": ("s390x-unknown-linux-gnu", "s390x"),
    "sparc64": ("sparc64-unknown-linux-gnu", "sparc64"),
}
_BIG_ENDIAN = frozenset({"powerpc", "ppc64", "s390x", "sparc64"})
_DEEPEST = 100
_TOKEN = re.compile(r'\s*(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"]*)"|([(),=]))')


@dataclass(frozen=True)
class _Target:
    triple: str
    names: frozenset[str]
    values: frozenset[tuple[str, str]]


def holds(target: str, architecture: str) -> bool:
    """Whether ``target`` (a triple, or ``cfg(...)`` as in Cargo.toml; empty for all) holds on Debian GNU/Linux.

    ``architecture`` is Debian's name for it, such as "amd64". As with Cargo, no ``feature`` is ever set, and a name
    or a key that rustc doesn't set is false. UsageError for an architecture that rustc hasn't, or that isn't Linux;
    UnsupportedSourceError for what Cargo couldn't read either.

    >>> holds('cfg(any(windows, target_arch = "wasm32"))', "amd64")
    False
    """
    facts = _target(architecture)
    expression = target.strip()
    inner = re.fullmatch(r"cfg\s*\((.*)\)", expression, re.DOTALL)
    if not inner:
        if expression.startswith("cfg"):
            raise _unreadable(target)
        return expression in ("", facts.triple)
    tokens = list(_tokens(inner[1], target))
    if tokens.count("(") > _DEEPEST:
        raise _unreadable(target)
    result, rest = _evaluate(tokens, facts, target)
    if rest:
        raise _unreadable(target)
    return result


def holds_somewhere(target: str) -> bool:
    """Whether ``target`` holds on any of Debian's Linux architectures; one that can't be read may, as far as is known.

    >>> holds_somewhere('cfg(target_arch = "aarch64")'), holds_somewhere("cfg(windows)")
    (True, False)
    """
    try:
        return any(holds(target, architecture) for architecture in _TRIPLES)
    except UnsupportedSourceError:
        return True


def _target(architecture: str) -> _Target:
    if architecture not in _TRIPLES:
        raise UsageError(
            f"it isn't known what Rust calls Debian's architecture {architecture}",
            hint=f"Choose one of {', '.join(_TRIPLES)}.",
        )
    triple, processor = _TRIPLES[architecture]
    wide = "64" in processor or processor == "s390x"
    atomics = {"8", "16", "32", "ptr"}
    if wide or architecture in ("armhf", "i386"):
        atomics.add("64")
    values = {
        ("target_os", "linux"),
        ("target_family", "unix"),
        ("target_env", "gnu"),
        ("target_vendor", "unknown"),
        ("target_arch", processor),
        ("target_endian", "big" if architecture in _BIG_ENDIAN else "little"),
        ("target_pointer_width", "64" if wide else "32"),
        ("panic", "unwind"),
        *(("target_has_atomic", width) for width in atomics),
    }
    return _Target(triple, frozenset({"unix", "panic", "true"}), frozenset(values))


def _tokens(text: str, target: str) -> Iterator[str]:
    """Names and signs as they are, strings with a quotation mark before them."""
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found:
            raise _unreadable(target)
        at = found.end()
        yield f'"{found[2]}' if found[2] is not None else found[1] or found[3]


def _evaluate(tokens: list[str], facts: _Target, target: str) -> tuple[bool, list[str]]:
    """The value of the predicate that ``tokens`` begin with, and the tokens after it."""
    match tokens:
        case ["all" | "any" | "not" as name, "(", *rest]:
            values, rest = _arguments(rest, facts, target)
            if name == "not" and len(values) != 1:
                raise _unreadable(target)
            return {"all": all(values), "any": any(values), "not": not all(values)}[name], rest
        case [key, "=", value, *rest] if key.isidentifier() and value.startswith('"'):
            return (key, value[1:]) in facts.values, rest
        case [name, *rest] if name.isidentifier():
            return name in facts.names, rest
    raise _unreadable(target)


def _arguments(tokens: list[str], facts: _Target, target: str) -> tuple[list[bool], list[str]]:
    """The predicates up to the closing bracket, a comma allowed after the last, and the tokens after it."""
    values: list[bool] = []
    while tokens and tokens[0] != ")":
        value, tokens = _evaluate(tokens, facts, target)
        values.append(value)
        if tokens[:1] == [","]:
            tokens = tokens[1:]
        elif tokens[:1] != [")"]:
            raise _unreadable(target)
    if not tokens:
        raise _unreadable(target)
    return values, tokens[1:]


def _unreadable(target: str) -> UnsupportedSourceError:
    return UnsupportedSourceError(
        f"{target!r} is no target of Cargo",
        hint="Cargo would refuse it as well: correct the source's Cargo.toml with a patch.",
    )
