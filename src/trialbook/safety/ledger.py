"""The ledger of serious and special events from consent on (§14.4), and when an expedited report is due (A-151)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.dates import latest_date
from trialbook.core.described import described
from trialbook.core.messages import msg, plural
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.adjudication import KNOWN_ON
from trialbook.safety.ae_tables import fatal, seriousness_open
from trialbook.safety.counting import NONE, SUBJECT_EVENT, mask_counts
from trialbook.safety.listings import CONTRADICTED, CRITERIA, subject_ids
from trialbook.safety.relationship import SERIOUSNESS_CRITERIA, relation_given

# ----------------------------------------------------------------------------------------------------
# Which serious events may need an expedited report, and by when it is due (ICH E2A; rulebook §14.4, A-151, A-152).


TEXTS = QueryTexts("queries/texts/safety.yaml")
EXPECTED, UNEXPECTED = "expected", "unexpected"


def due_dates(events: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp) -> pd.DataFrame:
    """The serious events with EXPECTED, SUSAR, MAYBE, URGENT, OVERDUE, DUEDT and DAYSLEFT.

    `events` of the ledger. EXPECTED: the coded or reported term is one of `expected_events` of the protocol file.
    SUSAR (bool): serious (ASER Y), related and unexpected, a candidate for an expedited report. MAYBE (bool): the same
    but of unknown seriousness, so that nobody knows whether a report is due. URGENT (bool): fatal or
    life-threatening, or no criterion of seriousness is given, which rules neither out. DUEDT: so many days after the
    day on which the site knew, missing where that is not known; DAYSLEFT from the cut, below 0 where it has passed.
    OVERDUE (bool): the due date of a candidate is not known, and may have passed, since the event began long enough
    before the cut.
    """
    expected = {_plain(term) for term in protocol.expected_events}
    is_expected = events["ADECOD"].map(_plain).isin(expected) | events["AETERM"].fillna("").map(_plain).isin(expected)
    unexpected = events["AREL"].eq("RELATED") & ~is_expected
    susar = unexpected & events["ASER"].eq("Y")
    criterion = events[list(SERIOUSNESS_CRITERIA)].any(axis=1) | events["FATAL"]
    urgent = events["FATAL"] | events["AESLIFE"] | ~criterion
    days = pd.Series(analysis.expedited_days, index=events.index).mask(urgent, analysis.expedited_days_fatal)
    due = (events["KNOWDT"] + pd.to_timedelta(days, unit="D")).where(susar).astype("datetime64[s]")
    return events.assign(
        EXPECTED=pd.Series(UNEXPECTED, index=events.index, dtype="str").mask(is_expected, EXPECTED),
        SUSAR=susar.astype(bool),
        MAYBE=(unexpected & ~susar).astype(bool),
        OVERDUE=(susar & due.isna() & ~(events["ASTDT"] + pd.to_timedelta(days, unit="D") >= cut_date)).astype(bool),
        URGENT=urgent.astype(bool),
        DUEDT=due,
        DAYSLEFT=(due - cut_date).dt.days.astype("Int64"),
    )


def days_left_text(events: pd.DataFrame) -> pd.Series:
    """`4 days left`, `today`, `3 days past`, `not known` without a day of knowledge; blank where no report is due."""
    days = events["DAYSLEFT"]
    said = [
        "" if not asked else "not known" if pd.isna(left) else "today" if left == 0 else _counted(int(left))
        for asked, left in zip(events["SUSAR"] | events["MAYBE"], days, strict=True)
    ]
    return pd.Series(said, index=events.index, dtype="str")


def expedited_sentence(events: pd.DataFrame) -> str:
    """How many candidates for an expedited report there are, how many due dates are past, and what is not known."""
    candidates, maybe = events[events["SUSAR"]], int(events["MAYBE"].sum())
    further = (
        plural(
            " Of {n} related and unexpected event the seriousness is not given: whether an expedited report is due is "
            "not known.",
            " Of {n} related and unexpected events the seriousness is not given: whether an expedited report is due is "
            "not known.",
            maybe,
        )
        if maybe
        else ""
    )
    if candidates.empty and maybe:
        return msg("No event that is known to be serious is related and unexpected.{further}", further=further)
    if candidates.empty:
        return msg("No serious event is related and unexpected: no expedited report is due.")
    start = plural(
        "{n} serious event is related and unexpected.", "{n} serious events are related and unexpected.",
        len(candidates),
    )  # fmt: skip
    return msg(
        "{start} {due_words} Whether a report was sent is not in the data.{further}",
        start=start,
        due_words=_due_words(candidates),
        further=further,
    )


def _due_words(candidates: pd.DataFrame) -> str:
    past, unknown = int((candidates["DAYSLEFT"] < 0).sum()), int(candidates["DAYSLEFT"].isna().sum())
    number, overdue = len(candidates), int(candidates["OVERDUE"].sum())
    if not unknown:
        return plural(
            "Of the expedited reports {n} was due before the cut.",
            "Of the expedited reports {n} were due before the cut.",
            past,
        )  # fmt: skip
    why = msg("since the day on which the site knew is not given")
    may = msg("{overdue} may already be overdue", overdue=overdue) if overdue else msg("none can be overdue yet")
    if number == unknown:
        which = (
            msg("the expedited report was")
            if number == 1
            else msg("any of the {number} expedited reports was", number=number)
        )
        return msg("When {which} due is not known, {why}: {may}.", which=which, why=why, may=may)
    return plural(
        "Of the expedited reports whose due date is known, {n} of {number} was due before the cut; of {unknown} the "
        "due date is open, {why}: {may}.",
        "Of the expedited reports whose due date is known, {n} of {number} were due before the cut; of {unknown} the "
        "due date is open, {why}: {may}.",
        past,
        number=number - unknown,
        unknown=unknown,
        why=why,
        may=may,
    )


def expedited_notes(protocol: Protocol, analysis: Analysis) -> list[str]:
    """By what rule an event is expected, and a report due."""
    terms = len(protocol.expected_events)
    known = (
        msg("one of {terms} terms", terms=terms)
        if terms
        else msg("none: the list is empty, so every event counts as unexpected")
    )
    return [
        msg("Expected, by the reference safety information in the protocol file: {known} (A-151).", known=known),
        msg(
            "An expedited report of a related, unexpected event is due {expedited_days_fatal} calendar "
            "days after the site knew of it where it is fatal or life-threatening, or gives no "
            "criterion; else {expedited_days} days (ICH E2A; A-152).",
            expedited_days_fatal=analysis.expedited_days_fatal,
            expedited_days=analysis.expedited_days,
        ),
    ]


def expedited_queries(events: pd.DataFrame) -> list[Query]:
    """The day on which the site knew: missing for a candidate, incomplete, or before the event began."""
    given = events["KNOWDTC"].ne("")
    missing = events[events["SUSAR"] & ~given]
    partial = events[given & events["KNOWDTC"].str.len().lt(len("2025-01-01"))]
    early = events[events["KNOWDT"] < events["ASTDT"]]
    return [
        *_each("SAE-KNOWN-DATE-MISSING", missing),
        *_each("SAE-KNOWN-DATE-INCOMPLETE", partial),
        *_each("SAE-KNOWN-BEFORE-ONSET", early),
    ]


def _each(rule: str, rows: pd.DataFrame) -> list[Query]:
    return [
        TEXTS.query(rule, row.USUBJID, record=f"AESEQ={row.AESEQ}", field=KNOWN_ON, observed=row.KNOWDTC)
        for row in rows.itertuples()
    ]


def _counted(left: int) -> str:
    number = abs(left)
    return msg(
        "{number} day{said} {said_2}",
        number=number,
        said="" if number == 1 else "s",
        said_2=msg("left") if left > 0 else msg("past"),
    )


def _plain(term: str) -> str:
    return " ".join(str(term).casefold().split())


# ----------------------------------------------------------------------------------------------------
# The ledger: serious events, and those of special interest, from consent on and without an end date (§14.4).
#
# The registry's window counts treatment-emergent events of treated subjects up to its last day. Whatever lies outside,
# before the first infusion, after that day, or in somebody who was never treated, is counted here beside it.


SAE_LEDGER, AESI_LEDGER = "SAE_LEDGER", "AESI_LEDGER"
ALL = "all"
# Ends the name of a row of events whose seriousness is not given.
UNKNOWN = "_UNKNOWN"
# Where an event lies, as context of a row and in a listing.
IN_WINDOW, BEFORE, AFTER, NOT_TREATED = "in window", "before the first infusion", msg("after the window"), "not treated"
OUTSIDE = (BEFORE, AFTER, NOT_TREATED)


def from_consent(adae: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    """Which records began on the day of consent or later, or may have: an unknown day of either is not before."""
    consent = adsl.set_index("USUBJID")["RFICDT"].reindex(adae["USUBJID"]).set_axis(adae.index)
    return ~(latest_date(adae["AESTDTC"]) < consent.dt.normalize())


def serious_events(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis, cut_date: pd.Timestamp
) -> pd.DataFrame:
    """The ledger of serious events, and of those that may be: one row per event (EPISODE), by subject and onset.

    USUBJID EPISODE TRT01A (blank = not treated) AESEQ (of its first serious record) ADECOD ASTDT ASTDTF RELDAY; ASER, Y
    or blank where the seriousness is not given and the event counts beside the serious ones; ATOXGR, the highest known
    grade; UNGRADED where a record has none; the criteria of seriousness, Y or blank; FATAL; AREL, RELATED where any
    record is; RELGIVEN, whether the site said so of one, and RELOPEN, whether it did not say of one; AESICAT; AEOUT of
    the last record; WINDOW; KNOWDTC KNOWDT, and the columns of `due_dates`.
    """
    certain, unknown = adae["ASER"].eq("Y"), seriousness_open(adae)
    # An event that is serious by one of its records is not open.
    decided = certain.groupby([adae[name] for name in SUBJECT_EVENT]).transform("any").astype(bool)
    records = adae[(certain | (unknown & ~decided)) & from_consent(adae, adsl)]
    return due_dates(_events(records, analysis), protocol, analysis, cut_date)


def special_events(adae: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The same for events of special interest, serious or not, without the dates of reports."""
    return _events(adae[adae["AESICAT"].ne("") & from_consent(adae, adsl)], analysis)


def _events(records: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    order = records.assign(
        FATAL=fatal(records), RELATED=records["AREL"].eq("RELATED"), WINDOW=_window(records, analysis),
        UNGRADED=records["ATOXGR"].isna(),
        RELGIVEN=records["AREL"].eq("RELATED") & relation_given(records["AEREL"]),
        RELOPEN=~relation_given(records["AEREL"]),
        **{name: records[name].fillna("").str.upper().eq("Y") for name in SERIOUSNESS_CRITERIA},
    ).sort_values([*SUBJECT_EVENT, "ASTDT", "AESEQ"], kind="stable", na_position="last")  # fmt: skip
    group = order.groupby(SUBJECT_EVENT, sort=False)
    events = order.drop_duplicates(SUBJECT_EVENT).set_index(SUBJECT_EVENT)
    any_of = [*SERIOUSNESS_CRITERIA, "FATAL", "RELATED", "UNGRADED", "RELGIVEN", "RELOPEN"]
    known = order[order["KNOWDT"].notna()].groupby(SUBJECT_EVENT)["KNOWDT"].min().reindex(events.index)
    given = order[order["KNOWDTC"].ne("")].groupby(SUBJECT_EVENT)["KNOWDTC"].min().reindex(events.index)
    # An event that the window counts by one of its records is in the window.
    counted = order["WINDOW"].eq(IN_WINDOW).groupby([order[name] for name in SUBJECT_EVENT]).any().reindex(events.index)
    found = events.assign(
        **{name: group[name].any().reindex(events.index) for name in any_of},
        ATOXGR=group["ATOXGR"].max().reindex(events.index),
        AEOUT=group["AEOUT"].last().reindex(events.index).fillna(""),
        KNOWDT=known.astype("datetime64[s]"), KNOWDTC=given.fillna("").astype("str"),
        WINDOW=events["WINDOW"].mask(counted.astype(bool), IN_WINDOW),
    ).reset_index()  # fmt: skip
    found["AREL"] = found["RELATED"].map({True: "RELATED", False: "NOT RELATED"}).astype("str")
    columns = [
        *SUBJECT_EVENT, "TRT01A", "AESEQ", "AETERM", "ADECOD", "AESTDTC", "ASTDT", "ASTDTF",
        "RELDAY", "ASER", "ATOXGR", "UNGRADED", *SERIOUSNESS_CRITERIA, "FATAL", "AREL", "RELGIVEN",
        "RELOPEN", "AESICAT", "AEOUT", "WINDOW", "KNOWDTC", "KNOWDT",
    ]  # fmt: skip
    found = found.sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable", na_position="last")
    return found[columns].reset_index(drop=True)


def _window(records: pd.DataFrame, analysis: Analysis) -> pd.Series:
    treated = records["SAFFL"].eq("Y")
    counted = treated & records["TRTEMFL"].eq("Y")
    last = analysis.safety_end_rel_day
    where = pd.Series(BEFORE, index=records.index, dtype="str")
    if last is not None:
        where = where.mask(records["RELDAY"].gt(last).fillna(False).astype(bool), AFTER)
    return where.mask(counted, IN_WINDOW).mask(~treated, NOT_TREATED)


def ledger_rows(
    serious: pd.DataFrame, special: pd.DataFrame, protocol: Protocol, analysis: Analysis
) -> list[ArdRow]:  # fmt: skip
    """SAE_LEDGER (SAE, and SRAE for the related ones) and AESI_LEDGER: n and events by level and Total.

    Context `all`, and the same by where the events lie. Who was never treated has no level and counts in Total. Events
    of unknown seriousness have rows of their own (SAE_UNKNOWN, SRAE_UNKNOWN) where there are any, and count nowhere
    else.
    """
    certain, related = serious["ASER"].eq("Y"), serious["AREL"].eq("RELATED")
    kinds = {"SAE": certain, "SRAE": certain & related}
    if not certain.all():
        kinds |= {f"SAE{UNKNOWN}": ~certain, f"SRAE{UNKNOWN}": ~certain & related}
    rows = _rows(SAE_LEDGER, serious, kinds, protocol)
    if analysis.aesi:
        rows += _rows(AESI_LEDGER, special, {"AESI": pd.Series(True, index=special.index)}, protocol)
    return rows


def _rows(analysis_id: str, events: pd.DataFrame, kinds: dict[str, pd.Series], protocol: Protocol) -> list[ArdRow]:
    places = {ALL: pd.Series(True, index=events.index)}
    places |= {place: events["WINDOW"].eq(place) for place in (IN_WINDOW, *OUTSIDE)}
    masks = {f"{kind} {place}": kinds[kind] & chosen for kind in kinds for place, chosen in places.items()}
    found = mask_counts(events, masks)
    return [
        ard_row(analysis_id, level, kind, stat, value, context=place)
        for kind in kinds
        for place in places
        for level in [*protocol.level_ids, TOTAL]
        for stat, value in zip(("n", "events"), found.get((level, f"{kind} {place}"), NONE), strict=True)
    ]


# ----------------------------------------------------------------------------------------------------

LABELS = {
    "SUBJID": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "ADECOD": msg("Event"),
    "RELDAY": msg("Day of onset"),
    "GRADE": msg("Grade"),
    "SERIOUS": msg("Serious by"),
    "AREL": msg("Relation"),
    "EXPECTED": msg("Expectedness"),
    "AESICAT": msg("Special interest"),
    "WHERE": msg("Where it lies"),
    "AEOUT": msg("Outcome"),
    "KNOWN": msg("Site knew on"),
    "DUE": msg("Report due"),
    "LEFT": msg("At the cut"),
}
SPECIAL_LABELS = {name: LABELS[name] for name in LABELS if name not in ("EXPECTED", "KNOWN", "DUE", "LEFT")}


def serious_lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-9: one line per serious event of the ledger, with the columns of `LABELS`."""
    due = events["DUEDT"].dt.strftime("%Y-%m-%d").where(events["DUEDT"].notna(), "not known")
    due = due.where(events["SUSAR"] | events["MAYBE"], "")
    lines = _lines(events, adsl, analysis)
    ticked = events[list(SERIOUSNESS_CRITERIA)].any(axis=1)
    unknown = (f"{CONTRADICTED} " + lines["SERIOUS"]).where(ticked, "not given")
    listed = lines.assign(
        SERIOUS=lines["SERIOUS"].where(events["ASER"].eq("Y"), unknown),
        EXPECTED=events["EXPECTED"],
        KNOWN=events["KNOWDTC"],
        DUE=due.astype("str"),
        LEFT=days_left_text(events),
    )[list(LABELS)]
    return described(listed, labels=LABELS, empty=msg("No serious adverse event is recorded at this cut."))


def special_lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """L-10: events of special interest outside the window, with the columns of `SPECIAL_LABELS`."""
    outside = events[events["WINDOW"].isin(OUTSIDE)].reset_index(drop=True)
    listed = _lines(outside, adsl, analysis)[list(SPECIAL_LABELS)]
    return described(
        listed, labels=SPECIAL_LABELS, empty=msg("No event of special interest lies outside the window.")
    )  # fmt: skip


def _lines(events: pd.DataFrame, adsl: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    grade = events["ATOXGR"].astype("str").where(events["ATOXGR"].notna(), msg("not graded"))
    untreated = events["WINDOW"].eq(NOT_TREATED)
    whole = events["ASTDTF"].ne("Y") & events["RELDAY"].notna()
    day = events["RELDAY"].astype("str").mask(events["ASTDTF"].isin(["D", "M"]), "in " + events["AESTDTC"].fillna(""))
    relation = events["AREL"].str.lower()
    assumed = events["RELOPEN"].astype(bool) & ~events["RELGIVEN"].astype(bool)
    partly = events["UNGRADED"] & events["ATOXGR"].notna()
    said = pd.Series("", index=events.index, dtype="str")
    for column, word in CRITERIA.items():
        said = said.mask(events[column], said.where(said == "", said + ", ") + word)
    return events.assign(
        SUBJID=subject_ids(events, adsl),
        TRT01A=events["TRT01A"].where(events["WINDOW"] != NOT_TREATED, NOT_TREATED),
        GRADE=grade.mask(partly, grade + " or more").astype("str"),
        RELDAY=day.where(whole, msg("not known")).mask(untreated & events["ASTDTF"].ne("Y"), "").astype("str"),
        SERIOUS=said.where(said != "", msg("no criterion given")),
        AREL=relation.mask(assumed, "not known, counted as " + relation).astype("str"),
        AEOUT=events["AEOUT"].str.lower(),
        WHERE=events["WINDOW"].map(place_words(analysis)).astype("str"),
    )


def place_words(analysis: Analysis) -> dict[str, str]:
    """The contexts of the ledger in words, with the last day of the window in force."""
    last = analysis.safety_end_rel_day
    within = msg("on treatment") if last is None else msg("in the {last} days of the window", last=last)
    after = msg("after the window") if last is None else msg("after day {last}", last=last)
    return {IN_WINDOW: within, BEFORE: BEFORE, AFTER: after, NOT_TREATED: NOT_TREATED}


def outside_text(
    ard: pd.DataFrame, analysis: Analysis, *, analysis_id: str = SAE_LEDGER, variable: str = "SAE", level: str = TOTAL
) -> str:
    """`and 2 outside the window: 1 after day 180 (1 related), 1 not treated` in events; blank where there is none.

    Those of unknown seriousness follow. From the ledger rows of the results, at one level.
    """
    certain = _outside(ard, analysis, analysis_id, variable, level, "")
    unknown = _outside(ard, analysis, analysis_id, variable, level, UNKNOWN)
    return "; ".join(part for part in (certain, unknown) if part)


def _outside(
    ard: pd.DataFrame, analysis: Analysis, analysis_id: str, variable: str, level: str, ending: str
) -> str:  # fmt: skip
    rows = ard[
        ard["analysis_id"].eq(analysis_id) & ard["group1_level"].eq(level) & ard["stat_name"].eq("events")
        & ard["context"].isin(OUTSIDE) & ard["stat"].gt(0)
    ]  # fmt: skip
    own = rows[rows["variable"] == variable + ending].set_index("context")["stat"].astype("int64")
    if own.empty:
        return ""
    words = place_words(analysis)
    related = rows[rows["variable"] == f"SR{variable[1:]}{ending}"].set_index("context")["stat"].astype("int64")
    parts = ", ".join(
        f"{own[place]} {words[place]}" + (f" ({related[place]} related)" if place in related.index else "")
        for place in OUTSIDE
        if place in own.index
    )
    kind = " of unknown seriousness" if ending else ""
    return f"and {own.sum()}{kind} outside the window: {parts}"


def special_outside(events: pd.DataFrame, analysis: Analysis) -> dict[str, str]:
    """By category of special interest what lies outside the window: `1 after day 180 (1 related)`, in events."""
    words, said = place_words(analysis), {}
    for category, own in events[events["WINDOW"].isin(OUTSIDE)].groupby("AESICAT", sort=False):
        parts = []
        for place in OUTSIDE:
            here = own[own["WINDOW"].eq(place)]
            related = int(here["AREL"].eq("RELATED").sum())
            if len(here):
                parts.append(f"{len(here)} {words[place]}" + (f" ({related} related)" if related else ""))
        said[str(category)] = ", ".join(parts)
    return said


def with_names(said: str, events: pd.DataFrame, analysis: Analysis) -> str:
    """`outside_text` and the names of the events of special interest there: `...; of special interest: Teratoma`."""
    outside = events[events["WINDOW"].isin(OUTSIDE)]
    if outside.empty or not said:
        return said
    words = place_words(analysis)
    named = [f"{term}, {words[place]}" for term, place in zip(outside["ADECOD"], outside["WINDOW"], strict=True)]
    return f"{said}; of special interest: {'; '.join(dict.fromkeys(named))}"


def ledger_text(ard: pd.DataFrame, *, analysis_id: str = SAE_LEDGER, variable: str = "SAE", level: str = TOTAL) -> str:
    """`3 [4]`: subjects and events of the ledger at a level; blank where the results do not have it.

    Followed by `, and 1 [1] of unknown seriousness` where there are such events.
    """
    here = ard[ard["analysis_id"].eq(analysis_id) & ard["group1_level"].eq(level) & ard["context"].eq(ALL)]
    rows = here[here["variable"].eq(variable)].set_index("stat_name")["stat_text"]
    if rows.empty:
        return ""
    unknown = here[here["variable"].eq(variable + UNKNOWN) & here["stat"].gt(0)].set_index("stat_name")["stat_text"]
    beside = f", and {unknown['n']} [{unknown['events']}] of unknown seriousness" if len(unknown) else ""
    return f"{rows['n']} [{rows['events']}]{beside}"
