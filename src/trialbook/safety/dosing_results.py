"""Reported numbers of exposure (T-4): infusions and cells per kg, given against planned (domain document §3.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.safety.behind import Sets, record_sets
from trialbook.safety.counting import set_sizes
from trialbook.subjects.dosing import infusion_levels

LABELS = {
    "DUE": "All infusions due by the cut given", "FEWER": "Fewer infusions than due", "DOSEKG": "10^6 cells/kg",
    "CUMDOSE": "Cumulative 10^6 cells/kg", "SHARE": "Given as % of the dose due by the cut",
    "NINF": "Infusions per subject",
}  # fmt: skip
SUBJECT_COLUMNS = ["USUBJID", "TRT01A", "NINF", "DUE", "CUMDOSE", "SHARE"]
STATISTICS = {"n": "count", "mean": "mean", "median": "median", "min": "min", "max": "max"}


def infusions_of_treated(
    adsl: pd.DataFrame, domains: Domains, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """Every infusion of the safety set in order: USUBJID TRT01A INFNO EXSTDT DAY DOSEKG (10^6 cells/kg)."""
    given = infusion_levels(domains, protocol, analysis, cut_date)
    treated = adsl.loc[adsl["SAFFL"] == "Y", ["USUBJID", "TRT01A", "TRTSDT"]]
    both = given[["USUBJID", "INFNO", "EXSTDT", "DOSEKG"]].merge(treated, on="USUBJID")
    day = ((both["EXSTDT"] - both["TRTSDT"]) / pd.Timedelta(days=1)).astype("Int64")
    both = both.assign(DAY=day).sort_values(["USUBJID", "INFNO"], kind="stable", ignore_index=True)
    return both[["USUBJID", "TRT01A", "INFNO", "EXSTDT", "DAY", "DOSEKG"]]


def exposure_of_subjects(
    given: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, cut_date: pd.Timestamp
) -> pd.DataFrame:  # fmt: skip
    """One row per treated subject: USUBJID TRT01A NINF DUE CUMDOSE SHARE, by USUBJID.

    DUE: infusions of its level whose planned day and window lie by the cut; missing where the level plans none.
    CUMDOSE: 10^6 cells/kg, missing where the dose of an infusion cannot be told. SHARE: % of the dose due.
    """
    treated = adsl.loc[adsl["SAFFL"] == "Y", ["USUBJID", "TRT01A", "TRTSDT"]].sort_values("USUBJID")
    of_subject = given.groupby("USUBJID")["DOSEKG"]
    total = of_subject.agg(lambda doses: doses.sum(skipna=False)).reindex(treated["USUBJID"]).to_numpy("float64")
    number = of_subject.size().reindex(treated["USUBJID"]).fillna(0).to_numpy()
    days = ((cut_date - treated["TRTSDT"]) / pd.Timedelta(days=1)).tolist()
    plan = {level.id: level for level in protocol.dose_levels}
    due, dose = [], []
    for level_id, day in zip(treated["TRT01A"], days, strict=True):
        level = plan.get(level_id)
        planned = level.planned_infusions if level else []
        reached = sum(planned_day + level.infusion_window <= day for planned_day in planned) if level else 0
        # The first infusion is due once it has been given.
        due.append(max(reached, 1) if planned else None)
        dose.append((level.cells_per_kg if level else None) or float("nan"))
    frame = treated.assign(NINF=pd.array(number, dtype="Int64"), DUE=pd.array(due, dtype="Int64"), CUMDOSE=total)
    needed = frame["DUE"].astype("float64") * pd.Series(dose, index=frame.index, dtype="float64")
    return frame.assign(SHARE=100 * frame["CUMDOSE"] / needed)[SUBJECT_COLUMNS].reset_index(drop=True)


LINE_LABELS = {
    "SUBJID": "Subject", "TRT01A": "Dose level", "NINF": "Infusions", "DUE": "Due by the cut",
    "CUMDOSE": "10^6 cells/kg in sum", "SHARE": "% of the dose due",
}  # fmt: skip


def exposure_lines(exposed: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """One line to read per row of `exposure_of_subjects`, in its order: the columns of `LINE_LABELS`."""
    number = adsl.set_index("USUBJID")["SUBJID"].reindex(exposed["USUBJID"]).to_numpy()
    rounded = exposed[["CUMDOSE", "SHARE"]].round(1)
    return exposed.assign(SUBJID=number, **rounded)[list(LINE_LABELS)]


def exposure_sets(exposed: pd.DataFrame) -> Sets:
    """The subjects behind each number of T-4a: key = what is counted in words, number of infusions or blank, level."""
    due = exposed[exposed["DUE"].notna()]
    all_given = (due["NINF"] >= due["DUE"]).astype(bool)
    counted = [
        exposed.assign(WHAT=LABELS["NINF"], VALUE=exposed["NINF"].astype("str")),
        due[all_given].assign(WHAT=LABELS["DUE"], VALUE=""),
        due[~all_given].assign(WHAT=LABELS["FEWER"], VALUE=""),
    ]
    return record_sets(pd.concat(counted), ["WHAT", "VALUE"])


def dosing_rows(
    given: pd.DataFrame, subjects: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol
) -> list[ArdRow]:  # fmt: skip
    """EXPOSURE: subjects by number of infusions (NINF), due against given (DUE, FEWER), and doses as n, mean, median,
    min and max: per infusion (DOSEKG, its number as level), in sum (CUMDOSE), as % of the dose due (SHARE).
    """
    sizes = set_sizes(adsl, protocol.level_ids)
    rows: list[ArdRow] = []
    due = subjects[subjects["DUE"].notna()]
    masks = {("NINF", str(k)): (subjects, subjects["NINF"] == k) for k in sorted(set(subjects["NINF"]))}
    if len(due):
        masks |= {
            ("DUE", ""): (due, (due["NINF"] >= due["DUE"]).astype(bool)),
            ("FEWER", ""): (due, (due["NINF"] < due["DUE"]).astype(bool)),
        }
    for (variable, value), (frame, mask) in masks.items():
        for level, size in sizes.items():
            n = int((mask & _at(frame, level)).sum())
            rows += proportion_rows("EXPOSURE", level, variable, n, size, variable_level=value)
    measures = [("DOSEKG", str(number), frame) for number, frame in given.groupby("INFNO", sort=True)]
    measures += [(name, "", subjects) for name in ("CUMDOSE", "SHARE")]
    for variable, value, frame in measures:
        if frame[variable].notna().any():
            rows += [row for level in sizes for row in _summary(variable, value, frame, level)]
    return rows


def _summary(variable: str, value: str, frame: pd.DataFrame, level: str) -> list[ArdRow]:
    known = frame.loc[_at(frame, level), variable].dropna()
    found = known.agg(list(STATISTICS.values()))
    return [
        ard_row("EXPOSURE", level, variable, name, found[function], variable_level=value, stat_label=name.capitalize())
        for name, function in STATISTICS.items()
    ]


def _at(frame: pd.DataFrame, level: str) -> pd.Series:
    return frame["TRT01A"].eq(level) if level != TOTAL else frame["TRT01A"].notna()
