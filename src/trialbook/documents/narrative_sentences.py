"""Narratives of deaths, serious events and dose-limiting toxicities (ICH E3, 12.3.2): each sentence from its records.

A narrative is derived from one build alone. What is new since the previous cut is found by deriving that of the
previous build too, and comparing the two sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date, rel_day
from trialbook.core.messages import Message, as_text, joined, msg, plural
from trialbook.diff.built_cut import BuiltCut
from trialbook.display.payload import data_text
from trialbook.documents.content import Text
from trialbook.documents.source import data_of, study_of
from trialbook.profiles.profile import RELAPSE, RESPONSE, SEEN, THERAPY, milestone_rows
from trialbook.protocol.study_data import StudyData
from trialbook.safety.ae_tables import fatal, seriousness_open
from trialbook.safety.ctcae import GRADED_TESTS
from trialbook.safety.listings import CRITERIA
from trialbook.safety.relationship import relation_text
from trialbook.subjects.deaths import death_text
from trialbook.subjects.demography import SEXES
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, STATUS_WORDS
from trialbook.subjects.dosing import infusion_levels

# The lowest grade of a laboratory result that a narrative mentions.
SEVERE = 3
# What a narrative says of the course, and its source; a death and a dose-limiting toxicity have sentences of their own.
MILESTONES = {
    str(RESPONSE): "ADRS RSP28", str(THERAPY): "ADTTE FFS", str(RELAPSE): "ADTTE NRM", str(SEEN): "ADSL LSTALVDT",
}  # fmt: skip
UNKNOWN_DATE = msg("a date that is not known")


@dataclass(frozen=True)
class Sentence:
    """One sentence: `key` names it within its topic whatever it says; `records` are what it rests on (`AE 3`)."""

    key: str
    text: Message
    records: str


@dataclass(frozen=True)
class Topic:
    """The sentences on one thing: `key` and what heads them."""

    key: str
    title: Text
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Narrative:
    """What happened to one subject, and why there is a narrative (`reasons`)."""

    usubjid: str
    subject: str
    level: str
    reasons: tuple[Message, ...]
    topics: tuple[Topic, ...]

    def by_key(self) -> dict[tuple[str, str], tuple[Topic, Sentence]]:
        """The sentences by topic and key."""
        return {(topic.key, one.key): (topic, one) for topic in self.topics for one in topic.sentences}


# ----------------------------------------------------------------------------------------------------
# The narratives of a build


def narratives_of(built: BuiltCut) -> list[Narrative]:
    """The narratives of a build by subject: everybody who died, had a serious event (also one whose seriousness is not
    known, from consent on) or a dose-limiting toxicity.
    """
    data, study = data_of(built), study_of(built)
    adsl, adae = data["adsl"], data["adae"].reset_index(drop=True)
    addlt = data["addlt"]
    counted = addlt[addlt["DLTSTAT"].isin(COUNTED_AS_DLT)] if "DLTSTAT" in addlt else addlt.head(0)
    events = adae[adae["ASER"].eq("Y") | seriousness_open(adae) | adae["DLTFL"].eq("Y") | fatal(adae)]
    found: dict[str, list[Message]] = {}
    for reason, subjects in (
        (msg("death"), adsl.loc[adsl["DTHFL"].eq("Y"), "USUBJID"]),
        (msg("serious event"), events.loc[events["ASER"].eq("Y"), "USUBJID"]),
        (msg("event whose seriousness is not known"), events.loc[seriousness_open(events), "USUBJID"]),
        (
            msg("dose-limiting toxicity"),
            pd.concat([events.loc[events["DLTFL"].eq("Y"), "USUBJID"], counted["USUBJID"]]),
        ),
    ):
        for usubjid in dict.fromkeys(subjects):
            found.setdefault(str(usubjid), []).append(reason)
    treated = adsl[adsl["SAFFL"].eq("Y")]
    writer = _Writer(study, data, treated, adae, milestone_rows(data, treated))
    people = adsl[adsl["USUBJID"].isin(found)].sort_values("USUBJID", kind="stable")
    people = people.assign(DEATH=death_text(people), TWICE=adsl["SUBJID"].duplicated(keep=False).reindex(people.index))
    return [
        Narrative(
            str(row["USUBJID"]), str(row["USUBJID"] if row["TWICE"] else row["SUBJID"]), _word(row["TRT01A"]),
            tuple(found[str(row["USUBJID"])]), tuple(t for t in writer.topics(row, events) if t.sentences),
        )
        for row in people.to_dict("records")
    ]  # fmt: skip


@dataclass(frozen=True)
class _Writer:
    """Writes the narrative of one subject after the other from the frames of a build."""

    study: StudyData
    data: Mapping[str, pd.DataFrame]
    treated: pd.DataFrame
    adae: pd.DataFrame
    milestones: pd.DataFrame

    def topics(self, subject: Mapping[Any, Any], events: pd.DataFrame) -> Iterator[Topic]:
        """What a narrative says, in the order of ICH E3: the person, the illness, the product, each event, the end."""
        who, start = subject["USUBJID"], pd.Timestamp(subject["TRTSDT"])
        yield Topic("subject", msg("Subject"), tuple(self._person(subject)))
        yield Topic("history", msg("Medical history"), tuple(self._history(who)))
        yield Topic("product", msg("Study product"), tuple(self._infusions(who)))
        for event in (
            events[events["USUBJID"].eq(who)].sort_values(["ASTDT", "AESEQ"], kind="stable").to_dict("records")
        ):
            name = _word(event["ADECOD"]) or _word(event["AETERM"])
            yield Topic(f"AE {event['AESEQ']}", data_text(name), tuple(self._event(event, start)))
        yield Topic("end", msg("Course and status"), tuple(self._course(subject)))

    def _person(self, subject: Mapping[Any, Any]) -> Iterator[Sentence]:
        sex = SEXES.get(_word(subject.get("SEX")), _word(subject.get("SEX")) or msg("sex not known"))
        age = subject.get("AGE", pd.NA)
        said = msg("age not known") if pd.isna(age) else plural("{n} year", "{n} years", int(str(age).split(".")[0]))
        yield Sentence("person", msg("{sex}, {age} at consent.", sex=sex, age=said), "DM")
        adrs = self.data["adrs"]
        grade = adrs[adrs["USUBJID"].eq(subject["USUBJID"]) & adrs["PARAMCD"].eq("GRADE") & adrs["ABLFL"].eq("Y")]
        for row in grade.head(1).to_dict("records"):
            said = msg("Acute GVHD of grade {grade} at baseline ({date}).", grade=row["AVALC"], date=_date(row["ADT"]))
            yield Sentence("grade", said, "ADRS GRADE")

    def _history(self, who: str) -> Iterator[Sentence]:
        rows = self._records("MH", who)
        listed = [
            msg("{term}, {when}", term=_word(row["MHTERM"]) or _word(row["MHDECOD"]), when=_span(row, "MH"))
            for row in rows
        ]
        if rows:
            said = msg("{listed}.", listed=joined(listed, "; "))
            yield Sentence("history", said, _named("MH", (row["MHSEQ"] for row in rows)))

    def _infusions(self, who: str) -> Iterator[Sentence]:
        rows = infusion_levels(self.study)
        rows = rows[rows["USUBJID"].eq(who)]
        rows = rows.assign(DAY=rel_day(rows["EXSTDT"], self._start(rows)))
        for row in rows.to_dict("records"):
            said = {
                "number": int(row["INFNO"]), "date": _date(row["EXSTDT"]), "day": int(row["DAY"]),
                "level": row["LEVEL"] or msg("no dose level"),
            }  # fmt: skip
            if pd.isna(row["DOSEKG"]):
                text = msg("Infusion {number} on {date}, day {day}: dose not known.", **_but(said, "level"))
            else:
                text = msg(
                    "Infusion {number} on {date}, day {day}: {dose:g} million cells per kg ({level}).",
                    dose=float(row["DOSEKG"]), **said,
                )  # fmt: skip
            yield Sentence(f"EX {row['INFNO']}", text, f"EX {_date(row['EXSTDT'])}")
        if rows.empty:
            yield Sentence("none", msg("The subject was not treated."), "EX")
        not_given = self.study.domains["EX"]
        not_given = not_given[not_given["USUBJID"].eq(who) & not_given["EXDOSE"].eq(0)]
        for row in not_given.to_dict("records"):
            due = _word(row["EXSTDTC"]) or UNKNOWN_DATE
            yield Sentence(f"EX {row['EXSEQ']}", msg("The infusion due on {date} was not given.", date=due),
                           f"EX {row['EXSEQ']}")  # fmt: skip

    # ------------------------------------------------------------------------------------------------
    # One event

    def _event(self, event: Mapping[str, Any], start: pd.Timestamp) -> Iterator[Sentence]:
        record = f"AE {event['AESEQ']}"
        onset, end = pd.Timestamp(event["ASTDT"]), pd.Timestamp(event["AENDT"])
        yield Sentence("nature", _nature(event), record)
        yield Sentence("onset", _onset(event), record)
        yield from self._before(event, onset)
        yield from self._labs(event, onset, end)
        action = _word(event["AEACN"]).lower()
        yield Sentence(
            "action",
            msg("Action taken with the study product: {action}.", action=as_text(action) if action else _NOT_GIVEN),
            record,
        )
        yield from self._treatment(event, onset, end)
        yield Sentence("outcome", _outcome(event, start), record)
        yield Sentence("relation", _relation(event), record)
        if event["DLTFL"] == "Y":
            said = msg("The committee has adjudicated it as a dose-limiting toxicity.")
            yield Sentence("dlt", said, f"{record}, SUPPAE AEDLT")

    @property
    def _around(self) -> pd.Timedelta:
        return pd.Timedelta(days=self.study.analysis.narrative_days)

    def _before(self, event: Mapping[str, Any], onset: pd.Timestamp) -> Iterator[Sentence]:
        """The course that led to it: the other events that began in the days before, or were going on."""
        rows = self.adae[self.adae["USUBJID"].eq(event["USUBJID"]) & self.adae["AESEQ"].ne(event["AESEQ"])]
        began = rows["ASTDT"].between(onset - self._around, onset) & rows["ASTDTF"].fillna("").ne("Y")
        found = rows[began].sort_values(["ASTDT", "AESEQ"], kind="stable")
        listed = [
            msg("{term}, {grade}, from {date}", term=_word(row["ADECOD"]) or _word(row["AETERM"]),
                grade=_grade(row["ATOXGR"]), date=_word(row["AESTDTC"]) or UNKNOWN_DATE)
            for row in found.to_dict("records")
        ]  # fmt: skip
        if listed:
            said = msg("Other events that began before it: {listed}.", listed=joined(listed, "; "))
            yield Sentence("before", said, _named("AE", found["AESEQ"]))

    def _labs(self, event: Mapping[str, Any], onset: pd.Timestamp, end: pd.Timestamp) -> Iterator[Sentence]:
        """The worst result of each graded test around the event, where it is severe."""
        adlb = self.data["adlb"]
        until = (onset + self._around) if pd.isna(end) else max(end, onset)
        rows = adlb[adlb["USUBJID"].eq(event["USUBJID"]) & adlb["PARAMCD"].isin(GRADED_TESTS)]
        rows = rows.assign(GRADE=rows[["ATOXGRL", "ATOXGRH"]].max(axis=1))
        rows = rows[rows["ADT"].between(onset - self._around, until) & (rows["GRADE"] >= SEVERE)]
        rows = rows.sort_values(["PARAMCD", "GRADE", "ADT"], ascending=[True, False, True], kind="stable")
        worst = rows.drop_duplicates("PARAMCD")
        listed = [
            msg("{test} {sign}{value:g} {unit}, grade {grade}, on {date}", test=row["PARAMCD"],
                sign=_word(row["AVALOP"]), value=float(row["AVAL"]), unit=_word(row["AVALU"]),
                grade=int(row["GRADE"]), date=_date(row["ADT"]))
            for row in worst.to_dict("records")
        ]  # fmt: skip
        if listed:
            said = msg("Worst laboratory results around it: {listed}.", listed=joined(listed, "; "))
            yield Sentence("labs", said, _named("LB", worst["LBSEQ"]))

    def _treatment(self, event: Mapping[str, Any], onset: pd.Timestamp, end: pd.Timestamp) -> Iterator[Sentence]:
        """Medication that was going on at the onset, and what was begun from then to the end of the event."""
        rows = pd.DataFrame(self._records("CM", event["USUBJID"]))
        if rows.empty or pd.isna(onset):
            return
        first, last = earliest_date(rows["CMSTDTC"]), latest_date(rows["CMENDTC"])
        goes_on = rows["CMSTDTC"].notna() & (first < onset) & ~(last < onset)
        until = onset + self._around if pd.isna(end) else min(max(end, onset), onset + self._around)
        for key, chosen in (("with", rows[goes_on]), ("then", rows[first.between(onset, until)])):
            listed = [
                msg("{drug}, {when}", drug=_drug(row), when=_span(row, "CM")) for row in chosen.to_dict("records")
            ]
            if listed:
                drugs = joined(listed, "; ")
                said = (
                    msg("Medication at the onset: {drugs}.", drugs=drugs)
                    if key == "with"
                    else msg("Medication begun afterwards: {drugs}.", drugs=drugs)
                )
                yield Sentence(key, said, _named("CM", chosen["CMSEQ"]))

    # ------------------------------------------------------------------------------------------------

    def _course(self, subject: Mapping[Any, Any]) -> Iterator[Sentence]:
        who = subject["USUBJID"]
        own = self.milestones[self.milestones["USUBJID"].eq(who) & self.milestones["EVENT"].isin(MILESTONES)]
        for row in own.to_dict("records"):
            when = {"event": as_text(str(row["EVENT"])), "date": _date(row["DATE"])}
            if pd.isna(row["DAY"]):
                text = msg("{event}: {date}.", **when)
            elif _word(row["SAID"]):
                text = msg("{event} on {date}, day {day}: {said}.", day=int(row["DAY"]),
                           said=as_text(_word(row["SAID"])), **when)  # fmt: skip
            else:
                text = msg("{event} on {date}, day {day}.", day=int(row["DAY"]), **when)
            yield Sentence(str(row["EVENT"]), text, MILESTONES[str(row["EVENT"])])
        addlt = self.data["addlt"]
        for row in addlt[addlt["USUBJID"].eq(who)].to_dict("records") if "DLTSTAT" in addlt else ():
            status = as_text(STATUS_WORDS.get(row["DLTSTAT"], row["DLTSTAT"]))
            said = msg("Status for dose-limiting toxicity: {status}: {reason}.", status=status,
                       reason=as_text(_word(row["REASON"]) or _NOT_GIVEN))  # fmt: skip
            yield Sentence("dlt status", said, "ADDLT")
        if subject["DTHFL"] == "Y":
            yield Sentence("death", msg("Died: {date}.", date=as_text(subject["DEATH"] or UNKNOWN_DATE)), "ADSL")
            events = self.adae[self.adae["USUBJID"].eq(who)]
            causes = events[fatal(events)]
            listed = joined([_word(row) for row in causes["ADECOD"]], ", ")
            said = msg("Fatal event: {terms}.", terms=listed) if listed else msg("No fatal event is recorded.")
            yield Sentence("cause", said, ", ".join(f"AE {seq}" for seq in causes["AESEQ"]) or "AE")

    def _records(self, code: str, who: str) -> list[dict[str, Any]]:
        rows = self.study.domains[code]
        found = rows[rows["USUBJID"].eq(who)].sort_values(f"{code}SEQ", kind="stable").to_dict("records")
        return [{str(name): value for name, value in row.items()} for row in found]

    def _start(self, rows: pd.DataFrame) -> pd.Series:
        return rows["USUBJID"].map(self.treated.set_index("USUBJID")["TRTSDT"])


# ----------------------------------------------------------------------------------------------------
# Sentences


_NOT_GIVEN = msg("not given")


def _nature(event: Mapping[str, Any]) -> Message:
    """What it was: the term, as it was written at the site, its grade and why it is serious."""
    term, written = _word(event["ADECOD"]), _word(event["AETERM"])
    ticked = [as_text(word) for name, word in CRITERIA.items() if _word(event.get(name)).upper() == "Y"]
    if event["ASER"] != "Y":
        serious = msg("seriousness: {code}", code=_word(event["AESER"]) or _NOT_GIVEN)
    elif ticked:
        serious = msg("serious: {criteria}", criteria=joined(ticked, ", "))
    else:
        serious = msg("serious, criterion not given")
    if term and written and term.casefold() != written.casefold():
        return msg("{term} (written at the site: {code}), {grade}; {serious}.", term=term, code=written,
                   grade=_grade(event["ATOXGR"]), serious=serious)  # fmt: skip
    return msg("{term}, {grade}; {serious}.", term=term or written, grade=_grade(event["ATOXGR"]), serious=serious)


def _onset(event: Mapping[str, Any]) -> Message:
    """When it began, and how long after the last infusion before it."""
    date = _word(event["AESTDTC"]) or UNKNOWN_DATE
    if pd.isna(event["RELDAY"]) or event["ASTDTF"] == "Y":
        return msg("It began on {date}.", date=date)
    said = {"date": date, "day": int(event["RELDAY"])}
    if pd.isna(event["INFNO"]):
        return msg("It began on {date}, day {day}, before the first infusion.", **said)
    number = int(event["INFNO"])
    if pd.notna(event["INFHRS"]) and event["INFDY"] <= 1:
        return msg("It began on {date}, day {day}, {hours:g} hours after infusion {number}.",
                   hours=float(event["INFHRS"]), number=number, **said)  # fmt: skip
    if event["INFDY"] == 0:
        return msg("It began on {date}, day {day}, on the day of infusion {number}.", number=number, **said)
    return plural(
        "It began on {date}, day {day}, {n} day after infusion {number}.",
        "It began on {date}, day {day}, {n} days after infusion {number}.", int(event["INFDY"]), number=number, **said,
    )  # fmt: skip


def _outcome(event: Mapping[str, Any], start: pd.Timestamp) -> Message:
    said = _word(event["AEOUT"]).lower()
    outcome = as_text(said) if said else _NOT_GIVEN
    if pd.isna(event["AENDT"]):
        return msg("Outcome: {outcome}; no end is recorded.", outcome=outcome)
    date = _word(event["AEENDTC"]) or _date(event["AENDT"])
    day = (pd.Timestamp(event["AENDT"]) - start).days if pd.notna(start) and not _word(event["AENDTF"]) else None
    if day is None:
        return msg("Outcome: {outcome}; it ended on {date}.", outcome=outcome, date=date)
    return msg("Outcome: {outcome}; it ended on {date}, day {day}.", outcome=outcome, date=date, day=day)


def _relation(event: Mapping[str, Any]) -> Message:
    """What the investigator thinks of the cause, in the words of the site, and how it is counted."""
    said = as_text(str(relation_text(pd.DataFrame([event])).iloc[0]))
    return msg(
        "Relation to the study product in the judgement of the investigator: {code}; counted: {relation}.",
        code=_word(event["AEREL"]) or _NOT_GIVEN, relation=said,
    )  # fmt: skip


def _span(row: Mapping[str, Any], code: str) -> Message:
    """From when to when a record holds, dates as they were entered."""
    begun, ended = _word(row[f"{code}STDTC"]), _word(row[f"{code}ENDTC"])
    if begun and begun == ended:
        return msg("on {date}", date=begun)
    if ended:
        return (
            msg("from {date} to {end}", date=begun, end=ended) if begun else msg("begin not known, to {end}", end=ended)
        )
    if _word(row[f"{code}ENRTPT"]).upper() == "ONGOING":
        return msg("from {date}, ongoing", date=begun) if begun else msg("begin not known, ongoing")
    return msg("from {date}, end not known", date=begun) if begun else msg("begin and end not known")


def _drug(row: Mapping[str, Any]) -> str:
    dose = "" if pd.isna(row["CMDOSE"]) else f"{row['CMDOSE']:g}"
    words = (_word(row["CMTRT"]) or _word(row["CMDECOD"]), dose, _word(row["CMDOSU"]), _word(row["CMROUTE"]))
    return " ".join(word for word in words if word)


def _grade(grade: object) -> Message:
    return msg("grade not given") if pd.isna(grade) else msg("grade {grade}", grade=int(grade))  # type: ignore[call-overload]


def _named(code: str, numbers: Iterable[object]) -> str:
    """Records by their numbers: `CM 1, 4`."""
    return f"{code} {', '.join(str(number) for number in numbers)}"


def _date(day: object) -> str:
    return "" if day is None or pd.isna(day) else f"{pd.Timestamp(str(day)):%Y-%m-%d}"


def _word(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _but(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
