"""Upstream's documented examples as a test."""

import pytest

from debgen.debianize.examples import Example, examples

MARKDOWN = """\
# Title
```bash
pip install foo
```
```python
import foo

print(foo.load("{"))
```
Text, then what goes on:

~~~py
result = foo.dump(1)
~~~
    >>> foo.twice(2)
    4
    >>> for i in range(1):
    ...     print(i)
    0

After it.
"""

RST = """\
Title
=====

.. code-block:: python
   :linenos:

   from foo.sub import f

   f()

Text.

>>> from foo import g
>>> g()
1

.. code-block:: c

   int x;
"""


def test_markdown() -> None:
    assert examples(MARKDOWN, {"foo"}) == (
        Example('import foo\n\nprint(foo.load("{"))\n', session=False),
        Example("result = foo.dump(1)\n", session=False),
        Example(">>> foo.twice(2)\n4\n>>> for i in range(1):\n...     print(i)\n0\n", session=True),
    )


def test_restructured_text() -> None:
    assert [example.code for example in examples(RST, {"foo"})] == [
        "from foo.sub import f\n\nf()\n",
        ">>> from foo import g\n>>> g()\n1\n",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "import foo\nfoo.get('https://example.org')",
        "import foo\nfoo.App().run()",
        "import foo\nfoo.call(...)\n...",
        "import foo\nfoo.f(",
        "import foo\ninput('?')",
        "import bar\nbar.f()",
        "import foo\nx = foo.y",
        "import foo\nwhile True:\n    foo.f()",
        "$ foo --help",
    ],
)
def test_what_shows_nothing_here(code: str) -> None:
    assert examples(f"```python\n{code}\n```\n", {"foo"}) == ()


def test_an_example_before_the_first_import_is_left_out() -> None:
    text = "```python\nx = other(1)\n```\n```python\nimport foo\nfoo.f()\n```\n"
    assert [example.code for example in examples(text, {"foo"})] == ["import foo\nfoo.f()\n"]


def test_no_readme_takes_long() -> None:
    for text in (">>> " * 20000, "```python\n" * 5000, ".. code::\n\n" + " x\n" * 20000, "~~~" * 9000):
        assert examples(text, {"foo"}) == ()


def test_the_literal_is_the_code() -> None:
    code = "print(\"a\\n\\\"ü\")\nx = '''\n'''\n"
    assert eval(f"({Example(code, session=False).literal})") == code  # noqa: S307 - what a Python file would hold
