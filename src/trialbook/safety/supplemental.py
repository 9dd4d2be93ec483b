"""Answers about adverse events that stand in SUPPAE, joined to the record that they are about."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date, earliest_date

KNOWN_ON = "AEKNOWDT"
# How a supplemental record may name its parent.
_NUMBER, _TEXTS = "AESEQ", ("AESPID", "AEGRPID")


def record_answers(ae: pd.DataFrame, suppae: pd.DataFrame, name: str) -> pd.DataFrame:
    """The answers QNAM = `name` with the AE record that each is about: RECORD (a label of `ae`) and QVAL, not blank.

    A supplemental record names its parent by AESEQ, AESPID or AEGRPID; the last two may name several.
    """
    given = suppae[suppae["QNAM"].fillna("").str.upper().eq(name) & suppae["QVAL"].fillna("").str.strip().ne("")]
    variable = given["IDVAR"].fillna("").str.upper().str.strip()
    found = []
    for column in (_NUMBER, *_TEXTS):
        own = given[variable.eq(column)]
        if own.empty or column not in ae.columns:
            continue
        parents = pd.DataFrame({"USUBJID": ae["USUBJID"], "KEY": _key(ae[column], column), "RECORD": ae.index})
        asked = own[["USUBJID", "QVAL"]].assign(KEY=_key(own["IDVARVAL"], column))
        found.append(asked[asked["KEY"] != ""].merge(parents, on=["USUBJID", "KEY"])[["RECORD", "QVAL"]])
    none = pd.DataFrame({"RECORD": ae.index[:0], "QVAL": pd.Series(dtype="str")})
    return pd.concat([none, *found], ignore_index=True)


def known_to_site(ae: pd.DataFrame, suppae: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """KNOWDTC, the day on which the site knew of each AE record as given (the earliest of several), and KNOWDT, the
    date of it: complete dates up to the cut only, never imputed.
    """
    answers = record_answers(ae, suppae, KNOWN_ON)
    answers = answers.assign(QVAL=answers["QVAL"].str.strip(), DAY=earliest_date(answers["QVAL"].str.strip()))
    first = answers.sort_values(["RECORD", "DAY", "QVAL"], kind="stable").drop_duplicates("RECORD")
    given = first.set_index("RECORD")["QVAL"].reindex(ae.index).fillna("").astype("str")
    day = complete_date(given)
    return pd.DataFrame({"KNOWDTC": given, "KNOWDT": day.where(day <= cut_date)})


def _key(value: pd.Series, column: str) -> pd.Series:
    if column != _NUMBER:
        return value.fillna("").astype("str").str.strip()
    number = pd.to_numeric(value, errors="coerce").astype("Float64")
    return number.astype("str").where(number.notna(), "").astype("str")
