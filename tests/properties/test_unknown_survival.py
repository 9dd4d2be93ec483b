"""Learning less never makes survival or the DLT rate look better, and never turns a range into a point (§14.3).

One trial holds a subject for each way in which a death, a loss, a DLT or a window can be recorded. From it every
optional domain is taken away, and every single cell that is not one side of a contradiction is blanked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import pandas as pd
import pytest

from support.reported_rows import time_to_event_rows
from support.trial_builder import FIRST_INFUSION, TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.bounds import dlt_bounds_rows, dlt_facts
from trialbook.dlt.events import dlt_events
from trialbook.dlt.reporting import dlt_rate_rows
from trialbook.efficacy.adtte import derive_adtte
from trialbook.efficacy.survival_bounds import survival_bounds_rows, undelivered
from trialbook.protocol.load import analysis_values
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.subjects.adsl import derive_subjects

CUT = FIRST_INFUSION + pd.Timedelta(days=150)
PENDING = str((FIRST_INFUSION + pd.Timedelta(days=130)).date())
REACTION = "Infusion related reaction"
SMALL = 1e-9
# Keys join records, they are no facts; without the first infusion a subject is not treated, and a build stops.
KEYS = ("STUDYID", "USUBJID", "SUBJID", "SRCROW", "RDOMAIN", "IDVAR", "DOMAIN")
# Variables that survival and DLT read, by domain.
CELLS: Mapping[str, tuple[str, ...]] = {
    "DM": ("DTHDTC", "DTHFL", "RFICDTC", "ACTARMCD"),
    "DS": ("DSDECOD", "DSSTDTC", "DSCAT"),
    "SS": ("SSTESTCD", "SSORRES", "SSDTC"),
    "AE": ("AEDECOD", "AETERM", "AETOXGR", "AEREL", "AESTDTC", "AEENDTC", "AEOUT"),
    "SUPPAE": ("QVAL",),
    "EX": ("EXDOSE", "EXDOSU", "EXSTDTC", "EXENDTC", "EXTRT"),
    "SV": ("SVSTDTC",),
    "LB": ("LBDTC", "LBORRES", "LBORRESN"),
}


class Numbers(NamedTuple):
    """An estimate (None: not evaluable or not estimable) with its worst and best case."""

    estimate: float | None
    worst: float | None
    best: float | None


def study() -> Domains:
    """Nobody is censored between two days that a death may lie on: then only who is alive on day 100 moves S(100)."""
    b = trial()
    flag(reaction(seen(b.subject("adjudicated").infused(0).infused(7), 28, 120)), "Y")
    flag(reaction(seen(b.subject("cleared").infused(0).infused(7), 28, 120)), "N")
    reaction(seen(b.subject("candidate").infused(0).infused(7), 28, 110))
    flag(seen(b.subject("flagged").infused(0).infused(7), 28, 140).event("Headache", 3, 2), "Y")
    seen(b.subject("ungraded").infused(0).infused(7), 28, 120).add(
        "AE", AEDECOD="Hypoxia", AETERM="Hypoxia", AEREL="RELATED", AESTDTC=b.date(4)
    )
    dead(seen(b.subject("dead").infused(0).infused(7), 28, 59), 60)
    dead(b.subject("early").infused(0).infused(7), 10, "Acute graft versus host disease in liver")
    dead(seen(b.subject("month").infused(0).infused(7), 28), "2025-04")
    left(seen(b.subject("lost").infused(0).infused(7), 28, 50), "LOST TO FOLLOW-UP", 55)
    left(seen(b.subject("withdrawn").infused(0).infused(7), 12), "WITHDRAWAL BY SUBJECT", 15)
    seen(b.subject("underdosed").infused(0).infused(7, 0.1), 28, 120)
    sweep(b.subject("sweep").infused(0).infused(7).seen(28).lab("ALT", 20, 101), 105, "ALIVE")
    b.subject("pending", start=PENDING).infused(0)
    return b.add("LB").add("CM").add("CE").domains()


def seen(builder: TrialBuilder, *days: int) -> TrialBuilder:
    for day in days:
        builder.seen(day)
    return builder


def sweep(builder: TrialBuilder, day: int, answer: str) -> TrialBuilder:
    return builder.add("SS", SSTESTCD="SURVSTAT", SSORRES=answer, SSDTC=builder.date(day))


def dead(builder: TrialBuilder, day: int | str, term: str = "Sepsis") -> TrialBuilder:
    """A death in DM, DS and as a fatal event that was not related."""
    builder.died(day)
    return builder.event(term, 5, 5, end=day, AEOUT="FATAL")


def left(builder: TrialBuilder, term: str, day: int) -> TrialBuilder:
    return builder.add("DS", DSCAT="DISPOSITION EVENT", DSDECOD=term, DSSTDTC=builder.date(day))


def reaction(builder: TrialBuilder) -> TrialBuilder:
    return builder.event(REACTION, 1, 3, end=2, related="RELATED", AEOUT="RECOVERED/RESOLVED")


def flag(builder: TrialBuilder, answer: str) -> TrialBuilder:
    return builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL="1", QNAM="AEDLT", QVAL=answer)


def numbers(domains: Domains, protocol: Protocol) -> dict[str, Numbers]:
    """OS_100 and DLT of all subjects."""
    keys = analysis_values(protocol, {}, "protocol.yaml")
    # Responses are no part of this: without their endpoint ADTTE derives none.
    study = protocol.study.model_copy(update={"endpoints": ["DLT", "OS"]})
    protocol = protocol.model_copy(update={"study": study})
    adsl = derive_subjects(StudyData(domains, protocol, keys, CUT))
    adtte = derive_adtte(adsl, StudyData(domains, protocol, keys, CUT))
    events = dlt_events(adsl, domains, protocol, keys)
    addlt = derive_addlt(adsl, StudyData(domains, protocol, keys, CUT))
    ard = to_ard([
        *time_to_event_rows(adtte, protocol, keys, evaluable=not undelivered("OS", domains)),
        *survival_bounds_rows(adsl, StudyData(domains, protocol, keys, CUT), 100),
        *dlt_bounds_rows(dlt_facts(adsl, events, StudyData(domains, protocol, keys, CUT)), protocol),
        *dlt_rate_rows(addlt, protocol, keys),
    ])  # fmt: skip
    own = ard[ard["group1_level"].eq("Total") & ard["stat_name"].eq("estimate") & ard["stat"].notna()]
    named = zip(own["analysis_id"], own["variable"], own["variable_level"], own["context"], strict=True)
    stat = dict(zip(named, own["stat"], strict=True))
    place = {"OS_100": ("OS_KM", "OS", "100", "log-log"), "DLT": ("DLT_RATE", "DLT", "", "clopper_pearson")}
    return {
        name: Numbers(stat.get(at), *(stat.get(("BOUNDS", name, "", case)) for case in ("worst", "best")))
        for name, at in place.items()
    }


def without_a_cell(domains: Domains, code: str, place: int, name: str) -> Domains:
    frame = domains[code].copy()
    frame.iloc[place, frame.columns.get_loc(name)] = None
    return Domains({**{other: domains[other] for other in domains}, code: frame})


def cells(domains: Domains) -> Iterator[tuple[str, int, str]]:
    """Every filled cell of `CELLS`: domain, row, variable; the record of each first infusion aside."""
    for code, names in CELLS.items():
        frame = domains[code]
        for place, row in enumerate(frame.to_dict("records")):
            if code == "EX" and row["EXSEQ"] == 1:
                continue
            yield from ((code, place, name) for name in names if pd.notna(row[name]) and row[name] != "")


@cache
def whole() -> Domains:
    return study()


def worse_or_equal(before: dict[str, Numbers], after: dict[str, Numbers], what: str) -> None:
    """What learning less may do to the numbers."""
    for name, high_is_worse in (("OS_100", False), ("DLT", True)):
        old, new = before[name], after[name]
        sign = -1 if high_is_worse else 1
        if new.estimate is not None and old.best is not None:
            assert sign * (new.estimate - old.best) <= SMALL, (what, name, old, new)
            assert new.worst is not None, (what, name, new)
            assert new.best is not None, (what, name, new)
            assert sign * new.worst - SMALL <= sign * new.estimate <= sign * new.best + SMALL, (what, name, new)
        if old.worst != old.best:
            assert new.worst != new.best, (what, name, old, new)


@pytest.fixture(scope="module")
def before(protocol: Protocol) -> dict[str, Numbers]:
    return numbers(whole(), protocol)


def test_the_trial_has_something_open_of_each_endpoint(before: dict[str, Numbers]) -> None:
    for name in ("OS_100", "DLT"):
        assert before[name].estimate is not None
        assert before[name].worst != before[name].best
    worse_or_equal(before, before, "itself")


@pytest.mark.parametrize("code", ["DS", "SS", "SV", "SUPPAE", "LB", "CM", "CE"])
def test_a_domain_less_never_looks_better(code: str, before: dict[str, Numbers], protocol: Protocol) -> None:
    left_over = Domains({other: whole()[other] for other in whole() if other != code})
    after = numbers(left_over, protocol)
    worse_or_equal(before, after, f"without {code}")
    if code == "DS":
        assert after["OS_100"].estimate is None


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("code", CELLS)
def test_a_cell_less_never_looks_better(code: str, every: int, before: dict[str, Numbers], protocol: Protocol) -> None:
    """Every thirteenth cell, so that subjects and variables take turns; all of them take minutes (make soak)."""
    for _, place, name in [cell for cell in cells(whole()) if cell[0] == code][::every]:
        after = numbers(without_a_cell(whole(), code, place, name), protocol)
        worse_or_equal(before, after, f"{code}.{name} of {whole()[code]['USUBJID'].iloc[place]}")
