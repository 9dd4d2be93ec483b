"""What a derivation starts from: the clean domains, the protocol, the analysis keys in force, and the cut-off date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

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


def with_keys(study: StudyData, **keys: Any) -> StudyData:
    """The same study under other analysis keys, checked like those of a cut file.

    What is derived from it is for analyses of one's own: a dataset or a published number is refused.
    """
    from trialbook.protocol.analysis import Analysis
    from trialbook.protocol.yaml_file import validated

    changed = {**study.analysis.model_dump(), **keys}
    return replace(study, analysis=validated(Analysis, changed, "notebook", "with_keys"))
