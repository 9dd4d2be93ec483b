"""Exposure by dose level (T-4), and exposure-adjusted rates of adverse events (rulebook §3.4, §3.6)."""

from __future__ import annotations

import math
from typing import Literal

import pandas as pd

from trialbook.core.dates import earliest_date, rel_day
from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, proportion_rows, round_half_up, significant
from trialbook.safety.ae_tables import (
    BESIDE,
    CONTEXT_OF,
    has_open_rows,
    left_open,
    overview_kinds,
    selections,
    with_ungraded,
)
from trialbook.safety.ae_tables import LABELS as ROW_LABELS
from trialbook.safety.counting import NONE, Cells, Sets, mask_counts, record_sets, set_sizes
from trialbook.safety.tables import severity_notes
from trialbook.statistics.intervals import poisson_exact_rate
from trialbook.subjects.dosing import infusion_levels

# ----------------------------------------------------------------------------------------------------
# Exposure-adjusted rates of adverse events with exact Poisson limits (rulebook §3.6).


DAYS_PER_YEAR = 365.25
UNIT_DAYS = {"patient_years": DAYS_PER_YEAR, "100_patient_months": 100 * DAYS_PER_YEAR / 12}
UNIT_WORDS = {"patient_years": msg("per patient-year"), "100_patient_months": "per 100 patient-months"}


def days_at_risk(adsl: pd.DataFrame, analysis: Analysis, cut_date: pd.Timestamp) -> pd.Series:
    """Days at risk of each subject of the safety set, by USUBJID: first infusion to the end of risk, both included.

    The end is the earliest of death (or last contact of the living), the cut, and the end of the safety window.
    """
    treated = adsl[adsl["SAFFL"] == "Y"].set_index("USUBJID")
    contact = treated["DTHDT"].fillna(treated["LSTALVDT"])
    last_day = rel_day(contact, treated["TRTSDT"]).fillna(0)
    cut_day = rel_day(pd.Series(cut_date, index=treated.index).astype("datetime64[s]"), treated["TRTSDT"])
    last_day = last_day.where(last_day < cut_day, cut_day)
    if analysis.safety_end_rel_day is not None:
        last_day = last_day.clip(upper=analysis.safety_end_rel_day)
    return (last_day.clip(lower=0) + 1).astype("float64").rename("DAYS")


def event_days(records: pd.DataFrame) -> pd.Series:
    """Days from the first infusion to each event, both included.

    An onset that is not known to the day counts from the first day it may mean; one before the infusion (a worsening)
    from the infusion.
    """
    possible = rel_day(earliest_date(records["AESTDTC"]), records["TRTSDT"])
    return (records["RELDAY"].fillna(possible).fillna(0).clip(lower=0) + 1).astype("float64")


def rate_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp,
    adjudicated: bool = True,
) -> list[ArdRow]:  # fmt: skip
    """EAIR: N, n, time, rate and exact 95% limits of the first event of each kind, by level and Total.

    Time is the sum of the days to the first event, or to the end of risk without one, in the unit of `eair_unit`.
    `adjudicated`: see `overview_kinds`.
    """
    at_risk = days_at_risk(adsl, analysis, cut_date)
    level_of = adsl.set_index("USUBJID")["TRT01A"].reindex(at_risk.index)
    rows: list[ArdRow] = []
    masks, days = selections(adae), event_days(adae)
    missing = mask_counts(adae, left_open(adae))
    for name, evaluable in overview_kinds(adae, protocol, analysis, adjudicated).items():
        counted = masks[name].to_numpy(dtype=bool)
        first = days[counted].groupby(adae["USUBJID"].array[counted]).min().reindex(at_risk.index)
        # An event on the last day of risk ends the time there; the event never lies after it.
        time = first.where(first < at_risk, at_risk)
        for level in [*protocol.level_ids, TOTAL]:
            chosen = level_of.eq(level) if level != TOTAL else level_of.notna()
            n = int(first[chosen].notna().sum())
            rows.append(ard_row("EAIR", level, name, "N", int(chosen.sum())))
            rows += _rate(level, name, n, float(time[chosen].sum()), analysis, evaluable)
            rows += _left_open(level, name, missing, evaluable)
    return rows


def event_rate_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp,
    adjudicated: bool = True,
) -> list[ArdRow]:  # fmt: skip
    """EAER: all events of each kind, also repeated ones, over the whole time at risk of the safety set (§3.6)."""
    at_risk = days_at_risk(adsl, analysis, cut_date)
    level_of = adsl.set_index("USUBJID")["TRT01A"].reindex(at_risk.index)
    days = {level: float(at_risk[level_of.eq(level)].sum()) for level in protocol.level_ids}
    days[TOTAL] = float(at_risk.sum())
    rows: list[ArdRow] = []
    found, missing = mask_counts(adae, selections(adae)), mask_counts(adae, left_open(adae))
    for name, evaluable in overview_kinds(adae, protocol, analysis, adjudicated).items():
        for level, at in days.items():
            rows += _rate(level, name, found.get((level, name), NONE)[1], at, analysis, evaluable, "EAER", "events")
            rows += _left_open(level, name, missing, evaluable, "EAER", "events")
    return rows


def _left_open(
    level: str, name: str, missing: Cells, evaluable: bool, analysis_id: str = "EAIR",
    counted: Literal["n", "events"] = "n",
) -> list[ArdRow]:  # fmt: skip
    """What has no grade, or no seriousness, beside a rate that rests on it: subjects, or events, and no rate."""
    if not has_open_rows(name, missing):
        return []
    value = missing.get((level, name), NONE)[0 if counted == "n" else 1]
    return [ard_row(analysis_id, level, name, counted, value if evaluable else None, context=CONTEXT_OF[name])]


def _rate(
    level: str, name: str, n: int, days: float, analysis: Analysis, evaluable: bool, analysis_id: str = "EAIR",
    counted: str = "n",
) -> list[ArdRow]:  # fmt: skip
    time = days / UNIT_DAYS[analysis.eair_unit]
    unit = UNIT_WORDS[analysis.eair_unit]
    if not evaluable:
        stats = (counted, "time", "rate", "conf.low", "conf.high")
        word = NOT_EVALUABLE if name == "DLT" else None
        return [ard_row(analysis_id, level, name, stat, None, stat_text=word) for stat in stats]
    interval = poisson_exact_rate(n, time)
    label = msg("Rate {unit}", unit=unit)
    return [
        ard_row(analysis_id, level, name, counted, n),
        ard_row(
            analysis_id,
            level,
            name,
            "time",
            time,
            stat_label=msg("Time at risk, {removeprefix}s", removeprefix=unit.removeprefix("per ")),
        ),
        *(
            ard_row(analysis_id, level, name, stat, value, stat_label=words, stat_text=_rate_text(value))
            for stat, value, words in (
                ("rate", interval.estimate, label),
                ("conf.low", interval.low, None),
                ("conf.high", interval.high, None),
            )
        ),
    ]


def _rate_text(rate: float | None) -> str | None:
    """A rate of few subjects with two significant digits."""
    return None if rate is None or math.isnan(rate) else significant(rate, 2)


def rate_notes(analysis: Analysis, counted: str = msg("Subjects")) -> list[str]:
    """What a cell of the rate table says; `counted` is what it counts."""
    unit = UNIT_WORDS[analysis.eair_unit]
    return [
        msg(
            "{counted} / time at risk: rate {unit} (95% exact Poisson interval); a year is {DAYS_PER_YEAR} days.",
            counted=counted,
            unit=unit,
            DAYS_PER_YEAR=DAYS_PER_YEAR,
        )
    ]


# A cell of T-13 by what it counts: subjects with a first event, or all events.
RATE_CELL = {
    "n": "{n} / {time}: {rate} ({conf.low} to {conf.high})",
    "events": "{events} / {time}: {rate} ({conf.low} to {conf.high})",
}


def rate_table(rates: pd.DataFrame, analysis: Analysis, counted: str = "n") -> pd.DataFrame:
    """T-13: rows of EAIR (`counted` n) or EAER (events) as a table shows them, with what is left open beside."""
    notes = [*rate_notes(analysis, msg("Events") if counted == "events" else msg("Subjects")), *severity_notes(rates)]
    more = [msg("The records behind each number open in T-13a.")] if counted == "events" else []
    return described(
        with_ungraded(rates, counted), row="variable", row_labels=ROW_LABELS, notes=[*notes, *more],
        stats=RATE_CELL[counted] + BESIDE,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------

LABELS = {
    "DUE": msg("All infusions due by the cut given"),
    "FEWER": msg("Fewer infusions than due"),
    "DOSEKG": msg("10^6 cells/kg"),
    "CUMDOSE": msg("Cumulative 10^6 cells/kg"),
    "SHARE": msg("Given as % of the dose due by the cut"),
    "NINF": msg("Infusions per subject"),
}
SUBJECT_COLUMNS = ["USUBJID", "TRT01A", "NINF", "DUE", "CUMDOSE", "SHARE"]
# Decimals of a dose (10^6 cells/kg), of a sum of doses, and of a share of the dose due (per cent).
DOSE_DECIMALS = {"DOSEKG": 2, "CUMDOSE": 2, "SHARE": 0}
STATISTICS = {"n": "count", "mean": "mean", "median": "median", "min": "min", "max": "max"}


def infusions_of_treated(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Every infusion of the safety set in order: USUBJID TRT01A INFNO EXSTDT DAY DOSEKG (10^6 cells/kg)."""
    given = infusion_levels(study)
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
    CUMDOSE: 10^6 cells/kg, missing where the dose of an infusion is not known. SHARE: % of the dose due.
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
    "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "NINF": msg("Infusions"), "DUE": msg("Due by the cut"),
    "CUMDOSE": msg("10^6 cells/kg in sum"), "SHARE": msg("% of the dose due"),
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


def infusions_table(dosing: pd.DataFrame) -> pd.DataFrame:
    """T-4a: the rows of EXPOSURE that count subjects, as a table shows them."""
    return described(
        _named(dosing), group="variable", row="variable_level", row_labels={"": msg("Subjects")},
        stats="{n} ({p})", stub=msg("Infusions"), empty=msg("No subject has been treated at this cut."),
    )  # fmt: skip


def doses_table(dosing: pd.DataFrame) -> pd.DataFrame:
    """T-4b: the rows of EXPOSURE that are doses, as a table shows them."""
    return described(
        _named(dosing), group="variable", row="variable_level",
        row_labels={"": msg("All infusions")}, stats="{median} ({min} to {max}), n={n}", stub=msg("Infusion"),
        notes=[msg("Median (least to most), number of subjects.")], empty=msg("No dose per kg is known at this cut."),
    )  # fmt: skip


def _named(dosing: pd.DataFrame) -> pd.DataFrame:
    """The rows with what they count in words; which number of the results each is stays beside it."""
    return dosing.assign(number_variable=dosing["variable"]).replace({"variable": LABELS})


def _summary(variable: str, value: str, frame: pd.DataFrame, level: str) -> list[ArdRow]:
    known = frame.loc[_at(frame, level), variable].dropna()
    found = known.agg(list(STATISTICS.values()))
    return [
        ard_row(
            "EXPOSURE",
            level,
            variable,
            name,
            found[function],
            variable_level=value,
            stat_label=name.capitalize(),
            stat_text=_dose_text(variable, name, found[function]),
        )
        for name, function in STATISTICS.items()
    ]


def _dose_text(variable: str, name: str, value: float) -> str | None:
    """A dose as exact as doses are recorded; None for a count."""
    return None if name == "n" or math.isnan(value) else round_half_up(value, DOSE_DECIMALS[variable])


def _at(frame: pd.DataFrame, level: str) -> pd.Series:
    return frame["TRT01A"].eq(level) if level != TOTAL else frame["TRT01A"].notna()
