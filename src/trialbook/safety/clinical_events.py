"""Clinical events (CE): what each record counts as, when chronic GVHD began, and the listing of all of them (§16.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date, rel_day
from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.protocol.study_data import StudyData
from trialbook.safety.listings import subject_ids

CHRONIC, ACUTE, RELAPSE, NOTHING = (
    msg("chronic GVHD"), msg("acute GVHD"), msg("relapse of the malignancy"), msg("no endpoint"),
)  # fmt: skip
LABELS = {
    "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "TERM": msg("Event"), "CATEGORY": msg("Category"),
    "START": msg("Start"), "RELDAY": msg("Day of onset"), "END": msg("End"), "GRADE": msg("Grade or severity"),
    "COUNTED": msg("Counted as"),
}  # fmt: skip


def is_relapse(ce: pd.DataFrame) -> pd.Series:
    """Which records of CE are a relapse of the malignancy: RELAPSE in the coded or the reported term (interface §3).

    >>> is_relapse(pd.DataFrame({"CEDECOD": ["RELAPSE", None], "CETERM": ["AML relapse", "acute GVHD"]})).tolist()
    [True, False]
    """
    named = ce["CEDECOD"].fillna("").str.upper() + " " + ce["CETERM"].fillna("").str.upper()
    return named.str.contains("RELAPSE", regex=False)


def chronic_gvhd_onsets(adae: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Every record of chronic GVHD in CE and AE: USUBJID FIRST LAST (days that the onset may mean) SRCDOM SRCSEQ.

    FIRST is missing where the record has no date. `adae`: of this study. Words: `outcomes.chronic_gvhd` (A-217).
    """
    terms, ce = study.protocol.outcomes.chronic_gvhd.terms, study.domains["CE"]
    parts = []
    for code, frame in (("CE", ce), ("AE", adae)):
        own = frame[_named(frame, code, terms)]
        when = own[f"{code}STDTC"]
        parts.append(pd.DataFrame({
            "USUBJID": own["USUBJID"], "FIRST": earliest_date(when), "LAST": latest_date(when),
            "SRCDOM": pd.Series(code, index=own.index, dtype="str"), "SRCSEQ": own[f"{code}SEQ"].astype("Int64"),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _named(frame: pd.DataFrame, code: str, terms: list[str]) -> pd.Series:
    text = frame[f"{code}DECOD"].fillna("") + " " + frame[f"{code}TERM"].fillna("")
    return holds_term(text.astype("str"), terms)


def events_listing(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """L-11: every record of CE of the treated subjects, and what it counts as."""
    delivered, protocol = study.domains.delivered("CE"), study.protocol
    treated = adsl.loc[adsl["SAFFL"].eq("Y"), ["USUBJID", "TRT01A", "TRTSDT"]]
    ce = study.domains["CE"].merge(treated, on="USUBJID")
    chronic = _named(ce, "CE", protocol.outcomes.chronic_gvhd.terms)
    acute = _named(ce, "CE", list(study.analysis.history_words.acute_gvhd))
    counted = pd.Series(NOTHING, index=ce.index, dtype="object")
    counted = counted.mask(acute, ACUTE).mask(chronic, CHRONIC).mask(is_relapse(ce), RELAPSE)
    first, last = earliest_date(ce["CESTDTC"]), latest_date(ce["CESTDTC"])
    lines = pd.DataFrame({
        "SUBJID": subject_ids(ce, adsl), "TRT01A": ce["TRT01A"],
        "TERM": ce["CEDECOD"].fillna(ce["CETERM"]).fillna(""), "CATEGORY": ce["CECAT"].fillna(""),
        "START": ce["CESTDTC"].fillna(""), "RELDAY": rel_day(first.where(first.eq(last)), ce["TRTSDT"]),
        "END": ce["CEENDTC"].fillna("").mask(ce["CEENDTC"].isna() & ce["CEENRTPT"].notna(), "ongoing"),
        "GRADE": ce["CETOXGR"].fillna(ce["CESEV"]).fillna(""), "COUNTED": counted,
    })  # fmt: skip
    order = lines.assign(_day=first).sort_values(["SUBJID", "_day"], kind="stable", na_position="last")
    empty = msg("No clinical event (CE) is recorded of a treated subject.")
    return described(
        order.drop(columns="_day").reset_index(drop=True), labels=LABELS,
        empty=empty if delivered else msg("Clinical events (CE) were not delivered."),
    )  # fmt: skip
