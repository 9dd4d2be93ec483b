"""Screening episodes: which screening of a person a subject number stands for, and which one counts (A-16)."""

from __future__ import annotations

import pandas as pd


def screening_episodes(adsl: pd.DataFrame) -> pd.DataFrame:
    """One row per subject of ADSL: USUBJID PERSON SCREENNO REPORTED, on the index of `adsl`.

    A person who is screened again has a new number that names the one before (RESCREEN_OF). PERSON is the first number
    of the person, SCREENNO counts its screenings from 1. REPORTED is Y for the screening that led to enrolment, else
    for the last one. A number before that is not in the snapshot still counts as a screening; numbers that name each
    other in a circle are taken as one screening each.
    """
    before = adsl["RESCREEN_OF"].fillna("")
    earlier = dict(zip(adsl["USUBJID"], before, strict=True))
    chains = [_chain(subject, earlier) for subject in adsl["USUBJID"]]
    frame = pd.DataFrame(
        {
            "USUBJID": adsl["USUBJID"],
            "PERSON": pd.Series([chain[-1] for chain in chains], index=adsl.index, dtype="str"),
            "SCREENNO": pd.Series([len(chain) for chain in chains], index=adsl.index, dtype="Int64"),
        }
    )
    ranked = frame.assign(ENROLLED=adsl["ENRFL"].eq("Y")).sort_values(["PERSON", "ENROLLED", "SCREENNO"], kind="stable")
    counts = ~ranked.duplicated("PERSON", keep="last")
    return frame.assign(REPORTED=counts.reindex(frame.index).map({True: "Y", False: ""}).astype("str"))


def _chain(subject: str, earlier: dict[str, str]) -> list[str]:
    """A subject number and those before it, newest first; only itself where they run in a circle."""
    chain = [subject]
    while earlier.get(chain[-1], ""):
        if earlier[chain[-1]] in chain:
            return [subject]
        chain.append(earlier[chain[-1]])
    return chain
