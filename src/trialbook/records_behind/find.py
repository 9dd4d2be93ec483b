"""Which records of the analysis datasets are behind a number of the results (ARD).

    found = records_behind(ResultNumber("DLT_SETS", "DL2", "COUNTED"), Studied(datasets))
    found.dataset, found.rows      # "addlt", the positions of its rows: those counted first
    found.counted                  # how many of these are counted; the others are in the set (the denominator) only

Every rule is written over the published datasets, apart from the code that counted, so that a number and the records
behind it can be held against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from trialbook.efficacy.baseline_groups import baseline_groups, baseline_stages
from trialbook.gvhd.grade import grade_bounds, grade_text
from trialbook.records_behind.studied import GRADED, RecordsBehind, ResultNumber, Studied
from trialbook.results.ard import TOTAL
from trialbook.results.recount import DLT_GROUPS, RESPONSES, SETS
from trialbook.safety.ae_tables import (
    UNGRADED,
    seriousness_open,
)
from trialbook.safety.counting import OVERALL
from trialbook.safety.lab_tables import RISEN
from trialbook.safety.ledger import ALL, IN_WINDOW, UNKNOWN
from trialbook.subjects.demography import UNKNOWN as NOT_KNOWN
from trialbook.subjects.flow import FLOW, flow_flags

PENDING = "PENDING"
SEVERE = 3

# Of a number: the dataset, which of its rows are in the set, which of them are counted, the variable of the level.
Found = tuple[str, pd.Series, pd.Series, str]
Rule = Callable[[ResultNumber, Studied], Found | None]


def records_behind(number: ResultNumber, studied: Studied) -> RecordsBehind | None:
    """The records behind a number; None where no rule says, or no record is in its set."""
    if number not in studied.behind:
        studied.behind[number] = _records_behind(number, studied)
    return studied.behind[number]


def _records_behind(number: ResultNumber, studied: Studied) -> RecordsBehind | None:
    rule = RULES.get(number.analysis_id)
    found = rule(number, studied) if rule else None
    if found is None:
        return None
    dataset, among, counted, level = found
    if number.group1_level != TOTAL:
        among = among & (studied.level_of(dataset, level) == number.group1_level)
    rows = np.flatnonzero(among.to_numpy(dtype=bool))
    if not len(rows):
        return None
    is_counted = counted.to_numpy(dtype=bool)[rows]
    ordered = [*rows[is_counted].tolist(), *rows[~is_counted].tolist()]
    return RecordsBehind(dataset, tuple(ordered), int(is_counted.sum()))


def _everyone(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(True, index=frame.index)


# ----------------------------------------------------------------------------------------------------
# Subjects and eligibility


def _sets(number: ResultNumber, studied: Studied) -> Found | None:
    if number.variable not in SETS:
        return None
    member = studied.frame("adsl")[number.variable].eq("Y")
    return "adsl", member, member, SETS[number.variable]


def _disposition(number: ResultNumber, studied: Studied) -> Found | None:
    adsl = studied.frame("adsl")
    if number.variable_level and studied.has("adie"):
        adie = studied.frame("adie")
        failed = adsl.loc[flow_flags(adsl)["SCRNFAIL"], "USUBJID"]
        here = adie["CRITCD"].eq(number.variable_level) & adie["USUBJID"].isin(failed)
        here = here & adie["RESULT"].isin(["FAIL", "ATT-FAIL", "CONFLICT"])
        return "adie", here, here, ""
    if number.variable not in FLOW:
        return None
    here = flow_flags(adsl)[number.variable].astype(bool)
    return "adsl", here, here, ""


def _audit(number: ResultNumber, studied: Studied) -> Found:
    adie = studied.frame("adie")
    here = adie["CRITCD"].eq(number.variable) & adie["RESULT"].eq(number.variable_level)
    return "adie", here, here, ""


def _people(number: ResultNumber, studied: Studied) -> Found | None:
    """Age, sex and the like, as far as ADSL holds them."""
    adsl = studied.frame("adsl")
    if number.variable not in adsl:
        return None
    treated = adsl["SAFFL"].eq("Y")
    if not number.variable_level:
        return "adsl", treated, treated & adsl[number.variable].notna(), "TRT01A"
    return "adsl", treated, treated & adsl[number.variable].astype("str").eq(number.variable_level), "TRT01A"


def _at_entry(number: ResultNumber, studied: Studied) -> Found | None:
    """Grade, organs involved and stages at the first infusion (T-3), as the baseline of the response holds them."""
    if not studied.has("adrsp28"):
        return None
    day28 = studied.frame("adrsp28")
    stages = baseline_stages(day28)
    organ = number.variable.removesuffix("STBL")
    if organ in stages:
        values = stages[organ].astype("Int64").astype("str").fillna("")
    elif number.variable == "ORGANSBL":
        values = stages.gt(0).sum(axis=1).astype("str").where(stages.notna().all(axis=1), "")
    elif number.variable == "GRADEBL":
        bounds = grade_bounds(stages)
        low, high = (grade_text(bounds[name]) for name in ("GRADELO", "GRADEHI"))
        values = low.where(low.eq(high), low + " to " + high).mask(day28["BASESTG"].eq(""), "")
    else:
        # The lines of therapy and how steroids failed are in no dataset of the analysis.
        return None
    wanted = "" if number.variable_level == NOT_KNOWN else number.variable_level
    return "adrsp28", _everyone(day28), values.eq(wanted), "TRT01A"


def _exposure(number: ResultNumber, studied: Studied) -> Found | None:
    """Treated subjects by their infusions; what was due by the cut is no variable of ADSL."""
    adsl, value = studied.frame("adsl"), number.variable_level
    treated, given = adsl["SAFFL"].eq("Y"), adsl["NINF"].fillna(0)
    chosen = {
        "NINF": given.eq(int(value or 0)), "DOSEKG": given.ge(int(value or 0)), "CUMDOSE": given.gt(0),
        "SHARE": given.gt(0),
    }  # fmt: skip
    if number.variable not in chosen:
        return None
    here = treated & chosen[number.variable].astype(bool)
    return "adsl", here, here, "TRT01A"


# ----------------------------------------------------------------------------------------------------
# Adverse events


def _overview(number: ResultNumber, studied: Studied) -> Found | None:
    masks = studied.left_open if number.context else studied.chosen
    if number.variable not in masks:
        return None
    return _events(masks[number.variable])


def _events(here: pd.Series) -> Found:
    return "adae", here, here, "TRT01A"


OF_TERM = {"TEAE_SOC_PT": "TEAE", "TRAE_SOC_PT": "TRAE", "SAE_SOC_PT": "SAE"}


def _terms(number: ResultNumber, studied: Studied) -> Found:
    return _events(studied.chosen[OF_TERM[number.analysis_id]] & _term(number, studied.frame("adae")))


def _term(number: ResultNumber, frame: pd.DataFrame) -> pd.Series:
    """The records of a class (TEAE: of any), and of a term where the number is about one."""
    here = frame["ABODSYS"].eq(number.variable) | (number.variable == OVERALL)
    return here & frame["ADECOD"].eq(number.variable_level) if number.variable_level else here


def _maximum(number: ResultNumber, studied: Studied) -> Found:
    adae = studied.frame("adae")
    if number.context == UNGRADED:
        return _events(studied.chosen["TEAE"] & adae["ATOXGR"].isna() & _term(number, adae))
    both = studied.maxima[number.analysis_id]
    own = both["ABODSYS"].eq(number.variable) & both["ADECOD"].eq(number.variable_level)
    return _events(_at(adae, both.index[own & both["MAXIMUM"].eq(number.context)]))


def _categories(number: ResultNumber, studied: Studied) -> Found:
    kind = "INFECTION" if number.analysis_id == "INFECTION_CAT" else "POSSIBLE" if number.context else "AESI"
    category = studied.categories[kind]
    return _events(_at(studied.frame("adae"), category.index[category.eq(number.variable_level)]))


def _ledger(number: ResultNumber, studied: Studied) -> Found:
    """The records of the serious events (SAE, SRAE: the related) or those of special interest, from consent on."""
    records, kind = studied.ledger, number.variable.removesuffix(UNKNOWN)
    if kind == "AESI":
        records = records[records["AESICAT"].ne("")]
    else:
        certain, open_ = records["ASER"].eq("Y"), seriousness_open(records)
        decided = certain.groupby([records["USUBJID"], records["EPISODE"]]).transform("any").astype(bool)
        records = records[open_ & ~decided if number.variable.endswith(UNKNOWN) else certain]
    event = [records["USUBJID"], records["EPISODE"]]
    if kind == "SRAE":
        records = records[records["AREL"].eq("RELATED").groupby(event).transform("any").astype(bool)]
    if number.context != ALL and len(records):
        order = records.sort_values(["ASTDT", "AESEQ"], kind="stable", na_position="last")
        first = order.groupby(["USUBJID", "EPISODE"])["WHERE"].agg(
            lambda where: IN_WINDOW if where.eq(IN_WINDOW).any() else where.iloc[0]
        )
        at = first.reindex(pd.MultiIndex.from_frame(records[["USUBJID", "EPISODE"]])).eq(number.context)
        records = records[at.to_numpy(dtype=bool)]
    return _events(_at(studied.frame("adae"), records.index))


def _at(frame: pd.DataFrame, labels: pd.Index) -> pd.Series:
    return pd.Series(frame.index.isin(labels), index=frame.index)


# ----------------------------------------------------------------------------------------------------
# Laboratory results


def _laboratory(number: ResultNumber, studied: Studied) -> Found | None:
    """The worst results of a test: by their grade and that of the baseline, or by how far it is worse."""
    if number.variable not in GRADED:
        return None
    found = studied.worst_results(number.variable)
    if number.group1_level != TOTAL:
        found = found[found["TRT01A"].eq(number.group1_level)]
    grade, base = found["GRADE"].astype("Int64"), found["BASE"].astype("Int64")
    if number.analysis_id == "LAB_SHIFT":
        words = [text.astype("str").where(text.notna(), "missing") for text in (grade, base)]
        chosen = words[0].eq(number.variable_level) & words[1].eq(number.context)
    else:
        worse = (grade > base.fillna(0)).fillna(False)
        chosen = dict(zip(RISEN, (worse, worse & (grade >= SEVERE).fillna(False)), strict=True)).get(
            number.context, grade.notna()
        )
    records = found.index[chosen.astype(bool)]
    if records.empty:
        return None
    here = _at(studied.frame("adlb"), records)
    return "adlb", here, here, "TRT01A"


# ----------------------------------------------------------------------------------------------------
# Dose-limiting toxicity


def _dlt_status(number: ResultNumber, studied: Studied) -> Found:
    here = studied.frame("addlt")["DLTSTAT"].eq(number.variable_level)
    return "addlt", here, here, "TRT01A"


def _dlt_sets(number: ResultNumber, studied: Studied) -> Found:
    addlt = studied.frame("addlt")
    if number.variable in DLT_GROUPS:
        here = addlt["DLTSTAT"].isin(DLT_GROUPS[number.variable])
    else:
        here = addlt["COUNTED"].eq("Y") if number.variable == "COUNTED" else _everyone(addlt)
    return "addlt", here, here, "TRT01A"


def _dlt_rate(number: ResultNumber, studied: Studied) -> Found:
    addlt = studied.frame("addlt")
    return "addlt", addlt["DLTSTAT"].isin(DLT_GROUPS["EVALUABLE"]), addlt["COUNTED"].eq("Y"), "TRT01A"


# ----------------------------------------------------------------------------------------------------
# Response


# Parameter of ADRS and the values that are a success, by analysis; of several parameters the one of the number.
SUCCESS: dict[str, tuple[str, ...]] = {
    "ORR_D14": RESPONSES["ORR_D28"], "ORR_D56": ("Y",), "BOR_RATE": RESPONSES["ORR_D28"],
    "ORGAN_D28": RESPONSES["ORR_D28"], "VGPR_D28": ("Y",),
}  # fmt: skip
STEROIDS = {"reduced": ("SPARED", "STOPPED"), "stopped": ("STOPPED",)}


def _day28(number: ResultNumber, studied: Studied) -> Found:
    day28 = studied.frame("adrsp28")
    return "adrsp28", day28["MAT28FL"].eq("Y"), day28["AVALC"].isin(RESPONSES[number.analysis_id]), "TRT01A"


def _category(number: ResultNumber, studied: Studied) -> Found:
    day28 = studied.frame("adrsp28")
    here = day28["AVALC"].eq(number.variable_level) & day28["REASON"].eq(number.context)
    return "adrsp28", here, here, "TRT01A"


def _group(number: ResultNumber, studied: Studied) -> Found | None:
    """The mature subjects of a group at baseline; it counts the responders."""
    day28 = studied.frame("adrsp28")
    member = baseline_groups(day28).get((number.variable, number.variable_level))
    if member is None:
        return None
    return "adrsp28", member & day28["MAT28FL"].eq("Y"), day28["AVALC"].isin(RESPONSES["ORR_D28"]), "TRT01A"


def _intercurrent(number: ResultNumber, studied: Studied) -> Found:
    day28 = studied.frame("adrsp28")
    had = {
        "RELAPSE": day28["RELAPFL"].eq("Y"), "DLI": day28["DLIFL"].eq("Y"),
        "NEWTX": day28["REASON"].eq("NEWTX") | ~day28["EVNTDESC"].isin(["", "death"]),
    }.get(number.variable_level, day28["REASON"].eq(number.variable_level))  # fmt: skip
    return "adrsp28", day28["MAT28FL"].eq("Y"), had, "TRT01A"


def _agreement(number: ResultNumber, studied: Studied) -> Found:
    """Derived against investigator's: the categories of the stages, beside what the site said on the same day."""
    day28, adrs = studied.frame("adrsp28"), studied.frame("adrs")
    said = adrs[adrs["PARAMCD"].eq("RSPINV")].drop_duplicates(["USUBJID", "ADT"]).set_index(["USUBJID", "ADT"])["AVALC"]
    keys = pd.MultiIndex.from_frame(day28[["USUBJID", "ADT"]])
    site = pd.Series(said.reindex(keys).fillna("none").to_numpy(), index=day28.index)
    mature = day28["MAT28FL"].eq("Y") & day28["RSPSTG"].isin(["CR", "PR", "MR", "NR", "PD"])
    if number.variable == "AGREE":
        return "adrsp28", mature & site.ne("none"), day28["RSPSTG"].eq(site), "TRT01A"
    here = mature & day28["RSPSTG"].eq(number.variable_level) & site.eq(number.context)
    return "adrsp28", here, here, "TRT01A"


def _secondary(number: ResultNumber, studied: Studied) -> Found:
    adrs = studied.frame("adrs")
    own = adrs["PARAMCD"].eq(number.variable)
    success = STEROIDS.get(number.variable_level) or SUCCESS[number.analysis_id]
    return "adrs", own & adrs["AVALC"].ne(PENDING), own & adrs["AVALC"].isin(success), "TRT01A"


def _best(number: ResultNumber, studied: Studied) -> Found:
    adrs = studied.frame("adrs")
    here = adrs["PARAMCD"].eq("BOR") & adrs["AVALC"].eq(number.variable_level)
    return "adrs", here, here, "TRT01A"


# ----------------------------------------------------------------------------------------------------
# Survival, follow-up and times


def _times(number: ResultNumber, studied: Studied) -> Found:
    """The times of an endpoint; it counts the events, up to the day where the number is about one."""
    adtte = studied.frame("adtte")
    parameter = number.analysis_id.split("_")[0]
    followed = adtte["PARAMCD"].eq(parameter)
    # Of an endpoint that is not evaluable, N counts who is followed for survival.
    followed = followed if followed.any() else adtte["PARAMCD"].eq("OS")
    event = adtte["CNSR"].eq(0) & adtte["PARAMCD"].eq(parameter)
    return "adtte", followed, event & _by_day(number, adtte), "TRT01A"


def _by_day(number: ResultNumber, adtte: pd.DataFrame) -> pd.Series:
    day = number.variable_level
    return adtte["AVAL"].le(float(day)) if day.isdigit() else _everyone(adtte)


CAUSES = {"NRM": 0, "RELAPSE": 2}


def _incidence(number: ResultNumber, studied: Studied) -> Found:
    adtte = studied.frame("adtte")
    own = adtte["PARAMCD"].eq("NRM")
    return "adtte", own, own & adtte["CNSR"].eq(CAUSES[number.variable]) & _by_day(number, adtte), "TRT01A"


def _follow_up(number: ResultNumber, studied: Studied) -> Found:
    """Follow-up: every subject followed for survival; the median counts those who are censored, and who was last seen
    too long ago is one of them.
    """
    adtte = studied.frame("adtte")
    own = adtte["PARAMCD"].eq("OS")
    living = own & adtte["CNSR"].ne(0)
    return "adtte", living if number.analysis_id == "FUP_STALE" else own, living, "TRT01A"


def _responders(number: ResultNumber, studied: Studied) -> Found:
    own = studied.frame("adtte")["PARAMCD"].eq("TTR")
    return "adtte", own, own, "TRT01A"


# ----------------------------------------------------------------------------------------------------
# Outcomes of a trial of cells


def _late_events(number: ResultNumber, studied: Studied) -> Found | None:
    """The adverse events of one kind since the first infusion, in the window of the other tables and after it."""
    adct, adae = studied.frame("adct"), studied.frame("adae")
    names = adct.loc[adct["PARAMCD"].eq(number.variable), "PARAM"]
    if names.empty:
        return None
    since = adae["TRTEMFL"].eq("Y") | adae["RELDAY"].gt(0).fillna(False).astype(bool)
    return _events(adae["SAFFL"].eq("Y") & adae["AESICAT"].eq(names.iloc[0]) & since)


def _outcome(number: ResultNumber, studied: Studied) -> Found:
    """The rows of one outcome in ADCT: those counted have the answer, or the place, that the number is about."""
    adct = studied.frame("adct")
    own = adct["PARAMCD"].eq(number.variable)
    answer, base = adct["AVALC"], adct["BASEC"]
    if number.analysis_id == "PRODUCT":
        counted = adct["LIMFL"].eq("OUT") if number.variable_level else answer.ne("")
    elif number.analysis_id == "FUP_WINDOW":
        counted = answer.eq(number.variable_level)
    elif number.context == "adverse event":
        counted = adct["AEFL"].eq("Y")
    elif number.context == "laboratory":
        counted = adct["LABFL"].eq("Y")
    elif number.variable_level == "TESTED":
        counted = answer.ne("NE") | adct["REASON"].eq("UNCLEAR")
    elif number.variable_level == "DE NOVO":
        counted = answer.eq("Y") & base.eq("NEGATIVE")
    else:
        counted = answer.eq("PRIOR" if number.variable_level == "PRIOR" else "Y")
    return "adct", own, own & counted, "TRT01A"


# ----------------------------------------------------------------------------------------------------


def _cases(number: ResultNumber, studied: Studied) -> Found | None:
    """The worst and the best case: the subjects of the endpoint, those counted already first."""
    with_pending = number.context.endswith("with_pending")
    if number.variable == "DLT":
        addlt = studied.frame("addlt")
        groups = (*DLT_GROUPS["EVALUABLE"], *(DLT_GROUPS["WAITING"] if with_pending else ()))
        return "addlt", addlt["DLTSTAT"].isin(groups), addlt["COUNTED"].eq("Y"), "TRT01A"
    if number.variable in RESPONSES:
        day28 = studied.frame("adrsp28")
        counted = day28["AVALC"].isin(RESPONSES[number.variable])
        return "adrsp28", _everyone(day28) if with_pending else day28["AVALC"].ne(PENDING), counted, "TRT01A"
    if number.variable.startswith("OS_"):
        adtte, day = studied.frame("adtte"), float(number.variable.removeprefix("OS_"))
        own, followed = adtte["PARAMCD"].eq("OS"), adtte["AVAL"].ge(day)
        # Who could not be followed so long by the cut waits; who was lost before does not.
        due = adtte["STARTDT"].astype("datetime64[s]") + pd.to_timedelta(day, unit="D")
        cut = pd.Timestamp(studied.frame("adsl")["CUTDT"].max())
        known = own if with_pending else own & (due.le(cut) | adtte["CNSR"].eq(0))
        return "adtte", known, own & followed, "TRT01A"
    return None


RULES: dict[str, Rule] = {
    "SETS": _sets, "DISPOSITION": _disposition, "ELIG": _audit, "DEMOG": _people, "BASELINE": _at_entry,
    "EXPOSURE": _exposure,
    **dict.fromkeys(("TEAE_OVERVIEW", "EAIR", "EAER"), _overview),
    **dict.fromkeys(OF_TERM, _terms),
    **dict.fromkeys(("TEAE_GRADE", "TEAE_REL"), _maximum),
    **dict.fromkeys(("AESI_CAT", "INFECTION_CAT"), _categories),
    **dict.fromkeys(("SAE_LEDGER", "AESI_LEDGER"), _ledger), **dict.fromkeys(("LAB_WORST", "LAB_SHIFT"), _laboratory),
    "DLT": _dlt_status, "DLT_SETS": _dlt_sets, "DLT_RATE": _dlt_rate, "BOUNDS": _cases,
    **dict.fromkeys(RESPONSES, _day28),
    "ORR_GROUP": _group, "RSP28_CAT": _category, "RSP28_ICE": _intercurrent, "RSP_AGREE": _agreement, "BOR": _best,
    **dict.fromkeys((*SUCCESS, "STEROID_D28"), _secondary),
    **{f"{name}_{kind}": _times for name in ("OS", "FFS", "DOR") for kind in ("EVENTS", "KM", "MEDIAN")},
    "CIF": _incidence, **dict.fromkeys(("FUP_RKM", "FUP_POTENTIAL", "FUP_STALE"), _follow_up), "TTR": _responders,
    "LATE_EVENTS": _late_events,
    **dict.fromkeys(("FUP_WINDOW", "PRODUCT", "DSA", "VIRUS", "CGVHD"), _outcome),
}  # fmt: skip
# Numbers that no record of this cut is behind, or whose records the table itself names.
WITHOUT: dict[str, str] = {
    "CLEANING": "counts delivered records and questions; the change log and the query list hold each",
    "AE_NEW": "the column of what is new opens to its records",
    "AE_BY_CUT": "counts what each cut reported; the records are in the builds of those cuts",
    "DLT_TIMELINE": "an advice on an earlier date", "DLT_ADVICE": "an advice; its statuses open in the table above it",
    "DLT_NEXT": "an advice on outcomes that may come", "DLT_OC": "simulated",
    "ORR_PREDICTIVE": "a probability; the responses behind it open in the tables of rates",
    "DLT_PATHWAY": "a probability under assumed rates", "DLT_MODEL": "an estimate of a model",
    "STOPPING": "a probability; the counts behind it open where they are shown", "NO_EVENT": "a probability",
    "STOPPING_BOUNDARY": "the limits of a rule", "STOPPING_OC": "probabilities under assumed rates",
}  # fmt: skip
