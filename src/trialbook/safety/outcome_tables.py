"""Reported numbers of the outcomes of a trial of cells, their tables and listings, and what is said of them (§16)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import as_text, enumerated, joined, msg, plural
from trialbook.protocol.models import Protocol
from trialbook.protocol.outcomes import LOT, PASSAGE, THAW, VIABILITY, ProductValue
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, ard_row_or_ne, proportion_rows, round_half_up
from trialbook.safety import adct as data
from trialbook.safety.exposure import DAYS_PER_YEAR
from trialbook.safety.listings import subject_ids
from trialbook.safety.outcome_results import NO, NOT_CLEAR, NOT_TESTED, OPEN, UNDATED, UNDELIVERED, YES
from trialbook.safety.product import OUTSIDE
from trialbook.safety.tables import unseen_notes

LATE_EVENTS, FUP_WINDOW, PRODUCT, DSA, VIRUS, CGVHD = (
    "LATE_EVENTS", "FUP_WINDOW", "PRODUCT", "DSA", "VIRUS", "CGVHD",
)  # fmt: skip
# What a row of DSA, and a context of VIRUS, counts.
POSITIVE, NEW, TESTED = "POSITIVE", "DE NOVO", "TESTED"
BY_EVENT, BY_LOAD, EITHER = "adverse event", "laboratory", "either"
OUT_OF_LIMITS = "OUTSIDE"
SHARE = "{n} ({p})"
CHRONIC = msg("Chronic GVHD")
PLACES = {
    data.SEEN: msg("Seen in or after the window"), data.DIED: msg("Died before it"),
    data.DEATH_OPEN: msg("Died, the day is not known"), data.MISSED: msg("Not seen, the window has closed"),
    data.DUE: msg("Not seen yet, the window is open"), data.AHEAD: msg("Window not reached at the cut"),
}  # fmt: skip
REASONS = {
    UNDELIVERED: msg("not delivered"), NOT_TESTED: msg("not tested"), NOT_CLEAR: msg("result not clear"),
    UNDATED: msg("date not known"), "PARTLY": msg("not of every bag"),
}  # fmt: skip
PRODUCT_WORDS = {
    LOT: msg("lot"), PASSAGE: msg("passage"), VIABILITY: msg("viability"), THAW: msg("time from thaw to infusion"),
}  # fmt: skip
ANSWERS = {
    YES: msg("yes"), NO: msg("no"), OPEN: msg("not known"), data.PRIOR: msg("before the infusion"), "": "",
    "POSITIVE": msg("positive"), "NEGATIVE": msg("negative"), "UNCLEAR": msg("not clear"),
}  # fmt: skip


def outcome_rows(adct: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """LATE_EVENTS, FUP_WINDOW, PRODUCT, DSA, VIRUS and CGVHD of ADCT, by dose level and in total.

    - LATE_EVENTS: by code n, N, p, events, and `time`: patient-years from the first infusion to the last contact.
    - FUP_WINDOW: by code n and N of each place (`PLACES`) as variable_level.
    - PRODUCT: by code `infusions` with a value delivered, `of` those given. variable_level OUTSIDE: with a value
      outside the limits, where there are limits; NE with infusions.low and infusions.high where one is not known.
    - DSA: TESTED after the infusion, POSITIVE then, DE NOVO (and negative at the infusion). VIRUS: by code, the context
      says what counts: adverse event, laboratory, either. CGVHD: onset after the infusion, and PRIOR.
    N counts the treated. What is open of somebody makes n and p null with the text NE, and n.low and n.high bound n
    (§14.1); nothing that was not delivered is 0.
    """
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL]:
        own = adct if level == TOTAL else adct[adct["TRT01A"].eq(level)]
        of = {category: own[own["PARCAT"].eq(category)] for category in (
            data.LATE, data.FOLLOW_UP, data.PRODUCT, data.ANTIBODY, data.VIRUS, data.CHRONIC,
        )}  # fmt: skip
        outcomes = protocol.outcomes
        for code in outcomes.late_events.events:
            rows += _late(level, code, _of(of[data.LATE], code))
        for code in outcomes.follow_up.visits:
            rows += _places(level, code, _of(of[data.FOLLOW_UP], code))
        for code, value in outcomes.product.values.items():
            rows += _product(level, code, value, _of(of[data.PRODUCT], code))
        if outcomes.antibodies.tests:
            rows += _antibodies(level, of[data.ANTIBODY])
        for code in outcomes.viruses.by_code:
            rows += _virus(level, code, _of(of[data.VIRUS], code))
        if outcomes.chronic_gvhd.terms:
            rows += _chronic(level, of[data.CHRONIC])
    return rows


def _of(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    return rows[rows["PARAMCD"].eq(code)]


def _bounded(
    analysis_id: str,
    level: str,
    variable: str,
    yes: pd.Series,
    open_: pd.Series,
    *,
    variable_level: str = "",
    context: str = "",
) -> Iterator[ArdRow]:
    """n, N and p; where something is open, these are NE beside N, with n.low and n.high."""
    n, total, unknown = int(yes.sum()), len(yes), int((open_ & ~yes).sum())
    if not unknown:
        yield from proportion_rows(
            analysis_id, level, variable, n, total, variable_level=variable_level, context=context
        )
        return
    place = {"variable_level": variable_level, "context": context}
    for stat in ("n", "p"):
        yield ard_row_or_ne(analysis_id, level, variable, stat, None, False, **place)
    for stat, value in (("N", total), ("n.low", n), ("n.high", n + unknown)):
        yield ard_row(analysis_id, level, variable, stat, value, **place)


def _late(level: str, code: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    yes = rows["AVALC"].eq(YES)
    yield from proportion_rows(LATE_EVENTS, level, code, int(yes.sum()), len(rows), int(rows["AVAL"].sum()))
    years = float((rows["LASTDAY"].fillna(0) + 1).sum()) / DAYS_PER_YEAR
    yield ard_row(LATE_EVENTS, level, code, "time", years, stat_text=round_half_up(years, 1),
                  stat_label=msg("Patient-years to the last contact"))  # fmt: skip


def _places(level: str, code: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    for place in PLACES:
        yield ard_row(FUP_WINDOW, level, code, "n", int(rows["AVALC"].eq(place).sum()), variable_level=place)
        yield ard_row(FUP_WINDOW, level, code, "N", len(rows), variable_level=place)


def _product(level: str, code: str, value: ProductValue, rows: pd.DataFrame) -> Iterator[ArdRow]:
    """Infusions, not subjects: `infusions` of `of`; no rows where none was given."""
    if rows.empty:
        return
    yield from _infusions(level, code, int(rows["AVALC"].ne("").sum()), len(rows))
    if value.lowest is None and value.highest is None:
        return
    out, unknown = int(rows["LIMFL"].eq(OUTSIDE).sum()), int(rows["LIMFL"].eq("").sum())
    yield from _infusions(level, code, None if unknown else out, len(rows), OUT_OF_LIMITS)
    for stat, bound in (("infusions.low", out), ("infusions.high", out + unknown)) if unknown else ():
        yield _whole_number(level, code, stat, bound, OUT_OF_LIMITS)


def _infusions(level: str, code: str, n: int | None, total: int, what: str = "") -> Iterator[ArdRow]:
    yield _whole_number(level, code, "infusions", n, what)
    yield _whole_number(level, code, "of", total, what)


def _whole_number(level: str, code: str, stat: str, value: int | None, what: str) -> ArdRow:
    labels = {"infusions": msg("Infusions"), "of": msg("Infusions given"), "infusions.low": msg("Fewest infusions"),
              "infusions.high": msg("Most infusions")}  # fmt: skip
    text = NOT_EVALUABLE if value is None else str(value)
    return ard_row(PRODUCT, level, code, stat, value, variable_level=what, stat_label=labels[stat], stat_text=text)


def _antibodies(level: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    tested = rows["AVALC"].ne(OPEN) | rows["REASON"].eq(NOT_CLEAR)
    yes, open_ = rows["AVALC"].eq(YES), rows["AVALC"].eq(OPEN)
    fresh, unknown_base = rows["BASEC"].eq("NEGATIVE"), ~rows["BASEC"].isin(["POSITIVE", "NEGATIVE"])
    yield from proportion_rows(DSA, level, DSA, int(tested.sum()), len(rows), variable_level=TESTED)
    yield from _bounded(DSA, level, DSA, yes, open_, variable_level=POSITIVE)
    maybe = (open_ & (fresh | unknown_base)) | (yes & unknown_base)
    yield from _bounded(DSA, level, DSA, yes & fresh, maybe, variable_level=NEW)


def _virus(level: str, code: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    by_event, load = rows["AEFL"].eq(YES), rows["LABFL"]
    nothing = pd.Series(False, index=rows.index)
    yield from _bounded(VIRUS, level, code, by_event, nothing, context=BY_EVENT)
    yield from _bounded(VIRUS, level, code, load.eq(YES), load.eq(OPEN), context=BY_LOAD)
    yield from _bounded(VIRUS, level, code, rows["AVALC"].eq(YES), rows["AVALC"].eq(OPEN), context=EITHER)


def _chronic(level: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    yield from _bounded(CGVHD, level, CGVHD, rows["AVALC"].eq(YES), rows["AVALC"].eq(OPEN))
    yield from _bounded(CGVHD, level, CGVHD, rows["AVALC"].eq(data.PRIOR), rows["AVALC"].eq(OPEN),
                        variable_level=data.PRIOR)  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Tables: rows of the results as a page shows them.


def late_table(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """T-15: events without an end date."""
    own = rows[rows["analysis_id"].eq(LATE_EVENTS)]
    notes = [msg("From the first infusion to the last contact, without an end date; patient-years of that time.")]
    return described(
        own, row="variable", stub=msg("Event"), stats="{n} ({p}) [{events}], {time}",
        notes=[*notes, *unseen_notes(own)],
        row_labels={code: as_text(name) for code, name in protocol.outcomes.late_events.events.items()},
        empty=msg("The protocol file names no event without an end date."),
    )  # fmt: skip


def follow_up_table(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """T-16: where the subjects are at the times of long-term follow-up; a place where nobody is has no line."""
    own = rows[rows["analysis_id"].eq(FUP_WINDOW)]
    total = own[own["group1_level"].eq(TOTAL) & own["stat_name"].eq("n") & own["stat"].gt(0)]
    kept = pd.MultiIndex.from_frame(own[["variable", "variable_level"]]).isin(
        pd.MultiIndex.from_frame(total[["variable", "variable_level"]])
    )
    names = {
        code: msg(
            "{name} (days {first} to {last})", name=as_text(visit.name), first=visit.window[0], last=visit.window[1]
        )
        for code, visit in protocol.outcomes.follow_up.visits.items()
    }  # fmt: skip
    return described(
        own[kept].assign(number_variable=own["variable"]).replace({"variable": names}), group="variable",
        row="variable_level", row_labels=PLACES, stats="{n}", stub=msg("Follow-up"),
        empty=msg("Nobody has been treated, or the protocol file names no long-term follow-up."),
    )  # fmt: skip


def product_table(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """T-17: infusions with lot, passage, viability and time from thaw, and those outside the limits."""
    own = rows[rows["analysis_id"].eq(PRODUCT)]
    values = protocol.outcomes.product.values
    key = own["variable"].mask(own["variable_level"].eq(OUT_OF_LIMITS), own["variable"] + " " + OUT_OF_LIMITS)
    labels = {code: msg("{value}: delivered", value=data.PRODUCT_NAMES[code]) for code in values}
    labels |= {
        f"{code} {OUT_OF_LIMITS}": msg("{value}: {limits}", value=data.PRODUCT_NAMES[code], limits=_limits(value))
        for code, value in values.items()
    }
    return described(
        own.assign(number_variable=own["variable"], number_variable_level=own["variable_level"], variable=key,
                   variable_level=""),
        row="variable", row_labels=labels, stub=msg("Infusions"), stats="{infusions} of {of}",
        empty=msg("The protocol file names no value of the product, or no infusion was given."),
    )  # fmt: skip


def _limits(value: ProductValue) -> str:
    unit = f" {value.unit}" if value.unit else ""
    if value.lowest is not None and value.highest is not None:
        return msg("outside {lowest} to {highest}{unit}", lowest=f"{value.lowest:g}", highest=f"{value.highest:g}",
                   unit=as_text(unit))  # fmt: skip
    if value.lowest is not None:
        return msg("below {lowest}{unit}", lowest=f"{value.lowest:g}", unit=as_text(unit))
    return msg("above {highest}{unit}", highest=f"{value.highest or 0:g}", unit=as_text(unit))


def virus_table(rows: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """T-18: viral reactivation by virus, and by what tells of it."""
    own = rows[rows["analysis_id"].eq(VIRUS)]
    viruses = protocol.outcomes.viruses
    names = {code: virus.name for code, virus in viruses.by_code.items()}
    contexts = {BY_EVENT: msg("By an adverse event"), BY_LOAD: msg("By the load in blood"), EITHER: msg("By either")}
    limits = enumerated(f"{virus.threshold:g} ({code})" for code, virus in viruses.by_code.items())
    window = msg(
        "Up to day {last} after the first infusion. A load counts from {limits} on (A-216).",
        last=viruses.window[1], limits=limits,
    )  # fmt: skip
    untested = msg("Who was never tested after the infusion may have had a reactivation: it is not counted as none.")
    return described(
        own.assign(number_variable=own["variable"]).replace({"variable": names}), group="variable", row="context",
        row_labels=contexts, stub=msg("Virus"), stats=SHARE, notes=[window, untested] if names else [],
        empty=msg("The protocol file names no virus."),
    )  # fmt: skip


def antibody_table(rows: pd.DataFrame) -> pd.DataFrame:
    """T-19: donor-specific antibodies."""
    labels = {
        TESTED: msg("Tested after the first infusion"), POSITIVE: msg("Positive after it"),
        NEW: msg("Newly positive: negative at the infusion, positive after it"),
    }  # fmt: skip
    return described(
        rows[rows["analysis_id"].eq(DSA)], row="variable_level", row_labels=labels, stats=SHARE,
        stub=msg("Donor-specific antibodies"), empty=msg("The protocol file names no test of antibodies."),
    )  # fmt: skip


def chronic_title(protocol: Protocol) -> str:
    """What the table of the chronic disease is called: chronic GVHD where the protocol file has words for it."""
    return CHRONIC if protocol.outcomes.chronic_gvhd.terms else msg("Chronic disease")


def listing_title(protocol: Protocol) -> str:
    """What the listing of viruses, antibodies and the chronic disease is called."""
    if protocol.outcomes.chronic_gvhd.terms:
        return msg("Viruses, antibodies and chronic GVHD by subject")
    return msg("Viruses, antibodies and chronic disease by subject")


def chronic_table(rows: pd.DataFrame) -> pd.DataFrame:
    """T-20: chronic GVHD."""
    labels = {"": msg("Onset after the first infusion"), data.PRIOR: msg("There at the first infusion")}
    own = rows[rows["analysis_id"].eq(CGVHD)]
    return described(
        own, row="variable_level", row_labels=labels, stats=SHARE,
        stub=CHRONIC if len(own) else msg("Chronic disease"),
        empty=msg("The protocol file names no words for a chronic disease."),
        notes=[msg("From clinical events (CE) and adverse events, up to the last contact (A-217).")],
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Listings.


def product_listing(adct: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """L-12: one line per infusion with what was delivered of its product; a value outside the limits says so."""
    codes = list(protocol.outcomes.product.values)
    own = adct[adct["PARCAT"].eq(data.PRODUCT)]
    said = [
        _product_text(text, reason, flag == OUTSIDE)
        for text, reason, flag in zip(own["AVALC"], own["REASON"], own["LIMFL"], strict=True)
    ]
    keys = ["USUBJID", "TRT01A", "INFNO", "RELDAY"]
    wide = own[[*keys, "PARAMCD"]].assign(SAID=pd.Series(said, index=own.index, dtype="object"))
    wide = wide.pivot(index=keys, columns="PARAMCD", values="SAID").reindex(columns=codes).reset_index()
    wide = wide.assign(SUBJID=subject_ids(wide, adsl)) if len(wide) else wide.assign(SUBJID="")
    labels = {"SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "INFNO": msg("Infusion"), "RELDAY": msg("On day")}
    for code, value in protocol.outcomes.product.values.items():
        unit = value.unit
        labels[code] = (
            msg("{value}, {unit}", value=data.PRODUCT_NAMES[code], unit=as_text(unit)) if unit
            else data.PRODUCT_NAMES[code]
        )  # fmt: skip
    return described(
        wide.rename_axis(columns=None)[list(labels)], labels=labels, empty=msg("No infusion was given at this cut.")
    )


def _product_text(text: str, reason: str, outside: bool) -> str:
    if not text:
        return REASONS[UNDELIVERED]
    beside = [msg("outside the limits")] if outside else []
    beside += [REASONS[reason]] if reason else []
    return msg("{value} ({beside})", value=as_text(text), beside=joined(beside, ", ")) if beside else as_text(text)


def outcome_listing(adct: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """L-13: antibodies, viruses and chronic GVHD by subject: what is known, from which record, and why not."""
    own = adct[adct["PARCAT"].isin([data.ANTIBODY, data.VIRUS, data.CHRONIC])]
    known = own[own["AVALC"].isin([YES, data.PRIOR]) | own["BASEC"].isin(["POSITIVE"]) | own["LABFL"].eq(NO)]
    left = own[own["AVALC"].eq(OPEN) & ~own["REASON"].isin([UNDELIVERED, NOT_TESTED])]
    shown = own.loc[known.index.union(left.index)]
    record = shown["SRCDOM"] + " " + shown["SRCSEQ"].astype("str").fillna("")
    lines = pd.DataFrame({
        "SUBJID": subject_ids(shown, adsl), "TRT01A": shown["TRT01A"], "PARAM": shown["PARAM"],
        "ANSWER": shown["AVALC"].map(ANSWERS), "BASE": shown["BASEC"].map(ANSWERS),
        "RELDAY": shown["RELDAY"].where(shown["AVALC"].ne(NO)), "RECORD": record.where(shown["SRCDOM"].ne(""), ""),
        "WHY": shown["REASON"].map({"": "", **REASONS}),
    })  # fmt: skip
    labels = {
        "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "PARAM": msg("Outcome"),
        "ANSWER": msg("After the infusion"),
        "BASE": msg("At the infusion"), "RELDAY": msg("On day"), "RECORD": msg("Record"), "WHY": msg("Why not known"),
    }  # fmt: skip
    return described(
        lines.sort_values(["SUBJID", "PARAM"], kind="stable").reset_index(drop=True), labels=labels,
        empty=msg("No antibody, reactivation or chronic disease is on record, and no test without one."),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Sentences.


def outcome_sentence(rows: pd.DataFrame, adct: pd.DataFrame, protocol: Protocol) -> str:
    """What the first screen says: late events with their follow-up, reactivations, chronic GVHD, what is missing."""
    if protocol.outcomes == type(protocol.outcomes)():
        return msg("The protocol file names no outcomes of a trial of cells beside the endpoints.")
    if adct.empty:
        return msg("No subject has been treated at this cut.")
    parts = [
        _late_sentence(rows, adct, protocol), _virus_sentence(rows, protocol), _chronic_sentence(rows),
        *_missing_sentences(adct),
    ]  # fmt: skip
    return joined([part for part in parts if part], " ")


def _count(rows: pd.DataFrame, analysis_id: str, variable: str, context: str = "") -> dict[str, str]:
    """Texts of the statistics of a number in Total, by name."""
    own = rows[rows["analysis_id"].eq(analysis_id) & rows["variable"].eq(variable) & rows["group1_level"].eq(TOTAL)]
    own = own[own["variable_level"].eq("") & own["context"].eq(context)]
    return dict(zip(own["stat_name"], own["stat_text"], strict=True))


def _late_sentence(rows: pd.DataFrame, adct: pd.DataFrame, protocol: Protocol) -> str:
    late = protocol.outcomes.late_events.events
    days = adct.loc[adct["PARCAT"].eq(data.LATE), "LASTDAY"].dropna()
    if not late or days.empty:
        return ""
    found = {code: _count(rows, LATE_EVENTS, code) for code in late}
    each = joined([msg("{event} {n}", event=as_text(name), n=found[code]["n"]) for code, name in late.items()], "; ")
    return msg(
        "Without an end date, of {total} treated subjects: {events}; they were followed for {shortest} to "
        "{longest} days.",
        events=each, total=next(iter(found.values()))["N"], shortest=int(days.min()), longest=int(days.max()),
    )  # fmt: skip


def _virus_sentence(rows: pd.DataFrame, protocol: Protocol) -> str:
    found = {code: _count(rows, VIRUS, code, EITHER) for code in protocol.outcomes.viruses.by_code}
    each = []
    for code, texts in found.items():
        if texts["n"] != NOT_EVALUABLE:
            each.append(msg("{virus} {n}", virus=code, n=texts["n"]))
        elif texts["n.low"] == "0":
            each.append(msg("{virus} not known", virus=code))
        else:
            each.append(msg("{virus} at least {n}", virus=code, n=texts["n.low"]))
    return msg("Subjects with viral reactivation: {viruses}.", viruses=enumerated(each)) if each else ""


def _chronic_sentence(rows: pd.DataFrame) -> str:
    texts = _count(rows, CGVHD, CGVHD)
    if not texts:
        return ""
    if texts["n"] == NOT_EVALUABLE:
        return msg("Chronic GVHD began after the infusion in {low} to {high} subjects.", low=texts["n.low"],
                   high=texts["n.high"])  # fmt: skip
    if texts["n"] == "0":
        return msg("Chronic GVHD began after the infusion in no subject.")
    return plural(
        "Chronic GVHD began after the infusion in {n} subject.",
        "Chronic GVHD began after the infusion in {n} subjects.",
        int(texts["n"]),
    )  # fmt: skip


def _missing_sentences(adct: pd.DataFrame) -> Iterator[str]:
    """What was not delivered at all, and of how many infusions a value is missing that was delivered of others."""
    product = adct[adct["PARCAT"].eq(data.PRODUCT)]
    delivered = {code: int(own["AVALC"].ne("").sum()) for code, own in product.groupby("PARAMCD", sort=False)}
    absent = [code for code, n in delivered.items() if not n]
    values = [
        msg("{values} of the product", values=enumerated(PRODUCT_WORDS[code] for code in absent)),
    ] if absent else []  # fmt: skip
    untested = [code for code, own in _results(adct) if _nothing_delivered(own)]
    if data.DSA in untested:
        values.append(msg("donor-specific antibodies"))
    loads = [code for code in untested if code != data.DSA]
    if loads:
        values.append(msg("loads of {viruses}", viruses=enumerated(loads)))
    if adct.loc[adct["PARCAT"].eq(data.CHRONIC), "REASON"].eq(UNDELIVERED).any():
        values.append(msg("clinical events (CE)"))
    if values:
        yield msg("Not delivered: {values}.", values=joined(values, "; "))
    for code, n in delivered.items():
        total = int(product["PARAMCD"].eq(code).sum())
        if 0 < n < total:
            yield msg("{value} is missing for {n} of {total} infusions.", value=data.PRODUCT_NAMES[code], n=total - n,
                      total=total)  # fmt: skip


def _results(adct: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    own = adct[adct["PARCAT"].isin([data.ANTIBODY, data.VIRUS])]
    for code, rows in own.groupby("PARAMCD", sort=False):
        yield str(code), rows


def _nothing_delivered(rows: pd.DataFrame) -> bool:
    """Whether no result of anybody was delivered, of what these rows are about."""
    known = rows["LABFL"].ne(OPEN) | rows["BASEC"].ne("") | rows["REASON"].isin([NOT_TESTED, NOT_CLEAR, UNDATED])
    return not known.any()
