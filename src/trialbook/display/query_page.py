"""`queries.html`: who must act on which question by when, how old the questions are, and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from trialbook.core.messages import ENGLISH, Language, as_text, msg, plural
from trialbook.core.translations import Translation
from trialbook.display.blocks import Block
from trialbook.display.page import Frame, render
from trialbook.display.page_content import Ids
from trialbook.display.render import Renderer
from trialbook.display.svg import LEFT, PLOT, Days, Drawing, pixels, rectangle
from trialbook.display.tables import table
from trialbook.display.theme import SEVERITY
from trialbook.queries.life import OPEN
from trialbook.queries.rule_texts import RECIPIENTS
from trialbook.queries.worded import values_in

PAGE = "queries.html"
TITLE = msg("Questions and answers")
# The ids of the tables of this page, which lead to them and are not shown: T-9601 and on.
NUMBER = 96
RECIPIENT_WORDS = {
    "site": msg("site"), "mapper": msg("data manager"), "laboratory": msg("laboratory"),
    "medical monitor": msg("medical monitor"),
}  # fmt: skip
LIST_TITLES = {
    "site": msg("Open questions to the site"), "mapper": msg("Open questions on mapping and export"),
    "laboratory": msg("Open questions to the laboratory"),
    "medical monitor": msg("Open questions to the medical monitor"),
}  # fmt: skip
STATE_WORDS = {
    "open": msg("open"), "answered": msg("answered, correction awaited"), "reopened": msg("reopened"),
    "confirmed": msg("confirmed"), "corrected": msg("corrected"), "waived": msg("waived"), "closed": msg("closed"),
}  # fmt: skip
EVENT_WORDS = {**STATE_WORDS, "asked": msg("asked")}
SEVERITY_WORDS = {"stop": msg("stop"), "major": msg("major"), "minor": msg("minor")}
# Bands of age: the first day of each, and its words.
BANDS = {
    0: msg("up to 30 days"), 31: msg("31 to 90 days"), 91: msg("91 to 180 days"), 181: msg("more than 180 days"),
}  # fmt: skip
_ROW, _BAR = 30, 18
NOTHING_OPEN = msg("No question is open.")


def render_queries(
    listed: pd.DataFrame, history: pd.DataFrame, reviewed: pd.DataFrame, cut_date: str, frame: Frame,
    language: Language = ENGLISH, numbers: Mapping[str, str] | None = None, linked: Collection[str] = (),
) -> str:  # fmt: skip
    """The page from the query list, its history, and the reviewed records; questions in the words of the language.

    `numbers`: the subject number (SUBJID) of each USUBJID. Subjects in `linked` lead to their profile page.
    """
    listed, reviewed = (
        frame.assign(subject=frame["subject"].map(lambda who: (numbers or {}).get(who, who)))
        for frame in (listed, reviewed)
    )
    renderer, ids = Renderer(language, on_page=True, numbered=False), Ids(NUMBER)
    is_open = listed[listed["status"].eq(OPEN)]
    work, said = workload(is_open, cut_date), answers_in_words(history, language)
    blocks: list[tuple[str, Block]] = [("workload", workload_table(work))]
    if is_open["site"].ne("").any():
        blocks.append(("by-site", site_table(is_open, cut_date)))
    for recipient in RECIPIENTS:
        own = is_open[is_open["recipient"].eq(recipient)]
        if len(own):
            blocks.append((recipient.replace(" ", "-"), open_table(own, recipient, said, language, linked)))
    blocks += [("closed", closed_table(listed, said, language, linked)), ("history", history_table(history))]
    if len(reviewed):
        blocks.append(("reviewed", reviewed_table(reviewed, linked)))
    html = [(renderer.html(block.payload, ids.of(block.payload)), anchor) for anchor, block in blocks]
    drawing = workload_drawing(work, language) if len(is_open) else ""
    first = (f'<div class="chart profile" tabindex="0">{drawing}</div>{html[0][0]}', html[0][1])
    return render(
        "changes.html", frame, PAGE, language, title=TITLE,
        summary=[open_sentence(is_open, cut_date), closed_sentence(listed)], sections=[first, *html[1:]], details=[],
    )  # fmt: skip


def open_sentence(is_open: pd.DataFrame, cut_date: str) -> str:
    """How many questions are open, and how many of these should have been answered by the cut.

    >>> str(open_sentence(pd.DataFrame({"due": ["2025-03-01", "2025-09-30"]}), "2025-09-30"))
    '2 questions are open; 1 was due before the data cut.'
    """
    if is_open.empty:
        return NOTHING_OPEN
    overdue = int((is_open["due"].ne("") & is_open["due"].lt(cut_date)).sum())
    late = plural("{n} was due before the data cut", "{n} were due before the data cut", overdue)
    return plural("{n} question is open; {late}.", "{n} questions are open; {late}.", len(is_open), late=late)


def closed_sentence(listed: pd.DataFrame) -> str:
    """How many questions were closed, by answers and by the data alone."""
    closed = listed[listed["status"].ne(OPEN)]
    return msg(
        "Closed: {n}. Confirmed {confirmed}, corrected {corrected}, waived {waived}, no longer raised {gone}.",
        n=len(closed), **{name: int(closed["state"].eq(name).sum()) for name in ("confirmed", "corrected", "waived")},
        gone=int(closed["state"].eq("closed").sum()),
    )  # fmt: skip


def workload(is_open: pd.DataFrame, cut_date: str) -> pd.DataFrame:
    """Open questions by recipient: RECIPIENT, one column for each band of age (by its first day), OVERDUE, OPEN."""
    starts = list(BANDS)
    rows = []
    for recipient in RECIPIENTS:
        own = is_open[is_open["recipient"].eq(recipient)]
        ages = own["age_days"].astype("int64")
        bands = {
            str(start): int(ages.between(start, (*starts, 10**9)[k + 1] - 1).sum()) for k, start in enumerate(starts)
        }
        overdue = int((own["due"].ne("") & own["due"].lt(cut_date)).sum())
        rows.append({"RECIPIENT": recipient, **bands, "OVERDUE": overdue, "OPEN": len(own)})
    return pd.DataFrame(rows)


def workload_table(work: pd.DataFrame) -> Block:
    """The workload as a table, recipients without a question left out."""
    shown = work[work["OPEN"] > 0].reset_index(drop=True)
    shown = shown.assign(RECIPIENT=pd.Series([RECIPIENT_WORDS[name] for name in shown["RECIPIENT"]], dtype="object"))
    labels = {
        "RECIPIENT": msg("Recipient"), **{str(start): words for start, words in BANDS.items()},
        "OVERDUE": msg("Overdue"), "OPEN": msg("Open"),
    }  # fmt: skip
    return table(shown, msg("Open questions by recipient and age"), labels=labels, stub="RECIPIENT", empty=NOTHING_OPEN)


def workload_drawing(work: pd.DataFrame, language: Language) -> str:
    """A bar for each recipient with open questions, in parts by age: the older the darker."""
    drawing = Drawing(Days(0, 1), language)
    shown = work[work["OPEN"] > 0]
    most = int(shown["OPEN"].max())
    x = float(LEFT)
    for shade, words in zip(SEVERITY, BANDS.values(), strict=False):
        drawing.add(rectangle(x, drawing.below, 12, 12, shade))
        drawing.text(x + 17, drawing.below + 10, words)
        x += 17 + pixels(drawing.say(words)) + 22
    top = drawing.below + 26
    for row in shown.to_dict("records"):
        words = RECIPIENT_WORDS[str(row["RECIPIENT"])]
        drawing.label(top + 13, words)
        at = float(LEFT)
        for shade, (start, band) in zip(SEVERITY, BANDS.items(), strict=False):
            count = int(row[str(start)])
            if count:
                wide = (PLOT - 60) * count / most
                said = msg("{recipient}, {band}: {n}", recipient=words, band=band, n=count)
                drawing.add(rectangle(at, top, wide, _BAR, shade), said)
                at += wide
        drawing.text(at + 6, top + 13, str(row["OPEN"]))
        top += _ROW
    drawing.below = top
    return drawing.svg(msg("Open questions by recipient and age in days"))


def site_table(is_open: pd.DataFrame, cut_date: str) -> Block:
    """Open questions by site: those to the site, of these overdue, and those about it to others."""
    rows = []
    for site, own in is_open.groupby("site", sort=True):
        mine = own[own["recipient"].eq("site")]
        overdue = int((mine["due"].ne("") & mine["due"].lt(cut_date)).sum())
        rows.append({"SITE": str(site), "MINE": len(mine), "OVERDUE": overdue, "OTHERS": len(own) - len(mine)})
    labels = {
        "SITE": msg("Site"), "MINE": msg("To the site"), "OVERDUE": msg("Overdue"), "OTHERS": msg("To others"),
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(labels))
    frame["SITE"] = frame["SITE"].where(frame["SITE"].ne(""), "-")
    return table(frame, msg("Open questions by site"), labels=labels, stub="SITE", data=["SITE"], empty=NOTHING_OPEN)


def answers_in_words(history: pd.DataFrame, language: Language) -> dict[str, str]:
    """The answers of people to each question, in the words of the language: day, answer, person, reason."""
    said: dict[str, list[str]] = {}
    for one in history[history["by"].ne("")].to_dict("records"):
        word = EVENT_WORDS.get(one["event"], one["event"])
        text = msg(
            "{date} {answer} ({person}): {reason}", date=one["date"], answer=as_text(word), person=one["by"],
            reason=one["reason"],
        )  # fmt: skip
        said.setdefault(str(one["query_id"]), []).append(language.say(text))
    return {name: "; ".join(texts) for name, texts in said.items()}


def _listed(rows: pd.DataFrame, said: Mapping[str, str], language: Language) -> pd.DataFrame:
    """Lines of the list as a reader sees them; without the site where there is one only, and without answers where
    nobody has answered.
    """
    words = rows["message_en"] if language.tag == ENGLISH.tag else rows["message_zh"]
    values = values_in(rows, language) if isinstance(language, Translation) else rows["observed"]
    place = [" ".join(filter(None, key)) for key in rows[["domain", "record", "field"]].itertuples(index=False)]
    shown = pd.DataFrame({
        "ID": rows["query_id"], "SITE": rows["site"], "SUBJECT": rows["subject"], "PLACE": place, "QUESTION": words,
        "OBSERVED": values, "SEVERITY": [SEVERITY_WORDS.get(one, one) for one in rows["severity"]],
        "STATE": [STATE_WORDS.get(one, one) for one in rows["state"]], "FIRST": rows["first_seen"],
        "AGE": rows["age_days"].astype("int64"), "DUE": rows["due"], "CLOSED": rows["closed_at"],
        "ANSWERS": [said.get(name, "") for name in rows["query_id"]],
    }).astype({"SEVERITY": "object", "STATE": "object"})  # fmt: skip
    idle = [name for name, few in (("SITE", shown["SITE"].nunique() <= 1), ("ANSWERS", shown["ANSWERS"].eq("").all()))
            if few]  # fmt: skip
    return shown.drop(columns=idle)


LABELS = {
    "ID": msg("Query"), "SITE": msg("Site"), "SUBJECT": msg("Subject"), "PLACE": msg("Record"),
    "QUESTION": msg("Question"), "OBSERVED": msg("Value"), "SEVERITY": msg("Severity"), "STATE": msg("State"),
    "FIRST": msg("First asked"), "AGE": msg("Age (days)"), "DUE": msg("Due date"), "CLOSED": msg("Closed on"),
    "ANSWERS": msg("Answers"),
}  # fmt: skip
_TEXT_OF_DATA = ["ID", "SITE", "PLACE", "QUESTION", "OBSERVED", "ANSWERS"]


def open_table(
    own: pd.DataFrame, recipient: str, said: Mapping[str, str], language: Language, linked: Collection[str] = ()
) -> Block:
    """The open questions to one recipient, the earliest due first."""
    order = own.sort_values(["due", "subject", "query_id"], kind="stable")
    shown = _listed(order, said, language).drop(columns="CLOSED")
    if own["state"].eq("open").all():
        shown = shown.drop(columns="STATE")
    return table(
        shown, LIST_TITLES[recipient], labels=LABELS, data=[name for name in _TEXT_OF_DATA if name in shown],
        subject="SUBJECT", linked=linked,
    )  # fmt: skip


def closed_table(
    listed: pd.DataFrame, said: Mapping[str, str], language: Language, linked: Collection[str] = ()
) -> Block:
    """The questions on which nobody need act any more, the last closed first."""
    closed = listed[listed["status"].ne(OPEN)].sort_values(["closed_at", "query_id"], ascending=[False, True])
    shown = _listed(closed, said, language).drop(columns=["DUE", "SEVERITY", "FIRST", "AGE"])
    return table(
        shown,
        msg("Closed questions"),
        labels=LABELS,
        data=[name for name in _TEXT_OF_DATA if name in shown],
        empty=msg("No question was closed."),
        subject="SUBJECT",
        linked=linked,
    )


def history_table(history: pd.DataFrame) -> Block:
    """What happened to each question, over all cuts."""
    shown = pd.DataFrame({
        "ID": history["query_id"], "DATE": history["date"],
        "EVENT": pd.Series([EVENT_WORDS.get(one, one) for one in history["event"]], dtype="object"),
        "BY": history["by"], "REASON": history["reason"],
    })  # fmt: skip
    labels = {
        "ID": msg("Query"), "DATE": msg("Date"), "EVENT": msg("What happened"), "BY": msg("Person"),
        "REASON": msg("Reason"),
    }  # fmt: skip
    return table(
        shown, msg("History of the questions"), labels=labels, data=["ID", "BY", "REASON"], empty=NOTHING_ASKED
    )


SINCE_WORDS = {
    "unchanged": msg("unchanged"), "changed": msg("changed"), "gone": msg("no longer in the data"),
}  # fmt: skip


def reviewed_table(reviewed: pd.DataFrame, linked: Collection[str] = ()) -> Block:
    """Records that were marked as reviewed; what has changed since the mark comes first."""
    order = reviewed.assign(_same=reviewed["since"].eq("unchanged")).sort_values("_same", kind="stable")
    shown = pd.DataFrame({
        "SUBJECT": order["subject"], "PLACE": (order["domain"] + " " + order["record"]).str.strip(),
        "DATE": order["date"], "BY": order["by"], "CUT": order["cut_date"],
        "SINCE": pd.Series([SINCE_WORDS[one] for one in order["since"]], index=order.index, dtype="object"),
        "COLUMNS": order["columns"],
    })  # fmt: skip
    labels = {
        "SUBJECT": msg("Subject"), "PLACE": msg("Record"), "DATE": msg("Reviewed on"), "BY": msg("Person"),
        "CUT": msg("Data cut"), "SINCE": msg("Since then"), "COLUMNS": msg("Variables that changed"),
    }  # fmt: skip
    return table(
        shown, msg("Reviewed records"), labels=labels, data=["PLACE", "BY", "COLUMNS"], subject="SUBJECT", linked=linked
    )


NOTHING_ASKED = msg("Nothing has been asked.")
