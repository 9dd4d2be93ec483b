"""Records of drugs started after the infusion that may be new therapy of acute GVHD: what each leaves open (P31)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialbook.core.dates import ONE_DAY, earliest_date, latest_date, missing_part, time_of_day
from trialbook.core.domains import Domains
from trialbook.drugs.records import UNCLASSIFIED, NamedDrugs, drugs_in_force, medications
from trialbook.gvhd.steroids import is_systemic
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import BACKGROUND, THERAPY, DrugDictionary

# ----------------------------------------------------------------------------------------------------
# The records of CM and PR with the drug that each is about, and when it may have been started (rulebook §2.7, P30).


# A stop and a start one day apart are one continued therapy.
FOR_GVHD, FOR_ELSE = "GVHD", "OTHER"
GVHD = r"(?i)GVHD|GVH\b|移植物抗宿主|排异"
PREVENTION = r"(?i)PROPHYLA|PREVENT|预防"
# Entries in the place of an indication that name none.
_NO_INDICATION = (
    r"(?i)^(?:other|others|unknown|unk|un|na|n/a|nd|none|not known|not applicable|-+|其他|其它|不详|未知|无)?$"
)
_BETWEEN = "|"


def drug_records(domains: Domains, dictionary: DrugDictionary, local_routes: tuple[str, ...]) -> pd.DataFrame:
    """The systemic records of CM and PR (A-54), one row each, with what the drug dictionary says of their names.

    USUBJID NAME (as reported and coded) REPORTED CLASS (of the dictionary, or unclassified) DRUG (the drugs that decide
    the class, blank where unclassified) TERM (by which a continued drug is known) OTHERUSE (a therapy that is often
    given for something else) PURPOSE (GVHD, OTHER, or blank where the record does not say), of an unclassified one NEAR
    NEARDRUG NEARCLASS (the name of the dictionary that it nearly is), CODED START END DOSE UNIT SRCDOM SRCSEQ.

    A record is local by its route, or where it names none, by the words of its name (ointment, eye drops, 鞘内).
    """
    return domains.once(_drug_records, dictionary, local_routes)


def _drug_records(domains: Domains, dictionary: DrugDictionary, local_routes: tuple[str, ...]) -> pd.DataFrame:
    both = [_of_domain(domains, code, dictionary, local_routes) for code in ("CM", "PR")]
    return pd.concat(both, ignore_index=True)


def _of_domain(
    domains: Domains, code: str, dictionary: DrugDictionary, local_routes: tuple[str, ...]
) -> pd.DataFrame:  # fmt: skip
    rows, named = domains[code], medications(domains, code, dictionary)
    decoded, reported = rows[f"{code}DECOD"].fillna(""), rows[f"{code}TRT"].fillna("")
    same = decoded.str.casefold() == reported.str.casefold()
    name = reported.where(same, decoded + " " + reported).str.strip()
    category, indication = (rows[c].fillna("") if c in rows else "" for c in (f"{code}CAT", f"{code}INDC"))
    drug = code == "CM"
    frame = pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"],
            "NAME": name,
            "REPORTED": reported.where(reported != "", decoded),
            "CLASS": named.column(lambda one: one.kind),
            "DRUG": named.column(lambda one: one.drug),
            "TERM": named.column(_term).mask(named.column(lambda one: one.unknown, "bool"), name.str.casefold()),
            "OTHERUSE": named.column(lambda one: one.other_use, "bool"),
            "PURPOSE": _purpose(category, indication, name),
            "NEAR": named.near_column(lambda near: near.name),
            "NEARDRUG": named.near_column(lambda near: near.drug.name),
            "NEARCLASS": named.near_column(lambda near: near.drug.kind),
            "CODED": decoded != "",
            "START": rows[f"{code}STDTC"],
            "END": rows[f"{code}ENDTC"],
            "DOSE": rows["CMDOSE"].astype("float64") if drug else float("nan"),
            "UNIT": (rows["CMDOSU"].fillna("") if drug else pd.Series("", index=rows.index)).str.upper(),
            "SRCDOM": code,
            "SRCSEQ": rows[f"{code}SEQ"].astype("Int64"),
        }
    )
    local = named.column(lambda one: one.local, "bool")
    return frame[is_systemic(rows, local_routes, local)] if drug else frame


def _term(named: NamedDrugs) -> str:
    deciding = named.of(THERAPY) or named.of(named.kind)
    return _BETWEEN.join(sorted({drug.name for drug in deciding}))


def _purpose(category: pd.Series | str, indication: pd.Series | str, name: pd.Series) -> pd.Series:
    """What the record says that the drug was given for; its category names a purpose only where it is GVHD."""
    told = category + " " + indication + " " + name
    about = told.str.contains(GVHD, regex=True)
    purpose = pd.Series("", index=name.index, dtype="str")
    if not isinstance(indication, str):
        purpose = purpose.mask(~indication.str.strip().str.contains(_NO_INDICATION, regex=True) & ~about, FOR_ELSE)
    return purpose.mask(about & ~told.str.contains(PREVENTION, regex=True), FOR_GVHD)


def certain_therapies(records: pd.DataFrame) -> pd.DataFrame:
    """Those of `drug_records` that are therapy of acute GVHD for certain, one row per record and drug (TERM)."""
    sure = (records["CLASS"] == THERAPY) & (~records["OTHERUSE"] | (records["PURPOSE"] == FOR_GVHD))
    chosen = records[sure]
    return chosen.assign(TERM=chosen["TERM"].str.split(_BETWEEN, regex=False)).explode("TERM", ignore_index=True)


def is_unclassified(records: pd.DataFrame) -> pd.Series:
    """Which of `drug_records` hold a drug of no list.

    A procedure is not a drug, unless its name is nearly a therapy of GVHD or the record says that it was for GVHD.
    """
    unknown = records["CLASS"] == UNCLASSIFIED
    drug = (records["SRCDOM"] == "CM") | (records["NEARCLASS"] == THERAPY) | (records["PURPOSE"] == FOR_GVHD)
    return unknown & drug


def clock_of(subjects: pd.DataFrame) -> pd.DataFrame:
    """USUBJID TRTSDT START (time of the first infusion, minutes; missing where it is not known)."""
    start = time_of_day(subjects["TRTSDTM"]) if "TRTSDTM" in subjects else float("nan")
    return subjects[["USUBJID", "TRTSDT"]].assign(START=start)


def dated(records: pd.DataFrame) -> pd.DataFrame:
    """Records with FIRST and LAST (possible days of their start), TIME, PART (what is missing) and STOP (last day).

    >>> found = dated(pd.DataFrame({"START": ["2025-03"], "END": [None]}))
    >>> found[["FIRST", "LAST", "PART"]].astype("str").values.tolist()
    [['2025-03-01', '2025-03-31', 'D']]
    """
    start = records["START"]
    return records.drop(columns=["START", "END"]).assign(
        FIRST=earliest_date(start), LAST=latest_date(start), TIME=time_of_day(start), PART=missing_part(start),
        STOP=latest_date(records["END"]),
    )  # fmt: skip


def started_before_infusion(frame: pd.DataFrame) -> pd.Series:
    """Whether a start lies surely before the first infusion, or on its day and not at a later time.

    >>> days = pd.to_datetime(["2025-03-05", "2025-03-05", "2025-03-31"])
    >>> starts = pd.DataFrame({"LAST": days, "PART": ["", "", "D"], "TIME": [600.0, float("nan"), float("nan")]})
    >>> started_before_infusion(starts.assign(TRTSDT=pd.Timestamp("2025-03-05"), START=540.0)).tolist()
    [False, True, False]
    """
    later_that_day = (frame["PART"] == "") & (frame["LAST"] == frame["TRTSDT"]) & (frame["TIME"] > frame["START"])
    return (frame["LAST"] <= frame["TRTSDT"]) & ~later_that_day


def running_at_infusion(frame: pd.DataFrame) -> pd.Series:
    """Whether a drug was surely started before the first infusion, and may not have ended before it."""
    return started_before_infusion(frame) & ~(frame["STOP"] < frame["TRTSDT"])


def new_starts(records: pd.DataFrame, clock: pd.DataFrame) -> pd.DataFrame:
    """Dated records with their subject's clock that may have started after the first infusion and continue nothing.

    A therapy that ended before that day did not start after it. Not new: the same drug (TERM) ran at the infusion and
    continues without a gap at no higher dose; a continued record may itself be continued by the next one.
    """
    frame = records.merge(clock, on="USUBJID", how="inner", validate="many_to_one")
    after = ~started_before_infusion(frame) & ~(frame["STOP"] < frame["TRTSDT"])
    started = frame[after].reset_index(drop=True)
    return started[~_continued(started, frame[running_at_infusion(frame)])]


def _continued(started: pd.DataFrame, running: pd.DataFrame) -> np.ndarray:
    started = started.assign(ROW=range(len(started)))
    chain = running[["USUBJID", "TERM", "STOP", "DOSE", "UNIT"]]
    continued: set[int] = set()
    while len(chain):
        pairs = started.merge(chain, on=["USUBJID", "TERM"], suffixes=("", "_OLD"))
        no_gap = pairs["STOP_OLD"].isna() | (pairs["FIRST"] <= pairs["STOP_OLD"] + ONE_DAY)
        no_higher = (pairs["DOSE"] <= pairs["DOSE_OLD"]) | (pairs["DOSE"].isna() & pairs["DOSE_OLD"].isna())
        fits = no_gap & no_higher & (pairs["UNIT"] == pairs["UNIT_OLD"])
        new = set(pairs.loc[fits, "ROW"].astype("int64")) - continued
        chain = started[started["ROW"].isin(new)][chain.columns]
        continued |= new
    return started["ROW"].isin(continued).to_numpy()


def as_starts(frame: pd.DataFrame) -> pd.DataFrame:
    """`new_starts` as events: USUBJID EVNTDT COUNTDT LASTDT INSIDE EVNTDESC SRCDOM SRCSEQ, one row per record."""
    frame = frame.drop_duplicates(["SRCDOM", "USUBJID", "SRCSEQ"])
    day_after = frame["TRTSDT"] + ONE_DAY
    first = frame["FIRST"].where(frame["FIRST"] >= frame["TRTSDT"], day_after).fillna(day_after)
    return pd.DataFrame(
        {
            "USUBJID": frame["USUBJID"],
            "EVNTDT": first,
            "COUNTDT": first,
            "LASTDT": frame["LAST"],
            "INSIDE": (frame["PART"] == "") | (frame["FIRST"] > frame["TRTSDT"]),
            "EVNTDESC": frame["NAME"],
            "SRCDOM": frame["SRCDOM"],
            "SRCSEQ": frame["SRCSEQ"],
        }
    )


# ----------------------------------------------------------------------------------------------------

UNLISTED, NEAR_NAME, OTHER_USE, NEW_BACKGROUND = "UNCLASSIFIED", "NEAR-NAME", "OTHER-USE", "BACKGROUND-STARTED"


def open_records(domains: Domains, subjects: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The records of drugs that may have started after the first infusion and may be new therapy of acute GVHD.

    `subjects`: USUBJID TRTSDT (TRTSDTM). Returns the columns of `therapy_starts`, WHY, and of `drug_records` those that
    a question needs (REPORTED TERM NEAR NEARDRUG NEARCLASS PURPOSE CODED). WHY:

    - UNCLASSIFIED: the drug is in no list of the trial;
    - NEAR-NAME: nor is it, and its name is nearly one of a list;
    - OTHER-USE: a therapy of GVHD that is often given for something else, and the record does not say what for (A-142);
    - BACKGROUND-STARTED: a calcineurin inhibitor, and none was running at the infusion (A-141).
    """
    records = drug_records(domains, drugs_in_force(analysis), tuple(analysis.local_routes))
    other_use = (records["CLASS"] == THERAPY) & records["OTHERUSE"]
    unlisted, background = is_unclassified(records), records["CLASS"] == BACKGROUND
    chosen = unlisted | background | (other_use & ~records["PURPOSE"].isin([FOR_GVHD, FOR_ELSE]))
    clock = clock_of(subjects)
    rows = dated(records[chosen])
    found = new_starts(rows, clock)
    of_class = found["CLASS"] == BACKGROUND
    found = found[~of_class | ~found["USUBJID"].isin(_with_background(rows, clock))]
    why = np.select(
        [found["CLASS"] == BACKGROUND, found["CLASS"] == THERAPY, found["NEAR"] != ""],
        [NEW_BACKGROUND, OTHER_USE, NEAR_NAME],
        UNLISTED,
    )
    more = ["REPORTED", "TERM", "NEAR", "NEARDRUG", "NEARCLASS", "PURPOSE", "CODED"]
    return as_starts(found).assign(WHY=pd.array(why, dtype="str"), **{name: found[name] for name in more})


def _with_background(rows: pd.DataFrame, clock: pd.DataFrame) -> set[str]:
    """Subjects with a calcineurin inhibitor that was running at the first infusion."""
    background = rows[rows["CLASS"] == BACKGROUND].merge(clock, on="USUBJID", how="inner")
    return set(background.loc[running_at_infusion(background), "USUBJID"])
