"""Signals over time: cumulative events at each cut, as each cut reported them and by the dates known now (§8)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.safety.ae_results import CONTEXT_OF, LEFT_OPEN, has_open_rows, left_open, selections
from trialbook.safety.counting import NONE, mask_counts, set_sizes

KINDS = {
    "TEAE": "Any TEAE", "TEAE_GE3": "Grade 3 or more", "SAE": "Serious", "TRAE": "Related", "TEAE_DTH": "Fatal",
}  # fmt: skip
REPORTED, KNOWN_NOW = "as reported", "as known now"
# The same of what a kind leaves open, for want of a grade or of a seriousness.
BESIDE = {(context, what): f"{context}, {what}" for context in (REPORTED, KNOWN_NOW) for what in LEFT_OPEN}
LABELS = {
    "CUT": "Cut", "KIND": "Events", "TREATED": "Treated", "REPORTED": "As reported then",
    "KNOWN": "As known now, by onset", "REMARK": "Remark", "EVENTS": "Events", "SOURCE": "Counted",
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
    """AE_BY_CUT in Total to read: CUT KIND REPORTED KNOWN (`subjects [events]`) and a REMARK where they differ."""
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
    frame = pd.DataFrame(rows, columns=["CUT", "KIND", "REPORTED", "KNOWN", "REMARK"]).astype("str")
    order = {kind: position for position, kind in enumerate(KINDS)}
    frame = frame.assign(_order=frame["KIND"].map(order)).sort_values(["CUT", "_order"], kind="stable")
    return frame.assign(KIND=frame["KIND"].map(KINDS)).drop(columns="_order").reset_index(drop=True)


def _difference(then: float, now: float) -> str:
    if now > then:
        return f"{now - then:.0f} more, reported after that cut"
    return f"{then - now:.0f} fewer, restated since" if now < then else "restated since"


def _beside(n: float | None, what: str) -> str:
    return "" if n is None or pd.isna(n) or n == 0 else f", and {n:.0f} {LEFT_OPEN[what]}"


def _cell(n: float | None, events: float | None) -> str:
    return "-" if n is None or pd.isna(n) else f"{n:.0f} [{events:.0f}]"


def signal_points(ard: pd.DataFrame) -> pd.DataFrame:
    """Events in Total by cut as reported, to draw: CUT KIND EVENTS."""
    chosen = ard["group1_level"].eq(TOTAL) & ard["context"].eq(REPORTED) & ard["stat_name"].eq("events")
    rows = ard[chosen].assign(KIND=ard["variable"].map(KINDS))
    points = rows.rename(columns={"variable_level": "CUT", "stat": "EVENTS"})[["CUT", "KIND", "EVENTS"]]
    return points.astype({"CUT": "str", "KIND": "str", "EVENTS": "int64"}).reset_index(drop=True)
