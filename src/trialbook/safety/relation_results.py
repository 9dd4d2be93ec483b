"""Reported numbers of treatment-emergent events by their relationship to iMSC (T-9, domain document §3.1, §3.4)."""

from __future__ import annotations

import pandas as pd

from trialbook.protocol.models import Protocol
from trialbook.results.ard import ArdRow
from trialbook.safety.ae_results import selections
from trialbook.safety.counting import maximum_rows, set_sizes
from trialbook.safety.relationship import relationship_level

# From the least to the most: what nobody has judged yet stands between "unlikely" and "possible".
LEVELS = ("not", "unlikely", "missing", "unassessable", "possible", "related", "probable", "definite")
WORDS = {
    "definite": "definitely related", "probable": "probably related", "related": "related, no degree given",
    "possible": "possibly related", "unassessable": "cannot be judged", "missing": "not given",
    "unlikely": "unlikely related", "not": "not related",
}  # fmt: skip
RELATION_WORDS = {LEVELS.index(level): text for level, text in WORDS.items()}
SELDOM = [LEVELS.index(level) for level in ("related", "unassessable", "missing")]


def relation_rows(adae: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """TEAE_REL: subjects by the MAXIMUM relationship of their events in each class and term, in words as context.

    The variable TEAE gives the maximum over all events of a subject; classes and terms have rows for the relationships
    that occur in Total. The degree is the one that the site gave;
    whether it counts as related stands in ADAE AREL.
    """
    records = adae[selections(adae)["TEAE"]]
    if records.empty:
        return []
    sizes = set_sizes(adsl, protocol.level_ids)
    return maximum_rows("TEAE_REL", records, relation_rank(records), RELATION_WORDS, sizes, SELDOM, sparse=True)


def relation_rank(records: pd.DataFrame) -> pd.Series:
    """The place of each record's relationship in `LEVELS`, the most related highest."""
    return relationship_level(records["AEREL"]).map({level: rank for rank, level in enumerate(LEVELS)}).astype("int64")
