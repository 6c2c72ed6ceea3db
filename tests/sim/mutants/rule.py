"""Leaving out one rule of the protocol, and putting it back.

Each mutant replaces a function of the real code by one that a hurried programmer might have
written.  `python -m tests.sim --mutants` says how many schedules it took to catch each.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

Patch = Callable[[Any, str, Any], None]
Mutant = Callable[[Patch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(make: Mutant) -> Mutant:
    """Register a mutant under the words of its name."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


@contextlib.contextmanager
def applied(name: str) -> Iterator[None]:
    """Run the protocol with one rule left out."""
    undo: list[tuple[Any, str, Any]] = []

    def patch(owner: Any, attribute: str, value: Any) -> None:
        real = getattr(owner, attribute)
        undo.append((owner, attribute, real))
        if callable(real):
            _demand_fit(f"{name}: {attribute}", real, value)
        setattr(owner, attribute, value)

    MUTANTS[name](patch)
    try:
        yield
    finally:
        for owner, attribute, value in reversed(undo):
            setattr(owner, attribute, value)


def _demand_fit(what: str, real: Any, value: Any) -> None:
    """Raise TypeError where the real arguments do not fit: such a mutant proves nothing."""
    given = inspect.signature(real).parameters.values()
    named = {p.name: None for p in given if p.kind is p.KEYWORD_ONLY}
    try:
        inspect.signature(value).bind(*[None] * (len(given) - len(named)), **named)
    except TypeError as error:
        raise TypeError(f"the mutant {what} does not fit the code any more: {error}") from error


def nothing(*_args: Any, **_named: Any) -> None:
    """What a forgotten step does."""
