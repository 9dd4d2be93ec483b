"""Organ stages of every acute GVHD assessment: from raw findings where these decide, else as collected (§2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from trialbook.domains import Domains
from trialbook.gvhd import magic
from trialbook.gvhd.findings import COLLECTED, organ_findings
from trialbook.gvhd.grade import HIGHEST_STAGE, ORGANS
from trialbook.gvhd.weights import weight_on
from trialbook.protocol.analysis import Analysis
from trialbook.subjects.weights import weights
from trialbook.units import si_factor

# Litres and millilitres of stool a day; a volume below 20 in mL is taken for litres and not used (P27).
MILLILITRES = {"ML/DAY": 1.0, "ML/D": 1.0, "ML/24H": 1.0, "ML": 1.0, "": 1.0, "L/DAY": 1000.0, "L/D": 1000.0,
               "L/24H": 1000.0, "L": 1000.0}  # fmt: skip
PLAUSIBLE_STOOL_ML = (20.0, 20_000.0)
YES_NO = {"Y": 1.0, "N": 0.0, "YES": 1.0, "NO": 0.0}
PLAUSIBLE_BILIRUBIN_UMOL = (1.0, 900.0)  # §1.4
COLUMNS = ["USUBJID", "ADT", "TIMING"] + [
    f"{organ}{part}" for part in ("", "DRV", "COL", "SRC", "LO", "HI") for organ in ORGANS
]


def derive_stages(
    domains: Domains, subjects: pd.DataFrame, analysis: Analysis, *, lowest: bool = False
) -> pd.DataFrame:  # fmt: skip
    """One row per subject and assessment date, with the stages of the four organs.

    `subjects`: USUBJID TRTSDT TRTSDTM CUTDT AGE. An assessment is a date with a stage in RS (RSCAT MAGIC) or a raw
    finding in FA; total bilirubin comes from LB of that date. Returns, for each organ SKIN LIVER UGI LGI:
    <organ> the stage used, <organ>DRV derived from raw findings, <organ>COL collected, <organ>SRC where the stage used
    comes from (DERIVED, COLLECTED, blank), <organ>LO and <organ>HI the range that is possible; all float, NaN = not
    known. TIMING as in `organ_findings`. Sorted by subject and date.

    1. Raw findings that decide a stage give it; else a collected stage that they do not contradict is used.
    2. A collected value is never overwritten: it stands in <organ>COL, a difference is a query.
    3. A censored value ("<5") decides only where its bound does. Unreadable, impossible or missing = not known.
    4. A sign of stage 4 that the form did not ask at that assessment does not raise the stage; one asked for and not
       readable leaves both possibilities open.

    `lowest`: of records of one day that differ without a time, the lowest instead of the worst.
    """
    used = [name for name in ("USUBJID", "TRTSDT", "TRTSDTM", "CUTDT", "AGE") if name in subjects]
    return domains.once(_derive_stages, subjects[used], StagingRules.of(analysis), lowest)


@dataclass(frozen=True)
class StagingRules:
    """The analysis keys that stages depend on."""

    skin4_rule: str
    child_rule: str
    bili_cut_umol: tuple[float, ...]
    lgi_conflict: str
    ugi_requires_biopsy: bool

    @classmethod
    def of(cls, analysis: Analysis) -> StagingRules:
        """Those in force."""
        return cls(
            analysis.skin4_rule, analysis.child_rule, tuple(analysis.bili_cut_umol), analysis.lgi_conflict,
            analysis.ugi_requires_biopsy,
        )  # fmt: skip


STAGING_KEYS = tuple(entry.name for entry in fields(StagingRules))


def _derive_stages(domains: Domains, subjects: pd.DataFrame, rules: StagingRules, lowest: bool) -> pd.DataFrame:
    known = domains.once(_assessments, subjects.drop(columns="AGE"), lowest)
    if known is None:
        return _empty()
    findings = known.findings
    people = _people(known, subjects, rules)
    ranges = {
        "SKIN": _skin(findings, rules),
        "LIVER": _liver(known, rules),
        "UGI": _ugi(findings, rules),
        "LGI": _lgi(known, people, rules),
    }
    columns: dict[str, pd.Series | np.ndarray] = {name: known.asked[name] for name in known.asked}
    for organ, (low, high) in ranges.items():
        columns |= _choose(organ, low, high, _collected(findings, organ))
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


@dataclass(frozen=True)
class Assessments:
    """All assessments as recorded, before any rule, by subject and date.

    `asked`: USUBJID ADT TIMING; `findings`: what was recorded; bilirubin in umol/L, stool in mL a day, weight in kg.
    """

    asked: pd.DataFrame
    findings: Findings
    bilirubin: np.ndarray
    stool: np.ndarray
    weight: pd.Series


def _assessments(domains: Domains, subjects: pd.DataFrame, lowest: bool) -> Assessments | None:
    records = organ_findings(domains, subjects, lowest=lowest)
    if records.empty:
        return None
    latest = _latest_of_each(records)
    # An assessment and all its records have one number: that of its subject and date in order.
    number = latest.set_index(["USUBJID", "ADT"]).index.get_indexer(
        pd.MultiIndex.from_frame(records[["USUBJID", "ADT"]])
    )
    findings = Findings(records, number, len(latest))
    asked = latest.rename(columns={"ADT": "DAY"})
    factor = si_factor(pd.Series("BILI", index=asked.index), findings.unit("BILI")).to_numpy()
    stool = stool_millilitres(findings.number("STOOLVOL", 0), findings.unit("STOOLVOL"))
    return Assessments(latest, findings, findings.number("BILI") * factor, stool, weight_on(weights(domains), asked))


def _latest_of_each(records: pd.DataFrame) -> pd.DataFrame:
    """USUBJID ADT TIMING of each assessment: of its records in RS and FA the timing that is latest."""
    seen = records.loc[records["SRCDOM"] != "LB", ["USUBJID", "ADT", "TIMING"]]
    order = seen["TIMING"].map({"": 0, "PRE": 0, "UNTIMED": 1, "POST": 2}).to_numpy()
    seen = seen.iloc[np.argsort(order, kind="stable")].drop_duplicates(["USUBJID", "ADT"], keep="last")
    return seen.sort_index().reset_index(drop=True)


class Findings:
    """The records of all assessments by test: numbers, texts, censoring signs and units, one value per assessment."""

    def __init__(self, records: pd.DataFrame, number: np.ndarray, size: int) -> None:
        self._values = {name: records[name].to_numpy() for name in ("NUMBER", "TEXT", "SIGN", "UNIT")}
        self._rows, self._number, self._size = records.groupby("TEST").indices, number, size

    def number(self, test: str, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
        """The number of a test, NaN where there is none or it lies outside what is possible."""
        value = self._column(test, "NUMBER", np.nan).astype("float64")
        return np.where((value >= low) & (value <= high), value, np.nan)

    def sign(self, test: str) -> np.ndarray:
        """The censoring sign of a test: "<", ">" or ""."""
        return self._column(test, "SIGN", "")

    def unit(self, test: str) -> pd.Series:
        """The unit of a test, blank where there is none."""
        return pd.Series(self._column(test, "UNIT", ""), dtype="str")

    def asked(self, test: str) -> np.ndarray:
        """Whether the test was recorded at the assessment."""
        return self._column(test, "TEXT", "") != ""

    def code(self, test: str, codes: Mapping[str, float]) -> np.ndarray:
        """The number that stands for the upper-case result of a test, NaN where there is none."""
        return np.array([codes.get(text, np.nan) for text in self._column(test, "TEXT", "")], dtype="float64")

    def yes(self, test: str) -> np.ndarray:
        """A sign as 1 (Y), 0 (N, or not asked at this assessment) or NaN (asked, not readable)."""
        return np.where(self.asked(test), self.code(test, YES_NO), 0.0)

    def _column(self, test: str, name: str, missing: float | str) -> np.ndarray:
        column = np.full(self._size, missing, dtype="object")
        rows = self._rows.get(test, [])
        column[self._number[rows]] = self._values[name][rows]
        return column


def stool_millilitres(value: np.ndarray, unit: pd.Series) -> np.ndarray:
    """Stool volume in mL a day; NaN for an unknown unit and for a volume that is not plausible (P27)."""
    factor = unit.str.upper().str.replace(r"\s", "", regex=True).map(MILLILITRES).astype("float64").to_numpy()
    volume = value * factor
    plausible = (volume == 0) | ((volume >= PLAUSIBLE_STOOL_ML[0]) & (volume <= PLAUSIBLE_STOOL_ML[1]))
    return np.where(plausible, volume, np.nan)


def is_child(age: pd.Series, weight: pd.Series, rule: str) -> np.ndarray:
    """Who is staged by the child column of lower GI (A-41): 1, 0, or NaN where age or weight does not tell."""
    years, kilograms = age.to_numpy(dtype="float64"), weight.to_numpy(dtype="float64")
    if rule == "age<=14":
        return np.where(np.isnan(years), np.nan, years <= 14)
    if rule == "age<18":
        return np.where(np.isnan(years), np.nan, years < 18)
    not_child = (years >= 18) | (kilograms > 50)
    unknown = np.isnan(years) | np.isnan(kilograms)
    return np.where(not_child, 0.0, np.where(unknown, np.nan, 1.0))


def _people(known: Assessments, subjects: pd.DataFrame, rules: StagingRules) -> pd.DataFrame:
    """WEIGHT (kg) and CHILD of each assessment."""
    years = subjects.set_index("USUBJID")["AGE"].astype("float64")
    age = years.reindex(known.asked["USUBJID"]).set_axis(known.weight.index)
    return pd.DataFrame({"WEIGHT": known.weight, "CHILD": is_child(age, known.weight, rules.child_rule)})


def _skin(findings: Findings, rules: StagingRules) -> magic.Range:
    bsa, peeled = findings.number("RASHBSA", 0, 100), findings.number("DESQBSA", 0, 100)
    # Not asked at this assessment: no desquamation was reported, which cannot raise the stage.
    peeled = np.where(findings.asked("DESQBSA"), peeled, 0.0)
    low, high = magic.skin_range(
        bsa, findings.sign("RASHBSA"), findings.yes("ERYTHDRM"), findings.yes("BULLAE"), peeled, rules.skin4_rule
    )
    return _where_raw(findings.asked("RASHBSA") | findings.asked("ERYTHDRM"), low, high, "SKIN")


def _liver(known: Assessments, rules: StagingRules) -> magic.Range:
    value, sign = known.bilirubin, known.findings.sign("BILI")
    first, last = PLAUSIBLE_BILIRUBIN_UMOL
    # A bound such as "<0.5" may lie below what is plausible as a measurement.
    plausible = ((value >= first) & (value <= last)) | (sign != "")
    low, high = magic.liver_range(np.where(plausible, value, np.nan), sign, rules.bili_cut_umol)
    return _where_raw(known.findings.asked("BILI"), low, high, "LIVER")


def _ugi(findings: Findings, rules: StagingRules) -> magic.Range:
    nausea = findings.code("NAUSEA", {"NONE": 0.0, "INTERMITTENT": 0.0, "PERSISTENT": 1.0})
    biopsy = np.where(findings.asked("UGIBIOP"), findings.yes("UGIBIOP"), np.nan)
    low, high = magic.ugi_range(nausea, biopsy, rules.ugi_requires_biopsy)
    return _where_raw(findings.asked("NAUSEA"), low, high, "UGI")


def _lgi(known: Assessments, people: pd.DataFrame, rules: StagingRules) -> magic.Range:
    findings = known.findings
    low, high = magic.lgi_range(
        known.stool, findings.sign("STOOLVOL"),
        findings.number("STOOLN", 0), findings.yes("ABDPAIN"), findings.yes("BLDSTOOL"),
        people["CHILD"].to_numpy(dtype="float64"), people["WEIGHT"].to_numpy(dtype="float64"), rules.lgi_conflict,
    )  # fmt: skip
    raw = [findings.asked(test) for test in ("STOOLVOL", "STOOLN", "ABDPAIN", "BLDSTOOL")]
    return _where_raw(np.logical_or.reduce(raw), low, high, "LGI")


def _where_raw(raw: np.ndarray, low: np.ndarray, high: np.ndarray, organ: str) -> magic.Range:
    """The range where raw findings were recorded, everything possible where none were."""
    return np.where(raw, low, 0.0), np.where(raw, high, float(HIGHEST_STAGE[organ]))


def _collected(findings: Findings, organ: str) -> np.ndarray:
    """The collected stage, NaN where there is none or it is not a stage of this organ (upper GI has 0 and 1 only)."""
    test = next(code for code, name in COLLECTED.items() if name == organ)
    value = findings.number(test, 0, HIGHEST_STAGE[organ])
    return np.where(value == np.floor(value), value, np.nan)


def _choose(organ: str, low: np.ndarray, high: np.ndarray, collected: np.ndarray) -> dict[str, np.ndarray]:
    derived = np.where(low == high, low, np.nan)
    usable = np.isnan(derived) & (collected >= low) & (collected <= high)
    stage = np.where(usable, collected, derived)
    source = np.where(usable, "COLLECTED", np.where(np.isnan(derived), "", "DERIVED"))
    known = ~np.isnan(stage)
    return {
        organ: stage, f"{organ}DRV": derived, f"{organ}COL": collected, f"{organ}SRC": source,
        f"{organ}LO": np.where(known, stage, low), f"{organ}HI": np.where(known, stage, high),
    }  # fmt: skip


def _empty() -> pd.DataFrame:
    kinds = dict.fromkeys(COLUMNS, "float64")
    kinds |= {"USUBJID": "str", "TIMING": "str", "ADT": "datetime64[s]"} | {f"{o}SRC": "str" for o in ORGANS}
    return pd.DataFrame({name: pd.Series(dtype=kinds[name]) for name in COLUMNS})
