"""Which serious events may need an expedited report, and by when it is due (ICH E2A; rulebook §14.4, A-151, A-152)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.queries import Query, query
from trialbook.safety.known_dates import KNOWN_ON
from trialbook.safety.seriousness import SERIOUSNESS_CRITERIA

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
    """`4 days left`, `today`, `3 days past`, `open` without a day of knowledge; blank where no report is due."""
    days = events["DAYSLEFT"]
    said = [
        "" if not asked else "open" if pd.isna(left) else "today" if left == 0 else _counted(int(left))
        for asked, left in zip(events["SUSAR"] | events["MAYBE"], days, strict=True)
    ]
    return pd.Series(said, index=events.index, dtype="str")


def expedited_sentence(events: pd.DataFrame) -> str:
    """How many candidates for an expedited report there are, how many due dates are past, and what is not known."""
    candidates, maybe = events[events["SUSAR"]], int(events["MAYBE"].sum())
    further = (
        f" Of {maybe} related and unexpected {_events(maybe)} the seriousness is not given: whether an expedited "
        "report is due is not known."
        if maybe
        else ""
    )
    if candidates.empty and maybe:
        return f"No event that is known to be serious is related and unexpected.{further}"
    if candidates.empty:
        return "No serious event is related and unexpected: no expedited report is due."
    start = f"{len(candidates)} serious {_events(len(candidates))} {_are(len(candidates))} related and unexpected."
    return f"{start} {_due_words(candidates)} Whether a report was sent is not in the data.{further}"


def _due_words(candidates: pd.DataFrame) -> str:
    past, unknown = int((candidates["DAYSLEFT"] < 0).sum()), int(candidates["DAYSLEFT"].isna().sum())
    number, overdue = len(candidates), int(candidates["OVERDUE"].sum())
    if not unknown:
        return f"Of the expedited reports {past} {_were(past)} due before the cut."
    why = "since the day on which the site knew is not given"
    may = f"{overdue} may already be overdue" if overdue else "none can be overdue yet"
    if number == unknown:
        which = "the expedited report was" if number == 1 else f"any of the {number} expedited reports was"
        return f"When {which} due is not known, {why}: {may}."
    return (
        f"Of the expedited reports whose due date is known, {past} of {number - unknown} {_were(past)} due before the "
        f"cut; of {unknown} the due date is open, {why}: {may}."
    )


def _events(number: int) -> str:
    return "event" if number == 1 else "events"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def expedited_notes(protocol: Protocol, analysis: Analysis) -> list[str]:
    """By what rule an event is expected, and a report due."""
    terms = len(protocol.expected_events)
    known = f"one of {terms} terms" if terms else "none: the list is empty, so every event counts as unexpected"
    return [
        f"Expected, by the reference safety information in the protocol file: {known} (A-151).",
        f"An expedited report of a related, unexpected event is due {analysis.expedited_days_fatal} calendar days "
        f"after the site knew of it where it is fatal or life-threatening, or gives no criterion; else "
        f"{analysis.expedited_days} days (ICH E2A; A-152).",
    ]


def expedited_queries(events: pd.DataFrame) -> list[Query]:
    """The day on which the site knew: missing for a candidate, incomplete, or before the event began."""
    given = events["KNOWDTC"].ne("")
    missing = events[events["SUSAR"] & ~given]
    partial = events[given & events["KNOWDTC"].str.len().lt(len("2025-01-01"))]
    early = events[events["KNOWDT"] < events["ASTDT"]]
    return [
        *_each(
            "SAE-KNOWN-DATE-MISSING", missing, "major",
            "The event is serious, related and unexpected. On which day did the site learn of it? The due date of the "
            "expedited report is open until then.",
            "该事件为严重、相关且非预期的不良事件。研究中心何时获知？补充之前无法确定加速报告的截止日期。",
        ),
        *_each(
            "SAE-KNOWN-DATE-INCOMPLETE", partial, "major",
            "The day on which the site learned of this serious event is incomplete. Please give the full date.",
            "研究中心获知该严重不良事件的日期不完整，请补充完整日期。",
        ),
        *_each(
            "SAE-KNOWN-BEFORE-ONSET", early, "minor",
            "The site learned of the event before it began. Please check both dates.",
            "研究中心获知日期早于事件开始日期，请核实两个日期。",
        ),
    ]  # fmt: skip


def _each(rule: str, rows: pd.DataFrame, severity: str, english: str, chinese: str) -> list[Query]:
    return [
        query(rule, row.USUBJID, "SUPPAE", record=f"AESEQ={row.AESEQ}", field=KNOWN_ON, severity=severity,
              observed=row.KNOWDTC, expected="a complete date, not before the event began",
              message_en=english, message_zh=chinese)
        for row in rows.itertuples()
    ]  # fmt: skip


def _counted(left: int) -> str:
    number = abs(left)
    return f"{number} day{'' if number == 1 else 's'} {'left' if left > 0 else 'past'}"


def _plain(term: str) -> str:
    return " ".join(str(term).casefold().split())
