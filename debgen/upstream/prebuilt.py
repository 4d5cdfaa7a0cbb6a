"""What in a source tree is built already, told by content: programs, libraries, archives of them, model weights."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from dataclasses import dataclass

from debgen.upstream.sourcetree import SourceTree

_ELF = {1: "relocatable object", 2: "program", 3: "shared object", 4: "core dump"}
_EM_CUDA, _EM_AMDGPU, _EM_BPF = 190, 224, 247
_MACH_O = {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"!<arch>\n", "static library (ar)"),
    (b"!<thin>\n", "static library (ar)"),
    (b"\0asm", "WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x50\xed\x55\xba", "CUDA fat binary"),
    (b"GGUF", "model weights (GGUF)"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"7z\xbc\xaf\x27\x1c", "archive (7z)"),
    (b"Rar!\x1a\x07", "archive (rar)"),
)
_WEIGHTS = re.compile(
    r"\.(?:bin|pt|pth|ckpt|onnx|pb|tflite|h5|safetensors|caffemodel|params|model|joblib|pkl|pickle)$", re.I
)
_TARBALL = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|zst)|tgz|tbz2|txz)$", re.I)

#: Weights are never small; binary data of a few bytes is a test's.
_WEIGHTY = 64 << 10


@dataclass(frozen=True, slots=True, order=True)
class Prebuilt:
    """A file without its source form: where, what, and how many bytes."""

    path: str
    kind: str
    size: int


def find_prebuilt(tree: SourceTree) -> tuple[Prebuilt, ...]:
    """All such files of the tree; suffixes decide only between meanings that the content leaves open."""
    found: list[Prebuilt] = []
    for name in tree.names:
        kind = _kind(tree, name)
        if kind:
            found.append(Prebuilt(name, kind, tree.size(name)))
    return tuple(found)


def _kind(tree: SourceTree, name: str) -> str:
    if tree.size(name) < 8:
        return ""
    head = tree.head(name, 512)
    if head.startswith(b"\x7fELF"):
        return _elf(head)
    if head.startswith(b"MZ"):
        return _pe(tree, name, head)
    if head[:4] in _MACH_O:
        return "Mach-O binary"
    if head.startswith(b"\xca\xfe\xba\xbe"):
        # a fat Mach-O counts its architectures where Java's class files have their version, 45 at least
        return "Java class" if int.from_bytes(head[4:8], "big") >= 45 else "Mach-O binary"
    if head.startswith(b"PK\x03\x04"):
        return _zip(tree, name)
    if name.endswith((".pyc", ".pyo")) and head[2:4] == b"\r\n":
        return "Python bytecode"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if _TARBALL.search(name) and head[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7", b"\x28\xb5"):
        return "archive (tar)"
    if head[4:8] == b"TFL3":
        return "model weights (TFLite)"
    if tree.size(name) >= _WEIGHTY and _WEIGHTS.search(name) and b"\0" in tree.head(name, 8192):
        return "binary data, maybe weights"
    return ""


def _elf(head: bytes) -> str:
    if len(head) < 20:
        return "ELF file"
    order = "<" if head[5] == 1 else ">"
    kind, machine = struct.unpack_from(f"{order}HH", head, 16)
    if machine == _EM_CUDA:
        return "CUDA device code (ELF)"
    if machine == _EM_AMDGPU:
        return "AMD device code (ELF)"
    if machine == _EM_BPF:
        return "BPF object (ELF)"
    return f"ELF {_ELF.get(kind, 'file')}"


def _pe(tree: SourceTree, name: str, head: bytes) -> str:
    """Windows' programs have their header where the old DOS one says; without it, the two letters are chance."""
    if len(head) < 64:
        return ""
    offset = int.from_bytes(head[60:64], "little")
    beginning = tree.head(name, min(offset + 24, 1 << 16))
    if beginning[offset : offset + 4] != b"PE\0\0":
        return ""
    flags = int.from_bytes(beginning[offset + 22 : offset + 24], "little")
    return "PE library (DLL)" if flags & 0x2000 else "PE program"


def _zip(tree: SourceTree, name: str) -> str:
    """What a zip file is, by its members; documents and data that happen to be zips are nobody's binary."""
    try:
        with zipfile.ZipFile(io.BytesIO(tree.head(name, 64 << 20))) as bundle:
            members = bundle.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, RuntimeError, OverflowError):
        return "archive (zip), damaged"
    if any(re.fullmatch(r"[^/]+\.dist-info/(?:WHEEL|METADATA)", m) for m in members):
        return "wheel"
    if "META-INF/MANIFEST.MF" in members or any(m.endswith(".class") for m in members):
        return "Java archive"
    if any(m.endswith("data.pkl") for m in members):
        return "model weights (PyTorch)"
    if "[Content_Types].xml" in members or "mimetype" in members or all(m.endswith(".npy") for m in members):
        return ""
    return "archive (zip)"
