"""Antibodies and viral loads: test results, and what they say of each treated subject (§16.3, §16.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from trialbook.core.dates import earliest_date, latest_date
from trialbook.core.domains import RESULT_DOMAINS, Domains
from trialbook.core.units import unit_key
from trialbook.protocol.models import Protocol
from trialbook.protocol.outcomes import Virus
from trialbook.subjects.qualitative import NEGATIVE, POSITIVE, UNCLEAR, detection, reading

YES, NO, OPEN = "Y", "N", "NE"
# Why an outcome is open.
UNDELIVERED, NOT_TESTED, NOT_CLEAR, UNDATED = "UNDELIVERED", "NOT TESTED", "UNCLEAR", "DATE"
RESULT = ["USUBJID", "TEXT", "VALUE", "SIGN", "UNIT", "FIRST", "LAST", "SRCDOM", "SRCSEQ"]
Read = Callable[[pd.DataFrame], pd.Series]


def results_of(domains: Domains, codes: Sequence[str], tests: Sequence[str]) -> pd.DataFrame:
    """The results of some tests in these domains: `RESULT` columns; FIRST and LAST are the days that its date may mean.

    Records without a result are left out. Numbers of LB are those that cleaning read; of MB and IS the text itself.
    """
    wanted = {test.strip().upper() for test in tests}
    parts = []
    for code in codes:
        rows = domains[code]
        rows = rows[rows[f"{code}TESTCD"].str.strip().str.upper().isin(wanted)]
        text = rows[f"{code}ORRES"].astype("str").fillna("").str.strip().str.upper()
        if code in RESULT_DOMAINS:
            value, sign = rows[f"{code}ORRESN"].astype("float64"), rows[f"{code}ORRESOP"].fillna("")
        else:
            sign = text.str.extract(r"^([<>])", expand=False).fillna("")
            value = pd.to_numeric(text.str.replace(r"^[<>]\s*", "", regex=True), errors="coerce")
        unit = rows[f"{code}ORRESU"] if f"{code}ORRESU" in rows else pd.Series("", index=rows.index, dtype="str")
        parts.append(pd.DataFrame({
            "USUBJID": rows["USUBJID"], "TEXT": text, "VALUE": value.astype("float64"), "SIGN": sign.astype("str"),
            "UNIT": unit.astype("str").fillna("").str.strip(), "FIRST": earliest_date(rows[f"{code}DTC"]),
            "LAST": latest_date(rows[f"{code}DTC"]), "SRCDOM": pd.Series(code, index=rows.index, dtype="str"),
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
        }))  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    return found[found["TEXT"].ne("") & found["TEXT"].ne("NAN")].reset_index(drop=True)


def antibody_reading(protocol: Protocol) -> Read:
    """How a result of donor-specific antibodies is read: by words, else by a number from the threshold on (A-215)."""
    limit = protocol.outcomes.antibodies.threshold
    high = float("nan") if limit is None else limit

    def read(rows: pd.DataFrame) -> pd.Series:
        limits = pd.Series(high, index=rows.index, dtype="float64")
        found = reading(rows["TEXT"], rows["VALUE"], rows["SIGN"], limits, protocol.code_lists)
        return found.mask(_undecided(rows, high), UNCLEAR)

    return read


def load_reading(virus: Virus, protocol: Protocol) -> Read:
    """How a load of nucleic acid is read: positive from the threshold of the virus on (A-216).

    A number below the threshold is negative, and so is a bound at or below it; a bound above it ("<5000" where 1000
    counts) and a number in a unit that is none of `units` are unclear. A word that says positive counts.
    """
    units = {unit_key(unit) for unit in protocol.outcomes.viruses.units}

    def read(rows: pd.DataFrame) -> pd.Series:
        least = pd.Series(virus.threshold, index=rows.index, dtype="float64")
        found = detection(rows["TEXT"], rows["VALUE"], rows["SIGN"], protocol.code_lists, least)
        known = {unit for unit in rows["UNIT"].unique() if unit == "" or unit_key(unit) in units}
        return found.mask(rows["VALUE"].notna() & ~rows["UNIT"].isin(known), UNCLEAR).mask(
            _undecided(rows, virus.threshold), UNCLEAR
        )

    return read


def _undecided(rows: pd.DataFrame, limit: float) -> pd.Series:
    """Bounds that leave open on which side of the limit the number lies: `<5000` or `>300` where 1000 counts."""
    below, above = rows["SIGN"].eq("<") & rows["VALUE"].gt(limit), rows["SIGN"].eq(">") & rows["VALUE"].lt(limit)
    return below | above


def said_by_results(
    treated: pd.DataFrame, results: pd.DataFrame, read: Read, window: tuple[int, int | None] = (0, None)
) -> pd.DataFrame:
    """What the results say of each treated subject, in the order of `treated` (USUBJID TRTSDT).

    STATUS Y: positive on a day after the first infusion and to the end of `window`; else NE where a result that may
    count is unclear or not dated well enough; N where one is negative; NE without any. REASON why NE: UNCLEAR, DATE,
    NOT TESTED, UNDELIVERED (no result of anybody). BASEC: the last result up to the day of the infusion. ADT SRCDOM
    SRCSEQ: the first positive result, else the last one that decides.
    """
    rows = results.merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID")
    rows = rows.assign(READ=read(rows))
    last_day = None if window[1] is None else rows["TRTSDT"] + pd.Timedelta(days=window[1])
    first_day = rows["TRTSDT"] + pd.Timedelta(days=max(window[0], 1))
    inside, maybe = rows["FIRST"] >= first_day, ~(rows["LAST"] < first_day)
    if last_day is not None:
        inside, maybe = inside & (rows["LAST"] <= last_day), maybe & ~(rows["FIRST"] > last_day)
    positive, negative = rows["READ"].eq(POSITIVE), rows["READ"].eq(NEGATIVE)
    people = treated["USUBJID"]

    def of(mask: pd.Series) -> pd.Series:
        return people.isin(rows.loc[mask, "USUBJID"])

    yes = of(inside & positive)
    unclear, undated = of(maybe & rows["READ"].eq(UNCLEAR)), of(maybe & ~inside & positive)
    no = of(inside & negative) & ~unclear & ~undated
    status = pd.Series(OPEN, index=treated.index, dtype="str").mask(no, NO).mask(yes, YES)
    nobody = UNDELIVERED if results.empty else NOT_TESTED
    reason = pd.Series(nobody, index=treated.index, dtype="str").mask(undated, UNDATED).mask(unclear, NOT_CLEAR)
    before = rows[rows["LAST"] <= rows["TRTSDT"]].sort_values(["FIRST", "SRCSEQ"], kind="stable")
    base = before.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["READ"]
    shown = rows[inside & (positive | negative)].assign(late=~positive, day=rows["FIRST"])
    # The first positive result; of negative ones the last.
    number = shown["day"].astype("int64").where(~shown["late"], -shown["day"].astype("int64"))
    shown = shown.assign(order=number).sort_values(["late", "order", "SRCSEQ"], kind="stable")
    shown = shown.drop_duplicates("USUBJID").set_index("USUBJID").reindex(people).set_axis(treated.index)
    decided = status.ne(OPEN)
    before_text = people.map(base.astype("object")).astype("object").fillna("").astype("str")
    return pd.DataFrame({
        "USUBJID": people, "STATUS": status, "REASON": reason.where(~decided, ""), "BASEC": before_text,
        "ADT": shown["day"].where(decided).astype("datetime64[s]"),
        "SRCDOM": shown["SRCDOM"].where(decided).fillna("").astype("str"),
        "SRCSEQ": shown["SRCSEQ"].where(decided).astype("Int64"),
    })  # fmt: skip
