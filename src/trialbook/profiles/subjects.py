"""Which subjects have a profile page."""

from __future__ import annotations

import pandas as pd


def profiled_subjects(adsl: pd.DataFrame, most: int) -> list[str]:
    """SUBJID of the treated subjects with a profile page, by dose level and first infusion, at most `most`.

    A number that two treated subjects share (P05) leads to no page: it would not say whose it is.

    `adsl`: USUBJID SUBJID SAFFL TRT01AN TRTSDT.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    if treated.empty:
        return []
    treated = treated[~treated["SUBJID"].duplicated(keep=False)]
    return list(treated.sort_values(["TRT01AN", "TRTSDT", "USUBJID"], kind="stable")["SUBJID"].astype("str").head(most))


def profile_note(treated: int, shown: int) -> list[str]:
    """A footnote where not every treated subject has a profile page."""
    return [] if shown in (0, treated) else [f"{shown} of {treated} treated subjects have a profile page."]
