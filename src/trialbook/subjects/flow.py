"""Subject disposition: screened, failed, enrolled, infused, and where they are at the cut."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
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
ENDED = {
    "ONGOING": msg("on study"), "COMPLETED": msg("completed the study"), "DISCONT": msg("left the study or died"),
}  # fmt: skip
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


def flow_boxes(stations: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """The boxes of the flow chart, from top to bottom: box, side ("" for the way on), n, says (the text below it).

    `stations`: `flow_rows` as ARD; `reasons`: `reason_rows` as ARD. Every number is one of theirs. Empty where nobody
    was screened.
    """
    rows = stations[stations["stat_name"].eq("n")]
    total = rows[rows["group1_level"].eq(TOTAL)].set_index("variable")["stat"].astype("int64")
    if total.empty or not total["SCREENED"]:
        nobody = pd.DataFrame({"box": [], "side": [], "n": [], "says": []}).astype({"n": "int64"})
        return described(nobody, empty=msg("Nobody has been screened."))
    infused = rows[rows["variable"].eq("TREATED") & rows["group1_level"].ne(TOTAL)]
    by_level = [f"{level} {n:.0f}" for level, n in zip(infused["group1_level"], infused["stat"], strict=True)]
    why = [f"{code} {n:.0f}" for code, n in zip(reasons["variable_level"], reasons["stat"], strict=True)]
    ended = [msg("{what} {n}", what=ENDED[name], n=int(total[name])) for name in ("ONGOING", "COMPLETED", "DISCONT")]
    boxes = [
        ("SCREENED", "", ""), ("SCRNFAIL", "out", ", ".join(why)), ("INSCREEN", "pending", ""), ("ENROLLED", "", ""),
        ("NOTYET", "pending", ""), ("TREATED", "", ", ".join(by_level)),
    ]  # fmt: skip
    frame = pd.DataFrame(
        [(FLOW[name], side, int(total[name]), says) for name, side, says in boxes], columns=["box", "side", "n", "says"]
    )
    if total["TREATED"]:
        frame.loc[len(frame)] = [msg("Status of the infused"), "", int(total["TREATED"]), ", ".join(ended)]
    return described(
        frame.astype({"box": "str", "side": "str", "n": "int64", "says": "str"}),
        labels={"box": msg("Station"), "n": msg("Subjects"), "says": msg("Of these")},
        notes=[
            msg("Dashed: pending. Below the screen failures: criteria not met, one subject may count under several.")
        ],
    )  # fmt: skip


def flow_numbers(adsl: pd.DataFrame, protocol: Protocol) -> list[tuple[str, str, str]]:
    """The headline numbers as (label, value, note)."""
    n = flow_flags(adsl).sum()
    received = adsl.loc[adsl["SAFFL"].eq("Y"), "TRT01A"]
    by_level = ", ".join(f"{code} {int((received == code).sum())}" for code in protocol.level_ids)
    again = int(adsl["RESCREEN_OF"].ne("").sum())
    return [
        (msg("Screened"), str(n["SCREENED"]), msg("{again} screened a second time", again=again) if again else ""),
        (msg("Screen failures"), str(n["SCRNFAIL"]), ""),
        (msg("Enrolled"), str(n["ENROLLED"]), msg("{notyet} not infused", notyet=n["NOTYET"]) if n["NOTYET"] else ""),
        (msg("Infused"), str(n["TREATED"]), by_level),
        (msg("In screening"), str(n["INSCREEN"]), ""),
    ]


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
