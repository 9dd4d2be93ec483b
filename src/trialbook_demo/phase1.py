"""The worked example: a published dose escalation of another disease, its table of patients as a synthetic snapshot.

von Minckwitz G, et al. Breast Cancer Research 2005;7:R617-R626, doi 10.1186/bcr1264, PMID 16168106 (open access). Dose,
toxicities with grade, DLT, response and the one death are those of its table 2. Dates, ages and sexes are made up, and
so is what the table leaves open: how long an event lasted, and that one not called unlikely is possibly related.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from trialbook.protocol.synthetic import DECLARATION, MANIFEST

STUDY = "FRP5-ETA"
FOLDER = Path("params/phase1")
SNAPSHOT = "data/published"
FIRST_DAY, COHORT_WEEKS, DAILY = date(2003, 1, 6), 6, (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)
# The level of 12.5 was put in after that of 20.
COHORTS = ("2", "4", "10", "20", "12.5")
RESPONSE_DAY, LAST_DAY, EVENT_DAYS = 28, 60, 7
TERMS = {
    "ALT": ("Alanine aminotransferase increased", "Investigations"),
    "AST": ("Aspartate aminotransferase increased", "Investigations"),
    "GGT": ("Gamma-glutamyltransferase increased", "Investigations"),
    "AP": ("Blood alkaline phosphatase increased", "Investigations"),
    "LDH": ("Blood lactate dehydrogenase increased", "Investigations"),
    "Haemoglobin": ("Anaemia", "Blood and lymphatic system disorders"),
    "Cholestasis": ("Cholestasis", "Hepatobiliary disorders"),
    "Fever": ("Pyrexia", "General disorders and administration site conditions"),
    "Dyspnoea": ("Dyspnoea", "Respiratory, thoracic and mediastinal disorders"),
}
# The day of fever and dyspnoea of patient U03; every other event is dated to the second infusion.
LATE_EVENTS = {"U03": 23}
SEVERE = "3"
COLUMNS = {
    "dm": "STUDYID USUBJID SUBJID SITEID RFICDTC AGE AGEU SEX ARMCD ACTARMCD DTHDTC DTHFL",
    "ex": "STUDYID USUBJID EXSEQ EXTRT EXDOSE EXDOSU EXSTDTC EXENDTC",
    "ae": "STUDYID USUBJID AESEQ AESPID AETERM AEDECOD AEBODSYS AETOXGR AESER AESDTH AESLIFE AEREL AEACN AEOUT "
    "AESTDTC AEENDTC",
    "suppae": "STUDYID RDOMAIN USUBJID IDVAR IDVARVAL QNAM QVAL",
    "ds": "STUDYID USUBJID DSSEQ DSCAT DSTERM DSDECOD DSSTDTC",
    "rs": "STUDYID USUBJID RSSEQ RSCAT RSTESTCD RSORRES RSDTC VISIT",
    "sv": "STUDYID USUBJID VISIT VISITNUM SVSTDTC",
}
Row = dict[str, object]


def example_files(project: Path) -> dict[str, bytes]:
    """The files of a working folder with the example, by their paths in it: protocol, its own notebook, snapshot.

    `project` holds `params/phase1/`: the clone, or what the wheel carries.
    """
    source = project / FOLDER
    with (source / "published.csv").open(encoding="utf-8", newline="") as file:
        patients = list(csv.DictReader(file))
    return {
        "params/protocol.yaml": (source / "protocol.yaml").read_bytes(),
        "notebooks/07_response.ipynb": _with_parameters(source / "07_response.ipynb", project),
        **{f"{SNAPSHOT}/{name}": content for name, content in snapshot(patients).items()},
    }


def _with_parameters(notebook: Path, project: Path) -> bytes:
    """The notebook with the cell of parameters that the steps have: its keys are those of a cut file."""
    content, step = (
        json.loads(path.read_text(encoding="utf-8")) for path in (notebook, project / "notebooks" / "01_cleaning.ipynb")
    )
    cell = next(cell for cell in step["cells"] if "parameters" in cell["metadata"].get("tags", []))
    place = next(k for k, one in enumerate(content["cells"]) if "parameters" in one["metadata"].get("tags", []))
    content["cells"][place]["source"] = cell["source"]
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def snapshot(patients: Sequence[Mapping[str, str]]) -> dict[str, bytes]:
    """The records of these patients (rows of `published.csv`), one CSV per domain, and their declaration as made up."""
    records: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for patient in patients:
        for domain, row in _records(patient, patients):
            records[domain].append({"STUDYID": STUDY, "USUBJID": f"{STUDY}-{patient['patient']}", **row})
    told = {**DECLARATION, "made_by": "trialbook init --example"}
    files = {f"{name}.csv": _csv(COLUMNS[name].split(), rows) for name, rows in records.items()}
    return {**files, MANIFEST: (json.dumps(told, indent=1) + "\n").encode()}


def _records(patient: Mapping[str, str], patients: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, Row]]:
    """Every record of one patient, by domain."""
    name, dose = patient["patient"], patient["dose"]
    place = [one["patient"] for one in patients].index(name)
    start = FIRST_DAY + timedelta(weeks=COHORT_WEEKS * COHORTS.index(dose))
    died, stopped = (int(patient[key]) if patient[key] else None for key in ("died", "stopped"))
    level = f"D{dose.replace('.', '_')}"

    def on(day: int) -> str:
        return (start + timedelta(days=day)).isoformat()

    yield "dm", {
        "SUBJID": name, "SITEID": name[0], "RFICDTC": on(-7), "AGE": 38 + 7 * place % 34, "AGEU": "YEARS",
        "SEX": "FM"[place % 3 == 0], "ARMCD": level, "ACTARMCD": level, "DTHDTC": "" if died is None else on(died),
        "DTHFL": "" if died is None else "Y",
    }  # fmt: skip
    yield "ds", {"DSSEQ": 1, "DSCAT": "PROTOCOL MILESTONE", "DSTERM": "INFORMED CONSENT OBTAINED",
                 "DSDECOD": "INFORMED CONSENT OBTAINED", "DSSTDTC": on(-7)}  # fmt: skip
    # Days of the paper are counted from 1.
    for number, day in enumerate((d for d in DAILY if stopped is None or d < stopped), 1):
        yield "ex", {"EXSEQ": number, "EXTRT": "scFv(FRP5)-ETA", "EXDOSE": dose, "EXDOSU": "ug/kg",
                     "EXSTDTC": f"{on(day)}T10:00", "EXENDTC": f"{on(day)}T10:15"}  # fmt: skip
    unlikely = patient["unlikely"].split("; ")
    for number, (word, grade) in enumerate(_toxicities(patient), 1):
        term, system = TERMS[word]
        begins = LATE_EVENTS.get(name, 1)
        # The committee's answer: severe events are the DLT of a patient who had one.
        limiting = patient["dlt"] == "Y" and grade >= SEVERE
        yield "ae", {
            "AESEQ": number, "AESPID": f"E{number}", "AETERM": term, "AEDECOD": term, "AEBODSYS": system,
            "AETOXGR": grade, "AESER": "N", "AESDTH": "N", "AESLIFE": "N",
            "AEREL": "UNLIKELY RELATED" if word in unlikely else "POSSIBLY RELATED",
            "AEACN": "DRUG WITHDRAWN" if limiting else "DOSE NOT CHANGED",
            "AEOUT": "RECOVERED/RESOLVED", "AESTDTC": on(begins), "AEENDTC": on(begins + EVENT_DAYS),
        }  # fmt: skip
        yield "suppae", {"RDOMAIN": "AE", "IDVAR": "AESEQ", "IDVARVAL": number, "QNAM": "AEDLT",
                         "QVAL": "Y" if limiting else "N"}  # fmt: skip
    if patient["response"]:
        yield "rs", {"RSSEQ": 1, "RSCAT": "TUMOUR", "RSTESTCD": "BESTRESP", "RSORRES": patient["response"],
                     "RSDTC": on(RESPONSE_DAY), "VISIT": f"DAY {RESPONSE_DAY}"}  # fmt: skip
    last = LAST_DAY if died is None else died - 1
    for number, day in enumerate((-7, 0, RESPONSE_DAY, last), 1):
        yield "sv", {"VISIT": f"DAY {day}", "VISITNUM": number, "SVSTDTC": on(day)}


def _toxicities(patient: Mapping[str, str]) -> list[tuple[str, str]]:
    """The toxicities of a patient, each with its grade; blank where the table gives none.

    >>> _toxicities({"toxicity": "ALT 2; Dyspnoea"})
    [('ALT', '2'), ('Dyspnoea', '')]
    """
    parts = [part.partition(" ") for part in patient["toxicity"].split("; ") if part]
    return [(word, grade) for word, _, grade in parts]


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
