"""Reported numbers of adverse events: overview, by system organ class and preferred term, by maximum grade (§3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows

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
_STOPPED = {
    "DRUG WITHDRAWN", "DRUG INTERRUPTED", "INFUSION INTERRUPTED", "INFUSION STOPPED", "DOSE INTERRUPTED",
    "DRUG DISCONTINUED", "停药", "永久停药", "暂停用药", "暂停输注", "中止输注",
}  # fmt: skip
NONE = (0, 0)
SUBJECT_EVENT = ["USUBJID", "EPISODE"]


def safety_records(adae: pd.DataFrame) -> pd.DataFrame:
    """The records that tables count: treatment-emergent events of subjects in the safety set."""
    return adae[(adae["TRTEMFL"] == "Y") & (adae["SAFFL"] == "Y")]


def selections(adae: pd.DataFrame) -> dict[str, pd.Series]:
    """Which records each row of the overview counts, as a mask over `adae`, in the order of the table.

    All but DLT are treatment-emergent; DLT is the committee's flag.
    """
    teae = pd.Series(adae.index.isin(safety_records(adae).index), index=adae.index)
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


def set_sizes(adsl: pd.DataFrame, levels: Sequence[str]) -> dict[str, int]:
    """Subjects of the safety set by level, and in Total."""
    treated = adsl[adsl["SAFFL"] == "Y"]
    sizes = {level: int((treated["TRT01A"] == level).sum()) for level in levels}
    return {**sizes, TOTAL: len(treated)}


def overview_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """TEAE_OVERVIEW: subjects with at least one event and number of events (episodes) of each kind, by level."""
    sizes = set_sizes(adsl, protocol.level_ids)
    masks = selections(adae)
    rows: list[ArdRow] = []
    for name, evaluable in overview_kinds(adae, protocol, analysis).items():
        counts = _cells(_counts(adae[masks[name]], []))
        for level, size in sizes.items():
            n, events = counts.get((level,), NONE)
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
    counts = _class_and_term_counts(records, [])
    cells = _cells(counts)
    rows: list[ArdRow] = []
    for soc, term in _ranked(counts):
        for level, size in sizes.items():
            n, events = cells.get((level, soc, term), NONE)
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
    order = _ranked(_class_and_term_counts(records, []))
    overall = records.assign(ABODSYS="TEAE", ADECOD="")
    both = pd.concat([_worst(overall), _worst(records.assign(ADECOD="")), _worst(records)])
    cells = _cells(_counts(both, ["ABODSYS", "ADECOD", "GRADE"]))
    contexts = [f"grade {k}" for k in GRADES]
    contexts += [NO_GRADE] if (both["GRADE"] == NO_GRADE).any() else []
    rows: list[ArdRow] = []
    for soc, term in [("TEAE", ""), *order]:
        for context in contexts:
            for level, size in sizes.items():
                n, events = cells.get((level, soc, term, context), NONE)
                rows += proportion_rows("TEAE_GRADE", level, soc, n, size, events, variable_level=term, context=context)
    return rows


def aesi_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """AESI_CAT: subjects and events of special interest by category, in the order of the protocol's searches."""
    records = adae[selections(adae)["AESI"]]
    sizes = set_sizes(adsl, protocol.level_ids)
    cells = _cells(_counts(records, ["AESICAT"]))
    rows: list[ArdRow] = []
    for category in dict.fromkeys(rule.category for rule in analysis.aesi):
        for level, size in sizes.items():
            n, events = cells.get((level, category), NONE)
            rows += proportion_rows("AESI_CAT", level, "AESICAT", n, size, events, variable_level=category)
    return rows


def max_grade_frame(ard: pd.DataFrame, level: str = TOTAL) -> pd.DataFrame:
    """TEAE_GRADE rows of one level as a table to read: class, term, and a column of subjects per grade."""
    rows = ard[(ard["analysis_id"] == "TEAE_GRADE") & (ard["group1_level"] == level) & (ard["stat_name"] == "n")]
    rows = rows[rows["variable"] != "TEAE"]
    keys = ["variable", "variable_level"]
    wide = rows.pivot(index=keys, columns="context", values="stat_text")
    order = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    wide = wide.reindex(order)[list(dict.fromkeys(rows["context"]))].reset_index()
    return wide.rename_axis(columns=None).replace({"variable_level": {"": "Any event"}})


def _counts(records: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Columns n (subjects) and events (episodes) indexed by level (and Total) and the columns `by`."""
    both = pd.concat([records.assign(LEVEL=records["TRT01A"]), records.assign(LEVEL=TOTAL)])
    keys = ["LEVEL", *by]
    n = both.drop_duplicates([*keys, "USUBJID"]).groupby(keys).size()
    events = both.drop_duplicates([*keys, *SUBJECT_EVENT]).groupby(keys).size()
    return pd.DataFrame({"n": n, "events": events}, dtype="int64")


def _class_and_term_counts(records: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Counts by class and term, and by class with the term blank (any event of the class)."""
    keys = ["ABODSYS", "ADECOD", *by]
    return pd.concat([_counts(records.assign(ADECOD=""), keys), _counts(records, keys)])


def _worst(records: pd.DataFrame) -> pd.DataFrame:
    """The events of each subject, class and term that have its maximum grade, with GRADE in words."""
    keys = ["USUBJID", "ABODSYS", "ADECOD"]
    # A missing grade ranks below every grade: it never hides a known one.
    grade = records["ATOXGR"].astype("Int64").fillna(0)
    worst = grade.groupby([records[name] for name in keys]).transform("max")
    words = worst.map({0: NO_GRADE, **{k: f"grade {k}" for k in GRADES}}).astype("str")
    return records.assign(GRADE=words)[grade == worst]


def _ranked(counts: pd.DataFrame) -> list[tuple[str, str]]:
    """(class, term) pairs in the order of a table: classes and terms by subjects in Total, descending, then by name."""
    if counts.empty:
        return []
    total = counts.xs(TOTAL, level="LEVEL")["n"].rename("n").reset_index()
    of_class = total[total["ADECOD"] == ""].set_index("ABODSYS")["n"]
    total = total.assign(of_class=total["ABODSYS"].map(of_class), is_term=total["ADECOD"] != "")
    order = total.sort_values(
        ["of_class", "ABODSYS", "is_term", "n", "ADECOD"], ascending=[False, True, True, False, True], kind="stable"
    )
    return list(order[["ABODSYS", "ADECOD"]].itertuples(index=False, name=None))


def _cells(counts: pd.DataFrame) -> dict[tuple[str, ...], tuple[int, int]]:
    """n and events by the tuple of the index."""
    keys = counts.index if isinstance(counts.index, pd.MultiIndex) else [(key,) for key in counts.index]
    return dict(zip(keys, zip(counts["n"].tolist(), counts["events"].tolist(), strict=True), strict=True))
