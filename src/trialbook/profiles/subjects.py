"""Which subjects have a profile page."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.profiles.risk import kinds_in_words


def profiled_subjects(adsl: pd.DataFrame) -> list[str]:
    """SUBJID of the treated subjects, all of whom have a profile page, by dose level and first infusion.

    A number that two treated subjects share (P05) leads to no page: it would not say whose it is.

    `adsl`: USUBJID SUBJID SAFFL TRT01AN TRTSDT.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")]
    if treated.empty:
        return []
    treated = treated[~treated["SUBJID"].duplicated(keep=False)]
    return list(treated.sort_values(["TRT01AN", "TRTSDT", "USUBJID"], kind="stable")["SUBJID"].astype("str"))


def profile_note(treated: int, brief: Mapping[str, str]) -> list[str]:
    """Footnotes where not every treated subject has a profile page, or some have a brief one.

    `brief`: by SUBJID of those with a page, in which order of risk a brief one stands; blank for a whole one (A-170).
    """
    notes = []
    if brief and len(brief) != treated:
        notes.append(
            f"{len(brief)} of {treated} treated subjects have a profile page: the number of each of the others is that "
            "of another subject too."
        )
    kinds = pd.Series([kind for kind in brief.values() if kind], dtype="str")
    if len(kinds):
        notes.append(
            f"{len(kinds)} of {len(brief)} profiles are brief (key facts and events), those last in the order of risk: "
            f"{kinds_in_words(kinds)}."
        )
    return notes
