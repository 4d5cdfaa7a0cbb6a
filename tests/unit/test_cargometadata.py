"""What Cargo.toml says of a project."""

from __future__ import annotations

from debgen.upstream.buildmodel import Manifest
from debgen.upstream.cargometadata import CargoMetadata, cargo_metadata

WORKSPACE = """
[workspace]
members = ["python"]
[workspace.package]
repository = "https://example.org/code"
license = "MIT/Apache-2.0"
authors = ["Ada <ada@example.org>", "Bob"]
"""
MEMBER = """
[package]
name = "foo-python"
version = "1.0.0"
repository.workspace = true
license.workspace = true
authors.workspace = true
homepage = "https://example.org/"
documentation = "docs/index.md"
description = "Does\\n  foo"
"""


def test_it_is_read_through_the_workspace() -> None:
    texts = {"Cargo.toml": WORKSPACE, "python/Cargo.toml": MEMBER}
    assert cargo_metadata([Manifest("python/Cargo.toml")], texts) == CargoMetadata(
        "https://example.org/",
        (("Repository", "https://example.org/code"),),
        "Ada <ada@example.org>, Bob",
        "MIT OR Apache-2.0",
        "Does foo",
    )


def test_nothing_is_said_where_no_manifest_can_be_read() -> None:
    assert cargo_metadata([], {}) == CargoMetadata()
    assert cargo_metadata([Manifest("gone/Cargo.toml")], {}) == CargoMetadata()
    assert cargo_metadata([Manifest("Cargo.toml")], {"Cargo.toml": "[package\n"}) == CargoMetadata()


def test_an_address_that_is_none_does_not_count() -> None:
    text = '[package]\nname = "a"\nversion = "1.0.0"\nhomepage = "javascript:x"\nrepository = 3\nlicense = ""\n'
    assert cargo_metadata([Manifest("Cargo.toml")], {"Cargo.toml": text}) == CargoMetadata()
