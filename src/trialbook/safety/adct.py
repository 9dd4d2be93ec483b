"""ADCT: the outcomes of a trial of cells, one row per treated subject and outcome, or infusion and value (§16)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from trialbook.core.dates import rel_day
from trialbook.core.messages import msg
from trialbook.core.terms import holds_term
from trialbook.protocol.outcomes import LOT, PASSAGE, THAW, VIABILITY, FollowUpVisit, Virus
from trialbook.protocol.study_data import StudyData
from trialbook.safety import ledger
from trialbook.safety.clinical_events import chronic_gvhd_onsets
from trialbook.safety.outcome_results import (
    NO,
    OPEN,
    UNDATED,
    UNDELIVERED,
    YES,
    antibody_reading,
    load_reading,
    results_of,
    said_by_results,
)
from trialbook.safety.product import product_values

LATE, FOLLOW_UP, PRODUCT, ANTIBODY, VIRUS, CHRONIC = "LATE", "FOLLOWUP", "PRODUCT", "ANTIBODY", "VIRUS", "CHRONIC"
DSA, CGVHD = "DSA", "CGVHD"
# Where a subject is at a time of long-term follow-up.
SEEN, DIED, DEATH_OPEN, DUE, MISSED, AHEAD = "SEEN", "DIED", "DEATH OPEN", "DUE", "MISSED", "PENDING"
# Chronic GVHD that was there at the first infusion.
PRIOR = "PRIOR"
PRODUCT_NAMES = {
    LOT: msg("Lot"), PASSAGE: msg("Passage"), VIABILITY: msg("Viability"), THAW: msg("Thaw to infusion"),
}  # fmt: skip
COLUMNS = {
    "USUBJID": "str", "TRT01A": "str", "PARCAT": "str", "PARAMCD": "str", "PARAM": "str", "INFNO": "Int64",
    "AVALC": "str", "AVAL": "float64", "AVALU": "str", "BASEC": "str", "LIMFL": "str", "AEFL": "str", "LABFL": "str",
    "REASON": "str", "ADT": "datetime64[s]", "RELDAY": "Int64", "LASTDAY": "Int64", "SRCDOM": "str", "SRCSEQ": "Int64",
}  # fmt: skip
KEYS = ["USUBJID", "PARAMCD", "INFNO"]


def derive_adct(adae: pd.DataFrame, adsl: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """ADCT of the treated subjects, for the outcomes that the protocol file names (`outcomes`); `adae`: of this study.

    | PARCAT   | one row per               | AVALC                                                             |
    |----------|---------------------------|-------------------------------------------------------------------|
    | LATE     | subject and kind of event | Y from the first infusion to the last contact, else N; AVAL events |
    | FOLLOWUP | subject and time          | SEEN DIED DEATH OPEN DUE MISSED PENDING (`follow_up_status`)       |
    | PRODUCT  | infusion and value        | as delivered, blank = not delivered; AVAL its number, LIMFL IN OUT |
    | ANTIBODY | subject                   | Y N NE; BASEC at the infusion                                     |
    | VIRUS    | subject and virus         | Y N NE of AEFL (Y, blank) and LABFL (Y N NE); BASEC                |
    | CHRONIC  | subject                   | Y PRIOR N NE                                                      |

    REASON: why NE (UNDELIVERED, NOT TESTED, UNCLEAR, DATE). ADT RELDAY SRCDOM SRCSEQ: the record that decides. INFNO: 0
    where the row is not about an infusion. LASTDAY: days from the first infusion to the last contact or death.
    """
    treated = adsl[adsl["SAFFL"].eq("Y")].sort_values("USUBJID", kind="stable").reset_index(drop=True)
    contact = treated["DTHDT"].fillna(treated["LSTALVDT"])
    treated = treated.assign(LASTDAY=rel_day(contact, treated["TRTSDT"]))
    parts = [
        *_late_events(treated, adae, adsl, study), *_follow_up(treated, study), _product(treated, study),
        *_antibodies(treated, study), *_viruses(treated, adae, study), *_chronic(treated, adae, study),
    ]  # fmt: skip
    frame = pd.concat([part.reindex(columns=list(COLUMNS)) for part in parts], ignore_index=True)
    text = {name: "" for name, kind in COLUMNS.items() if kind == "str"}
    frame = frame.astype({"INFNO": "Int64"}).fillna({"INFNO": 0})
    frame = frame.astype(dict.fromkeys(text, "object")).fillna(text)
    start = treated.set_index("USUBJID")["TRTSDT"].reindex(frame["USUBJID"]).set_axis(frame.index)
    frame = frame.assign(RELDAY=rel_day(frame["ADT"].astype("datetime64[s]"), start.astype("datetime64[s]")))
    return frame.astype(COLUMNS)


def _rows(treated: pd.DataFrame, category: str, code: str, name: str, **columns: object) -> pd.DataFrame:
    """A row per treated subject; `columns` have the index of `treated`."""
    base = treated[["USUBJID", "TRT01A", "LASTDAY"]]
    return base.assign(PARCAT=category, PARAMCD=code, PARAM=str(name), **columns)


def _late_events(
    treated: pd.DataFrame, adae: pd.DataFrame, adsl: pd.DataFrame, study: StudyData
) -> Iterator[pd.DataFrame]:
    late = study.protocol.outcomes.late_events.events
    if not late:
        return
    events = ledger.special_events(adae, adsl, study.analysis)
    events = events[events["WINDOW"].isin([ledger.IN_WINDOW, ledger.AFTER])]
    for code, category in late.items():
        own = events[events["AESICAT"].eq(category)]
        first = own.drop_duplicates("USUBJID").set_index("USUBJID").reindex(treated["USUBJID"]).set_axis(treated.index)
        number = treated["USUBJID"].map(own.groupby("USUBJID").size()).fillna(0)
        yield _rows(
            treated, LATE, code, category, AVALC=np.where(number > 0, YES, NO), AVAL=number, ADT=first["ASTDT"],
            SRCDOM=np.where(number > 0, "AE", ""), SRCSEQ=first["AESEQ"],
        )  # fmt: skip


def _follow_up(treated: pd.DataFrame, study: StudyData) -> Iterator[pd.DataFrame]:
    for code, visit in study.protocol.outcomes.follow_up.visits.items():
        yield _rows(treated, FOLLOW_UP, code, visit.name, AVALC=follow_up_status(treated, visit, study.cut_date))


def follow_up_status(treated: pd.DataFrame, visit: FollowUpVisit, cut_date: pd.Timestamp) -> pd.Series:
    """Where each treated subject is at a time of long-term follow-up, by its window.

    DIED before its first day; SEEN (alive, or dying) on or after that day; DEATH OPEN: the range of a death whose day
    is not known holds that day. Of the others: PENDING, the window has not opened by the cut; DUE, it is open; MISSED,
    it has closed without contact. `treated`: TRTSDT DTHDT DTHLODT DTHHIDT LSTALVDT of ADSL.
    """
    opens, closes = (treated["TRTSDT"] + pd.Timedelta(days=day) for day in visit.window)
    died = treated["DTHDT"].notna()
    earliest, latest = (treated[name].fillna(treated["DTHDT"]) for name in ("DTHLODT", "DTHHIDT"))
    kinds = [
        treated["LSTALVDT"] >= opens, died & (latest < opens), died & (earliest >= opens), died, cut_date < opens,
        cut_date <= closes,
    ]  # fmt: skip
    found = np.select(kinds, [SEEN, DIED, SEEN, DEATH_OPEN, AHEAD, DUE], MISSED)
    return pd.Series(found, index=treated.index, dtype="str")


def _product(treated: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    values = product_values(study).merge(treated[["USUBJID", "TRT01A", "LASTDAY"]], on="USUBJID")
    order = values[["USUBJID", "EXSTDT"]].drop_duplicates().sort_values(["USUBJID", "EXSTDT"], kind="stable")
    order = order.assign(INFNO=order.groupby("USUBJID").cumcount() + 1)
    values = values.merge(order, on=["USUBJID", "EXSTDT"])
    known = study.protocol.outcomes.product.values
    return values.assign(
        PARCAT=PRODUCT, PARAMCD=values["CODE"], PARAM=values["CODE"].map({k: str(v) for k, v in PRODUCT_NAMES.items()}),
        AVALC=values["TEXT"], AVALU=values["CODE"].map({code: value.unit for code, value in known.items()}),
        ADT=values["EXSTDT"], SRCDOM="EX", REASON=np.select(
            [values["TEXT"].eq(""), ~values["WHOLE"]], [UNDELIVERED, "PARTLY"], ""
        ),
    )  # fmt: skip


def _antibodies(treated: pd.DataFrame, study: StudyData) -> Iterator[pd.DataFrame]:
    tests = study.protocol.outcomes.antibodies.tests
    if not tests:
        return
    found = said_by_results(treated, results_of(study.domains, ["IS", "LB"], tests), antibody_reading(study.protocol))
    yield _rows(treated, ANTIBODY, DSA, msg("Donor-specific antibodies"), AVALC=found["STATUS"], LABFL=found["STATUS"],
                **{name: found[name] for name in ("REASON", "BASEC", "ADT", "SRCDOM", "SRCSEQ")})  # fmt: skip


def _viruses(treated: pd.DataFrame, adae: pd.DataFrame, study: StudyData) -> Iterator[pd.DataFrame]:
    viruses = study.protocol.outcomes.viruses
    for code, virus in viruses.by_code.items():
        lab = said_by_results(
            treated, results_of(study.domains, ["LB", "MB"], virus.tests), load_reading(virus, study.protocol),
            (viruses.window[0], viruses.window[1]),
        )  # fmt: skip
        event = _first_event(treated, adae, virus, viruses.window[1])
        had = event["AESEQ"].notna()
        by_event = had & ~(lab["STATUS"].eq(YES) & (lab["ADT"] < event["ASTDT"]))
        status = lab["STATUS"].mask(had, YES)
        yield _rows(
            treated, VIRUS, code, virus.name, AVALC=status, AEFL=np.where(had, YES, ""), LABFL=lab["STATUS"],
            BASEC=lab["BASEC"], REASON=lab["REASON"].mask(had, ""), ADT=lab["ADT"].mask(by_event, event["ASTDT"]),
            SRCDOM=lab["SRCDOM"].mask(by_event, "AE"), SRCSEQ=lab["SRCSEQ"].mask(by_event, event["AESEQ"]),
        )  # fmt: skip


def _first_event(treated: pd.DataFrame, adae: pd.DataFrame, virus: Virus, last: int) -> pd.DataFrame:
    """The first treatment-emergent event of each subject that names the virus, up to a day: ASTDT AESEQ."""
    text = adae["ADECOD"].fillna("") + " " + adae["AETERM"].fillna("")
    own = adae[holds_term(text.astype("str"), virus.terms) & adae["TRTEMFL"].eq("Y")]
    own = own[~own["RELDAY"].gt(last).fillna(False).astype(bool)]
    first = own.sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable").drop_duplicates("USUBJID")
    return first.set_index("USUBJID")[["ASTDT", "AESEQ"]].reindex(treated["USUBJID"]).set_axis(treated.index)


def _chronic(treated: pd.DataFrame, adae: pd.DataFrame, study: StudyData) -> Iterator[pd.DataFrame]:
    """Onset after the day of the first infusion; that of a record without a date, or around that day, is open."""
    if not study.protocol.outcomes.chronic_gvhd.terms:
        return
    found = chronic_gvhd_onsets(adae, study).merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID")
    before, after = found["LAST"] <= found["TRTSDT"], found["FIRST"] > found["TRTSDT"]
    people = treated["USUBJID"]
    prior, yes = (people.isin(found.loc[mask, "USUBJID"]) for mask in (before, after))
    undated = people.isin(found.loc[~before & ~after, "USUBJID"])
    delivered = study.domains.delivered("CE")
    status = np.select([prior, undated, yes], [PRIOR, OPEN, YES], NO if delivered else OPEN)
    reason = np.select([prior, undated, yes], ["", UNDATED, ""], "" if delivered else UNDELIVERED)
    order = found.assign(_order=np.select([before, ~before & ~after], [0, 1], 2))
    first = order.sort_values(["_order", "FIRST", "SRCDOM", "SRCSEQ"], kind="stable", na_position="last")
    first = first.drop_duplicates("USUBJID").set_index("USUBJID").reindex(people).set_axis(treated.index)
    yield _rows(treated, CHRONIC, CGVHD, msg("Chronic GVHD"), AVALC=status, REASON=reason,
                ADT=first["FIRST"].where(first["FIRST"].eq(first["LAST"]) | yes), SRCDOM=first["SRCDOM"],
                SRCSEQ=first["SRCSEQ"])  # fmt: skip
