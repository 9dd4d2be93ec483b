"""Reported numbers of treatment-emergent events by their relationship to iMSC (T-9, rulebook §3.1, §3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.messages import msg
from trialbook.protocol.analysis import AesiRule, Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.safety.counting import (
    ANY_EVENT,
    CLASS_TERM,
    NONE,
    OVERALL,
    Cells,
    class_and_term_counts,
    counts,
    mask_counts,
    maximum_rows,
    ranked,
    set_sizes,
)
from trialbook.safety.relationship import criterion_ticked, relationship_level

# ----------------------------------------------------------------------------------------------------
# Reported numbers of adverse events: overview, by system organ class and preferred term, by maximum grade (§3.4).


LABELS = {
    "TEAE": msg("Any TEAE"),
    "TEAE_GE3": msg("TEAE of grade 3 or more"),
    "TRAE": msg("TEAE related to treatment"),
    "TRAE_GE3": msg("Related TEAE of grade 3 or more"),
    "SAE": msg("Serious TEAE"),
    "SRAE": msg("Serious related TEAE"),
    "TEAE_DISC": msg("TEAE leading to infusion interruption or discontinuation"),
    "TEAE_DTH": msg("TEAE leading to death"),
    "AESI": msg("TEAE of special interest"),
    "DLT": msg("DLT confirmed by the committee"),
}
# Rows that rest on a grade, and the row that they are a part of.
BY_SEVERITY = {"TEAE_GE3": "TEAE", "TRAE_GE3": "TRAE", "AESI": "TEAE"}
UNGRADED = "ungraded"
UNGRADED_LABEL = msg("not graded")
# Rows that rest on the seriousness of an event, and the row that they are a part of.
BY_SERIOUSNESS = {"SAE": "TEAE", "SRAE": "TRAE"}
UNKNOWN_SERIOUSNESS = "unknown seriousness"
# What may belong to a row and is not known to: the context of its numbers, and how readers see it.
LEFT_OPEN = {UNGRADED: UNGRADED_LABEL, UNKNOWN_SERIOUSNESS: "of unknown seriousness"}
LEFT_OPEN_STATS = {UNGRADED: "ungraded", UNKNOWN_SERIOUSNESS: "unknown"}
CONTEXT_OF = dict.fromkeys(BY_SEVERITY, UNGRADED) | dict.fromkeys(BY_SERIOUSNESS, UNKNOWN_SERIOUSNESS)
# A cell of an event table: subjects (share) [events], and beside it what has no grade, or no seriousness.
BESIDE = "".join(f"<, and {{{stat}}} {LEFT_OPEN[context]}>" for context, stat in LEFT_OPEN_STATS.items())
FATAL_WORDS = ("FATAL", "死亡")
EVENT_CELL = "{n} ({p}) [{events}]" + BESIDE
SOC_PT_TABLES = {"TEAE_SOC_PT": "TEAE", "TRAE_SOC_PT": "TRAE", "SAE_SOC_PT": "SAE"}
GRADE_WORDS = {grade: msg("grade {grade}", grade=grade) for grade in (1, 2, 3, 4, 5)}
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


def left_open(adae: pd.DataFrame) -> dict[str, pd.Series]:
    """Which records may belong to a row of the overview because their grade or seriousness is missing (§14.4)."""
    chosen, unknown = selections(adae), seriousness_open(adae)
    return ungraded(adae) | {name: chosen[whole] & unknown for name, whole in BY_SERIOUSNESS.items()}


def seriousness_given(ae: pd.DataFrame) -> pd.Series:
    """AESER of each record, Y or N; blank where it is missing or says neither.

    >>> seriousness_given(pd.DataFrame({"AESER": ["y", "?", None]})).tolist()
    ['Y', '', '']
    """
    given = ae["AESER"].fillna("").astype("str").str.upper().str.strip()
    return given.where(given.isin(["Y", "N"]), "")


def seriousness_open(adae: pd.DataFrame) -> pd.Series:
    """Which records may be serious (§14.4): AESER is neither Y nor N, and nothing else makes the event serious; or it
    is N and a seriousness criterion is ticked, a contradiction (A-171).

    >>> ae = pd.DataFrame({"AESER": ["N", None, "N"], "AESHOSP": ["", "", "Y"], "ASER": ""})
    >>> seriousness_open(ae).tolist()
    [False, True, True]
    """
    given = seriousness_given(adae)
    return adae["ASER"].ne("Y") & (given.eq("") | (given.eq("N") & criterion_ticked(adae)))


def seriousness_collected(adae: pd.DataFrame) -> bool:
    """False where there are events but of none is the seriousness known: serious rows are then not evaluable, not 0."""
    return adae.empty or not seriousness_open(adae).all()


def ungraded(adae: pd.DataFrame) -> dict[str, pd.Series]:
    """Which records a row of the overview that rests on a grade would count if their missing grade were high enough."""
    chosen, missing = selections(adae), adae["ATOXGR"].isna()
    masks = {name: chosen[whole] & missing for name, whole in BY_SEVERITY.items()}
    # A dataset of an earlier version does not say what might be of special interest.
    possible = adae["AESIOPEN"].ne("") if "AESIOPEN" in adae else False
    return masks | {"AESI": masks["AESI"] & possible}


def open_rows(analysis_id: str, level: str, name: str, found: tuple[int | None, int | None]) -> list[ArdRow]:
    """Rows n and events of what a row of the overview leaves open, in the context of `CONTEXT_OF`."""
    stats = zip(("n", "events"), found, strict=True)
    return [ard_row(analysis_id, level, name, stat, value, context=CONTEXT_OF[name]) for stat, value in stats]


def has_open_rows(name: str, found: Cells) -> bool:
    """Whether a row has rows beside it: always one that rests on a grade, else where something is open in Total."""
    return name in BY_SEVERITY or (name in CONTEXT_OF and found.get((TOTAL, name), NONE)[1] > 0)


def with_ungraded(ard: pd.DataFrame, counted: str = "n") -> pd.DataFrame:
    """The ARD rows of a table with what is left open (`LEFT_OPEN_STATS`) in the row and level to which it belongs.

    It is the statistic `counted` of that context, where it is above 0 and the row's own number is evaluable.
    """
    beside = ard["context"].isin(list(LEFT_OPEN))
    keys = ["variable", "variable_level", "group1_level"]
    known = ard.loc[~beside & ard["stat_name"].eq(counted) & ard["stat"].notna(), keys]
    open_ones = ard[beside & ard["stat_name"].eq(counted) & ard["stat"].gt(0)].merge(known, on=keys)
    stats = open_ones["context"].map(LEFT_OPEN_STATS).astype("str")
    open_ones = open_ones.assign(context="", stat_name=stats)[ard.columns]
    return pd.concat([ard[~beside], open_ones], ignore_index=True)


def overview_kinds(
    adae: pd.DataFrame, protocol: Protocol, analysis: Analysis, adjudicated: bool = True
) -> dict[str, bool]:  # fmt: skip
    """The rows of the overview in order, and whether the data can answer each.

    DLT is there only where it is an endpoint, AESI only where the protocol file names searches. What was not collected
    for any event of a treated subject (grades, seriousness, the action taken) is not evaluable: its numbers are null,
    not 0. What was collected of screen failures says nothing of these. `adjudicated`: the committee's flags (SUPPAE)
    were delivered; without them nobody knows how many DLTs are confirmed (§14.2).
    """
    counted = adae[adae["SAFFL"] == "Y"]
    collected = {
        "TEAE_GE3": grades_collected(counted),
        "TRAE_GE3": grades_collected(counted),
        "TEAE_DISC": counted.empty or bool(counted["AEACN"].notna().any()),
        "SAE": seriousness_collected(counted),
        "SRAE": seriousness_collected(counted),
        "DLT": adjudicated or bool(counted["DLTFL"].ne("").any()),
    }
    asked = {"DLT": protocol.has_endpoint("DLT"), "AESI": bool(analysis.aesi)}
    return {name: collected.get(name, True) for name in LABELS if asked.get(name, True)}


def fatal(adae: pd.DataFrame) -> pd.Series:
    """Events that led to death: grade 5, AESDTH Y, or outcome FATAL."""
    outcome = adae["AEOUT"].fillna("").str.upper().str.strip()
    by_grade = adae["ATOXGR"].eq(5).fillna(False).astype(bool)
    return by_grade | adae["AESDTH"].fillna("").str.upper().eq("Y") | outcome.isin(FATAL_WORDS)


def grades_collected(adae: pd.DataFrame) -> bool:
    """False where there are events but none has a CTCAE grade: grade rows are then not evaluable, not 0."""
    return adae.empty or bool(adae["ATOXGR"].notna().any())


def overview_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, adjudicated: bool = True
) -> list[ArdRow]:  # fmt: skip
    """TEAE_OVERVIEW: subjects with at least one event and number of events (episodes) of each kind, by level.

    Kinds that rest on a grade have rows of context `ungraded` beside: subjects and events whose grade is missing, so
    that they may belong there (§14.4). Serious events have rows of context `unknown seriousness` likewise, where there
    are any. `adjudicated`: see `overview_kinds`.
    """
    sizes = set_sizes(adsl, protocol.level_ids)
    found = mask_counts(adae, selections(adae))
    open_ones = mask_counts(adae, left_open(adae))
    rows: list[ArdRow] = []
    for name, evaluable in overview_kinds(adae, protocol, analysis, adjudicated).items():
        for level, size in sizes.items():
            n, events = found.get((level, name), NONE)
            if evaluable:
                rows += proportion_rows("TEAE_OVERVIEW", level, name, n, size, events)
            else:
                word = NOT_EVALUABLE if name == "DLT" else None
                stats = ("n", "p", "events")
                rows += [ard_row("TEAE_OVERVIEW", level, name, stat, None, stat_text=word) for stat in stats]
                rows.append(ard_row("TEAE_OVERVIEW", level, name, "N", size))
            if has_open_rows(name, open_ones):
                # Where no grade was collected at all, every event is without one: the count itself says that.
                beside = open_ones.get((level, name), NONE) if evaluable else (None, None)
                rows += open_rows("TEAE_OVERVIEW", level, name, beside)
    return rows


def grade_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_GRADE: subjects by the MAXIMUM known grade of their events in each class and term, `grade k` as context.

    The variable TEAE gives the maximum over all events of a subject. Context `ungraded`: subjects with an event whose
    grade is missing, whatever grades their other events have (§14.4); a class or term has it only where there is one.
    Empty where no grade was collected.
    """
    records = adae[selections(adae)["TEAE"]]
    if records.empty or not grades_collected(adae):
        return []
    sizes = set_sizes(adsl, protocol.level_ids)
    rows = maximum_rows("TEAE_GRADE", records, grade_rank(records), GRADE_WORDS, sizes)
    missing = records[records["ATOXGR"].isna()]
    found = counts(missing.assign(ABODSYS=OVERALL, ADECOD=""), CLASS_TERM) | class_and_term_counts(missing)
    occurring = {key[1:] for key in found if key[0] == TOTAL}
    for soc, term in [(OVERALL, ""), *(row for row in ranked(class_and_term_counts(records)) if row in occurring)]:
        for level, size in sizes.items():
            n, events = found.get((level, soc, term), NONE)
            rows += proportion_rows("TEAE_GRADE", level, soc, n, size, events, variable_level=term, context=UNGRADED)
    return rows


def grade_rank(records: pd.DataFrame) -> pd.Series:
    """The grade of each record as a rank, 0 (no rank of `GRADE_WORDS`) where it is missing."""
    return records["ATOXGR"].astype("Int64").fillna(0).astype("int64")


def maximum_frame(ard: pd.DataFrame, level: str = TOTAL) -> pd.DataFrame:
    """Rows by maximum (TEAE_GRADE, TEAE_REL) of one level to read: class, term, a column of subjects per maximum."""
    rows = ard[(ard["group1_level"] == level) & (ard["stat_name"] == "n") & (ard["variable"] != OVERALL)]
    keys = ["variable", "variable_level"]
    wide = rows.pivot(index=keys, columns="context", values="stat_text")
    order = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    contexts = list(dict.fromkeys(ard.loc[ard["stat_name"].eq("n"), "context"]))
    # A maximum without a row occurs nowhere in that term.
    wide = wide.reindex(index=order, columns=contexts).astype("object").fillna("0").astype("str").reset_index()
    return wide.rename_axis(columns=None).replace({"variable_level": {"": ANY_EVENT}})


# ----------------------------------------------------------------------------------------------------
# Reported numbers of event categories: special interest (T-11) and kinds of infection (T-14) (§3.4, §3.5).


ANY_INFECTION = "Any infection"


def aesi_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """AESI_CAT: subjects and events of special interest by category, in the order of the protocol's searches.

    A category that events without a grade may belong to has rows n and events of context `ungraded` (§14.4).
    """
    rows = _category_rows("AESI_CAT", "AESICAT", special(adae), adsl, protocol, categories(analysis.aesi))
    missing = counts(possible(adae), ["AESICAT"])
    for category in categories(analysis.aesi):
        for level in set_sizes(adsl, protocol.level_ids) if (TOTAL, category) in missing else ():
            found = zip(("n", "events"), missing.get((level, category), NONE), strict=True)
            rows += [
                ard_row("AESI_CAT", level, "AESICAT", stat, value, variable_level=category, context=UNGRADED)
                for stat, value in found
            ]
    return rows


def infection_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """INFECTION_CAT: subjects and events by kind of infection, any first; empty where the protocol names no kinds."""
    kinds = categories(analysis.infections)
    named = [ANY_INFECTION, *kinds] if kinds else []
    return _category_rows("INFECTION_CAT", "INFCAT", infections(adae), adsl, protocol, named)


def special(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of special interest."""
    return adae[selections(adae)["AESI"]]


def possible(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of special interest if their missing grade is high enough, under that category."""
    if "AESIOPEN" not in adae:
        return adae.iloc[:0]
    records = adae[ungraded(adae)["AESI"]]
    return records.assign(AESICAT=records["AESIOPEN"])


def infections(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of infections, each under its kind and once more as any infection."""
    records = adae[selections(adae)["TEAE"] & (adae["INFCAT"] != "")]
    return pd.concat([records.assign(INFCAT=ANY_INFECTION), records])


def categories(rules: Sequence[AesiRule]) -> list[str]:
    """The categories that searches name, each once, in their order."""
    return list(dict.fromkeys(rule.category for rule in rules))


def _category_rows(
    analysis_id: str, variable: str, records: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, named: list[str]
) -> list[ArdRow]:
    sizes = set_sizes(adsl, protocol.level_ids)
    found = counts(records, [variable])
    rows: list[ArdRow] = []
    for category in named:
        for level, size in sizes.items():
            n, events = found.get((level, category), NONE)
            rows += proportion_rows(analysis_id, level, variable, n, size, events, variable_level=category)
    return rows


# ----------------------------------------------------------------------------------------------------

# From the least to the most: what nobody has judged yet is between "unlikely" and "possible".
LEVELS = ("not", "unlikely", "missing", "unassessable", "possible", "related", "probable", "definite")
WORDS = {
    "definite": msg("definitely related"),
    "probable": msg("probably related"),
    "related": msg("related, no degree given"),
    "possible": msg("possibly related"),
    "unassessable": msg("cannot be judged"),
    "missing": msg("not given"),
    "unlikely": msg("unlikely related"),
    "not": msg("not related"),
}
RELATION_WORDS = {LEVELS.index(level): text for level, text in WORDS.items()}
SELDOM = [LEVELS.index(level) for level in ("related", "unassessable", "missing")]


def relation_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_REL: subjects by the MAXIMUM relationship of their events in each class and term, in words as context.

    The variable TEAE gives the maximum over all events of a subject; classes and terms have rows for the relationships
    that occur in Total. The degree is the one that the site gave;
    whether it counts as related is in ADAE AREL.
    """
    records = adae[selections(adae)["TEAE"]]
    if records.empty:
        return []
    sizes = set_sizes(adsl, protocol.level_ids)
    return maximum_rows("TEAE_REL", records, relation_rank(records), RELATION_WORDS, sizes, SELDOM, sparse=True)


def relation_rank(records: pd.DataFrame) -> pd.Series:
    """The place of each record's relationship in `LEVELS`, the most related highest."""
    return relationship_level(records["AEREL"]).map({level: rank for rank, level in enumerate(LEVELS)}).astype("int64")
