"""Subject disposition: screened, failed, enrolled, infused, and where they are at the cut."""

from __future__ import annotations

import textwrap

import pandas as pd

from trialbook.core.described import Card, described
from trialbook.core.messages import joined, msg
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.disposition import SCREEN_FAILURE

FLOW = {
    "SCREENED": msg("Screened"),
    "SCRNFAIL": msg("Screen failures"),
    "INSCREEN": msg("Still in screening"),
    "ENROLLED": msg("Enrolled"),
    "NOTYET": msg("Enrolled, not infused"),
    "TREATED": msg("Infused"),
    "ONGOING": msg("Infused, on study"),
    "COMPLETED": msg("Infused, completed the study"),
    "DISCONT": msg("Infused, left the study or died"),
}
# Before the first consent: said on every page, since a page of dashes does not say why.
NOBODY = "Nobody has consented yet at this cut: there is no subject, and no number to report."


def flow_flags(adsl: pd.DataFrame) -> pd.DataFrame:
    """Which stations each subject has reached: one bool column per station of `FLOW`, on the index of `adsl`."""
    failed = adsl["DCSREAS"].eq(SCREEN_FAILURE)
    treated, enrolled = adsl["SAFFL"].eq("Y"), adsl["ENRFL"].eq("Y")
    return pd.DataFrame(
        {
            "SCREENED": adsl["SCRFL"].eq("Y"),
            "SCRNFAIL": failed,
            "INSCREEN": adsl["SCRFL"].eq("Y") & ~failed & ~enrolled,
            "ENROLLED": enrolled,
            "NOTYET": enrolled & ~treated,
            "TREATED": treated,
            "ONGOING": treated & adsl["EOSSTT"].eq("ONGOING"),
            "COMPLETED": treated & adsl["EOSSTT"].eq("COMPLETED"),
            "DISCONT": treated & adsl["EOSSTT"].eq("DISCONTINUED"),
        }
    )


def flow_rows(adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows DISPOSITION: n at each station, by the level received, or planned where nothing was; and Total."""
    flags = flow_flags(adsl)
    level = adsl["TRT01A"].where(adsl["TRT01A"] != "", adsl["TRT01P"])
    rows = []
    for name in FLOW:
        here = level[flags[name]]
        rows += [ard_row("DISPOSITION", code, name, "n", int((here == code).sum())) for code in protocol.level_ids]
        rows.append(ard_row("DISPOSITION", TOTAL, name, "n", len(here)))
    return rows


def flow_boxes(
    stations: pd.DataFrame, reasons: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:  # fmt: skip
    """The boxes of the flow chart, from top to bottom: box, side ("" for the way on, a level for its column), n, says
    (the lines below it).

    `stations`: `flow_rows` as ARD; `reasons`: `reason_rows` as ARD. Every number is one of theirs; the infused of each
    level are on study, complete, dead or gone for another reason by EOSSTT and DTHFL. Empty where nobody was screened.
    """
    rows = stations[stations["stat_name"].eq("n")]
    total = rows[rows["group1_level"].eq(TOTAL)].set_index("variable")["stat"].astype("int64")
    if total.empty or not total["SCREENED"]:
        nobody = pd.DataFrame({"box": [], "side": [], "n": [], "says": []}).astype({"n": "int64"})
        return described(nobody, empty=msg("Nobody has been screened."))
    words = {column: said for one in protocol.criteria for column, said in one.column_words().items()}
    why = [
        msg("{n}: {reason}", n=int(n), reason=_short(words.get(code, ""), code))
        for code, n in zip(reasons["variable_level"], reasons["stat"], strict=True)
    ]
    boxes = [
        ("SCREENED", "", ""), ("SCRNFAIL", "out", joined(why, "; ")), ("INSCREEN", "pending", ""), ("ENROLLED", "", ""),
        ("NOTYET", "pending", ""), ("TREATED", "", ""),
    ]  # fmt: skip
    frame = pd.DataFrame(
        [(FLOW[name], side, int(total[name]), says) for name, side, says in boxes], columns=["box", "side", "n", "says"]
    )
    infused = rows[rows["variable"].eq("TREATED") & rows["group1_level"].ne(TOTAL) & rows["stat"].gt(0)]
    for level, n in zip(infused["group1_level"], infused["stat"], strict=True):
        frame.loc[len(frame)] = [level, LEVEL_SIDE, int(n), _how_they_are(adsl[adsl["TRT01A"].eq(level)])]
    treated = adsl[adsl["SAFFL"].eq("Y")]
    finding = msg(
        "{screened} screened, {treated} infused, {died} of these died", screened=int(total["SCREENED"]),
        treated=int(total["TREATED"]), died=int(treated["DTHFL"].eq("Y").sum()),
    )  # fmt: skip
    summary = msg(
        "Of {screened} screened subjects {failed} failed screening and {enrolled} were enrolled; {treated} were "
        "infused.",
        screened=int(total["SCREENED"]), failed=int(total["SCRNFAIL"]), enrolled=int(total["ENROLLED"]),
        treated=int(total["TREATED"]),
    )  # fmt: skip
    return described(
        frame.astype({"box": "str", "side": "str", "n": "int64", "says": "str"}),
        labels={"box": msg("Station"), "side": msg("Beside the way on"), "n": msg("Subjects"), "says": msg("Of these")},
        finding=finding, summary=summary,
        notes=[
            msg(
                "Dashed: pending. In the box of the screen failures: criteria violated; one subject may count under "
                "several."
            )
        ],
    )  # fmt: skip


# The side of a box that is the column of a dose level.
LEVEL_SIDE = "level"
LONGEST_REASON = 44


def _short(text: str, code: str) -> str:
    """The wording of a criterion as far as a box holds it, with its code."""
    if not text:
        return msg("no violated criterion found")
    short = textwrap.shorten(text, LONGEST_REASON, placeholder=" ...")
    return msg("{wording} ({code})", wording=short, code=code)


def _how_they_are(adsl: pd.DataFrame) -> str:
    """What has become of the infused of one level: on study, completed, died, left for another reason."""
    died = adsl["DTHFL"].eq("Y")
    left = adsl["EOSSTT"].eq("DISCONTINUED")
    counts = {
        msg("{n} on study", n=int((adsl["EOSSTT"].eq("ONGOING") & ~died).sum())): adsl["EOSSTT"].eq("ONGOING") & ~died,
        msg("{n} completed", n=int((adsl["EOSSTT"].eq("COMPLETED") & ~died).sum())): adsl["EOSSTT"].eq("COMPLETED")
        & ~died,
        msg("{n} died", n=int(died.sum())): died,
        msg("{n} left alive", n=int((left & ~died).sum())): left & ~died,
    }
    return joined([said for said, chosen in counts.items() if chosen.any()], "; ")


def flow_numbers(adsl: pd.DataFrame, protocol: Protocol) -> list[tuple[str, str, str]]:
    """The headline numbers as (label, value, note)."""
    n = flow_flags(adsl).sum()
    received = adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"]
    by_level = ", ".join(f"{code} {int((received == code).sum())}" for code in protocol.level_ids)
    again = int(adsl["RESCREEN_OF"].ne("").sum())
    return [
        Card(label, str(n[station]), note, number=("DISPOSITION", TOTAL, station, "", ""))
        for label, station, note in (
            (msg("Screened"), "SCREENED", msg("{again} screened a second time", again=again) if again else ""),
            (msg("Screen failures"), "SCRNFAIL", ""),
            (msg("Enrolled"), "ENROLLED", msg("{notyet} not infused", notyet=n["NOTYET"]) if n["NOTYET"] else ""),
            (msg("Infused"), "TREATED", by_level), (msg("In screening"), "INSCREEN", ""),
        )
    ]  # fmt: skip


def flow_sentence(adsl: pd.DataFrame, cut_date: str) -> str:
    """The flow in words."""
    n = flow_flags(adsl).sum()
    if not n["SCREENED"]:
        return msg("By {cut_date} nobody has been screened.", cut_date=cut_date) if len(adsl) else NOBODY
    opening = msg(
        "By {cut_date}, {people} screened and {scrnfail} failed screening",
        cut_date=cut_date,
        people=_people(n["SCREENED"]),
        scrnfail=n["SCRNFAIL"],
    )
    if not n["TREATED"]:
        return msg("{opening}. No subject has been treated at this cut.", opening=opening)
    return msg(
        "{opening}. Infused: {treated} of {enrolled} enrolled. Of the infused, on study: {ongoing}; "
        "completed the study: {completed}; left it or died: {discont}.",
        opening=opening,
        treated=n["TREATED"],
        enrolled=n["ENROLLED"],
        ongoing=n["ONGOING"],
        completed=n["COMPLETED"],
        discont=n["DISCONT"],
    )


def earlier_screenings(adsl: pd.DataFrame) -> pd.DataFrame:
    """Subjects who were screened before under another number: SUBJID, EARLIER, how that ended (A-16)."""
    number = adsl.set_index("USUBJID")["SUBJID"]
    again = adsl[adsl["RESCREEN_OF"].ne("")]
    ended = adsl.set_index("USUBJID")["DCSREAS"].reindex(again["RESCREEN_OF"]).fillna("").to_numpy()
    earlier = number.reindex(again["RESCREEN_OF"]).fillna("not in this snapshot").to_numpy()
    return described(
        pd.DataFrame({"SUBJID": again["SUBJID"].to_numpy(), "EARLIER": earlier, "ENDED": ended}),
        labels={"EARLIER": msg("Earlier number"), "ENDED": msg("How that ended")},
        empty=msg("Nobody was screened twice."),
    )  # fmt: skip


def _people(n: int) -> str:
    return msg("1 subject was") if n == 1 else msg("{n} subjects were", n=n)
