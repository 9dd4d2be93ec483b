"""Reads the central laboratory's file as LB is read, asks about its faults, and compares with the files of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from trialbook.cleaning.clean import shown
from trialbook.cleaning.columns import kind_of
from trialbook.cleaning.cut import Cut
from trialbook.cleaning.null_markers import marker_reader
from trialbook.cleaning.numbers import read_laboratory_result, read_unit, split_units
from trialbook.cleaning.read_dates import column_reader, date_reader
from trialbook.cleaning.read_values import Doubt, Working
from trialbook.core.dates import complete_date
from trialbook.protocol.models import Trial
from trialbook.queries.query_list import Query
from trialbook.reconciliation import reconciliation_queries
from trialbook.reconciliation.serious_events import TEXTS, as_listed, line_names
from trialbook.snapshot.external import ExternalTables
from trialbook.snapshot.tables import RawTable


def comparison_queries(cut: Cut, external: ExternalTables, trial: Trial) -> list[Query]:
    """What the domains at the cut and the files of others say differently, and the faults of the laboratory's file.

    Dates, results and units of the central laboratory are read as those of LB are (rulebook P04, P13, P14, P40); a row
    whose date or result cannot be compared is asked about by file and row.
    """
    central = external.tables.get("central_laboratory")
    if central is None:
        return reconciliation_queries(cut.domains, external, trial, cut.edits)
    file = external.files["central_laboratory"]
    read = _read_as_lb(central, file, trial.cut_date.year)
    own = replace(external, tables={**external.tables, "central_laboratory": read.frame})
    faults = _faults(central, read, file, cut.domains["DM"], trial.cut_date)
    return [*faults, *reconciliation_queries(cut.domains, own, trial, cut.edits)]


def _read_as_lb(central: pd.DataFrame, file: str, cut_year: int) -> Working:
    work = Working(RawTable("LB", central, file, None, "", "", 0), central.copy())
    for column in work.frame.columns:
        work.read(column, marker_reader(kind_of("LB", str(column)), str(column)))
    work.read("LBDTC", column_reader(date_reader(cut_year), list(work.frame["LBDTC"].dropna().unique()), cut_year))
    work.read("LBORRESU", read_unit)
    work.read("LBORRES", read_laboratory_result)
    split_units(work, "LBORRES", "LBORRESU")
    return work


def _faults(
    central: pd.DataFrame, read: Working, file: str, dm: pd.DataFrame, cut_date: pd.Timestamp
) -> Iterator[Query]:  # fmt: skip
    """The rows of subjects of DM whose date or result cannot be compared."""
    frame = read.frame
    subjects, day = as_listed(frame["USUBJID"], dm), complete_date(frame["LBDTC"])
    unsure = {doubt.row for doubt in read.doubts if doubt.rule == "P04-DATE-AMBIGUOUS"}
    for row, line in zip(frame.index, line_names(file, frame.index), strict=True):
        if subjects.at[row] not in set(dm["USUBJID"]):
            continue
        subject = str(subjects.at[row])
        if pd.isna(day.at[row]):
            rule = "RECON-LB-DATE-ORDER" if row in unsure else "RECON-LB-DATE-UNREADABLE"
            date = central.at[row, "LBDTC"]
            seen = shown(Doubt(row, "LBDTC", rule, date)) if isinstance(date, str) else ""
            yield TEXTS.query(rule, subject, "LB", record=line, observed=seen)
        elif pd.isna(frame.at[row, "LBORRES"]) and day.at[row] <= cut_date:
            seen = " ".join(str(frame.at[row, name]) for name in ("LBTESTCD", "LBDTC") if pd.notna(frame.at[row, name]))
            yield TEXTS.query("RECON-LB-RESULT-BLANK", subject, "LB", record=line, observed=seen)
