"""Questions that need several records or domains (rulebook §9), asked of the domains at the cut.

What ADSL, the deaths and the eligibility audit ask themselves (P05-P07, P10, P22, P25, P33) is not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.cleaning.exposure import exposure_queries
from trialbook.cleaning.keys import record_keys, rescreening_queries
from trialbook.cleaning.numbers import RESULT_WORDS
from trialbook.cleaning.problems import TEXTS, ask
from trialbook.core.dates import ONE_DAY, complete_date, earliest_date, latest_date, time_of_day
from trialbook.core.domains import Domains
from trialbook.core.supplemental import is_supplemental, unjoined
from trialbook.core.units import SI_UNITS, plain_unit, si_factor, unit_key
from trialbook.protocol.analysis import Analysis
from trialbook.queries.query_list import Query

# ----------------------------------------------------------------------------------------------------
# Questions across the records of a subject: visits out of order (P17), events that are only partly fatal (P22).
#
# The cases of sdtmchecks that concern our domains are answered by these, by the other questions, or by the contracts.


# Domains whose records belong to a visit and are dated by one variable.
VISIT_DATES = {"SV": "SVSTDTC", "EX": "EXSTDTC", "LB": "LBDTC", "VS": "VSDTC", "RS": "RSDTC", "FA": "FADTC"}


def cross_questions(domains: Domains) -> list[Query]:
    """All questions of this module, for domains at the cut."""
    return [
        *(query for code in VISIT_DATES for query in _visit_order(code, domains[code])),
        *_visits_of_one_date(domains["RS"], domains["EX"]),
        *_half_fatal(domains["AE"]),
        *_hours_reversed(domains["AE"]),
    ]


def _visit_order(code: str, frame: pd.DataFrame) -> Iterator[Query]:
    """Each visit whose first date lies before the first date of the visit before; unscheduled visits are left out."""
    if not {"VISIT", "VISITNUM"} <= set(frame):
        return
    dated = frame.assign(DTC=frame[VISIT_DATES[code]], DAY=complete_date(frame[VISIT_DATES[code]]))
    unscheduled = dated["VISIT"].str.upper().str.contains("UNSCH", na=False)
    done = dated.get(f"{code}STAT", pd.Series("", index=dated.index)).ne("NOT DONE")
    dated = dated[~unscheduled & done].dropna(subset=["USUBJID", "VISITNUM", "DAY"])
    first = dated.sort_values(["USUBJID", "VISITNUM", "DTC"], kind="stable").drop_duplicates(["USUBJID", "VISITNUM"])
    first = first.assign(TIME=time_of_day(first["DTC"]))
    before = first.groupby("USUBJID")[["DAY", "TIME", "VISIT", "DTC"]].shift()
    earlier = (first["DAY"] < before["DAY"]) | ((first["DAY"] == before["DAY"]) & (first["TIME"] < before["TIME"]))
    for row, visit, dtc in zip(
        first[earlier].itertuples(), before.loc[earlier, "VISIT"], before.loc[earlier, "DTC"], strict=True
    ):
        yield TEXTS.query(
            "P17-VISIT-ORDER", row.USUBJID, code, record=f"VISITNUM={row.VISITNUM:g}",
            observed=f"{row.VISIT} {row.DTC}, {visit} {dtc}",
        )  # fmt: skip


def _visits_of_one_date(rs: pd.DataFrame, ex: pd.DataFrame) -> Iterator[Query]:
    """Each date from the first infusion on whose organ assessments are recorded under more than one visit.

    Before the infusion the days of steroid treatment are read from the chart and may well fall on the screening day.
    """
    own = rs[rs["RSEVAL"].fillna("INVESTIGATOR").str.upper().eq("INVESTIGATOR")] if "RSEVAL" in rs else rs
    given = ex[ex["EXDOSE"] > 0]
    infused = complete_date(given["EXSTDTC"]).groupby(given["USUBJID"]).min()
    day = complete_date(own["RSDTC"])
    day = day.where(day >= infused.reindex(own["USUBJID"]).set_axis(own.index))
    named = own.assign(DAY=day).dropna(subset=["USUBJID", "DAY", "VISIT"])
    for (subject, date), visits in named.groupby(["USUBJID", "DAY"], sort=True)["VISIT"]:
        if visits.nunique() > 1:
            seen = ", ".join(sorted(visits.unique()))
            yield TEXTS.query("P17-VISITS-ONE-DATE", subject, record=f"RSDTC={date:%Y-%m-%d}", observed=seen)


def _hours_reversed(ae: pd.DataFrame) -> list[Query]:
    """P19: an event that ended on the day it started, at an earlier hour; other days are compared elsewhere."""
    timed = ae[complete_date(ae["AESTDTC"]).eq(complete_date(ae["AEENDTC"]))]
    reversed_hours = [
        end[: min(len(start), len(end))] < start[: min(len(start), len(end))]
        for start, end in timed[["AESTDTC", "AEENDTC"]].itertuples(index=False)
    ]
    wrong = timed[pd.Series(reversed_hours, index=timed.index, dtype=bool)]
    observed = zip(wrong["USUBJID"], record_keys("AE", wrong), wrong["AEENDTC"], strict=True)
    return ask("P19-AE-END-BEFORE-START", "AE", observed, "AEENDTC")


def _half_fatal(ae: pd.DataFrame) -> Iterator[Query]:
    """Each event that is fatal by its grade, its outcome or its criterion, and not by all that were collected."""
    said = {
        "AETOXGR": ae["AETOXGR"].eq("5"),
        "AEOUT": ae["AEOUT"].str.upper().eq("FATAL"),
        "AESDTH": ae["AESDTH"].eq("Y"),
    }
    collected = [name for name in said if ae[name].notna().any()]
    signs = pd.DataFrame({name: said[name].fillna(False).astype(bool) for name in collected}, index=ae.index)
    torn = ae[signs.any(axis=1) & ~signs.all(axis=1)]
    for row, record in zip(torn.itertuples(), record_keys("AE", torn), strict=True):
        seen = ", ".join(f"{name} {getattr(row, name)}" for name in collected if pd.notna(getattr(row, name)))
        yield TEXTS.query("P22-AE-FATAL-CONFLICT", row.USUBJID, record=record, observed=seen)


# ----------------------------------------------------------------------------------------------------
# Adverse events that contradict themselves or miss what counts them (P19, P20, P23, P24).


CRITERIA = ["AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE"]
RESOLVED = ("RECOVERED/RESOLVED", "RECOVERED/RESOLVED WITH SEQUELAE", "FATAL")


def event_queries(domains: Domains) -> list[Query]:
    """Questions about AE records, at the cut; partial dates contradict only where every reading of them does."""
    ae = domains["AE"]
    dm = domains["DM"].drop_duplicates("USUBJID").set_index("USUBJID")
    death = latest_date(ae["USUBJID"].map(dm["DTHDTC"]).astype("str"))
    start, end = earliest_date(ae["AESTDTC"]), latest_date(ae["AEENDTC"])
    ongoing, fatal = ae["AEENRTPT"].eq("ONGOING"), ae["AEOUT"].eq("FATAL")
    criterion = ae[CRITERIA].eq("Y").any(axis=1)
    found = (
        ("P19-AE-END-BEFORE-START", end < start, "AEENDTC"),
        ("P19-AE-END-AFTER-DEATH", earliest_date(ae["AEENDTC"]) > death, "AEENDTC"),
        ("P19-AE-ONGOING-AT-DEATH", ongoing & death.notna() & ~fatal, "AEENRTPT"),
        ("P20-AE-ONGOING-WITH-END", ongoing & end.notna(), "AEENDTC"),
        ("P20-AE-RESOLVED-NO-END", ae["AEOUT"].isin(RESOLVED) & ~fatal & end.isna(), "AEENDTC"),
        ("P23-AE-RELATION-MISSING", ae["AEREL"].isna(), "AEREL"),
        ("P23-AE-SERIOUS-MISSING", ae["AESER"].isna(), "AESER"),
        ("P23-AE-SERIOUS-CRITERION", ae["AESER"].eq("N") & criterion, "AESER"),
    )
    queries = [query for rule, rows, field in found for query in _ask_about_event(rule, ae[rows], field)]
    return [*queries, *_near_duplicates(ae)]


def _near_duplicates(ae: pd.DataFrame) -> Iterator[Query]:
    """P24, §3.8: same subject and term, starts at most a day apart, overlapping, and not of one episode (AESPID)."""
    later = pd.Timestamp.max.normalize().as_unit("s")
    term = ae["AEDECOD"].fillna(ae["AETERM"])
    frame = ae.assign(
        TERM=term.str.upper(), START=earliest_date(ae["AESTDTC"]), END=latest_date(ae["AEENDTC"]).fillna(later)
    )
    frame = frame.dropna(subset=["START", "TERM"]).sort_values(["USUBJID", "TERM", "START", "AESEQ"], kind="stable")
    before = frame.groupby(["USUBJID", "TERM"])[["START", "END", "AESPID", "AESEQ"]].shift()
    close = (frame["START"] - before["START"] <= ONE_DAY) & (frame["START"] <= before["END"])
    episode = frame["AESPID"].notna() & frame["AESPID"].eq(before["AESPID"])
    near = frame[close & ~episode]
    other = "AESEQ=" + before.loc[near.index, "AESEQ"].astype("str")
    rows = zip(near["USUBJID"], record_keys("AE", near), other, strict=True)
    yield from ask("P24-AE-NEAR-DUPLICATE", "AE", rows, "AESTDTC")


def _ask_about_event(rule: str, rows: pd.DataFrame, field: str) -> list[Query]:
    if rows.empty:
        return []
    observed = rows[field].fillna("")
    return ask(rule, "AE", zip(rows["USUBJID"], record_keys("AE", rows), observed, strict=True), field)


# ----------------------------------------------------------------------------------------------------
# Laboratory samples whose visit and date disagree (P17): the date of the result, or the label of another visit.


# A sample dated so many days after its visit carries the date on which its result came.
RESULT_DELAY = 1
_UNPLANNED = "UNSCHEDULED"


def visit_queries(domains: Domains) -> list[Query]:
    """Questions about LB records against the visits of SV, one per subject, visit and date.

    The analysis uses the date of the sample and never the label, so a label alone changes no result. Questions:

    | label, its visit on | sample dated | another visit on | question                |
    |---------------------|--------------|------------------|-------------------------|
    | DAY 7, 17 Jan       | 18 Jan       |                  | P17-LB-RESULT-DATE      |
    | DAY 7, 17 Jan       | 23 Jan       | DAY 14, 24 Jan   | P17-LB-OTHER-VISIT      |
    | DAY 7, 17 Jan       | 19 Jan       | DAY 14, 24 Jan   |                         |
    | UNSCHEDULED         | 19 Jan       |                  |                         |
    """
    lb, sv = domains["LB"], domains["SV"]
    held = _by_visit(sv, "SVSTDTC").drop_duplicates(["USUBJID", "VISIT"])
    planned = ~held["VISIT"].str.upper().str.startswith(_UNPLANNED)
    held = held[planned].rename(columns={"DAY": "HELD"})
    taken = _by_visit(lb, "LBDTC").groupby(["USUBJID", "VISIT", "DAY"]).size().rename("RESULTS").reset_index()
    labelled = taken.merge(held, on=["USUBJID", "VISIT"])
    labelled["OFF"] = (labelled["DAY"] - labelled["HELD"]).dt.days
    others = labelled.merge(held, on="USUBJID", suffixes=("", "_OTHER"))
    others["OFF_OTHER"] = (others["DAY"] - others["HELD_OTHER"]).dt.days.abs()
    nearest = others.sort_values(["USUBJID", "VISIT", "DAY", "OFF_OTHER", "HELD_OTHER"], kind="stable")
    nearest = nearest.drop_duplicates(["USUBJID", "VISIT", "DAY"])
    elsewhere = nearest["OFF_OTHER"] < nearest["OFF"].abs()
    delayed = ~elsewhere & nearest["OFF"].eq(RESULT_DELAY)
    return [
        *_ask_about_visit("P17-LB-OTHER-VISIT", nearest[elsewhere], "VISIT", "the visit of that date is {VISIT_OTHER}"),
        *_ask_about_visit("P17-LB-RESULT-DATE", nearest[delayed], "LBDTC", "the visit was on {HELD:%Y-%m-%d}"),
    ]


def _by_visit(frame: pd.DataFrame, date: str) -> pd.DataFrame:
    """Records that name a visit and have a complete date: USUBJID VISIT DAY."""
    rows = pd.DataFrame({"USUBJID": frame["USUBJID"], "VISIT": frame["VISIT"], "DAY": complete_date(frame[date])})
    return rows.dropna()


def _ask_about_visit(rule: str, rows: pd.DataFrame, field: str, words: str) -> list[Query]:
    records = [
        (row.USUBJID, f"VISIT={row.VISIT} {row.DAY:%Y-%m-%d}", f"{row.RESULTS} results dated {row.DAY:%Y-%m-%d}; "
         + words.format(**row._asdict()))
        for row in rows.itertuples(index=False)
    ]  # fmt: skip
    return ask(rule, "LB", records, field)


# ----------------------------------------------------------------------------------------------------
# Findings that cannot be right or judged: units, limits, numbers, repetitions, ranges, weights (P13-P16, P27, P32).


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
        *_worded(domains, analysis),
        *_off_scale(domains),
        *_implausible(domains, analysis),
        *_weight_jumps(domains["VS"], analysis),
    ]


def _units_and_numbers(lb: pd.DataFrame) -> Iterator[Query]:
    """P13, P14: a measured test whose result is not a number, or whose unit is not one of the test's."""
    measured = lb["LBTESTCD"].isin(list(SI_UNITS)) & lb["LBORRES"].notna()
    worded = measured & lb["LBORRESN"].isna()
    words = lb["LBORRES"].where(lb["LBORRES"].isin(list(RESULT_WORDS)), "(text)")
    yield from _ask_about_finding("P14-NOT-A-NUMBER", "LB", lb[worded], "LBORRES", words)
    unknown = measured & lb["LBORRESN"].notna() & si_factor(lb["LBTESTCD"], lb["LBORRESU"]).isna()
    blank = lb["LBORRESU"].fillna("").eq("")
    yield from _ask_about_finding("P13-UNIT-UNKNOWN", "LB", lb[unknown & ~blank], "LBORRESU", lb["LBORRESU"])
    yield from _ask_about_finding("P13-UNIT-MISSING", "LB", lb[unknown & blank], "LBORRESU", lb["LBORRESU"])


def _worded(domains: Domains, analysis: Analysis) -> Iterator[Query]:
    """P14: a vital sign or performance score that is not a number; stages and areas of aGVHD are asked about there."""
    tests = {(code, test) for code, test, *_ in analysis.plausible_ranges if code == "VS"}
    for code, test in sorted(tests | {("RS", "ECOG101"), ("RS", "LANSKY")}):
        frame = domains[code]
        rows = frame[f"{code}TESTCD"].eq(test) & frame[f"{code}ORRES"].notna() & frame[f"{code}ORRESN"].isna()
        words = pd.Series("(text)", index=frame.index)
        yield from _ask_about_finding("P14-NOT-A-NUMBER", code, frame[rows], f"{code}ORRES", words)


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
    yield from _ask_about_finding("P13-LB-UNIT-JUMP", "LB", rows, "LBORRES", shown)


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
    return list(_ask_about_finding("P16-LB-REPEATED", "LB", lb[again], "LBDTC", lb["LBDTC"]))


def _off_scale(domains: Domains) -> Iterator[Query]:
    """P27: stages, scores and body surface outside their scale."""
    for (code, test), (low, high) in SCALES.items():
        frame = domains[code]
        value = frame[f"{code}ORRESN"]
        outside = frame[f"{code}TESTCD"].eq(test) & ((value < low) | (value > high))
        yield from _ask_about_finding("P27-OUT-OF-RANGE", code, frame[outside], f"{code}ORRES", frame[f"{code}ORRES"])


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
        yield from _ask_about_finding("P27-OUT-OF-RANGE", code, frame[outside], f"{code}ORRES", shown)


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
    yield from _ask_about_finding("P32-WEIGHT-JUMP", "VS", order[jumped], "VSORRES", shown)


def _ask_about_finding(rule: str, domain: str, rows: pd.DataFrame, field: str, observed: pd.Series) -> Iterator[Query]:
    if rows.empty:
        return
    seen = observed.reindex(rows.index).fillna("")
    yield from ask(rule, domain, zip(rows["USUBJID"], record_keys(domain, rows), seen, strict=True), field)


# ----------------------------------------------------------------------------------------------------
# Questions about supplemental qualifiers that cannot be joined to one record of their domain (P34, A-161).


# Answers that an analysis reads: a lost one changes a result.
READ = {"AE": ("AEDLT", "AEKNOWDT")}


def qualifier_queries(domains: Domains) -> list[Query]:
    """One question for each supplemental record without one certain parent; major where an analysis reads the answer.

    Supplemental records of a domain that was not delivered are not asked about: nothing here reads them.
    """
    found: list[Query] = []
    for code in filter(is_supplemental, domains):
        parent, supp = code.removeprefix("SUPP"), domains[code]
        if not domains.delivered(parent) or not {"USUBJID", "QNAM"} <= set(supp):
            continue
        reason = unjoined(supp, domains[parent], parent)
        rows = supp.loc[reason.index]
        named = rows["QNAM"].astype("str").fillna("").str.strip().str.upper()
        severity = named.isin(READ.get(parent, ())).map({True: "major", False: ""})
        records = zip(rows["USUBJID"], record_keys(code, rows), reason, severity, strict=True)
        for subject, record, why, how in records:
            found += ask("P34-SUPP-UNJOINED", code, [(subject, record, why)], "IDVARVAL", how)
    return found


# ----------------------------------------------------------------------------------------------------


def consistency_queries(domains: Domains, analysis: Analysis) -> list[Query]:
    """All questions about subjects, infusions, events and findings, for domains at the cut."""
    return [
        *rescreening_queries(domains),
        *exposure_queries(domains, analysis),
        *event_queries(domains),
        *finding_queries(domains, analysis),
        *visit_queries(domains),
        *cross_questions(domains),
        *qualifier_queries(domains),
    ]
