"""`deviations.html`: the log of protocol deviations (ADDV), counts by kind, and where data and site differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from trialbook.conduct.deviations import BOTH, NOT_FOUND, NOT_RECORDED, OTHER_SEVERITY, SITE, TOOL
from trialbook.core.messages import ENGLISH, Language, as_text, msg, plural
from trialbook.display.blocks import Block
from trialbook.display.page import Frame, render
from trialbook.display.page_content import Ids
from trialbook.display.render import Renderer
from trialbook.display.tables import table
from trialbook.results.ard import TOTAL

PAGE = "deviations.html"
TITLE = msg("Protocol deviations")
# The ids of the tables of this page, which lead to them and are not shown: T-9701 and on.
NUMBER = 97
CATEGORIES = {
    "CONSENT": msg("Consent"), "ELIGIBILITY": msg("Eligibility"), "DOSE": msg("Dose"), "SCHEDULE": msg("Schedule"),
    "ASSESSMENT": msg("Assessment"), "OTHER": msg("Other"),
}  # fmt: skip
SEVERITIES = {"MAJOR": msg("major"), "MINOR": msg("minor"), "": msg("not classed")}
FOUND_BY = {TOOL: msg("the data alone"), SITE: msg("the site alone"), BOTH: msg("the data and the site")}
DIFFERENCES = {
    NOT_RECORDED: msg("not recorded by the site"), NOT_FOUND: msg("not found in the data"),
    OTHER_SEVERITY: msg("classed differently by the site"), "": msg("no difference"),
}  # fmt: skip
LOG_LABELS = {
    "SUBJID": msg("Subject"), "TRT01A": msg("Dose level"), "ADVCAT": msg("Kind"), "ADVSEV": msg("Class"),
    "ADVTERM": msg("What deviates"), "ASTDT": msg("Date"), "RELDAY": msg("Day"), "FOUNDBY": msg("Found by"),
    "DIFFER": msg("Where data and site differ"), "DVTERM": msg("The site's words"), "DVSEV": msg("The site's class"),
}  # fmt: skip
CLASSED = msg(
    "Each deviation is major or minor by the rule in the protocol file that finds it (A-182). One that the site alone "
    "recorded keeps the site's class, and is minor where the site gave none."
)
NONE = msg("No protocol deviation of a treated subject was found or recorded.")


def render_deviations(
    addv: pd.DataFrame, treated: Mapping[str, int], frame: Frame, linked: Collection[str] = (),
    language: Language = ENGLISH,
) -> str:  # fmt: skip
    """The page from ADDV; `treated` counts the treated subjects by dose level id, in order, and `Total`.

    Subjects in `linked` (SUBJID) lead to their profile page.
    """
    renderer, ids = Renderer(language, on_page=True, numbered=False), Ids(NUMBER)
    blocks = [counts_table(addv, treated), difference_table(addv), log_table(addv, linked)]
    html = [renderer.html(block.payload, ids.of(block.payload)) for block in blocks]
    return render(
        "changes.html", frame, PAGE, language, title=TITLE,
        summary=[deviation_sentence(addv, treated.get(TOTAL, 0)), CLASSED],
        sections=[(block, anchor) for block, anchor in zip(html, ("by-kind", "differences", "log"), strict=True)],
        details=[],
    )  # fmt: skip


def deviation_sentence(addv: pd.DataFrame, treated: int) -> str:
    """How many there are, in how many subjects, how many are major, and how many the site did not record.

    >>> str(deviation_sentence(pd.DataFrame({"USUBJID": []}), 12))
    'No protocol deviation of a treated subject was found or recorded.'
    """
    if addv.empty:
        return NONE
    major, silent = int(addv["ADVSEV"].eq("MAJOR").sum()), int(addv["FOUNDBY"].eq(TOOL).sum())
    return plural(
        "{n} deviation in {subjects} of {treated} treated subjects; {major} major; {silent} not recorded by the site.",
        "{n} deviations in {subjects} of {treated} treated subjects; {major} major; {silent} not recorded by the site.",
        len(addv), subjects=addv["USUBJID"].nunique(), treated=treated, major=major, silent=silent,
    )  # fmt: skip


def treated_by_level(adsl: pd.DataFrame, level_ids: Sequence[str]) -> dict[str, int]:
    """The treated subjects by the dose level received, in the order of the protocol, and `Total`.

    >>> treated_by_level(pd.DataFrame({"SAFFL": ["Y", "Y", ""], "TRT01A": ["DL1", "DL1", ""]}), ["DL1", "DL2"])
    {'DL1': 2, 'DL2': 0, 'Total': 2}
    """
    if not {"SAFFL", "TRT01A"} <= set(adsl.columns):
        return {}
    levels = adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"]
    return {**{level: int(levels.eq(level).sum()) for level in level_ids}, TOTAL: len(levels)}


def counts_table(addv: pd.DataFrame, treated: Mapping[str, int]) -> Block:
    """Subjects and deviations by kind and class, in each dose level and in total."""
    rows = []
    for category, name in CATEGORIES.items():
        for severity in ("MAJOR", "MINOR"):
            own = addv[addv["ADVCAT"].eq(category) & addv["ADVSEV"].eq(severity)]
            if own.empty:
                continue
            cells = {level: _count(own if level == TOTAL else own[own["TRT01A"].eq(level)]) for level in treated}
            rows.append({"KIND": name, "CLASS": SEVERITIES[severity], **cells})
    heads = {level: msg("{level} (N={n})", level=as_text(level), n=n) for level, n in treated.items()}
    frame = pd.DataFrame(rows, columns=["KIND", "CLASS", *treated], dtype="object")
    return table(
        frame, msg("Subjects [deviations] by kind and class"), right=list(treated), empty=NONE,
        labels={"KIND": msg("Kind"), "CLASS": msg("Class"), **heads},
    )  # fmt: skip


def _count(rows: pd.DataFrame) -> str:
    return f"{rows['USUBJID'].nunique()} [{len(rows)}]" if len(rows) else "0"


def difference_table(addv: pd.DataFrame) -> Block:
    """Where data and site differ: how many deviations, in how many subjects, and who."""
    rows = [
        {
            "DIFFER": words, "SUBJECTS": own["USUBJID"].nunique(), "COUNT": len(own),
            "WHO": ", ".join(sorted(own["SUBJID"].unique())),
        }
        for key, words in DIFFERENCES.items() if len(own := addv[addv["DIFFER"].eq(key)])
    ]  # fmt: skip
    labels = {
        "DIFFER": msg("Where data and site differ"), "SUBJECTS": msg("Subjects"), "COUNT": msg("Deviations"),
        "WHO": msg("Who"),
    }  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(labels))
    return table(frame, msg("Data against the site's records"), labels=labels, empty=NONE, data=["WHO"])


def log_table(addv: pd.DataFrame, linked: Collection[str] = ()) -> Block:
    """Every deviation, major ones first."""
    order = addv.assign(_minor=addv["ADVSEV"].ne("MAJOR")).sort_values(["_minor", "USUBJID", "ADVSEQ"], kind="stable")
    shown = order[list(LOG_LABELS)].copy()
    for column, words in (
        ("ADVCAT", CATEGORIES), ("ADVSEV", SEVERITIES), ("FOUNDBY", FOUND_BY), ("DIFFER", DIFFERENCES),
        ("DVSEV", {**SEVERITIES, "": ""}),
    ):  # fmt: skip
        shown[column] = pd.Series(
            [words.get(value, value) for value in shown[column]], index=shown.index, dtype="object"
        )
    shown["ADVTERM"] = shown["ADVTERM"].astype("object")
    return table(
        shown, msg("Log of protocol deviations"), labels=LOG_LABELS, empty=NONE, subject="SUBJID", linked=linked
    )
