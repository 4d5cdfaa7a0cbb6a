"""Unpacking gzip streams (RFC 1952) in large pieces: what the gzip module does through buffers of 8 KiB."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

_READ = 1 << 15
_PIECE = 1 << 20


def gunzip(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The content of all members of the stream that ``read`` gives, in pieces of 1 MiB at most.

    Raises zlib.error where it is malformed or fails its checksum, and EOFError where it ends too early.
    """
    unpacker = _member()
    while data := read(_READ):
        if unpacker.eof:
            data = data.lstrip(b"\0")  # padding, as tapes have it
        while data:
            if unpacker.eof:
                unpacker = _member()
            yield unpacker.decompress(data, _PIECE)
            data = unpacker.unused_data.lstrip(b"\0") if unpacker.eof else unpacker.unconsumed_tail
    # What the last piece had no room for.
    while not unpacker.eof:
        piece = unpacker.decompress(b"", _PIECE)
        if not piece:
            raise EOFError("it ends too early")
        yield piece


def _member() -> zlib._Decompress:
    return zlib.decompressobj(wbits=31)
