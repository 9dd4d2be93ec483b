"""What the product of each infusion was: lot, passage, viability, minutes from thaw to infusion (§16.2, A-214)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.core.dates import complete_date, time_of_day
from trialbook.core.supplemental import parent_links
from trialbook.protocol.outcomes import LOT, THAW, ProductValue
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.dosing import doses_given

OUTSIDE, WITHIN = "OUT", "IN"
GIVEN = ["USUBJID", "EXSTDT", "NAME", "TEXT"]


def product_values(study: StudyData) -> pd.DataFrame:
    """The values of each infusion that was given: one row per infusion (subject and day) and value.

    USUBJID EXSTDT CODE (LOT PASSAGE VIAB THAWMIN) TEXT (as delivered; of several bags each once, `; ` between) AVAL
    (the number; of several the worst against the limits) LIMFL (IN, OUT; blank: no limit, or not known) WHOLE (each bag
    has a value, and each value of a number is one). TEXT blank: not delivered.

    Sources, all of them: the variable of EX, SUPPEX joined to the record of EX, DA of the day of the infusion.
    Minutes from thaw to infusion are those given, else the time from a thaw with date and time to the start of the
    record of EX that it belongs to (of DA: to the first of the day). Minutes below 0 are read as no number.
    """
    given = doses_given(study.domains, study.cut_date)
    told = _told(given, study)
    days = given.groupby(["USUBJID", "EXSTDT"], as_index=False).size().rename(columns={"size": "BAGS"})
    parts = []
    for code, value in study.protocol.outcomes.product.values.items():
        own = told[told["NAME"].isin(_upper(value.names))]
        if code == THAW:
            own = pd.concat([own, _minutes(told[told["NAME"].isin(_upper(value.moments))], given)])
        parts.append(_of_days(days, own, code, value))
    columns = {"USUBJID": "str", "EXSTDT": "datetime64[s]", "CODE": "str", "TEXT": "str", "AVAL": "float64",
               "LIMFL": "str", "WHOLE": "bool"}  # fmt: skip
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return found[list(columns)].astype(columns)


def _upper(names: Sequence[str]) -> list[str]:
    return [name.strip().upper() for name in names]


def _told(given: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Every value delivered of an infusion: `GIVEN` columns, NAME in capitals, TEXT not blank, ROW of `given`, BAG."""
    wanted, domains = study.protocol.outcomes.product.names, study.domains
    parts = []
    for name in (name for name in given.columns if name.upper() in wanted):
        parts.append(
            given[["USUBJID", "EXSTDT"]].assign(NAME=name.upper(), TEXT=given[name], ROW=given.index, BAG=given.index)
        )
    if domains.delivered("SUPPEX"):
        supp = domains["SUPPEX"]
        own = supp[supp["QNAM"].astype("str").str.strip().str.upper().isin(wanted)]
        links, _ = parent_links(own, given, "EX")
        links = links[links["SURE"].astype(bool)]
        at, answer = given.loc[links["PARENT"].to_numpy()], own.loc[links["SUPP"].to_numpy()]
        names = answer["QNAM"].str.strip().str.upper().to_numpy()
        parts.append(
            at[["USUBJID", "EXSTDT"]].assign(NAME=names, TEXT=answer["QVAL"].to_numpy(), ROW=at.index, BAG=at.index)
        )
    if domains.delivered("DA"):
        da = domains["DA"].reindex(columns=["USUBJID", "DATESTCD", "DAORRES", "DADTC", "SRCROW"])
        own = pd.DataFrame({
            "USUBJID": da["USUBJID"], "EXSTDT": complete_date(da["DADTC"]),
            "NAME": da["DATESTCD"].astype("str").str.strip().str.upper(), "TEXT": da["DAORRES"],
            # DA does not say which bag; each of its records may be of another.
            "BAG": -1 - da["SRCROW"].astype("float64"),
        })  # fmt: skip
        first = given.assign(ROW=given.index).drop_duplicates(["USUBJID", "EXSTDT"])[["USUBJID", "EXSTDT", "ROW"]]
        parts.append(own[own["NAME"].isin(wanted)].merge(first, on=["USUBJID", "EXSTDT"]))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*GIVEN, "ROW", "BAG"])
    text = found["TEXT"].astype("str").fillna("").str.strip()
    return found.assign(TEXT=text)[text.ne("") & text.ne("nan")].reset_index(drop=True)


def _minutes(thaws: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the minutes from the thaw to the start of the infusion as TEXT, where both have a time."""
    start = given["EXSTDTC"].reindex(thaws["ROW"]).set_axis(thaws.index)
    between = (complete_date(start) - complete_date(thaws["TEXT"])).dt.total_seconds()
    minutes = (between + time_of_day(start) - time_of_day(thaws["TEXT"])) / 60
    known = minutes.notna() & minutes.ge(0)
    return thaws.assign(TEXT=thaws["TEXT"].mask(known, minutes.map("{:g}".format)))


def _of_days(days: pd.DataFrame, own: pd.DataFrame, code: str, value: ProductValue) -> pd.DataFrame:
    """One row per infusion of one value; `days`: USUBJID EXSTDT BAGS."""
    key = pd.MultiIndex.from_frame(days[["USUBJID", "EXSTDT"]])
    bags = own.groupby(["USUBJID", "EXSTDT"])["BAG"].nunique().reindex(key).fillna(0).to_numpy()
    once = own.drop_duplicates(["USUBJID", "EXSTDT", "TEXT"])
    day = [once["USUBJID"], once["EXSTDT"]]
    text = once["TEXT"].groupby(day).agg("; ".join).reindex(key).to_numpy()
    number = pd.to_numeric(once["TEXT"].str.removesuffix("%").str.strip(), errors="coerce")
    number = number.where(number.ge(0) & (code != LOT))
    worst = number.groupby(day).min() if value.lowest is not None else number.groupby(day).max()
    read = number.notna().groupby(day).all().reindex(key).eq(True).to_numpy() | (code == LOT)
    frame = days.assign(
        CODE=code, TEXT=pd.Series(text, dtype="object").fillna("").astype("str"),
        AVAL=worst.reindex(key).to_numpy("float64"), WHOLE=(bags >= days["BAGS"].to_numpy()) & read,
    )  # fmt: skip
    low = number.lt(float("-inf") if value.lowest is None else value.lowest)
    high = number.gt(float("inf") if value.highest is None else value.highest)
    outside = (low | high).groupby(day).any().reindex(key).eq(True).to_numpy()
    limited = value.lowest is not None or value.highest is not None
    flag = pd.Series("", index=frame.index, dtype="str").mask(frame["WHOLE"] & limited, WITHIN)
    return frame.assign(LIMFL=flag.mask(outside, OUTSIDE))
