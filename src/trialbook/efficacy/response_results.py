"""Results of ADRS beside the response rate: best, durable and organ responses, steroids, agreement (§2.8)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.efficacy.course import NOT_ASSESSED
from trialbook.efficacy.day28 import PENDING
from trialbook.efficacy.steroid_sparing import SPARED, STOPPED
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.statistics.intervals import PROPORTION_INTERVALS

# Analysis id: parameter of ADRS, the values that are a success, the context ("" = the interval `ci_primary_orr`).
SECONDARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "ORR_D56": ("RSP56", ("Y",)),
    "BOR_RATE": ("BOR", RESPONDERS),
}
ORGAN_PARAMETERS = {
    "RSPSKIN": "Skin", "RSPLIVER": "Liver", "RSPUGI": "Upper GI", "RSPLGI": "Lower GI",
}  # fmt: skip
STEROIDS = {"reduced": (SPARED, STOPPED), "stopped": (STOPPED,)}
INVESTIGATOR_NONE = "none"
ICE = ("DEATH", "NEWTX", "RELAPSE", "DLI", "MISSING", "INCOMPLETE")


def secondary_rows(adrs: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """Rates of the secondary response endpoints by dose level and in total; none where ADRS has no such parameter.

    ORR_D56 (durable responders of those mature for day 56), BOR_RATE (CR or PR as best response), ORGAN_D28 (CR or PR
    of an organ involved at baseline; the organ is the variable) and STEROID_D28 (variable_level reduced, stopped):
    n, N, pending, estimate and the limits of `ci_primary_orr`. VGPR_D28: n, N, p of very good partial responses. BOR:
    n of each best response.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL]:
        group = adrs if level == TOTAL else adrs[adrs["TRT01A"] == level]
        for analysis_id, (parameter, success) in SECONDARY.items():
            rows += _rate(analysis_id, level, group, parameter, success, analysis)
        for parameter in ORGAN_PARAMETERS:
            rows += _rate("ORGAN_D28", level, group, parameter, RESPONDERS, analysis)
        for name, success in STEROIDS.items():
            rows += _rate("STEROID_D28", level, group, "STER28", success, analysis, variable_level=name)
        very_good = group.loc[group["PARAMCD"] == "VGPR28", "AVALC"]
        mature = very_good[very_good != PENDING]
        rows += proportion_rows("VGPR_D28", level, "VGPR28", int((mature == "Y").sum()), len(mature))
        best = group.loc[group["PARAMCD"] == "BOR", "AVALC"]
        for category in (*CATEGORIES, NOT_ASSESSED, PENDING):
            rows.append(ard_row("BOR", level, "BOR", "n", int((best == category).sum()), variable_level=category))
    return rows


def _rate(
    analysis_id: str, level: str, group: pd.DataFrame, parameter: str, success: tuple[str, ...], analysis: Analysis,
    variable_level: str = "",
) -> Iterator[ArdRow]:  # fmt: skip
    values = group.loc[group["PARAMCD"] == parameter, "AVALC"]
    known = values[values != PENDING]
    x, n = int(known.isin(success).sum()), len(known)
    interval = PROPORTION_INTERVALS[analysis.ci_primary_orr](x, n, 0.95)
    stats: list[tuple[str, float | None]] = [
        ("n", x), ("N", n), ("pending", len(values) - n),
        ("estimate", interval.estimate), ("conf.low", interval.low), ("conf.high", interval.high),
    ]  # fmt: skip
    place = {"variable_level": variable_level, "context": analysis.ci_primary_orr}
    for stat, value in stats:
        yield ard_row(analysis_id, level, parameter, stat, value, **place)


def intercurrent_rows(responses: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """RSP28_ICE: mature subjects with each intercurrent event by day 28, whether or not it decides the response.

    `responses`: `day28_response`. DEATH, NEWTX, MISSING and INCOMPLETE are the reasons of non-response (a death hides
    a new therapy before it); RELAPSE and DLI are flags beside them.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    mature = responses[responses["MAT28FL"] == "Y"]
    found = {name: mature["REASON"] == name for name in ICE}
    found |= {"RELAPSE": mature["RELAPFL"] == "Y", "DLI": mature["DLIFL"] == "Y"}
    # Under treatment policy the drug is no reason of non-response, but it was started all the same.
    started = mature["EVNTDESC"].ne("") & mature["EVNTDESC"].ne("death")
    found["NEWTX"] = found["NEWTX"] | started
    rows: list[ArdRow] = []
    for name in ICE:
        for level in [*protocol.level_ids, TOTAL]:
            inside = mature["TRT01A"].eq(level) if level != TOTAL else mature["TRT01A"].notna()
            rows += proportion_rows("RSP28_ICE", level, "RSP28", int((found[name] & inside).sum()), int(inside.sum()),
                                    variable_level=name)  # fmt: skip
    return rows


def agreement_rows(responses: pd.DataFrame, adrs: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """RSP_AGREE: the category of the stages (variable_level) against the investigator's (context), mature subjects.

    Of those with an assessment of day 28 from which the stages give a category. In total n of each pair (context
    `none`: the investigator gave none), and by level n and N with the same category where both are known (AGREE).
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    said = adrs[adrs["PARAMCD"] == "RSPINV"][["USUBJID", "ADT", "AVALC"]].rename(columns={"AVALC": "SAID"})
    own = responses[responses["RSPSTG"].isin(CATEGORIES)]
    pairs = own.merge(said, on=["USUBJID", "ADT"], how="left").fillna({"SAID": INVESTIGATOR_NONE})
    rows = [
        ard_row("RSP_AGREE", TOTAL, "RSP28", "n", int(((pairs["RSPSTG"] == derived) & (pairs["SAID"] == by)).sum()),
                variable_level=derived, context=by)
        for derived in CATEGORIES
        for by in (*CATEGORIES, INVESTIGATOR_NONE)
    ]  # fmt: skip
    both = pairs[pairs["SAID"] != INVESTIGATOR_NONE]
    for level in [*protocol.level_ids, TOTAL]:
        group = both if level == TOTAL else both[both["TRT01A"] == level]
        same = int((group["RSPSTG"] == group["SAID"]).sum())
        rows += proportion_rows("RSP_AGREE", level, "AGREE", same, len(group))
    return rows


def time_to_response_rows(adtte: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TTR: days from the first infusion to the first response, of responders: n, median, min, max by level."""
    if not (protocol.has_endpoint("OS") and protocol.has_endpoint("ORR_D28")):
        return []
    own = adtte[adtte["PARAMCD"] == "TTR"]
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL]:
        days = own["AVAL"] if level == TOTAL else own.loc[own["TRT01A"] == level, "AVAL"]
        rows.append(ard_row("TTR", level, "TTR", "n", len(days)))
        for name, value in (("median", days.median()), ("min", days.min()), ("max", days.max())):
            text = "-" if days.empty else f"{float(value):g}"
            rows.append(ard_row("TTR", level, "TTR", name, None if days.empty else value, stat_text=text))
    return rows


def agreement_table(rows: pd.DataFrame) -> pd.DataFrame:
    """RSP_AGREE for readers: DERIVED, a column per category of the investigator, and `none`; empty lines left out."""
    own = rows[(rows["analysis_id"] == "RSP_AGREE") & (rows["variable"] == "RSP28")]
    if own["stat"].sum() == 0:
        return pd.DataFrame(columns=["DERIVED", *CATEGORIES, INVESTIGATOR_NONE])
    wide = own.assign(n=own["stat"].astype("int64")).pivot(index="variable_level", columns="context", values="n")
    wide = wide.reindex(index=list(CATEGORIES), columns=[*CATEGORIES, INVESTIGATOR_NONE])
    wide = wide[wide.sum(axis=1) > 0]
    return wide.rename_axis(index="DERIVED", columns=None).reset_index()
