"""Which domains survival and its relatives rest on, and whether they were delivered (rulebook §14.2)."""

from __future__ import annotations

from collections.abc import Mapping

from trialbook.domains import Domains

# DM and AE are always there; SS alone may be missing: a death has its place in DM, DS and AE.
NEEDS: Mapping[str, tuple[str, ...]] = {"OS": ("DS",), "NRM": ("DS", "CE"), "FFS": ("DS", "CE", "CM")}
WORDS = {"DS": "disposition (DS)", "CE": "relapse (CE)", "CM": "medication (CM)"}


def undelivered(parameter: str, domains: Domains) -> list[str]:
    """The domains that an endpoint of ADTTE needs and that the snapshot does not hold; empty = it can be estimated.

    A domain that was delivered without records is delivered: it says that there was nothing.
    """
    return [code for code in NEEDS.get(parameter, ()) if not domains.delivered(code)]


def why_not_evaluable(parameter: str, domains: Domains) -> str:
    """`Not evaluable: disposition (DS) was not delivered.`; blank where everything needed was delivered."""
    missing = undelivered(parameter, domains)
    were = "was" if len(missing) == 1 else "were"
    return f"Not evaluable: {' and '.join(WORDS[code] for code in missing)} {were} not delivered." if missing else ""
