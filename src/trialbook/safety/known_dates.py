"""The day on which the site knew of an event (SUPPAE AEKNOWDT), joined to the record that it is about."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import complete_date, earliest_date
from trialbook.supplemental import qualifier

KNOWN_ON = "AEKNOWDT"


def known_to_site(ae: pd.DataFrame, suppae: pd.DataFrame, cut_date: pd.Timestamp) -> pd.DataFrame:
    """KNOWDTC, the day on which the site knew of each AE record as given (the earliest of several), and KNOWDT, the
    date of it: complete dates up to the cut only, never imputed.

    An answer that may be about several different records counts for none (it is asked about: P34-SUPP-UNJOINED).
    """
    answers = qualifier(suppae, ae, "AE", KNOWN_ON)
    answers = answers[answers["PARENT"].notna() & answers["SURE"].astype(bool) & ~answers["WHOLE"].astype(bool)]
    answers = answers[answers["QVAL"].fillna("").ne("")]
    answers = answers.assign(DAY=earliest_date(answers["QVAL"].astype("str")))
    first = answers.sort_values(["PARENT", "DAY", "QVAL"], kind="stable").drop_duplicates("PARENT")
    given = first.set_index("PARENT")["QVAL"].reindex(ae.index).fillna("").astype("str")
    day = complete_date(given)
    return pd.DataFrame({"KNOWDTC": given, "KNOWDT": day.where(day <= cut_date)})
