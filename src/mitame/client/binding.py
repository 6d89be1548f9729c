"""Operations as methods: each is written once as a request, and sent by either client.

The descriptors keep an operation's parameters and what it gives, for type checkers and help().
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from mitame.client.request import Request

P = ParamSpec("P")
T = TypeVar("T")


class _Described:
    """What help() shows of an operation, on the class and on its objects."""

    def __init__(self, make: Callable[..., Request[Any]], *, is_of_one: bool) -> None:
        self.__doc__ = make.__doc__
        self.__name__ = make.__name__
        self.__module__ = make.__module__
        signature = inspect.signature(make)
        shown = list(signature.parameters.values())[is_of_one:]
        given = str(signature.return_annotation).removeprefix("Request[").removesuffix("]")
        self.__signature__ = signature.replace(parameters=shown, return_annotation=given)

    def told(self, method: Callable[..., Any]) -> None:
        """Let a bound method tell the same."""
        method.__doc__, method.__name__ = self.__doc__, self.__name__
        method.__signature__ = self.__signature__  # type: ignore[attr-defined]


class Operation(_Described, Generic[P, T]):
    """A method of a client."""

    def __init__(self, make: Callable[P, Request[T]]) -> None:
        super().__init__(make, is_of_one=False)
        self._make = make

    def __get__(self, owner: Any, _: type | None = None) -> Callable[P, T]:
        if owner is None:
            return self  # type: ignore[return-value]  # the class: for help()

        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            found: T = owner.send(self._make(*args, **kwargs))
            return found

        self.told(method)
        return method


class CollectionOperation(_Described, Generic[P, T]):
    """A method of a client's collection, whose name the operation takes first."""

    def __init__(self, make: Callable[Concatenate[str, P], Request[T]]) -> None:
        super().__init__(make, is_of_one=True)
        self._make = make

    def __get__(self, owner: Any, _: type | None = None) -> Callable[P, T]:
        if owner is None:
            return self  # type: ignore[return-value]

        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            found: T = owner.client.send(self._make(owner.name, *args, **kwargs))
            return found

        self.told(method)
        return method


class AsyncOperation(_Described, Generic[P, T]):
    """As `Operation`, to be awaited."""

    def __init__(self, make: Callable[P, Request[T]]) -> None:
        super().__init__(make, is_of_one=False)
        self._make = make

    def __get__(self, owner: Any, _: type | None = None) -> Callable[P, Coroutine[Any, Any, T]]:
        if owner is None:
            return self  # type: ignore[return-value]

        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            found: T = await owner.send_made(lambda: self._make(*args, **kwargs))
            return found

        self.told(method)
        return method


class AsyncCollectionOperation(_Described, Generic[P, T]):
    """As `CollectionOperation`, to be awaited."""

    def __init__(self, make: Callable[Concatenate[str, P], Request[T]]) -> None:
        super().__init__(make, is_of_one=True)
        self._make = make

    def __get__(self, owner: Any, _: type | None = None) -> Callable[P, Coroutine[Any, Any, T]]:
        if owner is None:
            return self  # type: ignore[return-value]

        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            found: T = await owner.client.send_made(lambda: self._make(owner.name, *args, **kwargs))
            return found

        self.told(method)
        return method
