"""Builds small trials from a few words: `trial().subject("S01").infused(0).died(10).domains()`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trialbook.core.domains import VARIABLES, Domains, clean_variables, column_type

FIRST_INFUSION = pd.Timestamp("2025-01-10")


class TrialBuilder:
    """Collects clean SDTM records of made-up subjects; days are REL_DAYs of the current subject's first infusion."""

    def __init__(self, study: str = "iMSC-2001") -> None:
        self._study = study
        self._records: dict[str, list[dict[str, Any]]] = {code: [] for code in ("DM", "EX", "AE")}
        self._id, self._start = "", FIRST_INFUSION

    def subject(
        self, name: str, *, level: str = "DL1", actual: str | None = None, sex: str = "M", age: int = 40,
        start: str | None = None, **dm: Any,
    ) -> TrialBuilder:  # fmt: skip
        """Starts a subject who consented 7 days before `start`, the date of day 0."""
        self._id = f"{self._study}-{name}"
        self._start = pd.Timestamp(start) if start else FIRST_INFUSION
        consent = self.date(-7)
        birth = f"{int(consent[:4]) - age - 1}-12-31"
        record = dict(
            STUDYID=self._study, SUBJID=name, SITEID="01", RFICDTC=consent, BRTHDTC=birth, AGE=float(age), AGEU="YEARS",
            SEX=sex, ARMCD=level, ARM=level, ACTARMCD=actual or level, ACTARM=actual or level,
        )  # fmt: skip
        return self.add("DM", **{**record, **dm}).add("DS", DSDECOD="INFORMED CONSENT OBTAINED", DSSTDTC=consent)

    def goes_on_with(self, name: str) -> TrialBuilder:
        """Turns back to a subject who was added before, whose day 0 is the usual one."""
        self._id, self._start = f"{self._study}-{name}", FIRST_INFUSION
        return self

    def consented(self, date: str | None) -> TrialBuilder:
        """Another date of consent of the current subject, in DM and DS; None = none is known."""
        for domain, name in (("DM", "RFICDTC"), ("DS", "DSSTDTC")):
            own = [record for record in self._records[domain] if record["USUBJID"] == self._id]
            own[0][name] = date
        return self

    def date(self, day: int | str) -> str:
        """ISO date of a REL_DAY; a text is taken as it is (a partial date, say)."""
        return day if isinstance(day, str) else (self._start + pd.Timedelta(days=day)).strftime("%Y-%m-%d")

    def add(self, domain: str, **values: Any) -> TrialBuilder:
        """A record of any domain for the current subject; --SEQ counts by itself."""
        records = self._records.setdefault(domain, [])
        seq = f"{domain}SEQ"
        if seq in _variables(domain) and seq not in values:
            values[seq] = 1 + sum(r["USUBJID"] == self._id for r in records)
        if f"{domain}ORRES" in values and f"{domain}ORRESN" not in values:
            text = str(values[f"{domain}ORRES"])
            sign = text[:1] if text[:1] in ("<", ">") else ""
            values |= {
                f"{domain}ORRES": text,
                f"{domain}ORRESN": pd.to_numeric(text.removeprefix(sign), errors="coerce"),
            }
            values.setdefault(f"{domain}ORRESOP", sign)
        records.append({"USUBJID": self._id, "SRCROW": len(records) + 2, **values})
        return self

    def infused(self, day: int | str, dose: float = 1.0, time: str = "T10:00", **ex: Any) -> TrialBuilder:
        """An infusion of `dose` x 10^6 cells/kg."""
        when = self.date(day) + time if isinstance(day, int) else day
        record = dict(EXTRT="iMSC", EXDOSE=dose, EXDOSU="10^6 cells/kg", EXSTDTC=when, EXENDTC=when)
        return self.add("EX", **{**record, **ex})

    def event(
        self, term: str, day: int | str, grade: int = 1, *, end: int | str | None = None,
        related: str = "NOT RELATED", serious: str = "N", soc: str = "General disorders", **ae: Any,
    ) -> TrialBuilder:  # fmt: skip
        """An adverse event that starts on a REL_DAY (or partial date)."""
        ending = None if end is None else self.date(end)
        record = dict(
            AETERM=term, AEDECOD=term, AEBODSYS=soc, AETOXGR=str(grade), AESER=serious, AEREL=related,
            AESTDTC=self.date(day), AEENDTC=ending,
        )  # fmt: skip
        return self.add("AE", **{**record, **ae})

    def lab(self, test: str, value: float | str, day: int | str, *, unit: str = "U/L", low: float | None = None,
            high: float | None = None, **lb: Any) -> TrialBuilder:  # fmt: skip
        """A laboratory result with its reference limits."""
        return self.add("LB", LBTESTCD=test, LBORRES=value, LBORRESU=unit, LBORNRLO=low, LBORNRHI=high,
                        LBDTC=self.date(day), **lb)  # fmt: skip

    def stages(
        self, day: int | str, skin: int | None, liver: int | None, ugi: int | None, lgi: int | None
    ) -> TrialBuilder:
        """A MAGIC organ-stage assessment; None = that organ is missing."""
        for code, stage in zip(("SKINSTG", "LIVERSTG", "UGISTG", "LGISTG"), (skin, liver, ugi, lgi), strict=True):
            if stage is not None:
                self.add("RS", RSCAT="MAGIC", RSTESTCD=code, RSORRES=stage, RSDTC=self.date(day))
        return self

    def drug(self, name: str, day: int | str, *, end: int | str | None = None, dose: float | None = None,
             unit: str = "mg", category: str = "", **cm: Any) -> TrialBuilder:  # fmt: skip
        """A concomitant medication."""
        return self.add("CM", CMTRT=name, CMDECOD=name.upper(), CMCAT=category, CMDOSE=dose, CMDOSU=unit,
                        CMSTDTC=self.date(day), CMENDTC=None if end is None else self.date(end), **cm)  # fmt: skip

    def seen(self, day: int | str, visit: str = "VISIT") -> TrialBuilder:
        """A visit."""
        return self.add("SV", VISIT=visit, SVSTDTC=self.date(day))

    def died(self, day: int | str) -> TrialBuilder:
        """The death of the current subject in DM and DS."""
        record = next(r for r in self._records["DM"] if r["USUBJID"] == self._id)
        record |= {"DTHFL": "Y", "DTHDTC": self.date(day)}
        return self.add("DS", DSDECOD="DEATH", DSSTDTC=self.date(day))

    def finding(self, test: str, value: float | str, day: int | str, *, unit: str = "") -> TrialBuilder:
        """A raw finding of acute GVHD."""
        return self.add("FA", FAOBJ="ACUTE GVHD", FATESTCD=test, FAORRES=value, FAORRESU=unit, FADTC=self.date(day))

    def delivers(self, *domains: str) -> TrialBuilder:
        """Says that these domains were delivered, with or without records."""
        for code in domains:
            self._records.setdefault(code, [])
        return self

    def domains(self) -> Domains:
        """The clean domains so far; a domain without a record was not delivered (but DM, EX, AE always are)."""
        return Domains({code: _frame(code, records) for code, records in self._records.items()})


def _variables(code: str) -> list[str]:
    """The variables of a clean domain; of one that no rule rests on (DA, SUPPEX) those of its records."""
    return clean_variables(code) if code in VARIABLES else []


def _frame(code: str, records: list[dict[str, Any]]) -> pd.DataFrame:
    names = _variables(code)
    extra = [name for record in records for name in record if name not in names]
    columns = list(dict.fromkeys([*names, *extra]))
    frame = pd.DataFrame(records, columns=columns)
    return frame.astype({name: column_type(name) for name in columns})


def trial() -> TrialBuilder:
    """An empty trial to build."""
    return TrialBuilder()
