"""A column of a table: how one fact of a record is shown and ordered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """How one fact of a record is shown and ordered."""

    key: str  #: by which it is remembered
    title: str
    text: Callable[[R], str]
    order: Callable[[R], Any] | None = None  #: to sort by; the text where none is given
    tip: Callable[[R], str] | None = None
    paint: Callable[[R], Any] | None = None  #: for the column's delegate
    is_number: bool = False
    is_editable: bool = False
    is_shown: bool = True  #: until a person says otherwise
    is_shown_when: Callable[[R], bool] | None = None  #: as soon as this is true of a record
    leads: bool = False  #: the natural order goes by it: its head says so
    grows: bool = False  #: takes the room that the others leave
    width: int = 12  #: in digits, at first
    explains: str = ""  #: shown over its head
