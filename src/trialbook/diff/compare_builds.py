"""Compares two built cuts by record, subject, event and result: finds what `trialbook.diff.changes` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from trialbook.cleaning.compare_cuts import (
    CHANGE_COLUMNS,
    EMPTIED,
    FILLED,
    MOVED_ON,
    RECORD_COLUMNS,
    RESTATED,
    compare_cuts,
    values_for_reading,
)
from trialbook.cleaning.endpoint_dependence import moved_endpoints
from trialbook.core.domains import Domains
from trialbook.diff.built_cut import BuiltCut
from trialbook.diff.changes import CHANGED, GONE, RAISED, UNKNOWN, WENT_ON, Changes, RecordChanges
from trialbook.diff.headlines import STATUS, headlines
from trialbook.diff.words import first_and_more
from trialbook.dlt.escalation_status import reported_headline
from trialbook.results.ard import KEYS
from trialbook.safety.ae_tables import seriousness_given

# Status of a subject: dataset, column, and what it is called; in the order of a subject's way through the trial.
STATUSES = (
    ("adsl", "ENRFL", "Enrolled"),
    ("adsl", "TRT01A", "Dose level"),
    ("adsl", "DLTEFL", "Evaluable for DLT"),
    ("adsl", "MAT28FL", "Mature for day 28"),
    ("adsl", "DTHFL", "Died"),
    ("addlt", "DLTSTAT", "DLT status"),
)
# How an event of ADAE changed: nothing of it was known at the old cut, or one of these columns has changed.
EVENT_COLUMNS = {
    "ADECOD": "term", "ATOXGR": "grade", "ASER": "seriousness", "AREL": "relation", "AEOUT": "outcome",
    "DLTFL": "DLT",
}  # fmt: skip
EVENT_KEYS = ["USUBJID", "AESEQ"]
SEVERE = 3
MOST_RECORDS = 3
# The kinds of changed values in the order in which they explain a moved endpoint.
_WEIGHT = {RESTATED: 0, EMPTIED: 1, FILLED: 2, MOVED_ON: 3}
# Values of an endpoint that are meant to change as the trial goes on.
_OPEN = ("alive", "")


def record_changes(old: BuiltCut, new: BuiltCut) -> RecordChanges:
    """What changed in records and subjects. Raises StopError where a file of either cannot be read."""
    found = compare_cuts(old.clean, Domains(new.clean))
    values = values_for_reading(found, [*new.protocol.study.endpoints])
    restated = values["kind"].isin([RESTATED, EMPTIED])
    return RecordChanges(
        names={**_by_subject(old.datasets["adsl"], "SUBJID"), **_by_subject(new.datasets["adsl"], "SUBJID")},
        deleted=found.deleted[RECORD_COLUMNS].reset_index(drop=True),
        restated=values[restated].reset_index(drop=True),
        endpoints=_endpoints(moved_endpoints(old.datasets, new.datasets), values),
        new_subjects=_new_subjects(old.datasets, new.datasets),
        statuses=_statuses(old.datasets, new.datasets),
        events=_events(old.datasets.get("adae"), new.datasets.get("adae")),
        counts=found.counts,
        values=values.loc[~restated, [*CHANGE_COLUMNS]].reset_index(drop=True),
    )


def added_records(old: BuiltCut, new: BuiltCut) -> pd.DataFrame:
    """The records that `new` alone holds: domain, subject (USUBJID), record. Raises StopError as `record_changes`."""
    return compare_cuts(old.clean, Domains(new.clean)).added[RECORD_COLUMNS].reset_index(drop=True)


def changes_between(old: BuiltCut, new: BuiltCut, records: RecordChanges | None = None) -> Changes:
    """The changes from `old` to `new`; `records` where these are known already.

    Raises StopError where a file of either cannot be read.
    """
    return Changes(
        old.cut, new.cut, records or record_changes(old, new), _headlines(old, new), _results(old.ard, new.ard),
        _signals(old.signals, new.signals),
    )  # fmt: skip


def _signals(
    old: Sequence[Mapping[str, Any]] | None, new: Sequence[Mapping[str, Any]] | None
) -> pd.DataFrame | None:  # fmt: skip
    """The signals that are new, in their order, then those that are no longer raised."""
    if old is None or new is None:
        return None
    known, now = {one["signal_id"] for one in old}, {one["signal_id"] for one in new}
    told = [(one, RAISED) for one in new if one["signal_id"] not in known]
    told += [(one, GONE) for one in old if one["signal_id"] not in now]
    rows = [(one["subject"], one["severity"], one["sentence"], news) for one, news in told]
    return pd.DataFrame(rows, columns=["subject", "severity", "sentence", "news"], dtype="str")


def _endpoints(moved: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """The moved endpoints with `kind` and `records`: the changed values of the subject on which the endpoint rests."""
    kinds, records = [], []
    for subject, endpoint, old in moved[["subject", "endpoint", "old"]].itertuples(index=False):
        rests = values["endpoints"].map(partial(_rests, endpoint)).astype(bool)
        kind = WENT_ON if old in _OPEN or "PENDING" in old else CHANGED
        kinds.append(kind)
        # What is due with time explains itself; a value that had been reported never goes unsaid.
        said = values["kind"].isin([*_WEIGHT] if kind == CHANGED else [RESTATED, EMPTIED])
        own = values[values["subject"].eq(subject) & rests & said]
        own = own.sort_values("kind", key=lambda kind: kind.map(_WEIGHT.get), kind="stable")
        told = [
            f"{f'{row.domain} {row.record}'.strip()}, {row.column}: {row.old or 'blank'} → {row.new or 'blank'}"
            for row in own.itertuples()
        ]
        records.append(first_and_more(told, MOST_RECORDS))
    found = moved.assign(kind=pd.Series(kinds, index=moved.index, dtype="str"), records=["; ".join(r) for r in records])
    return found.sort_values("kind", kind="stable", ignore_index=True)


def _rests(endpoint: str, named: str) -> bool:
    return endpoint in named.split(", ")


def _new_subjects(old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Subjects whom the old cut did not hold: subject, dose level (blank = not treated)."""
    now = new["adsl"]
    fresh = now[~now["USUBJID"].isin(old["adsl"]["USUBJID"])]
    treated = fresh["TRT01A"].where(fresh["SAFFL"].eq("Y"), "").fillna("")
    return pd.DataFrame({"subject": fresh["USUBJID"], "level": treated}, dtype="str").reset_index(drop=True)


def _statuses(old: Mapping[str, pd.DataFrame], new: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Statuses of subjects of both cuts that differ: subject, status, then, now; by subject."""
    rows: list[tuple[str, int, str, str, str]] = []
    for place, (dataset, column, words) in enumerate(STATUSES):
        then, now = (_by_subject(datasets.get(dataset), column) for datasets in (old, new))
        known = old["adsl"]["USUBJID"].tolist()
        for subject in now if dataset == "adsl" else {**then, **now}:
            before, after = then.get(subject, ""), now.get(subject, "")
            if before != after and subject in known:
                rows.append((subject, place, words, before, after))
    frame = pd.DataFrame(sorted(rows), columns=["subject", "place", "status", "then", "now"])
    return frame.drop(columns="place").astype("str")


def _by_subject(frame: pd.DataFrame | None, column: str) -> dict[str, str]:
    if frame is None or column not in frame:
        return {}
    return dict(zip(frame["USUBJID"].astype("str"), frame[column].astype("object").fillna("").map(str), strict=True))


def _events(old: pd.DataFrame | None, new: pd.DataFrame | None) -> pd.DataFrame:
    """Events that a committee must hear of and that are new or changed, with their grade, seriousness and news.

    A committee hears of serious events, of grade 3 or more, of DLTs, and of those whose grade or seriousness is open.
    """
    columns = ["subject", "term", "grade", "serious", "dlt", "start", "news"]
    if new is None or new.empty:
        return pd.DataFrame(columns=columns, dtype="str")
    then = new[EVENT_KEYS].merge(old if old is not None else new.head(0), on=EVENT_KEYS, how="left", indicator=True)
    known = then["_merge"].eq("both").to_numpy()
    news = pd.Series("", index=new.index, dtype="object")
    for column, word in EVENT_COLUMNS.items():
        if column in new and column in then:
            before, after = then[column].astype("object").fillna(""), new[column].astype("object").fillna("")
            moved = known & (before.map(str).to_numpy() != after.map(str).to_numpy())
            news = news.mask(moved, news.where(news.eq(""), news + ", ") + word)
    news = ("changed: " + news).where(news.ne(""), "").mask(~known, "new")
    grade = pd.to_numeric(new["ATOXGR"], errors="coerce")
    unknown = new["ASER"].ne("Y") & seriousness_given(new).eq("")
    serious = new["ASER"].mask(unknown, UNKNOWN).replace("", "N")
    told = serious.ne("N") | grade.ge(SEVERE) | grade.isna() | new["DLTFL"].eq("Y")
    chosen = new[news.ne("") & told.to_numpy()]
    return pd.DataFrame(
        {
            "subject": chosen["USUBJID"], "term": chosen["ADECOD"],
            "grade": grade[chosen.index].map(lambda number: "" if pd.isna(number) else f"{number:g}"),
            "serious": serious[chosen.index], "dlt": chosen["DLTFL"],
            "start": pd.to_datetime(chosen["ASTDT"]).dt.strftime("%Y-%m-%d").fillna(""), "news": news[chosen.index],
        },
        dtype="str",
    ).reset_index(drop=True)  # fmt: skip


def _headlines(old: BuiltCut, new: BuiltCut) -> pd.DataFrame:
    """The headline numbers that differ, each under the keys of its own cut."""
    then, now = headlines(old.ard, old.analysis), headlines(new.ard, new.analysis)
    status = (STATUS, reported_headline(old.ard, old.analysis), reported_headline(new.ard, new.analysis))
    rows = [status, *((name, then.get(name, ""), now.get(name, "")) for name in dict.fromkeys([*now, *then]))]
    moved = [row for row in rows if row[1] != row[2]]
    return pd.DataFrame(moved, columns=["name", "then", "now"], dtype="object")


def _results(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Every ARD row whose text differs, with both texts; blank where one cut did not report it."""
    then, now = (frame.set_index(KEYS)["stat_text"] for frame in (old, new))
    both = pd.concat({"then": then, "now": now}, axis=1).fillna("")
    return both[both["then"] != both["now"]].reset_index()
