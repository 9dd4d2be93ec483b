"""Episodes: records that describe one adverse event, such as its grade changes, counted as one event (§3.8, A-66)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date


def event_term(ae: pd.DataFrame) -> pd.Series:
    """The term an event is counted under: AEDECOD, or the reported term where it is not coded yet.

    >>> event_term(pd.DataFrame({"AEDECOD": ["Pyrexia", None], "AETERM": ["fever 39", "rash "]})).tolist()
    ['Pyrexia', 'rash']
    """
    coded = ae["AEDECOD"].where(ae["AEDECOD"].notna() & (ae["AEDECOD"].str.strip() != ""), ae["AETERM"])
    return coded.fillna("").astype("str").str.strip()


def episodes(ae: pd.DataFrame, gap_days: int | None, linked_gap_days: int = 1) -> pd.DataFrame:
    """EPISODE (AESEQ of its first record), GROUPED (joined by an id of the site), ADUPFL and AGAPDY of each AE record.

    Columns in: USUBJID AESEQ AESPID AEGRPID (optional) AEDECOD AETERM AETOXGR AESTDTC AEENDTC ASTDT ASTDTF AENDT
    AENDTF. In this order:

    0. a record that repeats an earlier one in term, start, end and grade is that event (ADUPFL Y; a start is known)
    1. records of one subject and term that share AEGRPID, or AESPID, are one episode, unless more than
       `linked_gap_days` certainly lie between the end of those before and the start of the next: then a new episode
       begins, and AGAPDY holds the days between (A-153)
    2. else a record that starts after the one before it and within `gap_days` of its end continues it
    3. else it is one event; two records of one term that start on the same day are near duplicates, never merged

    Imputed dates never merge records, nor do they part what the site has joined. `gap_days` None: every record is an
    event of its own.

    >>> ae = pd.DataFrame({
    ...     "USUBJID": "001", "AESEQ": [1, 2, 3], "AESPID": "", "AEDECOD": "Rash", "AETERM": "", "AETOXGR": "1",
    ...     "AESTDTC": ["2025-03-01", "2025-03-05", "2025-06-01"], "AEENDTC": ["2025-03-05", "2025-03-09", None],
    ... })
    >>> dated = ae.assign(ASTDT=earliest_date(ae["AESTDTC"]), AENDT=latest_date(ae["AEENDTC"]), ASTDTF="", AENDTF="")
    >>> episodes(dated, gap_days=1)["EPISODE"].tolist()
    [1, 1, 3]
    """
    if gap_days is None:
        alone = pd.Series(False, index=ae.index)
        blank = pd.Series("", index=ae.index, dtype="str")
        gap = pd.Series(pd.NA, index=ae.index, dtype="Int64")
        return pd.DataFrame({
            "EPISODE": ae["AESEQ"].astype("Int64"), "GROUPED": alone, "ADUPFL": blank, "AGAPDY": gap
        })  # fmt: skip
    term = event_term(ae).str.upper()
    first = _first_alike(ae, term)
    repeats = first != ae["AESEQ"]
    found = _joined(ae[~repeats], term[~repeats], gap_days, linked_gap_days)
    # A repeated record belongs where the record belongs that it repeats.
    known = found.set_axis(pd.MultiIndex.from_frame(ae.loc[~repeats, ["USUBJID", "AESEQ"]]))
    of_all = known.reindex(pd.MultiIndex.from_arrays([ae["USUBJID"], first])).set_axis(ae.index)
    flag = pd.Series("", index=ae.index, dtype="str").mask(repeats, "Y")
    gap = of_all["AGAPDY"].mask(repeats)
    return of_all.astype({"EPISODE": "Int64", "GROUPED": "bool"}).assign(ADUPFL=flag, AGAPDY=gap.astype("Int64"))


def _first_alike(ae: pd.DataFrame, term: pd.Series) -> pd.Series:
    """AESEQ of the first record with the same subject, term, start, end and grade; its own where the start is blank."""
    alike = pd.DataFrame({name: ae[name].fillna("") for name in ("USUBJID", "AESTDTC", "AEENDTC", "AETOXGR")})
    first = ae["AESEQ"].groupby([alike[name] for name in alike] + [term]).transform("min")
    return first.where(alike["AESTDTC"] != "", ae["AESEQ"]).astype("Int64")


def _joined(ae: pd.DataFrame, term: pd.Series, gap_days: int, linked_gap_days: int) -> pd.DataFrame:
    """EPISODE, GROUPED and AGAPDY by rules 1 to 3 of `episodes`."""
    work = pd.DataFrame({"USUBJID": ae["USUBJID"], "term": term, "AESEQ": ae["AESEQ"], "site": _site_id(ae, term)})
    work["start"] = ae["ASTDT"].where(ae["ASTDTF"] == "")
    work["end"] = ae["AENDT"].where(ae["AENDTF"] == "")
    work = work.sort_values(["USUBJID", "term", "site", "start", "AESEQ"], kind="stable", na_position="last")
    same = (work[["USUBJID", "term", "site"]] == work[["USUBJID", "term", "site"]].shift()).all(axis=1)
    gap = (work["start"] - work["end"].shift()) / pd.Timedelta(days=1)
    follows = (work["start"] > work["start"].shift()) & gap.between(0, gap_days)
    grouped = work["site"] != ""
    between = _days_between(ae, work.index, (~same).cumsum()).where(grouped & same)
    parted = between > linked_gap_days
    number = (~(same & ((grouped & ~parted) | follows))).cumsum()
    first = work.groupby(number)["AESEQ"].transform("min")
    days = between.where(parted).round().astype("Int64")
    return pd.DataFrame({"EPISODE": first.astype("Int64"), "GROUPED": grouped, "AGAPDY": days}).reindex(ae.index)


def _days_between(ae: pd.DataFrame, order: pd.Index, group: pd.Series) -> pd.Series:
    """Days that certainly lie between the latest end of the records before, in their group, and the start of each.

    In `order`. From the last day that an end may mean to the first day that a start may mean; missing where a start
    or one of the ends before is not known at all (an event without an end may have gone on).
    """
    start = earliest_date(ae["AESTDTC"]).reindex(order)
    ends = latest_date(ae["AEENDTC"]).where(ae["AENDT"].notna()).reindex(order)
    days = (ends - pd.Timestamp(0)) / pd.Timedelta(days=1)
    latest = days.fillna(float("inf")).groupby(group).cummax().groupby(group).shift()
    gap = (start - pd.Timestamp(0)) / pd.Timedelta(days=1) - latest
    return gap.where(gap > float("-inf"))


def _site_id(ae: pd.DataFrame, term: pd.Series) -> pd.Series:
    """The id by which the site joins records of one event; blank where none is shared by records of the same term."""
    joined = pd.Series("", index=ae.index, dtype="str")
    for name in ("AESPID", "AEGRPID"):
        if name not in ae.columns:
            continue
        given = ae[name].fillna("").astype("str").str.strip()
        shared = ae.groupby([ae["USUBJID"], term, given])["USUBJID"].transform("size") > 1
        joined = joined.mask(shared & (given != ""), name + "=" + given)
    return joined
