"""Titles that say what is seen: the sentence of each section and slide, with the numbers of the cut in it."""

from __future__ import annotations

from trialbook.core.messages import Message, as_text, msg, plural
from trialbook.display.index_facts import DLT_INTERVAL
from trialbook.display.number_words import open_text
from trialbook.documents.source import CutSource
from trialbook.results.ard import TOTAL


def decision(source: CutSource) -> Message:
    """The advice in one sentence."""
    found = source.page.decision
    return as_text(found.headline.removesuffix(".")) if found is not None else msg("Where the trial is")


def treated(source: CutSource) -> Message:
    """How many have been treated, of how many planned."""
    n = source.numbers.text("SETS", "SAFFL", "n")
    return msg("{n} of {planned} planned", n=n, planned=source.built.protocol.study.planned_n)


def signals(source: CutSource) -> Message:
    """How many signals, and how many of them of high severity."""
    total, high = len(source.signals), sum(one.severity == "high" for one in source.signals)
    if not total:
        return msg("No signal")
    return plural("{n} signal, {high} of high severity", "{n} signals, {high} of high severity", total, high=high)


def board(source: CutSource) -> Message:
    """How many of the treated have died, and whose window is open."""
    rows = source.page.board
    dead = sum(row.death_day is not None or row.status.startswith("Died") for row in rows)
    return plural("{n} treated subject, {dead} died", "{n} treated subjects, {dead} died", len(rows), dead=dead)


def safety(source: CutSource) -> Message:
    """Serious and severe events."""
    numbers = source.numbers
    serious, severe, total = (
        numbers.text("TEAE_OVERVIEW", name, stat) for name, stat in (("SAE", "n"), ("TEAE_GE3", "n"), ("SAE", "N"))
    )
    if not _known(serious, severe, total):
        return msg("Safety")
    return msg(
        "Safety: {serious} of {total} subjects had a serious event, {severe} an event of grade 3 or more",
        serious=serious, severe=severe, total=total,
    )  # fmt: skip


def frequent(source: CutSource) -> Message:
    """The most frequent term."""
    rows = source.built.ard
    rows = rows[
        rows["analysis_id"].eq("TEAE_SOC_PT") & rows["group1_level"].eq(TOTAL) & rows["variable_level"].ne("")
        & rows["stat_name"].eq("n") & rows["context"].eq("") & rows["stat"].notna()
    ]  # fmt: skip
    if rows.empty:
        return msg("Most frequent events")
    most = rows.sort_values(["stat", "variable_level"], ascending=[False, True], kind="stable")
    top = most[most["stat"].eq(most["stat"].iloc[0])]
    n = int(top["stat"].iloc[0])
    return plural(
        "No term was reported in more than {n} subject", "No term was reported in more than {n} subjects", n
    )  # fmt: skip


def safety_numbers(source: CutSource) -> list[tuple[str, str, str]]:
    """The headline numbers of safety: label, value and note."""
    numbers = source.numbers
    found: list[tuple[str, str, str]] = []
    for variable, label in (
        ("TEAE", msg("Any TEAE")), ("SAE", msg("Serious events")), ("TEAE_GE3", msg("Grade 3 or more")),
        ("TRAE", msg("Related to treatment")), ("TEAE_DTH", msg("Led to death")),
    ):  # fmt: skip
        n, total = (numbers.text("TEAE_OVERVIEW", variable, stat) for stat in ("n", "N"))
        if n:
            note = open_text(source.built.ard, variable) if _known(n, total) else ""
            found.append((label, _of(n, total), note))
    return found


def dlt(source: CutSource) -> Message:
    """DLTs of those evaluable, and whose window is open."""
    n, total = (source.numbers.text("DLT_RATE", "DLT", stat, by=DLT_INTERVAL) for stat in ("n", "N"))
    if not _known(n, total):
        return msg("Dose-limiting toxicity")
    return msg("Dose-limiting toxicity: {n} of {total} evaluable subjects", n=n, total=total)


def response(source: CutSource) -> Message:
    """Responders at day 28 of those who can be judged."""
    by = source.built.analysis.ci_primary_orr
    n, total, pending = (source.numbers.text("ORR_D28", "RSP28", stat, by=by) for stat in ("n", "N", "pending"))
    if not _known(n, total):
        return msg("Response at day 28")
    said = msg("Response: {n} of {total} subjects responded at day 28", n=n, total=total)
    return msg("{sentence}, {n} pending", sentence=said, n=pending) if _known(pending) and pending != "0" else said


def survival(source: CutSource) -> Message:
    """Who is alive at the headline day."""
    numbers = source.numbers
    given = {"level": str(numbers.os_day), "by": source.built.analysis.km_ci}
    estimate = numbers.text("OS_KM", "OS", "estimate", **given)
    low, high = (numbers.text("OS_KM", "OS", f"conf.{end}", **given) for end in ("low", "high"))
    if not estimate[:1].isdigit():
        return msg("Overall survival")
    said = msg("Survival at day {day}: {estimate}", day=numbers.os_day, estimate=estimate)
    if not (low[:1].isdigit() and high[:1].isdigit()):
        return said
    return msg("{sentence} (95% CI {low} to {high})", sentence=said, low=low, high=high)


def queries(source: CutSource) -> Message:
    """Open questions to the site."""
    asked = source.queries[source.queries["status"].eq("open")]
    major = int(asked["severity"].isin(["stop", "major"]).sum())
    if asked.empty:
        return msg("No query is open")
    return plural(
        "{n} query open, {major} of them major", "{n} queries open, {major} of them major", len(asked), major=major
    )


def methods(source: CutSource) -> Message:
    """On how many assumptions the results rest."""
    keys = source.built.protocol.analysis.values()
    n = len({entry.assumption for entry in keys if entry.assumption})
    return plural("Methods, and {n} assumption in force", "Methods, and {n} assumptions in force", n)


def _of(n: str, total: str) -> str:
    return msg("{n} of {total}", n=n, total=total) if _known(n, total) else n


def _known(*texts: str) -> bool:
    return all(text.isdigit() for text in texts)
