"""Whom the subjects of a cut are, in which groups they are counted, and which analyses have a set of their own.

A published analysis is counted over a declared set of ADSL. A frame that holds other subjects is refused: a filter
left over from a look at the data would change a published number. An analysis of another name may count whom it likes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from trialbook.analyses.selection import select
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow

UNKNOWN = "unknown"
DOSE_LEVELS = ("TRT01A", "TRT01P")
# Subjects that a message names.
NAMED = 6


@dataclass(frozen=True)
class Declared:
    """The set over which a published analysis is counted: a condition over ADSL, and the words for it.

    `condition` blank: the library counts this analysis itself, over subjects that ADSL alone does not tell; `part`:
    over some of them. `variable`: what the analysis counts, as the results name it; `endpoint`: without it the trial
    has no such analysis; `records`: which records are counted; `sized`: each N of its rows is the size of the set.
    """

    condition: str = ""
    words: str = ""
    variable: str = ""
    endpoint: str = ""
    records: str = ""
    part: bool = False
    sized: bool = False


SAFETY = Declared("SAFFL == 'Y'", "the treated subjects (SAFFL of ADSL)")
MATURE = Declared(
    "MAT28FL == 'Y'", "the subjects who are mature for day 28 (MAT28FL of ADSL)", "RSP28", endpoint="ORR_D28"
)
FOLLOWED = Declared(
    "SAFFL == 'Y' and OSNEREAS == ''", "the treated subjects with a resolved survival time", "OS", endpoint="OS"
)
# Counted by functions of the library, over a set that ADSL tells.
OF_SAFETY, OF_MATURE = (replace(declared, records="chosen", sized=True) for declared in (SAFETY, MATURE))
EMERGENT = replace(SAFETY, sized=True, records="TRTEMFL == 'Y' and SAFFL == 'Y'")
OF_THE_LIBRARY = Declared()
# Every analysis of the protocol by its id.
PUBLISHED: dict[str, Declared] = {
    **dict.fromkeys(
        (
            "CLEANING", "DISPOSITION", "ELIG", "SETS", "DEMOG", "BASELINE", "AE_NEW", "SAE_LEDGER", "AESI_LEDGER",
            "AE_BY_CUT", "LAB_WORST", "LAB_SHIFT", "DLT", "DLT_SETS", "BOUNDS", "DLT_TIMELINE", "DLT_RATE",
            "DLT_ADVICE", "DLT_NEXT", "DLT_OC", "DLT_PATHWAY", "STOPPING", "STOPPING_BOUNDARY", "STOPPING_OC",
            "NO_EVENT", "ORR_PREDICTIVE", "RSP28_CAT", "RSP_AGREE", "ORR_D56",
            "BOR_RATE", "ORGAN_D28", "STEROID_D28", "VGPR_D28", "BOR", "FUP_RKM", "FUP_POTENTIAL", "FUP_STALE", "CIF",
            "TTR", "LATE_EVENTS", "FUP_WINDOW", "PRODUCT", "DSA", "VIRUS", "CGVHD", "ORR_D14", "ORR_GROUP",
        ),
        OF_THE_LIBRARY,
    ),
    **dict.fromkeys(
        (
            "TEAE_OVERVIEW", "TEAE_GRADE", "TEAE_REL", "AESI_CAT", "INFECTION_CAT", "EAIR",
        ),
        OF_SAFETY,
    ),
    "RSP28_ICE": OF_MATURE,
    "EAER": OF_THE_LIBRARY, "EXPOSURE": OF_THE_LIBRARY,
    "TEAE_SOC_PT": EMERGENT,
    "TRAE_SOC_PT": replace(EMERGENT, records=f"{EMERGENT.records} and AREL == 'RELATED'"),
    "SAE_SOC_PT": replace(EMERGENT, records=f"{EMERGENT.records} and ASER == 'Y'"),
    "ORR_D28": MATURE, "CR_D28": MATURE,
    **dict.fromkeys(("OS", "OS_EVENTS", "OS_KM", "OS_MEDIAN"), FOLLOWED),
    **dict.fromkeys(("FFS", "FFS_EVENTS", "FFS_KM", "FFS_MEDIAN"), replace(FOLLOWED, variable="FFS")),
    **dict.fromkeys(("DOR", "DOR_EVENTS", "DOR_KM", "DOR_MEDIAN"), replace(FOLLOWED, variable="DOR", part=True)),
}  # fmt: skip


@dataclass(frozen=True)
class Population:
    """The subjects of a cut as ADSL holds them, and the rules that hold for them.

    `names`: what `@name` means in a condition. `checked` False: a published analysis is not held against its declared
    set, since ADSL is no other than the frame that is counted.
    """

    adsl: pd.DataFrame
    protocol: Protocol
    analysis: Analysis
    names: Mapping[str, object] = field(default_factory=dict)
    checked: bool = True

    @property
    def levels(self) -> list[str]:
        """The dose levels in their order."""
        return self.protocol.level_ids

    def levels_of(self, by: str, values: pd.Series) -> list[str]:
        """The groups of a column in their order: dose levels as the protocol has them, others by number and name.

        A subject of whom the group is not known is counted in a group of its own, last.
        """
        given = set(values.astype("str")) if len(values) else set()
        if by in DOSE_LEVELS:
            return [*self.levels, *sorted(given - set(self.levels))]
        whole = given | (set(_text(self._treated[by])) if by in self.adsl else set())
        return [*sorted(whole - {UNKNOWN}, key=_natural), *sorted(whole & {UNKNOWN})]

    def of_subjects(self, frame: pd.DataFrame, column: str) -> pd.Series:
        """A column of the frame, or of ADSL by USUBJID where the frame does not have it, as text.

        Raises UsageError where neither has it.
        """
        if column in frame:
            return _text(frame[column])
        if column in self.adsl and "USUBJID" in frame:
            by_subject = self.adsl.drop_duplicates("USUBJID").set_index("USUBJID")[column]
            return _text(frame["USUBJID"].map(by_subject).set_axis(frame.index))
        raise UsageError(
            f"neither the frame nor ADSL has a column {column}", file="notebook", column=column,
            next_step=f"group by one of {', '.join(map(str, self.adsl.columns))}",
        )  # fmt: skip

    def members(self, condition: str) -> pd.DataFrame:
        """The subjects of ADSL that a condition selects."""
        return self.adsl[select(self.adsl, condition, self.names).yes]

    @property
    def _treated(self) -> pd.DataFrame:
        return self.adsl[self.adsl["SAFFL"].eq("Y")] if "SAFFL" in self.adsl else self.adsl


def group_masks(groups: pd.Series, levels: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Each level with the rows that belong to it, and Total with all of them; Total alone without levels."""
    for level in levels:
        yield level, groups.eq(level)
    yield TOTAL, pd.Series(True, index=groups.index)


def is_published(analysis_id: str) -> bool:
    """Whether an id belongs to an analysis of the protocol; any other may be given to an analysis of one's own.

    >>> is_published("ORR_D28"), is_published("MY_ORR_SEX")
    (True, False)
    """
    return analysis_id in PUBLISHED


def declared_for(analysis_id: str, population: Population, by: str, where: object) -> Declared | None:
    """The set of a published analysis; None of an analysis of one's own.

    Raises StopError where a published analysis is asked for in other groups than dose levels, or of a selection.
    """
    if not is_published(analysis_id):
        return None
    declared = PUBLISHED[analysis_id]
    if not declared.condition or declared.records == "chosen":
        raise StopError(
            f"{analysis_id} is a published analysis that the library counts itself", file="notebook", value=analysis_id,
            next_step=_own_id(analysis_id),
        )  # fmt: skip
    if by != "TRT01A" or where is not None:
        what = "in other groups than the dose levels" if by != "TRT01A" else "of a selection"
        raise StopError(
            f"{analysis_id} is a published analysis, and this is one {what}", file="notebook", value=analysis_id,
            next_step=_own_id(analysis_id),
        )  # fmt: skip
    return declared


def stop_if_not_declared(analysis_id: str, subjects: pd.Series, population: Population) -> None:
    """Raises StopError when a published analysis would be counted over other subjects (USUBJID) than its declared set.

    The message names who is missing or too much, and says what an analysis of one's own needs.
    """
    declared = PUBLISHED[analysis_id]
    expected = population.members(declared.condition)["USUBJID"]
    if declared.part:
        expected = expected[expected.isin(subjects)]
    stop_if_other_subjects(analysis_id, subjects, expected, population.adsl, declared.words)


def stop_if_other_sizes(rows: Sequence[ArdRow], adsl: pd.DataFrame, levels: Sequence[str]) -> None:
    """Raises StopError when a published analysis reports another N than its set has in ADSL, at a dose level or in all.

    Rows whose N is not evaluable are left alone.
    """
    sizes: dict[str, dict[str, int]] = {}
    for row in rows:
        declared = PUBLISHED.get(row["analysis_id"], OF_THE_LIBRARY)
        if not declared.sized or row["stat_name"] != "N" or row["stat"] is None:
            continue
        if declared.condition not in sizes:
            members = adsl[select(adsl, declared.condition).yes]
            by_level = {level: int(members["TRT01A"].eq(level).sum()) for level in levels}
            sizes[declared.condition] = {**by_level, TOTAL: len(members)}
        size = sizes[declared.condition].get(row["group1_level"])
        if size is not None and size != row["stat"]:
            raise StopError(
                f"{row['analysis_id']} is published over {declared.words}: {size} at {row['group1_level']}, and "
                f"{row['stat_text']} were counted", file="notebook", value=row["analysis_id"],
                next_step=f"take the filter out of the cells before, or {_own_id(row['analysis_id'])}",
            )  # fmt: skip


def stop_if_other_subjects(
    analysis_id: str, subjects: pd.Series, expected: pd.Series, adsl: pd.DataFrame, words: str
) -> None:
    """Raises StopError, naming them, when some of the subjects `expected` are missing, or others are there."""
    missing, extra = set(expected) - set(subjects), set(subjects) - set(expected)
    if not missing and not extra:
        return
    number = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    said = [
        f"{what} {_named([str(number.get(name, name)) for name in people])}"
        for what, people in (("without subject", missing), ("with, who is not of that set,", extra))
        if people
    ]
    raise StopError(
        f"{analysis_id} is published over {words}, and this frame is {' and '.join(said)}", file="notebook",
        value=analysis_id,
        next_step=f"take the filter out of the cells before, or {_own_id(analysis_id)}",
    )  # fmt: skip


def _own_id(analysis_id: str) -> str:
    return f"give this analysis an id of its own, such as MY_{analysis_id}"


def _named(people: Sequence[str]) -> str:
    named = sorted(people)
    return ", ".join(named[:NAMED]) + (f" and {len(named) - NAMED} more" if len(named) > NAMED else "")


def _text(values: pd.Series) -> pd.Series:
    found = values.astype("object").where(values.notna(), UNKNOWN).astype("str")
    return found.mask(found.eq(""), UNKNOWN)


def _natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Text in the order that a reader expects: 4-11 before 12-17."""
    parts = re.findall(r"\d+\.?\d*|\D+", text)
    return tuple((0, float(part), "") if part[0].isdigit() else (1, 0.0, part) for part in parts)
