"""The response rate at day 28 by what the disease was at baseline: grade, organs involved, Minnesota risk (§16.6)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.described import described
from trialbook.core.messages import msg
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.gvhd.grade import GRADES, ORGANS, grade_bounds
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.gvhd.risk import HIGH, STANDARD, minnesota_risks
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import NOT_EVALUABLE, TOTAL, ArdRow, ard_row, ard_row_or_ne
from trialbook.statistics.intervals import PROPORTION_INTERVALS

ORR_GROUP = "ORR_GROUP"
GRADE, ORGAN, NUMBER, RISK = "BASEGR", "BASEORG", "NORGAN", "MNRISK"
UNKNOWN = NOT_EVALUABLE
NAMES = {
    GRADE: msg("Grade at baseline"), ORGAN: msg("Organ involved at baseline"), NUMBER: msg("Number of organs involved"),
    RISK: msg("Minnesota risk at baseline"),
}  # fmt: skip
LEVELS = {
    GRADE: {**{grade: msg("grade {grade}", grade=grade) for grade in GRADES}, UNKNOWN: msg("not known")},
    ORGAN: {"SKIN": msg("Skin"), "LIVER": msg("Liver"), "UGI": msg("Upper GI"), "LGI": msg("Lower GI")},
    NUMBER: {"0": msg("no organ"), "1": msg("1 organ"), "2": msg("2 organs"), "3": msg("3 or 4 organs"),
             UNKNOWN: msg("not known")},
    RISK: {STANDARD: msg("standard risk"), HIGH: msg("high risk"), "NONE": msg("no organ"), UNKNOWN: msg("not known")},
}  # fmt: skip


def baseline_stages(responses: pd.DataFrame) -> pd.DataFrame:
    """SKIN LIVER UGI LGI of the baseline that the response was judged against (BASESTG), missing where not known.

    >>> baseline_stages(pd.DataFrame({"BASESTG": ["3-1-0-?", ""]})).values.tolist()
    [[3.0, 1.0, 0.0, nan], [nan, nan, nan, nan]]
    """
    parts = responses["BASESTG"].str.split("-", expand=True).reindex(columns=range(len(ORGANS)))
    return parts.set_axis(list(ORGANS), axis=1).apply(pd.to_numeric, errors="coerce").astype("float64")


def baseline_groups(responses: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """Who certainly belongs to each group at baseline, by variable and level, on the index of `responses`.

    Grade, number of organs and risk put everybody into one level, NE where missing stages leave it open; an organ
    counts where its stage is known to be above 0. Without a baseline everything is NE.
    """
    stages = baseline_stages(responses)
    grade = grade_bounds(stages)["GRADE"].map(dict(enumerate(GRADES))).astype("object").fillna(UNKNOWN)
    number = (stages > 0).sum(axis=1).clip(upper=3).astype("str").where(stages.notna().all(axis=1), UNKNOWN)
    risk = minnesota_risks(stages)
    found = {(GRADE, level): grade.eq(level) for level in LEVELS[GRADE]}
    found |= {(ORGAN, organ): stages[organ].gt(0) for organ in ORGANS}
    found |= {(NUMBER, level): number.eq(level) for level in LEVELS[NUMBER]}
    found |= {(RISK, level): risk.eq(level) for level in LEVELS[RISK]}
    return {key: mask.fillna(False).astype(bool) for key, mask in found.items()}


def group_rows(responses: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """ORR_GROUP: the response rate of the primary analysis in each group at baseline, by dose level and in total.

    n, N (mature for day 28), pending, estimate and the limits of `ci_primary_orr`. A level to which no treated subject
    belongs has no rows. Where a domain that was not delivered leaves somebody open n is NE with n.low and n.high. The
    Minnesota risk is there where the protocol file asks for it. `responses`: the primary analysis of the responses.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    groups = baseline_groups(responses)
    rows: list[ArdRow] = []
    for (variable, name), member in groups.items():
        if not member.any() or (variable == RISK and not protocol.outcomes.risk.minnesota):
            continue
        for level in [*protocol.level_ids, TOTAL]:
            own = responses[member & (responses["TRT01A"].eq(level) | (level == TOTAL))]
            rows += _rate(level, variable, name, own, analysis)
    return rows


def _rate(level: str, variable: str, name: str, own: pd.DataFrame, analysis: Analysis) -> list[ArdRow]:
    mature = own[own["AVALC"].ne(PENDING)]
    n, total, pending = int(mature["AVALC"].isin(RESPONDERS).sum()), len(mature), len(own) - len(mature)
    open_ = int(mature["REASON"].eq(UNDELIVERED).sum())
    interval = PROPORTION_INTERVALS[analysis.ci_primary_orr](n, total, 0.95)
    place = {"variable_level": name, "context": analysis.ci_primary_orr}
    stats: list[tuple[str, float | None, bool]] = [
        ("n", n, not open_), ("N", total, True), ("pending", pending, True),
        ("estimate", interval.estimate, not open_), ("conf.low", interval.low, not open_),
        ("conf.high", interval.high, not open_),
    ]  # fmt: skip
    rows = [ard_row_or_ne(ORR_GROUP, level, variable, stat, value, known, **place) for stat, value, known in stats]
    bounds = (("n.low", n), ("n.high", n + open_)) if open_ else ()
    return [*rows, *(ard_row(ORR_GROUP, level, variable, stat, value, **place) for stat, value in bounds)]


def group_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The response rate by group at baseline, as a table shows it."""
    labels = {level: text for levels in LEVELS.values() for level, text in levels.items()}
    return described(
        rows.assign(number_variable=rows["variable"], variable=rows["variable"].map(NAMES)), group="variable",
        row="variable_level", row_labels=labels, stub=msg("At baseline"),
        stats="{n} of {N} ({conf.low} to {conf.high})",
        notes=[
            msg("Responders (CR or PR) of the subjects mature for day 28. A subject counts under each organ involved. "
                "The groups are too small to compare.")
        ],
        empty=msg("No subject has been treated at this cut."),
    )  # fmt: skip


def risk_method(protocol: Protocol) -> str:
    """Which risk groups are given, and which are left out and why."""
    if not protocol.has_endpoint("ORR_D28") or not protocol.outcomes.risk.minnesota:
        return msg("Risk groups at baseline are not derived for this trial.")
    return msg(
        "Minnesota risk follows the organ stages at baseline (MacMillan 2015; standard risk as tabulated in Blood "
        "2020;135:97). It was made for the start of steroid therapy: in refractory disease its published response "
        "rates do not apply (A-219). Manhattan risk and the MAGIC composite score (Blood 2024;144:1010) are left out: "
        "the table of their symptom groups could not be read, and the score needs serum biomarkers, which this trial "
        "does not deliver."
    )
