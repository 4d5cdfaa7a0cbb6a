"""An apt repository that a chroot sees besides the mirror: what was built before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Where a chroot keeps the key of the repository (apt-secure(8)).
KEY_INSIDE = "/etc/apt/trusted.gpg.d/debgen.asc"
LIST_INSIDE = "/etc/apt/sources.list.d/debgen.list"


@dataclass(frozen=True)
class ExtraSource:
    """A signed repository at ``uri`` for the suite ``suite``; ``key`` is the file of its public key on the host.

    ``state`` names its content: as long as it is the same, the repository is.
    """

    uri: str
    suite: str
    key: Path
    state: str

    @property
    def line(self) -> str:
        """The entry of sources.list(5), for a chroot that has the key among the trusted ones."""
        return f"deb {self.uri} {self.suite} main"
