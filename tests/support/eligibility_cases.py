"""Subjects for tables of the audit: each differs from one who meets everything in what its column looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from support.eligible_subject import CUT, form, screened
from support.trial_builder import TrialBuilder
from trialbook.core.domains import Domains
from trialbook.eligibility.adie import Audit, audit_with_evidence
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.adsl import derive_subjects

# Adds one screened subject of this name to a trial, without form and infusion.
Make = Callable[[TrialBuilder, str], TrialBuilder]


def base(*, without: tuple[str, ...] = (), then: Callable[[TrialBuilder], Any] | None = None, **dm: Any) -> Make:
    """A subject who meets everything, but for the tests `without`, the DM variables, and what `then` adds."""

    def make(book: TrialBuilder, name: str) -> TrialBuilder:
        screened(book, name, without=without, **dm)
        if then is not None:
            then(book)
        return book

    return make


def bare(then: Callable[[TrialBuilder], Any] | None = None, **dm: Any) -> Make:
    """A subject of whom only DM is known, and what `then` adds."""

    def make(book: TrialBuilder, name: str) -> TrialBuilder:
        book.subject(name, **dm)
        if then is not None:
            then(book)
        return book

    return make


def lab(test: str, value: Any, day: Any = -1, *, gone: tuple[str, ...] | None = None, **lb: Any) -> Make:
    """A subject whose only result of a test is this one."""
    return base(without=gone or (test,), then=lambda book: book.lab(test, value, day, **lb))


def history(term: str, start: Any, *, end: Any = None, ongoing: bool = False, **mh: Any) -> Make:
    """A subject with one line of medical history."""

    def add(book: TrialBuilder) -> None:
        book.add(
            "MH", MHTERM=term, MHSTDTC=None if start is None else book.date(start),
            MHENDTC=None if end is None else book.date(end), MHENRTPT="ONGOING" if ongoing else None, **mh,
        )  # fmt: skip

    return base(then=add)


def vital(test: str, value: Any, day: Any, unit: str) -> Callable[[TrialBuilder], Any]:
    """Adds a vital sign."""
    return lambda book: book.add("VS", VSTESTCD=test, VSORRES=value, VSORRESU=unit, VSDTC=book.date(day))


@dataclass(frozen=True)
class Case:
    """A subject and what one audit column must say: `data` (DATARESULT) or `result` (RESULT), whichever is given."""

    column: str
    label: str
    make: Make
    data: str | None = None
    result: str | None = None
    answer: str | None = None
    infused: bool = True
    waived: bool = False

    def __str__(self) -> str:
        return f"{self.column} {self.label}: {self.result or self.data or 'by form'}"


def audit_of(cases: Iterable[Case], protocol: Protocol, analysis: Analysis) -> Audit:
    """The audit of a trial with one subject for each case, numbered S000, S001, ... in their order."""
    domains = trial_of(cases).domains()
    return audit_with_evidence(
        derive_subjects(StudyData(domains, protocol, analysis, CUT)), StudyData(domains, protocol, analysis, CUT)
    )


def trial_of(cases: Iterable[Case]) -> TrialBuilder:
    """A trial with one subject for each case; all domains that the criteria read are delivered."""
    book = TrialBuilder().delivers("MH", "CE", "CM", "PR", "SU", "MB", "IS", "DV", "SUPPDM", "FA", "IE")
    for number, case in enumerate(cases):
        case.make(book, f"S{number:03d}")
        answers = {} if case.answer is None else {case.column[:4]: case.answer}
        form(book, **answers)
        if case.infused:
            book.infused(0)
        if case.waived:
            book.add("DV", DVTERM=f"Waiver of {case.column}: approved", DVSTDTC=book.date(-1))
    return book


def of_case(frame: pd.DataFrame, number: int, column: str) -> pd.DataFrame:
    """The rows of ADIE or ADIEEV that belong to a case."""
    return frame[frame["USUBJID"].eq(f"iMSC-2001-S{number:03d}") & frame["CRITCD"].eq(column)]


def without_form(domains: Domains) -> Domains:
    """The same delivery without the eligibility form."""
    return Domains({code: domains[code] for code in domains if code != "IE"})
