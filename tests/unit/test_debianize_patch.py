"""Changes to upstream's own lists of requirements, in every place where upstreams keep them."""

from __future__ import annotations

import ast
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.debianize.metadata_patch import Change, apply_change, dep3_patch

REASON = "a reason that says something"


def drop(name: str) -> Change:
    return Change(name, None, REASON)


def relax(name: str, specifier: str) -> Change:
    return Change(name, specifier, REASON)


PYPROJECT = """\
[tool.hatch.envs.default]
dependencies = [
  "foo-bar>=1,<2",
]

[project]
name = "x"
dependencies = [
  "Foo_Bar[Fast]>=1,<2 ; python_version >= '3.8'",  # why
  'baz==1.0',
  "qux; sys_platform == \\"linux\\"", "quux>1",
]

[project.optional-dependencies]
all = ["foo-bar>=1,<2", "only-extra==1"]
"""


def in_pyproject(change: Change, text: str = PYPROJECT) -> list[str]:
    changed = apply_change({"pyproject.toml": text, "setup.py": ""}, change)
    assert changed is not None
    path, new = changed
    assert path == "pyproject.toml"
    data = tomllib.loads(new)
    before = tomllib.loads(text)
    found = data["project"].pop("dependencies")
    before["project"].pop("dependencies")
    assert data == before  # nothing else has changed
    assert isinstance(found, list)
    return found


def test_pyproject() -> None:
    foo, baz, qux, quux = tomllib.loads(PYPROJECT)["project"]["dependencies"]
    assert in_pyproject(drop("foo-bar")) == [baz, qux, quux]
    assert in_pyproject(drop("baz")) == [foo, qux, quux]
    assert in_pyproject(drop("qux")) == [foo, baz, quux]
    assert in_pyproject(drop("quux")) == [foo, baz, qux]
    assert in_pyproject(relax("foo-bar", ">=0.9")) == ["Foo_Bar[Fast]>=0.9; python_version >= '3.8'", baz, qux, quux]
    assert in_pyproject(relax("baz", "")) == [foo, "baz", qux, quux]
    assert in_pyproject(relax("quux", ">=0,<5")) == [foo, baz, qux, "quux>=0,<5"]


def test_pyproject_on_one_line() -> None:
    text = '[project]\ndependencies = ["a>=1", "b>=1", "c>=1"]\n'
    assert in_pyproject(drop("a"), text) == ["b>=1", "c>=1"]
    assert in_pyproject(drop("b"), text) == ["a>=1", "c>=1"]
    assert in_pyproject(drop("c"), text) == ["a>=1", "b>=1"]


def test_an_extra_is_no_requirement() -> None:
    assert apply_change({"pyproject.toml": PYPROJECT}, drop("only-extra")) is None


def test_what_cannot_be_changed_is_said_instead_of_an_empty_patch() -> None:
    text = '[project]\ndependencies = ["a>=1; sys_platform == \\"linux\\""]\n'
    assert apply_change({"pyproject.toml": text}, relax("a", ">=0")) is None
    assert apply_change({"pyproject.toml": text}, drop("a")) == ("pyproject.toml", "[project]\ndependencies = []\n")


SETUP_CFG = """\
[options]
packages = find:
install_requires =
    foo>=1,<2; python_version < "4"
    # a comment
    bar[x]
\tbaz ~= 1.0
python_requires = >=3.8

[options.extras_require]
test =
    qux
"""


def test_setup_cfg() -> None:
    texts = {"setup.cfg": SETUP_CFG}
    assert apply_change(texts, relax("foo", ">=0")) == (
        "setup.cfg",
        SETUP_CFG.replace("foo>=1,<2;", "foo>=0;"),
    )
    assert apply_change(texts, drop("bar")) == ("setup.cfg", SETUP_CFG.replace("    bar[x]\n", ""))
    assert apply_change(texts, relax("baz", "<3")) == ("setup.cfg", SETUP_CFG.replace("baz ~= 1.0", "baz<3"))
    assert apply_change(texts, drop("qux")) is None


SETUP_PY = """\
from setuptools import setup
NAME = "foo"  # façade
PIN = f"{NAME}>=1,<2"
\f
BAR = "bar>=1"
install_requires = [
    PIN,
    "ünused" if 0 else "x", f"{BAR}; python_version < '4'", 'baz==1.0',  # naïve
    "qux>=1",
]
setup(name=NAME, install_requires=install_requires, extras_require={"a": ["quux"]})
"""


def requirements(text: str) -> list[str]:
    """What setup.py would list, by running only its assignments."""
    names: dict[str, object] = {}
    body: list[ast.stmt] = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    exec(compile(ast.Module(body, []), "setup.py", "exec"), names)  # noqa: S102 - the text above
    listed = names["install_requires"]
    assert isinstance(listed, list)
    return listed


def test_setup_py() -> None:
    def changed(change: Change) -> list[str]:
        result = apply_change({"setup.py": SETUP_PY}, change)
        assert result
        assert result[0] == "setup.py"
        return requirements(result[1])

    foo, x, bar, baz, qux = requirements(SETUP_PY)
    assert changed(drop("bar")) == [foo, x, baz, qux]
    assert changed(drop("baz")) == [foo, x, bar, qux]
    assert changed(drop("qux")) == [foo, x, bar, baz]
    assert changed(relax("baz", ">=0.5")) == [foo, x, bar, "baz>=0.5", qux]
    assert apply_change({"setup.py": SETUP_PY}, drop("quux")) is None
    # an f-string's bound stands somewhere else, so that nothing is changed by guess
    assert apply_change({"setup.py": SETUP_PY}, relax("bar", ">=0")) is None


def test_setup_py_inline_and_broken() -> None:
    text = "setup(install_requires=('a>=1', \"b\"))\n"
    assert apply_change({"setup.py": text}, drop("a")) == ("setup.py", 'setup(install_requires=("b"))\n')
    for bad in ("setup(install_requires=[", "setup(install_requires=read())", "\0", ""):
        assert apply_change({"setup.py": bad}, drop("a")) is None


def test_nothing_is_executed() -> None:
    text = "raise SystemExit\nsetup(install_requires=['a', __import__('os').system('false')])\n"
    assert apply_change({"setup.py": text}, drop("a"))


def test_dep3_header() -> None:
    change = Change("foo", ">=1", "First line.\n\nAnother  \nline.")
    patch = dep3_patch("setup.py", "a\nfoo\nb", "a\nbar\nb", change, "Jane <j@example.org>", "2026-01-02")
    assert patch == (
        "Description: Relax the bound on foo\n First line.\n .\n Another\n line.\nAuthor: Jane <j@example.org>\n"
        "Forwarded: not-needed\nLast-Update: 2026-01-02\n---\n--- a/setup.py\n+++ b/setup.py\n@@ -1,3 +1,3 @@\n"
        " a\n-foo\n+bar\n b\n\\ No newline at end of file\n"
    )
    assert dep3_patch("x", "a\n", "", drop("foo"), "J", "d").startswith("Description: Don't require foo\n")


def test_lines_end_where_patch_thinks_they_end() -> None:
    patch = dep3_patch("x", "a\fb\u2028c\nfoo\n", "a\fb\u2028c\n", drop("foo"), "J", "d")
    assert "\n a\fb\u2028c\n-foo\n" in patch


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    for path in ("pyproject.toml", "setup.cfg", "setup.py"):
        apply_change({path: text}, drop("foo"))


@pytest.mark.parametrize("texts", [{}, {"README": "foo"}])
def test_no_build_files(texts: dict[str, str]) -> None:
    assert apply_change(texts, drop("foo")) is None


POETRY = """\
[tool.poetry]
name = "x"

[tool.poetry.dependencies]
python = "^3.9"
Foo_Bar = "^1.2"  # why
baz = { version = "~1.0", extras = ["fast"] }
many = [
  { version = "1", python = "<3.9" },
]

[tool.poetry.group.dev.dependencies]
foo-bar = "^9"
other = "1"
"""


def test_poetrys_table() -> None:
    def changed(change: Change) -> dict[str, object] | None:
        found = apply_change({"pyproject.toml": POETRY}, change)
        if found is None:
            return None
        data = tomllib.loads(found[1])["tool"]["poetry"]
        assert data["group"] == tomllib.loads(POETRY)["tool"]["poetry"]["group"]
        assert "# why" in found[1] or change.specifier is None
        listed: dict[str, object] = data["dependencies"]
        return listed

    before = tomllib.loads(POETRY)["tool"]["poetry"]["dependencies"]
    assert changed(relax("foo-bar", ">=1.2")) == {**before, "Foo_Bar": ">=1.2"}
    assert changed(relax("foo-bar", "")) == {**before, "Foo_Bar": "*"}
    assert changed(relax("baz", ">=1.0")) == {**before, "baz": {"version": ">=1.0", "extras": ["fast"]}}
    assert changed(drop("foo-bar")) == {name: value for name, value in before.items() if name != "Foo_Bar"}
    assert changed(drop("many")) is None  # it goes on in the next line
    assert changed(relax("other", "")) is None


@pytest.mark.parametrize(
    ("build", "path"),
    [
        ({"setup.py": "setup(install_requires=open('requirements.txt').read())"}, "requirements.txt"),
        ({"setup.py": "setup(setup_requires=['pbr'], pbr=True)"}, "requirements.txt"),
        ({"pyproject.toml": '[tool.x]\nfile = ["requirements/base.in"]'}, "requirements/base.in"),
    ],
)
def test_files_that_the_build_reads(build: dict[str, str], path: str) -> None:
    lines = "# a list\n-r other.txt\nfoo>=1,<2  # why\nbar!=3;python_version>'3'\n"
    texts = {**build, path: lines, "other-requirements.txt": lines}
    assert apply_change(texts, relax("foo", ">=1")) == (path, lines.replace(">=1,<2", ">=1"))
    assert apply_change(texts, drop("bar")) == (path, lines.replace("bar!=3;python_version>'3'\n", ""))
    assert apply_change({path: lines}, drop("bar")) is None  # nobody reads it
