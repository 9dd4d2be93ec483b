"""Response rates at day 28, and the secondary response endpoints, by dose level and in total (rulebook §2.8, §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.efficacy.adrs import SPARED, STOPPED
from trialbook.efficacy.day28 import PENDING, REASONS, UNDELIVERED
from trialbook.efficacy.response_over_time import NOT_ASSESSED
from trialbook.efficacy.sensitivity import PRIMARY
from trialbook.gvhd.response_rules import CATEGORIES, RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, ard_row_or_ne, proportion_rows
from trialbook.statistics.intervals import PROPORTION_INTERVALS

# ----------------------------------------------------------------------------------------------------
# Response rates at day 28 as results: counts, shares and intervals by dose level and in total (rulebook §5.1).


VARIABLE = "RSP28"


def category_rows(responses: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """RSP28_CAT: subjects of the primary analysis in each response category, a non-response by its reason.

    Where a domain that was not delivered leaves subjects open, these are the category NE (context UNDELIVERED), and a
    category to which nobody belongs for certain is null with the text NE: some of them may belong to it. Where that is
    so at a level it is so in Total.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    primary = responses[responses["SENS"] == PRIMARY]
    cells = [*((category, "") for category in CATEGORIES), *(("NR", reason) for reason in REASONS), (PENDING, "")]
    rows: list[ArdRow] = []
    open_at = _levels_with(primary[primary["REASON"] == UNDELIVERED])
    if open_at:
        cells.append((NOT_EVALUABLE, UNDELIVERED))
    for category, reason in cells:
        found = primary[(primary["AVALC"] == category) & (primary["REASON"] == reason)]
        sure = category in (PENDING, NOT_EVALUABLE) or reason == "DEATH"
        at = {level: int((found["TRT01A"] == level).sum()) for level in protocol.level_ids}
        open_here = {level for level, n in at.items() if not (n or sure) and level in open_at}
        if open_here or not (len(found) or sure or TOTAL not in open_at):
            open_here.add(TOTAL)
        for level, n in {**at, TOTAL: len(found)}.items():
            known = level not in open_here
            place = {"variable_level": category, "context": reason}
            rows.append(ard_row_or_ne("RSP28_CAT", level, VARIABLE, "n", n, known, **place))
    return rows


def _levels_with(subjects: pd.DataFrame) -> set[str]:
    """The dose levels of some subjects, and Total where there are any."""
    return {*subjects["TRT01A"], TOTAL} if len(subjects) else set()


# ----------------------------------------------------------------------------------------------------

# Analysis id: parameter of ADRS, the values that are a success, the context ("" = the interval `ci_primary_orr`).
SECONDARY: dict[str, tuple[str, tuple[str, ...]]] = {
    "ORR_D14": ("RSP14", RESPONDERS),
    "ORR_D56": ("RSP56", ("Y",)),
    "BOR_RATE": ("BOR", RESPONDERS),
}
ORGAN_PARAMETERS = {
    "RSPSKIN": msg("Skin"), "RSPLIVER": msg("Liver"), "RSPUGI": msg("Upper GI"), "RSPLGI": msg("Lower GI"),
}  # fmt: skip
STEROIDS = {"reduced": (SPARED, STOPPED), "stopped": (STOPPED,)}
INVESTIGATOR_NONE = "none"
ICE = ("DEATH", "NEWTX", "RELAPSE", "DLI", "MISSING", "INCOMPLETE")
# The domains (`delivery.WORDS`) that would tell of an event.
TOLD_BY = {
    "NEWTX": frozenset({"CM"}), "RELAPSE": frozenset({"CE"}), "DLI": frozenset({"CM"}),
    "MISSING": frozenset({"RS"}), "INCOMPLETE": frozenset({"RS"}),
}  # fmt: skip


def secondary_rows(
    adrs: pd.DataFrame, protocol: Protocol, analysis: Analysis, absent: frozenset[str] = frozenset()
) -> list[ArdRow]:
    """Rates of the secondary response endpoints by dose level and in total; none where ADRS has no such parameter.

    ORR_D14 (CR or PR at day 14, where the protocol file has it), ORR_D56 (durable responders, if mature for day 56),
    BOR_RATE (CR or PR as best response), ORGAN_D28 (CR or PR of an organ involved at baseline; the organ is the
    variable) and STEROID_D28 (variable_level reduced, stopped): n, N, pending, estimate and the limits of
    `ci_primary_orr`. VGPR_D28: n, N, p of very good partial responses. BOR:
    n of each best response.

    `absent`: `delivery.lacking`. Where a domain that was not delivered leaves a subject open, n and what is estimated
    from it are null with the text NE, and n.low and n.high bound n over all that is open. Where even the set is not
    known (organs involved without organ stages, steroids without medication records), N is NE too, without bounds.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL]:
        group = adrs if level == TOTAL else adrs[adrs["TRT01A"] == level]
        for analysis_id, (parameter, success) in SECONDARY.items():
            if parameter == "RSP14" and protocol.outcomes.day14 is None:
                continue
            rows += _rate(analysis_id, level, group, parameter, success, analysis)
        for parameter in ORGAN_PARAMETERS:
            rows += _rate("ORGAN_D28", level, group, parameter, RESPONDERS, analysis, known_set="RS" not in absent)
        for name, success in STEROIDS.items():
            rows += _rate("STEROID_D28", level, group, "STER28", success, analysis, name, known_set="CM" not in absent)
        rows += _very_good(level, group[group["PARAMCD"] == "VGPR28"])
        best = group.loc[group["PARAMCD"] == "BOR", "AVALC"]
        for category in (*CATEGORIES, NOT_ASSESSED, PENDING):
            n = int((best == category).sum())
            known = category == PENDING or _best_known(group, category, protocol if level == TOTAL else None)
            rows.append(ard_row_or_ne("BOR", level, "BOR", "n", n, known, variable_level=category))
    return rows


def _best_known(group: pd.DataFrame, category: str, protocol: Protocol | None) -> bool:
    """Whether the count of one best response is known; with a protocol (Total), at each of its levels as well."""
    own = group[group["PARAMCD"] == "BOR"]
    parts = [own, *(own[own["TRT01A"] == level] for level in (protocol.level_ids if protocol else []))]
    return all((part["AVALC"] == category).any() or not (part["REASON"] == UNDELIVERED).any() for part in parts)


# Reasons of a result that would be another one if what is missing came to light.
OPEN_REASONS = (UNDELIVERED, "MISSING", "INCOMPLETE")


def _rate(
    analysis_id: str, level: str, group: pd.DataFrame, parameter: str, success: tuple[str, ...], analysis: Analysis,
    variable_level: str = "", *, known_set: bool = True,
) -> Iterator[ArdRow]:  # fmt: skip
    own = group.loc[(group["PARAMCD"] == parameter) & (group["AVALC"] != PENDING), ["AVALC", "REASON"]]
    pending = int(((group["PARAMCD"] == parameter) & (group["AVALC"] == PENDING)).sum())
    x, n = int(own["AVALC"].isin(success).sum()), len(own)
    interval = PROPORTION_INTERVALS[analysis.ci_primary_orr](x, n, 0.95)
    known = known_set and not (own["REASON"] == UNDELIVERED).any()
    stats: list[tuple[str, float | None, bool]] = [
        ("n", x, known), ("N", n, known_set), ("pending", pending, known_set), ("estimate", interval.estimate, known),
        ("conf.low", interval.low, known), ("conf.high", interval.high, known),
    ]  # fmt: skip
    place = {"variable_level": variable_level, "context": analysis.ci_primary_orr}
    for stat, value, evaluable in stats:
        yield ard_row_or_ne(analysis_id, level, parameter, stat, value, evaluable, **place)
    if known_set and not known:
        yield from _case_counts(analysis_id, level, parameter, own, success, **place)


def _case_counts(
    analysis_id: str, level: str, parameter: str, own: pd.DataFrame, success: tuple[str, ...], **place: str
) -> Iterator[ArdRow]:
    """n.low and n.high: the successes that are certain, and these with all subjects who may be one."""
    certain = own["AVALC"].isin(success)
    may_be = certain | own["REASON"].isin(OPEN_REASONS) | own["AVALC"].eq(NOT_ASSESSED)
    yield ard_row(analysis_id, level, parameter, "n.low", int(certain.sum()), **place)
    yield ard_row(analysis_id, level, parameter, "n.high", int(may_be.sum()), **place)


def _very_good(level: str, rows: pd.DataFrame) -> Iterator[ArdRow]:
    own = rows.loc[rows["AVALC"] != PENDING, ["AVALC", "REASON"]]
    n, total = int((own["AVALC"] == "Y").sum()), len(own)
    known = not (own["REASON"] == UNDELIVERED).any()
    yield ard_row_or_ne("VGPR_D28", level, "VGPR28", "n", n, known)
    yield ard_row("VGPR_D28", level, "VGPR28", "N", total)
    yield ard_row_or_ne("VGPR_D28", level, "VGPR28", "p", n / total if total else None, known)
    if not known:
        yield from _case_counts("VGPR_D28", level, "VGPR28", own, ("Y",))


def intercurrent_rows(
    responses: pd.DataFrame, protocol: Protocol, absent: frozenset[str] = frozenset()
) -> list[ArdRow]:  # fmt: skip
    """RSP28_ICE: mature subjects with each intercurrent event by day 28, whether or not it decides the response.

    `responses`: `day28_response`. DEATH, NEWTX, MISSING and INCOMPLETE are the reasons of non-response (a death hides
    a new therapy before it); RELAPSE and DLI are flags beside them. Of what the domains `absent` (`delivery.lacking`)
    would tell, the number is null with the text NE; UNDELIVERED are the subjects whom that leaves open.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    mature = responses[responses["MAT28FL"] == "Y"]
    found = {name: mature["REASON"] == name for name in ICE}
    found |= {"RELAPSE": mature["RELAPFL"] == "Y", "DLI": mature["DLIFL"] == "Y"}
    # Under treatment policy the drug is no reason of non-response, but it was started all the same.
    started = mature["EVNTDESC"].ne("") & mature["EVNTDESC"].ne("death")
    found["NEWTX"] = found["NEWTX"] | started
    if (mature["REASON"] == UNDELIVERED).any():
        found[UNDELIVERED] = mature["REASON"] == UNDELIVERED
    rows: list[ArdRow] = []
    for name in found:
        for level in [*protocol.level_ids, TOTAL]:
            inside = mature["TRT01A"].eq(level) if level != TOTAL else mature["TRT01A"].notna()
            n, total = int((found[name] & inside).sum()), int(inside.sum())
            known = not total or not TOLD_BY.get(name, frozenset()) & absent
            rows.append(ard_row_or_ne("RSP28_ICE", level, "RSP28", "n", n, known, variable_level=name))
            rows.append(ard_row("RSP28_ICE", level, "RSP28", "N", total, variable_level=name))
            share = n / total if total else None
            rows.append(ard_row_or_ne("RSP28_ICE", level, "RSP28", "p", share, known, variable_level=name))
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


def time_to_response_rows(adtte: pd.DataFrame, protocol: Protocol, *, evaluable: bool = True) -> list[ArdRow]:
    """TTR: days from the first infusion to the first response, of responders: n, median, min, max by level.

    `evaluable`: false where a domain that decides a response was not delivered; every number is then null, text NE.
    """
    if not (protocol.has_endpoint("OS") and protocol.has_endpoint("ORR_D28")):
        return []
    own = adtte[adtte["PARAMCD"] == "TTR"]
    rows: list[ArdRow] = []
    for level in [*protocol.level_ids, TOTAL]:
        days = own["AVAL"] if level == TOTAL else own.loc[own["TRT01A"] == level, "AVAL"]
        if not evaluable:
            rows += [ard_row_or_ne("TTR", level, "TTR", name, None, False) for name in ("n", "median", "min", "max")]
            continue
        rows.append(ard_row("TTR", level, "TTR", "n", len(days)))
        for name, value in (("median", days.median()), ("min", days.min()), ("max", days.max())):
            text = "-" if days.empty else f"{float(value):g}"
            rows.append(ard_row("TTR", level, "TTR", name, None if days.empty else value, stat_text=text))
    return rows


def agreement_table(rows: pd.DataFrame) -> pd.DataFrame:
    """RSP_AGREE for readers: DERIVED, a column per category of the investigator, and `none`; empty lines left out."""
    own = rows[(rows["analysis_id"] == "RSP_AGREE") & (rows["variable"] == "RSP28")]
    if own["stat"].sum() == 0:
        return _agreement(pd.DataFrame(columns=["DERIVED", *CATEGORIES, INVESTIGATOR_NONE]))
    wide = own.assign(n=own["stat"].astype("int64")).pivot(index="variable_level", columns="context", values="n")
    wide = wide.reindex(index=list(CATEGORIES), columns=[*CATEGORIES, INVESTIGATOR_NONE])
    wide = wide[wide.sum(axis=1) > 0]
    return _agreement(wide.rename_axis(index="DERIVED", columns=None).reset_index())


def _agreement(table: pd.DataFrame) -> pd.DataFrame:
    numbers = {
        (row, said): ("RSP_AGREE", TOTAL, "RSP28", str(derived), said)
        for row, derived in enumerate(table["DERIVED"]) for said in table.columns[1:]
    }  # fmt: skip
    return described(
        table,
        numbers=numbers,
        labels={INVESTIGATOR_NONE: msg("none given")},
        empty=msg("No mature subject has a category from stages."),
        notes=[msg("Mature subjects with an assessment of day 28 from which the stages give a category.")],
    )
