"""Laboratory results as readers want them: sentences, and the notes under tables (§3.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.safety import lab_results
from trialbook.safety.listings import subject_ids


def lab_notes(adlb: pd.DataFrame, analysis: Analysis) -> list[str]:
    """How the worst grades are to be read, and INR among them."""
    notes = ["The worst grade after the infusion; missing = not evaluable."]
    inr = adlb[adlb["PARAMCD"].eq("INR") & adlb["SAFFL"].eq("Y") & adlb["AVAL"].notna()]
    if inr.empty:
        return notes
    if analysis.inr_grading == "admiral":
        return [*notes, "INR above its baseline counts as grade 1 even when normal: the worse case (A-63)."]
    unknown = inr.loc[inr["ANTICOFL"] == "", "USUBJID"].nunique()
    left = f"; of {unknown} subjects that is not known, and the worse of both counts, flagged" if unknown else ""
    return [*notes, f"INR: fixed limits, under an anticoagulant multiples of the baseline{left} (A-154)."]


def no_labs_words(adsl: pd.DataFrame, delivered: bool, otherwise: str) -> str:
    """What stands in the place of laboratory numbers that there are none of: not delivered, or `otherwise`."""
    if delivered:
        return otherwise
    return f"{lab_results.open_text(int((adsl['SAFFL'] == 'Y').sum())).capitalize()}: LB was not delivered."


def lab_sentence(adlb: pd.DataFrame, delivered: bool) -> str:
    """How many laboratory results were graded; says so when the domain was not delivered."""
    if not delivered:
        return "Laboratory results (LB) were not delivered: nothing that rests on them is evaluable."
    graded = adlb["ATOXGRL"].notna() | adlb["ATOXGRH"].notna()
    after = adlb[graded & (adlb["APOBLFL"] == "Y")]
    return (
        f"{len(adlb)} laboratory results, of which {int(graded.sum())} have a CTCAE grade; {len(after)} of these were "
        f"taken after the first infusion, from {after['USUBJID'].nunique()} subjects."
    )


def hepatic_sentence(found: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis, delivered: bool = True) -> str:
    """Who meets the biochemical criteria, in words that ask for review and name no diagnosis (§3.3).

    Who lacks a test is not evaluable, never free of it.
    """
    limits = analysis.hepatic_screen
    rule = (
        f"ALT or AST at least {limits.transaminase_uln:g} times and bilirubin at least {limits.bilirubin_uln:g} times "
        f"ULN within {limits.days} days after"
    )
    size = int((adsl["SAFFL"] == "Y").sum())
    if not delivered:
        return f"Biochemical criteria ({rule}): {lab_results.open_text(size)}; LB was not delivered."
    if found.empty:
        return "No treated subject has both transaminases and bilirubin after the infusion at this cut."
    met = subject_ids(found[found["MET"] == "Y"], adsl).tolist()
    without = size - len(found)
    open_ones = f" {without} of {size} treated subjects lack one of these tests: not evaluable." if without else ""
    if not met:
        return f"No subject meets the biochemical criteria ({rule}).{open_ones}"
    return f"Biochemical criteria met - clinical review ({rule}): {', '.join(met)}.{open_ones}"
