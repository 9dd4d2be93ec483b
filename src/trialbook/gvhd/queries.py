"""Queries about organ stages: impossible values, and collected values that the findings contradict (P13, P27, P28)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.core.units import si_factor
from trialbook.gvhd.assessments import COLLECTED, organ_findings
from trialbook.gvhd.grade import GRADES, HIGHEST_STAGE, ORGANS, grade_bounds
from trialbook.gvhd.staging import PLAUSIBLE_BILIRUBIN_UMOL, derive_stages, stool_millilitres
from trialbook.protocol.analysis import Analysis
from trialbook.queries.query_list import Query, QueryTexts

TEXTS = QueryTexts("queries/texts/gvhd.yaml")
SHARED_TEXTS = QueryTexts("queries/texts/shared.yaml")


def stage_queries(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> list[Query]:
    """Queries about the organ stages of these subjects (arguments as for `derive_stages`), by subject and rule."""
    records = organ_findings(domains, subjects)
    stages = derive_stages(domains, subjects, analysis)
    found = [
        *_impossible(records),
        *_stage_differs(stages),
        *_grade_differs(stages, domains),
        *_stool_conflict(domains, subjects, analysis),
    ]
    return sorted(found, key=lambda q: (q["subject"], q["rule"], q["record"]))


def _ask(rule: str, subject: str, record: str, observed: object) -> Query:
    return TEXTS.query(rule, subject, record=record, observed=observed)


def _impossible(records: pd.DataFrame) -> Iterator[Query]:
    number, test = records["NUMBER"], records["TEST"]
    highest = test.map({code: HIGHEST_STAGE[organ] for code, organ in COLLECTED.items()}).astype("float64")
    no_stage = highest.notna() & ~((number >= 0) & (number <= highest) & (number == np.floor(number)))
    no_share = test.isin(["RASHBSA", "DESQBSA"]) & ~number.between(0, 100)
    millilitres = stool_millilitres(number.to_numpy(), records["UNIT"])
    no_volume = (test == "STOOLVOL") & np.isnan(millilitres)
    umol = number * si_factor(test, records["UNIT"])
    low, high = PLAUSIBLE_BILIRUBIN_UMOL
    no_bilirubin = (test == "BILI") & ~((umol >= low) & (umol <= high)) & (records["SIGN"] == "")
    for rule, wrong in (
        ("P27-RS-STAGE-RANGE", no_stage),
        ("P27-FA-PERCENT", no_share),
        ("P27-FA-STOOL-VOLUME", no_volume),
        ("P13-LB-BILIRUBIN", no_bilirubin),
    ):
        for row in records[wrong].itertuples():
            observed = f"{row.TEST} {row.TEXT} {row.UNIT} on {row.ADT:%Y-%m-%d}"
            yield _ask(rule, row.USUBJID, _key(row), " ".join(observed.split()))


def _key(row: object) -> str:
    sequence = getattr(row, "SRCSEQ", pd.NA)
    return "" if pd.isna(sequence) else f"{row.SRCDOM}SEQ={sequence}"  # type: ignore[attr-defined]


def _stage_differs(stages: pd.DataFrame) -> Iterator[Query]:
    for organ in ORGANS:
        collected, low, high = stages[f"{organ}COL"], stages[f"{organ}LO"], stages[f"{organ}HI"]
        for row in stages[collected.notna() & ((collected < low) | (collected > high))].itertuples():
            derived = getattr(row, f"{organ}DRV")
            stage = f"{getattr(row, f'{organ}COL'):.0f}"
            observed = msg("{test} {n} recorded, open by findings", test=organ, n=stage)
            if derived == derived:
                told = f"{derived:.0f}"
                observed = msg("{test} {n} recorded, {n_2} by findings", test=organ, n=stage, n_2=told)
            yield _ask("P28-RS-STAGE-DIFFERS", row.USUBJID, f"{organ} {row.ADT:%Y-%m-%d}", observed)


def _grade_differs(stages: pd.DataFrame, domains: Domains) -> Iterator[Query]:
    rs = domains["RS"]
    rows = rs[(rs["RSCAT"].str.upper() == "MAGIC") & (rs["RSTESTCD"] == "AGVHGRD")]
    told = rows["RSORRES"].fillna("").str.upper().str.replace(r"^GRADE\s*", "", regex=True).str.strip()
    number = told.map({name: k for k, name in enumerate(GRADES)} | {str(k): k for k in range(5)})
    said = pd.DataFrame(
        {"USUBJID": rows["USUBJID"], "ADT": complete_date(rows["RSDTC"]), "SAID": number.astype("float64"),
         "TOLD": told, "SRCSEQ": rows["RSSEQ"]}
    )  # fmt: skip
    derived = pd.concat([stages[["USUBJID", "ADT"]], grade_bounds(stages)], axis=1)
    both = derived.merge(said[said["SAID"].notna()], on=["USUBJID", "ADT"])
    wrong = both[(both["SAID"] < both["GRADELO"]) | (both["SAID"] > both["GRADEHI"])]
    for row in wrong.itertuples():
        observed = msg(
            "grade {grade} recorded, {other} by stages on {date}",
            grade=row.TOLD, other=GRADES[int(row.GRADELO)], date=f"{row.ADT:%Y-%m-%d}",
        )  # fmt: skip
        yield SHARED_TEXTS.query("P28-RS-GRADE-DIFFERS", row.USUBJID, record=f"RSSEQ={row.SRCSEQ}", observed=observed)


def _stool_conflict(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> Iterator[Query]:
    """Days on which volume and episodes, each alone, give different stages (A-44)."""
    by = {
        rule: derive_stages(domains, subjects, analysis.model_copy(update={"lgi_conflict": rule}))
        for rule in ("volume_first", "episodes_first")
    }
    volume, stools = by["volume_first"]["LGIDRV"], by["episodes_first"]["LGIDRV"]
    differ = volume.notna() & stools.notna() & (volume != stools)
    for position in np.flatnonzero(differ.to_numpy()):
        row = by["volume_first"].iloc[position]
        observed = msg(
            "stage {n} by volume, {n_2} by number of stools",
            n=f"{volume.iloc[position]:.0f}", n_2=f"{stools.iloc[position]:.0f}",
        )  # fmt: skip
        yield _ask("P27-FA-STOOL-CONFLICT", row["USUBJID"], f"LGI {row['ADT']:%Y-%m-%d}", observed)
