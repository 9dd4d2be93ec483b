"""Turns the recorded cases of sdtmchecks into our clean domains, and says which of their records our rules name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from support.paths import ROOT
from trialbook.cleaning.cross_checks import cross_questions, event_queries
from trialbook.cleaning.exposure import exposure_queries
from trialbook.cleaning.keys import settle_repeated
from trialbook.cleaning.read_dates import date_reader
from trialbook.cleaning.read_values import Working
from trialbook.contracts.gate import Gate
from trialbook.contracts.odcs import Contract, load_contracts
from trialbook.contracts.pandas_engine import evaluate_quickly
from trialbook.core.domains import Domains, column_type
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.safety.adae import derive_adae
from trialbook.safety.queries import adverse_event_queries
from trialbook.snapshot.tables import RawTable
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.deaths import death_queries

BLANKS = {"", "NA", ".", "None"}
CUT = pd.Timestamp("2030-12-31")
ENDPOINTS = ["ELIGIBILITY", "TEAE", "DLT", "ORR_D28", "OS"]
# Names of the same thing: theirs, ours.
RENAMED = {"VS": {"VSSTRESN": "VSORRES"}, "SS": {"SSSTRESC": "SSORRES"}}
# Columns that their checks join to the record they flag.
JOINED = {"AEDTHDTC", "DSSTDTC", "DTHDTC", "EARLIEST_DTHDTC"}
Records = set[tuple[str, ...]]


def cases(oracles: Path, check: str) -> list[dict[str, Any]]:
    """The cases of a check that it could run: those with a verdict on records."""
    text = (oracles / "vi_sdtmchecks" / "cases" / f"{check}.json").read_text(encoding="utf-8")
    return [case for case in json.loads(text) if case["result"] == "PASS" or case["flagged"]]


def as_text(value: Any) -> str | None:
    """A recorded value as text, missing as None; whole numbers without decimals."""
    text = "" if value is None else str(value).strip()
    text = text.removesuffix(".0") if isinstance(value, float) else text
    return None if text in BLANKS else text


def as_date(value: str) -> str:
    """Some cases count days instead of writing dates: the day with that number."""
    small = value.isdigit() and len(value) < 3
    return f"{pd.Timestamp('2000-01-01') + pd.Timedelta(days=int(value)):%Y-%m-%d}" if small else value


def frame_of(table: Mapping[str, Any]) -> pd.DataFrame:
    """A recorded table as clean text, dates as our cleaning reads them."""
    read = date_reader(2025)
    columns = {}
    for name in table["columns"]:
        values = [as_text(value) for value in table["data"][name]]
        if name.endswith("DTC"):
            values = [read(as_date(value)).text if value else None for value in values]
        columns[name] = pd.Series(values, dtype="str")
    return pd.DataFrame(columns)


def domains_of(case: Mapping[str, Any]) -> Domains:
    """The clean domains of a case: its tables, numbered, and DM and EX where it has none."""
    frames = {code: frame_of(table) for code, table in case["inputs"].items()}
    dm = frames.get("DM")
    subjects = pd.concat([frame["USUBJID"] for frame in frames.values() if "USUBJID" in frame])
    if dm is None:
        dm = pd.DataFrame({"USUBJID": sorted(subjects.dropna().unique())}, dtype="str")
        deaths = _death_dates(frames)
        frames["DM"] = dm.assign(DTHDTC=dm["USUBJID"].map(deaths).astype("str"))
    frames.setdefault("EX", _infused_long_ago(frames["DM"]))
    return Domains({code: _clean(code, frame) for code, frame in frames.items()})


def _death_dates(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """The earliest death date by subject: their checks take it from AE and DS, we from DM."""
    found = []
    if "AEDTHDTC" in frames.get("AE", pd.DataFrame()):
        found.append(frames["AE"][["USUBJID", "AEDTHDTC"]].set_axis(["USUBJID", "DATE"], axis=1))
    if {"DSDECOD", "DSSTDTC"} <= set(frames.get("DS", pd.DataFrame())):
        ds = frames["DS"]
        dead = ds["DSDECOD"].str.upper().eq("DEATH")
        found.append(ds.loc[dead, ["USUBJID", "DSSTDTC"]].set_axis(["USUBJID", "DATE"], axis=1))
    if not found:
        return {}
    dated = pd.concat(found).dropna()
    partial = dated.assign(LENGTH=-dated["DATE"].str.len().clip(upper=10))  # a complete date says more than a month
    return partial.sort_values(["LENGTH", "DATE"]).groupby("USUBJID")["DATE"].first().to_dict()


def _infused_long_ago(dm: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"USUBJID": dm["USUBJID"], "EXSTDTC": "1980-01-01T08:00", "EXDOSE": "1"}, dtype="str")


def _clean(code: str, frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns=RENAMED.get(code, {}))
    if "USUBJID" in frame:
        frame = frame[frame["USUBJID"].notna()].reset_index(drop=True)  # as cleaning leaves them out (P34-NO-SUBJECT)
    if code == "EX" and "EXDOSE" not in frame:
        frame = frame.assign(EXDOSE="1")
    if code == "DM":
        for name in {"ARM", "ACTARM"} & set(frame) if "ARMCD" not in frame else set():
            frame = frame.assign(**{f"{name}CD": frame[name]})
        for name in {"ARMCD", "ACTARMCD"} - set(frame):
            frame = frame.assign(**{name: "DL1"})
    if code == "DS" and "DSDECOD" in frame:
        frame = frame.assign(DSDECOD=frame["DSDECOD"].str.upper())
    if code == "DS" and "DSSCAT" in frame and "DSDECOD" not in frame:
        left = frame["DSSCAT"].str.contains("DISCON|EARLY", case=False, na=False)
        frame = frame.assign(DSDECOD=pd.Series("WITHDRAWAL BY SUBJECT", index=frame.index, dtype="str").where(left))
    if code == "AE" and "AEBODSYS" not in frame:
        frame = frame.assign(AEBODSYS="any class")
    if code == "AE" and "AEDTHDTC" in frame and "AEENDTC" not in frame:
        # The death that an event led to is the end of the event.
        fatal = pd.Series("FATAL", index=frame.index, dtype="str").where(frame["AEDTHDTC"].notna())
        frame = frame.assign(AEENDTC=frame["AEDTHDTC"], AEOUT=frame.get("AEOUT", fatal))
    if code == "SS" and "SSTESTCD" not in frame:
        frame = frame.assign(SSTESTCD="SURVSTAT")
    if code == "RS" and "RSORRES" not in frame and "RSSTAT" not in frame:
        frame = frame.assign(RSORRES="0")
    if code in ("VS", "LB") and f"{code}ORRES" in frame:
        frame = frame.assign(**{f"{code}ORRESN": pd.to_numeric(frame[f"{code}ORRES"], errors="coerce")})
    numbers = pd.Series(range(1, len(frame) + 1), index=frame.index)
    keyed = {} if code in ("DM", "SS", "TS", "SV") else {f"{code}SEQ": numbers}
    frame = frame.assign(**keyed, SRCROW=numbers + 1)
    numeric = {name: column_type(name) for name in frame if column_type(name) != "str"}
    return frame.astype(numeric)


@cache
def _contracts() -> Mapping[str, Contract]:
    return load_contracts(ROOT / "data_contracts")


@cache
def _trial() -> tuple[Protocol, Analysis]:
    protocol = load_protocol(ROOT / "params" / "protocol.yaml")
    return protocol, analysis_values(protocol, {}, "protocol.yaml")


def named_records(domains: Domains, rules: set[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Domain, subject and key of every record that one of these rules names, by question or by contract."""
    of_contracts = {rule.split(".")[0] for rule in rules if "." in rule}
    frames = {code.lower(): frame for code, frame in domains.items() if f"clean/{code.lower()}" in _contracts()}
    gate = Gate(_contracts(), ENDPOINTS, evaluate_quickly)
    for verdict in gate.check("clean", frames, sorted(of_contracts & set(frames))):
        for failure in verdict.failures:
            if failure.rule in rules:
                for record in failure.records:
                    key = {name: str(value) for name, value in record.items() if name not in ("USUBJID", "ROW")}
                    yield verdict.dataset.removeprefix("clean/").upper(), str(record["USUBJID"]), key
    for query in _questions(domains, rules):
        if query["rule"] in rules:
            parts = [part.split("=", 1) for part in query["record"].split(" ") if "=" in part]
            yield query["domain"], query["subject"], dict(parts)


def _questions(domains: Domains, rules: set[str]) -> list[Any]:
    """The questions of those modules that could ask one of the rules."""
    protocol, analysis = _trial()
    asked: list[Any] = []
    if "P16-DUPLICATE" in rules:
        asked += _repeated(domains["AE"])
    if any(rule.startswith(("P17", "P19", "P22-AE")) for rule in rules):
        asked += cross_questions(domains)
    if any(rule.startswith(("P19", "P2")) and "DEATH" not in rule for rule in rules):
        asked += event_queries(domains)
    if any(rule.startswith("P11") for rule in rules):
        asked += exposure_queries(domains, analysis)
    if any(rule.startswith("P22-DEATH") for rule in rules):
        asked += death_queries(domains, CUT)
    if any(rule.startswith("AE-") for rule in rules):
        adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
        asked += adverse_event_queries(derive_adae(adsl, StudyData(domains, protocol, analysis, CUT)), domains)
    return asked


def _repeated(ae: pd.DataFrame) -> Iterator[dict[str, str]]:
    """The events that cleaning leaves out because they repeat another in every value."""
    text = ae.drop(columns="SRCROW").astype("str").assign(AESPID="")
    table = RawTable("AE", text, "ae", None, "", "", 0)
    work = Working(table, text.copy())
    settle_repeated(work, pd.DataFrame({"USUBJID": [], "IDVARVAL": []}, dtype="str"))
    for change in work.changes:
        row = ae.loc[change[2]]
        yield {"rule": "P16-DUPLICATE", "domain": "AE", "subject": row["USUBJID"], "record": f"AESEQ={row['AESEQ']}"}


def compared(
    case: Mapping[str, Any], domain: str, rules: set[str], *, by_subject: bool = False
) -> tuple[Records, Records]:
    """What sdtmchecks flags and what our rules name, each as records of `domain` by the columns that both show."""
    domains = domains_of(case)
    flagged = frame_of(case["flagged"]) if case["flagged"] else pd.DataFrame(columns=["USUBJID"], dtype="str")
    own = frame_of(case["inputs"][domain]) if domain in case["inputs"] else domains[domain][["USUBJID"]]
    own = own[own["USUBJID"].notna()].reset_index(drop=True)
    joined = JOINED - {f"{domain}STDTC"} if domain != "DM" else set()
    shown = [name for name in flagged.columns if name in own.columns and name not in joined]
    shown = ["USUBJID"] if by_subject else shown
    theirs = _tuples(flagged.reindex(columns=shown))
    table = domains[domain].astype("str")
    ours: Records = set()
    for code, subject, key in named_records(domains, rules):
        if by_subject:
            ours.add((subject,))
        elif code == domain:
            rows = table["USUBJID"].eq(subject)
            for name, value in key.items():
                rows &= table[name].str.removesuffix(".0").eq(value)
            ours |= _tuples(own.loc[rows.to_numpy(), shown])
    return theirs, ours


def _tuples(frame: pd.DataFrame) -> Records:
    return {tuple("" if pd.isna(value) else str(value) for value in row) for row in frame.itertuples(index=False)}
