"""Published trials (rulebook §7) as raw snapshots: as many subjects, responses and deaths as were reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from support.raw_export import AE, DM, EX, rows, write_csv

START = date(2024, 1, 10)
LAST_SEEN = 200
STAGES = ("SKINSTG", "LIVERSTG", "UGISTG", "LGISTG")
BASELINE, BETTER, SAME, CLEAR = (3, 0, 0, 0), (1, 0, 0, 0), (3, 0, 0, 0), (0, 0, 0, 0)


@dataclass(frozen=True)
class Arm:
    """One group of a published trial: subjects, responders (of them complete, of them durable), days of death."""

    subjects: int
    responders: int
    complete: int
    durable: int = 0
    deaths: tuple[int, ...] = ()

    def courses(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int | None]]:
        """Stages at day 28 and 56, and the day of death of each subject: responders first, deaths from the end."""
        for number in range(self.subjects):
            at_28 = CLEAR if number < self.complete else BETTER if number < self.responders else SAME
            left = self.subjects - 1 - number
            died = self.deaths[left] if left < len(self.deaths) else None
            yield at_28, at_28 if number < self.durable else SAME, died


def write_snapshot(folder: Path, arms: dict[str, Arm]) -> Path:
    """A snapshot with one subject per published subject; arms are dose levels. Returns the folder."""
    folder.mkdir(parents=True)
    records: dict[str, list[dict[str, object]]] = {name: [] for name in ("dm", "ex", "rs", "sv", "ds")}
    for level, arm in arms.items():
        for at_28, at_56, died in arm.courses():
            number = len(records["dm"]) + 1
            who = {"USUBJID": f"P-{number:03d}"}
            dead = "" if died is None else _day(died)
            named = {**who, "SUBJID": f"{number:03d}", "ARMCD": level, "ACTARMCD": level}
            dated = {"RFICDTC": _day(-7), "DTHDTC": dead, "DTHFL": "Y" if dead else ""}
            records["dm"] += rows(DM, {**named, **dated})
            dose = {"DL1": "1", "DL2": "2", "DL3": "4"}[level]
            when = f"{_day(0)}T10:00"
            records["ex"] += rows(EX, {**who, "EXDOSE": dose, "EXSTDTC": when, "EXENDTC": when})
            records["ds"].append({**who, "DSSEQ": 1, "DSDECOD": "INFORMED CONSENT OBTAINED", "DSSTDTC": _day(-7)})
            assessed = [(-1, BASELINE), (28, at_28), (56, at_56)]
            records["rs"] += _assessments(who, [a for a in assessed if died is None or a[0] < died])
            last = LAST_SEEN if died is None else died - 1
            records["sv"].append({**who, "VISIT": "FOLLOW-UP", "VISITNUM": 9, "SVSTDTC": _day(last)})
    for name, found in records.items():
        write_csv(folder / f"{name}.csv", found)
    write_csv(folder / "ae.csv", rows(AE, {"USUBJID": "P-001", "AESTDTC": _day(2), "AEENDTC": _day(3)}))
    write_csv(folder / "cm.csv", [], columns=["USUBJID", "CMSEQ", "CMTRT", "CMDECOD", "CMDOSE", "CMDOSU", "CMROUTE",
                                              "CMSTDTC", "CMENDTC"])  # fmt: skip
    write_csv(folder / "ce.csv", [], columns=["USUBJID", "CESEQ", "CETERM", "CEDECOD", "CESTDTC"])
    return folder


def _day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def _assessments(who: dict[str, str], assessed: list[tuple[int, tuple[int, ...]]]) -> list[dict[str, object]]:
    return [
        {**who, "RSSEQ": 4 * k + j, "RSCAT": "MAGIC", "RSTESTCD": test, "RSORRES": stage, "RSDTC": _day(number),
         "VISIT": f"DAY {number}"}
        for k, (number, stages) in enumerate(assessed)
        for j, (test, stage) in enumerate(zip(STAGES, stages, strict=True), 1)
    ]  # fmt: skip
