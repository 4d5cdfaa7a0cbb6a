"""What the generator could not know: listed with the file to edit, and never called ready."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fixme:
    """One open question, and the file of debian/ in which its answer belongs."""

    file: str
    question: str


@dataclass
class Fixmes:
    """Collects open questions while the files are written."""

    items: list[Fixme] = field(default_factory=list)

    def add(self, file: str, question: str) -> None:
        """Note a question once."""
        if (fixme := Fixme(file, question)) not in self.items:
            self.items.append(fixme)
