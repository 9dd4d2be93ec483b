"""Which infusion an adverse event followed, and how long after it (domain document §3.5)."""

from __future__ import annotations

import pandas as pd

from trialbook.dates import missing_part
from trialbook.safety.emergence import moment_range

HOURS_DIGITS = 1


def infusion_timing(ae: pd.DataFrame, given: pd.DataFrame, hours: int) -> pd.DataFrame:
    """INFNO, INFDY, INFHRS and NEAR of each AE record: the last infusion that began by its onset, the time since.

    | variable | rule                                                                                           |
    |----------|------------------------------------------------------------------------------------------------|
    | INFNO    | number of the infusion (1 = first); missing before the first, or without a complete onset date |
    | INFDY    | days from that infusion to the onset, 0 = the same day                                         |
    | INFHRS   | hours, where both times of day are known; missing otherwise                                    |
    | NEAR     | whether the onset may lie within `hours` after the start of any infusion of the subject        |

    Without a time of day an onset may mean any moment of its day: on the day of an infusion it counts as after it
    (A-60). `ae` needs USUBJID AESTDTC; `given` the infusions in order of time: USUBJID EXSTDTC.
    """
    onset = moment_range(ae["AESTDTC"]).assign(USUBJID=ae["USUBJID"], row=range(len(ae)))
    onset["complete"] = missing_part(ae["AESTDTC"]).eq("") & onset["first"].notna()
    start = moment_range(given["EXSTDTC"]).rename(columns={"first": "from", "last": "until"})
    start = start.assign(USUBJID=given["USUBJID"], INFNO=given.groupby("USUBJID").cumcount() + 1)
    pairs = onset.merge(start, on="USUBJID")
    pairs = pairs[pairs["last"] >= pairs["from"]]
    near = pairs.loc[pairs["first"] <= pairs["until"] + pd.Timedelta(hours=hours), "row"]
    last = pairs[pairs["complete"]].sort_values(["row", "INFNO"], kind="stable")
    last = last.drop_duplicates("row", keep="last").set_index("row")
    timed = last["first"].eq(last["last"]) & last["from"].eq(last["until"])
    found = pd.DataFrame({
        "INFNO": last["INFNO"],
        "INFDY": (last["first"].dt.normalize() - last["from"].dt.normalize()) / pd.Timedelta(days=1),
        "INFHRS": ((last["first"] - last["from"]) / pd.Timedelta(hours=1)).round(HOURS_DIGITS).where(timed),
    }).reindex(range(len(ae))).set_axis(ae.index)  # fmt: skip
    found = found.astype("Float64").astype({"INFNO": "Int64", "INFDY": "Int64", "INFHRS": "float64"})
    return found.assign(NEAR=pd.Series(range(len(ae)), index=ae.index).isin(near))
