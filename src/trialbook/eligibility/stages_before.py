"""Organ stages before the first infusion: what eligibility may look at (A-50)."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.screening import Screening
from trialbook.gvhd.stages import derive_stages


def stages_before(screening: Screening) -> pd.DataFrame:
    """Organ stages of every assessment up to the reference day, sorted; with the subject's columns added.

    On the day of the infusion itself only assessments known to precede it count.
    """
    stages = derive_stages(screening.domains, screening.subjects, screening.analysis)
    rows = screening.add_subject(stages)
    rows = rows[(rows["ADT"] <= rows["REFDT"]) & ~rows["TIMING"].isin(["UNTIMED", "POST"])]
    return rows.sort_values(["USUBJID", "ADT"], kind="stable").reset_index(drop=True)
