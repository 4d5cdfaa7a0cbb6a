"""Options against debugging symbols."""

import pytest

from debgen.debianize.symbols_patch import with_symbols


@pytest.mark.parametrize(
    "option", ["-g0", "-Wl,-s", "-Wl,-S", "-Wl,-strip-all", "-Wl,--strip-all", "-Wl,--strip-debug"]
)
def test_options_against_symbols(option: str) -> None:
    assert with_symbols(f"a = ['{option}']\nb = \"{option}\"\n") == "a = ['-g']\nb = \"-g\"\n"


@pytest.mark.parametrize("text", ["a = ['-g', '-s', '-O2']", "# -g0", "'-g0 -O2'", "'-Wl,-soname,x'"])
def test_other_options_stay(text: str) -> None:
    assert with_symbols(text) == text
