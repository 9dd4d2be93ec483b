"""What a person gives to a question, checked before it is used: an error says what is expected, with an example."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trialbook.core.errors import ParameterError, UsageError
from trialbook.explore.names import no_such

if TYPE_CHECKING:
    # A cut is opened before pandas is needed.
    import pandas as pd

    from trialbook.analyses.selection import Condition

A_CONDITION = "write it as a query, such as \"AGE >= 40 and SEX == 'F'\", or give a mask of the frame"


# Values of which a title says what they are.
SAYABLE = (str, int, float, dt.date, list, tuple, set)


def text_given(what: str, value: object, example: str) -> str:
    """The text that names a thing. Raises UsageError for anything else.

    >>> text_given("an endpoint", "OS", 'cut.survival(endpoint="OS")')
    'OS'
    """
    if isinstance(value, str):
        return value
    raise UsageError(f"{what} is named by one text, in quotes", value=value, next_step=f"write {example}")


def days_given(value: object, example: str) -> list[int]:
    """Days after the first infusion: one, or several in a list. Raises UsageError for what are none.

    >>> days_given(100, ""), days_given([28.0, 180], "")
    ([100], [28, 180])
    """
    single = isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable)
    days: list[object] = [value] if single else list(value)  # type: ignore[call-overload]
    for day in days:
        if not _whole(day):
            raise UsageError("a day is a whole number", value=day, next_step=f"write {example}")
        if float(day) < 0:  # type: ignore[arg-type]
            raise UsageError(
                "a day is 0 (the first infusion) or later", value=day, next_step=f"write {example}"
            )  # fmt: skip
    if not days:
        raise UsageError("no day is given", value=value, next_step=f"write {example}")
    return [int(day) for day in days]  # type: ignore[call-overload]


def whole_given(what: str, value: object, least: int, example: str) -> int:
    """A whole number from `least` on. Raises UsageError for anything else.

    >>> whole_given("the number of trials", 500, 1, "trials=500")
    500
    """
    if not _whole(value) or int(value) < least:  # type: ignore[call-overload]
        raise UsageError(f"{what} is a whole number from {least} on", value=value, next_step=f"write {example}")
    return int(value)  # type: ignore[call-overload]


def _whole(value: object) -> bool:
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        return float(value) == int(value)  # type: ignore[arg-type, call-overload]
    except (TypeError, ValueError, OverflowError):
        return False


def subject_given(value: object, numbers: Mapping[str, str]) -> str:
    """The USUBJID of a subject named by number or USUBJID; `numbers`: SUBJID by USUBJID. Zeros in front may be left
    out where one subject alone has the number: 16 and "16" are 016.

    Raises UsageError that lists the subjects for one that is not there, and where several have the number.

    >>> subject_given(16, {"T-016": "016", "T-017": "017"}), subject_given("T-017", {"T-017": "017"})
    ('T-016', 'T-017')
    """
    if isinstance(value, bool) or not (isinstance(value, str) or _whole(value)):
        first = next(iter(numbers.values()), "001")
        raise UsageError(
            "a subject is named by its number (SUBJID) or USUBJID", value=value, next_step=f'write "{first}"'
        )  # fmt: skip
    asked = value.strip() if isinstance(value, str) else str(int(value))  # type: ignore[call-overload]
    exact = [usubjid for usubjid, number in numbers.items() if asked in (usubjid, number)]
    same = exact or [usubjid for usubjid, number in numbers.items() if asked and _bare(number) == _bare(asked)]
    if len(same) > 1:
        raise UsageError(
            f"{len(same)} subjects have the number {asked}", value=value, next_step=f"name one: {', '.join(same)}"
        )  # fmt: skip
    if not same:
        raise no_such("subject", value, numbers.values())
    return same[0]


def _bare(number: str) -> str:
    return number.lstrip("0") or "0"


def names_for(condition: object, above: int = 2) -> dict[str, Any]:
    """What `@name` in a condition means: the value of that name where the question is asked, as in a pandas query.

    `above`: how many calls above this one the question is asked. A name that is not there has no value.
    """
    if not isinstance(condition, str) or "@" not in condition:
        return {}
    from trialbook.analyses.selection import REFERENCE

    asked = sys._getframe(above)
    here = {**asked.f_globals, **asked.f_locals}
    return {name: here[name] for name in REFERENCE.findall(condition) if name in here}


def said_of(condition: object, names: Mapping[str, Any]) -> str:
    """A condition in a title, with the values of its names; blank without one.

    >>> said_of("ATOXGR >= @grade", {"grade": 3})
    ' where ATOXGR >= @grade (grade = 3)'
    """
    if condition is None:
        return ""
    values = ", ".join(f"{name} = {str(value)[:40]}" for name, value in names.items() if isinstance(value, SAYABLE))
    return f" where {condition}{f' ({values})' if values else ''}" if isinstance(condition, str) else " of a selection"


def on_records(condition: Condition, people: pd.DataFrame, names: Mapping[str, Any]) -> Condition:
    """The condition for records of subjects: it may ask for what only ADSL knows of their subject (`people`), too.

    What is not known stays unknown. Raises UsageError for what is no condition.
    """
    import pandas as pd

    from trialbook.analyses.selection import select

    if isinstance(condition, pd.Series):
        return condition
    if not isinstance(condition, str) and not callable(condition):
        raise UsageError("this is no condition", value=condition, next_step=A_CONDITION)

    def asked(frame: pd.DataFrame) -> pd.Series:
        added = [name for name in people if name not in frame]
        known = people.set_index("USUBJID").reindex(frame["USUBJID"]).set_axis(frame.index)[added]
        try:
            found = select(pd.concat([frame, known], axis=1), condition, names)
        except KeyError as error:
            raise no_such("column", error.args[0] if error.args else "", [*frame, *added]) from error
        return found.yes.astype("boolean").mask(found.unknown)

    return asked


def keys_given(keys: Iterable[object], named: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Analysis keys and their values, from dicts and by name; `known`: the keys that there are.

    Raises UsageError for what is no dict, and for a key that is not there.

    >>> keys_given([{"os_days": [28]}], {"n_cap": 9}, {"os_days": ..., "n_cap": ...})
    {'os_days': [28], 'n_cap': 9}
    """
    given: dict[str, Any] = {}
    for one in keys:
        if not isinstance(one, Mapping):
            raise UsageError(
                "an analysis key is given by its name", value=one,
                next_step="write cut.with_keys(d28_window=[21, 35]); cut.keys lists the keys",
            )  # fmt: skip
        given |= {str(name): value for name, value in one.items()}
    given |= named
    for name in given:
        if name not in known:
            raise no_such("analysis key", name, known, "cut.keys lists them all, with what each means")
    return given


@contextmanager
def key_named(known: Mapping[str, Any], now: Any) -> Iterator[None]:
    """Errors about an analysis key show, as the next step, the value that it has `now` and what it means (`known`)."""
    try:
        yield
    except ParameterError as error:
        key = next((part for part in (error.column or "").split(".") if part in known), "")
        if key:
            error.say_next(f"give a value such as {key}={getattr(now, key)!r} ({known[key].meaning})")
        raise
