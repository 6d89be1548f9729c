"""What all errors have in common, and those that fit no room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

_HERE = "mitame.errors."


class MitameError(Exception):
    """Base of all errors here.

    Args:
        message: what is wrong, naming the thing; one line, no trailing full stop.
        remedy: what to do about it; the class's own remedy when left out.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = self.default_remedy if remedy is None else remedy

    def line(self) -> str:
        """Message and remedy in one line, as the command line prints them."""
        text = f"{self.message}: {self.remedy}" if self.remedy else self.message
        return " ".join(text.split())


def with_heirs(kind: type[MitameError]) -> Iterator[type[MitameError]]:
    """A class of the tree and all that inherit from it here; not those that others have added."""
    yield kind
    for heir in kind.__subclasses__():
        if heir.__module__.startswith(_HERE):
            yield from with_heirs(heir)


class UsageError(MitameError):
    """The call itself is wrong."""

    code = "usage"


class InvalidId(UsageError):
    """An item's id that can't be one."""

    code = "invalid_id"
    status = 422
    default_remedy = "use 1 to 1,000 characters without control characters"


class InvalidFilter(UsageError):
    """A filter that can't be read."""

    code = "invalid_filter"
    status = 422
    default_remedy = "write it like 'category=mug,price<5000,sold_out!=true'"


class InvalidVector(UsageError):
    """A vector with the wrong shape, NaN or infinity."""

    code = "invalid_vector"
    status = 422


class NoCategories(UsageError):
    """Answers are to be measured by category, and the items have fewer than two."""

    code = "no_categories"
    status = 409
    default_remedy = "index with --category-from-folder, or set categories"


class CannotListen(UsageError):
    """The service can't listen where it was told to."""

    code = "cannot_listen"
    default_remedy = "give another --host or --port"


class TargetError(MitameError):
    """A server that results are written to can't be reached, refuses us, or has no room."""

    code = "target"
    status = 422
    default_remedy = "check its address, and that it is running"


class ServiceError(MitameError):
    """A mitame service that can't be reached, or answers what none of ours does."""

    code = "service"
    status = 422
    default_remedy = "check the address, and that mitame serve is running there"


class MissingExtra(MitameError):
    """An optional dependency is not installed.

    Args:
        what: what needs it, as the start of the message.
        extra: name of the extra in pyproject.
    """

    code = "missing_extra"
    status = 422

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional dependency",
            remedy=f"install it with: pip install 'mitame[{extra}]'",
        )
