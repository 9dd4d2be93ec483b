"""The data cut (§0.1, P26): nothing dated after CUTDT stays, and what ended after it is ongoing at the cut.

The rules of datacutr (a record goes only when it is certainly after the cut), and what datacutr keeps: end dates,
outcomes, the supplemental records of removed parents, and a death flag whose date is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.problems import ask
from trialbook.cleaning.read_values import BIRTH_DATE
from trialbook.core.dates import earliest_date, latest_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.supplemental import is_supplemental, parent_links
from trialbook.queries.query_list import Query
from trialbook.snapshot.door import WITHHELD

CUT_VARIABLES: Mapping[str, str] = {
    "DM": "RFICDTC", "EX": "EXSTDTC", "AE": "AESTDTC", "LB": "LBDTC", "VS": "VSDTC", "RS": "RSDTC", "FA": "FADTC",
    "QS": "QSDTC", "CM": "CMSTDTC", "MH": "MHSTDTC", "CE": "CESTDTC", "PR": "PRSTDTC", "IE": "IEDTC", "DS": "DSSTDTC",
    "SS": "SSDTC", "SV": "SVSTDTC", "DV": "DVSTDTC", "MB": "MBDTC", "IS": "ISDTC", "SU": "SUSTDTC",
}  # fmt: skip
# Records that are made only of subjects who have consented. Results and histories may be of the time before.
_AFTER_CONSENT = ("EX", "AE", "SV", "IE", "DV", "DS")
_RESULTS = ("LB", "VS", "RS", "FA", "QS")
SUBJECT_RULE = "the subject consented after the cut"
RECORD_RULE = "the record is dated after the cut"
PARENT_RULE = "its parent record is dated after the cut"
REMOVED_COLUMNS = ["domain", "subject", "record", "variable", "date", "rule", "SRCROW"]
EDIT_COLUMNS = ["domain", "SRCROW", "column", "raw", "new"]
# What an event that ended after the cut was, seen from the cut.
_OPEN_OUTCOMES = ("NOT RECOVERED/NOT RESOLVED", "RECOVERING/RESOLVING", "UNKNOWN")


@dataclass(frozen=True)
class Cut:
    """Domains at the cut; the records removed; the values changed because they lay after it; counts by domain."""

    domains: Domains
    removed: pd.DataFrame
    edits: pd.DataFrame
    counts: pd.DataFrame
    queries: list[Query]


def apply_cut(domains: Domains, cut_date: pd.Timestamp) -> Cut:
    """The domains as they were at the end of the cut date (inclusive, by calendar day).

    In this order:
    1. subjects whose consent is after the cut are removed from all domains, but not those who have an infusion, event
       or visit by the cut: they stay, and the date of consent is asked about;
    2. a record is removed when the earliest date its cut variable may mean is after the cut; a missing date stays; of
       one whose end lies before the cut both dates are asked about;
    3. a SUPP-- record is removed with its parent;
    4. any other date after the cut is removed from its record; an event, drug or history whose end is removed is
       ONGOING, and an outcome other than an open one becomes NOT RECOVERED/NOT RESOLVED;
    5. a death after the cut is removed from DM, and a fatal outcome without a date of its own from AE.

    | AESTDTC | AEENDTC    | cut        | result                          |
    |---------|------------|------------|---------------------------------|
    | 2025-06 | 2025-07-02 | 2025-06-30 | kept, end removed, ONGOING      |
    | 2025-07 |            | 2025-06-30 | removed                         |
    | 2025    |            | 2025-06-30 | kept: it may lie before the cut |
    """
    late, asked = _late_subjects(domains, cut_date)
    dead_later = _late_deaths(domains, cut_date)
    frames: dict[str, pd.DataFrame] = {}
    removed: list[pd.DataFrame] = []
    for code in sorted(domains, key=is_supplemental):  # parents first
        frame = domains[code]
        reasons = _reasons(code, frame, late, cut_date, domains, frames)
        # Selecting all rows would copy the whole table.
        frames[code] = frame[reasons.eq("")] if reasons.ne("").any() else frame
        removed.append(_removed(code, frame[reasons.ne("")], reasons))
        asked += _ended_before(code, frame[reasons.eq(RECORD_RULE)], cut_date)
    gone = pd.concat(removed, ignore_index=True)
    edits = _Edits(cut_date)
    final = {code: edits.state_at_cut(code, frames[code], dead_later) for code in domains}
    return Cut(
        domains=Domains({code: frame.reset_index(drop=True) for code, frame in final.items()}),
        removed=gone,
        edits=edits.frame(),
        counts=_counts(domains, gone, frames, cut_date),
        queries=[*asked, *edits.queries],
    )


def after_cut(dtc: pd.Series, cut_date: pd.Timestamp) -> pd.Series:
    """Whether a date, complete or partial, certainly lies after the cut.

    >>> after_cut(pd.Series(["2025-07-01", "2025-06", None]), pd.Timestamp("2025-06-30")).tolist()
    [True, False, False]
    """
    return (earliest_date(dtc) > cut_date).astype(bool)


def future_date_queries(domains: Domains, cut_date: pd.Timestamp, days: int) -> list[Query]:
    """P26: dates more than `days` after the cut, in every --DTC column, since no export can hold them.

    Without the question a slip in the year (2052) would remove the record with those that are after the cut.
    """
    limit = cut_date + pd.Timedelta(days=days)
    return _asked_of_dates("P26-FUTURE-DATE", domains, lambda frame, column: after_cut(frame[column], limit))


# Events and treatments; a status or a result may well be the last that is known of a subject.
_STARTS = {code: CUT_VARIABLES[code] for code in ("EX", "AE", "CM", "MH", "CE", "PR", "SU")}
# So many days after every other record of its subject, a start is more likely a slip in the month or year.
FAR_DAYS = 90


def far_start_queries(domains: Domains, cut_date: pd.Timestamp) -> list[Query]:
    """P26: a start by the cut that lies more than `FAR_DAYS` after all that other records of the subject are dated.

    Dates after the cut do not count: what they date is left out, or asked about as a date in the future.
    """
    dated = [
        pd.DataFrame({"USUBJID": frame["USUBJID"], "CODE": code, "AT": frame.index, "DAY": latest_date(frame[column])})
        for code, frame in domains.items() if "USUBJID" in frame
        for column in frame.columns if column.endswith("DTC") and column != BIRTH_DATE
    ]  # fmt: skip
    if not dated:
        return []
    every = pd.concat(dated, ignore_index=True).dropna(subset=["USUBJID", "DAY"])
    last = every[every["DAY"] <= cut_date].groupby(["USUBJID", "CODE", "AT"], as_index=False)["DAY"].max()
    last = last.sort_values(["USUBJID", "DAY"], kind="stable")
    # The latest record of a subject with another before it.
    last["BEFORE"] = last.groupby("USUBJID")["DAY"].shift()
    newest = last[last["BEFORE"].notna()].drop_duplicates("USUBJID", keep="last")
    asked: list[Query] = []
    for code, column in _STARTS.items():
        found = newest[newest["CODE"].eq(code)]
        if not len(found) or column not in domains[code]:
            continue
        rows = domains[code].loc[found["AT"]]
        start = earliest_date(rows[column])
        limit = (found["BEFORE"] + pd.Timedelta(days=FAR_DAYS)).set_axis(rows.index)
        own = rows[(start > limit) & (latest_date(rows[column]) <= cut_date)]
        records = zip(own["USUBJID"], record_keys(code, own), own[column], strict=True)
        asked += ask("P26-START-FAR", code, records, column)
    return asked


def before_birth_queries(domains: Domains) -> list[Query]:
    """P26: dates certainly before the birth of their subject, in every --DTC column: a slip, or a filler.

    Not where the consent is before the birth as well: then the birth date is the one to ask about (P06).
    """
    dm = domains["DM"]
    if BIRTH_DATE not in dm:
        return []
    born = earliest_date(dm[BIRTH_DATE])
    if "RFICDTC" in dm:
        born = born.mask(latest_date(dm["RFICDTC"]) < born)
    births = born.groupby(dm["USUBJID"]).first()
    return _asked_of_dates(
        "P26-BEFORE-BIRTH", domains,
        lambda frame, column: latest_date(frame[column]) < births.reindex(frame["USUBJID"]).set_axis(frame.index),
    )  # fmt: skip


def _asked_of_dates(rule: str, domains: Domains, wrong: Callable[[pd.DataFrame, str], pd.Series]) -> list[Query]:
    """A query for each date of a subject that is `wrong`, in every --DTC column of every domain."""
    asked: list[Query] = []
    for code, frame in domains.items():
        if "USUBJID" not in frame:
            continue
        for column in [name for name in frame.columns if name.endswith("DTC")]:
            rows = frame[wrong(frame, column)]
            if len(rows):
                # A birth date would identify: only that it is wrong is said.
                shown = rows[column] if column != BIRTH_DATE else pd.Series(WITHHELD, index=rows.index)
                records = zip(rows["USUBJID"], record_keys(code, rows), shown, strict=True)
                asked += ask(rule, code, records, column)
    return asked


def cut_variable(domain: str, columns: pd.Index) -> str | None:
    """The date that places a record of a domain in time; None where it has none (it then follows its subject).

    >>> cut_variable("LB", pd.Index(["USUBJID", "LBDTC"])), cut_variable("IE", pd.Index(["USUBJID"]))
    ('LBDTC', None)
    """
    wanted = [CUT_VARIABLES[domain]] if domain in CUT_VARIABLES else [f"{domain}DTC", f"{domain}STDTC"]
    return next((name for name in wanted if name in columns), None)


def _late_subjects(domains: Domains, cut_date: pd.Timestamp) -> tuple[set[str], list[Query]]:
    """Subjects who consented after the cut (by DM RFICDTC, else by the consent in DS), and what is asked about them.

    One who has a record by the cut that only subjects with a consent have is not among them: the date is in doubt.
    """
    dm, ds = domains["DM"], domains["DS"]
    consent = ds.loc[ds["DSDECOD"].eq("INFORMED CONSENT OBTAINED")].drop_duplicates("USUBJID").set_index("USUBJID")
    dated = dm["RFICDTC"].fillna(dm["USUBJID"].map(consent["DSSTDTC"]).astype("str"))
    rows = after_cut(dated, cut_date)
    late = dict(zip(dm.loc[rows, "USUBJID"], dated[rows], strict=True))
    if not late:
        return set(), []
    known, results = (_first_by_cut(domains, codes, late, cut_date) for codes in (_AFTER_CONSENT, _RESULTS))
    results = {subject: first for subject, first in results.items() if subject not in known}
    asked = [
        query
        for rule, found in (("P26-CONSENT-AFTER-RECORD", known), ("P26-CONSENT-AFTER-RESULT", results))
        for query in ask(rule, "DM", [(who, "", f"{late[who]}; {first}") for who, first in found.items()], "RFICDTC")
    ]
    return set(late) - set(known), asked


def _first_by_cut(
    domains: Domains, codes: Iterable[str], subjects: Iterable[str], cut_date: pd.Timestamp
) -> dict[str, str]:
    """For each of these subjects who has a record certainly dated by the cut: the earliest one, with its date."""
    found = []
    for code in codes:
        frame = domains[code] if code in domains else pd.DataFrame()
        variable = cut_variable(code, frame.columns)
        if frame.empty or variable is None:
            continue
        rows = frame["USUBJID"].isin(list(subjects)) & (latest_date(frame[variable]) <= cut_date)
        if code == "DS":
            rows &= frame["DSDECOD"].ne("INFORMED CONSENT OBTAINED").fillna(False)
        own = frame[rows]
        for who, key, date in zip(own["USUBJID"], record_keys(code, own), own[variable], strict=True):
            found.append((str(date), f"{code} {key}".strip(), str(who)))
    return {who: f"{record}: {date}" for date, record, who in sorted(found, reverse=True)}


def _ended_before(code: str, removed: pd.DataFrame, cut_date: pd.Timestamp) -> list[Query]:
    """P26: records whose start is after the cut and whose end certainly is not: one of the dates is wrong."""
    start, end = cut_variable(code, removed.columns), f"{code}ENDTC"
    if removed.empty or start is None or end not in removed:
        return []
    rows = removed[latest_date(removed[end]) <= cut_date]
    observed = rows[start].astype("str") + " to " + rows[end].astype("str")
    records = zip(rows["USUBJID"], record_keys(code, rows), observed, strict=True)
    return ask("P26-ENDED-BEFORE-CUT", code, records, start)


def _late_deaths(domains: Domains, cut_date: pd.Timestamp) -> set[str]:
    """Subjects who died after the cut by any dated source: DM, else the death in DS."""
    dm, ds = domains["DM"], domains["DS"]
    reported = ds.loc[ds["DSDECOD"].eq("DEATH")].drop_duplicates("USUBJID").set_index("USUBJID")["DSSTDTC"]
    dated = dm["DTHDTC"].fillna(dm["USUBJID"].map(reported).astype("str"))
    return set(dm.loc[after_cut(dated, cut_date), "USUBJID"])


def _reasons(
    code: str, frame: pd.DataFrame, late: set[str], cut_date: pd.Timestamp, domains: Domains,
    kept: Mapping[str, pd.DataFrame],
) -> pd.Series:  # fmt: skip
    """Why each record is removed; blank where it stays. `kept` are the domains at the cut so far, parents first."""
    reasons = pd.Series("", index=frame.index, dtype="str")
    parent = code.removeprefix("SUPP")
    if is_supplemental(code) and parent in kept and "USUBJID" in frame:
        reasons = reasons.mask(_parents_removed(frame, domains[parent], kept[parent], parent), PARENT_RULE)
    variable = cut_variable(code, frame.columns)
    if variable is not None and code != "DM":  # of DM the subject decides
        reasons = reasons.mask(after_cut(frame[variable], cut_date), RECORD_RULE)
    if "USUBJID" in frame:
        reasons = reasons.mask(frame["USUBJID"].isin(late), SUBJECT_RULE)
    return reasons


def _parents_removed(supp: pd.DataFrame, before: pd.DataFrame, kept: pd.DataFrame, code: str) -> pd.Series:
    """Whether all records that a supplemental record describes were removed (one that never had any stays)."""
    if len(before) == len(kept) or supp.empty:
        return pd.Series(False, index=supp.index)
    links, _ = parent_links(supp, before, code)
    stays = links["PARENT"].isin(kept.index)
    gone = set(links["SUPP"]) - set(links.loc[stays, "SUPP"])
    return pd.Series(supp.index.isin(list(gone)), index=supp.index)


def _removed(code: str, frame: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    variable = cut_variable(code, frame.columns)
    blank = pd.Series("", index=frame.index, dtype="str")
    columns = {
        "domain": pd.Series(code, index=frame.index, dtype="str"),
        "subject": frame.get("USUBJID", blank),
        "record": record_keys(code, frame),
        "variable": pd.Series(variable or "", index=frame.index, dtype="str"),
        "date": frame[variable].fillna("") if variable else blank,
        "rule": reasons[frame.index],
        "SRCROW": frame["SRCROW"],
    }
    return pd.DataFrame(columns)[REMOVED_COLUMNS].reset_index(drop=True)


def _counts(
    domains: Domains, removed: pd.DataFrame, kept: Mapping[str, pd.DataFrame], cut_date: pd.Timestamp
) -> pd.DataFrame:
    """Records by domain: read, removed, kept, and the rule in words; of the kept ones, those without any date and those
    whose partial date may lie on either side of the cut.
    """
    rows = []
    for code in domains:
        gone = removed[removed["domain"] == code]
        variable = cut_variable(code, domains[code].columns)
        rule = msg("{column} is not certainly after the cut", column=variable) if variable else msg("its subject stays")
        read = len(domains[code])
        words = msg("its parent record stays") if is_supplemental(code) else rule
        dtc = kept[code][variable] if variable else pd.Series(dtype="str")
        straddles = (earliest_date(dtc) <= cut_date) & (latest_date(dtc) > cut_date)
        rows.append({
            "domain": code, "read": read, "removed": len(gone), "kept": read - len(gone),
            "undated": int(earliest_date(dtc).isna().sum()), "partial": int(straddles.sum()), "rule": words,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["domain", "read", "removed", "kept", "undated", "partial", "rule"])


class _Edits:
    """Sets values back to what was known at the cut, and remembers each."""

    def __init__(self, cut_date: pd.Timestamp) -> None:
        self._cut_date = cut_date
        self._rows: list[pd.DataFrame] = []
        self.queries: list[Query] = []

    def frame(self) -> pd.DataFrame:
        """All changes: domain, SRCROW, column, raw, new."""
        rows = [part for part in self._rows if len(part)]
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=EDIT_COLUMNS)

    def state_at_cut(self, code: str, frame: pd.DataFrame, dead_later: set[str]) -> pd.DataFrame:
        """One domain with every later date removed and what follows from that."""
        if code == "DM":
            dead = frame["USUBJID"].isin(dead_later)
            frame = self._set(code, self._set(code, frame, "DTHDTC", dead, None), "DTHFL", dead, None)
        end = f"{code}ENDTC"
        ended = after_cut(frame[end], self._cut_date) if end in frame else pd.Series(False, index=frame.index)
        for column in [name for name in frame.columns if name.endswith("DTC")]:
            frame = self._set(code, frame, column, after_cut(frame[column], self._cut_date), None)
        if f"{code}ENRTPT" in frame:
            frame = self._set(code, frame, f"{code}ENRTPT", ended, "ONGOING")
        return self._open_events(frame, ended, dead_later) if code == "AE" else frame

    def _open_events(self, ae: pd.DataFrame, ended: pd.Series, dead_later: set[str]) -> pd.DataFrame:
        """AE: an outcome that lies after the cut is not known at the cut; a fatal one takes its grade 5 with it."""
        undated = ae["AEENDTC"].isna() & ~ended & ae["USUBJID"].isin(dead_later)
        fatal = ae["AEOUT"].eq("FATAL") | ae["AESDTH"].eq("Y") | ae["AETOXGR"].eq("5")
        later_death = fatal & ae["USUBJID"].isin(dead_later) & (ended | undated)
        known = ae["AEOUT"].notna() & ~ae["AEOUT"].isin(_OPEN_OUTCOMES)
        reopened = (ended & known) | (later_death & known)
        grade = later_death & ae["AETOXGR"].eq("5")
        lost = ae[grade]
        observed = zip(lost["USUBJID"], record_keys("AE", lost), [""] * len(lost), strict=True)
        self.queries += ask("P26-GRADE-AT-CUT", "AE", observed, "AETOXGR")
        ae = self._set("AE", ae, "AEOUT", reopened, "NOT RECOVERED/NOT RESOLVED")
        ae = self._set("AE", ae, "AESDTH", later_death & ae["AESDTH"].eq("Y"), None)
        ae = self._set("AE", ae, "AETOXGR", grade, None)
        return self._set("AE", ae, "AEENRTPT", later_death, "ONGOING")

    def _set(self, code: str, frame: pd.DataFrame, column: str, rows: pd.Series, new: str | None) -> pd.DataFrame:
        if not rows.any():
            return frame
        old = frame.loc[rows, column]
        changed = old[old.notna()] if new is None else old[old.fillna("").ne(new)]
        if changed.empty:
            return frame
        self._rows.append(
            pd.DataFrame({
                "domain": code, "SRCROW": frame.loc[changed.index, "SRCROW"], "column": column,
                "raw": changed.fillna(""), "new": new or "",
            })
        )  # fmt: skip
        values = frame[column].mask(frame.index.isin(changed.index), pd.NA if new is None else new)
        return frame.assign(**{column: values.astype(frame[column].dtype)})
