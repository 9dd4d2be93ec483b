"""Safety as readers want it: the headline of a cut, listings, and the notes under tables (§3.4, §8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from trialbook.core.described import Card, described
from trialbook.core.messages import as_text, joined, msg, plural
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS, TOTAL
from trialbook.results.bounds import excluded_text
from trialbook.safety.ae_tables import (
    LEFT_OPEN,
    UNGRADED,
    UNKNOWN_SERIOUSNESS,
    safety_records,
    selections,
    seriousness_open,
)
from trialbook.safety.counting import SUBJECT_EVENT, set_sizes
from trialbook.safety.listings import subject_ids
from trialbook.safety.relationship import relation_given
from trialbook.subjects.dlt_status import PENDING_DATA

# ----------------------------------------------------------------------------------------------------
# Sentences of the safety notebook: product, disease, windows and hours from the protocol and the keys in force.


def question(protocol: Protocol, analysis: Analysis) -> str:
    """What the notebook asks, for which product and up to which day."""
    end = analysis.safety_end_rel_day
    until = msg("to day {end}", end=end) if end is not None else msg("without an end")
    return msg(
        "Which adverse events did subjects have after the first infusion, how severe were they, and "
        "are they related to {product}? Counted are adverse events (CTCAE v{ctcae_version}) from the "
        "first infusion {until}.",
        product=protocol.study.product,
        ctcae_version=analysis.ctcae_version,
        until=until,
    )


def safety_set(protocol: Protocol) -> str:
    """Who is in the safety set."""
    return msg(
        "Subjects of the safety set (any {product} received), by the dose level of their first "
        "infusion, and what is new since the last cut.",
        product=protocol.study.product,
    )


def exposure_method(analysis: Analysis) -> str:
    """How the dose per kg is worked out, and which infusions are due."""
    return msg(
        "Infusions of the safety set up to the cut, at the dose per kg that each gave (total dose "
        "over the last weight within {weight_window_days} days before it). A planned infusion is due when its day and "
        "its window are over at the cut. Viability and pauses of an infusion are not in the export; what the site did "
        "after an event is in listing L-4.",
        weight_window_days=analysis.weight_window_days,
    )


def special_interest(protocol: Protocol, analysis: Analysis) -> str:
    """Where the categories come from (A-99), and how soon an infusion reaction begins."""
    return msg(
        "Events that {product} may cause, found by the lists of terms in the protocol file, which can be edited "
        "(A-99). Infusion reactions are listed terms that began within {infusion_reaction_hours} hours after an "
        "infusion. An event that fits several lists belongs to the first of them.",
        product=protocol.study.product,
        infusion_reaction_hours=analysis.infusion_reaction_hours,
    )


def liver_method(protocol: Protocol) -> str:
    """Why the biochemical criteria are no diagnosis."""
    why = msg(
        ": with {disease} of the liver many subjects meet them before any infusion", disease=protocol.study.disease
    )
    return msg(
        "The biochemical criteria ask for clinical review, not for a diagnosis{why}. The arrow leads "
        "from the baseline to the peak.",
        why=why if protocol.has_endpoint("ORR_D28") else "",
    )


def therapy_method(protocol: Protocol) -> str:
    """Which therapies and deviations are listed."""
    listed = (
        msg(
            ", and therapy of {disease} (steroids and the drugs of the drug dictionary) with its dates. "
            "What counts as new systemic therapy is decided on the page on the response",
            disease=protocol.study.disease,
        )
        if protocol.has_endpoint("ORR_D28")
        else ""
    )
    return msg("Protocol deviations and waivers of enrolled subjects as the site recorded them{listed}.", listed=listed)


# ----------------------------------------------------------------------------------------------------

HEADLINES = {
    "TEAE": msg("Subjects with any TEAE"),
    "TEAE_GE3": msg("With grade 3 or more"),
    "TRAE": msg("Related to treatment"),
    "SAE": msg("Serious"),
    "AESI": msg("Of special interest"),
    "TEAE_DTH": msg("TEAE leading to death"),
    "DLT": msg("Confirmed DLT"),
}


NONE_WAITS = msg("No candidate DLT waits for the committee.")


def level_headers(adsl: pd.DataFrame, protocol: Protocol) -> dict[str, str]:
    """Column heads of tables by level: `DL1 (N=3)`, and Total."""
    return {
        level: msg("{level} (N={n})", level=as_text(level), n=size)
        for level, size in set_sizes(adsl, protocol.level_ids).items()
    }


def headline(
    overview: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, news: pd.DataFrame, before: pd.DataFrame | None,
    outside: Mapping[str, str] | None = None,
) -> list[tuple[str, str, str]]:  # fmt: skip
    """The first thing a committee asks, as (label, value, note): subjects in Total, at each level, and what is new.

    `news`: AE_NEW; `before`: ADSL of the last cut (None at the first); `outside`: by row of the overview, what the
    ledger holds beyond it in words.
    """
    new_events = news[news["context"].eq("TEAE_OVERVIEW") & news["stat_name"].eq("events")]
    fresh = new_events[new_events["group1_level"].eq(TOTAL)].set_index("variable")["stat_text"].to_dict()
    sizes, outside_kinds = set_sizes(adsl, protocol.level_ids), ("SAE", "AESI")
    beside = overview["context"].isin(list(LEFT_OPEN))
    of_n = overview["stat_name"] == "n"
    n = overview[of_n & ~beside].set_index(["variable", "group1_level"])["stat_text"]
    open_ones = overview[of_n & beside & overview["stat"].gt(0)]
    missing = (open_ones["stat_text"] + " " + open_ones["context"].map(LEFT_OPEN)).set_axis(
        pd.MultiIndex.from_frame(open_ones[["variable", "group1_level"]])
    )
    by_level = _by_level({k: str(v) for k, v in sizes.items()})
    treated_number = ("SETS", TOTAL, "SAFFL", "", "")
    facts = [Card(msg("Treated subjects"), str(sizes[TOTAL]), by_level, number=treated_number)]
    for name, label in HEADLINES.items():
        if (name, TOTAL) in n.index:
            if n[name, TOTAL] == NOT_EVALUABLE:
                facts.append(Card(label, NOT_EVALUABLE_WORDS, msg("the committee's flags (SUPPAE) were not delivered")))
                continue
            new = plural("; {n} new event", "; {n} new events", int(fresh[name])) if name in fresh else ""
            left = {k: missing[name, k] if (name, k) in missing.index else "" for k in sizes}
            value = _and(_of(n[name, TOTAL], sizes[TOTAL]), left[TOTAL], ", and ")
            beyond = f"; {outside[name]}" if outside and outside.get(name) else ""
            unseen = n[name, TOTAL] == "0" and not left[TOTAL]
            if not beyond and name in outside_kinds and unseen and sizes[TOTAL]:
                beyond = f"; {excluded_text(0, sizes[TOTAL])}"
            by_level = _by_level({k: _and(n[name, k], left[k], " and ") for k in sizes})
            facts.append(Card(label, value, by_level + new + beyond, number=("TEAE_OVERVIEW", TOTAL, name, "", "")))
    treated = adsl[adsl["SAFFL"] == "Y"]
    died = treated[treated["DTHFL"] == "Y"]["TRT01A"]
    deaths = {level: str(int((died == level).sum())) for level in protocol.level_ids}
    known = None if before is None else int((before["SAFFL"].eq("Y") & before["DTHFL"].eq("Y")).sum())
    new = "" if known is None else msg("; {n} new", n=len(died) - known)
    value, number = _of(str(len(died)), sizes[TOTAL]), ("DEMOG", TOTAL, "DTHFL", "Y", "")
    return [*facts, Card(msg("Deaths, any cause"), value, _by_level(deaths) + new, number=number)]


def _of(n: str, size: int) -> str:
    return f"{n} of {size}" if size and n != "-" else "-"


def _and(counted: str, left_open: str, joined: str) -> str:
    """A count and what has no grade beside it; a count that is not evaluable is given alone."""
    return f"{counted}{joined}{left_open}" if left_open and counted != "-" else counted


def _by_level(texts: dict[str, str]) -> str:
    return ", ".join(f"{level}: {text}" for level, text in texts.items() if level != TOTAL)


def safety_sentence(
    overview: pd.DataFrame, adsl: pd.DataFrame, adae: pd.DataFrame, protocol: Protocol, cut_date: str
) -> str:
    """What is known at this cut in one or two sentences; says so when nobody has been treated or no event is known."""
    size = set_sizes(adsl, protocol.level_ids)[TOTAL]
    if size == 0:
        return msg("No subject has been treated at this cut ({cut_date}).", cut_date=cut_date)
    rows = overview[overview["group1_level"] == TOTAL]
    total = rows[rows["context"] == ""].set_index(["variable", "stat_name"])["stat_text"]
    missing = rows[rows["context"].eq(UNGRADED) & rows["variable"].eq("TEAE_GE3") & rows["stat_name"].eq("n")]
    people = msg("subject has") if size == 1 else msg("subjects have")
    start = msg("At the cut of {cut_date}, {size} {people} been treated", cut_date=cut_date, size=size, people=people)
    if adae.empty:
        return msg("{start}. No adverse event is recorded at all: the adverse event domain is empty.", start=start)
    if total["TEAE", "n"] == "0":
        return msg("{start}. No treatment-emergent adverse event has been reported.", start=start)
    severe = total["TEAE_GE3", "n"]
    severe_words: str = (
        msg("CTCAE grades were not collected")
        if severe == "-"
        else msg("{severe} had one of grade 3 or more", severe=severe)
    )
    if severe != "-" and missing["stat"].gt(0).any():
        severe_words += msg(" (and {iloc} had one that is not graded)", iloc=missing["stat_text"].iloc[0])
    unknown = rows[rows["variable"].eq("SAE") & rows["context"].isin(list(LEFT_OPEN)) & rows["stat_name"].eq("n")]
    serious_words: str = msg("{total} a serious one", total=total["SAE", "n"])
    if total["SAE", "n"] == "-":
        serious_words = msg("whether events were serious was not collected")
    elif unknown["stat"].gt(0).any():
        serious_words += msg(" (and {iloc} one of unknown seriousness)", iloc=unknown["stat_text"].iloc[0])
    return msg(
        "{start}; {total} of {size} had a treatment-emergent adverse event ({total_2} events), "
        "{severe_words}, {serious_words}, {total_3} a related one.",
        start=start,
        total=total["TEAE", "n"],
        size=size,
        total_2=total["TEAE", "events"],
        severe_words=severe_words,
        serious_words=serious_words,
        total_3=total["TRAE", "n"],
    )


RELATION_PATTERNS = (
    "{n} of them with relation not given ({subjects})",
    "{n} more with relation not given, counted as not related ({subjects})",
)


def relation_note(adae: pd.DataFrame, adsl: pd.DataFrame) -> str:
    """`1 of them with relation not given (009)`: who counts as related only since the site did not say (A-61).

    Who counts as not related though the site did not say is named likewise; blank where all is given.
    """
    chosen = selections(adae)
    given, related = relation_given(adae["AEREL"]), chosen["TRAE"]
    counted = set(adae.loc[related, "USUBJID"])
    assumed = sorted(counted - set(adae.loc[related & given, "USUBJID"]))
    others = sorted(set(adae.loc[chosen["TEAE"] & ~given & ~related, "USUBJID"]) - counted)
    ids = dict(zip(adsl["USUBJID"], adsl["SUBJID"].astype("str"), strict=True))
    said = [
        msg(words, n=len(found), subjects=", ".join(ids.get(one, one) for one in found))
        for found, words in zip((assumed, others), RELATION_PATTERNS, strict=True)
        if found
    ]
    return joined(said, "; ")


def dlt_sentence(
    adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, addlt: pd.DataFrame | None = None,
    adjudicated: bool = True,
) -> str:  # fmt: skip
    """How many candidate DLTs wait for the committee; the committee's answer is the analysis value (A-71).

    `addlt`: who waits for data is named too. `adjudicated`: the committee's flags (SUPPAE) were delivered.
    """
    if not protocol.has_endpoint("DLT"):
        return msg("DLT is not an endpoint of this trial.")
    waiting = adae[(adae["DLTCAND"] == "Y") & (adae["DLTFL"] == "") & (adae["SAFFL"] == "Y")]
    flags: list[str] = [
        "" if adjudicated else msg("The committee's flags (SUPPAE) were not delivered: confirmed DLT is not evaluable.")
    ]
    if addlt is not None and (pending := addlt[addlt["DLTSTAT"].eq(PENDING_DATA)])["SUBJID"].size:
        unknown = plural(
            "{n} subject waits for data that may show a DLT (see the page on DLT): {subjects}.",
            "{n} subjects wait for data that may show a DLT (see the page on DLT): {subjects}.",
            len(pending), subjects=joined(pending["SUBJID"].astype("str").tolist(), ", "),
        )  # fmt: skip
        flags = [unknown, *flags]
    if waiting.empty:
        none = msg("No event that is already a candidate DLT waits for the committee.")
        return joined([none, *flags]) if any(flags) else NONE_WAITS
    records = [f"{u} {t}" for u, t in zip(subject_ids(waiting, adsl), waiting["ADECOD"], strict=True)]
    said = msg(
        "Candidate DLTs that wait for the committee (see the page on DLT): {n}: {terms}.",
        n=len(waiting), terms="; ".join(records),
    )  # fmt: skip
    return joined([said, *flags])


def first_cut_note(before: pd.DataFrame | None) -> list[str]:
    """Says that there is no earlier cut, where there is none."""
    return [msg("This is the first cut: there is no earlier one to compare with.")] if before is None else []


def endpoint_sentence(protocol: Protocol) -> str:
    """Whether adverse events are a registered endpoint of this trial."""
    if protocol.has_endpoint("TEAE"):
        return msg("Treatment-emergent adverse events are a registered endpoint of this trial.")
    return msg("TEAE is not an endpoint of this trial; the events are described all the same.")


def event_counts(adae: pd.DataFrame) -> pd.DataFrame:
    """How many AE records reach the tables, and why the others do not: columns what, records."""
    treated = adae["SAFFL"] == "Y"
    emergent = treated & (adae["TRTEMFL"] == "Y")
    joined_events = len(safety_records(adae).drop_duplicates(SUBJECT_EVENT))
    steps: dict[str, int] = {
        msg("Records of adverse events"): len(adae),
        msg("of subjects who were never treated"): int((~treated).sum()),
        msg("of treated subjects, not treatment-emergent"): int((treated & ~emergent).sum()),
        msg("treatment-emergent"): int(emergent.sum()),
        msg("treatment-emergent events, grade changes joined"): joined_events,
        msg("that repeat another record in term, dates and grade (joined with it)"): int((adae["ADUPFL"] == "Y").sum()),
        msg("with an imputed start date"): int((adae["ASTDTF"] != "").sum()),
        msg("without a CTCAE grade"): int(adae["ATOXGR"].isna().sum()),
    }
    unknown = int(seriousness_open(adae).sum())
    steps |= {"of unknown seriousness": unknown} if unknown else {}
    counted = pd.DataFrame({"what": list(steps), "records": list(steps.values())})
    return described(counted, labels={"what": "", "records": "Records"})


def unseen_notes(ard: pd.DataFrame, elsewhere: Collection[str] = ()) -> list[str]:
    """What it excludes that no subject had an event, once for a table in which a row counts 0 in Total (§14.5).

    `elsewhere`: the rows (variable or variable_level) of which the ledger holds an event outside the window.
    """
    contexts = ["", *LEFT_OPEN]
    total = ard[ard["group1_level"].eq(TOTAL) & ard["context"].isin(contexts) & ard["stat_name"].isin(["n", "N"])]
    keys = ["variable", "variable_level"]
    # What may be an event but lacks a grade or a seriousness was not "not seen".
    seen = total[total["stat_name"].eq("n")].groupby(keys)["stat"].sum(min_count=1)
    size = total.loc[total["stat_name"].eq("N"), "stat"].max()
    held = pd.Series([bool({*key} & {*elsewhere}) for key in seen.index], index=seen.index, dtype="bool")
    if not (seen.eq(0) & ~held).any() or not size > 0:
        return []
    unless = msg(", in the window or outside it") if (seen.eq(0) & held).any() else ""
    return [
        msg(
            "Where no subject had such an event{unless}, {excluded_text}.",
            unless=unless,
            excluded_text=excluded_text(0, int(size)),
        )
    ]


def seriousness_notes(adae: pd.DataFrame, adsl: pd.DataFrame) -> list[str]:
    """Which treatment-emergent events are of unknown seriousness and counted in no row of serious ones (§14.4)."""
    teae = safety_records(adae)
    found = teae[seriousness_open(teae)].drop_duplicates(SUBJECT_EVENT)
    if found.empty:
        return []
    named = [f"{u} {t}" for u, t in zip(subject_ids(found, adsl), found["ADECOD"], strict=True)]
    more = msg(" and {n} more", n=len(named) - 20) if len(named) > 20 else ""
    return [
        msg(
            "Of unknown seriousness, and not counted here: {n} [{named}{more}].",
            n=len(found),
            named="; ".join(named[:20]),
            more=more,
        )
    ]


def severity_notes(ard: pd.DataFrame) -> list[str]:
    """What `not graded` and `of unknown seriousness` say in a table that has them."""
    notes = {
        UNGRADED: msg(
            "Not graded: subjects [events] without a CTCAE grade, which may be of any grade; a subject with "
            "another event of a known grade counts there too (A-150)."
        ),
        UNKNOWN_SERIOUSNESS: msg(
            "Of unknown seriousness: subjects with an event of which the site did not say whether it "
            "is serious, and that no criterion makes so; a subject with a serious event counts there too."
        ),
    }
    return [note for context, note in notes.items() if (ard["context"].eq(context) & ard["stat"].gt(0)).any()]


def count_notes(analysis: Analysis) -> list[str]:
    """What a cell of an event table says."""
    end = analysis.safety_end_rel_day
    window = msg("no end") if end is None else msg("day {end} after the first infusion", end=end)
    notes = [
        msg("Subjects (share) [events]. Related: see A-61."),
        msg("End of the safety window: {window} (A-03).", window=window),
    ]
    return [
        *notes,
        msg("With fewer than {pct_min_n} subjects no share is printed (A-98).", pct_min_n=analysis.pct_min_n),
    ]


def most_frequent(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """The ARD rows of at most `limit` table lines: all lines where they fit, else the terms with most subjects.

    Each class keeps its own line when one of its terms stays.
    """
    n = rows[(rows["group1_level"] == TOTAL) & (rows["stat_name"] == "n")]
    if len(n) <= limit:
        return rows
    terms = n[n["variable_level"] != ""].sort_values(["stat"], ascending=False, kind="stable").head(limit)
    pairs = set(terms[["variable", "variable_level"]].itertuples(index=False, name=None))
    kept = pairs | {(soc, "") for soc, _ in pairs}
    chosen = [pair in kept for pair in rows[["variable", "variable_level"]].itertuples(index=False, name=None)]
    return rows[chosen]


def most_frequent_terms(frame: pd.DataFrame, shown: pd.DataFrame) -> pd.DataFrame:
    """The lines of `frame` (variable, variable_level) that a shortened table shows too."""
    if frame.empty:
        return frame
    pairs = set(
        shown[["variable", "variable_level"]].replace({"": msg("Any event")}).itertuples(index=False, name=None)
    )
    chosen = [pair in pairs for pair in frame[["variable", "variable_level"]].itertuples(index=False, name=None)]
    return frame[chosen]


def left_out(rows: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    """A note where a table shows only the most frequent terms; the results hold all."""
    every, some = (frame[frame["variable_level"] != ""] for frame in (rows, shown))
    total, kept = (len(frame.drop_duplicates(["variable", "variable_level"])) for frame in (every, some))
    return [f"The {kept} most frequent of {total} terms; all are in results/ard.parquet."] if kept < total else []


def no_grade_words(adae: pd.DataFrame) -> str:
    """Why a table by grade is empty."""
    if safety_records(adae).empty:
        return msg("No treatment-emergent adverse event at this cut.")
    return msg("CTCAE grades were not collected in this trial: events by grade are not evaluable.")


def question_counts(asked: Sequence[Query]) -> pd.DataFrame:
    """Questions by rule: question (that of its first record), rule, records."""
    told = pd.DataFrame([(one["rule"], one["message_en"]) for one in asked], columns=["rule", "question"], dtype="str")
    counted = told.groupby("rule", sort=True)["question"].agg(question="first", records="size").reset_index()
    return described(
        counted[["question", "rule", "records"]],
        labels={"question": msg("Question"), "rule": msg("Rule"), "records": "Records"},
        empty=msg("No question at this cut."),
    )  # fmt: skip
