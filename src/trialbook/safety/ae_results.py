"""Reported numbers of adverse events: overview, by system organ class and preferred term, by maximum grade (§3.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.safety.counting import (
    ANY_EVENT,
    NONE,
    OVERALL,
    class_and_term_counts,
    mask_counts,
    maximum_rows,
    ranked,
    set_sizes,
)

LABELS = {
    "TEAE": "Any TEAE",
    "TEAE_GE3": "TEAE of grade 3 or more",
    "TRAE": "TEAE related to treatment",
    "TRAE_GE3": "Related TEAE of grade 3 or more",
    "SAE": "Serious TEAE",
    "SRAE": "Serious related TEAE",
    "TEAE_DISC": "TEAE leading to infusion interruption or discontinuation",
    "TEAE_DTH": "TEAE leading to death",
    "AESI": "TEAE of special interest",
    "DLT": "DLT confirmed by the committee",
}
SOC_PT_TABLES = {"TEAE_SOC_PT": "TEAE", "TRAE_SOC_PT": "TRAE", "SAE_SOC_PT": "SAE"}
GRADES = (1, 2, 3, 4, 5)
NO_GRADE = "grade missing"
GRADE_WORDS = {**{grade: f"grade {grade}" for grade in GRADES}, 0: NO_GRADE}
_STOPPED = {
    "DRUG WITHDRAWN", "DRUG INTERRUPTED", "INFUSION INTERRUPTED", "INFUSION STOPPED", "DOSE INTERRUPTED",
    "DRUG DISCONTINUED", "停药", "永久停药", "暂停用药", "暂停输注", "中止输注",
}  # fmt: skip


def safety_records(adae: pd.DataFrame) -> pd.DataFrame:
    """The records that tables count: treatment-emergent events of subjects in the safety set."""
    return adae[_emergent(adae)]


def _emergent(adae: pd.DataFrame) -> pd.Series:
    return (adae["TRTEMFL"] == "Y") & (adae["SAFFL"] == "Y")


def selections(adae: pd.DataFrame) -> dict[str, pd.Series]:
    """Which records each row of the overview counts, as a mask over `adae`, in the order of the table.

    All but DLT are treatment-emergent; DLT is the committee's flag.
    """
    teae = _emergent(adae)
    severe = adae["ATOXGR"].ge(3).fillna(False).astype(bool)
    related = adae["AREL"] == "RELATED"
    serious = adae["ASER"] == "Y"
    return {
        "TEAE": teae,
        "TEAE_GE3": teae & severe,
        "TRAE": teae & related,
        "TRAE_GE3": teae & related & severe,
        "SAE": teae & serious,
        "SRAE": teae & serious & related,
        "TEAE_DISC": teae & adae["AEACN"].fillna("").str.upper().str.strip().isin(_STOPPED),
        "TEAE_DTH": teae & fatal(adae),
        "AESI": teae & (adae["AESICAT"] != ""),
        "DLT": (adae["DLTFL"] == "Y") & (adae["SAFFL"] == "Y"),
    }


def overview_kinds(adae: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> dict[str, bool]:
    """The rows of the overview in order, and whether the data can answer each.

    DLT stands only where it is an endpoint, AESI only where the protocol file names searches. What was not collected
    for any event of a treated subject (grades, the action taken) is not evaluable: its numbers are null, not 0. What
    was collected of screen failures says nothing of these.
    """
    counted = adae[adae["SAFFL"] == "Y"]
    collected = {
        "TEAE_GE3": grades_collected(counted),
        "TRAE_GE3": grades_collected(counted),
        "TEAE_DISC": counted.empty or bool(counted["AEACN"].notna().any()),
    }
    asked = {"DLT": protocol.has_endpoint("DLT"), "AESI": bool(analysis.aesi)}
    return {name: collected.get(name, True) for name in LABELS if asked.get(name, True)}


def fatal(adae: pd.DataFrame) -> pd.Series:
    """Events that led to death: grade 5, AESDTH Y, or outcome FATAL."""
    outcome = adae["AEOUT"].fillna("").str.upper().str.strip()
    by_grade = adae["ATOXGR"].eq(5).fillna(False).astype(bool)
    return by_grade | adae["AESDTH"].fillna("").str.upper().eq("Y") | outcome.isin(["FATAL", "死亡"])


def grades_collected(adae: pd.DataFrame) -> bool:
    """False where there are events but none has a CTCAE grade: grade rows are then not evaluable, not 0."""
    return adae.empty or bool(adae["ATOXGR"].notna().any())


def overview_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """TEAE_OVERVIEW: subjects with at least one event and number of events (episodes) of each kind, by level."""
    sizes = set_sizes(adsl, protocol.level_ids)
    found = mask_counts(adae, selections(adae))
    rows: list[ArdRow] = []
    for name, evaluable in overview_kinds(adae, protocol, analysis).items():
        for level, size in sizes.items():
            n, events = found.get((level, name), NONE)
            if evaluable:
                rows += proportion_rows("TEAE_OVERVIEW", level, name, n, size, events)
            else:
                rows += [ard_row("TEAE_OVERVIEW", level, name, stat, None) for stat in ("n", "p", "events")]
                rows.append(ard_row("TEAE_OVERVIEW", level, name, "N", size))
    return rows


def soc_pt_rows(analysis_id: str, adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_SOC_PT, TRAE_SOC_PT or SAE_SOC_PT: subjects and events by class (term blank = any) and term.

    A subject counts once per row. Classes and terms stand in descending order of subjects in Total, then by name.
    """
    records = adae[selections(adae)[SOC_PT_TABLES[analysis_id]]]
    sizes = set_sizes(adsl, protocol.level_ids)
    found = class_and_term_counts(records)
    rows: list[ArdRow] = []
    for soc, term in ranked(found):
        for level, size in sizes.items():
            n, events = found.get((level, soc, term), NONE)
            rows += proportion_rows(analysis_id, level, soc, n, size, events, variable_level=term)
    return rows


def grade_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_GRADE: subjects by the MAXIMUM grade of their events in each class and term, `grade k` as context.

    The variable TEAE gives the maximum over all events of a subject. Empty where no grade was collected.
    """
    records = adae[selections(adae)["TEAE"]]
    if records.empty or not grades_collected(adae):
        return []
    sizes = set_sizes(adsl, protocol.level_ids)
    return maximum_rows("TEAE_GRADE", records, grade_rank(records), GRADE_WORDS, sizes, seldom=[0])


def grade_rank(records: pd.DataFrame) -> pd.Series:
    """The grade of each record, 0 where it is missing: below every grade, so that it never hides a known one."""
    return records["ATOXGR"].astype("Int64").fillna(0).astype("int64")


def maximum_frame(ard: pd.DataFrame, level: str = TOTAL) -> pd.DataFrame:
    """Rows by maximum (TEAE_GRADE, TEAE_REL) of one level to read: class, term, a column of subjects per maximum."""
    rows = ard[(ard["group1_level"] == level) & (ard["stat_name"] == "n") & (ard["variable"] != OVERALL)]
    keys = ["variable", "variable_level"]
    wide = rows.pivot(index=keys, columns="context", values="stat_text")
    order = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    contexts = list(dict.fromkeys(ard.loc[ard["stat_name"].eq("n"), "context"]))
    # A maximum without a row occurs nowhere in that term.
    wide = wide.reindex(index=order, columns=contexts).fillna("0").reset_index()
    return wide.rename_axis(columns=None).replace({"variable_level": {"": ANY_EVENT}})
