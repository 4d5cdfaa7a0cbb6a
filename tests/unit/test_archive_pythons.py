"""For which Pythons packages are built."""

from __future__ import annotations

import pytest

from debgen.archive.model import Binary
from debgen.archive.pythons import is_for_default_only, supported


class Suite:
    """Packages by name, with their Depends."""

    def __init__(self, **depends: str) -> None:
        self.depends = {name.replace("_", "-"): relations for name, relations in depends.items()}

    def binary(self, name: str) -> Binary | None:
        if name not in self.depends:
            return None
        return Binary(name, "1-1", "amd64", name, "1-1", "main", "python", "", self.depends[name], "")

    def providers(self, virtual: str) -> tuple[Binary, ...]:
        return ()


TWO = Suite(
    python3_all="python3 (= 3.14.8-1), python3.14, python3.15", python3="",
    python3_torch="python3 (<< 3.15), python3 (>= 3.14~)", python3_numpy="python3 (<< 3.16), python3 (>= 3.14~)",
    python3_pure="python3:any", python3_accelerate="python3-pure, python3-torch",
)  # fmt: skip


@pytest.mark.parametrize(
    ("package", "only"),
    [("python3-torch", True), ("python3-numpy", False), ("python3-pure", False), ("python3-accelerate", True),
     ("python3-gone", False)],
)  # fmt: skip
def test_which_pythons(package: str, only: bool) -> None:
    assert is_for_default_only(TWO, package) is only


def test_with_one_python_nothing_is_held_up() -> None:
    one = Suite(python3_all="python3 (= 3.13.5-1), python3.13", python3_torch="python3 (<< 3.14), python3 (>= 3.13~)")
    assert (supported(one), supported(Suite())) == ((13,), ())
    assert not is_for_default_only(one, "python3-torch")
