"""The patches of recipes, as they come into debian/patches."""

from __future__ import annotations

import pytest

from debgen.debianize.patches import signed

ME = "Ada <ada@example.org>"
DIFF = "---\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-Forwarded: a\n+b\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Description: Say b\n Why.\nForwarded: no\n", f"Description: Say b\n Why.\nAuthor: {ME}\nForwarded: no\n"),
        ("Description: Say b\n Why.\n", f"Description: Say b\n Why.\nAuthor: {ME}\n"),
        ("Description: Say b\nAuthor: Bob <b@example.org>\n", "Description: Say b\nAuthor: Bob <b@example.org>\n"),
        ("Description: Say b\nOrigin: upstream, abc\n", "Description: Say b\nOrigin: upstream, abc\n"),
    ],
)
def test_a_patch_without_an_author_is_the_maintainers(header: str, expected: str) -> None:
    assert signed(header + DIFF, ME) == expected + DIFF


def test_a_bare_diff_stays() -> None:
    assert signed("--- a/x.py\n+++ b/x.py\n", ME) == "--- a/x.py\n+++ b/x.py\n"
