"""Synopsis and description from summaries and READMEs as upstreams write them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.debianize.description import describe, plain, prose, synopsis
from debgen.debianize.fixmes import Fixmes
from debgen.recipes import Description
from debgen.upstream.facts import SdistFacts
from debgen.upstream.testfacts import TestFacts

FACTS = SdistFacts(
    name="foo", version="1", summary="a frobnicator", description="", homepage="", urls=(),
    author="", licence="", classifiers=(), requires_python="", requirements=(), backend="", build_requirements=(),
    modules=("foo",), namespaces=(), scripts=(), compiled=(), prebuilt=(), licence_files=(), tests=TestFacts(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("A fast JSON parser.", "fast JSON parser"),
        ("The  parser\n of   things!", "parser of things"),
        ("Another thing", "Another thing"),  # no article
        ("**Bold** `code` and [link](https://example.org)", "Bold code and link"),
        ("🚀 Rockets", "Rockets"),
        (
            "Client library to download and publish models, datasets and other repos on the huggingface.co hub",
            "Client library to download and publish models",
        ),
        (
            "Simple framework that lets you write asynchronous programs which run on every machine there is",
            "Simple framework that lets you write asynchronous programs",
        ),
        ("x" * 200, ""),
        ("", ""),
    ],
)
def test_synopsis(summary: str, expected: str) -> None:
    assert synopsis(summary) == expected


@given(st.text())
def test_a_synopsis_always_fits(summary: str) -> None:
    line = synopsis(summary)
    assert len(line) < 80
    assert not line.endswith(".")
    assert line == " ".join(line.split())


README = """\
# foo

[![build](https://img.example.org/a.svg)](https://ci.example.org)

<div align="center">centred</div>

Foo turns *every* frob into a `nicator`, as [the paper](https://example.org/p) says it should be done.

```sh
This is code. It is long enough to be taken for a paragraph of prose, but it must not be.
```

It knows the following and much more than anybody would ever have thought possible:

* one thing

After a list nothing counts any more, however long the paragraph may be and however well it ends.
"""


def test_prose_of_markdown() -> None:
    assert prose(README) == [
        "Foo turns every frob into a nicator, as the paper says it should be done.",
        "It knows the following and much more than anybody would ever have thought possible.",
    ]
    assert prose(README.replace("\n", "\r\n")) == prose(README)


def test_prose_of_restructured_text() -> None:
    text = """
Foo
===

.. image:: https://example.org/x.png
   :alt: This is an alternative text that is long enough to be taken for prose, really.

*Foo* is a ``frobnicator`` by `Jane Doe <https://example.org>`_ that calls :func:`foo.frob` for you.

Install
-------

Paragraphs below the first heading after the introduction are not part of the description any more.
"""
    assert prose(text) == ["Foo is a frobnicator by Jane Doe that calls foo.frob for you."]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Short.",
        "A paragraph that is long enough but has no full stop at its end because it is a title",
        "See https://example.org/documentation for all of the documentation that there is about it.",
        "| a | table | of things that is longer than sixty characters, with a full stop. |",
        "> a quotation of somebody that is longer than sixty characters, with a full stop.",
        "<p>html that is longer than sixty characters and ends in a full stop, as it should.</p>",
        "1. a numbered list that is longer than sixty characters, and ends with a full stop.",
    ],
)
def test_what_is_no_prose(text: str) -> None:
    assert prose(text) == []


def test_plain_keeps_words_that_look_like_markup() -> None:
    assert plain("snake_case_name and 2*3*4 and __init__") == "snake_case_name and 2*3*4 and init"
    assert plain("quick 🚀. Then !") == "quick. Then!"
    assert plain("for .NET and ...") == "for .NET and ..."


def test_own_description_wins() -> None:
    own = Description(synopsis="frobnicates", text="First\nparagraph.\n\nSecond one.", reason="upstream has none")
    fixmes = Fixmes()
    short, lines = describe(replace(FACTS, summary=""), own, fixmes)
    assert short == "frobnicates"
    assert lines == ["First paragraph.", ".", "Second one.", ".", "This package installs the library for Python 3."]
    assert fixmes.items == []


def test_nothing_is_invented() -> None:
    for summary, description, words in (
        ("", "", ["no summary"]),
        ("A frobnicator.", "", ["no prose"]),
        ("A frobnicator.", README, []),
        ("", README, ["no summary"]),
    ):
        fixmes = Fixmes()
        _, lines = describe(replace(FACTS, summary=summary, description=description), None, fixmes)
        assert [f.file for f in fixmes.items] == ["debian/control"] * len(words)
        assert all(word in fixme.question for word, fixme in zip(words, fixmes.items, strict=True))
        assert all(line and len(line) < 80 for line in lines)
