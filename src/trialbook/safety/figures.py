"""The frames that the figures of adverse events draw (F7, F8, F18, F21): what is drawn, seen and left out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import enumerated, joined, msg, plural
from trialbook.core.terms import in_sentence
from trialbook.results.ard import TOTAL
from trialbook.safety.ae_tables import fatal, safety_records, selections, seriousness_open
from trialbook.safety.new_since_cut import NEW
from trialbook.subjects.ranking import MOST_DRAWN, Ranking, most_drawn_note, subject_numbers

TIMELINE_LABELS = {
    "SUBJECT": msg("Subject"),
    "TRT01A": msg("Dose level"),
    "KIND": msg("Kind"),
    "TERM": msg("Event"),
    "FROM": msg("From day"),
    "UNTIL": msg("Until day"),
    "GRADE": msg("Grade"),
    "MARK": msg("Marked"),
    "ONGOING": msg("Ongoing"),
}
TERM_LABELS = {
    "TERM": msg("Preferred term"),
    "LEVEL": msg("Dose level"),
    "SUBJECTS": msg("Subjects"),
    "WORST": msg("Worst grade"),
    "RELATION": msg("Relation"),
    "MARK": msg("Marked"),
}
HOUR_LABELS = {
    "SUBJECT": msg("Subject"),
    "TERM": msg("Event"),
    "HOURS": msg("Hours since the infusion"),
    "UNTIL": msg("At most"),
    "KNOWN": msg("Hour of onset"),
    "GRADE": msg("Grade"),
    "NAME": msg("Marked"),
}
SEVERE = 3
# What a figure of a large trial shows at most, and says so. Whatever is serious, severe, related or limiting is drawn.
MOST_TERMS, MOST_SUBJECTS = 24, 24
HOURS_SHOWN = 72
RELATED, UNRELATED = msg("related to the product"), msg("not related")
KNOWN, DAY_ONLY = msg("known"), msg("only the day is known")


def _flags(events: pd.DataFrame) -> pd.DataFrame:
    """Per record: dlt, fatal, serious (or perhaps), severe (grade 3 or more, or not graded), related, all bool."""
    return pd.DataFrame({
        "dlt": events["DLTFL"].eq("Y"), "fatal": fatal(events),
        "serious": events["ASER"].eq("Y") | seriousness_open(events),
        "severe": (events["ATOXGR"] >= SEVERE).fillna(True).astype("bool"), "related": events["AREL"].eq("RELATED"),
    }).astype("bool")  # fmt: skip


def _counted(adae: pd.DataFrame) -> pd.DataFrame:
    """The records that tables count, and every DLT of the committee."""
    return adae[selections(adae)["DLT"] | adae.index.isin(safety_records(adae).index)]


def term_dots(
    adae: pd.DataFrame, adsl: pd.DataFrame, levels: Sequence[str], limit: int = MOST_TERMS
) -> pd.DataFrame:  # fmt: skip
    """F7: subjects by preferred term and dose level, the worst terms first.

    Columns TERM LEVEL (and Total) SUBJECTS WORST (`grade 3`, `grade not given`) RELATION MARK (DLT, fatal, serious).
    A term with an event that is a DLT, serious, of grade 3 or more, not graded or related is always drawn; others up
    to `limit` terms, the frequent ones first.
    """
    events = _counted(adae)
    rows = pd.concat([_flags(events), events[["USUBJID", "TRT01A", "ATOXGR"]]], axis=1)
    rows = rows.assign(TERM=events["ADECOD"], grade=events["ATOXGR"].astype("Float64").fillna(0).astype("int64"))
    both = pd.concat([rows.assign(LEVEL=rows["TRT01A"]), rows.assign(LEVEL=TOTAL)])
    places = both.groupby(["TERM", "LEVEL"], sort=False).agg(
        SUBJECTS=("USUBJID", "nunique"), grade=("grade", "max"),
        **{name: (name, "max") for name in ("dlt", "fatal", "serious", "severe", "related")},
    ).reset_index()  # fmt: skip
    terms = places[places["LEVEL"] == TOTAL]
    ranked = terms.sort_values(
        ["dlt", "fatal", "grade", "serious", "severe", "related", "SUBJECTS", "TERM"],
        ascending=[False] * 7 + [True], kind="stable",
    )  # fmt: skip
    grave = ranked[["dlt", "fatal", "serious", "severe", "related"]].any(axis=1)
    mild = ranked[~grave].sort_values(["SUBJECTS", "grade", "TERM"], ascending=[False, False, True], kind="stable")
    kept = [*ranked.loc[grave, "TERM"], *mild["TERM"].head(max(limit - int(grave.sum()), 0))]
    shown = [level for level in (*levels, TOTAL) if level in set(places["LEVEL"])]
    drawn = places[places["TERM"].isin(kept) & places["LEVEL"].isin(shown)]
    drawn = drawn.assign(
        WORST=_grade_text(drawn["grade"].where(drawn["grade"] > 0).astype("Int64")),
        RELATION=pd.Series(UNRELATED, index=drawn.index).mask(drawn["related"], RELATED).astype("str"),
        MARK=[
            joined([word for word, holds in zip(("DLT", "fatal", "serious"), row, strict=True) if holds], ", ")
            for row in zip(drawn["dlt"], drawn["fatal"], drawn["serious"] & ~drawn["fatal"], strict=True)
        ],
        _term=drawn["TERM"].map({term: k for k, term in enumerate(kept)}),
        _level=drawn["LEVEL"].map({level: k for k, level in enumerate(shown)}),
    )
    drawn = drawn.sort_values(["_term", "_level"])[list(TERM_LABELS)].astype({"MARK": "str"}).reset_index(drop=True)
    out = len(terms) - len(kept)
    notes = [
        plural(
            "Not drawn: {n} further term, of grade 1 or 2, neither serious nor related.",
            "Not drawn: {n} further terms, of grade 1 or 2, neither serious nor related.", out,
        )
    ] * bool(out)  # fmt: skip
    return described(drawn, labels=TERM_LABELS, notes=notes, **_seen_terms(rows, adsl, len(terms), out))


def _seen_terms(rows: pd.DataFrame, adsl: pd.DataFrame, terms: int, out: int) -> dict[str, str]:
    """What the figure of terms shows, in words."""
    treated = int(adsl["SAFFL"].eq("Y").sum())
    severe = rows[rows["grade"] >= SEVERE]
    finding = msg("no event of grade 3 or more in {treated} subjects", treated=treated)
    if len(severe):
        often = severe.groupby("TERM")["USUBJID"].nunique().sort_index().sort_values(ascending=False, kind="stable")
        finding = msg(
            "grade 3 or more in {n} of {treated} subjects, most often {term}",
            n=severe["USUBJID"].nunique(), treated=treated, term=in_sentence(str(often.index[0])),
        )  # fmt: skip
    n = {name: rows.loc[rows[name], "USUBJID"].nunique() for name in ("serious", "related", "dlt")}
    summary = msg(
        "Of {treated} treated subjects, {serious} had a serious event or one of unknown seriousness, {related} an "
        "event "
        "related to the product, {dlt} a DLT. {drawn} of {terms} preferred terms are drawn, the worst first.",
        treated=treated, **n, drawn=terms - out, terms=terms,
    )  # fmt: skip
    return {"finding": finding, "summary": summary}


def timeline(
    adae: pd.DataFrame, adsl: pd.DataFrame, given: pd.DataFrame, news: pd.Series, limit: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """F8: events and infusions of the treated subjects on REL_DAYs.

    Columns: SUBJECT TRT01A KIND (event, infusion) TERM FROM UNTIL (days) GRADE MARK (grade, serious, DLT, new: as
    printed beside the bar) ONGOING. An event without an end runs to death or last contact. Where more than `limit`
    subjects have events, only the events that are a DLT, serious, severe, ungraded or related are drawn, of every
    subject who had one.
    """
    events = _counted(adae)
    many = events["USUBJID"].nunique() > limit
    mild = 0
    if many:
        grave = _flags(events).any(axis=1)
        mild, events = int((~grave).sum()), events[grave]
    with_events, events = events["USUBJID"].nunique(), _of_most_at_risk(events)
    subject = adsl.set_index("USUBJID")
    undated = events["RELDAY"].isna()
    lost, events = events[undated], events[~undated]
    last = subject["DTHDT"].fillna(subject["LSTALVDT"])
    last_day = ((last - subject["TRTSDT"]) / pd.Timedelta(days=1)).reindex(events["USUBJID"]).to_numpy()
    end = ((events["AENDT"] - events["TRTSDT"]) / pd.Timedelta(days=1)).to_numpy()
    bars = pd.DataFrame({
        "SUBJECT": subject["SUBJID"].reindex(events["USUBJID"]).to_numpy(), "TRT01A": events["TRT01A"],
        "KIND": "event", "TERM": events["ADECOD"], "FROM": events["RELDAY"].astype("float64"), "UNTIL": end,
        "GRADE": _grade_text(events["ATOXGR"]), "MARK": _marks(events, news.loc[events.index]),
        "ONGOING": pd.Series("", index=events.index).mask(events["AENDT"].isna(), "ongoing"),
    })  # fmt: skip
    bars["UNTIL"] = bars["UNTIL"].fillna(pd.Series(last_day, index=bars.index)) + 1
    doses = given[given["USUBJID"].isin(events["USUBJID"])]
    lines = pd.DataFrame({
        "SUBJECT": subject["SUBJID"].reindex(doses["USUBJID"]).to_numpy(), "TRT01A": doses["TRT01A"],
        "KIND": "infusion", "TERM": "", "FROM": doses["DAY"].astype("float64"), "GRADE": "", "MARK": "", "ONGOING": "",
    })  # fmt: skip
    both = pd.concat([bars, lines], ignore_index=True)
    both = both.sort_values(["SUBJECT", "KIND", "FROM", "TERM"], kind="stable", ignore_index=True)
    treated, drawn = int(adsl["SAFFL"].eq("Y").sum()), bars["SUBJECT"].nunique()
    drawn = max(drawn, with_events) if with_events > MOST_DRAWN else drawn
    finding = (
        msg("severe, serious or related, in {drawn} of {treated} subjects", drawn=drawn, treated=treated)
        if many
        else msg("{drawn} of {treated} subjects had any", drawn=drawn, treated=treated)
    )
    ongoing = bars.loc[bars["ONGOING"] != "", "SUBJECT"].nunique()
    summary = msg(
        "{n} events as bars from onset to end, by subject; {ongoing} subjects have an event that goes on.",
        n=len(bars), ongoing=ongoing,
    )  # fmt: skip
    return described(
        both, labels=TIMELINE_LABELS, notes=_timeline_notes(adsl, both, lost, mild, with_events), finding=finding,
        summary=summary,
    )  # fmt: skip


def _of_most_at_risk(events: pd.DataFrame) -> pd.DataFrame:
    """The events of at most `MOST_DRAWN` subjects, the worst first: DLT, fatal, serious, highest grade."""
    risk = _flags(events)[["dlt", "fatal", "serious"]].assign(grade=events["ATOXGR"].astype("Float64").fillna(SEVERE))
    of_subject = risk.groupby(events["USUBJID"]).max()
    first = of_subject.sort_values(list(of_subject), ascending=False, kind="stable").index[:MOST_DRAWN]
    return events[events["USUBJID"].isin(first)]


def _timeline_notes(
    adsl: pd.DataFrame, drawn: pd.DataFrame, lost: pd.DataFrame, mild: int, with_events: int
) -> list[str]:  # fmt: skip
    """What F8 leaves out: mild events of a large trial, subjects without an event, and events without a day."""
    treated = adsl[adsl["SAFFL"].eq("Y")]
    notes: list[str] = []
    if mild:
        notes.append(msg("Not drawn: {mild} events of grade 1 or 2 that are neither serious nor related.", mild=mild))
    undrawn = with_events - min(with_events, MOST_DRAWN)
    notes += most_drawn_note(with_events - undrawn, with_events)
    others = int((~treated["SUBJID"].isin(drawn["SUBJECT"])).sum()) - undrawn
    if others:
        said = plural("{n} treated subject is not drawn: no such event.",
                      "{n} treated subjects are not drawn: no such event.", others)  # fmt: skip
        notes.append(said)
    if len(lost):
        number = subject_numbers(adsl)
        named = {value: key for key, value in number.items()}
        who = enumerated(sorted({named.get(subject, subject) for subject in lost["USUBJID"]}))
        notes.append(msg("Not drawn, because the day of onset is not known: events of {subjects}.", subjects=who))
    return notes


def safety_ranking(adae: pd.DataFrame, adsl: pd.DataFrame) -> Ranking:
    """The treated subjects in the order in which long listings of safety show them: the worst events first."""
    events = safety_records(adae)
    has = {
        msg("with a DLT"): events["DLTFL"].eq("Y"),
        msg("with a serious event"): events["ASER"].eq("Y") | seriousness_open(events),
        f"with an event of grade {SEVERE} or more, or not graded": (events["ATOXGR"] >= SEVERE).fillna(True),
    }
    treated = adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"].astype("str")
    kinds = pd.Series("without such an event", index=treated.index, dtype="str")
    for kind, chosen in reversed(has.items()):
        kinds = kinds.mask(treated.isin(events.loc[chosen.astype("bool"), "USUBJID"]), kind)
    return Ranking(
        kinds.set_axis(treated), (*has, "without such an event"), "first subjects with a DLT, then those with a "
        "serious event, then those with a severe or ungraded one", subject_numbers(adsl),
    )  # fmt: skip


def _marks(events: pd.DataFrame, news: pd.Series) -> pd.Series:
    """`3 DLT, serious, new`: the grade as a figure, so that it is read without colour."""
    grade = events["ATOXGR"].astype("str").where(events["ATOXGR"].notna(), "?")
    said = pd.Series("", index=events.index).mask(events["DLTFL"].eq("Y"), ", DLT")
    said += pd.Series("", index=events.index).mask(events["ASER"].eq("Y"), ", serious")
    said = said.mask(seriousness_open(events), said + ", serious?")
    said += pd.Series("", index=events.index).mask(events["AREL"].eq("RELATED"), ", related")
    return (grade + said + news.map(lambda word: ", new" if word == NEW else "")).astype("str")


def _grade_text(grade: pd.Series) -> pd.Series:
    return ("grade " + grade.astype("str")).where(grade.notna(), msg("grade not given")).astype("str")


def infusion_hours(adae: pd.DataFrame, adsl: pd.DataFrame, shown: int = HOURS_SHOWN) -> pd.DataFrame:
    """F18: events that began within `shown` hours after an infusion, by subject.

    Columns SUBJECT TERM HOURS UNTIL KNOWN GRADE NAME (infusion, marks). Without a time of onset HOURS to UNTIL is the
    day on which it began, as hours since the start of the day of infusion.
    """
    events = _counted(adae)
    by_day = events["INFHRS"].isna() & events["INFDY"].notna()
    since = events["INFHRS"].astype("float64").fillna(events["INFDY"].astype("float64") * 24)
    chosen = events[(since >= 0) & (since < shown)]
    with_events, chosen = chosen["USUBJID"].nunique(), _of_most_at_risk(chosen)
    since, by_day = since[chosen.index], by_day[chosen.index]
    number = adsl.set_index("USUBJID")["SUBJID"]
    marks = _marks(chosen, pd.Series("", index=chosen.index))
    infusion = chosen["INFNO"].astype("Int64").astype("str")
    rows = pd.DataFrame({
        "SUBJECT": number.reindex(chosen["USUBJID"]).astype("str").to_numpy(), "TERM": chosen["ADECOD"].astype("str"),
        "HOURS": since, "UNTIL": (since + 24).where(by_day, since),
        "KNOWN": pd.Series(KNOWN, index=chosen.index).mask(by_day, DAY_ONLY).astype("str"),
        "GRADE": _grade_text(chosen["ATOXGR"]), "NAME": [
            msg("{term}, after infusion {infusion}, grade {marks}", term=term, infusion=no, marks=mark)
            for term, no, mark in zip(chosen["ADECOD"], infusion, marks, strict=True)
        ],
    })  # fmt: skip
    rows = rows.sort_values(["SUBJECT", "HOURS", "TERM"], kind="stable").reset_index(drop=True)
    timed = rows[rows["KNOWN"] == KNOWN]
    treated = int(adsl["SAFFL"].eq("Y").sum())
    finding = msg("{n} of {treated} subjects within {shown} hours", n=with_events, treated=treated,
                  shown=shown)  # fmt: skip
    early = timed[timed["HOURS"] <= 6]
    summary = msg(
        "{n} events began within {shown} hours of an infusion, {early} of them within 6 hours; of {untimed} only the "
        "day "
        "of onset is known.",
        n=len(rows), shown=shown, early=len(early), untimed=len(rows) - len(timed),
    )  # fmt: skip
    return described(
        rows, labels=HOUR_LABELS, finding=finding, summary=summary,
        empty=msg("No event began within {shown} hours of an infusion.", shown=shown),
        notes=[
            *[msg("A line spans the day of onset where the hour is not known.")] * bool(len(rows) - len(timed)),
            *most_drawn_note(rows["SUBJECT"].nunique(), with_events),
        ],
    )  # fmt: skip


def since_last_cut(
    overview: pd.DataFrame, before: pd.DataFrame | None, words: dict[str, str], last_cut: str | None
) -> pd.DataFrame:
    """F21: subjects in each row of the overview at the last cut and now, Total: ROW BEFORE NOW CHANGE.

    `overview` and `before`: results (ARD) of this cut and of the last; `words`: the rows in words, in order. Empty
    without an earlier cut.
    """
    now, then = _overview_totals(overview), _overview_totals(before)
    names = [name for name in words if name in now and name in then]
    rows = pd.DataFrame({
        "ROW": pd.Series([words[name] for name in names], dtype="str"),
        "BEFORE": pd.Series([then[name] for name in names], dtype="int64"),
        "NOW": pd.Series([now[name] for name in names], dtype="int64"),
    })  # fmt: skip
    moved = rows["NOW"] - rows["BEFORE"]
    rows["CHANGE"] = moved.map(lambda change: f"{change:+d}" if change else msg("no change")).astype("str")
    rose = [joined([words[name], f"{by:+d}"]) for name, by in zip(names, moved, strict=True) if by]
    finding = (
        msg("more in {n} of {rows} rows since {cut}", n=int((moved > 0).sum()), rows=len(rows), cut=last_cut)
        if len(rows) else ""
    )  # fmt: skip
    summary = msg("Subjects at the last cut and now. Changed: {rows}.", rows=enumerated(rose) or msg("none"))
    return described(
        rows, finding=finding, summary=summary,
        labels={
            "ROW": msg("Subjects with"), "BEFORE": msg("At the last cut"), "NOW": msg("Now"), "CHANGE": msg("Change"),
        },
        empty=msg("There is no earlier cut to compare with."),
    )  # fmt: skip


def _overview_totals(ard: pd.DataFrame | None) -> dict[str, int]:
    """Subjects in Total by row of the overview, those that are known."""
    if ard is None:
        return {}
    own = ard["analysis_id"].eq("TEAE_OVERVIEW") & ard["group1_level"].eq(TOTAL) & ard["stat_name"].eq("n")
    rows = ard[own & ard["context"].eq("") & ard["stat"].notna()]
    return {str(name): int(n) for name, n in zip(rows["variable"], rows["stat"], strict=True)}
