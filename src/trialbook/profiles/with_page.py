"""Which subjects have a profile page: what every table with subject numbers asks."""

from __future__ import annotations

import pandas as pd


def profiled_subjects(adsl: pd.DataFrame) -> list[str]:
    """SUBJID of the treated subjects, all of whom have a profile page, by dose level and first infusion.

    A number that two treated subjects share (P05) leads to no page: it would not say whose it is.

    `adsl`: USUBJID SUBJID SAFFL TRT01AN TRTSDT.

    >>> adsl = pd.DataFrame({"USUBJID": ["a", "b"], "SUBJID": ["001", "002"], "SAFFL": ["Y", ""]})
    >>> profiled_subjects(adsl.assign(TRT01AN=1, TRTSDT="2025-03-05"))
    ['001']
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    if treated.empty:
        return []
    treated = treated[~treated["SUBJID"].duplicated(keep=False)]
    return list(treated.sort_values(["TRT01AN", "TRTSDT", "USUBJID"], kind="stable")["SUBJID"].astype("str"))
