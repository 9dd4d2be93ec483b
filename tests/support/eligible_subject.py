"""A subject who meets every criterion, for tests that then break one thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from support.trial_builder import TrialBuilder, trial
from trialbook.core.dates import as_date
from trialbook.core.domains import Domains
from trialbook.eligibility.adie import audit
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

CUT = as_date("2025-06-30")
INCLUSIONS = [f"IN{k:02d}" for k in range(1, 6)]
EXCLUSIONS = [f"EX{k:02d}" for k in range(1, 18)]
LABS = {"ALT": (30, "U/L", 40.0), "AST": (30, "U/L", 40.0), "UREA": (5, "mmol/L", 8.0), "INR": (1.0, "", 1.2),
        "CREAT": (80, "umol/L", 97.0)}  # fmt: skip
SEROLOGY = ("HIVAB", "TPAB", "HBSAG", "HCVAB")


def form(book: TrialBuilder, **answers: str) -> TrialBuilder:
    """The eligibility form of the day before the infusion: all satisfied, but for the answers given; "" = blank."""
    for criterion in (*INCLUSIONS, *EXCLUSIONS):
        answer = answers.get(criterion, "Y" if criterion in INCLUSIONS else "N")
        if answer:
            book.add("IE", IETESTCD=criterion, IEORRES=answer, IEDTC=book.date(-1))
    return book


def screened(
    book: TrialBuilder | None = None, name: str = "S01", without: tuple[str, ...] = (), **dm: Any
) -> TrialBuilder:
    """A subject with everything that the criteria look at before the infusion, but for the tests in `without`."""
    book = (book or trial()).subject(name, **dm)
    for test, (value, unit, high) in LABS.items():
        if test not in without:
            book.lab(test, value, -2, unit=unit, high=high)
    for test in SEROLOGY:
        if test not in without:
            book.lab(test, "NEGATIVE", -5, unit="")
    book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(-3))
    book.add("VS", VSTESTCD="HEIGHT", VSORRES=170, VSORRESU="cm", VSDTC=book.date(-3))
    if "ECOG101" not in without:
        book.add("RS", RSCAT="ECOG", RSTESTCD="ECOG101", RSORRES=1, RSDTC=book.date(-1))
    book.drug("Methylprednisolone", -10, dose=120)
    for day, skin in ((-10, 2), (-6, 3)):
        book.stages(day, skin, 0, 0, 0)
    if "STAGES" not in without:
        book.stages(-1, 3, 0, 1, 1)
    return book


def eligible(**dm: Any) -> TrialBuilder:
    """A screened subject with a complete form, infused on day 0."""
    return form(screened(**dm)).infused(0)


def audited(
    domains: Domains, protocol: Protocol, analysis: Analysis, cut: pd.Timestamp = CUT, subject: str = "iMSC-2001-S01"
) -> pd.DataFrame:
    """ADIE of one subject by CRITCD."""
    adie = audit(
        derive_subjects(StudyData(domains, protocol, analysis, cut)), StudyData(domains, protocol, analysis, cut)
    )
    return adie[adie["USUBJID"] == subject].set_index("CRITCD")


def judged(book: TrialBuilder, protocol: Protocol, analysis: Analysis, column: str) -> pd.Series:
    """The finding of one audit column for the subject of a trial; only its criterion is run."""
    return judged_each([book], protocol, analysis, column).iloc[0]


def judged_each(books: Iterable[TrialBuilder], protocol: Protocol, analysis: Analysis, column: str) -> pd.DataFrame:
    """The finding of one audit column for the subject of each trial, in their order; they are audited together."""
    wanted = [criterion for criterion in protocol.criteria if column in criterion.audit_columns()]
    alone = protocol.model_copy(update={"criteria": wanted})
    trials = [book.domains() for book in books]
    codes = sorted({code for domains in trials for code in domains})
    frames = {
        code: pd.concat(
            [domains[code].assign(USUBJID=f"S{k:03d}") for k, domains in enumerate(trials)], ignore_index=True
        )
        for code in codes
    }
    domains = Domains(frames)
    adie = audit(derive_subjects(StudyData(domains, alone, analysis, CUT)), StudyData(domains, alone, analysis, CUT))
    return adie[adie["CRITCD"] == column].reset_index(drop=True)
