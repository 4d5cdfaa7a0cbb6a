"""Synopsis and description from summaries and READMEs as upstreams write them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.debianize.description import describe, prose
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.prose import cleaned, paragraph
from debgen.debianize.readme import Kind, is_restructured, read_blocks
from debgen.debianize.synopsis import synopsis
from debgen.recipes import Description
from debgen.upstream.facts import EntryPoint, SdistFacts
from debgen.upstream.testfacts import TestFacts

FACTS = SdistFacts(
    name="foo", version="1", summary="a frobnicator of things", description="", homepage="", urls=(),
    author="", licence="", classifiers=(), requires_python="", requirements=(), backend="", build_requirements=(),
    modules=("foo",), namespaces=(), scripts=(), compiled=(), prebuilt=(), licence_files=(), tests=TestFacts(),
)  # fmt: skip
LAST = "This package installs the library for Python 3."


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("A fast JSON parser.", "fast JSON parser"),
        ("The  parser\n of   things!", "parser of things"),
        ("**Bold** `code` and [link](https://example.org)", "Bold code and link"),
        ("🚀 Rockets and more", "Rockets and more"),
        ("foo is a parser of things", "parser of things"),
        ("Foo - parser of python things", "parser of Python things"),
        ("foo makes things parse", "library that makes things parse"),
        ("Provides a parser of things", "parser of things"),
        ("Parse, validate and print all things", "library to parse, validate and print all things"),
        ("Read and write files", "library to read and write files"),
        ("Query builder for SQL", "query builder for SQL"),  # a noun here
        ("Measures the width of strings", "library that measures the width of strings"),
        ("Extracts dates from text", "library that extracts dates from text"),
        ("Python bindings for things", "Python bindings for things"),
        ("Modern Parser. It is very fast.", "modern Parser"),
        (
            "Client library to download and publish models, datasets and other repos on the huggingface.co hub",
            "client library to download and publish models",
        ),
        (
            "Simple framework that lets you write asynchronous programs which run on every machine there is",
            "simple framework that lets you write asynchronous programs",
        ),
        ("Enforce the output format (JSON Schema, Regex etc) of a language model, whatever it may be at all",
         "library to enforce the output format"),
        ("x" * 200, ""),
        ("中文的说明 一个库", ""),
        ("foo", ""),
        ("", ""),
        ("either this or that", "either this or that"),
    ],
)  # fmt: skip
def test_synopsis(summary: str, expected: str) -> None:
    assert synopsis(summary, "foo") == expected


def test_the_first_word_is_in_lower_case_where_upstream_writes_it_so() -> None:
    assert synopsis("Pickler of things", "foo", "It is a pickler.") == "pickler of things"
    assert synopsis("Django for things", "foo", "See import django.conf in `django`.") == "Django for things"


@given(st.text())
def test_a_synopsis_always_fits(summary: str) -> None:
    line = synopsis(summary, "foo")
    assert len(line) < 80
    assert not line.endswith(".")
    assert not re.match(r"(?:an?|the) ", line, re.I)
    assert line == " ".join(line.split())


MARKDOWN = """\
<!-- a comment -->
# foo

[![build](https://img.example.org/a.svg)](https://ci.example.org)

<p align="center"><img src="x.png"></p>

[Docs](https://example.org/docs) | [Source](https://example.org/source)

Foo turns *every* frob into a `nicator`, as [the paper](https://example.org/p) says 🚀. We love it! It needs Python 3.9
or newer. But it does not rest.

```sh
This is code. It is long enough to be taken for a paragraph of prose, but it must not be.
```

It knows many things, such as these:

* one thing, and **another**
* something that `we` do not [describe](https://example.org)

## Installation

Run this command to get it, and then you have it on your machine.

## Features

- **Fast**: it takes no time at all.
- Works in every place.

| a | table | of things that is longer than sixty characters, with a full stop. |
|---|---|---|
"""


def test_prose_of_markdown() -> None:
    found = prose(MARKDOWN, "foo")
    assert found[0] == "Foo turns every frob into a nicator, as the paper says."
    assert ("Fast: it takes no time at all", "Works in every place") in found
    text = str(found)
    for word in ("love", "3.9", "rest", "code", "command", "table", "http", "🚀", "Docs", "*"):
        assert word not in text, word
    assert prose(MARKDOWN.replace("\n", "\r\n"), "foo") == found


def test_a_section_on_features_joins_a_short_introduction() -> None:
    text = (
        "# foo\n\nFoo turns every frob into a nicator.\n\n## Features\n\nIt has these:\n\n- fast as light\n- tiny too\n"
    )
    assert prose(text, "foo") == [
        "Foo turns every frob into a nicator.",
        "It has these:",
        ("fast as light", "tiny too"),
    ]
    _, lines = describe(replace(FACTS, description=text), None, Fixmes())
    assert lines == [
        "Foo turns every frob into a nicator.", ".", "It has these:", " * fast as light", " * tiny too", ".", LAST,
    ]  # fmt: skip


RESTRUCTURED = """
===
Foo
===

.. image:: https://example.org/x.png
   :alt: This is an alternative text that is long enough to be taken for prose, really.

|badge| |undefined|

*Foo* is a ``frobnicator`` by `Jane Doe <https://example.org>`_ that calls :func:`foo.frob` for you.

.. include:: /etc/passwd

.. note:: Nobody should ever read this admonition in a description of the package.

Install
-------

Paragraphs below the first heading after the introduction are not part of the description any more.

.. |badge| image:: https://example.org/b.png
"""


def test_prose_of_restructured_text() -> None:
    assert is_restructured(RESTRUCTURED)
    assert not is_restructured(MARKDOWN)
    assert prose(RESTRUCTURED, "foo") == ["Foo is a frobnicator by Jane Doe that calls foo.frob for you."]
    assert "root:" not in str(read_blocks(RESTRUCTURED))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Short.",
        "See https://example.org/documentation for all of the documentation that there is about it.",
        "| a | table |\n|---|---|\n| of things that is longer than sixty characters | with a full stop. |",
        "[![only](https://img.example.org/a.svg)](https://ci.example.org) ![badges](b.svg)",
        "# Only\n\n## Headings\n",
        "这是一个非常长的中文说明,它描述了这个库的用途以及如何使用它来完成各种任务。",
        "We are the best and our software is what makes me happy every day, as you will see.",
    ],
)
def test_what_is_no_prose(text: str) -> None:
    assert prose(text, "foo") == []
    fixmes = Fixmes()
    short, lines = describe(replace(FACTS, description=text), None, fixmes)
    assert short == "frobnicator of things"
    assert lines == ["foo (frobnicator of things) provides the Python module foo.", ".", LAST]
    assert [fixmes.items, len(fixmes.notes)] == [[], 1]


def test_cleaning_keeps_words_that_look_like_markup() -> None:
    assert cleaned("snake_case_name and 2*3*4 and __init__.py") == "snake_case_name and 2*3*4 and __init__.py"
    assert cleaned("quick 🚀. Then !") == "quick. Then!"
    assert cleaned("for .NET and ...") == "for .NET and ..."
    assert cleaned("“a” – b… the the thing, a,b and python") == '"a" - b... the thing, a, b and Python'


def test_sentences_that_lean_on_a_dropped_one_go_with_it() -> None:
    text = (
        "Foo parses all kinds of things. Our users love it. However, it is slow at times. Bar prints what Foo parses."
    )
    assert paragraph(text) == "Foo parses all kinds of things. Bar prints what Foo parses."


def test_own_description_wins() -> None:
    own = Description(synopsis="frobnicates", text="First\nparagraph.\n\nSecond one.", reason="upstream has none")
    fixmes = Fixmes()
    short, lines = describe(replace(FACTS, summary=""), own, fixmes)
    assert short == "frobnicates"
    assert lines == ["First paragraph.", ".", "Second one.", ".", LAST]
    assert (fixmes.items, fixmes.notes) == ([], [])


def test_without_a_summary_the_readme_says_what_it_is() -> None:
    fixmes = Fixmes()
    readme = "# foo\n\nFoo is a frobnicator of many things. It runs wherever there are any frobs.\n"
    short, lines = describe(replace(FACTS, summary="", description=readme), None, fixmes)
    assert short == "frobnicator of many things"
    assert lines[0].startswith("Foo is a frobnicator of many things.")
    assert fixmes.notes == []


def test_without_anything_the_facts_are_told() -> None:
    fixmes = Fixmes()
    facts = replace(FACTS, summary="", modules=("foo", "bar", "_x"), scripts=(EntryPoint("frob", "foo:main"),))
    short, lines = describe(facts, None, fixmes)
    assert short == "Python module foo"
    assert lines[0] == "foo provides the Python modules foo and bar, and the command frob."
    assert len(fixmes.notes) == 2
    assert fixmes.items == []


@given(st.text(), st.text(alphabet="ab*_`#>|-.:=~\n[]()<>! \"'\\1"))
def test_every_description_has_the_form(summary: str, readme: str) -> None:
    short, lines = describe(replace(FACTS, summary=summary, description=readme), None, Fixmes())
    assert 0 < len(short) < 80
    for line in lines:
        assert line == "." or (line.strip() and not line.startswith("."))
        assert len(line) < 80 or " " not in line.strip()
        assert "\n" not in line
    assert lines[0] != "."
    assert lines[-1] == LAST


def test_a_description_folded_into_a_field() -> None:
    text = "Foo\n        ===\n        \n        Foo turns every frob into a nicator.\n        \n          code\n"
    assert prose(text, "foo") == ["Foo turns every frob into a nicator."]


def test_blocks() -> None:
    kinds = [block.kind for block in read_blocks("# a\n\nb\n\n- c\n\n    code\n\n---\n")]
    assert kinds == [Kind.HEADING, Kind.PARAGRAPH, Kind.LIST, Kind.OTHER]
