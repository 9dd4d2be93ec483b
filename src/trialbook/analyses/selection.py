"""Which rows of a frame a condition selects, and of which rows it cannot say: what is unknown is never "No"."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from trialbook.core.errors import UsageError
from trialbook.core.nearest import listed
from trialbook.results.ard import NOT_EVALUABLE

# A pandas query (`ATOXGR >= 3`), a mask over the rows, or a function that makes one of the frame.
Condition: TypeAlias = str | pd.Series | Callable[[pd.DataFrame], pd.Series]
# Questions about what is missing are answered by what is missing.
ABOUT_MISSING = {"isna", "isnull", "notna", "notnull"}
REFERENCE = re.compile(r"@(\w+)")


@dataclass(frozen=True)
class Selection:
    """Of each row of a frame: whether it is selected for certain, and whether that is not known."""

    yes: pd.Series
    unknown: pd.Series

    @property
    def maybe(self) -> pd.Series:
        """Whether the row is selected, or may be."""
        return self.yes | self.unknown


def select(frame: pd.DataFrame, condition: Condition | None, names: Mapping[str, Any] | None = None) -> Selection:
    """The rows of `frame` that `condition` selects; all of them without one.

    A value that is missing, or NE (not evaluable), makes a comparison unknown, unless the comparison asks for just
    that; `and`, `or` and `not` go on from there as in three-valued logic: unknown and false is false. A blank flag is
    not unknown. A mask is unknown where it is missing. `names`: what `@name` in a query means.

    Raises UsageError for a condition that pandas cannot read, or a column that the frame does not have.

    >>> frame = pd.DataFrame({"GRADE": [3, None, 1], "SERIOUS": ["Y", "Y", ""]})
    >>> found = select(frame, "GRADE >= 3 and SERIOUS == 'Y'")
    >>> found.yes.tolist(), found.unknown.tolist()
    ([True, False, False], [False, True, False])
    """
    if condition is None:
        return Selection(_all(frame, True), _all(frame, False))
    if not isinstance(condition, str):
        mask = condition(frame) if callable(condition) else condition
        return _of_mask(frame, mask, "the mask")
    used = {f"ref_{name}": value for name, value in _referred(condition, names or {})}
    try:
        tree = ast.parse(REFERENCE.sub(r"ref_\1", condition.strip()), mode="eval").body
    except SyntaxError:
        raise _unreadable(condition, "it is no condition") from None
    return _evaluated(frame, tree, condition, used)


def _referred(condition: str, names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The names that a query refers to by `@`, with their values; raises UsageError for one that has none."""
    for name in REFERENCE.findall(condition):
        if name not in names:
            raise UsageError(
                f"@{name} refers to a variable {name}, and there is none here", file="notebook", value=condition,
                next_step=f"give {name} a value first, or write the value in place of @{name}",
            )  # fmt: skip
        yield name, names[name]


def columns_named(frame: pd.DataFrame, condition: Condition | None) -> list[str]:
    """The columns of the frame that a query names; none for a mask.

    >>> columns_named(pd.DataFrame({"AVALC": ["CR"], "AGE": [40]}), "AVALC in ['CR', 'PR']")
    ['AVALC']
    """
    if not isinstance(condition, str):
        return []
    return [name for name in frame.columns if re.search(rf"\b{re.escape(str(name))}\b", condition)]


def _evaluated(frame: pd.DataFrame, node: ast.expr, condition: str, used: Mapping[str, Any]) -> Selection:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluated(frame, part, condition, used) for part in node.values]
        found = parts[0]
        for part in parts[1:]:
            found = _both(found, part) if isinstance(node.op, ast.And) else _not(_both(_not(found), _not(part)))
        return found
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _not(_evaluated(frame, node.operand, condition, used))
    return _compared(frame, node, condition, used)


def _both(one: Selection, two: Selection) -> Selection:
    yes = one.yes & two.yes
    return Selection(yes, one.maybe & two.maybe & ~yes)


def _not(found: Selection) -> Selection:
    return Selection(~found.maybe, found.unknown)


def _compared(frame: pd.DataFrame, node: ast.expr, condition: str, used: Mapping[str, Any]) -> Selection:
    """One comparison; unknown where a value that it needs is missing or not evaluable."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - set(used)
    missing = sorted(names - set(frame.columns) - {"True", "False", "None"})
    if missing:
        raise UsageError(
            f"the frame has no column {missing[0]}", file="notebook", column=missing[0], value=condition,
            next_step=f"its columns are {listed(missing[0], frame.columns)}",
        )  # fmt: skip
    text = ast.unparse(node)
    try:
        # "and" within a call would be pandas' own; a comparison has none.
        mask = frame.eval(text.replace("ref_", "@ref_"), local_dict=dict(used))
    except TypeError:
        raise _unreadable(condition, f"{text} compares text with what is no text") from None
    except Exception as error:
        raise _unreadable(condition, f"{type(error).__name__}: {error}") from None
    found = _of_mask(frame, mask, condition)
    asked = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    if asked & ABOUT_MISSING:
        return found
    unknown = found.unknown
    constants = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    for name in names & set(frame.columns):
        unknown = unknown | frame[name].isna()
        if NOT_EVALUABLE not in constants and pd.api.types.is_string_dtype(frame[name].dtype):
            unknown = unknown | frame[name].eq(NOT_EVALUABLE).fillna(False).astype(bool)
    return Selection(found.yes & ~unknown, unknown)


def _of_mask(frame: pd.DataFrame, mask: Any, what: str) -> Selection:
    if isinstance(mask, bool):
        mask = _all(frame, mask)
    if isinstance(mask, pd.Series) and not mask.index.equals(frame.index):
        raise _unreadable(what, f"it is about {len(mask)} rows of another frame, and this one has {len(frame)}")
    if not isinstance(mask, pd.Series):
        raise _unreadable(what, "it does not say yes or no of each row of the frame")
    unknown = mask.isna().astype(bool)
    values = mask.mask(unknown, False) if unknown.any() else mask
    if not set(values.unique().tolist()) <= {True, False}:
        raise _unreadable(what, "it does not say yes or no of each row of the frame")
    return Selection(values.astype(bool), unknown)


def _all(frame: pd.DataFrame, value: bool) -> pd.Series:
    return pd.Series(value, index=frame.index, dtype=bool)


def _unreadable(condition: str, problem: str) -> UsageError:
    return UsageError(
        f"the condition cannot be used: {problem}", file="notebook", value=condition,
        next_step="write it as a pandas query, such as \"ATOXGR >= 3 and ASER == 'Y'\", or as a mask of the frame",
    )  # fmt: skip
