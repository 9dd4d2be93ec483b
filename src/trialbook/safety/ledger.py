"""The ledger: serious events, and those of special interest, from consent on and without an end date (§14.4).

The registry's window counts treatment-emergent events of treated subjects up to its last day. Whatever lies outside,
before the first infusion, after that day, or in somebody who was never treated, is counted here beside it.
"""

from __future__ import annotations

import pandas as pd

from trialbook.dates import latest_date
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.ae_results import fatal, seriousness_open
from trialbook.safety.counting import NONE, SUBJECT_EVENT, mask_counts
from trialbook.safety.expedited import due_dates
from trialbook.safety.relationship import relation_given
from trialbook.safety.seriousness import SERIOUSNESS_CRITERIA

SAE_LEDGER, AESI_LEDGER = "SAE_LEDGER", "AESI_LEDGER"
ALL = "all"
# Ends the name of a row of events whose seriousness is not given.
UNKNOWN = "_UNKNOWN"
# Where an event lies, as context of a row and in a listing.
IN_WINDOW, BEFORE, AFTER, NOT_TREATED = "in window", "before the first infusion", "after the window", "not treated"
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
    # An event that is serious by one of its records is no open one.
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
