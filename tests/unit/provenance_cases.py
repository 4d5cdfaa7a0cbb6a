"""Which lines of a generated debian/ nothing explains."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from debgen.debianize.model import SourcePackage

#: What dh asks of every package, what is there for people, and names of fields and tables.
BOILERPLATE = re.compile(r"#.*|%:|\tdh \$@ --buildsystem=pybuild|[\w-]+:|---|[ \t]*|")


def unexplained(package: SourcePackage, overlaid: Collection[str] = ()) -> Iterator[str]:
    """The lines that are not boilerplate and have no reason; of the recipe's own files, those without one at all."""
    told = {(why.file, number) for why in package.provenance.reasons for number in range(why.first, why.last + 1)}
    for path, text in package.files.items():
        if path == "changelog":  # each entry says itself what it is
            continue
        inside = ""
        for number, line in enumerate(text.splitlines(), 1):
            inside = inside if line.startswith(" ") else line
            mentions = path == "copyright" and inside.startswith("Comment:")
            plain = path not in overlaid and (BOILERPLATE.fullmatch(line) or mentions)
            if not plain and (path, number) not in told:
                yield f"{path}:{number}: {line}"
