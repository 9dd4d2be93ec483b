"""The drugs started after the first infusion by class, as a reader of the response page sees them."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import rel_day
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.drugs.records import UNCLASSIFIED, drugs_in_force
from trialbook.efficacy.day28 import treated_subjects
from trialbook.efficacy.intercurrent import therapy_starts
from trialbook.efficacy.therapies import (
    as_starts,
    clock_of,
    dated,
    drug_records,
    is_unclassified,
    new_starts,
    open_records,
)
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import BACKGROUND, NONSYSTEMIC, STEROID, SUPPORTIVE, THERAPY

CLASS_NAMES = {
    THERAPY: msg("Therapy of acute GVHD"),
    UNCLASSIFIED: msg("Unclassified"),
    STEROID: msg("Steroid"),
    BACKGROUND: msg("Background"),
    NONSYSTEMIC: msg("Not systemic"),
    SUPPORTIVE: msg("Supportive"),
}
# Named drug by drug; the others are only counted.
NAMED = (THERAPY, UNCLASSIFIED)
COLUMNS = ["CLASS", "DRUG", "RECORDS", "SUBJECTS", "WHO", "COUNTS"]


def started_drugs(
    adsl: pd.DataFrame, domains: Domains, analysis: Analysis, most_named: int = 12, most_rows: int = 60
) -> pd.DataFrame:  # fmt: skip
    """One row per drug that is therapy of acute GVHD or unclassified, then one per other class: `COLUMNS`.

    Systemic records of CM of treated subjects, and procedures that are (nearly) therapies, that may have started after
    the first infusion and continue nothing. WHO: the subjects with the day of the first start, at most `most_named`;
    COUNTS: whether it counts as new therapy, or is asked about.
    """
    treated = treated_subjects(adsl, adsl["CUTDT"].max()) if len(adsl) else adsl
    records = drug_records(domains, drugs_in_force(analysis), tuple(analysis.local_routes))
    records = records[(records["SRCDOM"] == "CM") | (records["CLASS"] == THERAPY) | is_unclassified(records)]
    found = new_starts(dated(records), clock_of(treated))
    key = ["SRCDOM", "USUBJID", "SRCSEQ"]
    certain = _keys(therapy_starts(domains, treated, analysis), key)
    asked = open_records(domains, treated, analysis)
    unsure = _keys(asked, key)
    own = _keys(found, key)
    names = treated.set_index("USUBJID")["SUBJID"]
    started = as_starts(found).set_index(key)["EVNTDT"]
    rows = pd.DataFrame(
        {
            "CLASS": found["CLASS"], "DRUG": _drug_text(found), "USUBJID": found["USUBJID"],
            "SUBJID": names.reindex(found["USUBJID"]).to_numpy(),
            "DAY": rel_day(started.reindex(own).set_axis(found.index), found["TRTSDT"]),
            "COUNTS": _counts(own.isin(certain), own.isin(unsure), found.index),
        }
    )  # fmt: skip
    parts = [_of_class(rows[rows["CLASS"] == kind], kind, most_named) for kind in CLASS_NAMES]
    started = pd.DataFrame([row for part in parts for row in part], columns=COLUMNS)
    return described(
        started.head(most_rows),
        labels={
            "CLASS": msg("Class"),
            "DRUG": msg("Drug"),
            "RECORDS": msg("Records"),
            "WHO": msg("Subject (first start)"),
            "COUNTS": msg("Counts as new therapy"),
        },
        notes=[
            msg(
                "Systemic drugs; what ran at the infusion and goes on at no higher dose is left out. Steroids: by dose."
            ),
            *drugs_left_out(started, most_rows),
        ],
        empty=nothing_started(domains),
    )


def drugs_left_out(started: pd.DataFrame, most_rows: int) -> list[str]:
    """A footnote where not every row of `started_drugs` is shown."""
    if len(started) <= most_rows:
        return []
    return [
        f"The first {most_rows} of {len(started)} rows, class by class: therapies first. "
        "The domains CM and PR hold all records."
    ]


def nothing_started(domains: Domains) -> str:
    """The text in place of the table where no drug was started: that there is none, or no record was delivered."""
    if domains.delivered("CM"):
        return msg("No systemic drug was started after the infusion.")
    return msg("CM was not delivered: nothing can be said about drugs started after the infusion.")


def _keys(rows: pd.DataFrame, key: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[key].astype({"SRCSEQ": "Int64"}))


def _drug_text(found: pd.DataFrame) -> pd.Series:
    near = (" (nearly " + found["NEAR"] + ")").where(found["NEAR"] != "", "")
    return found["DRUG"].where(found["DRUG"] != "", found["REPORTED"].replace("", "no name given") + near)


def _counts(certain: object, unsure: object, index: pd.Index) -> pd.Series:
    text = pd.Series("no", index=index, dtype="str")
    return text.mask(pd.Series(unsure, index=index), msg("asked about")).mask(
        pd.Series(certain, index=index), msg("new therapy")
    )


def _of_class(rows: pd.DataFrame, kind: str, most_named: int) -> list[tuple[object, ...]]:
    name = CLASS_NAMES[kind]
    if kind not in NAMED:
        drugs = rows["DRUG"].nunique()
        return (
            [(name, msg("{n} different", n=drugs) if drugs else "", *_size(rows), "", _answer(rows))]
            if len(rows)
            else []
        )
    return [
        (name, drug, *_size(group), _who(group, most_named), _answer(group))
        for drug, group in rows.groupby("DRUG", sort=True)
    ]


def _size(rows: pd.DataFrame) -> tuple[int, int]:
    return len(rows), rows["USUBJID"].nunique()


def _answer(rows: pd.DataFrame) -> str:
    """The answers of the records, each once, the most relevant first."""
    return ", ".join(word for word in (msg("new therapy"), msg("asked about"), "no") if (rows["COUNTS"] == word).any())


def _who(rows: pd.DataFrame, most_named: int) -> str:
    first = rows.sort_values(["SUBJID", "DAY"], kind="stable").drop_duplicates("SUBJID")
    named = [
        msg("{SUBJID} (day {DAY})", SUBJID=row.SUBJID, DAY=row.DAY) if pd.notna(row.DAY) else str(row.SUBJID)
        for row in first.head(most_named).itertuples()
    ]
    return ", ".join(named) + (msg(" and {n} more", n=len(first) - most_named) if len(first) > most_named else "")
