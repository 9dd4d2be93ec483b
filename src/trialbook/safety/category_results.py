"""Reported numbers of event categories: special interest (T-11) and kinds of infection (T-14) (§3.4, §3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.protocol.analysis import AesiRule, Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import TOTAL, ArdRow, ard_row, proportion_rows
from trialbook.safety.ae_results import UNGRADED, selections, ungraded
from trialbook.safety.counting import NONE, counts, set_sizes

ANY_INFECTION = "Any infection"


def aesi_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """AESI_CAT: subjects and events of special interest by category, in the order of the protocol's searches.

    A category that events without a grade may belong to has rows n and events of context `ungraded` (§14.4).
    """
    rows = _category_rows("AESI_CAT", "AESICAT", special(adae), adsl, protocol, categories(analysis.aesi))
    missing = counts(possible(adae), ["AESICAT"])
    for category in categories(analysis.aesi):
        for level in set_sizes(adsl, protocol.level_ids) if (TOTAL, category) in missing else ():
            found = zip(("n", "events"), missing.get((level, category), NONE), strict=True)
            rows += [
                ard_row("AESI_CAT", level, "AESICAT", stat, value, variable_level=category, context=UNGRADED)
                for stat, value in found
            ]
    return rows


def infection_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, analysis: Analysis) -> list[ArdRow]:
    """INFECTION_CAT: subjects and events by kind of infection, any first; empty where the protocol names no kinds."""
    kinds = categories(analysis.infections)
    named = [ANY_INFECTION, *kinds] if kinds else []
    return _category_rows("INFECTION_CAT", "INFCAT", infections(adae), adsl, protocol, named)


def special(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of special interest."""
    return adae[selections(adae)["AESI"]]


def possible(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of special interest if their missing grade is high enough, under that category."""
    if "AESIOPEN" not in adae:
        return adae.iloc[:0]
    records = adae[ungraded(adae)["AESI"]]
    return records.assign(AESICAT=records["AESIOPEN"])


def infections(adae: pd.DataFrame) -> pd.DataFrame:
    """The treatment-emergent records of infections, each under its kind and once more as any infection."""
    records = adae[selections(adae)["TEAE"] & (adae["INFCAT"] != "")]
    return pd.concat([records.assign(INFCAT=ANY_INFECTION), records])


def categories(rules: Sequence[AesiRule]) -> list[str]:
    """The categories that searches name, each once, in their order."""
    return list(dict.fromkeys(rule.category for rule in rules))


def _category_rows(
    analysis_id: str, variable: str, records: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, named: list[str]
) -> list[ArdRow]:
    sizes = set_sizes(adsl, protocol.level_ids)
    found = counts(records, [variable])
    rows: list[ArdRow] = []
    for category in named:
        for level, size in sizes.items():
            n, events = found.get((level, category), NONE)
            rows += proportion_rows(analysis_id, level, variable, n, size, events, variable_level=category)
    return rows
