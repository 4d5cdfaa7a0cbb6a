"""Flit's own metadata tables, moved to the standard one."""

import tomllib

import pytest

from debgen.debianize.flit_patch import flit_needs_patch, standard_tables

OLD = """\
# kept
[build-system]
requires = ["flit_core >=2"]
build-backend = "flit_core.buildapi"

[tool.flit.metadata]
module = "a_b"
dist-name = "ab-c"
author = "Zoë \\"Z\\""
author-email = "z@example.org"
home-page = "https://example.org"
description-file = "README.md"
license = "BSD 3-clause"
requires = ["x; python_version<'3'", "y>=2"]
keywords = "one, two words"
[tool.flit.metadata.urls]
"Bug tracker" = "https://example.org/bugs"
[tool.flit.metadata.requires-extra]
test = ["pytest"]

[tool.black]
line-length = 88

[tool.flit.entrypoints."pygments.lexers"]
dog = "dog.lexer:Lexer"

[tool.flit.scripts]
run = "a_b:main"

[tool.flit.sdist]
include = ["doc/"]
"""


@pytest.mark.parametrize(("version", "needed"), [("3.12.0", False), ("4.0", True), ("4.1.0", True), ("?", False)])
def test_only_a_flit_core_that_lost_the_tables_needs_the_patch(version: str, needed: bool) -> None:
    assert flit_needs_patch(OLD, version) is needed


@pytest.mark.parametrize("text", ["", "[project]\nname='a'\n", "[tool.flit.module]\nname='a'\n", "not toml = ["])
def test_other_files_need_none(text: str) -> None:
    assert not flit_needs_patch(text, "4.1")


def test_everything_is_said_in_the_standard_table() -> None:
    new = standard_tables(OLD)
    assert new is not None
    assert not flit_needs_patch(new, "4.1")
    document = tomllib.loads(new)
    assert document["project"] == {
        "name": "ab-c",
        "dynamic": ["version", "description"],
        "authors": [{"name": 'Zoë "Z"', "email": "z@example.org"}],
        "license": {"text": "BSD 3-clause"},
        "readme": "README.md",
        "keywords": ["one", "two words"],
        "dependencies": ["x; python_version<'3'", "y>=2"],
        "urls": {"Homepage": "https://example.org", "Bug tracker": "https://example.org/bugs"},
        "optional-dependencies": {"test": ["pytest"]},
        "scripts": {"run": "a_b:main"},
        "entry-points": {"pygments.lexers": {"dog": "dog.lexer:Lexer"}},
    }
    assert document["tool"] == {
        "flit": {"module": {"name": "a_b"}, "sdist": {"include": ["doc/"]}},
        "black": {"line-length": 88},
    }
    assert new.startswith("# kept\n[build-system]\n")
    assert "\n\n[tool.black]\nline-length = 88\n\n[tool.flit.sdist]\n" in new


def test_a_module_of_the_distribution_s_name_needs_no_table() -> None:
    new = standard_tables('[tool.flit.metadata]\nmodule = "a_b"\ndist-name = "a-b"\n')
    assert new == '[project]\nname = "a-b"\ndynamic = ["version", "description"]\n'


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "a"\n[tool.flit.metadata]\nmodule = "a"\n',
        '[tool.flit.metadata]\nauthor = "a"\n',
        '[tool.flit.metadata]\nmodule = "a"\nentry-points-file = "e.txt"\n',
        'tool.flit.metadata.module = "a"\n',
        '[tool.flit]\nmetadata = { module = "a" }\n',
        # A header inside a string can't be told from a table
        '[tool.flit.metadata]\nmodule = "a"\nlicense = """\n[tool.x]\n"""\n',
    ],
)
def test_what_cannot_be_moved_safely_is_left(text: str) -> None:
    assert standard_tables(text) is None
