"""The profile of each treated subject: key facts, and everything that happened, as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date, rel_day
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.drugs.records import drugs_in_force
from trialbook.efficacy.wording import REASON_WORDS
from trialbook.gvhd.response_rules import RESPONSE_WORDS
from trialbook.gvhd.steroids import steroid_days
from trialbook.profiles.subjects import profiled_subjects, risk_order
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS
from trialbook.safety.ae_tables import seriousness_open
from trialbook.safety.ctcae import GRADED_TESTS, TERMS, Term
from trialbook.safety.relationship import relation_given
from trialbook.subjects.deaths import death_text
from trialbook.subjects.demography import age_and_sex
from trialbook.subjects.disposition import left_words
from trialbook.subjects.dlt_status import STATUS_WORDS
from trialbook.subjects.dosing import infusion_levels

# ----------------------------------------------------------------------------------------------------
# Laboratory results of the treated subjects with their CTCAE grades, and where the grades begin (§3.2).


# What profiles draw (§8, F9); their tables hold every graded test.
DRAWN_TESTS = ("ALT", "AST", "BILI", "CREAT", "NEUT", "PLAT", "HGB", "LYM")
LIVER_TESTS = ("ALT", "AST", "BILI")


def lab_rows(adlb: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """Results of graded tests: USUBJID PARAMCD ADT DAY AVAL AVALOP AVALU GRADE (the worse direction), by test, time."""
    rows = adlb[adlb["USUBJID"].isin(treated["USUBJID"]) & adlb["PARAMCD"].isin(GRADED_TESTS) & adlb["AVAL"].notna()]
    frame = rows[["USUBJID", "PARAMCD", "ADT", "AVAL", "AVALOP", "AVALU", "LBSEQ"]].assign(
        DAY=rows["RELDAY"], GRADE=rows[["ATOXGRL", "ATOXGRH"]].max(axis=1).astype("Int64")
    )
    frame = frame.sort_values(["USUBJID", "PARAMCD", "DAY", "LBSEQ"], kind="stable", ignore_index=True)
    return frame.drop(columns="LBSEQ")


def grade_bands(adlb: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """Where CTCAE grades begin for each subject and drawn test: USUBJID PARAMCD DIRECTION GRADE LIMIT.

    GRADE 0 is the limit of normal on that side; grades of who was abnormal at the baseline begin elsewhere.

    With the reference limits and the baseline of the subject's baseline record (else the first record): limits of
    later records may differ, each result has its own grades. LIMIT is where the first rule of the grade or
    a higher one begins; rules that need a clinical fact are left out.
    """
    rows = adlb[adlb["USUBJID"].isin(treated["USUBJID"]) & adlb["PARAMCD"].isin(DRAWN_TESTS)]
    rows = rows.assign(_first=rows["ABLFL"].ne("Y")).sort_values(["USUBJID", "PARAMCD", "_first", "ADT"], kind="stable")
    rows = rows.drop_duplicates(["USUBJID", "PARAMCD"])
    terms = {term.test: term for term in TERMS if term.test in DRAWN_TESTS}
    wanted = rows[["USUBJID", "PARAMCD", "ANRLO", "ANRHI", "BASE"]].itertuples(index=False, name=None)
    found = [
        (subject, test, terms[test].direction, grade, limit)
        for subject, test, low, high, base in wanted
        for grade, limit in _limits(terms[test], low, high, base)
        if pd.notna(limit)
    ]
    return pd.DataFrame(found, columns=["USUBJID", "PARAMCD", "DIRECTION", "GRADE", "LIMIT"])


def _limits(term: Term, low: float, high: float, base: float) -> Iterable[tuple[int, float]]:
    references = {"LLN": low, "ULN": high, "BASE": base, "ABS": 1.0}
    limits = term.abnormal if term.abnormal and pd.notna(base) and pd.notna(high) and base > high else term.normal
    known = [
        (limit.grade, limit.factor * references[limit.reference])
        for limit in limits
        if not limit.clinical and pd.notna(references[limit.reference])
    ]
    yield 0, high if term.direction == "H" else low
    nearest = min if term.direction == "H" else max
    for grade in sorted({grade for grade, _ in known}):
        yield grade, nearest(limit for other, limit in known if other >= grade)


# ----------------------------------------------------------------------------------------------------
# What happened to the treated subjects, each on the days since the first infusion: the frames that profiles draw.
#
# Every frame has USUBJID and is sorted; DAY, FROM and UNTIL are days since the first infusion, which is day 0 (§0.1).


ORGANS = ("SKIN", "LIVER", "UGI", "LGI", "GRADE")
RESPONSE, THERAPY, RELAPSE, DLT, DEATH, SEEN = (
    msg("Response at day 28"), msg("New systemic therapy"), msg("Relapse"), "DLT", msg("Death"), msg("Last seen alive")
)  # fmt: skip
# Events by PARAMCD of ADTTE and the beginning of EVNTDESC; a death is an event of OS.
EVENTS = (("OS", "DEATH", DEATH), ("NRM", "RELAPSE", RELAPSE), ("FFS", "NEW", THERAPY))


def infusion_rows(study: StudyData, treated: pd.DataFrame) -> pd.DataFrame:
    """The infusions given: USUBJID INFNO EXSTDT DAY DOSEKG LEVEL."""
    given = infusion_levels(study)
    given = given[given["USUBJID"].isin(treated["USUBJID"])]
    given = given.assign(DAY=rel_day(given["EXSTDT"], _start(given, treated)))
    return given[["USUBJID", "INFNO", "EXSTDT", "DAY", "DOSEKG", "LEVEL"]].reset_index(drop=True)


def steroid_spans(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Spans of an unchanged systemic steroid dose: USUBJID FROM UNTIL (last day) MPEQ (mg/kg/day, §2.4)."""
    daily = steroid_days(domains, treated, drugs_in_force(analysis), analysis.local_routes)
    day = rel_day(daily["ADT"], _start(daily, treated))
    daily = daily.assign(DAY=day)[day.notna()].sort_values(["USUBJID", "DAY"], kind="stable", ignore_index=True)
    before = daily.shift()
    same = daily["USUBJID"].eq(before["USUBJID"]) & daily["DAY"].eq(before["DAY"] + 1).fillna(False)
    same &= daily["MPEQ"].eq(before["MPEQ"]) | (daily["MPEQ"].isna() & before["MPEQ"].isna())
    spans = daily.groupby((~same.astype("bool")).cumsum(), sort=False).agg(
        USUBJID=("USUBJID", "first"), FROM=("DAY", "min"), UNTIL=("DAY", "max"), MPEQ=("MPEQ", "first")
    )
    return spans.reset_index(drop=True)


def stage_rows(adrs: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """One row per assessment: USUBJID ADT DAY, and the code of SKIN LIVER UGI LGI GRADE (blank: not assessed)."""
    names = ["USUBJID", "ADT", "DAY", *ORGANS]
    rows = adrs[adrs["PARAMCD"].isin(ORGANS) & adrs["ADT"].notna() & adrs["USUBJID"].isin(treated["USUBJID"])]
    if rows.empty:
        return pd.DataFrame(columns=names)
    wide = rows.drop_duplicates(["USUBJID", "ADT", "PARAMCD"]).pivot(
        index=["USUBJID", "ADT", "RELDAY"], columns="PARAMCD", values="AVALC"
    )
    wide = wide.reindex(columns=list(ORGANS)).reset_index().rename(columns={"RELDAY": "DAY"}).rename_axis(columns=None)
    wide[list(ORGANS)] = wide[list(ORGANS)].astype("str").fillna("")
    return wide.sort_values(["USUBJID", "ADT"], kind="stable", ignore_index=True)[names]


def event_rows(adae: pd.DataFrame, treated: pd.DataFrame) -> pd.DataFrame:
    """The adverse events: USUBJID TERM REPORTED ASTDT AENDT FROM UNTIL GRADE (Int64) TEAE SERIOUS SEROPEN RELATED
    RELOPEN DLT OUTCOME. RELATED: the site said so; RELOPEN: it did not say, or cannot judge, and the event counts as
    related (A-61).

    UNTIL is missing where no end is known; an event without any date has no FROM.
    """
    rows = adae[adae["USUBJID"].isin(treated["USUBJID"])]
    start = _start(rows, treated)
    # A fatal event whose end is not known to the day ends with the death as it is counted.
    died = rows["USUBJID"].map(treated.set_index("USUBJID")["DTHDT"]).astype("datetime64[s]")
    imputed = rows["AENDTF"].fillna("").ne("") if "AENDTF" in rows else pd.Series(False, index=rows.index)
    fatal = rows["AEOUT"].fillna("").str.upper().eq("FATAL") & imputed & died.notna()
    rows = rows.assign(AENDT=rows["AENDT"].mask(fatal, died))
    given, counted = relation_given(rows["AEREL"]), rows["AREL"].eq("RELATED")
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "TERM": rows["ADECOD"].where(rows["ADECOD"].fillna("") != "", rows["AETERM"]),
            "REPORTED": rows["AETERM"], "ASTDT": rows["ASTDT"], "AENDT": rows["AENDT"],
            "FROM": rel_day(rows["ASTDT"], start), "UNTIL": rel_day(rows["AENDT"], start),
            "GRADE": rows["ATOXGR"].astype("Int64"), "TEAE": rows["TRTEMFL"].eq("Y"), "SERIOUS": rows["ASER"].eq("Y"),
            "SEROPEN": seriousness_open(rows), "RELATED": counted & given, "RELOPEN": counted & ~given,
            "DLT": rows["DLTFL"].eq("Y"), "OUTCOME": rows["AEOUT"],
        }
    )  # fmt: skip
    return frame.assign(_seq=rows["AESEQ"]).sort_values(
        ["USUBJID", "FROM", "TERM", "_seq"], kind="stable", na_position="last", ignore_index=True
    ).drop(columns="_seq")  # fmt: skip


def drug_rows(domains: Domains, treated: pd.DataFrame) -> pd.DataFrame:
    """The concomitant medication: USUBJID DRUG CATEGORY DOSE (text) ROUTE BEGAN ENDED (as entered) FROM UNTIL.

    FROM is the earliest day that a partial start allows, UNTIL the latest of the end; missing where it goes on.
    """
    cm = domains["CM"]
    rows = cm[cm["USUBJID"].isin(treated["USUBJID"])]
    start = _start(rows, treated)
    amount = rows["CMDOSE"].map(lambda dose: "" if pd.isna(dose) else f"{dose:g} ").astype("str")
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "DRUG": rows["CMTRT"].where(rows["CMTRT"].notna(), rows["CMDECOD"]),
            "CATEGORY": rows["CMCAT"].fillna(""), "DOSE": (amount + rows["CMDOSU"].fillna("")).str.strip(),
            "ROUTE": rows["CMROUTE"].fillna(""), "BEGAN": rows["CMSTDTC"], "ENDED": rows["CMENDTC"],
            "FROM": rel_day(earliest_date(rows["CMSTDTC"]), start),
            "UNTIL": rel_day(latest_date(rows["CMENDTC"]), start),
        }
    )  # fmt: skip
    return frame.assign(_seq=rows["CMSEQ"]).sort_values(
        ["USUBJID", "FROM", "DRUG", "_seq"], kind="stable", na_position="last", ignore_index=True
    ).drop(columns="_seq")  # fmt: skip


def milestone_rows(data: Mapping[str, pd.DataFrame], treated: pd.DataFrame) -> pd.DataFrame:
    """What decides endpoints, in order of time: USUBJID DATE DAY EVENT SAID.

    Response at day 28 (ADRS), new systemic therapy, relapse and death (ADTTE), DLT (ADDLT), else last contact (ADSL).
    """
    parts = [_of("USUBJID ADT AVALC", _day_28(data["adrs"]), RESPONSE)]
    adtte, addlt = data["adtte"], data["addlt"]
    told = adtte.get("EVNTDESC", pd.Series("", adtte.index, dtype="str")).fillna("").astype("str")
    # Of a death whose day is not known EVNTDESC says between which days it lies.
    adtte = adtte.assign(TOLD=told.str.extract("^DEATH: (.*)$", expand=False).fillna(""))
    for parameter, beginning, event in EVENTS:
        of_kind = adtte["PARAMCD"].eq(parameter) & told.str.startswith(beginning)
        parts.append(_of("USUBJID ADT TOLD", adtte[of_kind], event))
    if "DLTDT" in addlt:
        parts.append(_of("USUBJID DLTDT DLTSTAT", addlt[addlt["DLTDT"].notna()], DLT))
    parts.append(_of("USUBJID LSTALVDT", treated[treated["DTHFL"].ne("Y")], SEEN))
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    rows = rows[rows["USUBJID"].isin(treated["USUBJID"])]
    rows = rows.assign(DAY=rel_day(rows["DATE"], _start(rows, treated)))
    rows = rows.sort_values(["USUBJID", "DAY", "EVENT"], kind="stable", na_position="last", ignore_index=True)
    return rows[["USUBJID", "DATE", "DAY", "EVENT", "SAID"]]


def _day_28(adrs: pd.DataFrame) -> pd.DataFrame:
    if "ADT" not in adrs:
        return adrs.head(0)
    rows = adrs[adrs["PARAMCD"].eq("RSP28") & adrs["ADT"].notna()]
    return rows.assign(AVALC=rows["AVALC"].mask(rows["AVALC"] == NOT_EVALUABLE, NOT_EVALUABLE_WORDS))


def _of(columns: str, rows: pd.DataFrame, event: str) -> pd.DataFrame:
    """Rows as milestones, from their columns for subject, date and, if any, what is said."""
    subject, date, *said = columns.split()
    if rows.empty:
        return pd.DataFrame(columns=["USUBJID", "DATE", "EVENT", "SAID"])
    words = rows[said[0]].fillna("") if said else pd.Series("", index=rows.index)
    return pd.DataFrame({"USUBJID": rows[subject], "DATE": rows[date], "EVENT": event, "SAID": words})


def _start(rows: pd.DataFrame, treated: pd.DataFrame) -> pd.Series:
    """The first infusion of the subject of each row."""
    return rows["USUBJID"].map(treated.set_index("USUBJID")["TRTSDT"])


# ----------------------------------------------------------------------------------------------------

DATASETS = ("adsl", "adae", "adlb", "addlt", "adrs", "adtte")
Fact = tuple[str, str, str]


@dataclass(frozen=True)
class Profile:
    """One subject: SUBJID, facts (label, value, note), the last day known, and frames without other subjects.

    `risk` is the subject's place in the order of risk; `brief` says that only key facts and events are to be shown;
    `organs`, whether the trial reads stages of organs; `cells`, whether it gives cells per kg.
    """

    subject: str
    facts: list[Fact]
    last_day: int
    infusions: pd.DataFrame
    milestones: pd.DataFrame
    steroids: pd.DataFrame
    stages: pd.DataFrame
    labs: pd.DataFrame
    bands: pd.DataFrame
    events: pd.DataFrame
    drugs: pd.DataFrame
    labs_delivered: bool = True
    stages_delivered: bool = True
    organs: bool = True
    cells: bool = True
    risk: str = ""
    brief: bool = False


def profiles(data: Mapping[str, pd.DataFrame], study: StudyData) -> list[Profile]:
    """The profiles of all treated subjects that have one (`profiled_subjects`), in the order of risk (`risk_order`).

    From the key `profiles_max` on they are brief: what is drawn takes most of the time (A-170).

    `data`: the analysis datasets of `DATASETS`, empty where the trial has no such endpoint; `domains`: clean EX CM VS.
    """
    adsl = data["adsl"]
    known_numbers = profiled_subjects(adsl)
    if not known_numbers:
        return []
    order = risk_order(data)
    order = order[order["SUBJID"].isin(known_numbers)]
    wanted, risk = list(order["SUBJID"]), list(order["RISK"])
    treated = adsl[adsl["SUBJID"].isin(wanted) & adsl["SAFFL"].eq("Y")]
    frames = {
        "infusions": infusion_rows(study, treated),
        "milestones": milestone_rows(data, treated),
        "steroids": steroid_spans(study.domains, treated, study.analysis),
        "stages": stage_rows(data["adrs"], treated),
        "labs": lab_rows(data["adlb"], treated),
        "bands": grade_bands(data["adlb"], treated),
        "events": event_rows(data["adae"], treated),
        "drugs": drug_rows(study.domains, treated),
    }
    parts = {name: dict(iter(frame.groupby("USUBJID", sort=False))) for name, frame in frames.items()}
    last = _last_days(treated)
    treated = treated.assign(DEATH=death_text(treated))
    known = _Known(data)
    found = []
    people = treated.set_index("SUBJID").loc[wanted].reset_index().to_dict("records")
    for place, row in enumerate(people):
        own = {
            name: parts[name].get(row["USUBJID"], frame.head(0)).drop(columns="USUBJID").reset_index(drop=True)
            for name, frame in frames.items()
        }
        facts = known.facts({str(key): value for key, value in row.items()}, own["events"], len(own["infusions"]))
        found.append(
            Profile(
                str(row["SUBJID"]), facts, int(last[row["USUBJID"]]), **own,
                labs_delivered=study.domains.delivered("LB"),
                stages_delivered=study.domains.delivered("RS") or study.domains.delivered("FA"),
                organs=study.protocol.has_endpoint("ORR_D28"),
                cells=any(level.cells_per_kg is not None for level in study.protocol.dose_levels),
                risk=risk[place], brief=place >= study.analysis.profiles_max,
            )
        )  # fmt: skip
    return found


def _last_days(treated: pd.DataFrame) -> pd.Series:
    """The day of death, else of the last contact, else of the cut, by USUBJID."""
    dead = treated["DTHDT"].where(treated["DTHFL"].eq("Y"))
    end = dead.fillna(treated["LSTALVDT"]).fillna(treated["CUTDT"])
    return rel_day(end, treated["TRTSDT"]).fillna(0).set_axis(treated["USUBJID"])


class _Known:
    """Looks up what the analysis datasets say of one subject."""

    def __init__(self, data: Mapping[str, pd.DataFrame]) -> None:
        adrs = data["adrs"]
        day_28 = adrs[adrs["PARAMCD"].eq("RSP28")]
        self._response = _by_subject(day_28, "AVALC"), _by_subject(day_28, "REASON")
        self._open = {end: _by_subject(day_28, end) for end in ("RSPLO", "RSPHI", "RSPWHY")}
        self._dlt = _by_subject(data["addlt"], "DLTSTAT"), _by_subject(data["addlt"], "REASON")

    def facts(self, subject: Mapping[str, object], events: pd.DataFrame, infusions: int) -> list[Fact]:
        """The key facts of one subject, in the order of reading."""
        usubjid = str(subject["USUBJID"])
        teae = events[events["TEAE"]]
        worst = msg("worst grade {grade}", grade=teae["GRADE"].max()) if teae["GRADE"].notna().any() else ""
        missing = int(teae["GRADE"].isna().sum())
        graded = ", and ".join(filter(None, (worst, msg("{missing} not graded", missing=missing) if missing else "")))
        serious, unknown = teae["SERIOUS"].sum(), int(teae["SEROPEN"].sum())
        first = pd.Timestamp(str(subject["TRTSDT"]))
        facts = [
            (msg("Dose level"), _text(subject["TRT01A"]), msg("first infusion {first:%Y-%m-%d}", first=first)),
            (msg("Age, sex"), age_and_sex(_text(subject.get("AGE")), _text(subject.get("SEX"))), ""),
            (msg("Infusions"), str(infusions), ""),
            (msg("DLT status"), STATUS_WORDS.get(self._dlt[0].get(usubjid, ""), ""), self._dlt[1].get(usubjid, "")),
            (msg("Response at day 28"), *self._day_28(usubjid)),
            (msg("Status"), *_status(subject)),
            ("TEAE", str(len(teae)), graded),
            (
                msg("Serious TEAE"),
                str(int(serious)),
                msg("and {unknown} of unknown seriousness", unknown=unknown) if unknown else "",
            ),
        ]
        return [fact for fact in facts if fact[1]]

    def _day_28(self, subject: str) -> tuple[str, str]:
        """The response with its reason; where a fact is open, the range and what is open."""
        value, reason = (known.get(subject, "") for known in self._response)
        low, high, why = (self._open[name].get(subject, "") for name in ("RSPLO", "RSPHI", "RSPWHY"))
        if reason == "UNDELIVERED":
            return f"{NOT_EVALUABLE_WORDS} ({low} to {high})", why
        return RESPONSE_WORDS.get(value, value), "; ".join(
            filter(None, (REASON_WORDS.get(reason, reason.lower()), f"{low} to {high}: {why}" if why else ""))
        )


def _by_subject(rows: pd.DataFrame, column: str) -> dict[str, str]:
    if column not in rows:
        return {}
    return dict(zip(rows["USUBJID"], rows[column].fillna("").astype("str"), strict=True))


def _status(subject: Mapping[str, object]) -> tuple[str, str]:
    """Alive or dead, and since when or until when that is known."""
    if subject["DTHFL"] == "Y":
        return "Died", str(subject["DEATH"]) or msg("date unknown")
    day = subject["LSTALVDT"]
    left = left_words(str(subject.get("EOSSTT", "")), str(subject.get("DCSREAS", "")))
    seen = msg("last seen {Timestamp:%Y-%m-%d}", Timestamp=pd.Timestamp(str(day))) if pd.notna(day) else ""
    return "Alive", "; ".join(filter(None, (seen, left)))


def _text(value: object) -> str:
    if value is None or pd.isna(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
