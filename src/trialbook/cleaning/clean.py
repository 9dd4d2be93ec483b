"""Cleans a snapshot: raw text to typed SDTM domains, with a change log of every fix and a query for every doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from trialbook.cleaning import keys
from trialbook.cleaning.codes import CODE_READERS, DATE_ANSWERS, RESULT_READERS, arm_reader
from trialbook.cleaning.columns import check_columns, kind_of
from trialbook.cleaning.cut import before_birth_queries, far_start_queries, future_date_queries
from trialbook.cleaning.exposure import check_first_infusions, check_treated_have_infusions
from trialbook.cleaning.grading import check_grading
from trialbook.cleaning.keys import check_treated_once
from trialbook.cleaning.null_markers import marker_reader, null_marker_queries
from trialbook.cleaning.numbers import (
    doses_in_millions,
    missing_codes,
    parse_results,
    read_laboratory_result,
    read_number,
    read_result,
    read_unit,
    read_whole,
    split_units,
    stool_in_millilitres,
    weights_in_kg,
)
from trialbook.cleaning.problems import TEXTS, ask
from trialbook.cleaning.read_dates import column_reader, date_reader
from trialbook.cleaning.read_values import (
    BIRTH_DATE,
    WHOLE_RECORD,
    Doubt,
    Reader,
    Working,
    change_frame,
    read_no_error,
)
from trialbook.core.domains import RESULT_DOMAINS, VARIABLES, Domains, column_type
from trialbook.core.errors import StopError
from trialbook.core.supplemental import SINGLING, parent_links
from trialbook.protocol.criteria import domains_of_checks
from trialbook.protocol.models import Protocol, Study, Trial
from trialbook.queries.query_list import Query
from trialbook.queries.rule_texts import Phrase
from trialbook.reconciliation.laboratory import reference_limits
from trialbook.snapshot.door import WITHHELD
from trialbook.snapshot.external import ExternalTables
from trialbook.snapshot.tables import RawTable, Snapshot, stops_at_the_source

# ----------------------------------------------------------------------------------------------------
# Domains that were not delivered (P34): one question each, which says in words what depends on it (§14.2).


UNDELIVERED = "P34-DOMAIN-MISSING"


class _Use(NamedTuple):
    """An endpoint that rests on a domain; `decides`: without it there is no result. What rests on it is a phrase of the
    texts by domain and endpoint.
    """

    endpoint: str
    decides: bool = False


# By domain (rulebook §14.2); what it holds is a phrase of the texts.
_USES: dict[str, tuple[_Use, ...]] = {
    "DS": (_Use("OS", True), _Use("ORR_D28", True), _Use("DLT"), _Use("ELIGIBILITY")),
    "IE": (_Use("ELIGIBILITY"),),
    "LB": (_Use("TEAE", True), _Use("ELIGIBILITY"), _Use("ORR_D28")),
    "VS": (_Use("DLT"), _Use("ELIGIBILITY")),
    "RS": (_Use("ORR_D28", True), _Use("ELIGIBILITY")),
    "CM": (_Use("ORR_D28", True), _Use("OS", True), _Use("DLT"), _Use("ELIGIBILITY")),
    "MH": (_Use("ELIGIBILITY"),),
}


def missing_domain_queries(domains: Domains, protocol: Protocol) -> list[Query]:
    """One question for each optional domain that was not delivered and that an endpoint of the trial rests on.

    Major where a reported result is not evaluable without it. With the organ findings (FA) the response does not need
    the stages (RS). Assessments, laboratory results and vital signs serve eligibility where a criterion is read from
    them.
    """
    read = domains_of_checks(protocol.criteria)
    asked = []
    for code, uses in _USES.items():
        if domains.delivered(code):
            continue
        own = [use for use in uses if protocol.has_endpoint(use.endpoint)]
        if code == "RS" and domains.delivered("FA"):
            own = [use for use in own if not use.decides]
        if code in ("RS", "LB", "VS") and code not in read:
            own = [use for use in own if use.endpoint != "ELIGIBILITY"]
        if own:
            asked.append(_query(code, own))
    return asked


def _query(code: str, uses: list[_Use]) -> Query:
    phrases = [TEXTS.phrase(f"{code}-{use.endpoint}") for use in uses]
    return TEXTS.query(
        UNDELIVERED, "", code, severity="major" if any(use.decides for use in uses) else "minor",
        code=code, holds=TEXTS.phrase(code), uses=Phrase.join(phrases, "; ", "；"),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# Records of another study (P34, A-162): a whole domain of them stops, single ones are left out and asked about.


OTHER_STUDY = "P34-OTHER-STUDY"
# From this share of the records of a domain on, the file is taken for one of another study.
MOST = 0.5
_SIGNS = re.compile(r"[\W_]+")


def study_names(dm: pd.DataFrame, study: Study) -> set[str]:
    """How this study is called, without letter case and signs.

    The ids of the protocol file, where DM uses one of them; else the STUDYID of DM, which lists the subjects: an export
    may use another name for the study than the protocol file.
    """
    own = {_bare(name) for name in (study.id, study.registry_id or "") if name}
    listed = _spelled(dm).dropna()
    if listed.empty or listed.isin(list(own)).any():
        return own
    return {str(listed.mode().iloc[0])}


def settle_studies(work: Mapping[str, Working], study: Study) -> None:
    """Leaves out single records whose STUDYID is that of another study, and asks about each.

    Raises StopError where DM lists a subject of another study (every count rests on it), and where half of the records
    of a domain that is analysed, or more, are of another study: the wrong file was delivered. A record without STUDYID,
    and a file without that column, belong to the study of the snapshot.
    """
    if "DM" not in work:
        return
    own = study_names(work["DM"].frame, study)
    for code, table in work.items():
        spelled = _spelled(table.frame)
        foreign = spelled.notna() & ~spelled.isin(list(own))
        if not foreign.any():
            continue
        rows = table.frame.index[foreign]
        if code == "DM" or (code in VARIABLES and foreign.sum() >= MOST * spelled.notna().sum()):
            with stops_at_the_source(table.table):
                raise _stop(table, rows, work["DM"])
        for row in rows:
            table.doubt(int(row), "STUDYID", OTHER_STUDY, str(table.frame.at[row, "STUDYID"]))
        table.drop(rows, OTHER_STUDY)


def _stop(table: Working, rows: pd.Index, dm: Working) -> StopError:
    value = str(table.frame.at[rows[0], "STUDYID"])
    here = _first(dm.frame["STUDYID"]) if "STUDYID" in dm.frame else ""
    who = "a subject" if table is dm else f"{len(rows)} of {len(table.frame)} records"
    is_of = "is" if table is dm or len(rows) == 1 else "are"
    return StopError(
        f"{who} of {table.table.domain} {is_of} of another study than the snapshot ({here})", file=table.table.file,
        row=int(rows[0]), column="STUDYID", value=value, rule=OTHER_STUDY,
        next_step="deliver the file of this study, or correct STUDYID at the source",
    )  # fmt: skip


def _first(values: Iterable[object]) -> str:
    return next((str(value) for value in values if isinstance(value, str)), "")


def _spelled(frame: pd.DataFrame) -> pd.Series:
    """STUDYID without letter case and signs; missing where there is none."""
    if "STUDYID" not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="str")
    bare = {value: _bare(value) or None for value in frame["STUDYID"].dropna().unique()}
    return frame["STUDYID"].map(bare).astype("str")


def _bare(name: str) -> str:
    return _SIGNS.sub("", name).casefold()


# ----------------------------------------------------------------------------------------------------

# Encodings that are as expected, and formats that have none.
NOTHING_TO_SAY = ("", "utf-8", "us-ascii", "xlsx", "parquet")
# Results that a device prints, with a flag beside the number where it is out of range.
MEASURED = ("LBORRES", "VSORRES")
UNIT_OF = {
    "EXDOSE": "EXDOSU", "CMDOSE": "CMDOSU", "LBSTRESN": "LBSTRESU", "AGE": "AGEU", "LBORNRLO": "LBORRESU",
    "LBORNRHI": "LBORRESU",
}  # fmt: skip
# What a query may show of a value that should be a date or a number: nothing that could name a person.
_SIGN = r"[\d\s.,:;<>≤≥≦≧⩽⩾=+*/()%?!#~±°℃↑↓×-]"
_HARMLESS = re.compile(rf"{_SIGN}*(?:[A-Za-zμµ^%/]{{1,4}}{_SIGN}*){{0,3}}")


@dataclass(frozen=True)
class Cleaned:
    """Clean domains on the whole snapshot (before the data cut), the change log, and the questions to the site.

    `files` names the file and sheet of each domain, `tables` are the tables as delivered (where a value was).
    """

    domains: Domains
    changes: pd.DataFrame
    queries: list[Query]
    files: Mapping[str, tuple[str, str]]
    tables: Mapping[str, RawTable]


def clean_snapshot(snapshot: Snapshot, trial: Trial, external: ExternalTables | None = None) -> Cleaned:
    """Clean domains of all delivered tables (rulebook §9).

    Text stays text; dates are ISO 8601, complete or partial; --SEQ and SRCROW are Int64, numbers float64; LB, VS, FA,
    RS and QS gain --ORRESN and --ORRESOP. Blank stays missing and never becomes "No". Every change of a value is a row
    of `changes` (file, sheet, row, column, raw, new, rule); the log replayed on the raw text gives the clean text.
    `external`: files of others, of which the table of reference ranges fills limits that records of LB do not have.

    Raises StopError (naming file, row, column and rule) for a required column that is missing (P34), a subject who
    is in DM twice or not at all (P09) or was infused under two numbers (P08), and a treated subject without the
    date of the first infusion (P11).
    """
    check_columns(snapshot, trial.protocol)
    work = {code: Working(table, table.frame.copy()) for code, table in snapshot.tables.items()}
    reader_of = _Readers(trial)
    for table in work.values():
        _clean_values(table, reader_of)
    settle_studies(work, trial.protocol.study)
    with stops_at_the_source(snapshot.tables["DM"]):
        keys.check_subjects(work["DM"])
    for code, table in work.items():
        if code != "DM" and "USUBJID" in table.frame:
            keys.spell_subjects(table, work["DM"].frame["USUBJID"])
            with stops_at_the_source(table.table):
                keys.check_known_subjects(table, work["DM"].frame["USUBJID"])
            keys.drop_without_subject(table)
            keys.settle_repeated(table, _referred(code, work))
            keys.ask_repeated_numbers(table)
    asked_of_ranges = fill_limits(work, external)
    domains = Domains({code: typed(code, table.frame) for code, table in work.items()})
    with stops_at_the_source(snapshot.tables["EX"]):
        check_first_infusions(domains, snapshot.tables["EX"].file)
    with stops_at_the_source(snapshot.tables["DM"]):
        check_treated_have_infusions(domains, trial.protocol.level_ids, snapshot.tables["DM"].file)
    if domains.delivered("RS"):
        with stops_at_the_source(snapshot.tables["RS"]):
            check_grading(domains, trial.protocol, snapshot.tables["RS"].file)
    if domains.delivered("SUPPDM"):
        with stops_at_the_source(snapshot.tables["SUPPDM"]):
            check_treated_once(domains, snapshot.tables["SUPPDM"].file)
    queries = [query for code, table in work.items() for query in _questions(code, table)]
    queries += [query for code, table in work.items() for query in null_marker_queries(code, table)]
    queries += future_date_queries(domains, trial.cut_date, trial.analysis.future_date_days)
    queries += far_start_queries(domains, trial.cut_date)
    queries += before_birth_queries(domains)
    return Cleaned(
        domains=domains,
        changes=change_frame(
            [change for table in work.values() for change in (*_reading_notes(table), *table.changes)]
        ),
        queries=[*queries, *asked_of_ranges, *missing_domain_queries(domains, trial.protocol)],
        files={code: (table.file, table.sheet or "") for code, table in snapshot.tables.items()},
        tables=snapshot.tables,
    )


def fill_limits(work: Mapping[str, Working], external: ExternalTables | None) -> list[Query]:
    """Fills reference limits of LB from the table of reference ranges (`reference_limits`) and returns its questions.

    What is filled is a row of the change log (P15-LIMIT-FILLED).
    """
    ranges = external.tables.get("reference_ranges") if external else None
    if (
        external is None
        or ranges is None
        or "LB" not in work
        or not {"LBTESTCD", "LBORRESU", "LBDTC"} <= set(work["LB"].frame)
    ):
        return []
    lb = work["LB"]
    filled, asked = reference_limits(lb.frame, work["DM"].frame, ranges, external.files["reference_ranges"])
    for row, column, value in filled:
        # A column that was not delivered stays away: the change log names places of the delivery.
        if column in lb.frame:
            lb.set(row, column, value, "P15-LIMIT-FILLED")
    return asked


class _Readers:
    """Readers of values that depend on the trial: its year settles two-digit years, its levels the arms."""

    def __init__(self, trial: Trial) -> None:
        self.year = trial.cut_date.year
        self.date = date_reader(self.year)
        self.arm = arm_reader(trial.protocol.level_ids)

    def of(self, kind: str, column: str, values: pd.Series) -> Reader | None:
        """The reader of a column with these values, or None where its characters are all that is read."""
        if column in ("ARMCD", "ACTARMCD"):
            return self.arm
        if kind == "date" and column not in CODE_READERS:
            return column_reader(self.date, list(values.dropna().unique()), self.year)
        result = read_laboratory_result if column in MEASURED else read_result
        by_kind = {"sequence": read_whole, "unit": read_unit, "result": result}
        return CODE_READERS.get(column) or by_kind.get(kind)


def _clean_values(work: Working, readers: _Readers) -> None:
    """All steps on the values of one table; personal data were masked at the door (`snapshot.door`)."""
    domain = work.table.domain
    kinds = {column: kind_of(domain, column) for column in work.frame.columns}
    for column, kind in kinds.items():
        work.read(column, read_no_error)
        work.read(column, marker_reader(kind, column))
    for column, kind in kinds.items():
        reader = readers.of(kind, column, work.frame[column])
        if reader is not None:
            work.read(column, reader)
    _clean_amounts(work, kinds)
    _clean_coded_results(work, readers)
    for row in missing_codes(work.frame, domain) if domain in RESULT_DOMAINS else ():
        work.doubt(int(row), f"{domain}ORRES", "P40-MISSING-CODE", str(work.frame.at[row, f"{domain}ORRES"]))


def _clean_amounts(work: Working, kinds: Mapping[str, str]) -> None:
    """Numbers and results that may carry their unit."""
    domain = work.table.domain
    for column, kind in kinds.items():
        if kind == "result":
            # What is before a unit is read as any result: 68,5kg is 68.5 kg.
            rows = split_units(work, column, f"{domain}ORRESU")
            if len(rows):
                work.read(column, read_result, within=pd.Series(work.frame.index.isin(rows), index=work.frame.index))
        elif column in UNIT_OF:
            split_units(work, column, UNIT_OF[column])
    if domain == "VS":
        weights_in_kg(work)
    if domain == "FA":
        stool_in_millilitres(work)
    if domain == "EX":
        doses_in_millions(work)
    for column, kind in kinds.items():
        if kind == "number":
            work.read(column, read_number)


def _clean_coded_results(work: Working, readers: _Readers) -> None:
    """Results and supplemental values that are codes, or dates, for some tests."""
    domain = work.table.domain
    named, value = ("QNAM", "QVAL") if domain.startswith("SUPP") else (f"{domain}TESTCD", f"{domain}ORRES")
    for (code, test), reader in RESULT_READERS.items():
        if code == domain and {named, value} <= set(work.frame):
            work.read(value, reader, within=work.frame[named].eq(test))
    for code, name in DATE_ANSWERS:
        if code == domain and {named, value} <= set(work.frame):
            work.read(value, readers.date, within=work.frame[named].eq(name))


def typed(code: str, text: pd.DataFrame) -> pd.DataFrame:
    """A clean text frame with its types, the parsed results and SRCROW; rows in the order of the file."""
    frame = text.astype({name: column_type(name) for name in text.columns if column_type(name) != "str"})
    if code in RESULT_DOMAINS and f"{code}ORRES" in frame:
        number, sign = parse_results(text[f"{code}ORRES"])
        frame = frame.assign(**{f"{code}ORRESN": number, f"{code}ORRESOP": sign})
    return frame.assign(SRCROW=text.index.astype("Int64")).reset_index(drop=True)


def _referred(code: str, work: Mapping[str, Working]) -> pd.Index:
    """The rows of a domain that its SUPP-- records single out by --SEQ or --SPID."""
    supp, parent = work.get(f"SUPP{code}"), work[code].frame
    if code not in keys.COUNTED_ONCE or supp is None or not {"IDVAR", "IDVARVAL", "USUBJID"} <= set(supp.frame):
        return parent.index[:0]
    named = supp.frame["IDVAR"].astype("str").str.endswith(SINGLING).fillna(False).astype(bool)
    links, _ = parent_links(supp.frame[named], parent, code)
    return pd.Index(links.loc[~links["SUPP"].duplicated(keep=False), "PARENT"])


def _reading_notes(work: Working) -> Iterator[tuple[str, str, int, str, str, str, str]]:
    """Change-log rows about the files themselves: an encoding other than UTF-8 (P01), label rows left out (P03), and
    what was left out or renamed in a part of a split domain as a whole.
    """
    for table in work.table.delivered:
        file, sheet = table.file, table.sheet or ""
        if table.encoding not in NOTHING_TO_SAY:
            yield file, sheet, 0, WHOLE_RECORD, table.encoding, "utf-8", "P01-ENCODING"
        for row in table.label_rows:
            yield file, sheet, row, WHOLE_RECORD, "(label row)", "", "P03-LABEL-ROW"
        for edit in table.edits if work.table.parts else ():
            if not edit.row:
                yield file, sheet, 0, edit.column, edit.raw, edit.new, edit.rule


def _questions(code: str, work: Working) -> Iterator[Query]:
    """The doubts of one table as queries; a record that was left out has no key but its row."""
    known = work.frame.assign(**{"--KEY": keys.record_keys(code, work.frame)})
    # A code that the mapping file does not have is one question, though it is in no code list of SDTM either.
    unmapped = {(doubt.row, doubt.column) for doubt in work.doubts if doubt.rule == "P34-CODE-UNMAPPED"}
    for doubt in work.doubts:
        if doubt.rule == "P34-CODE-UNKNOWN" and (doubt.row, doubt.column) in unmapped:
            continue
        there = doubt.row in known.index
        record = known.at[doubt.row, "--KEY"] if there else _row(work.table, doubt.row)
        subject = known.at[doubt.row, "USUBJID"] if there and "USUBJID" in known else ""
        # A subject of an unknown arm belongs to no dose level: that changes every table.
        severity = "major" if doubt.column in ("ARMCD", "ACTARMCD") else ""
        yield from ask(doubt.rule, code, [(subject, record, shown(doubt))], doubt.column, severity)


def _row(table: RawTable, row: int) -> str:
    """A record that was left out, by its row; of a split domain with its file. Blank for what is about the file."""
    if not row:
        return ""
    return f"row {row}" if not table.parts else "{0} row {2}".format(*table.place(row, ""))


def shown(doubt: Doubt) -> str:
    """The value as a query may show it: free words where a date or number belongs could name a person."""
    if doubt.column == BIRTH_DATE:
        return WITHHELD
    if doubt.observed == WITHHELD or doubt.rule.startswith(("P21", "P34")) or _HARMLESS.fullmatch(doubt.observed):
        return doubt.observed
    return f"(text of {len(doubt.observed)} characters)"
