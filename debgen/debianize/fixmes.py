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
    """Collects open questions while the files are written, and notes on what was done without asking."""

    items: list[Fixme] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, question: str) -> None:
        """Note a question once."""
        if (fixme := Fixme(file, question)) not in self.items:
            self.items.append(fixme)

    def note(self, text: str) -> None:
        """Note once what a reviewer should know, though nothing needs an answer."""
        if text not in self.notes:
            self.notes.append(text)
