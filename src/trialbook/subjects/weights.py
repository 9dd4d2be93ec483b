"""Body weights in kilograms (P12, P32), and which of them applies on a day."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from trialbook.core.dates import complete_date
from trialbook.core.domains import Domains
from trialbook.core.units import KILOGRAMS

# ----------------------------------------------------------------------------------------------------
# Body weight in kilograms: every usable record, and the last one before a date (P12, P32).
#
# A weight without a unit is not used: it could be kilograms or jin.


def measurements(domains: Domains, test: str, factors: Mapping[str, float]) -> pd.DataFrame:
    """One vital sign in one unit: USUBJID VSDT VALUE VSSEQ, in order of subject, date and sequence.

    `factors` gives the size of each unit. Records without a number, a complete date or a known unit are left out,
    and values that are not positive.

    >>> vs = pd.DataFrame({
    ...     "USUBJID": "001", "VSTESTCD": "WEIGHT", "VSORRESN": [70.0, 140.0, 70.0], "VSORRESU": ["kg", "jin", None],
    ...     "VSDTC": "2025-03-01",
    ... })
    >>> measurements(Domains({"VS": vs}), "WEIGHT", KILOGRAMS)["VALUE"].tolist()
    [70.0, 70.0]
    """
    vs = domains["VS"]
    vs = vs[vs["VSTESTCD"] == test]
    unit = vs["VSORRESU"].str.strip().str.lower().map(factors).astype("float64")
    frame = pd.DataFrame(
        {
            "USUBJID": vs["USUBJID"],
            "VSDT": complete_date(vs["VSDTC"]),
            "VALUE": vs["VSORRESN"].where(vs["VSORRESOP"].fillna("") == "") * unit,
            "VSSEQ": vs["VSSEQ"],
        }
    )
    frame = frame[frame["VSDT"].notna() & (frame["VALUE"] > 0)]
    return frame.sort_values(["USUBJID", "VSDT", "VSSEQ"], kind="stable").reset_index(drop=True)


def weights(domains: Domains) -> pd.DataFrame:
    """Body weight in kilograms: USUBJID VSDT VALUE VSSEQ."""
    return domains.once(_weights)


def _weights(domains: Domains) -> pd.DataFrame:
    return measurements(domains, "WEIGHT", KILOGRAMS)


def last_on_or_before(asked: pd.DataFrame, measured: pd.DataFrame, within_days: int | None = None) -> pd.DataFrame:
    """The last measurement on or before each asked day: VALUE VSDT VSSEQ on the index of `asked`.

    `asked` has USUBJID and DAY; `within_days` leaves out measurements that are older than this. Missing where there
    is none.

    >>> asked = pd.DataFrame({"USUBJID": ["001", "001"], "DAY": pd.to_datetime(["2025-03-05", "2025-02-01"])})
    >>> known = pd.DataFrame({"USUBJID": ["001"], "VSDT": pd.to_datetime(["2025-03-01"]), "VALUE": 70.0, "VSSEQ": 1})
    >>> last_on_or_before(asked, known)["VALUE"].tolist()
    [70.0, nan]
    """
    if measured.empty:
        return measured[["VALUE", "VSDT", "VSSEQ"]].reindex(range(len(asked))).set_axis(asked.index)
    numbered = asked[["USUBJID", "DAY"]].reset_index(drop=True).rename_axis("ASKED").reset_index()
    pairs = numbered.merge(measured, on="USUBJID")
    age = (pairs["DAY"] - pairs["VSDT"]).dt.days
    usable = pairs[(age >= 0) & (age <= (within_days if within_days is not None else age.max()))]
    last = usable.sort_values(["ASKED", "VSDT", "VSSEQ"], kind="stable").groupby("ASKED").tail(1).set_index("ASKED")
    found = last[["VALUE", "VSDT", "VSSEQ"]].reindex(range(len(asked)))
    return found.set_axis(asked.index)


# ----------------------------------------------------------------------------------------------------


def weight_on(weights: pd.DataFrame, asked: pd.DataFrame) -> pd.Series:
    """Kilograms for each row of `asked` (USUBJID DAY): the last weight on or before DAY, else the subject's first.

    `weights`: USUBJID VSDT VALUE VSSEQ, as `trialbook.subjects.weights.weights` returns it. NaN where the subject has
    none.

    >>> asked = pd.DataFrame({"USUBJID": ["001", "001"], "DAY": pd.to_datetime(["2025-03-05", "2025-02-01"])})
    >>> known = pd.DataFrame({"USUBJID": ["001"], "VSDT": pd.to_datetime(["2025-03-01"]), "VALUE": 70.0, "VSSEQ": 1})
    >>> weight_on(known, asked).tolist()
    [70.0, 70.0]
    """
    before = last_on_or_before(asked, weights)["VALUE"].astype("float64")
    first = weights.drop_duplicates("USUBJID").set_index("USUBJID")["VALUE"]
    return before.fillna(asked["USUBJID"].map(first).astype("float64"))
