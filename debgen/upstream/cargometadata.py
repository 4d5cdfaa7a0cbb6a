"""What the manifest of a crate says of the project, for an sdist whose own metadata doesn't.

Builders of Rust modules know Cargo.toml, and people write there what pyproject.toml has a place for as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from debgen.errors import UnsupportedSourceError
from debgen.upstream.buildmodel import Manifest
from debgen.upstream.cargopublish import published_manifest
from debgen.upstream.testfacts import table


@dataclass(frozen=True)
class CargoMetadata:
    """``urls`` are (label, URL), ``authors`` as Cargo.toml has them, joined; empty where it says nothing."""

    homepage: str = ""
    urls: tuple[tuple[str, str], ...] = ()
    authors: str = ""
    licence: str = ""
    summary: str = ""


def cargo_metadata(manifests: Collection[Manifest], texts: Mapping[str, str]) -> CargoMetadata:
    """What the first of the built ``manifests`` says, or its workspace; nothing where it can't be read."""
    for manifest in manifests:
        try:
            _, data = published_manifest(manifest.path, texts.get)
        except UnsupportedSourceError:
            continue
        package = table(data, "package")
        listed = package.get("authors")
        authors = [str(author) for author in listed] if isinstance(listed, list) else []
        urls = (("Repository", _text(package, "repository")), ("Documentation", _text(package, "documentation")))
        # The slash is how Cargo wrote a choice before it took SPDX expressions.
        return CargoMetadata(
            _web(_text(package, "homepage")),
            tuple((label, url) for label, url in urls if _web(url)),
            ", ".join(authors),
            _text(package, "license").replace("/", " OR "),
            _text(package, "description"),
        )
    return CargoMetadata()


def _text(package: Mapping[str, object], key: str) -> str:
    value = package.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _web(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""
