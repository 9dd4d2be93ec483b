"""Listings of safety: lines of events, deaths, serious events, laboratory grades, deviations, therapies (§3.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import complete_date, rel_day
from trialbook.core.described import described
from trialbook.core.domains import Domains
from trialbook.core.messages import msg
from trialbook.drugs.records import drugs_in_force, medications
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import NONSYSTEMIC, STEROID, THERAPY
from trialbook.safety.ae_tables import fatal, safety_records, seriousness_open
from trialbook.safety.new_since_cut import record_news
from trialbook.safety.relationship import SERIOUSNESS_CRITERIA, relation_text
from trialbook.subjects.deaths import death_date_text, death_day_text

LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "ADECOD": msg("Event"),
    "ATOXGR": msg("Grade"),
    "START": msg("Start"),
    "RELDAY": "Day",
    "END": "End",
    "SERIOUS": msg("Serious"),
    "AREL": msg("Relation"),
    "AEOUT": msg("Outcome"),
    "INFUSION": msg("After infusion"),
    "AEACN": msg("Action taken"),
    "SINCE": msg("Since the last cut"),
    "TRTEMFL": "TEAE",
    "DTHDT": msg("Date of death"),
    "DTHDAY": msg("Day of death"),
    "SINCELAST": msg("Days since last infusion"),
    "CAUSE": msg("Fatal event"),
    "RSP28": msg("Response at day 28"),
    "RELAPSE": msg("Relapse"),
    "NARRATIVE": msg("What happened"),
    "DVDECOD": msg("Code"),
    "DVCAT": msg("Class"),
    "DVTERM": msg("Deviation"),
    "DVSTDTC": msg("Date"),
    "DRUG": msg("Therapy"),
    "DOSE": msg("Dose"),
    "ROUTE": msg("Route"),
    "WHEN": msg("Begun"),
    "REASON": msg("Indication"),
}
CRITERIA = dict(
    zip(
        SERIOUSNESS_CRITERIA,
        ("death", "life-threatening", "hospitalisation", "disability", "congenital anomaly", "medically important"),
        strict=True,
    )
)
EVENT_COLUMNS = [
    "SUBJID", "TRT01A", "ADECOD", "ATOXGR", "START", "RELDAY", "END", "SERIOUS", "AREL", "AEOUT", "INFUSION", "SINCE",
]  # fmt: skip
BEFORE, AFTER = msg("before the infusion"), msg("after the infusion")
NOT_SAID, CONTRADICTED = "seriousness not given", "marked not serious, but"


def event_lines(adae: pd.DataFrame, adsl: pd.DataFrame, news: pd.Series) -> pd.DataFrame:
    """One line per record of ADAE, in its order and with its index: EVENT_COLUMNS, dates as the site gave them.

    The day of an onset that the site did not date at all is missing, though the analysis counts from a day.
    """
    return pd.DataFrame({
        "SUBJID": subject_ids(adae, adsl),
        "TRT01A": adae["TRT01A"],
        "ADECOD": adae["ADECOD"],
        "ATOXGR": adae["ATOXGR"],
        "START": adae["AESTDTC"].fillna(""),
        "RELDAY": adae["RELDAY"].mask(adae["ASTDTF"].eq("Y")),
        "END": adae["AEENDTC"].fillna("").mask(adae["AENDT"].isna(), "ongoing or not known"),
        "SERIOUS": _why_serious(adae),
        "AREL": relation_text(adae),
        "AEOUT": adae["AEOUT"].fillna("").str.lower(),
        "INFUSION": after_infusion_text(adae),
        "SINCE": news,
    })[EVENT_COLUMNS]  # fmt: skip


def subject_ids(frame: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    """SUBJID of each USUBJID; the USUBJID itself where ADSL does not know it."""
    known = dict(zip(adsl["USUBJID"], adsl["SUBJID"], strict=True))
    return frame["USUBJID"].map(known).fillna(frame["USUBJID"]).astype("str")


# What `after_infusion_text` says, as columns of text that keep the English alone: for the catalogue of texts.
AFTER_PATTERNS = ("{n}, after {days} d", "{n}, after {hours} h", "{n}, same day")


def after_infusion_text(adae: pd.DataFrame) -> pd.Series:
    """`2, after 2.5 h`; `1, same day`; `1, after 4 d`; blank before the first infusion or without a complete onset."""
    days = adae["INFDY"].astype("str") + " d"
    hours = adae["INFHRS"].map(lambda value: f"{value:g} h").astype("str")
    since = ("after " + days.where(adae["INFHRS"].isna() | adae["INFDY"].gt(1).fillna(False), hours)).mask(
        adae["INFDY"].eq(0).fillna(False) & adae["INFHRS"].isna(), msg("same day")
    )
    return (adae["INFNO"].astype("str") + ", " + since).where(adae["INFNO"].notna(), "").astype("str")


def _why_serious(adae: pd.DataFrame) -> pd.Series:
    """Blank for an event that is not serious, else the criteria ticked, or `serious` where none is; `seriousness not
    given` where the site did not say."""
    said = pd.Series("", index=adae.index, dtype="str")
    for column, word in CRITERIA.items():
        ticked = adae[column].fillna("").str.upper().eq("Y")
        said = said.mask(ticked, said.where(said == "", said + ", ") + word)
    open_ = seriousness_open(adae)
    contradicted = (f"{CONTRADICTED} " + said).where(open_ & said.ne(""), NOT_SAID)
    return said.mask(said == "", "serious").where(adae["ASER"] == "Y", "").mask(open_, contradicted)


def deaths_listing(
    adsl: pd.DataFrame, adae: pd.DataFrame, responses: pd.DataFrame, relapsed: pd.DataFrame,
    before: pd.DataFrame | None, relapse_known: bool = True,
) -> pd.DataFrame:  # fmt: skip
    """L-1: deaths of treated subjects: day, days since the last infusion, cause, relation, response, relapse, since.

    Where the day of death is not known, date and days say between which days it lies and which one is counted.
    `responses` (USUBJID AVALC REASON) of `day28_response`, `relapsed` (USUBJID RELAPDT) of `relapse_dates`; `before` is
    ADSL of the last cut. Without the endpoint the response is blank. `relapse_known`: relapses were delivered; without
    them no relapse is not "N".
    """
    died = dead_subjects(adsl)
    of_subject = adae[fatal(adae)].groupby("USUBJID")
    terms = of_subject["ADECOD"].agg(_joined).reindex(died["USUBJID"]).fillna(msg("not recorded as an event"))
    said = adae.assign(AREL=relation_text(adae))[fatal(adae)].groupby("USUBJID")
    relation = said["AREL"].agg(_joined).reindex(died["USUBJID"]).fillna("")
    known = None if before is None else before.loc[before["DTHFL"] == "Y", ["USUBJID"]]
    response = _response_text(responses)
    none = "N" if relapse_known else msg("not known")
    relapse = relapsed.set_index("USUBJID")["RELAPDT"].reindex(died["USUBJID"])
    listed = pd.DataFrame({
        "SUBJID": died["SUBJID"],
        "TRT01A": died["TRT01A"],
        "DTHDT": death_date_text(died),
        "DTHDAY": death_day_text(died),
        "SINCELAST": death_day_text(died, "TRTEDT"),
        "CAUSE": terms.to_numpy(),
        "AREL": relation.to_numpy(),
        "RSP28": [response.get(subject, "") for subject in died["USUBJID"]],
        "RELAPSE": [none if pd.isna(day) else msg("yes, day {number}", number=number) for day, number in
                    zip(relapse, rel_day(relapse.set_axis(died.index), died["TRTSDT"]), strict=True)],
        "SINCE": record_news(died, known, ["USUBJID"]),
    }).reset_index(drop=True)  # fmt: skip
    return described(
        listed, labels=LABELS, notes=[msg("Day of death and days since the last infusion: 0 is the day of infusion.")],
        empty=msg("No treated subject has died at this cut."),
    )  # fmt: skip


def dead_subjects(adsl: pd.DataFrame) -> pd.DataFrame:
    """The treated subjects who have died, by USUBJID."""
    return adsl[(adsl["SAFFL"] == "Y") & (adsl["DTHFL"] == "Y")].sort_values("USUBJID", kind="stable")


def of_subjects(domains: Domains, subjects: pd.DataFrame) -> Domains:
    """The records of some subjects in the domains that a response is read from."""
    codes = [code for code in ("CE", "CM", "FA", "LB", "PR", "RS", "VS", "DM", "MH") if domains.delivered(code)]
    return Domains({code: _of(domains[code], subjects) for code in codes})


def _of(frame: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["USUBJID"].isin(subjects["USUBJID"])]


def serious_listing(adae: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """L-2: serious events of treated subjects, treatment-emergent or not: one narrative line each.

    Events whose seriousness is not given are listed too, and say so.
    """
    serious = adae["ASER"].eq("Y") | seriousness_open(adae)
    chosen = adae[serious & (adae["SAFFL"] == "Y")].sort_values(["USUBJID", "ASTDT", "AESEQ"])
    rows = lines.loc[chosen.index]
    told = [
        _narrative(row, emergent == "Y") for row, emergent in zip(rows.itertuples(), chosen["TRTEMFL"], strict=True)
    ]
    listed = rows[["SUBJID", "TRT01A", "ADECOD"]].assign(NARRATIVE=told, SINCE=rows["SINCE"]).reset_index(drop=True)
    return described(listed, labels=LABELS, empty=msg("No serious adverse event at this cut."))


def _narrative(row: object, emergent: bool) -> str:
    """`Grade 3, began on day 19 (12 d after infusion 2), hospitalisation, not related, recovered/resolved.`"""
    line = row._asdict()  # type: ignore[attr-defined]
    grade = msg("Grade not given") if pd.isna(line["ATOXGR"]) else msg("Grade {atoxgr}", atoxgr=line["ATOXGR"])
    began = msg("onset not known") if pd.isna(line["RELDAY"]) else msg("began on day {relday}", relday=line["RELDAY"])
    number, _, since = str(line["INFUSION"]).partition(", ")
    since = (
        msg(" (same day as infusion {number})", number=number) if number and since == "same day"
        else _after(since.removeprefix("after "), number) if number
        else ""
    )  # fmt: skip
    relation = line["AREL"]
    said = (
        msg("relation {relation}", relation=relation)
        if ", counted as " in relation
        else msg("{relation} to the study product", relation=relation)
    )
    parts = [f"{grade}, {began}{since}", line["SERIOUS"], said]
    parts += [str(line["AEOUT"]) or msg("outcome not given"), *([] if emergent else [msg("not treatment-emergent")])]
    return ", ".join(parts) + "."


def _after(time: str, number: str) -> str:
    """How long after an infusion (`12 d`, `2.5 h`): each unit is a message, for other languages say it by a word."""
    value, _, unit = time.partition(" ")
    if unit == "d":
        return msg(" ({days} d after infusion {number})", days=value, number=number)
    return msg(" ({hours} h after infusion {number})", hours=value, number=number)


def stopped_listing(adae: pd.DataFrame, lines: pd.DataFrame, stopped: pd.Series) -> pd.DataFrame:
    """L-4: events that led to an infusion being interrupted or not given; `stopped` marks their records."""
    rows = lines[stopped].assign(AEACN=adae.loc[stopped, "AEACN"].fillna("").str.lower())
    columns = ["SUBJID", "TRT01A", "ADECOD", "ATOXGR", "START", "RELDAY", "INFUSION", "AEACN", "AEOUT", "SINCE"]
    return described(rows[columns].reset_index(drop=True), labels=LABELS, empty=msg("No such event at this cut."))


def emergent_listing(adae: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """L-8: every treatment-emergent record by subject and day."""
    order = safety_records(adae).sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable").index
    listed = lines.loc[order].reset_index(drop=True)
    return described(listed, labels=LABELS, empty=msg("No treatment-emergent adverse event at this cut."))


def deviations_listing(domains: Domains, adsl: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """L-6: protocol deviations and waivers of enrolled subjects; `before` is DV of the last cut."""
    enrolled = adsl[adsl["ENRFL"] == "Y"].set_index("USUBJID")
    dv = domains["DV"][lambda frame: frame["USUBJID"].isin(enrolled.index)].sort_values(["USUBJID", "DVSEQ"])
    start = enrolled["TRTSDT"].reindex(dv["USUBJID"]).set_axis(dv.index)
    listed = pd.DataFrame({
        "SUBJID": enrolled["SUBJID"].reindex(dv["USUBJID"]).to_numpy(),
        "TRT01A": enrolled["TRT01A"].reindex(dv["USUBJID"]).to_numpy(),
        "DVCAT": dv["DVCAT"].str.lower(), "DVDECOD": dv["DVDECOD"], "DVTERM": dv["DVTERM"], "DVSTDTC": dv["DVSTDTC"],
        "RELDAY": rel_day(complete_date(dv["DVSTDTC"]), start),
        "SINCE": record_news(dv, before, ["USUBJID", "DVSEQ"]),
    }).reset_index(drop=True)  # fmt: skip
    none = empty_words(domains, "DV", "No protocol deviation is recorded at this cut.")
    return described(listed, labels=LABELS, empty=none)


def therapies_listing(
    domains: Domains, adsl: pd.DataFrame, analysis: Analysis, before: pd.DataFrame | None
) -> pd.DataFrame:  # fmt: skip
    """L-7: therapy of acute GVHD of treated subjects with its dates: the steroids and therapies of the drug
    dictionary, systemic or not, in CM and PR.

    WHEN says whether it began before or after the first infusion, blank where the date does not tell. SINCE compares
    with CM of the last cut (`before`).
    """
    treated = adsl[adsl["SAFFL"] == "Y"].set_index("USUBJID")
    both = pd.concat([_therapies(domains, "CM", analysis), _therapies(domains, "PR", analysis)])
    rows = both[both["USUBJID"].isin(treated.index)].reset_index(drop=True)
    day = rel_day(complete_date(rows["START"]), treated["TRTSDT"].reindex(rows["USUBJID"]).set_axis(rows.index))
    of_cm = rows["SOURCE"].eq("CM")
    when = pd.Series("", index=rows.index, dtype="str").mask(day.lt(0).fillna(False), BEFORE)
    listed = pd.DataFrame({
        "SUBJID": treated["SUBJID"].reindex(rows["USUBJID"]).to_numpy(),
        "TRT01A": treated["TRT01A"].reindex(rows["USUBJID"]).to_numpy(),
        **{name: rows[name] for name in ("DRUG", "DOSE", "ROUTE", "START")},
        "RELDAY": day,
        "END": rows["END"],
        "WHEN": when.mask(day.gt(0).fillna(False), AFTER),
        "SINCE": record_news(rows, before, ["USUBJID", "CMSEQ"]).where(of_cm, ""),
    })  # fmt: skip
    listed = listed.sort_values(["SUBJID", "START", "DRUG"], kind="stable", na_position="first", ignore_index=True)
    none = empty_words(domains, "CM", "No therapy of the disease is recorded at this cut.")
    return described(listed, labels=LABELS, empty=none)


def empty_words(domains: Domains, code: str, none: str) -> str:
    """What an empty listing of a domain says: that there is none, or that the domain was not delivered."""
    return none if domains.delivered(code) else f"{code} was not delivered: nothing can be said about it."


def _therapies(domains: Domains, domain: str, analysis: Analysis) -> pd.DataFrame:
    named = medications(domains, domain, drugs_in_force(analysis))
    rows = domains[domain][named.column(lambda one: bool(one.of(THERAPY, STEROID, NONSYSTEMIC)), "bool")]
    blank = pd.Series("", index=rows.index, dtype="str")
    dose = blank
    if domain == "CM":
        number = rows["CMDOSE"].map(lambda value: "" if pd.isna(value) else f"{value:g}").astype("str")
        dose = (number + " " + rows["CMDOSU"].fillna("") + " " + rows.get("CMDOSFRQ", blank).fillna("")).str.strip()
    ongoing = rows.get(f"{domain}ENRTPT", blank).fillna("").str.upper().eq("ONGOING")
    return pd.DataFrame({
        "USUBJID": rows["USUBJID"], "CMSEQ": rows[f"{domain}SEQ"], "SOURCE": domain,
        "DRUG": rows[f"{domain}TRT"].fillna(rows[f"{domain}DECOD"]), "DOSE": dose,
        "ROUTE": rows.get(f"{domain}ROUTE", blank).fillna("").str.lower(),
        "START": rows[f"{domain}STDTC"].fillna(""),
        "END": rows[f"{domain}ENDTC"].fillna("").mask(ongoing, "ongoing"),
    })  # fmt: skip


def _response_text(responses: pd.DataFrame) -> dict[str, str]:
    said = responses["AVALC"].where(responses["REASON"] == "", responses["AVALC"] + " (" + responses["REASON"] + ")")
    return dict(zip(responses["USUBJID"], said.str.replace("(DEATH)", "(death)", regex=False), strict=True))


def _joined(texts: pd.Series) -> str:
    return "; ".join(dict.fromkeys(texts))
