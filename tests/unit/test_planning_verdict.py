from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from debgen.planning.verdict import Verdict, judge


@pytest.mark.parametrize(
    ("version", "specifier", "verdict"),
    [
        (None, ">=1", Verdict.MISSING),
        ("1.0", "", Verdict.SATISFIED),
        ("1.23.0", ">=1.5,<2.0", Verdict.SATISFIED),
        ("1.23.0", ">=1.24", Verdict.TOO_OLD),
        ("2.1", "<2", Verdict.TOO_NEW),
        ("2.0rc1", "<2", Verdict.TOO_NEW),
        ("2.0rc1", ">=2.0", Verdict.TOO_OLD),
        ("2.0rc1", ">=1.9", Verdict.SATISFIED),
        ("2.14.1", "==2.14.0", Verdict.TOO_NEW),
        ("2.13", "==2.14.0", Verdict.TOO_OLD),
        ("2.14.1+debian", "==2.14.1", Verdict.SATISFIED),
        ("1.4", "==1.5.*", Verdict.TOO_OLD),
        ("1.6", "==1.5.*", Verdict.TOO_NEW),
        ("1.4.1", "~=1.4.2", Verdict.TOO_OLD),
        ("1.5", "~=1.4.2", Verdict.TOO_NEW),
        ("1.5", "!=1.5", Verdict.TOO_OLD),
        ("3", "!=3,<2", Verdict.TOO_OLD),
        ("1.0", "===1.0", Verdict.SATISFIED),
        ("1.0+debian", "===1.0", Verdict.SATISFIED),
        ("1.0", "===snapshot", Verdict.TOO_OLD),
        ("1", ">=2,<0.5", Verdict.TOO_OLD),
    ],
)
def test_judge(version: str | None, specifier: str, verdict: Verdict) -> None:
    assert judge(version, specifier) is verdict
    assert judge(version, SpecifierSet(specifier)) is verdict
