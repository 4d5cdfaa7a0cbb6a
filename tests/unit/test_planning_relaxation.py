"""The safe rules for bounds that nobody has to look at."""

from __future__ import annotations

import pytest

from debgen.planning.model import Kind
from debgen.planning.relaxation import lower_bounds, safe_relaxation


@pytest.mark.parametrize(
    ("specifier", "left"),
    [
        ("", ""), ("<82", ""), ("<=82,>=77", ">=77"), ("==1.2", ">=1.2"), ("==1.2.*", ">=1.2"), ("===odd", ""),
        ("~=1.4.2", ">=1.4.2"), (">1,!=1.5", "!=1.5,>1"), ("==1.2+cpu", ">=1.2"),
    ],
)  # fmt: skip
def test_what_a_build_needs_at_least(specifier: str, left: str) -> None:
    assert lower_bounds(specifier) == left


@pytest.mark.parametrize(
    ("have", "specifier", "safe"),
    [
        ("2.14.1", "==2.13.0", True),
        ("2.13.5", "==2.13.0", True),
        ("2.14.1", "==2.11.0", False),  # three minor releases
        ("3.0", "==2.13.0", False),
        ("2.12.0", "==2.13.0", False),  # older: it needs a newer package
        ("0.65.1", "==0.65.0", True),
        ("0.66.0", "==0.65.0", False),  # below 1.0 minor releases break things
        ("1.3.1", "==1.2.2", True),
        ("2.14.1+dfsg", "==2.13.0", True),
        ("2.14.1", "===2.13.0", True),
        ("2.14.1", "==2.13.*", False),  # a series that upstream meant
        ("2.14.1", "<2.14", False),
        ("2.14.1", "~=2.13.0", False),
        ("2.14.1", "==2.13.0,<2.14", False),
        ("2.14.1", ">=2.13.0", False),  # nothing fails
        ("1!2.14", "==2.13.0", False),
        ("2.14.1", "===anything", False),
    ],
)
def test_run_time_pins(have: str, specifier: str, safe: bool) -> None:
    reason = safe_relaxation(have, specifier, Kind.RUN)
    assert bool(reason) is safe
    if safe:
        assert have.partition("+")[0] in reason


@pytest.mark.parametrize(
    ("have", "specifier", "safe"),
    [
        ("84.2", "==77.0.3", True),
        ("84.2", "<81", True),
        ("60", ">=77", False),
        ("84.2", ">=77", False),
        ("1.32.4", "==1.33.0", True),  # as near as a pin that is too old
        ("1.31.0", "==1.33.0", False),
        ("0.32.4", "==0.33.0", False),
        ("0.33.0", "==0.33.1", True),
        ("1.33.0", "==2.0", False),
        ("1.32.4", "==1.33.0,>=1.33", False),
        ("1.32.4", "~=1.33.0", False),
    ],
)
def test_build_requirements(have: str, specifier: str, safe: bool) -> None:
    reason = safe_relaxation(have, specifier, Kind.BUILD)
    assert bool(reason) is safe
    assert not safe or have in reason


def test_what_a_reason_says() -> None:
    assert safe_relaxation("1.3.1", "==1.3.0", Kind.RUN) == (
        "an exact pin, which can't hold in Debian; 1.3.1 is of the same minor release"
    )
    assert safe_relaxation("1.3.1", "==1.2.0", Kind.RUN).endswith("1.3.1 is the next minor release")
    assert safe_relaxation("1.3.1", "<1.3", Kind.BUILD).endswith("this one takes the suite's 1.3.1")
    assert safe_relaxation("1.3.1", "==1.3.2", Kind.BUILD).endswith("takes the suite's 1.3.1, which is near")
