"""What a derivation starts from: the clean domains, the protocol, the analysis keys in force, and the cut-off date."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol


@dataclass(frozen=True)
class StudyData:
    """The data of one cut and the rules that hold for them; `dataclasses.replace` gives the same under other keys.

    `cut_date`: the last date that counts, inclusive.
    """

    domains: Domains
    protocol: Protocol
    analysis: Analysis
    cut_date: pd.Timestamp
