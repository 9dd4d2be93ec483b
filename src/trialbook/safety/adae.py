"""ADAE: every adverse event with its analysis dates, emergence, relationship, grade and special interest (§3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from trialbook.core.dates import complete_date, earliest_date, latest_date, missing_part, rel_day, study_day
from trialbook.core.terms import holds_term
from trialbook.protocol.analysis import AesiRule, Analysis
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adjudication import adjudicated_dlt, known_to_site
from trialbook.safety.ae_tables import fatal, seriousness_given
from trialbook.safety.dlt_candidates import dlt_candidates
from trialbook.safety.emergence import emergent_lines, grade_rose, moment_range, treatment_emergent
from trialbook.safety.episodes import episodes, event_term
from trialbook.safety.relationship import criterion_ticked, relationship
from trialbook.subjects.dosing import infusions

# ----------------------------------------------------------------------------------------------------
# Editable searches of adverse events, applied in their order: special interest and kinds of infection (§3.4, §3.5).


def event_category(ae: pd.DataFrame, rules: Sequence[AesiRule], near: pd.Series) -> pd.Series:
    """The category of the first search that matches each record, blank where none does.

    `ae` needs AETERM AEDECOD AEBODSYS ATOXGR; `near` marks onsets within the hours after an infusion. A record
    without a grade fits only a search that asks for no grade.

    >>> rule = AesiRule(category="INFECTION", terms=["sepsis"], minimum_grade=3)
    >>> ae = pd.DataFrame({"AETERM": "Sepsis", "AEDECOD": "Sepsis", "AEBODSYS": "", "ATOXGR": pd.array([4, 2, pd.NA])})
    >>> event_category(ae, [rule], near=pd.Series(False, index=ae.index)).tolist()
    ['INFECTION', '', '']
    """
    words = ae["AEDECOD"].fillna("") + " | " + ae["AETERM"].fillna("")
    category = pd.Series("", index=ae.index, dtype="str")
    for rule in rules:
        fits = pd.Series(True, index=ae.index)
        if rule.terms:
            fits &= holds_term(words, rule.terms)
        if rule.socs:
            fits &= holds_term(ae["AEBODSYS"], rule.socs)
        if rule.minimum_grade > 1:
            fits &= (ae["ATOXGR"] >= rule.minimum_grade).fillna(False).astype(bool)
        if rule.after_infusion:
            fits &= near
        category = category.mask(fits & (category == ""), rule.category)
    return category


# ----------------------------------------------------------------------------------------------------
# Start and end dates of adverse events when parts are missing (§3.7, A-64): flags kept, known parts never changed.


def impute_partial(
    dtc: pd.Series, edge: Literal["first", "last"], *, lower: Sequence[pd.Series] = (), upper: Sequence[pd.Series] = ()
) -> pd.Series:
    """The first or last date a partial date may mean, moved to a limit that lies inside that range.

    A limit outside the range is ignored, so the known year and month never change: "2019-02", last, upper limits
    2019-01-14 and 2019-02-25 gives 2019-02-25. Lower limits are applied before upper ones. Complete dates are never
    moved; a missing date stays missing.

    >>> limits = [pd.Series(pd.to_datetime([day])) for day in ("2019-01-14", "2019-02-25")]
    >>> impute_partial(pd.Series(["2019-02"]), "last", upper=limits).astype("str").tolist()
    ['2019-02-25']
    """
    first, last = earliest_date(dtc), latest_date(dtc)
    date = first if edge == "first" else last
    for limit in lower:
        date = limit.where(limit.between(first, last) & (limit > date), date)
    for limit in upper:
        date = limit.where(limit.between(first, last) & (limit < date), date)
    return date


def impute_start(
    start: pd.Series, end: pd.Series, trtsdt: pd.Series, method: Literal["admiral_conservative", "none"]
) -> pd.DataFrame:
    """ASTDT and ASTDTF from AESTDTC, AEENDTC and TRTSDT.

    | known   | admiral_conservative                                                                       |
    |---------|--------------------------------------------------------------------------------------------|
    | YYYY-MM | first of the month, TRTSDT if it lies in that month; never after the end of the event      |
    | YYYY    | 1 January, TRTSDT if it lies in that year; never after the end of the event                |
    | missing | TRTSDT, unless the event is known to have ended before                                     |

    `none` keeps complete dates only. ASTDTF: Y, M or D = the largest imputed part, blank = nothing imputed.

    >>> infused = pd.Series(pd.to_datetime(["2025-03-05"] * 3))
    >>> start, end = pd.Series(["2025-03", "2025-02", None]), pd.Series([None, None, "2025-03-01"])
    >>> impute_start(start, end, infused, "admiral_conservative").astype("str").values.tolist()
    [['2025-03-05', 'D'], ['2025-02-01', 'D'], [nan, '']]
    """
    if method == "none":
        complete = complete_date(start)
        return pd.DataFrame({"ASTDT": complete, "ASTDTF": pd.Series("", index=start.index, dtype="str")})
    latest_end = latest_date(end)
    date = impute_partial(start, "first", lower=[trtsdt], upper=[latest_end])
    ended_before = latest_end < trtsdt
    unknown = earliest_date(start).isna()
    date = date.mask(unknown & ~ended_before, trtsdt)
    flag = missing_part(start).where(date.notna(), "")
    return pd.DataFrame({"ASTDT": date.astype("datetime64[s]"), "ASTDTF": flag})


def impute_end(end: pd.Series, caps: Sequence[pd.Series], start: pd.Series) -> pd.DataFrame:
    """AENDT, AENDTF and whether the end was moved to the start, from AEENDTC, caps (death, cut, last contact), ASTDT.

    A partial end is the last date it may mean, capped; a missing end stays missing (an ongoing event). An imputed end
    that falls before the start is set to the start (NEGDUR), since nothing says the event ended before it began.

    >>> start, death = (pd.Series(pd.to_datetime([day])) for day in ("2025-03-05", "2025-03-20"))
    >>> impute_end(pd.Series(["2025-03"]), [death], start).astype("str").values.tolist()
    [['2025-03-20', 'D', 'False']]
    """
    date = impute_partial(end, "last", upper=caps)
    flag = missing_part(end).where(date.notna(), "")
    negative = (flag != "") & (date < start)
    date = date.mask(negative, start)
    return pd.DataFrame({"AENDT": date.astype("datetime64[s]"), "AENDTF": flag, "NEGDUR": negative})


# ----------------------------------------------------------------------------------------------------
# Which infusion an adverse event followed, and how long after it (rulebook §3.5).


HOURS_DIGITS = 1


def infusion_timing(ae: pd.DataFrame, given: pd.DataFrame, hours: int) -> pd.DataFrame:
    """INFNO, INFDY, INFHRS and NEAR of each AE record: the last infusion that began by its onset, the time since.

    | variable | rule                                                                                           |
    |----------|------------------------------------------------------------------------------------------------|
    | INFNO    | number of the infusion (1 = first); missing before the first, or without a complete onset date |
    | INFDY    | days from that infusion to the onset, 0 = the same day                                         |
    | INFHRS   | hours, where both times of day are known; missing otherwise                                    |
    | NEAR     | whether the onset may lie within `hours` after the start of any infusion of the subject        |

    Without a time of day an onset may mean any moment of its day: on the day of an infusion it counts as after it
    (A-60). `ae` needs USUBJID AESTDTC; `given` the infusions in order of time: USUBJID EXSTDTC.

    >>> ae = pd.DataFrame({"USUBJID": "001", "AESTDTC": ["2025-03-05T12:30", "2025-03-05", "2025-03-01"]})
    >>> given = pd.DataFrame({"USUBJID": ["001"], "EXSTDTC": ["2025-03-05T10:00"]})
    >>> infusion_timing(ae, given, 24)[["INFNO", "INFHRS", "NEAR"]].values.tolist()
    [[1, 2.5, True], [1, nan, True], [<NA>, nan, False]]
    """
    onset = moment_range(ae["AESTDTC"]).assign(USUBJID=ae["USUBJID"], row=range(len(ae)))
    onset["complete"] = missing_part(ae["AESTDTC"]).eq("") & onset["first"].notna()
    start = moment_range(given["EXSTDTC"]).rename(columns={"first": "from", "last": "until"})
    start = start.assign(USUBJID=given["USUBJID"], INFNO=given.groupby("USUBJID").cumcount() + 1)
    pairs = onset.merge(start, on="USUBJID")
    pairs = pairs[pairs["last"] >= pairs["from"]]
    near = pairs.loc[pairs["first"] <= pairs["until"] + pd.Timedelta(hours=hours), "row"]
    last = pairs[pairs["complete"]].sort_values(["row", "INFNO"], kind="stable")
    last = last.drop_duplicates("row", keep="last").set_index("row")
    timed = last["first"].eq(last["last"]) & last["from"].eq(last["until"])
    found = pd.DataFrame({
        "INFNO": last["INFNO"],
        "INFDY": (last["first"].dt.normalize() - last["from"].dt.normalize()) / pd.Timedelta(days=1),
        "INFHRS": ((last["first"] - last["from"]) / pd.Timedelta(hours=1)).round(HOURS_DIGITS).where(timed),
    }).reindex(range(len(ae))).set_axis(ae.index)  # fmt: skip
    found = found.astype("Float64").astype({"INFNO": "Int64", "INFDY": "Int64", "INFHRS": "float64"})
    return found.assign(NEAR=pd.Series(range(len(ae)), index=ae.index).isin(near))


# ----------------------------------------------------------------------------------------------------

UNCODED = "UNCODED"
FROM_ADSL = ["TRT01A", "TRTSDT", "SAFFL"]


def derive_adae(adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADAE: one row per AE record, sorted by USUBJID and AESEQ; source variables kept, analysis variables added.

    | variable        | rule                                                                                  |
    |-----------------|---------------------------------------------------------------------------------------|
    | ASTDT ASTDTF    | start, partial dates by `ae_start_impute`; flag Y, M or D of what was imputed (§3.7)   |
    | AENDT AENDTF    | end, partial = last possible date capped by death, cut, last contact; missing stays;   |
    |                 | never after death (P19); marked ongoing = missing, whatever end date is there (P20)   |
    | ASTDY AENDY     | CDISC study days; RELDAY = days since the first infusion, which is day 0               |
    | ATOXGR          | CTCAE grade 1 to 5 as a number, missing where the record has none                      |
    | TRTEMFL         | Y or blank, the ordered cases of §3.1                                                  |
    | AREL            | RELATED / NOT RELATED; missing and unassessable count as `trae_levels` says (A-61)     |
    | ASER            | Y: AESER is Y, or it is neither Y nor N and a seriousness criterion is ticked or the    |
    |                 | event is fatal (P23); blank is not "No": see `seriousness_open` (§14.4)                 |
    | AESICAT         | category of special interest, blank where none (§3.5)                                  |
    | AESIOPEN        | the category that the event would have if its missing grade were high enough (§14.4)   |
    | INFCAT          | kind of infection, blank where none (`infections`, table T-14)                         |
    | INFNO INFDY     | the infusion that the onset followed, and the days and hours since (`infusion_timing`) |
    | INFHRS          |                                                                                        |
    | DLTCAND         | Y: a candidate DLT by the definition of the protocol file (§4.1)                       |
    | DLTFL           | the committee's answer of SUPPAE AEDLT, Y or N; blank = not adjudicated                |
    | KNOWDTC KNOWDT  | the day the site knew (SUPPAE AEKNOWDT): as given, and as a complete date by the cut   |
    | EPISODE         | AESEQ of the first record of the same event (§3.8)                                     |
    | AGAPDY          | days since the records before with the same AESPID or AEGRPID, where they are too many for  |
    |                 | one event: counted apart and asked about (A-153)                                        |
    | ADUPFL          | Y: repeats an earlier record: same term, dates and grade; not an event of its own      |
    | AENEGFL         | Y: an imputed end fell before the start and was set to the start                       |
    | ADECOD ABODSYS  | term and class used for counting: AEDECOD or the reported term; AEBODSYS or UNCODED     |

    `adsl` needs USUBJID TRT01A TRTSDT TRTSDTM SAFFL DTHDT LSTALVDT.
    """
    subjects = adsl.set_index("USUBJID")
    ae = study.domains["AE"].sort_values(["USUBJID", "AESEQ"], kind="stable").reset_index(drop=True)
    of_subject = subjects.reindex(ae["USUBJID"]).set_axis(ae.index)
    adae = ae.assign(
        **{name: of_subject[name].fillna("") for name in ("TRT01A", "SAFFL")},
        TRTSDT=of_subject["TRTSDT"].astype("datetime64[s]"),
        ATOXGR=grade_number(ae["AETOXGR"]),
        AREL=relationship(ae["AEREL"], study.analysis.trae_levels),
        ASER=serious(ae),
        ADECOD=event_term(ae),
        ABODSYS=ae["AEBODSYS"].where(ae["AEBODSYS"].fillna("").str.strip() != "", UNCODED).astype("str"),
        DLTFL=adjudicated_dlt(ae, study.domains["SUPPAE"]),
        **known_to_site(ae, study.domains["SUPPAE"], study.cut_date),
    )
    adae = _with_dates(adae, of_subject, study.analysis, study.cut_date)
    adae = adae.assign(**episodes(adae, study.analysis.ae_collapse_gap_days, study.analysis.ae_linked_gap_days))
    adae["TRTEMFL"] = _emergence(adae, treatment_start(of_subject), study.analysis)
    timing = infusion_timing(adae, infusions(study.domains, study.cut_date), study.analysis.infusion_reaction_hours)
    adae = adae.assign(**timing.drop(columns="NEAR"))
    adae["AESICAT"] = event_category(adae, study.analysis.aesi, timing["NEAR"])
    adae["AESIOPEN"] = _category_if_severe(adae, study.analysis, timing["NEAR"])
    adae["INFCAT"] = event_category(adae, study.analysis.infections, timing["NEAR"])
    adae["DLTCAND"] = dlt_candidates(ae, adsl, study.domains, study.protocol, study.analysis)["DLTCAND"]
    negative = pd.Series("", index=adae.index, dtype="str").mask(adae["NEGDUR"], "Y")
    return adae.drop(columns=["GROUPED", "NEGDUR"]).assign(AENEGFL=negative, ASEQ=adae["AESEQ"])


def _with_dates(
    adae: pd.DataFrame, of_subject: pd.DataFrame, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    trtsdt = adae["TRTSDT"]
    start = impute_start(adae["AESTDTC"], adae["AEENDTC"], trtsdt, analysis.ae_start_impute)
    cut = pd.Series(cut_date, index=adae.index).astype("datetime64[s]")
    end = impute_end(ended(adae), [of_subject["DTHDT"], of_subject["LSTALVDT"], cut], start["ASTDT"])
    # No event lasts longer than the subject lived (P19); the site is asked about the date it gave.
    end["AENDT"] = end["AENDT"].where(~(end["AENDT"] > of_subject["DTHDT"]), of_subject["DTHDT"])
    return adae.assign(
        **start,
        **end,
        ASTDY=study_day(start["ASTDT"], trtsdt),
        AENDY=study_day(end["AENDT"], trtsdt),
        RELDAY=rel_day(start["ASTDT"], trtsdt),
    )


def _category_if_severe(adae: pd.DataFrame, analysis: Analysis, near: pd.Series) -> pd.Series:
    """The category of special interest of records without a grade under the highest one, where they have none now."""
    without = adae["ATOXGR"].isna() & adae["AESICAT"].eq("")
    severe = adae.assign(ATOXGR=adae["ATOXGR"].fillna(5))
    return event_category(severe, analysis.aesi, near).where(without, "").astype("str")


def _emergence(adae: pd.DataFrame, started: pd.Series, analysis: Analysis) -> pd.Series:
    onset, end = moment_range(adae["AESTDTC"]), moment_range(ended(adae))
    last_day = pd.Series(pd.NaT, index=adae.index, dtype="datetime64[s]")
    if analysis.safety_end_rel_day is not None:
        last_day = adae["TRTSDT"] + pd.Timedelta(days=analysis.safety_end_rel_day)
    predose = _flagged_predose(adae, onset, started)
    worsened = pd.Series(False, index=adae.index)
    if analysis.teae_worsening and "AEITOXGR" in adae.columns:
        worsened = grade_rose(grade_number(adae["AEITOXGR"]), adae["ATOXGR"])
    emergent = treatment_emergent(onset, end, started, last_day, worsened, predose)
    if not analysis.teae_worsening:
        return emergent
    before = (onset["last"] < started) | predose
    return emergent_lines(adae, emergent, before)


def _flagged_predose(adae: pd.DataFrame, onset: pd.DataFrame, started: pd.Series) -> pd.Series:
    """Events on the day of the first infusion, without a time, that the site says began before it (A-60)."""
    if "AESTRTPT" not in adae.columns:
        return pd.Series(False, index=adae.index)
    same_day = (onset["first"].dt.normalize() == adae["TRTSDT"]) & (onset["last"] >= started)
    untimed = onset["first"] != onset["last"]
    return same_day & untimed & adae["AESTRTPT"].str.upper().eq("BEFORE").fillna(False).astype(bool)


def treatment_start(subject: pd.DataFrame) -> pd.Series:
    """The moment of the first infusion from TRTSDT and TRTSDTM (ISO text or datetime); midnight without a time.

    >>> moments = ["2025-03-05T10:30", "2025-03-05"]
    >>> subject = pd.DataFrame({"TRTSDT": pd.to_datetime(["2025-03-05"] * 2), "TRTSDTM": moments})
    >>> treatment_start(subject).astype("str").tolist()
    ['2025-03-05 10:30:00', '2025-03-05 00:00:00']
    """
    moment = subject["TRTSDTM"]
    timed = moment.astype("datetime64[s]") if moment.dtype.kind == "M" else moment_range(moment)["first"]
    return timed.where(timed.dt.normalize() == subject["TRTSDT"], subject["TRTSDT"]).astype("datetime64[s]")


def ended(ae: pd.DataFrame) -> pd.Series:
    """AEENDTC of the events that ended; of one that is marked ongoing, none (P20: asked, treated as ongoing).

    >>> ended(pd.DataFrame({"AEENDTC": ["2025-03-05", "2025-03-05"], "AEENRTPT": ["ONGOING", None]})).tolist()
    [nan, '2025-03-05']
    """
    return ae["AEENDTC"].mask(ae["AEENRTPT"].fillna("").str.upper().eq("ONGOING")).astype("str")


def grade_number(grade: pd.Series) -> pd.Series:
    """CTCAE grade as Int64, 1 to 5; anything else is missing.

    >>> grade_number(pd.Series(["3", "0", "mild", None])).tolist()
    [3, <NA>, <NA>, <NA>]
    """
    number = pd.to_numeric(grade, errors="coerce").astype("Float64")
    return number.where(number.isin([1, 2, 3, 4, 5])).astype("Int64")


def serious(ae: pd.DataFrame) -> pd.Series:
    """ASER: AESER as given; without Y or N, Y if a criterion is ticked or the event is fatal, else blank (P23).

    >>> ae = pd.DataFrame({"AESER": ["N", None, None], "AESHOSP": ["", "Y", ""], "AETOXGR": "2", "AEOUT": ""})
    >>> serious(ae.assign(AESDTH="")).tolist()
    ['', 'Y', '']
    """
    given = seriousness_given(ae)
    deadly = fatal(ae.assign(ATOXGR=grade_number(ae["AETOXGR"])))
    flag = (given == "Y") | ((given == "") & (criterion_ticked(ae) | deadly))
    return pd.Series("", index=ae.index, dtype="str").mask(flag, "Y")
