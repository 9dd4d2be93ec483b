"""Analysis sets of each subject, the reason for every membership, and their sizes (domain document §0.3)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.derive import flag
from trialbook.subjects.dlt_status import EVALUABLE

SETS = {
    "SCRFL": "Screened",
    "ENRFL": "Enrolled",
    "SAFFL": "Safety set (SAF)",
    "DLTEFL": "DLT-evaluable",
    "MAT28FL": "Mature for day 28",
    "EVAL28FL": "Evaluable at day 28",
    "PPFL": "Per protocol",
}
# Before an infusion a subject has no level received; screening and enrolment are counted by the level planned.
BY_PLANNED_LEVEL = ("SCRFL", "ENRFL")

# Sets that only a trial with this endpoint has.
_NEEDED = {"DLT": ("DLTEFL",), "ORR_D28": ("MAT28FL", "EVAL28FL")}


def add_analysis_sets(
    adsl: pd.DataFrame,
    addlt: pd.DataFrame,
    day28: pd.DataFrame,
    protocol: Protocol,
    analysis: Analysis,
    adie: pd.DataFrame,
    unresolved: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """ADSL with the sets that need more than the core: DLTEFL, MAT28FL, EVAL28FL, PPFL; and OSNEREAS.

    DLTEFL: the status in `addlt` is one that the advice counts (§4.2), so that the set is its denominator; a DLT that
    waits for adjudication counts as one (A-71). MAT28FL and EVAL28FL: as `day28` says (A-04). PPFL: in SAF, no
    violation in `adie`, and at least as many infusions as planned for the level. OSNEREAS: why survival cannot be
    evaluated, of the subjects in `unresolved` (USUBJID REASON); blank for all others.
    """
    reasons = pd.Series(dtype="str") if unresolved is None else unresolved.set_index("USUBJID")["REASON"]
    status = addlt.set_index("USUBJID")["DLTSTAT"].reindex(adsl["USUBJID"]).set_axis(adsl.index)
    at_28 = day28.set_index("USUBJID")[["MAT28FL", "EVAL28FL"]].reindex(adsl["USUBJID"]).set_axis(adsl.index)
    safety = adsl["SAFFL"].eq("Y")
    return adsl.assign(
        DLTEFL=flag(safety & status.isin(EVALUABLE)),
        MAT28FL=flag(safety & at_28["MAT28FL"].eq("Y")),
        EVAL28FL=flag(safety & at_28["EVAL28FL"].eq("Y")),
        PPFL=flag(safety & _violations(adsl, adie).eq("") & (adsl["NINF"] >= _planned(adsl, protocol))),
        OSNEREAS=reasons.reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("").astype("str"),
    )


def set_reasons(
    adsl: pd.DataFrame, addlt: pd.DataFrame, protocol: Protocol, analysis: Analysis, adie: pd.DataFrame
) -> pd.DataFrame:
    """Why each subject is, or is not, in each set: SUBJID and one column of text per set, `yes` or `no: reason`."""
    safety, mature = adsl["SAFFL"].eq("Y"), adsl["MAT28FL"].eq("Y")
    never = "not infused"
    status = addlt.set_index("USUBJID")["DLTSTAT"].reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("not assessed")
    due = (adsl["TRTSDT"] + pd.Timedelta(days=analysis.maturity_margin_d28)).dt.strftime("%Y-%m-%d").fillna("")
    why = {
        "SCRFL": pd.Series("no consent in the data", index=adsl.index, dtype="str"),
        "ENRFL": adsl["DCSREAS"].where(adsl["DCSREAS"] != "", "no dose level assigned").str.lower(),
        "SAFFL": pd.Series(never, index=adsl.index, dtype="str"),
        "DLTEFL": ("DLT status " + status).where(safety, never),
        "MAT28FL": ("day 28 is complete on " + due).where(safety, never),
        "EVAL28FL": pd.Series("no assessment in the window", index=adsl.index).where(mature, "not mature").where(
            safety, never
        ),
        "PPFL": _why_not_per_protocol(adsl, protocol, adie).where(safety, never),
    }  # fmt: skip
    for endpoint, names in _NEEDED.items():
        if not protocol.has_endpoint(endpoint):
            why |= dict.fromkeys(names, pd.Series(f"{endpoint} is not an endpoint of this trial", index=adsl.index))
    columns = {name: ("no: " + why[name]).mask(adsl[name].eq("Y"), "yes").astype("str") for name in SETS}
    return pd.DataFrame({"SUBJID": adsl["SUBJID"], **columns})


def set_rows(adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows SETS: n of each set by dose level and Total.

    Screened and enrolled subjects are counted at the level planned (those without one in Total only), the other sets
    at the level received.
    """
    rows = []
    for name in SETS:
        members = adsl[adsl[name].eq("Y")]
        level = members["TRT01P" if name in BY_PLANNED_LEVEL else "TRT01A"]
        rows += [ard_row("SETS", code, name, "n", int((level == code).sum())) for code in protocol.level_ids]
        rows.append(ard_row("SETS", TOTAL, name, "n", len(members)))
    return rows


def _planned(adsl: pd.DataFrame, protocol: Protocol) -> pd.Series:
    """Infusions planned for the level received; at least one."""
    planned = {level.id: max(1, len(level.planned_infusions)) for level in protocol.dose_levels}
    return adsl["TRT01A"].map(planned).fillna(1).astype("Int64")


def _violations(adsl: pd.DataFrame, adie: pd.DataFrame) -> pd.Series:
    """The criteria that each subject violates, as text: failed by data, by form, or by data against the form."""
    against_form = adie["RESULT"].eq("CONFLICT") & adie["DATARESULT"].eq("FAIL")
    failed = adie[adie["RESULT"].isin(["FAIL", "ATT-FAIL"]) | against_form].sort_values("CRITCD", kind="stable")
    names = failed.groupby("USUBJID")["CRITCD"].agg(", ".join)
    return names.reindex(adsl["USUBJID"]).set_axis(adsl.index).fillna("").astype("str")


def _why_not_per_protocol(adsl: pd.DataFrame, protocol: Protocol, adie: pd.DataFrame) -> pd.Series:
    violated, planned = _violations(adsl, adie), _planned(adsl, protocol)
    few = adsl["NINF"].astype("str") + " of " + planned.astype("str") + " infusions"
    both = ("violates " + violated).where(violated != "", "") + ("; " + few).where(adsl["NINF"] < planned, "")
    return both.str.removeprefix("; ").astype("str")
