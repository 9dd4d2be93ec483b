"""The rows that the notebooks report by `count`, `rate` and `survival`, of the frames of a test."""

from __future__ import annotations

import pandas as pd

from support.default_keys import keys
from trialbook.analyses.count import count
from trialbook.analyses.population import PUBLISHED, Population
from trialbook.analyses.rate import rate
from trialbook.analyses.time_to_event import curve_rows, not_evaluable_rows
from trialbook.efficacy.day28 import PENDING, UNDELIVERED
from trialbook.efficacy.sensitivity import PRIMARY, sensitivities
from trialbook.efficacy.survival import curve_of
from trialbook.gvhd.response_rules import RESPONDERS
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow


def soc_pt_rows(analysis_id: str, adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_SOC_PT, TRAE_SOC_PT or SAE_SOC_PT: subjects and events by class (term blank = any) and term."""
    population = Population(adsl, protocol, keys(), checked=False)
    found = count(adae, id=analysis_id, population=population, where=PUBLISHED[analysis_id].records,
                  per=["ABODSYS", "ADECOD"])  # fmt: skip
    return list(found.counted.rows)


def time_to_event_rows(
    adtte: pd.DataFrame, protocol: Protocol, analysis: Analysis, parameter: str = "OS", *, evaluable: bool = True
) -> list[ArdRow]:
    """Reported numbers of one Kaplan-Meier endpoint of ADTTE (OS, FFS), per dose level and in total.

    `<P>_EVENTS`: subjects with the event of those followed. `<P>_KM`: S(t) at the days of `os_days` with the limits
    of `km_ci`, n.risk just before t, n.event up to t; S(t) is given only where follow-up reaches t or every subject had
    the event (A-81), else "not reached". `<P>_MEDIAN`: the median time. With nobody treated OS has its rows, all null.
    A protocol without OS gives no rows, nor does another endpoint that ADTTE does not have.

    `evaluable` False: a domain that the endpoint needs was not delivered (`survival_needs`); every number but N, the
    subjects followed, is null with the text `NE`.
    """
    rows: list[ArdRow] = []
    if not protocol.has_endpoint("OS"):
        return rows
    if evaluable and parameter != "OS" and not adtte["PARAMCD"].eq(parameter).any():
        return rows
    for level in [*protocol.level_ids, TOTAL]:
        if evaluable:
            curve = curve_of(adtte, parameter, level)
            rows += curve_rows(curve, parameter, level, parameter, analysis.os_days, analysis.km_ci)
            continue
        followed = adtte["PARAMCD"].eq("OS") & (adtte["TRT01A"].eq(level) | (level == TOTAL))
        size = int(followed.sum())
        rows += not_evaluable_rows(parameter, level, parameter, size, analysis.os_days, analysis.km_ci)
    return rows


# Analysis id and the categories that it counts as success.
RATES: dict[str, tuple[str, ...]] = {"ORR_D28": RESPONDERS, "CR_D28": ("CR",)}


def response_rate_rows(responses: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """ORR_D28 and CR_D28 by dose level and Total.

    `responses`: USUBJID TRT01A SENS INSET AVALC of `sensitivity_responses`. The denominator N is the set of each
    analysis (MATURED-28 for the primary); `pending` counts the treated subjects who are not mature. Contexts: each
    interval of the primary analysis, the Beta posterior, and each sensitivity analysis by name with the interval
    `ci_primary_orr`. No rows where the trial has no such endpoint; null and "-" where N = 0. Where a domain that was
    not delivered could change the response of a subject of the denominator, n and every estimate are null with the text
    NE (§14.1); N and pending stay, but N of a set that asks for an assessment where none was delivered.
    """
    primary = responses[responses["SENS"] == PRIMARY]
    adsl = primary[["USUBJID", "TRT01A"]].assign(SUBJID=primary["USUBJID"], SAFFL="Y", MAT28FL=primary["INSET"])
    population = Population(adsl, protocol, analysis, checked=False)
    names = [PRIMARY, *(choice.name for choice in sensitivities(analysis))]
    responses = responses.assign(SENS=pd.Categorical(responses["SENS"], names))
    rows: list[ArdRow] = []
    for analysis_id, success in RATES.items():
        event, undecided = responses["AVALC"].isin(success), _undecided(responses, success)
        rates = rate(responses, event, id=analysis_id, of="INSET == 'Y'", open=undecided, each="SENS",
                     pending=responses["AVALC"] == PENDING, population=population)  # fmt: skip
        rows += rates.counted.rows
    return rows


def _undecided(responses: pd.DataFrame, success: tuple[str, ...]) -> pd.Series:
    """Whose success a domain that was not delivered leaves open: without one by stages there is none to undo."""
    return responses["REASON"].eq(UNDELIVERED) & responses["RSPSTG"].isin(["", *success])
