"""Great Expectations asks each expectation for its configuration some eighty times a check; here it is made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def configurations_once() -> Iterator[None]:
    """While this is open the configuration of an expectation is made when it is first asked for, and kept.

    Great Expectations builds it anew, through three levels of models, for every metric of every rule: a third of the
    time of a check. An expectation does not change during a check; its configuration is dropped afterwards.
    """
    from great_expectations.expectations.expectation import Expectation

    original: Any = Expectation.configuration
    # The expectation itself is kept as well: the number of one that is gone could be given to another.
    kept: dict[int, tuple[Any, Any]] = {}

    def configuration(self: Any) -> Any:
        if id(self) not in kept:
            kept[id(self)] = (self, original.fget(self))
        return kept[id(self)][1]

    setattr(Expectation, "configuration", property(configuration))  # noqa: B010 - a property, typed as read-only
    try:
        yield
    finally:
        setattr(Expectation, "configuration", original)  # noqa: B010
