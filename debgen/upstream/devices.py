"""The device variants that a source tree knows (CPU, CUDA, ROCm, …), each with the places that show it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from debgen.upstream.buildcmake import Command
from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildfacts import is_aside
from debgen.upstream.buildsetup import dotted
from debgen.upstream.testfacts import table

#: Words by which sources call a device, and the variant that they mean.
_DEVICES = {
    "cpu": "cpu", "cuda": "cuda", "nvidia": "cuda", "nvcc": "cuda", "cudatoolkit": "cuda", "rocm": "rocm",
    "hip": "rocm", "amdgpu": "rocm", "tpu": "tpu", "xpu": "xpu", "sycl": "xpu", "intelsycl": "xpu", "hpu": "hpu",
    "neuron": "neuron", "openvino": "openvino", "npu": "npu", "musa": "musa", "metal": "metal", "mps": "metal",
    "vulkan": "vulkan", "opencl": "opencl",
}  # fmt: skip
#: Words that say too little where they are only part of an option's name.
_VALUES_ONLY = {"cpu", "metal", "neuron", "npu"}
_REQUIREMENTS = re.compile(r"(?:requirements[-_/]?)([a-z0-9]+)(?:[-_][a-z0-9]+)?\.(?:txt|in)$", re.IGNORECASE)
_CHOOSES = re.compile(r"device|backend|platform|accelerator|gpu_lang|target", re.IGNORECASE)
_SHOWN = 6


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """A variant, the variables that choose it, and what shows it, each with file and line."""

    name: str
    evidence: tuple[str, ...]


def known_devices(files: BuildFiles, cmake: tuple[Command, ...]) -> tuple[Device, ...]:
    """The variants, sorted; nothing where only "cpu" shows, which is no choice."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for device, evidence in (*_of_files(files), *_of_cmake(cmake), *_of_scripts(files), *_of_extras(files)):
        found[device].setdefault(evidence.partition(" ")[2], evidence)  # each reason once, where it stands first
    if not set(found) - {"cpu"}:
        return ()
    return tuple(Device(name, tuple(found[name].values())[:_SHOWN]) for name in sorted(found))


def _device(word: str) -> str | None:
    plain = word.lower()
    if re.fullmatch(r"cuda?\d+(?:x)?|cu\d+", plain):
        return "cuda"
    return _DEVICES.get(re.sub(r"\d+$", "", plain)) or _DEVICES.get(plain)


def _of_files(files: BuildFiles) -> Iterator[tuple[str, str]]:
    kernels: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(files.names, key=lambda n: (len(n), n)):
        match = _REQUIREMENTS.search(name)
        if match and not is_aside(name) and "docker" not in name and (device := _device(match[1])):
            yield device, f"{name} (requirements of {match[1]})"
        if name.endswith((".cu", ".hip")) and not is_aside(name):
            kernels["cuda" if name.endswith(".cu") else "rocm"].append(name)
    for device, names in kernels.items():
        yield device, f"{names[0]} (one of {len(names)} kernel files)"


def _of_cmake(commands: tuple[Command, ...]) -> Iterator[tuple[str, str]]:
    for command in commands:
        args = command.args
        words: list[str] = []
        if command.name in ("enable_language", "check_language"):
            words = list(args)
        elif command.name == "project" and "LANGUAGES" in args:
            words = list(args[args.index("LANGUAGES") + 1 :])
        elif command.name == "find_package":
            words = list(args[:1])
        elif command.name in ("option", "cmake_dependent_option") and args:
            words = [part for part in re.split(r"[_-]", args[0]) if part.lower() not in _VALUES_ONLY]
        elif command.name == "set" and "CACHE" in args and _CHOOSES.search(args[0]):
            words = list(args[1:2])
        for word in words:
            if device := _device(word):
                yield device, f"{command.evidence} ({command.name} {' '.join(args[:2])})"
        for condition in command.when:
            for name, value in re.findall(r"(\S+) (?:STREQUAL|MATCHES) (\S+)", condition):
                if _CHOOSES.search(name) and (device := _device(value.strip('"()^$'))):
                    yield device, f"{command.evidence} ({name.strip('(')} = {value.strip('()')})"


def _of_scripts(files: BuildFiles) -> Iterator[tuple[str, str]]:
    for script in files.scripts if files.setuptools else ():
        for node in ast.walk(script.tree):
            if isinstance(node, ast.Compare) and len(node.comparators) == 1:
                name, value = dotted(node.left), node.comparators[0]
                word = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
                if _CHOOSES.search(name) and (device := _device(word)):
                    yield device, f"{script.path}:{node.lineno} ({name} == {word!r})"
        for call in script.calls:
            if call.function in ("CUDAExtension", "SyclExtension", "MUSAExtension"):
                yield _DEVICES[call.function.removesuffix("Extension").lower()], f"{call.evidence} ({call.function})"
            elif call.name in ("os.getenv", "os.environ.get", "environ.get", "getenv") and call.words:
                for part in call.words[0].split("_"):
                    if part.lower() not in _VALUES_ONLY and (device := _device(part)):
                        yield device, f"{call.evidence} (${call.words[0]})"


def _of_extras(files: BuildFiles) -> Iterator[tuple[str, str]]:
    for extra in table(files.pyproject, "project", "optional-dependencies"):
        if extra.lower() not in _VALUES_ONLY - {"cpu"} and (device := _device(extra)):
            line = files.line_of("pyproject.toml", rf"^{re.escape(extra)}\s*=")
            yield device, f"{line} (extra {extra})"
