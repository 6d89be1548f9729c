"""Who may do what: roles, and the caller that a key stands for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mitame.errors import CollectionNotFound, NotAllowed, NotAuthenticated


class Role(IntEnum):
    """What a route asks for; each includes those before it."""

    OPEN = 0
    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As keys name it."""
        return self.name.lower()


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        name: of the key, for logs; never the key itself.
        role: the most that it may do.
        collections: that it may touch; all where None.
    """

    name: str
    role: Role
    collections: frozenset[str] | None = None

    def check(self, role: Role, collection: str | None) -> None:
        """Pass where the caller may.

        Args:
            role: that the route asks for.
            collection: that is touched; None where it is all of them.

        Raises:
            NotAuthenticated: it has sent no key.
            NotAllowed: its role does not reach.
            CollectionNotFound: its scope does not reach: as if the collection were not there, so
                that a key learns nothing of what others have.
        """
        if role == Role.OPEN:
            return
        if self.role == Role.OPEN:
            raise NotAuthenticated("this needs a key, and none was sent")
        if self.role < role:
            raise NotAllowed(
                f"this needs the role {role.word!r}, and the key has {self.role.word!r}"
            )
        if collection is not None and not self.reaches(collection):
            raise no_collection(collection)

    def reaches(self, collection: str) -> bool:
        """Whether the collection is within the key's scope."""
        return self.collections is None or collection in self.collections


def no_collection(name: str) -> CollectionNotFound:
    """The one answer for a collection that is not there and for one that is not the caller's."""
    return CollectionNotFound(f"no collection {name[:100]!r}", remedy="see GET /v1/collections")


NOBODY = Caller("nobody", Role.OPEN)
ANYBODY = Caller("anybody", Role.ADMIN)
"""Who asks a server without keys, which listens on loopback only."""
