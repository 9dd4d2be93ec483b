"""A small raw export without any problem, what to plant in it, and every question that the workbook asks about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from support import raw_export
from support.eligible_subject import form, screened
from support.trial_builder import TrialBuilder
from trialbook.cleaning import (
    apply_cut,
    check_deletions,
    clean_snapshot,
    compare_cuts,
    consistency_queries,
    replayed_domains,
    restatement_queries,
    whole_change_log,
)
from trialbook.core.domains import VARIABLES, Domains
from trialbook.efficacy.adrs import derive_adrs
from trialbook.efficacy.adtte import survival_queries
from trialbook.efficacy.day28 import day28_response
from trialbook.efficacy.queries import response_queries
from trialbook.eligibility.adie import audit
from trialbook.eligibility.queries import eligibility_queries
from trialbook.protocol.models import Trial
from trialbook.protocol.study_data import StudyData
from trialbook.queries.query_list import Query, query_list
from trialbook.safety.adae import derive_adae
from trialbook.safety.adlb import derive_adlb
from trialbook.safety.queries import adverse_event_queries, laboratory_queries
from trialbook.snapshot import read_snapshot
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.queries import subject_queries

CUT = "2025-06-30"
A, B = "iMSC-001", "iMSC-002"
Rows = dict[str, list[dict[str, str]]]
CHANGE = ["file", "row", "column", "raw", "new", "rule"]
ASKED = ["rule", "subject", "domain", "record"]


@cache
def _clean_rows() -> Mapping[str, list[dict[str, str]]]:
    """Two treated subjects who meet every criterion, respond on day 28 and live; nothing to fix and nothing to ask."""
    book = TrialBuilder("iMSC")
    for name, born in (("001", "1984-05-06"), ("002", "1979-08-15")):
        book = form(screened(book, name, BRTHDTC=born, AGE=float(2025 - int(born[:4]) - 1)))
        for day in (0, 7):
            start = book.date(day) + "T10:00"
            book.infused(start, EXENDTC=book.date(day) + "T10:30", VISIT=f"DAY {day}")
        book.stages(28, 0, 0, 0, 0)
        book.event("Pyrexia", 2, end=4, AESPID="E1", AEOUT="RECOVERED/RESOLVED", AEENRTPT="", AEACN="NOT APPLICABLE")
        for day in (0, 7, 14):
            book.lab("ALT", 30, day, low=5, high=40, VISIT=f"DAY {day}").lab("HGB", 95, day, unit="g/L", low=130,
                     high=175, VISIT=f"DAY {day}")  # fmt: skip
            book.add("VS", VSTESTCD="WEIGHT", VSORRES=60, VSORRESU="kg", VSDTC=book.date(day))
            book.seen(day, f"DAY {day}")
        book.seen(28, "DAY 28").add("SS", SSTESTCD="SURVSTAT", SSORRES="ALIVE", SSDTC="2025-06-20")
    built = book.delivers("FA", "MH", "CE", "PR", "SUPPAE", "SUPPDM").domains()
    rows = {}
    for code, frame in built.items():
        names = VARIABLES[code].split()
        text = pd.DataFrame({name: frame[name].astype("str").fillna("").str.removesuffix(".0") for name in names})
        rows[code.lower()] = text.to_dict("records")
    return rows


class Export:
    """The clean export, to plant a problem in; records of subject A unless said otherwise."""

    def __init__(self, cut: str = CUT) -> None:
        self.cut = pd.Timestamp(cut)
        self.rows: Rows = {code: [dict(row) for row in rows] for code, rows in _clean_rows().items()}
        for status in self.rows["ss"]:
            status["SSDTC"] = self.day(-10)
        self.encoding: dict[str, str] = {}
        self.left_out: set[str] = set()
        self.fixes: list[tuple[Any, ...]] = []
        self.asks: list[tuple[str, ...]] = []

    def day(self, number: int) -> str:
        """The date so many days after the cut."""
        return f"{self.cut + pd.Timedelta(days=number):%Y-%m-%d}"

    def of(self, domain: str, subject: str = A, **wanted: str) -> dict[str, str]:
        """The first record of a subject with these values."""
        return next(
            row for row in self.rows[domain]
            if row["USUBJID"] == subject and all(row[name] == value for name, value in wanted.items())
        )  # fmt: skip

    def add(self, domain: str, subject: str = A, **values: str) -> Export:
        """One more record at the end of its file; --SEQ counts on."""
        seq = f"{domain.upper()}SEQ"
        blank = dict.fromkeys(VARIABLES[domain.upper()].split(), "")
        own = [row for row in self.rows[domain] if row["USUBJID"] == subject]
        numbered = {seq: str(len(own) + 1)} if seq in blank else {}
        self.rows[domain].append({**blank, "USUBJID": subject, **numbered, **values})
        return self

    def fix(
        self, domain: str, record: dict[str, str], column: str, raw: str, new: str, rule: str, *more: tuple[str, str]
    ) -> Export:
        """Plants a raw value, and the row of the change log that it must leave; `more`: (new, rule) of later rows."""
        record[column] = raw
        return self.log(domain, record, column, raw, new, rule, *more)

    def log(
        self, domain: str, record: dict[str, str], column: str, raw: str, new: str, rule: str, *more: tuple[str, str]
    ) -> Export:
        """The rows of the change log that a value must leave."""
        for after, by in ((new, rule), *more):
            self.fixes.append((f"{domain}.csv", self.line(domain, record), column, raw, after, by))
            raw = after
        return self

    def ask(self, rule: str, domain: str, record: str = "", subject: str = A) -> Export:
        """The line of the query list that what was planted must raise."""
        self.asks.append((rule, subject, domain.upper(), record))
        return self

    def line(self, domain: str, record: Mapping[str, str]) -> int:
        """The line of a record in its file."""
        return next(k for k, row in enumerate(self.rows[domain], start=2) if row is record)

    def write(self, folder: Path) -> Path:
        """Writes one CSV per domain."""
        folder.mkdir(parents=True, exist_ok=True)
        for code, rows in self.rows.items():
            if code in self.left_out:
                continue
            names = list(rows[0]) if rows else VARIABLES[code.upper()].split()
            names += [name for row in rows for name in row if name not in names]
            raw_export.write_csv(folder / f"{code}.csv", rows, columns=names,
                                 encoding=self.encoding.get(code, "utf-8"))  # fmt: skip
        return folder


@dataclass(frozen=True)
class Examined:
    """What the workbook says about an export: its log, questions, domains at the cut, and the replay of its log."""

    changes: pd.DataFrame
    queries: pd.DataFrame
    domains: Domains
    replayed: Domains

    def fixed(self) -> list[tuple[Any, ...]]:
        """Rows of the change log: file, row, column, raw, new, rule."""
        return list(self.changes[CHANGE].itertuples(index=False, name=None))

    def asked(self) -> list[tuple[str, ...]]:
        """Lines of the query list: rule, subject, domain, record."""
        return sorted(self.queries[ASKED].itertuples(index=False, name=None))


def examine(
    folder: Path, parts: Iterable[str] = ("cleaning",), previous: Domains | None = None, **cut: Any
) -> Examined:
    """Cleans an export and asks what the named parts of the workbook ask; `previous`: the domains of an earlier cut."""
    trial = raw_export.trial_of(folder, CUT, **cut)
    snapshot = read_snapshot(trial)
    cleaned = clean_snapshot(snapshot, trial)
    at_cut = apply_cut(cleaned.domains, trial.cut_date)
    queries = [*cleaned.queries, *at_cut.queries]
    if previous is not None:
        differences = compare_cuts(previous, at_cut.domains)
        nothing = pd.DataFrame(columns=["domain", "subject", "record", "reason"], dtype="str")
        check_deletions(differences, nothing, "2025-03-31", cleaned.files)
        queries += restatement_queries(differences)
    for part in parts:
        queries += PARTS[part](at_cut.domains, trial)
    changes = whole_change_log(cleaned, at_cut)
    return Examined(changes, query_list(queries, CUT), at_cut.domains, replayed_domains(snapshot, changes))


def _subjects(domains: Domains, trial: Trial) -> pd.DataFrame:
    return derive_subjects(StudyData(domains, trial.protocol, trial.analysis, trial.cut_date))


def _safety(domains: Domains, trial: Trial) -> list[Query]:
    where = _subjects(domains, trial), StudyData(domains, trial.protocol, trial.analysis, trial.cut_date)
    adae, adlb = derive_adae(*where), derive_adlb(*where)
    return [*adverse_event_queries(adae, domains), *laboratory_queries(adlb, adae, trial.analysis)]


def _eligibility(domains: Domains, trial: Trial) -> list[Query]:
    adsl = _subjects(domains, trial)
    return eligibility_queries(audit(adsl, StudyData(domains, trial.protocol, trial.analysis, trial.cut_date)), adsl)


def _response(domains: Domains, trial: Trial) -> list[Query]:
    adsl = _subjects(domains, trial)
    where = adsl, StudyData(domains, trial.protocol, trial.analysis, trial.cut_date)
    return response_queries(derive_adrs(*where), day28_response(*where), adsl, domains, trial.protocol, trial.analysis)


PARTS: dict[str, Callable[[Domains, Trial], list[Query]]] = {
    "cleaning": lambda domains, trial: consistency_queries(domains, trial.analysis),
    "subjects": lambda domains, trial: subject_queries(
        _subjects(domains, trial), domains, trial.protocol, trial.analysis
    ),
    "survival": lambda domains, trial: survival_queries(
        _subjects(domains, trial), domains, trial.protocol, trial.cut_date
    ),
    "safety": _safety,
    "eligibility": _eligibility,
    "response": _response,
}
