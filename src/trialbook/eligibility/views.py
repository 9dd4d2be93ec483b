"""The audit for reading: sentences, the matrix of subjects and criteria, the definitions of refractoriness."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.reporting import ATTENTION
from trialbook.protocol.models import Protocol

MEANINGS = {
    "PASS": "data show the criterion is satisfied",
    "ATT-PASS": "satisfied by the investigator's answer; no data can test it",
    "FAIL": "data show a violation",
    "ATT-FAIL": "violated by the investigator's answer",
    "CONFLICT": "the investigator's answer contradicts the data",
    "NE": "not evaluable: data absent, out of the window or without a reference range",
    "WAIVED": "a documented waiver",
    "PENDING": "the form was not completed by the cut",
}

# One letter for each code, for matrices; a pass or violation by the form alone is a small letter.
LETTERS = {
    "PASS": "P", "ATT-PASS": "p", "FAIL": "F", "ATT-FAIL": "f", "CONFLICT": "C", "NE": "?", "WAIVED": "W",
    "PENDING": "o",
}  # fmt: skip


def audit_sentence(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> str:
    """What the audit found, in one paragraph."""
    if not protocol.criteria or not protocol.has_endpoint("ELIGIBILITY"):
        return "ELIGIBILITY is not an endpoint of this trial: there are no criteria to audit."
    if adie.empty:
        return "There is no screened subject to audit at this cut."
    infused = set(adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"])
    own = adie[adie["USUBJID"].isin(infused)]
    if own.empty:
        return "No subject has been treated at this cut; the audit shows the screening of those who were screened."
    count = {code: int(own["RESULT"].eq(code).sum()) for code in ATTENTION}
    violated = count["FAIL"] + count["ATT-FAIL"]
    return (
        f"Infused subjects: {len(infused)}; checks: {len(own)}. Violations: {violated}; form and data contradict each "
        f"other: {count['CONFLICT']}; not evaluable: {count['NE']}; waived: {count['WAIVED']}; waiting for the form: "
        f"{count['PENDING']}; all others are passes."
    )


def nothing_to_look_at(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> str:
    """What to say where the listing of findings is empty: all is well, or there was nothing to check."""
    return audit_sentence(adie, adsl, protocol) if adie.empty else "Every check of every screened subject is a pass."


def matrix(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, most_subjects: int) -> pd.DataFrame:
    """The audit as cells to draw: id (USUBJID), subject, level, criterion, result, evidence, for `most_subjects`.

    Where there are more, those with findings to look at come first, then the rest in order of subject.
    """
    shown = _subjects_to_show(adie, most_subjects)
    cells = adie[adie["USUBJID"].isin(shown)]
    person = adsl.set_index("USUBJID")
    level = person["TRT01A"].where(person["TRT01A"] != "", person["TRT01P"]).replace("", "none")
    drawn = pd.DataFrame(
        {
            "id": cells["USUBJID"],
            "subject": cells["USUBJID"].map(person["SUBJID"]),
            "level": cells["USUBJID"].map(level),
            "criterion": pd.Categorical(cells["CRITCD"], protocol.audit_columns, ordered=True),
            "result": cells["RESULT"],
            "evidence": cells["EVIDENCE"],
        }
    )
    ordered = drawn.sort_values(["subject", "id", "criterion"], kind="stable", ignore_index=True)
    return ordered.astype({"criterion": "str"})


def matrix_table(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as a table: one row per subject (subject, level), one column per criterion; in the order of `cells`."""
    if cells.empty:
        return cells
    order = list(dict.fromkeys(cells["criterion"]))
    people = cells[["id", "subject", "level"]].drop_duplicates().reset_index(drop=True)
    wide = cells.pivot(index="id", columns="criterion", values="result")[order].rename_axis(columns=None)
    return pd.concat([people[["subject", "level"]], wide.reindex(people["id"]).reset_index(drop=True)], axis=1)


def left_out_note(adie: pd.DataFrame, most_subjects: int) -> list[str]:
    """A note where the figure does not hold every subject."""
    total = adie["USUBJID"].nunique()
    if total <= most_subjects:
        return []
    return [f"Of {total} subjects the {most_subjects} with most to look at are drawn; the dataset ADIE holds all."]


def in_letters(table: pd.DataFrame) -> pd.DataFrame:
    """`matrix_table` with one letter for each result, so that a row of 26 fits a screen."""
    criteria = [name for name in table.columns if name not in ("subject", "level")]
    return table.assign(**{name: table[name].map(LETTERS).astype("str") for name in criteria}) if len(table) else table


def code_meanings() -> pd.DataFrame:
    """The result codes, their letters, and what they mean."""
    letters = [LETTERS[code] for code in MEANINGS]
    return pd.DataFrame({"LETTER": letters, "CODE": list(MEANINGS), "MEANING": list(MEANINGS.values())})


def _subjects_to_show(adie: pd.DataFrame, most_subjects: int) -> set[str]:
    findings = adie["RESULT"].isin(ATTENTION).groupby(adie["USUBJID"]).sum()
    first = findings.rename("n").reset_index().sort_values(["n", "USUBJID"], ascending=[False, True], kind="stable")
    return set(first["USUBJID"].head(most_subjects))
