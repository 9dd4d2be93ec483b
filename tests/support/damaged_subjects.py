"""A generated crowd whose records are damaged by chance: values at their limits, gaps, partial dates, odd histories.

For the audit and its second implementation in SQL: the damage reaches every criterion and every kind of missing data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import pandas as pd

from trialbook_demo import simulate_trial

Record = dict[str, str]
ENTRY = ("SCREENING", "BASELINE")
HISTORY = (
    "Allergy to platelet transfusion", "Anaphylaxis to blood product", "Hypersensitivity to rabbit ATG",
    "Allergic rhinitis", "Hepatic veno-occlusive disease", "Sinusoidal obstruction syndrome", "Pneumonia",
    "Lung infection", "Myocardial infarction", "Uncontrolled arrhythmia", "NYHA III heart failure",
    "Resistant hypertension", "Hypertension", "Deep vein thrombosis", "Pulmonary embolism", "Breast carcinoma",
    "Gastric carcinoma, resected", "Untreated melanoma", "Alcohol dependence", "Schizophrenia", "Hysterectomy",
    "Postmenopausal", "肺炎", "深静脉血栓", "酗酒", "实体瘤", "难治性高血压", "Diabetes",
)  # fmt: skip
TREATMENTS = (
    "Umbilical cord mesenchymal stem cells", "MSC infusion", "间充质干细胞", "Remestemcel-L", "Investigational drug X",
    "试验药物", "Oxygen therapy", "吸氧", "Mechanical ventilation", "Lorazepam",
)  # fmt: skip


def damaged_crowd(seed: int, subjects: int) -> dict[str, pd.DataFrame]:
    """Domains as text, of a generated trial with damage."""
    return _Damage(simulate_trial(seed=seed, subjects=subjects).frames(), Random(seed)).done()  # noqa: S311


def _moved(date: str, days: int) -> str:
    moved = pd.Timestamp(date[:10]) + pd.Timedelta(days=days)
    return f"{moved:%Y-%m-%d}{date[10:]}" if len(date) >= 10 else date


class _Damage:
    """Damages the frames of a trial in place; every choice is drawn from `chance`."""

    def __init__(self, frames: dict[str, pd.DataFrame], chance: Random) -> None:
        self._frames, self._chance = frames, chance
        given = frames["EX"][~frames["EX"]["EXDOSE"].isin(["", "0", "0.00"])]
        self._infused = given.groupby("USUBJID")["EXSTDTC"].min().to_dict()
        self._consent = frames["DM"].set_index("USUBJID")["RFICDTC"].to_dict()
        self._sparse = {subject for subject in self._consent if chance.random() < 0.4}
        self._recovered = {subject for subject in self._consent if chance.random() < 0.1}

    def done(self) -> dict[str, pd.DataFrame]:
        for code, change in {
            "LB": self._lab, "VS": self._vital_sign, "RS": self._stage, "FA": self._finding, "IE": self._answer,
            "CM": self._drug, "DM": self._person,
        }.items():  # fmt: skip
            self._each(code, change)
        self._add("MH", 3, self._history)
        self._add("CM", 2, self._treatment)
        self._add("DV", 1, self._waiver)
        self._add("LB", 1, self._clearance)
        return self._frames

    def _pick(self, choices: Sequence[str | int | float]) -> str:
        return str(self._chance.choice(choices))

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share

    def _each(self, code: str, change: Callable[[Record], Record | None]) -> None:
        frame = self._frames[code]
        kept = [made for record in frame.to_dict("records") if (made := change({str(k): v for k, v in record.items()}))]
        self._frames[code] = pd.DataFrame(kept, columns=frame.columns, dtype="str")

    def _add(self, code: str, most: int, make: Callable[[str], Record | None]) -> None:
        frame, made = self._frames[code], []
        for subject in self._consent:
            for _ in range(self._chance.randrange(most + 1)):
                record = make(subject)
                if record:
                    made.append({f"{code}SEQ": str(500 + len(made)), "USUBJID": subject, **record})
        more = pd.DataFrame(made, columns=frame.columns, dtype="str")
        self._frames[code] = pd.concat([frame, more], ignore_index=True).fillna("")

    def _lab(self, r: Record) -> Record | None:
        test, odd = r["LBTESTCD"], self._chance.random()
        if r["VISIT"] not in ENTRY or self._happens(0.5):
            return r
        if test in ("ALT", "AST", "INR", "UREA") and r["LBORNRHI"]:
            limit = float(r["LBORNRHI"]) * (1.5 if test == "INR" else 2)
            at = f"{limit * float(self._pick([0.5, 0.999, 1, 1, 1.001, 1.5])):.6g}"
            bound = self._pick(["<", ">"]) + f"{limit * float(self._pick([0.5, 1, 1.5])):.6g}"
            return self._changed(r, odd, [
                {"LBORRES": at}, {"LBORRES": at}, {"LBORNRHI": ""}, {"LBORRES": bound}, {"LBORRES": ""},
                {"LBORRES": "haemolysed"}, {"LBDTC": r["LBDTC"][:10]}, {"LBDTC": r["LBDTC"][:10] + "T12:00"}, None,
                {"LBORNRHI": "20"} if test == "UREA" else {},
            ])  # fmt: skip
        if test == "CREAT":
            return self._changed(r, odd, [
                {"LBORRES": self._pick([150, 200, 250, 300, 350, 400, 500])}, {"LBORRES": "<" + r["LBORRES"]},
                {"LBORRES": f"{float(r['LBORRES']) / 88.42:.2f}", "LBORRESU": "mg/dL"}, None, {"LBORRESU": "g/L"},
            ])  # fmt: skip
        if test in ("HIVAB", "TPAB", "HBSAG", "HCVAB"):
            words = ["POSITIVE", "INDETERMINATE", "阳性", "阴性", "弱阳性", "NEGATIVE", "NEGATIVE"]
            return self._changed(r, odd, [{"LBORRES": self._pick(words)}, {}, {}, None])
        if test in ("HBVDNA", "HCVRNA"):
            words = ["<20", "<1.0E+02", "TND", "未检出", "1500", "3.2E+04", "DETECTED", "20", "NEGATIVE", "POSITIVE"]
            return self._changed(r, odd, [{"LBORRES": self._pick(words)}, {}, None])
        if test == "HCG":
            return self._changed(r, odd, [{"LBORRES": "POSITIVE"}, {"LBORRES": "INDETERMINATE"}, None, {}])
        return r

    def _changed(self, record: Record, draw: float, choices: list[Record | None]) -> Record | None:
        chosen = choices[int(draw * len(choices))]
        return None if chosen is None else {**record, **chosen}

    def _clearance(self, subject: str) -> Record | None:
        value = self._pick(["30", "30.5", "29", "68", "<15", ">120", "<40"])
        day = _moved(self._consent[subject], 1) + "T07:00"
        record = {"LBTESTCD": "CREATCLR", "LBORRES": value, "LBORRESU": "mL/min", "LBDTC": day, "VISIT": "SCREENING"}
        return record if self._happens(0.3) else None

    def _vital_sign(self, r: Record) -> Record | None:
        body = r["VSTESTCD"] in ("WEIGHT", "HEIGHT") and r["VISIT"] in ENTRY
        if body and self._happens(0.1):
            return {**r, "VSDTC": _moved(r["VSDTC"], -9)}
        return None if body and self._happens(0.2) else r

    def _stage(self, r: Record) -> Record | None:
        if r["USUBJID"] in self._recovered and r["RSTESTCD"].endswith("STG"):
            return r if r["VISIT"] == "STEROID START" else {**r, "RSORRES": "0"}
        if r["RSTESTCD"] in ("ECOG101", "LANSKY") and self._happens(0.05):
            return {**r, "RSORRES": "3" if r["RSTESTCD"] == "ECOG101" else "40"}
        if r["USUBJID"] not in self._sparse or self._happens(0.8):
            return r
        other = {"ECOG101": ["0", "2"], "LANSKY": ["50", "60"], "AGVHGRD": ["0", "I", "IV"], "UGISTG": ["0"]}
        value = self._pick(other.get(r["RSTESTCD"], ["0", "1", "2", "3", "4"]))
        return self._changed(r, self._chance.random(), [None, {"RSORRES": ""}, {"RSORRES": value}])

    def _finding(self, r: Record) -> Record | None:
        if r["USUBJID"] in self._recovered:
            return None
        if r["USUBJID"] not in self._sparse or self._happens(0.7):
            return r
        other = {
            "RASHBSA": ["0", "10", "25", "50", "51", "80"], "ERYTHDRM": ["Y"], "BULLAE": ["Y"], "DESQBSA": ["5", "6"],
            "STOOLVOL": ["0", "499", "500", "999", "1000", "1500", "1501"], "STOOLN": ["2", "3", "4", "7", "8", "11"],
            "ABDPAIN": ["Y", "N"], "BLDSTOOL": ["Y", "N"], "NAUSEA": ["PERSISTENT", "NONE"],
        }  # fmt: skip
        value = self._pick(other.get(r["FATESTCD"], [r["FAORRES"]]))
        return None if self._happens(0.4) else {**r, "FAORRES": value}

    def _answer(self, r: Record) -> Record | None:
        if self._happens(0.94):
            return r
        turned = {**r, "IEORRES": "N" if r["IEORRES"] == "Y" else "Y"}
        # What was never infused, never tested and never answered is left out: two codes fit it.
        return turned if r["USUBJID"] not in self._infused or self._happens(0.5) else {**r, "IEORRES": ""}

    def _drug(self, r: Record) -> Record | None:
        if not r["CMDECOD"].startswith("METHYLPRED") or self._happens(0.75):
            return r
        less = str(round(float(r["CMDOSE"]) * float(self._pick([0.2, 0.5, 0.72, 0.8, 0.9])), 1))
        return self._changed(r, self._chance.random(), [
            {"CMDOSE": ""}, {"CMDOSE": less}, {"CMDOSE": less}, {"CMDECOD": "PREDNISONE", "CMTRT": "Prednisone"},
            {"CMDOSE": str(float(r["CMDOSE"]) / 2), "CMDOSFRQ": "BID"}, {"CMDOSE": "1.5", "CMDOSU": "mg/kg"},
            {"CMSTDTC": _moved(r["CMSTDTC"], -30)},
        ])  # fmt: skip

    def _person(self, r: Record) -> Record:
        if self._happens(0.8):
            return r
        year, rest = int(r["RFICDTC"][:4]), r["RFICDTC"][4:]
        edge = f"{year - self._chance.choice([4, 18, 71])}{rest}" if rest != "-02-29" else r["BRTHDTC"]
        births = [edge, _moved(edge, 1), _moved(edge, -1), r["BRTHDTC"][:4], r["BRTHDTC"][:7], f"{year - 4}", ""]
        return {**r, "BRTHDTC": self._pick(births)}

    def _days(self, subject: str, prefix: str) -> Record:
        """A start around the infusion or long before, at times partial, and perhaps an end."""
        day = self._infused.get(subject, _moved(self._consent[subject], 6))[:10]
        start = _moved(day, int(self._pick([-3000, -1500, -400, -200, -184, -100, -60, -20, -8, 1, 10])))
        end = _moved(day, int(self._pick([-1900, -500, -100, -84, -9, 3]))) if self._happens(0.4) else ""
        start = self._pick([start, start, start, start[:7], start[:4], ""])
        if end and end[: len(start)] < start:
            end = ""
        open_end = "ONGOING" if not end and self._happens(0.6) else ""
        return {f"{prefix}STDTC": start, f"{prefix}ENDTC": end, f"{prefix}ENRTPT": open_end}

    def _history(self, subject: str) -> Record:
        term = self._pick(HISTORY)
        severity = {"MHSEV": self._pick(["", "MILD", "MODERATE", "SEVERE"]), "MHTOXGR": self._pick(["", "", "2", "3"])}
        return {"MHTERM": term, "MHDECOD": term.upper(), "MHCAT": "OTHER", **severity, **self._days(subject, "MH")}

    def _treatment(self, subject: str) -> Record:
        name = self._pick(TREATMENTS)
        return {"CMTRT": name, "CMDECOD": name.upper(), "CMCAT": "OTHER", **self._days(subject, "CM")}

    def _waiver(self, subject: str) -> Record | None:
        column = self._pick(["EX01", "EX04", "EX04A", "EX09", "EX16", "IN05", "IN02"])
        record = {
            "DVTERM": f"Waiver of {column}",
            "DVDECOD": column,
            "DVCAT": "WAIVER",
            "DVSTDTC": self._consent[subject],
        }
        return record if self._happens(0.25) else None
