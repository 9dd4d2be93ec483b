"""Findings that cannot be right or judged: units, limits, numbers, repetitions, ranges, weights (P13-P16, P27, P32)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.cleaning.keys import record_keys
from trialbook.cleaning.numbers import RESULT_WORDS
from trialbook.cleaning.rules import ask
from trialbook.dates import complete_date, earliest_date, time_of_day
from trialbook.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.results.queries import Query
from trialbook.units import SI_UNITS, plain_unit, si_factor, unit_key

# Tests that criteria and the hepatic screen judge against the laboratory's own upper limit (§1.2, §3.3).
JUDGED_BY_LIMIT = ("ALT", "AST", "BUN", "UREA", "INR", "BILI")
# The scales of aGVHD staging (§2.1) and of body surface: outside them there is no such value.
SCALES = {
    ("RS", "SKINSTG"): (0, 4), ("RS", "LIVERSTG"): (0, 4), ("RS", "UGISTG"): (0, 1), ("RS", "LGISTG"): (0, 4),
    ("RS", "ECOG101"): (0, 5), ("RS", "LANSKY"): (0, 100), ("FA", "RASHBSA"): (0, 100), ("FA", "DESQBSA"): (0, 100),
}  # fmt: skip
# A ratio this close to the factor between two units is a swapped unit (§1.4).
SWAP_TOLERANCE = 0.02


def finding_queries(domains: Domains, analysis: Analysis) -> list[Query]:
    """Questions about LB, VS, RS and FA records, at the cut."""
    lb = domains["LB"]
    return [
        *_units_and_numbers(lb),
        *_missing_limits(domains),
        *_changed_limits(lb),
        *_unit_jumps(lb),
        *_repeated(lb),
        *_off_scale(domains),
        *_implausible(domains, analysis),
        *_weight_jumps(domains["VS"], analysis),
    ]


def _units_and_numbers(lb: pd.DataFrame) -> Iterator[Query]:
    """P13, P14: a measured test whose result is no number, or whose unit is not one of the test's."""
    measured = lb["LBTESTCD"].isin(list(SI_UNITS)) & lb["LBORRES"].notna()
    worded = measured & lb["LBORRESN"].isna()
    words = lb["LBORRES"].where(lb["LBORRES"].isin(list(RESULT_WORDS)), "(text)")
    yield from _ask("P14-NOT-A-NUMBER", "LB", lb[worded], "LBORRES", words)
    unknown = measured & lb["LBORRESN"].notna() & si_factor(lb["LBTESTCD"], lb["LBORRESU"]).isna()
    yield from _ask("P13-UNIT-UNKNOWN", "LB", lb[unknown], "LBORRESU", lb["LBORRESU"])


def _missing_limits(domains: Domains) -> list[Query]:
    """P15: one question per subject and test whose upper limit is missing after the first infusion.

    Before it, the eligibility audit asks, for the results that it judges.
    """
    lb, ex = domains["LB"], domains["EX"]
    first = ex[ex["EXDOSE"] > 0].groupby("USUBJID")["EXSTDTC"].min().str[:10]
    treated = earliest_date(lb["USUBJID"].map(first).astype("str"))
    judged = lb["LBTESTCD"].isin(JUDGED_BY_LIMIT) & lb["LBORRES"].notna() & (earliest_date(lb["LBDTC"]) > treated)
    missing = lb[judged & lb["LBORNRHI"].isna()]
    counts = missing.groupby(["USUBJID", "LBTESTCD"], sort=True).size()
    rows = [(subject, f"LBTESTCD={test}", f"missing on {n} results") for (subject, test), n in counts.items()]
    return ask("P15-LIMIT-MISSING", "LB", rows, "LBORNRHI")


def _unit_jumps(lb: pd.DataFrame) -> Iterator[Query]:
    """P13: value over upper limit moves by the factor between two units of the test, from one result to the next."""
    tested = lb["LBTESTCD"].isin(list(SI_UNITS)) & (lb["LBORRESN"] > 0) & (lb["LBORNRHI"] > 0)
    # Of a large trial the columns that are compared, and no copies of the others.
    ordered = lb.loc[tested, ["USUBJID", "LBTESTCD", "LBDTC", "LBSEQ", "LBORRESN", "LBORNRHI"]]
    ordered = ordered.sort_values(["USUBJID", "LBTESTCD", "LBDTC", "LBSEQ"], kind="stable")
    ratio = ordered["LBORRESN"] / ordered["LBORNRHI"]
    step = ratio / ratio.groupby([ordered["USUBJID"], ordered["LBTESTCD"]]).shift()
    found, steps = np.zeros(len(ordered), dtype=bool), step.to_numpy("float64")
    for test, rows in ordered.groupby("LBTESTCD").indices.items():
        sizes, own = SI_UNITS[test][1].values(), steps[rows]
        for factor in {a / b for a in sizes for b in sizes if a / b >= 2}:
            found[rows] |= (abs(own / factor - 1) <= SWAP_TOLERANCE) | (abs(own * factor - 1) <= SWAP_TOLERANCE)
    jumps = pd.Series(found, index=ordered.index)
    # The way back is the same fault: the result between the two jumps is asked about.
    jumps &= ~_came_back(jumps, step, ordered[["USUBJID", "LBTESTCD"]])
    rows = lb.loc[ordered.index[jumps]]
    shown = rows["LBORRES"] + " " + rows["LBORRESU"].fillna("")
    yield from _ask("P13-LB-UNIT-JUMP", "LB", rows, "LBORRES", shown)


def _came_back(jumps: pd.Series, step: pd.Series, of: pd.DataFrame) -> pd.Series:
    """Whether a jump only undoes the one directly before it (the other way; not twice in a row)."""
    keys = [of[name] for name in of.columns]
    before = jumps.groupby(keys).shift(fill_value=False)
    opposite = (step > 1) ^ (step.groupby(keys).shift() > 1)
    undone = pd.Series(False, index=jumps.index)
    for row in jumps.index[jumps & before & opposite]:
        at = jumps.index.get_loc(row)
        undone[row] = not undone.iloc[at - 1]
    return undone


def _changed_limits(lb: pd.DataFrame) -> list[Query]:
    """P15: one question per subject and test whose upper limit, in one unit, changes from result to result."""
    rows = lb["LBTESTCD"].isin(JUDGED_BY_LIMIT) & lb["LBORRES"].notna()
    judged = lb.loc[rows, ["USUBJID", "LBTESTCD", "LBORRESU", "LBORNRHI"]]
    limit = (judged["LBORNRHI"] * si_factor(judged["LBTESTCD"], judged["LBORRESU"])).dropna()
    by = limit.groupby([judged.loc[limit.index, "USUBJID"], judged.loc[limit.index, "LBTESTCD"]], sort=True)
    ends = by.agg(["min", "max"])
    changed = ends[ends["max"] > ends["min"] * (1 + SWAP_TOLERANCE)]
    asked = [
        (subject, f"LBTESTCD={test}", f"from {row['min']:g} to {row['max']:g} {SI_UNITS[test][0]}")
        for (subject, test), row in changed.iterrows()
    ]
    return ask("P15-LIMIT-CHANGED", "LB", asked, "LBORNRHI")


def _repeated(lb: pd.DataFrame) -> list[Query]:
    """P16: different results of one test at one moment (or one day and visit, where no time is given)."""
    timed = complete_date(lb["LBDTC"]).notna() & lb["LBORRES"].notna()
    key = ["USUBJID", "LBTESTCD", "LBDTC", "VISIT"]
    again = timed & lb.loc[timed, key].duplicated().reindex(lb.index, fill_value=False)
    return list(_ask("P16-LB-REPEATED", "LB", lb[again], "LBDTC", lb["LBDTC"]))


def _off_scale(domains: Domains) -> Iterator[Query]:
    """P27: stages, scores and body surface outside their scale."""
    for (code, test), (low, high) in SCALES.items():
        frame = domains[code]
        value = frame[f"{code}ORRESN"]
        outside = frame[f"{code}TESTCD"].eq(test) & ((value < low) | (value > high))
        yield from _ask("P27-OUT-OF-RANGE", code, frame[outside], f"{code}ORRES", frame[f"{code}ORRES"])


def _implausible(domains: Domains, analysis: Analysis) -> Iterator[Query]:
    """P27, §1.4: values outside the plausible range of their test, in its unit (SI for laboratory tests)."""
    for code, test, low, high, unit in analysis.plausible_ranges:
        frame = domains[code][domains[code][f"{code}TESTCD"].eq(test)]
        if frame.empty:
            continue
        value, own = frame[f"{code}ORRESN"], plain_unit(frame[f"{code}ORRESU"])
        same = own.eq(unit_key(unit)) | own.eq("")
        if code == "LB":
            value, same = value * si_factor(frame["LBTESTCD"], frame["LBORRESU"]), value.notna()
        if code == "FA":
            same &= value.ne(0)  # 0 means none, not a small amount
        outside = same & ((value < low) | (value > high))
        shown = frame[f"{code}ORRES"] + " " + frame[f"{code}ORRESU"].fillna("")
        yield from _ask("P27-OUT-OF-RANGE", code, frame[outside], f"{code}ORRES", shown)


def _weight_jumps(vs: pd.DataFrame, analysis: Analysis) -> Iterator[Query]:
    """P32: a body weight that moved by more than a share of the one before."""
    weights = vs[vs["VSTESTCD"].eq("WEIGHT") & (vs["VSORRESN"] > 0)]
    order = weights.assign(TIME=time_of_day(weights["VSDTC"]), DAY=complete_date(weights["VSDTC"]))
    order = order.sort_values(["USUBJID", "DAY", "TIME", "VSSEQ"], kind="stable")
    before = order.groupby("USUBJID")["VSORRESN"].shift()
    jumped = (order["VSORRESN"] / before - 1).abs() > analysis.weight_jump
    # One that only undoes the jump before it is the same fault.
    jumped &= ~_came_back(jumped, order["VSORRESN"] / before, order[["USUBJID"]])
    shown = before.astype("str") + " then " + order["VSORRES"]
    yield from _ask("P32-WEIGHT-JUMP", "VS", order[jumped], "VSORRES", shown)


def _ask(rule: str, domain: str, rows: pd.DataFrame, field: str, observed: pd.Series) -> Iterator[Query]:
    if rows.empty:
        return
    seen = observed.reindex(rows.index).fillna("")
    yield from ask(rule, domain, zip(rows["USUBJID"], record_keys(domain, rows), seen, strict=True), field)
