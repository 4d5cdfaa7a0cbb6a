"""``debgen review NAME``: the dossier for whoever sponsors an upload, as a page and as text."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from debgen.cli.options import SubParsers, index_client
from debgen.errors import DebgenError, UsageError
from debgen.pipeline import parse_name
from debgen.review.document import Document
from debgen.review.dossier import dossier
from debgen.review.origin import Told
from debgen.review.page import page
from debgen.review.results import find_results, read_results
from debgen.review.text import text
from debgen.workspace import cache_root, write_atomically

SCHEMA = 1


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "review",
        help="write the dossier of a package: what a sponsor looks at, in that order",
        description="Read what `debgen build` (or `generate`) left of a package, and write one page, review.html, and "
        "its text twin, review.txt, beside it: whether the source is upstream's, licences, each file of debian/ with "
        "why each line is there and what a human decided, patches, tests, the build, the checks, and what is left for "
        "a human.",
    )
    parser.add_argument("name", metavar="NAME[==VERSION]", help="distribution; without a version, the newest there")
    parser.add_argument("--dist", metavar="SUITE", default="sid", help="suite that it was made for (default: sid)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", default=Path("debgen-output"),
        help="folder of results (default: ./debgen-output)",
    )  # fmt: skip
    parser.add_argument("--refresh", action="store_true", help="ask the index again for upstream's hash")
    parser.add_argument("--index-url", metavar="URL", help="package index (default: uv's or pip's configuration)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--text", action="store_true", help="print the text as well")
    shown.add_argument("--json", action="store_true", help="print the verdict and the paths as JSON")
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Write the two files and say where they are."""
    name, bounds = parse_name(args.name)
    if "/" in args.dist or args.dist in ("", ".", ".."):
        raise UsageError(f"{args.dist!r} is no suite", hint="For example: --dist sid")
    folder, version = find_results(args.output.absolute(), args.dist, name, bounds)
    results = read_results(folder, args.dist, name, version)
    document = dossier(results, _index_says(args, name, version))
    html, twin = folder / "review.html", folder / "review.txt"
    write_atomically(html, page(document).encode("utf-8", "backslashreplace"))
    write_atomically(twin, text(document).encode("utf-8", "backslashreplace"))
    if args.json:
        print(json.dumps(_json(document, html, twin), indent=2))
    elif args.text:
        print(twin.read_text(encoding="utf-8"), end="")
    else:
        print(f"{html}\n{twin}")
    return 0


def _index_says(args: argparse.Namespace, name: str, version: str) -> Told:
    """What the index says of the release's sdist; without an answer the page says that nobody was asked."""
    try:
        file = index_client(args).sdist_of(name, version)
    except DebgenError as error:
        return Told(problem=" ".join(str(error).split()))
    copy = cache_root() / "sdists" / (file.sha256 or "unhashed") / file.filename
    return Told(file.filename, file.sha256 or "", file.uploaded, copy if copy.is_file() else None)


def _json(document: Document, html: Path, twin: Path) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "html": str(html),
        "text": str(twin),
        "title": document.title,
        "suite": document.suite,
        "verdict": document.verdict.value,
        "told": document.told,
        "left": [{"mark": mark.value, "text": told} for mark, told in document.left],
        "sections": [{"key": s.key, "mark": s.mark.value, "told": s.told} for s in document.sections],
    }
