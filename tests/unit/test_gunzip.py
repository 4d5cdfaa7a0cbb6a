"""Unpacking gzip streams piece by piece."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib

import pytest

from debgen.gunzip import gunzip

#: Can't be packed any smaller; the same each time.
NOISE = hashlib.shake_256(b"debgen").digest(3_400_000)


def unpacked(data: bytes) -> bytes:
    return b"".join(gunzip(io.BytesIO(data).read))


@pytest.mark.parametrize("size", [0, 1, 1 << 15, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_333_333])
@pytest.mark.parametrize("zeros", [True, False])
def test_what_was_packed_comes_out(size: int, zeros: bool) -> None:
    content = bytes(size) if zeros else NOISE[:size]
    assert unpacked(gzip.compress(content)) == content


def test_members_follow_one_another_and_may_be_padded() -> None:
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two") + bytes(1000)) == b"one two"


def test_pieces_are_bounded_however_much_is_packed() -> None:
    pieces = list(map(len, gunzip(io.BytesIO(gzip.compress(bytes(50 << 20))).read)))
    assert sum(pieces) == 50 << 20
    assert max(pieces) <= 1 << 20


def test_an_early_end_and_damage_are_errors() -> None:
    packed = gzip.compress(NOISE[:100_000])
    for short in (b"", packed[:5], packed[:-1], packed + packed[:20]):
        with pytest.raises(EOFError):
            unpacked(short)
    for broken in (b"junk", packed[:-8] + bytes(8), packed + b"junk"):
        with pytest.raises(zlib.error):
            unpacked(broken)
