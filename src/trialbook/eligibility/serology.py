"""Infections by serology and replication (EX12, EX13) and pregnancy (EX15)."""

from __future__ import annotations

import pandas as pd

from trialbook.eligibility.findings import BY_FORM, FAIL, NE, PASS, decide
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.qualitative import NEGATIVE, POSITIVE, UNCLEAR, detection, reading
from trialbook.eligibility.results_in_window import in_window, last_result, window_text
from trialbook.eligibility.screening import Screening
from trialbook.protocol.models import Criterion
from trialbook.terms import holds_term

_SOURCES = ("LB", "MB", "IS")
_MISSING = "MISSING"


def hiv_tp_antibody(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX12: excluded where HIV or Treponema antibody is positive (A-32); passes where both are negative; else NE."""
    hiv = _last_reading(screening, words(criterion, "hiv_tests"))
    syphilis = _last_reading(screening, words(criterion, "tp_tests"))
    records = screening.subjects[["USUBJID"]].copy()
    either = hiv["READ"].eq(POSITIVE) | syphilis["READ"].eq(POSITIVE)
    both = hiv["READ"].eq(NEGATIVE) & syphilis["READ"].eq(NEGATIVE)
    records["DATARESULT"] = _choose(records.index, [(either, FAIL), (both, PASS)], NE)
    records["FLAG"] = _unclear(hiv, syphilis)
    records["EVIDENCE"] = _in_words(screening, {"HIV antibody": hiv, "TP antibody": syphilis})
    return _with_source(screening, criterion, records, hiv, syphilis)


def active_hepatitis(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX13: excluded where hepatitis B or C replicates (A-33).

    B: HBsAg positive with HBV-DNA detected. B is excluded by HBsAg negative or HBV-DNA not detected; otherwise NE.
    C: HCV-RNA detected. C is excluded by HCV-RNA not detected, or by a negative antibody with no RNA measured; else NE.
    """
    hbsag = _last_reading(screening, words(criterion, "hbsag_tests"))
    dna = _last_reading(screening, words(criterion, "hbv_dna_tests"), nucleic=True)
    antibody = _last_reading(screening, words(criterion, "hcv_antibody_tests"))
    rna = _last_reading(screening, words(criterion, "hcv_rna_tests"), nucleic=True)
    index = screening.subjects.index
    active_b = hbsag["READ"].eq(POSITIVE) & dna["READ"].eq(POSITIVE)
    no_b = hbsag["READ"].eq(NEGATIVE) | dna["READ"].eq(NEGATIVE)
    active_c = rna["READ"].eq(POSITIVE)
    no_c = rna["READ"].eq(NEGATIVE) | (antibody["READ"].eq(NEGATIVE) & rna["READ"].eq(_MISSING))
    records = screening.subjects[["USUBJID"]].copy()
    records["DATARESULT"] = _choose(index, [(active_b | active_c, FAIL), (no_b & no_c, PASS)], NE)
    occult = hbsag["READ"].eq(NEGATIVE) & dna["READ"].eq(POSITIVE)
    records["FLAG"] = _unclear(hbsag, dna, antibody, rna).mask(occult, "DNA-WITHOUT-HBSAG")
    tests = {"HBsAg": hbsag, "HBV-DNA": dna, "HCV antibody": antibody, "HCV-RNA": rna}
    records["EVIDENCE"] = _in_words(screening, tests)
    return _with_source(screening, criterion, records, hbsag, dna, antibody, rna)


def pregnancy(screening: Screening, criterion: Criterion) -> pd.DataFrame:
    """EX15: excluded where HCG is positive in a female subject.

    NE where a female of `minimum_age` or more (or of unknown age) who may bear children has no clear HCG result in its
    window (A-34). Otherwise the form decides: no data test contraception and lactation, for both sexes.
    """
    days = int(number(criterion, "hcg_window_days"))
    hcg = _last_reading(screening, ["HCG"], days=days)
    people = screening.subjects
    female, male = people["SEX"].eq("F"), people["SEX"].eq("M")
    child = (people["AGE"] < number(criterion, "minimum_age")).fillna(False).astype(bool)
    history = screening.conditions(["MH", "PR"])
    cannot = history[holds_term(history["TEXT"], words(criterion, "no_childbearing_terms"))]
    needs = ~male & ~child & ~people["USUBJID"].isin(cannot["USUBJID"])
    answered = hcg["READ"].isin([POSITIVE, NEGATIVE])
    records = people[["USUBJID"]].copy()
    positive = female & hcg["READ"].eq(POSITIVE)
    records["DATARESULT"] = _choose(records.index, [(positive, FAIL), (needs & ~answered, NE)], BY_FORM)
    records["FLAG"] = _unclear(hcg).where(needs, "").mask(needs & hcg["READ"].eq(_MISSING), "HCG-MISSING")
    said = _in_words(screening, {"HCG": hcg}, days)
    not_needed = pd.Series("HCG not required", index=people.index).mask(male, "male: contraception by the form")
    records["EVIDENCE"] = said.where(needs | positive, not_needed)
    return _with_source(screening, criterion, records, hcg)


def _last_reading(
    screening: Screening, tests: list[str], *, nucleic: bool = False, days: int | None = None
) -> pd.DataFrame:
    """The last result in the window by subject: READ (MISSING without one) TEXT UNIT ADT SRCDOM SRCSEQ.

    Of two results at one time a positive one counts before an unclear one before a negative one.
    """
    window = screening.analysis.sero_window_days if days is None else days
    rows = in_window(screening.results(_SOURCES, tests), screening, window)
    if nucleic:
        rows["READ"] = detection(rows["TEXT"], rows["VALUE"], rows["SIGN"])
    else:
        rows["READ"] = reading(rows["TEXT"], rows["VALUE"], rows["SIGN"], rows["HIGH"])
    last = last_result(rows, rows["READ"].map({NEGATIVE: 0.0, UNCLEAR: 1.0, POSITIVE: 2.0}))
    found = last.set_index("USUBJID")[["READ", "TEXT", "UNIT", "ADT", "SRCDOM", "SRCSEQ"]]
    found = found.reindex(screening.subjects["USUBJID"]).set_axis(screening.subjects.index)
    return found.assign(READ=found["READ"].fillna(_MISSING).astype("str"))


def _choose(index: pd.Index, cases: list[tuple[pd.Series, str]], otherwise: str) -> pd.Series:
    """The result of the first case that holds."""
    result = pd.Series(otherwise, index=index, dtype="str")
    for condition, value in reversed(cases):
        result = result.mask(condition, value)
    return result


def _unclear(*tests: pd.DataFrame) -> pd.Series:
    """The flag INDETERMINATE where any result is neither positive nor negative."""
    doubt = pd.concat([test["READ"].eq(UNCLEAR) for test in tests], axis=1).any(axis=1)
    return pd.Series("", index=doubt.index, dtype="str").mask(doubt, "INDETERMINATE")


def _in_words(screening: Screening, tests: dict[str, pd.DataFrame], days: int | None = None) -> pd.Series:
    window = window_text(screening, screening.analysis.sero_window_days if days is None else days)
    parts = []
    for name, test in tests.items():
        dated = (
            name + " " + (test["TEXT"] + " " + test["UNIT"]).str.strip() + " on " + test["ADT"].dt.strftime("%Y-%m-%d")
        )
        parts.append(dated.where(test["READ"] != _MISSING, name + " missing from " + window))
    return pd.Series(["; ".join(said) for said in zip(*parts, strict=True)], index=window.index, dtype="str")


def _with_source(
    screening: Screening, criterion: Criterion, records: pd.DataFrame, *tests: pd.DataFrame
) -> pd.DataFrame:
    """The finding with the record that decides: the first positive test, else the first with any result."""
    order = [test[test["READ"].eq(POSITIVE)] for test in tests] + [test[test["READ"].ne(_MISSING)] for test in tests]
    stacked = pd.concat([part[["ADT", "SRCDOM", "SRCSEQ"]] for part in order])
    first = stacked[~stacked.index.duplicated()].reindex(records.index)
    return decide(screening, criterion.id, records.assign(**{name: first[name] for name in first}), NE, "")
