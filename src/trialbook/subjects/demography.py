"""Demography of the safety set by dose level (table T-2): age, age group, sex, body weight."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows, round_half_up
from trialbook.subjects.ages import age_group_labels

MEASURED = {"AGE": "Age at consent (years)", "WEIGHTBL": "Body weight before the infusion (kg)"}
CATEGORIES = {"AGEGR1": "Age group (years)", "SEX": "Sex"}
SEXES = {"F": "Female", "M": "Male"}
UNKNOWN = "Not known"
_STATS = {"median": "Median", "min": "Minimum", "max": "Maximum"}


def demography_rows(adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """ARD rows DEMOG of SAF by level received and Total.

    Measured: n (with a value), median, min, max. Categories: n, N, p of each category; one for unknown values where
    there are any. Empty where no subject was treated.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    if treated.empty:
        return []
    rows = []
    for code in [*protocol.level_ids, TOTAL]:
        group = treated if code == TOTAL else treated[treated["TRT01A"].eq(code)]
        for name in MEASURED:
            rows += _measured_rows(group[name].astype("float64").dropna(), code, name)
        for name, known in _categories(treated, analysis).items():
            for category in known:
                members = ~group[name].isin(known) if category == UNKNOWN else group[name].eq(category)
                rows += proportion_rows("DEMOG", code, name, int(members.sum()), len(group), variable_level=category)
    return rows


def level_headers(adsl: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
    """Column heads of tables of SAF by level: `DL1 (N=3)`, and Total."""
    received = adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"]
    sizes = {code: int((received == code).sum()) for code in protocol.level_ids}
    return {code: f"{code} (N={n})" for code, n in {**sizes, TOTAL: len(received)}.items()}


def category_labels() -> dict[str, str]:
    """Texts of the categories for tables."""
    return {**SEXES, UNKNOWN: UNKNOWN}


def _measured_rows(values: pd.Series, code: str, name: str) -> list[ArdRow]:
    rows = [ard_row("DEMOG", code, name, "n", len(values), stat_label="Subjects with a value")]
    for stat, label in _STATS.items():
        number = float(values.agg(stat)) if len(values) else None
        text = "-" if number is None else round_half_up(number, 1).removesuffix(".0")
        rows.append(ard_row("DEMOG", code, name, stat, number, stat_text=text, stat_label=label))
    return rows


def _categories(treated: pd.DataFrame, analysis: Analysis) -> dict[str, list[str]]:
    """The categories of each variable in order; outer age groups and unknown values only where they occur."""
    present = set(treated["AGEGR1"])
    inner = {f"{low}-{high}" for low, high in analysis.age_groups}
    groups = [label for label in age_group_labels(analysis.age_groups) if label in inner or label in present]
    known = {"AGEGR1": groups, "SEX": list(SEXES)}
    return {
        name: [*labels, UNKNOWN] if (~treated[name].isin(labels)).any() else labels for name, labels in known.items()
    }
