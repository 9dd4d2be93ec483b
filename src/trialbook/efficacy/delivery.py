"""What the response needs to have been delivered, and the words for what was not (rulebook §14.2)."""

from __future__ import annotations

from collections.abc import Collection

from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis

# In the order in which they are named. RS means both ways of recording organ stages: RS and FA.
WORDS = {
    "RS": "organ stages (RS, FA)", "CM": "medication records (CM)", "DS": "disposition records (DS)",
    "CE": "relapses (CE)", "VS": "body weights (VS)",
}  # fmt: skip
WHY_NOT = {
    "RS": "organ stages and findings (RS, FA) were not delivered",
    "CM": "medication records (CM) were not delivered, so new therapy is not known",
    "DS": "disposition records (DS) were not delivered, so withdrawal of consent is not known",
    "CE": "clinical events (CE) were not delivered, so relapse is not known",
    "VS": "body weights (VS) were not delivered, so steroid doses per kg are not known",
}  # fmt: skip


def lacking(domains: Domains) -> frozenset[str]:
    """The keys of `WORDS` of which the snapshot held nothing. A domain without records was delivered."""
    absent = {code for code in ("CM", "DS", "CE", "VS") if not domains.delivered(code)}
    return frozenset(absent | ({"RS"} if not domains.delivered("RS") and not domains.delivered("FA") else set()))


def needed(analysis: Analysis) -> frozenset[str]:
    """What the response at day 28 rests on under these keys: a drug or relapse that is ignored need not be known."""
    composite = {"newtx_strategy_orr": ("CM",), "relapse_strategy_orr": ("CM", "CE")}
    asked = {code for key, codes in composite.items() if getattr(analysis, key) == "composite" for code in codes}
    return frozenset({"RS", "DS"} | asked)


def lacking_text(codes: Collection[str]) -> str:
    """Why a response is not evaluable: `medication records (CM) were not delivered, so new therapy is not known`."""
    return "; ".join(why for code, why in WHY_NOT.items() if code in codes)
