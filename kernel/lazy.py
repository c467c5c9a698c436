"""A value that is made when it is first asked for, and kept with its owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class lazy(Generic[Value]):  # noqa: N801  # Read as the decorator that it is.
    """A property that is made once; of two threads that ask first, both may make it.

    Up to Python 3.11 `functools.cached_property` holds one lock for all owners while a value is made, so that a thread
    which asks the database keeps waiting whoever asks for the same thing of another owner.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, of: type) -> lazy[Value]: ...

    @overload
    def __get__(self, owner: object, of: type) -> Value: ...

    def __get__(self, owner: object | None, of: type) -> lazy[Value] | Value:
        if owner is None:
            return self
        # Found there from now on: what an owner holds itself goes before what its class offers for reading only.
        value = owner.__dict__[self._name] = self._make(owner)
        return value
