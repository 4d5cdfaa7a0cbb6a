"""A plan as one HTML page that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, UndefinedError
from markupsafe import Markup, escape

from debgen.errors import UsageError
from debgen.planning.model import Supply
from debgen.report.graph import DECISIONS, VERDICTS, Graph, anchor, drawable, read_graph
from debgen.report.tree import tree

MEANING = {
    "blocked": "can’t be done in this suite",
    "package": "to be packaged: Debian has none",
    "update": "newer release to be packaged",
    "relax": "Debian’s will do, with a patch",
    "drop": "left out, with a patch",
    "use": "Debian’s package will do",
}
"""What each decision means, in the page's words."""
SUPPLIES = tuple(s.value for s in (Supply.MISSING, Supply.UNINSTALLABLE, Supply.RELAXABLE, Supply.SATISFIED))
"""What the suite may have for a build need, the worst first."""


def html(plan: Mapping[str, Any], drawing: str) -> str:
    """One page that shows a plan in its JSON form: the tree, the build order, the graph, and every reason.

    ``drawing`` is what :func:`debgen.report.drawing.drawing` makes of the same plan, or empty for a page without it.
    Nothing in the plan can add markup or script: the page's policy (CSP level 2) allows its own script and style by
    their hashes, and nothing else. UsageError where ``plan`` is none.
    """
    graph = read_graph(plan)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["anchor"] = anchor
    environment.filters["prose"] = prose
    style, script = common_style() + _data("plan.css"), _data("plan.js")
    try:
        return environment.from_string(_data("plan.html.j2")).render(
            plan=graph.plan,
            nodes=graph.nodes,
            stage=graph.stage,
            cyclic=graph.cyclic,
            needed=sum(bool(n["needed"]) for n in graph.nodes.values()),
            decisions=[(d, MEANING[d], _count(graph, "decision", d)) for d in DECISIONS],
            verdicts=[(v, _count(graph, "verdict", v)) for v in VERDICTS],
            root_release=graph.nodes.get(graph.plan["root"], {}).get("version", ""),
            suite_date=_date(graph.plan["suite_date"]),
            tree=tree(graph),
            supplies={s: s for s in SUPPLIES},
            drawing=Markup(drawing),  # noqa: S704 - debgen's own markup; every text in it is escaped
            drawn=drawable(graph),
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            policy=f"default-src 'none'; img-src data:; style-src {source_hash(style)}; "
            f"script-src {source_hash(script)}; base-uri 'none'; form-action 'none'",
        )
    except (UndefinedError, KeyError, TypeError) as error:
        raise UsageError(f"the plan is damaged: {error}", hint="Make the plan again with `debgen plan`.") from None


def prose(text: str) -> Markup:
    """A sentence whose words in backquotes are code; a quote without its partner stands for itself."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def _count(graph: Graph, key: str, value: str) -> int:
    return sum(bool(n["needed"]) and n[key] == value for n in graph.nodes.values())


def _data(name: str) -> str:
    return (files("debgen.report") / name).read_text(encoding="utf-8")


def common_style() -> str:
    """The style sheet that all pages of debgen begin with: colours for light and dark, text, focus."""
    return _data("base.css")


def source_hash(text: str) -> str:
    """A source expression of the Content Security Policy for an inline element with exactly this text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _date(text: str) -> str:
    """An ISO 8601 time in words; any other text as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return text
