"""The dossier as one HTML page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from debgen.report.html import common_style, prose, source_hash
from debgen.review.document import (
    MEANING,
    WORDS,
    Document,
    Facts,
    Items,
    Listing,
    Log,
    Mark,
    Para,
    Table,
    Who,
    counted,
    visible,
)


def page(document: Document) -> str:
    """The page. Nothing in the document can add markup: its policy allows the page's own style, and no script."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_seen
    )
    environment.filters["prose"] = lambda text: prose(visible(text))
    environment.filters["counted"] = counted
    environment.filters["css"] = lambda mark: mark.value.replace(" ", "-") or "plain"
    environment.tests["mark"] = lambda value: isinstance(value, Mark)
    for kind in (Para, Facts, Table, Items, Listing, Log):
        environment.tests[kind.__name__.lower()] = lambda value, kind=kind: isinstance(value, kind)
    style = common_style() + _data("review.css")
    return environment.from_string(_data("review.html.j2")).render(
        document=document,
        legend=[(who, WORDS[who], MEANING[who]) for who in Who if who is not Who.COMMON],
        words=WORDS,
        style=Markup(style),  # noqa: S704 - debgen's own
        policy=f"default-src 'none'; img-src data:; style-src {source_hash(style)}; base-uri 'none'; "
        "form-action 'none'",
    )


def _seen(value: object) -> object:
    """Every text that is put into the page, with what can't be seen made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data(name: str) -> str:
    return (files("debgen.review") / name).read_text(encoding="utf-8")
