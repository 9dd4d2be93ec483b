"""What is new since the last cut, and cumulative events at each cut (rulebook §8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import joined, msg, plural
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.ae_tables import CONTEXT_OF, LEFT_OPEN, SOC_PT_TABLES, has_open_rows, left_open, selections
from trialbook.safety.counting import NONE, SUBJECT_EVENT, class_and_term_counts, mask_counts, set_sizes

# ----------------------------------------------------------------------------------------------------
# What is new since the last cut: events that were not in its dataset, and events that have changed (§8).


NEW = "new"
OVERVIEW = "TEAE_OVERVIEW"
# The events that a row of the overview leaves open, by the context that they have there.
NEW_OPEN = {f"{OVERVIEW}, {context}": context for context in LEFT_OPEN}
KEYS = ["USUBJID", "AESEQ"]
# What was reported to the committee of an event: column of ADAE, word.
TOLD = {
    "ADECOD": "term", "ATOXGR": "grade", "ASER": "seriousness", "AREL": "relation", "AEOUT": "outcome",
    "TRTEMFL": "emergence", "ASTDT": "start", "AENDT": "end",
}  # fmt: skip


# What `event_news` says of a record that changed: for the catalogue of texts, as a column keeps the English alone.
NEWS_PATTERNS = ("changed: {columns}",)


def event_news(adae: pd.DataFrame, before: pd.DataFrame | None) -> pd.Series:
    """`new`, `changed: grade, outcome` or blank for each record of ADAE; all blank without an earlier cut."""
    said = pd.Series("", index=adae.index, dtype="str")
    if before is None:
        return said
    then = _of_then(adae, before)
    for column, word in TOLD.items():
        now, old = adae[column].astype("object"), then[column].astype("object")
        moved = then["KNOWN"] & ~((now == old) | (now.isna() & old.isna())).astype(bool)
        if moved.any():
            said = said.mask(moved, said.where(said == "", said + ", ") + word)
    return ("changed: " + said).where(said != "", "").mask(~then["KNOWN"], NEW).astype("str")


Masks = dict[str, pd.Series]


def new_in(
    adae: pd.DataFrame, before: pd.DataFrame, counted: Callable[[pd.DataFrame], Masks] = selections
) -> Masks:  # fmt: skip
    """Which records each row of the overview counts now and did not count at the last cut, as masks over `adae`.

    An event that has become serious since then is new among the serious ones, though it is not a new event. `counted`
    names the masks; `left_open` those without a grade or a seriousness.
    """
    now, then = counted(adae), counted(before)
    record = pd.concat([adae[KEYS], before[KEYS]]).groupby(KEYS, sort=False).ngroup().to_numpy()
    mine, theirs = record[: len(adae)], record[len(adae) :]
    return {name: mask & ~np.isin(mine, theirs[then[name].to_numpy()]) for name, mask in now.items()}


def news_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, before: pd.DataFrame | None, protocol: Protocol
) -> list[ArdRow]:  # fmt: skip
    """AE_NEW: subjects and events that each row of T-5, T-6, T-8 and T-10 counts and did not count at the last cut.

    The context names the table (analysis_id); `NEW_OPEN` are the events that T-5 leaves open. Classes and terms without
    a new event have no row. Empty without an earlier cut.
    """
    if before is None:
        return []
    fresh, levels = new_in(adae, before), set_sizes(adsl, protocol.level_ids)
    rows: list[ArdRow] = []
    found = mask_counts(adae, fresh)
    open_ones = mask_counts(adae, new_in(adae, before, left_open))
    for name in fresh:
        for level in levels:
            rows += _row("TEAE_OVERVIEW", level, name, "", found.get((level, name), NONE))
    for name in left_open(adae):
        for level in levels if has_open_rows(name, open_ones) else ():
            rows += _row(f"{OVERVIEW}, {CONTEXT_OF[name]}", level, name, "", open_ones.get((level, name), NONE))
    for table, name in SOC_PT_TABLES.items():
        found = class_and_term_counts(adae[fresh[name]])
        for soc, term in sorted({key[1:] for key in found}):
            for level in levels:
                rows += _row(table, level, soc, term, found.get((level, soc, term), NONE))
    return rows


def with_news(ard: pd.DataFrame, news: pd.DataFrame, column: str) -> pd.DataFrame:
    """The ARD rows of a table with a further level `column`: what AE_NEW reports in Total; blank = nothing new."""
    if news.empty or ard.empty:
        return ard
    table = str(ard["analysis_id"].iloc[0])
    counted = {table: "", **(NEW_OPEN if table == OVERVIEW else {})}
    of_table = news["context"].isin(list(counted)) & news["group1_level"].eq(TOTAL) & news["stat"].gt(0)
    rows = ["variable", "variable_level"]
    fresh = news[of_table].merge(ard[rows].drop_duplicates(), on=rows)
    fresh = fresh.assign(group1_level=column, context=fresh["context"].map(counted))
    return pd.concat([ard, fresh[ard.columns]], ignore_index=True)


def news_sentence(adae: pd.DataFrame, before: pd.DataFrame | None, cut: str | None) -> str:
    """What is new since the last cut in one sentence; says so at the first cut."""
    if before is None:
        return msg("This is the first cut: there is no earlier one to compare with, so nothing is marked as new.")
    fresh = new_in(adae, before)
    kinds = {"TEAE": msg("{n} treatment-emergent"), "TEAE_GE3": msg("{n} of grade 3 or more"),
             "SAE": msg("{n} serious"), "TRAE": msg("{n} related"), "TEAE_DTH": msg("{n} fatal")}  # fmt: skip
    number = {name: len(adae[fresh[name]].drop_duplicates(SUBJECT_EVENT)) for name in kinds}
    fresh_open = new_in(adae, before, left_open)
    missing = {name: len(adae[fresh_open[name]].drop_duplicates(SUBJECT_EVENT)) for name in ("TEAE_GE3", "SAE")}
    beside = {
        name: msg(" and {count} {LEFT_OPEN}", count=count, LEFT_OPEN=LEFT_OPEN[CONTEXT_OF[name]])
        for name, count in missing.items()
        if count
    }
    said = joined([joined([msg(word, n=number[name]), beside.get(name, "")], "") for name, word in kinds.items()], ", ")
    gone = lost_records(adae, before)
    lost = msg(" Records of that cut that no longer exist: {gone}.", gone=gone) if gone else ""
    return msg("New since the cut {cut} (events): {said}.{lost}", cut=cut, said=said, lost=lost)


def lost_records(adae: pd.DataFrame, before: pd.DataFrame) -> int:
    """How many records of the last cut's ADAE are not in this one."""
    return int((~pd.MultiIndex.from_frame(before[KEYS]).isin(pd.MultiIndex.from_frame(adae[KEYS]))).sum())


def record_news(frame: pd.DataFrame, before: pd.DataFrame | None, keys: list[str]) -> pd.Series:
    """`new` for the rows whose key the frame of the last cut does not hold; blank without such a frame."""
    said = pd.Series("", index=frame.index, dtype="str")
    if before is None:
        return said
    known = pd.MultiIndex.from_frame(frame[keys]).isin(pd.MultiIndex.from_frame(before[keys]))
    return said.mask(~pd.Series(known, index=frame.index), NEW)


def _of_then(adae: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """The reported columns of each record at the last cut, and whether it was KNOWN."""
    old = before.drop_duplicates(KEYS).set_index(KEYS)[list(TOLD)]
    keys = pd.MultiIndex.from_frame(adae[KEYS])
    return old.reindex(keys).set_axis(adae.index).assign(KNOWN=keys.isin(old.index))


def _row(table: str, level: str, variable: str, term: str, found: tuple[int, int]) -> list[ArdRow]:
    stats: Mapping[str, int] = {"n": found[0], "events": found[1]}
    return [
        ard_row("AE_NEW", level, variable, name, value, variable_level=term, context=table)
        for name, value in stats.items()
    ]


# ----------------------------------------------------------------------------------------------------

KINDS = {
    "TEAE": msg("Any TEAE"),
    "TEAE_GE3": msg("Grade 3 or more"),
    "SAE": msg("Serious"),
    "TRAE": msg("Related"),
    "TEAE_DTH": msg("Fatal"),
}
REPORTED, KNOWN_NOW = "as reported", "as known now"
# The same of what a kind leaves open because a grade or the seriousness is missing.
BESIDE = {(context, what): f"{context}, {what}" for context in (REPORTED, KNOWN_NOW) for what in LEFT_OPEN}
LABELS = {
    "CUT": "Cut", "KIND": msg("Events"), "TREATED": msg("Treated"), "THEN": msg("As reported then"),
    "KNOWN": msg("As known now, by onset"), "REMARK": msg("Remark"), "EVENTS": msg("Number of events"),
    "LEVEL": msg("Dose level"),
}  # fmt: skip
STATS = ("n", "events")


def signal_rows(
    adae: pd.DataFrame, adsl: pd.DataFrame, overview: pd.DataFrame, protocol: Protocol, cut_date: pd.Timestamp,
    last_date: pd.Timestamp | None, last_results: pd.DataFrame | None,
) -> list[ArdRow]:  # fmt: skip
    """AE_BY_CUT: n and events of each kind by cut date (variable_level) and level, cumulative.

    Context `as reported`: what each cut reported; of this cut its TEAE_OVERVIEW, of the last cut its own, of earlier
    ones what the last cut carries on. Context `as known now`: events of this cut's data with onset by that date, and N
    (subjects treated by then); an event without any date counts from the first. A difference between the two is an
    event that was reported late, or restated. Kinds that were not collected have no row. Kinds that rest on a grade
    have rows of the contexts `BESIDE` too: the events that have none; serious ones where the seriousness is unknown.
    """
    earlier = _earlier_reports(last_results, last_date, cut_date)
    own = _own_reports(overview, cut_date)
    reported = pd.concat([earlier, own], ignore_index=True).dropna(subset="stat")
    rows = [
        ard_row("AE_BY_CUT", row.group1_level, row.variable, row.stat_name, row.stat,
                variable_level=row.variable_level, context=row.context)
        for row in reported.itertuples()
    ]  # fmt: skip
    kinds = [kind for kind in KINDS if kind in set(own.dropna(subset="stat")["variable"])]
    return rows + _known_by(adae, adsl, protocol, kinds, sorted(set(reported["variable_level"])))


def _known_by(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, kinds: list[str], days: list[str]
) -> list[ArdRow]:  # fmt: skip
    """What is known now of each day: events with onset by then, subjects treated by then."""
    masks, by_then = selections(adae), {day: ~(adae["ASTDT"] > pd.Timestamp(day)) for day in days}
    found = mask_counts(adae, {f"{kind} {day}": masks[kind] & by_then[day] for day in days for kind in kinds})
    every_open = left_open(adae)
    whole = mask_counts(adae, every_open)
    missing = {kind: mask for kind, mask in every_open.items() if kind in kinds and has_open_rows(kind, whole)}
    open_ones = mask_counts(adae, {f"{kind} {day}": missing[kind] & by_then[day] for day in days for kind in missing})
    rows = []
    for day in days:
        treated = set_sizes(adsl[~(adsl["TRTSDT"] > pd.Timestamp(day))], protocol.level_ids)
        for kind in kinds:
            for level, size in treated.items():
                values = dict(zip(STATS, found.get((level, f"{kind} {day}"), NONE), strict=True)) | {"N": size}
                rows += [
                    ard_row("AE_BY_CUT", level, kind, name, value, variable_level=day, context=KNOWN_NOW)
                    for name, value in values.items()
                ]
                if kind in missing:
                    beside = zip(STATS, open_ones.get((level, f"{kind} {day}"), NONE), strict=True)
                    context = BESIDE[KNOWN_NOW, CONTEXT_OF[kind]]
                    rows += [
                        ard_row("AE_BY_CUT", level, kind, name, value, variable_level=day, context=context)
                        for name, value in beside
                    ]
    return rows


def _earlier_reports(
    results: pd.DataFrame | None, last_date: pd.Timestamp | None, cut_date: pd.Timestamp
) -> pd.DataFrame:  # fmt: skip
    """What earlier cuts reported, from the results of the last one: those that lie before this cut."""
    columns = ["group1_level", "variable", "variable_level", "context", "stat_name", "stat"]
    # A cut before the first consent has no date in its ADSL, and reported nothing.
    if results is None or last_date is None or pd.isna(last_date) or last_date >= cut_date:
        return pd.DataFrame(columns=columns)
    own = _own_reports(results, last_date)
    contexts = [REPORTED, *(BESIDE[REPORTED, what] for what in LEFT_OPEN)]
    carried = _reports(results[results["context"].isin(contexts)], "AE_BY_CUT")
    carried = carried[carried["variable_level"] < f"{last_date:%Y-%m-%d}"]
    return pd.concat([carried, own], ignore_index=True)[columns]


def _own_reports(ard: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """What TEAE_OVERVIEW of a cut says of each kind, in the contexts of AE_BY_CUT."""
    own = _reports(ard, "TEAE_OVERVIEW")
    context = pd.Series(REPORTED, index=own.index, dtype="str")
    for what in LEFT_OPEN:
        context = context.mask(own["context"].eq(what), BESIDE[REPORTED, what])
    return own.assign(variable_level=f"{cut_date:%Y-%m-%d}", context=context)


def _reports(ard: pd.DataFrame, analysis_id: str) -> pd.DataFrame:
    chosen = ard["analysis_id"].eq(analysis_id) & ard["variable"].isin(list(KINDS)) & ard["stat_name"].isin(STATS)
    return ard.loc[chosen, ["group1_level", "variable", "variable_level", "context", "stat_name", "stat"]]


def signal_table(ard: pd.DataFrame) -> pd.DataFrame:
    """AE_BY_CUT in Total to read: CUT KIND THEN KNOWN (`subjects [events]`) and a REMARK where they differ."""
    total = ard[ard["group1_level"].eq(TOTAL)]
    wide = total.pivot(index=["variable_level", "variable"], columns=["context", "stat_name"], values="stat")
    rows = []
    for (day, kind), row in wide.iterrows():
        then, now = ((row.get((context, "n")), row.get((context, "events"))) for context in (REPORTED, KNOWN_NOW))
        differs = "" if then == now or pd.isna(now[0]) else _difference(then[1], now[1])
        said = [
            _cell(*counted) + "".join(_beside(row.get((BESIDE[context, what], "n")), what) for what in LEFT_OPEN)
            for context, counted in ((REPORTED, then), (KNOWN_NOW, now))
        ]
        rows.append((day, kind, *said, differs))
    frame = pd.DataFrame(rows, columns=["CUT", "KIND", "THEN", "KNOWN", "REMARK"]).astype("str")
    order = {kind: position for position, kind in enumerate(KINDS)}
    frame = frame.assign(_order=frame["KIND"].map(order)).sort_values(["CUT", "_order"], kind="stable")
    frame = frame.assign(KIND=frame["KIND"].map(KINDS)).drop(columns="_order").reset_index(drop=True)
    return described(frame, labels=LABELS, group="CUT", right=["THEN", "KNOWN"])


def _difference(then: float, now: float) -> str:
    if now > then:
        return msg("{now:.0f} more, reported after that cut", now=now - then)
    return msg("{then:.0f} fewer, restated since", then=then - now) if now < then else msg("restated since")


def _beside(n: float | None, what: str) -> str:
    return "" if n is None or pd.isna(n) or n == 0 else msg(", and {n:.0f} {LEFT_OPEN}", n=n, LEFT_OPEN=LEFT_OPEN[what])


def _cell(n: float | None, events: float | None) -> str:
    return "-" if n is None or pd.isna(n) else f"{n:.0f} [{events:.0f}]"


def signal_points(ard: pd.DataFrame) -> pd.DataFrame:
    """F24: events by cut as reported, of each dose level and in Total, to draw: CUT KIND LEVEL EVENTS."""
    chosen = ard["context"].eq(REPORTED) & ard["stat_name"].eq("events")
    rows = ard[chosen].assign(KIND=ard["variable"].map(KINDS))
    names = {"variable_level": "CUT", "group1_level": "LEVEL", "stat": "EVENTS"}
    points = rows.rename(columns=names)[["CUT", "KIND", "LEVEL", "EVENTS"]]
    points = points.astype({"CUT": "str", "KIND": "str", "LEVEL": "str", "EVENTS": "int64"}).reset_index(drop=True)
    now = points[points["CUT"].eq(points["CUT"].max()) & points["LEVEL"].eq(TOTAL)]
    number = dict(zip(now["KIND"], now["EVENTS"], strict=True))
    finding = ""
    if {KINDS["TEAE"], KINDS["SAE"], KINDS["TEAE_DTH"]} <= set(number):
        finding = plural(
            "{n} event so far, {serious} serious, {fatal} fatal", "{n} events so far, {serious} serious, {fatal} fatal",
            int(number[KINDS["TEAE"]]), serious=int(number[KINDS["SAE"]]), fatal=int(number[KINDS["TEAE_DTH"]]),
        )  # fmt: skip
    counts = [msg("{kind} {n}", kind=kind, n=n) for kind, n in zip(now["KIND"], now["EVENTS"], strict=True)]
    summary = plural(
        "Events so far at {n} cut. At the last: {counts}.", "Events so far at {n} cuts. At the last: {counts}.",
        points["CUT"].nunique(), counts=joined(counts, ", ") or msg("none"),
    )  # fmt: skip
    return described(points, labels=LABELS, finding=finding, summary=summary)
