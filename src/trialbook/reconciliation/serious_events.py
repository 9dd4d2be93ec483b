"""Serious adverse events of AE against the safety database, by subject, term and start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.protocol.conduct import Reconciliation
from trialbook.queries.query_list import Query, QueryTexts

TEXTS = QueryTexts("queries/texts/reconciliation.yaml")
# What is compared of one event, where both sides give it: SDTM variable.
COMPARED = ("AETOXGR", "AEREL", "AEOUT")


class _Event(NamedTuple):
    """One event of either side: its row, subject, words by which it may be known, earliest and latest start."""

    row: int
    subject: str
    names: frozenset[str]
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    serious: bool


def serious_event_queries(
    domains: Domains, safety: pd.DataFrame, cut_date: pd.Timestamp, rules: Reconciliation, file: str,
    edits: pd.DataFrame | None = None,
) -> list[Query]:  # fmt: skip
    """What AE at the cut and the safety database say differently of serious events.

    `safety`: columns of `snapshot.external.COLUMNS`, of `file`; an event of it without AESER is serious, one that
    certainly began after the cut is not looked at. Two records are one event when the subject is the same and the term
    (as reported or coded) agrees, the starts as near as there are; then when the starts lie within `event_days`. Days
    between partial dates are the fewest that are possible. `edits`: what the cut has changed
    (`cleaning.cut.EDIT_COLUMNS`); the safety database is not cut, so that a value is compared as it was before the cut.

    | AE             | safety database | question                                                    |
    |----------------|-----------------|-------------------------------------------------------------|
    | serious        | the same        | none, or what differs of grade, relationship, outcome       |
    | serious        | other start     | by more than `event_days`                                   |
    | serious        | other term      | within `event_days`                                         |
    | not serious    | the same        | is it serious?                                              |
    | serious        |                 | not in the safety database                                  |
    |                | serious         | not in AE                                                   |
    """
    ae = _before_cut(domains["AE"].reset_index(drop=True), edits)
    theirs = safety.reset_index(names="LINE")
    theirs["LINE"] = line_names(file, theirs["LINE"])
    ours, known = _events(ae), set(domains["DM"]["USUBJID"])
    theirs = theirs.assign(USUBJID=as_listed(theirs["USUBJID"], domains["DM"]))
    cases = [one for one in _events(theirs, serious_unless_no=True) if one.serious and not _after(one, cut_date)]
    asked = [
        TEXTS.query("RECON-SUBJECT-UNKNOWN", one.subject, "AE", record=_case(theirs, one), observed=one.subject)
        for one in cases if one.subject and one.subject not in known
    ]  # fmt: skip
    asked += [
        TEXTS.query("RECON-NO-SUBJECT", "", "AE", record=_case(theirs, one), observed=_told(theirs, one))
        for one in cases if not one.subject
    ]  # fmt: skip
    cases = [one for one in cases if one.subject in known]
    pairs = _pairs(ours, cases, rules.event_days)
    taken = {one.row for one, _ in pairs}
    for mine, case in pairs:
        asked += _differences(ae, theirs, mine, case, rules.event_days)
    for mine in ours:
        if mine.serious and mine.row not in taken:
            asked.append(_ask("RECON-SAE-NOT-IN-SAFETY", ae, mine, observed=_told(ae, mine)))
    reported = {case.row for _, case in pairs}
    for case in cases:
        if case.row not in reported:
            seen = _told(theirs, case)
            asked.append(
                TEXTS.query("RECON-SAE-NOT-IN-AE", case.subject, "AE", record=_case(theirs, case), observed=seen)
            )
    return asked


def _before_cut(ae: pd.DataFrame, edits: pd.DataFrame | None) -> pd.DataFrame:
    """AE with the compared values as they were before the cut changed them."""
    if edits is None or "SRCROW" not in ae:
        return ae
    for column in (name for name in COMPARED if name in ae):
        own = edits[edits["domain"].eq("AE") & edits["column"].eq(column)]
        given = dict(zip(own["SRCROW"], own["raw"], strict=True))
        changed = ae["SRCROW"].isin(list(given))
        ae = ae.assign(**{column: ae[column].mask(changed, ae["SRCROW"].map(given).astype("str"))})
    return ae


def line_names(file: str, lines: Iterable[object]) -> list[str]:
    """How a question names rows of a file of others: by the file and its row.

    >>> line_names("central.csv", [2])
    ['central.csv row 2']
    """
    return [f"{file} row {line}" for line in lines]


def as_listed(subjects: pd.Series, dm: pd.DataFrame) -> pd.Series:
    """Subjects as DM spells them; a file of others may use the short number."""
    short = dict(zip(dm["SUBJID"].astype("str"), dm["USUBJID"], strict=True)) if "SUBJID" in dm else {}
    return subjects.map(lambda name: short.get(name, name), na_action="ignore").astype("str")


def _events(frame: pd.DataFrame, *, serious_unless_no: bool = False) -> list[_Event]:
    first, last = earliest_date(frame["AESTDTC"]), latest_date(frame["AESTDTC"])
    said = frame["AESER"].fillna("").str.upper()
    serious = ~said.isin(["N", "NO", "否"]) if serious_unless_no else said.eq("Y")
    decoded = frame["AEDECOD"] if "AEDECOD" in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
    return [
        _Event(
            k, "" if pd.isna(subject) else str(subject), _names(term, code), None if pd.isna(one) else one,
            None if pd.isna(two) else two, bool(is_one),
        )
        for k, (subject, term, code, one, two, is_one) in enumerate(
            zip(frame["USUBJID"], frame["AETERM"], decoded, first, last, serious, strict=True)
        )
    ]  # fmt: skip


def _names(*words: object) -> frozenset[str]:
    return frozenset(" ".join(str(word).split()).casefold() for word in words if isinstance(word, str) and word.strip())


def _after(one: _Event, day: pd.Timestamp) -> bool:
    return one.first is not None and one.first > day


def _apart(one: _Event, other: _Event) -> int | None:
    """The fewest days between two starts; None where one is not known at all."""
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return None
    return max(0, (one.first - other.last).days, (other.first - one.last).days)


def _pairs(ours: list[_Event], cases: list[_Event], days: int) -> list[tuple[_Event, _Event]]:
    """Which records are one event: the same term first, serious ones first, the nearest starts first."""
    possible = []
    for case in cases:
        for mine in ours:
            if mine.subject != case.subject:
                continue
            apart, same = _apart(mine, case), bool(mine.names & case.names)
            if same or (mine.serious and apart is not None and apart <= days):
                far = 10**6 if apart is None else apart
                possible.append((not same, far > days, not mine.serious, far, mine.row, case.row, mine, case))
    pairs, used, done = [], set(), set()
    for *_, mine, case in sorted(possible, key=lambda entry: entry[:6]):
        if mine.row not in used and case.row not in done:
            used.add(mine.row)
            done.add(case.row)
            pairs.append((mine, case))
    return pairs


def _differences(
    ae: pd.DataFrame, theirs: pd.DataFrame, mine: _Event, case: _Event, days: int
) -> Iterator[Query]:  # fmt: skip
    both = f"{_told(ae, mine)}; {_told(theirs, case)}"
    if not mine.serious:
        yield _ask("RECON-SAE-NOT-SERIOUS", ae, mine, observed=both)
    if not mine.names & case.names:
        yield _ask("RECON-SAE-TERM-DIFFERS", ae, mine, observed=both)
    apart = _apart(mine, case)
    if apart is not None and apart > days:
        yield _ask("RECON-SAE-DATE-DIFFERS", ae, mine, observed=both, days=days)
    for column in COMPARED:
        one, other = ae.at[mine.row, column] if column in ae else None, theirs.at[case.row, column]
        if isinstance(one, str) and isinstance(other, str) and _names(one) != _names(other):
            yield _ask("RECON-SAE-VALUE-DIFFERS", ae, mine, field=column, observed=f"{one}; {other}")


def _ask(rule: str, ae: pd.DataFrame, mine: _Event, *, field: str = "", observed: str, **words: Any) -> Query:
    record = f"AESEQ={ae.at[mine.row, 'AESEQ']}" if "AESEQ" in ae else ""
    return TEXTS.query(rule, mine.subject, "AE", record=record, field=field, observed=observed, **words)


def _told(frame: pd.DataFrame, one: _Event) -> str:
    """Term and start of a record, as either side gives them."""
    return " ".join(str(frame.at[one.row, name]) for name in ("AETERM", "AESTDTC") if pd.notna(frame.at[one.row, name]))


def _case(theirs: pd.DataFrame, one: _Event) -> str:
    """The record of the safety database: its case number, else its file and row."""
    number = theirs.at[one.row, "CASEID"]
    return f"CASEID={number}" if isinstance(number, str) else str(theirs.at[one.row, "LINE"])
