"""What is new since the previous cut, by name: who was treated, whose window closed, which events, which deaths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from trialbook.conduct.frames import treated_of
from trialbook.core.messages import msg
from trialbook.subjects.dlt_status import STATUS_WORDS, WAITING

SEVERE = 3


@dataclass(frozen=True)
class News:
    """One thing that is new: what it is, who it concerns (subject numbers), and the words beside each."""

    what: str
    subjects: tuple[tuple[str, str], ...]
    text: str = ""


def news_since(data: Mapping[str, pd.DataFrame], before: Mapping[str, pd.DataFrame]) -> list[News]:
    """The news of this cut against an earlier one, in the order of reading; what did not change is left out, but that
    nobody has died since is said.

    `data`, `before`: the datasets of both cuts (`conduct.frames`).
    """
    now, then = treated_of(data["adsl"]), treated_of(before["adsl"])
    number = dict(zip(now["USUBJID"], now["SUBJID"], strict=True))
    return [item for item in _all(data, before, now, then, number) if item.subjects or item.text]


def _all(
    data: Mapping[str, pd.DataFrame], before: Mapping[str, pd.DataFrame], now: pd.DataFrame, then: pd.DataFrame,
    number: Mapping[str, str],
) -> Iterator[News]:  # fmt: skip
    dead = now[now["DTHFL"].eq("Y")]
    new_dead = dead[~dead["USUBJID"].isin(then.loc[then["DTHFL"].eq("Y"), "USUBJID"])]
    days = (new_dead["DTHDT"] - new_dead["TRTSDT"]).dt.days
    told = ["" if pd.isna(day) else msg("day {day}", day=int(day)) for day in days]
    yield News(
        msg("Deaths"), tuple(zip(new_dead["SUBJID"], told, strict=True)),
        "" if len(new_dead) else msg("none new ({n} of {total} treated)", n=len(dead), total=len(now)),
    )  # fmt: skip
    fresh = _new_events(data["adae"], before["adae"], number)
    serious = fresh[fresh["ASER"].eq("Y")]
    yield News(msg("New serious events"), _named_events(serious, number))
    severe = fresh[(fresh["ATOXGR"] >= SEVERE).fillna(False).astype(bool) & fresh["ASER"].ne("Y")]
    yield News(msg("Further new events of grade {grade} or more", grade=SEVERE), _named_events(severe, number))
    treated = now[~now["USUBJID"].isin(then["USUBJID"])]
    yield News(msg("Treated"), tuple(zip(treated["SUBJID"], treated["TRT01A"], strict=True)))
    yield News(msg("DLT window closed"), tuple(_closed(data["addlt"], before["addlt"], number)))
    yield News(msg("Response at day 28 known"), tuple(_responses(data["adrs"], before["adrs"], number)))
    yield News(msg("Restated"), tuple(_restated(data, before, number)))


def _new_events(adae: pd.DataFrame, before: pd.DataFrame, number: Mapping[str, str]) -> pd.DataFrame:
    """Events since the first infusion that were not there, or not serious, at the earlier cut: one row per event."""
    known = set(zip(before["USUBJID"], before["AESEQ"], before["ASER"].eq("Y"), strict=True))
    keys = zip(adae["USUBJID"], adae["AESEQ"], adae["ASER"].eq("Y"), strict=True)
    new = pd.Series([key not in known for key in keys], index=adae.index, dtype="bool")
    rows = adae[new & adae["TRTEMFL"].eq("Y") & adae["USUBJID"].isin(list(number))]
    return rows.sort_values(["USUBJID", "RELDAY", "AESEQ"], kind="stable").drop_duplicates(["USUBJID", "EPISODE"])


def _named_events(rows: pd.DataFrame, number: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    terms = rows["ADECOD"].where(rows["ADECOD"].ne(""), rows["AETERM"])
    said = [
        msg("{term}, not graded", term=term) if pd.isna(grade) else msg("{term}, grade {grade}", term=term, grade=grade)
        for term, grade in zip(terms, rows["ATOXGR"], strict=True)
    ]
    return tuple(zip(rows["USUBJID"].map(number), said, strict=True))


def _pairs(now: pd.DataFrame, then: pd.DataFrame, column: str) -> Iterator[tuple[str, str, str]]:
    """USUBJID, the value then and now, of those whose value differs."""
    old = dict(zip(then["USUBJID"], then[column], strict=True))
    for subject, value in zip(now["USUBJID"], now[column], strict=True):
        if old.get(subject, value) != value:
            yield subject, old[subject], value


def _closed(now: pd.DataFrame, then: pd.DataFrame, number: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    old = dict(zip(then["USUBJID"], then["DLTSTAT"], strict=True))
    for subject, value in zip(now["USUBJID"], now["DLTSTAT"], strict=True):
        # Of who was treated since, the window may have opened and closed between the cuts.
        if (subject not in old or old[subject] in WAITING) and value not in WAITING and subject in number:
            yield number[subject], STATUS_WORDS.get(value, value)


def _responses(now: pd.DataFrame, then: pd.DataFrame, number: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    new, old = (rows[rows["PARAMCD"].eq("RSP28")] for rows in (now, then))
    known = dict(zip(old["USUBJID"], old["AVALC"], strict=True))
    for subject, value in zip(new["USUBJID"], new["AVALC"], strict=True):
        if known.get(subject, "") in ("", "PENDING") and value not in ("", "PENDING") and subject in number:
            yield number[subject], value


def completed_deaths(data: Mapping[str, pd.DataFrame], before: Mapping[str, pd.DataFrame]) -> set[str]:
    """Subjects whose date of death was partial at the previous cut and is complete now: not changed but completed."""
    imputed, unclear = (frames["adsl"]["DTHDTF"].fillna("").ne("") for frames in (before, data))
    return set(before["adsl"].loc[imputed, "USUBJID"]) & set(data["adsl"].loc[~unclear, "USUBJID"])


def _restated(
    data: Mapping[str, pd.DataFrame], before: Mapping[str, pd.DataFrame], number: Mapping[str, str]
) -> Iterator[tuple[str, str]]:  # fmt: skip
    new, old = (frames["adtte"][frames["adtte"]["PARAMCD"].eq("OS")] for frames in (data, before))
    events = dict(zip(old["USUBJID"], zip(old["CNSR"], old["AVAL"], strict=True), strict=True))
    partial = completed_deaths(data, before)
    for subject, censored, value in zip(new["USUBJID"], new["CNSR"], new["AVAL"], strict=True):
        then = events.get(subject)
        if then is not None and then[0] == 0 and subject in number:
            if censored != 0:
                yield number[subject], msg("death of day {day:g} no longer recorded", day=then[1])
            elif value != then[1]:
                said = (
                    msg("death date completed: from day {day:g} to day {now:g}", day=then[1], now=value)
                    if subject in partial
                    else msg("death date changed: from day {day:g} to day {now:g}", day=then[1], now=value)
                )
                yield number[subject], said
    for subject, then_status, value in _pairs(data["addlt"], before["addlt"], "DLTSTAT"):
        if then_status not in WAITING and subject in number:
            words = STATUS_WORDS.get(then_status, then_status), STATUS_WORDS.get(value, value)
            yield number[subject], msg("DLT status from {before} to {now}", before=words[0], now=words[1])
    new, old = (frames["adrs"][frames["adrs"]["PARAMCD"].eq("RSP28")] for frames in (data, before))
    for subject, then_value, value in _pairs(new, old, "AVALC"):
        if then_value not in ("", "PENDING", "NE") and subject in number:
            yield (
                number[subject],
                msg("response at day 28 from {before} to {now}", before=then_value, now=value or msg("not known")),
            )


def names(subjects: Sequence[tuple[str, str]]) -> str:
    """`013 (DL2), 015 (DL3)`."""
    return ", ".join(f"{subject} ({words})" if words else subject for subject, words in subjects)
