"""Organ stages of every acute GVHD assessment: from raw findings where they determine it, else as collected (§2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.units import si_factor
from trialbook.gvhd.assessments import COLLECTED, differing_records, organ_findings
from trialbook.gvhd.grade import HIGHEST_STAGE, ORGANS
from trialbook.protocol.analysis import Analysis
from trialbook.subjects.weights import weight_on, weights

# ----------------------------------------------------------------------------------------------------
# MAGIC organ stages of single findings, each as the range of stages that the findings allow (rulebook §2.1).
#
# Limits: Harris AC et al. Biol Blood Marrow Transplant 2016;22:4-10, the gaps between printed limits closed as A-42
# says. A stage is a pair (lowest, highest): equal where the findings decide it, 0 to the highest where nothing is
# known.
# All arguments are float arrays of one length; NaN means not known.


Range = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Limits:
    """Limits between the stages 0, 1, 2 and so on; `closed_below[k]`: the limit belongs to the stage above it."""

    values: tuple[float, ...]
    closed_below: tuple[bool, ...]

    def stage(self, value: np.ndarray) -> np.ndarray:
        """Stage of a value: the number of limits that it has reached.

        >>> STOOL_VOLUME_ADULT.stage(np.array([499.0, 500.0, 1500.0])).tolist()
        [0.0, 1.0, 2.0]
        """
        reached = [
            value >= limit if closed else value > limit
            for limit, closed in zip(self.values, self.closed_below, strict=True)
        ]
        return np.sum(reached, axis=0).astype("float64")

    def range(self, value: np.ndarray, censored: np.ndarray) -> Range:
        """Range of a value that may be censored: "<" allows all below it, ">" all above, "" the value alone.

        >>> low, high = SKIN_BSA.range(np.array([30.0, 30.0, np.nan]), np.array(["", "<", ""]))
        >>> low.tolist(), high.tolist()
        ([2.0, 0.0, 0.0], [2.0, 2.0, 3.0])
        """
        value = significant(value)
        top = float(len(self.values))
        below = np.where(censored == "<", np.nextafter(value, -np.inf), value)
        above = np.where(censored == ">", np.nextafter(value, np.inf), value)
        low = np.where(censored == "<", 0.0, self.stage(above))
        high = np.where(censored == ">", top, self.stage(below))
        unknown = np.isnan(value)
        return np.where(unknown, 0.0, low), np.where(unknown, top, high)


SKIN_BSA = Limits((0, 25, 50), (False, True, False))
STOOL_VOLUME_ADULT = Limits((500, 1000, 1500), (True, True, False))
STOOL_VOLUME_CHILD = Limits((10, 20, 30), (True, True, False))
STOOLS_ADULT = Limits((3, 5, 7), (True, True, False))
STOOLS_CHILD = Limits((4, 7, 10), (True, True, False))
STAGE4_BSA, STAGE4_DESQUAMATION = 50, 5


def significant(value: np.ndarray) -> np.ndarray:
    """Values at 10 significant digits, so that 3 mg/dL x 17.1 is 51.3 and not slightly above it (A-13).

    >>> 3 * 17.1 == 51.3, float(significant(np.array([3 * 17.1]))[0]) == 51.3
    (False, True)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 9 - np.floor(np.log10(np.abs(value)))
        scale = np.power(10.0, np.where(np.isfinite(digits), digits, 0))
        return np.round(value * scale) / scale


def skin_range(
    bsa: np.ndarray, censored: np.ndarray, erythroderma: np.ndarray, bullae: np.ndarray, desquamation: np.ndarray,
    rule: str,
) -> Range:  # fmt: skip
    """Skin: rash by % of body surface; stage 4 is a conjunction, not a threshold.

    Stage 4 = generalised erythroderma (> 50%) with bullae and desquamation > 5% (`rule` "and"), or with either of them
    ("or"). Signs are 1, 0 or NaN (recorded but unreadable); a sign that is false rules stage 4 out.

    >>> unknown, yes, no = np.array([np.nan]), np.array([1.0]), np.array([0.0])
    >>> low, high = skin_range(unknown, np.array([""]), yes, unknown, np.array([10.0]), "and")
    >>> low.tolist(), high.tolist()
    ([3.0], [4.0])
    >>> low, high = skin_range(np.array([60.0]), np.array([""]), yes, no, np.array([10.0]), "and")
    >>> low.tolist(), high.tolist()
    ([3.0], [3.0])
    """
    low, high = SKIN_BSA.range(bsa, censored)
    # Generalised erythroderma means more than 50% of the surface, whether or not a percentage was written down.
    low = np.where(np.isnan(bsa) & (erythroderma == 1), 3.0, low)
    peeling = np.where(np.isnan(desquamation), np.nan, (desquamation > STAGE4_DESQUAMATION).astype("float64"))
    extra = np.fmin(bullae, peeling) if rule == "and" else np.fmax(bullae, peeling)
    doubtful = np.isnan(bullae) | np.isnan(peeling)
    certain_extra = (extra == 1) & ~doubtful if rule == "and" else extra == 1
    possible_extra = extra != 0 if rule == "and" else (extra == 1) | doubtful
    small = (bsa <= STAGE4_BSA) & (censored != ">")
    certain = (erythroderma == 1) & certain_extra & ~small
    possible = (erythroderma != 0) & possible_extra & ~small
    return np.where(certain, 4.0, low), np.where(possible, 4.0, high)


def liver_range(bilirubin: np.ndarray, censored: np.ndarray, cuts: Sequence[float]) -> Range:
    """Liver: total bilirubin in umol/L against `cuts` (A-43); the first belongs to stage 1, since 34.2 is 2 mg/dL.

    >>> cuts = [34.2, 51.3, 102.6, 256.5]
    >>> low, high = liver_range(np.array([34.2, 60.0, np.nan]), np.array(["", ">", ""]), cuts)
    >>> low.tolist(), high.tolist()
    ([1.0, 2.0, 0.0], [1.0, 4.0, 4.0])
    """
    return Limits(tuple(cuts), (True, False, False, False)).range(bilirubin, censored)


def ugi_range(nausea: np.ndarray, biopsy: np.ndarray, requires_biopsy: bool) -> Range:
    """Upper GI: stage 1 = persistent nausea, vomiting or anorexia (`nausea` 1; none or intermittent 0).

    Where `requires_biopsy`, only with a positive biopsy (A-40).

    >>> nausea, biopsy = np.array([1.0, 0.0, np.nan]), np.array([np.nan] * 3)
    >>> [end.tolist() for end in ugi_range(nausea, biopsy, requires_biopsy=False)]
    [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    >>> [end.tolist() for end in ugi_range(nausea, biopsy, requires_biopsy=True)]
    [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    """
    low, high = np.where(nausea == 1, 1.0, 0.0), np.where(nausea == 0, 0.0, 1.0)
    if requires_biopsy:
        low = np.where(biopsy == 1, low, 0.0)
        high = np.where(biopsy == 0, 0.0, high)
    return low, high


def lgi_range(
    volume: np.ndarray, volume_censored: np.ndarray, stools: np.ndarray, pain: np.ndarray, blood: np.ndarray,
    child: np.ndarray, weight: np.ndarray, conflict: str,
) -> Range:  # fmt: skip
    """Lower GI: stool volume per day (per kg in the child column) and episodes, stage 4 by severe pain or gross blood.

    `child` is 1, 0 or NaN (weight or age unknown: both columns are tried). `conflict`: volume_first (A-44),
    episodes_first, or worst.

    >>> no, unknown, stool, kilograms = np.array([0.0]), np.array([np.nan]), np.array([600.0]), np.array([70.0])
    >>> low, high = lgi_range(stool, np.array([""]), unknown, no, no, no, kilograms, "volume_first")
    >>> low.tolist(), high.tolist()
    ([1.0], [1.0])
    >>> low, high = lgi_range(stool, np.array([""]), unknown, no, unknown, no, kilograms, "volume_first")
    >>> low.tolist(), high.tolist()
    ([1.0], [4.0])
    """
    adult = _stool_range(volume, volume_censored, stools, STOOL_VOLUME_ADULT, STOOLS_ADULT, conflict)
    per_kg = np.divide(volume, weight, out=np.full_like(volume, np.nan), where=weight > 0)
    young = _stool_range(per_kg, volume_censored, stools, STOOL_VOLUME_CHILD, STOOLS_CHILD, conflict)
    low = np.where(child == 1, young[0], np.where(child == 0, adult[0], np.minimum(young[0], adult[0])))
    high = np.where(child == 1, young[1], np.where(child == 0, adult[1], np.maximum(young[1], adult[1])))
    certain, possible = (pain == 1) | (blood == 1), np.isnan(pain) | np.isnan(blood)
    return np.where(certain, 4.0, low), np.where(certain | possible, 4.0, high)


def _stool_range(
    volume: np.ndarray, censored: np.ndarray, stools: np.ndarray, by_volume: Limits, by_stools: Limits, conflict: str
) -> Range:
    volume_low, volume_high = by_volume.range(volume, censored)
    stools_low, stools_high = by_stools.range(stools, np.full(stools.shape, ""))
    has_volume, has_stools = ~np.isnan(volume), ~np.isnan(stools)
    if conflict == "worst":
        both = has_volume & has_stools
        low = np.where(both, np.maximum(volume_low, stools_low), np.where(has_volume, volume_low, stools_low))
        high = np.where(both, np.maximum(volume_high, stools_high), np.where(has_volume, volume_high, stools_high))
        return low, high
    first = has_volume if conflict == "volume_first" else ~has_stools
    return np.where(first, volume_low, stools_low), np.where(first, volume_high, stools_high)


# ----------------------------------------------------------------------------------------------------

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
    2. A collected value is never overwritten: it is kept in <organ>COL, a difference is a query.
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
        """The number for the upper-case result of a test, NaN where there is none."""
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
    """Stool volume in mL a day; NaN for an unknown unit and for a volume that is not plausible (P27).

    >>> stool_millilitres(np.array([1.2, 800.0, 1.2]), pd.Series(["L/day", "mL/day", "mL/day"])).tolist()
    [1200.0, 800.0, nan]
    """
    factor = unit.str.upper().str.replace(r"\s", "", regex=True).map(MILLILITRES).astype("float64").to_numpy()
    volume = value * factor
    plausible = (volume == 0) | ((volume >= PLAUSIBLE_STOOL_ML[0]) & (volume <= PLAUSIBLE_STOOL_ML[1]))
    return np.where(plausible, volume, np.nan)


def is_child(age: pd.Series, weight: pd.Series, rule: str) -> np.ndarray:
    """Who is staged by the child column of lower GI (A-41): 1, 0, or NaN where age or weight does not tell.

    >>> is_child(pd.Series([16.0, 16.0, 16.0]), pd.Series([45.0, 60.0, np.nan]), "age<18 and weight<=50").tolist()
    [1.0, 0.0, nan]
    """
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


def _skin(findings: Findings, rules: StagingRules) -> Range:
    bsa, peeled = findings.number("RASHBSA", 0, 100), findings.number("DESQBSA", 0, 100)
    # Not asked at this assessment: no desquamation was reported, which cannot raise the stage.
    peeled = np.where(findings.asked("DESQBSA"), peeled, 0.0)
    low, high = skin_range(
        bsa, findings.sign("RASHBSA"), findings.yes("ERYTHDRM"), findings.yes("BULLAE"), peeled, rules.skin4_rule
    )
    return _where_raw(findings.asked("RASHBSA") | findings.asked("ERYTHDRM"), low, high, "SKIN")


def _liver(known: Assessments, rules: StagingRules) -> Range:
    value, sign = known.bilirubin, known.findings.sign("BILI")
    first, last = PLAUSIBLE_BILIRUBIN_UMOL
    # A bound such as "<0.5" may lie below what is plausible as a measurement.
    plausible = ((value >= first) & (value <= last)) | (sign != "")
    low, high = liver_range(np.where(plausible, value, np.nan), sign, rules.bili_cut_umol)
    return _where_raw(known.findings.asked("BILI"), low, high, "LIVER")


def _ugi(findings: Findings, rules: StagingRules) -> Range:
    nausea = findings.code("NAUSEA", {"NONE": 0.0, "INTERMITTENT": 0.0, "PERSISTENT": 1.0})
    biopsy = np.where(findings.asked("UGIBIOP"), findings.yes("UGIBIOP"), np.nan)
    low, high = ugi_range(nausea, biopsy, rules.ugi_requires_biopsy)
    return _where_raw(findings.asked("NAUSEA"), low, high, "UGI")


def _lgi(known: Assessments, people: pd.DataFrame, rules: StagingRules) -> Range:
    findings = known.findings
    low, high = lgi_range(
        known.stool, findings.sign("STOOLVOL"),
        findings.number("STOOLN", 0), findings.yes("ABDPAIN"), findings.yes("BLDSTOOL"),
        people["CHILD"].to_numpy(dtype="float64"), people["WEIGHT"].to_numpy(dtype="float64"), rules.lgi_conflict,
    )  # fmt: skip
    raw = [findings.asked(test) for test in ("STOOLVOL", "STOOLN", "ABDPAIN", "BLDSTOOL")]
    return _where_raw(np.logical_or.reduce(raw), low, high, "LGI")


def _where_raw(raw: np.ndarray, low: np.ndarray, high: np.ndarray, organ: str) -> Range:
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


# ----------------------------------------------------------------------------------------------------
# Assessments of one day that differ without a time that would say which is the later (§14.1; P16).


@dataclass(frozen=True)
class SameDayConflict:
    """`records`: USUBJID ADT TEST VALUES SRCDOM of each test that was recorded twice with different results.

    `lowest`: `derive_stages` with the lowest reading of each, where the analysis takes the highest; None where nothing
    differs.
    """

    records: pd.DataFrame
    lowest: pd.DataFrame | None


def same_day_conflicts(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> SameDayConflict:
    """The conflicts among the assessments of these subjects (arguments as for `derive_stages`)."""
    records = differing_records(domains, subjects)
    return SameDayConflict(
        records, derive_stages(domains, subjects, analysis, lowest=True) if len(records) else None
    )  # fmt: skip
