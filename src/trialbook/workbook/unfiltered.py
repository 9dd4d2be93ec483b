"""Whether what a derivation starts from, and what a step writes, is whole: no filter left over from a look at the data.

A derivation takes the study of its step and the ADSL that an earlier step wrote. A subject who is missing there would
be missing from every number, so the build stops and says who it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

import pandas as pd

from trialbook.core.errors import StopError
from trialbook.protocol.study_data import StudyData

if TYPE_CHECKING:
    from trialbook.analyses.result import Result
    from trialbook.core.domains import Domains

# What a derivation calls a dataset that an earlier step wrote.
READ_AS = {"adsl": "adsl", "subjects": "adsl", "day28": "adrsp28", "primary": "adrsp28"}
# What the numbers of a frame rest on, kept by pandas along its copies and selections.
OTHER_KEYS = "trialbook other keys"
NAMED = 6


@dataclass
class Whole:
    """The datasets of one step as they were read or derived, to hold against what a notebook passes on."""

    notebook: str
    given: dict[str, pd.DataFrame] = field(default_factory=dict)
    derived: dict[str, pd.DataFrame] = field(default_factory=dict)

    def stop_if_left_over(self, names: Mapping[str, Any]) -> None:
        """Raises StopError when a dataset that the notebook calls by its name holds other subjects or records now.

        `names`: what the notebook holds. Columns may be added; a selection gets a name of its own.
        """
        for name, whole in {**self.given, **self.derived}.items():
            frame = names.get(name)
            if not isinstance(frame, pd.DataFrame) or "USUBJID" not in whole or frame.attrs.get(OTHER_KEYS):
                continue
            same = len(frame) == len(whole) and "USUBJID" in frame
            if not same or sorted(frame["USUBJID"]) != sorted(whole["USUBJID"]):
                raise StopError(
                    f"a filter was left in a cell: {self._missing(whole, frame, name)}", file=self.notebook, value=name,
                    next_step=f"take it out, or give the selection another name than {name}",
                )  # fmt: skip

    def _missing(self, whole: pd.DataFrame, frame: pd.DataFrame, name: str) -> str:
        """`missing_words`, with the numbers that readers know subjects by."""
        adsl = self.given.get("adsl")
        numbers = {} if adsl is None else dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
        return missing_words(whole, frame, name, numbers)

    def stop_if_study_filtered(self, study: StudyData, own: StudyData) -> bool:
        """Raises StopError when the domains of a study are not those of the step; whether its keys are in force."""
        if not isinstance(study, StudyData):
            raise StopError(
                "a derivation starts from the study", file=self.notebook, value=type(study).__name__,
                next_step="pass step.study, as in tb.derive_adtte(study)",
            )  # fmt: skip
        if study.domains is not own.domains:
            self._stop_if_records_differ(study.domains, own.domains)
        if study.cut_date != own.cut_date or study.protocol is not own.protocol:
            raise StopError(
                "a cell changed the study in front of a derivation", file=self.notebook,
                next_step="pass step.study; a change of keys for an analysis of your own: tb.with_keys(study, ...)",
            )  # fmt: skip
        return study.analysis is own.analysis

    def _stop_if_records_differ(self, given: Domains, own: Domains) -> None:
        for code in own:
            if code not in given or not given[code].equals(own[code]):
                now = given[code] if code in given else own[code].head(0)
                raise StopError(
                    f"a filter was left in front of a derivation: {self._missing(own[code], now, code)}",
                    file=self.notebook, value=code, next_step="take the filter out, and pass step.study",
                )  # fmt: skip

    def stop_if_filtered(self, name: str, frame: pd.DataFrame, whole: pd.DataFrame, place: str) -> None:
        """Raises StopError when a frame is not the dataset `whole`, but for columns that were added."""
        if all(column in frame for column in whole.columns) and frame[list(whole.columns)].reset_index(
            drop=True
        ).equals(whole.reset_index(drop=True)):
            return
        raise StopError(
            f"a filter or a change was left {place}: {self._missing(whole, frame, name)}", file=self.notebook,
            value=name, next_step="take it out of the cells; an analysis of a selection gets an id of its own "
            '(tb.rate(..., where=..., id="MY_..."))',
        )  # fmt: skip

    def stop_if_not_as_derived(self, name: str, frame: pd.DataFrame) -> None:
        """Raises StopError when a dataset that is written is not the one that was derived here."""
        keys = frame.attrs.get(OTHER_KEYS)
        if keys:
            raise StopError(
                f"{name} was derived under other keys ({keys})", file=self.notebook, value=name,
                next_step=f"write the dataset of step.study; set overrides: {{{keys}}} in the cut file to publish it",
            )  # fmt: skip
        whole = self.derived.get(name)
        if whole is not None:
            ordered = frame.loc[frame.index.intersection(whole.index)] if frame.index.is_unique else frame
            self.stop_if_filtered(name, ordered, whole, f"between the derivation of {name} and step.write")


def run(
    derive: Callable[..., pd.DataFrame], study: StudyData, own: StudyData, whole: Whole,
    read: Callable[[str], pd.DataFrame | None], given: tuple[Any, ...], named: Mapping[str, Any],
) -> Any:  # fmt: skip
    """`derive` with the study and the datasets that it asks for; what it gives is kept to be held against later."""
    in_force = whole.stop_if_study_filtered(study, own)
    arguments: dict[str, Any] = {}
    waiting = list(given)
    for name, parameter in signature(derive).parameters.items():
        if name == "study":
            arguments[name] = study
            continue
        dataset = READ_AS.get(name)
        passed = named[name] if name in named else waiting.pop(0) if waiting else None
        if dataset is None or (passed is not None and not isinstance(passed, pd.DataFrame)):
            if passed is not None:
                arguments[name] = passed
            continue
        if passed is not None:
            # A frame that this notebook made itself, as the one that makes ADSL does, has nothing to be held against.
            if dataset in whole.given:
                whole.stop_if_filtered(dataset, passed, whole.given[dataset], f"in front of {derive.__name__}")
            arguments[name] = passed
            continue
        left = read(dataset) if in_force or dataset == "adsl" else None
        if left is not None or parameter.default is parameter.empty:
            arguments[name] = left
    found = derive(**arguments)
    if isinstance(found, pd.DataFrame):
        found = found.copy(deep=False)
        if in_force:
            whole.derived[derive.__name__.removeprefix("derive_")] = found.copy(deep=False)
        else:
            found.attrs[OTHER_KEYS] = changed_keys(study, own)
    return found


def changed_keys(study: StudyData, own: StudyData) -> str:
    """The analysis keys of a study that are not those in force: `d28_window: [21, 35]`."""
    now, then = study.analysis.model_dump(), own.analysis.model_dump()
    return ", ".join(f"{key}: {now[key]}" for key in now if now[key] != then.get(key))


def missing_words(
    whole: pd.DataFrame, frame: pd.DataFrame, name: str, numbers: Mapping[str, str] | None = None
) -> str:  # fmt: skip
    """Who, or what, a frame lacks of the dataset that it was: `subject 004 is missing from adsl`.

    `numbers`: SUBJID by USUBJID.

    >>> whole = pd.DataFrame({"SUBJID": ["003", "004"]})
    >>> missing_words(whole, whole.head(1), "adsl")
    'subject 004 is missing from adsl'
    """
    column = next((key for key in ("SUBJID", "USUBJID") if key in whole and key in frame), "")
    lost = set(whole[column].astype("str")) - set(frame[column].astype("str")) if column else set()
    gone = sorted((numbers or {}).get(person, person) for person in lost)
    if gone:
        more = f" and {len(gone) - NAMED} more" if len(gone) > NAMED else ""
        one = len(gone) == 1
        return (
            f"subject{'' if one else 's'} {', '.join(gone[:NAMED])}{more} {'is' if one else 'are'} missing from {name}"
        )
    if len(whole) != len(frame):
        return f"{name} has {len(frame)} rows, {len(whole)} were there"
    columns = [str(key) for key in whole.columns if key not in frame]
    return f"the column {columns[0]} of {name} is missing" if columns else f"values of {name} were changed"


def stop_if_other_keys(result: Result, notebook: str) -> None:
    """Raises StopError when a published analysis was made from data that were derived under other keys."""
    keys = result.attrs.get(OTHER_KEYS)
    if keys and not result.counted.added:
        raise StopError(
            f"{result.counted.id} is a published analysis, and this frame was derived under other keys ({keys})",
            file=notebook, value=result.counted.id,
            next_step=f"give this analysis an id of its own, such as MY_{result.counted.id}",
        )  # fmt: skip
