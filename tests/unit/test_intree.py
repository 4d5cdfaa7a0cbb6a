"""Build requirements beyond build-system.requires: of a hook in the source tree (PEP 517), and of Cython sources."""

from __future__ import annotations

import pytest

from debgen.upstream.buildfacts import build_facts, wanted

PYPROJECT = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'own_backend.hooks'\nbackend-path = ['tools']\n"
HOOK = "def get_requires_for_build_wheel(config_settings=None):\n    '''Cython in words'''\n    pure = asked()\n"


def requires(body: str, before: str = "") -> tuple[str, ...]:
    texts = {
        "pyproject.toml": PYPROJECT,
        "tools/own_backend/hooks.py": "from ._main import *\n",
        "tools/own_backend/_main.py": before + HOOK + body,
        "tools/other.py": HOOK + "    return ['other']\n",
    }
    assert wanted("tools/own_backend/hooks.py")
    return build_facts(frozenset(texts), texts).requires


@pytest.mark.parametrize(
    ("body", "before", "expected"),
    [
        ("    return _orig(config_settings) + ['cffi >= 1.2']\n", "", ["cffi >= 1.2"]),
        ("    found = [] if pure else ['Cython >= 3']\n    return found\n", "import Cython.Build\n", ["Cython >= 3"]),
        ("    if pure:\n        return []\n    return ['Cython']\n", "", ["Cython"]),
        # whether a library has been built in parallel only the build can tell, and the back end needs no mpi4py
        ("    return ['mpi4py>=3.1'] if parallel() else []\n", "", []),
        ("    if os.getenv('MPI') == 'ON':\n        return ['mpi4py']\n    return []\n", "import mpi4py\n", []),
        ("    return ['not a requirement!']\n", "", []),
        ("    return []\n", "def get_requires_for_build_sdist():\n    return ['twine']\n", []),
    ],
)
def test_requirements_of_the_hook(body: str, before: str, expected: list[str]) -> None:
    assert list(requires(body, before)) == ["setuptools", *expected]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("setup(ext_modules=[Extension('x', sources=['x.pyx'])])\n", ["Cython"]),
        ("setup(ext_modules=[Extension('x', ['x.pyx'])])\n", ["Cython"]),
        ("try:\n    from Cython.Build import cythonize\nexcept ImportError:\n    pass\nsetup()\n", ["Cython"]),
        ("if os.environ.get('USE_CYTHON'):\n    from Cython.Build import cythonize\nsetup()\n", []),
        ("setup(ext_modules=[Extension('x', ['x.c'])])\n", []),
        ("setup(setup_requires=['cython>=3'], ext_modules=[Extension('x', ['x.pyx'])])\n", ["cython>=3"]),
    ],
)  # fmt: skip
def test_cython_that_nobody_asks_for(script: str, expected: list[str]) -> None:
    texts = {"setup.py": "from setuptools import *\n" + script}
    assert list(build_facts(frozenset({*texts, "x.pyx", "x.c"}), texts).requires) == ["setuptools", *expected]


def test_cython_at_hand_by_chance() -> None:
    optional = (
        "try:\n    from Cython.Build import cythonize\nexcept ImportError:\n    cythonize = None\n"
        "if cythonize is not None:\n    more = cythonize([Extension('y', ['y.pyx'])])\nsetup()\n"
    )
    names = {"setup.py", "y.pyx", "x.c"}
    assert build_facts(frozenset(names), {"setup.py": optional}).requires == ("setuptools",)
    assert build_facts(frozenset({*names, "y.c"}), {"setup.py": optional}).requires == ("setuptools", "Cython")
