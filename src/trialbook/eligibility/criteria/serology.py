"""Infections by serology and replication (EX12, EX13) and pregnancy (EX15)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.eligibility.conditions import YES, in_words
from trialbook.eligibility.criterion_results import (
    BY_FORM,
    FAIL,
    NE,
    PASS,
    Found,
    condition_records,
    decide,
    result_records,
)
from trialbook.eligibility.parameters import number, words
from trialbook.eligibility.screening import Screening, in_window, last_result, window_text
from trialbook.protocol.criteria import Criterion
from trialbook.subjects.qualitative import NEGATIVE, POSITIVE, UNCLEAR, detection, reading

# ----------------------------------------------------------------------------------------------------

_SOURCES = ("LB", "MB", "IS")
_MISSING = "MISSING"
_LAST = ["READ", "TEXT", "UNIT", "ADT", "SRCDOM", "SRCSEQ"]


def hiv_tp_antibody(screening: Screening, criterion: Criterion) -> Found:
    """EX12: excluded where HIV or Treponema antibody is positive (A-32); passes where both are negative; else NE."""
    hiv, seen_hiv = _last_reading(screening, words(criterion, "hiv_tests"))
    syphilis, seen_tp = _last_reading(screening, words(criterion, "tp_tests"))
    judged = screening.subjects[["USUBJID"]].copy()
    either = hiv["READ"].eq(POSITIVE) | syphilis["READ"].eq(POSITIVE)
    both = hiv["READ"].eq(NEGATIVE) & syphilis["READ"].eq(NEGATIVE)
    judged["DATARESULT"] = _choose(judged.index, [(either, FAIL), (both, PASS)], NE)
    judged["FLAG"] = _unclear(hiv, syphilis)
    judged["EVIDENCE"] = _in_words(screening, {"HIV antibody": hiv, "TP antibody": syphilis})
    return _with_source(screening, criterion, judged, [hiv, syphilis], [seen_hiv, seen_tp])


def active_hepatitis(screening: Screening, criterion: Criterion) -> Found:
    """EX13: excluded where hepatitis B or C replicates (A-33).

    B: HBsAg positive with HBV-DNA at the limit of quantification or above. B is excluded by HBsAg negative or HBV-DNA
    not detected; otherwise NE. A carrier whose DNA is not detected passes and is marked. C: HCV-RNA detected. C is
    excluded by HCV-RNA not detected, or by a negative antibody with no RNA measured; else NE.
    """
    names = ("hbsag", "hbv_dna", "hcv_antibody", "hcv_rna")
    found = {
        name: _last_reading(screening, words(criterion, f"{name}_tests"), nucleic=name in ("hbv_dna", "hcv_rna"),
                            quantified=name == "hbv_dna")
        for name in names
    }  # fmt: skip
    hbsag, dna, antibody, rna = (found[name][0] for name in names)
    index = screening.subjects.index
    active_b = hbsag["READ"].eq(POSITIVE) & dna["READ"].eq(POSITIVE)
    no_b = hbsag["READ"].eq(NEGATIVE) | dna["READ"].eq(NEGATIVE)
    active_c = rna["READ"].eq(POSITIVE)
    no_c = rna["READ"].eq(NEGATIVE) | (antibody["READ"].eq(NEGATIVE) & rna["READ"].eq(_MISSING))
    judged = screening.subjects[["USUBJID"]].copy()
    judged["DATARESULT"] = _choose(index, [(active_b | active_c, FAIL), (no_b & no_c, PASS)], NE)
    occult = hbsag["READ"].eq(NEGATIVE) & dna["READ"].eq(POSITIVE)
    carrier = hbsag["READ"].eq(POSITIVE) & dna["READ"].eq(NEGATIVE) & judged["DATARESULT"].eq(PASS)
    flag = _unclear(hbsag, dna, antibody, rna).mask(carrier, "HBSAG-CARRIER")
    judged["FLAG"] = flag.mask(occult, "DNA-WITHOUT-HBSAG")
    tests = {"HBsAg": hbsag, "HBV-DNA": dna, "HCV antibody": antibody, "HCV-RNA": rna}
    judged["EVIDENCE"] = _in_words(screening, tests)
    return _with_source(screening, criterion, judged, list(tests.values()), [found[name][1] for name in names])


def pregnancy(screening: Screening, criterion: Criterion) -> Found:
    """EX15: excluded where HCG is positive in a female subject, or she is lactating.

    NE where a female of `minimum_age` or more (or of unknown age, or after menarche) who may become pregnant has no
    clear HCG result in its window (A-34), and where the sex of a subject with a positive HCG is not known. Otherwise
    the form decides: no data test contraception, for both sexes.
    """
    days = int(number(criterion, "hcg_window_days"))
    hcg, seen = _last_reading(screening, ["HCG"], days=days)
    people = screening.subjects
    female, male = people["SEX"].eq("F"), people["SEX"].eq("M")
    lactating, shown = _states(screening, criterion, "lactation")
    needs = ~male & _may_bear(screening, criterion)
    answered = hcg["READ"].isin([POSITIVE, NEGATIVE])
    judged = people[["USUBJID"]].copy()
    excluded = female & (hcg["READ"].eq(POSITIVE) | lactating)
    unsure = ~female & ~male & (hcg["READ"].eq(POSITIVE) | lactating)
    judged["DATARESULT"] = _choose(judged.index, [(excluded, FAIL), ((needs & ~answered) | unsure, NE)], BY_FORM)
    judged["FLAG"] = _unclear(hcg).where(needs, "").mask(needs & hcg["READ"].eq(_MISSING), "HCG-MISSING")
    judged["FLAG"] = judged["FLAG"].mask(unsure, "SEX-NOT-KNOWN")
    said = _in_words(screening, {"HCG": hcg}, days)
    not_needed = pd.Series("HCG not required", index=people.index).mask(male, "male: contraception by the form")
    lactation = pd.Series("", index=people.index).mask(female & lactating, "; lactating")
    judged["EVIDENCE"] = said.where(needs | excluded | unsure, not_needed) + lactation
    return _with_source(screening, criterion, judged, [hcg], [seen], [shown])


def _may_bear(screening: Screening, criterion: Criterion) -> pd.Series:
    """Who may become pregnant: the answer of SUPPDM, else by age or menarche, unless a history says that she cannot."""
    people = screening.subjects
    child = (people["AGE"] < number(criterion, "minimum_age")).fillna(False).astype(bool)
    menarche, _ = _states(screening, criterion, "menarche", past=True)
    cannot = screening.conditions(["MH", "PR"], words(criterion, "no_childbearing_terms"))
    asked = _supplied(screening, words(criterion, "childbearing_names")).reindex(people["USUBJID"]).to_numpy()
    by_age = (~child | menarche) & ~people["USUBJID"].isin(cannot["USUBJID"])
    return by_age.mask(asked == "Y", True).mask(asked == "N", False)


def _states(
    screening: Screening, criterion: Criterion, name: str, *, past: bool = False
) -> tuple[pd.Series, pd.DataFrame]:
    """Who is in a state by SUPPDM (`<name>_names`), or by a history present at the reference day (`past`: begun by
    it), and the records of the history."""
    rows = screening.conditions(["MH", "CE", "AE"], words(criterion, f"{name}_terms"))
    rows = rows[rows["BEGUN" if past else "PRESENT"].eq(YES)].reset_index(drop=True)
    supplied = _supplied(screening, words(criterion, f"{name}_names"))
    people = screening.subjects["USUBJID"]
    holds = people.isin(rows["USUBJID"]) | people.map(supplied).eq("Y")
    return holds, condition_records(rows, in_words(rows))


def _supplied(screening: Screening, names: list[str]) -> pd.Series:
    """The answer (Y or N) of SUPPDM to one of some questions, by USUBJID; Y where answers differ."""
    supp = screening.domains["SUPPDM"]
    own = supp[supp["QNAM"].str.upper().isin(names)]
    answer = own["QVAL"].str.strip().str.upper()
    return answer[answer.isin(["Y", "N"])].groupby(own["USUBJID"]).max()


def _last_reading(
    screening: Screening, tests: list[str], *, nucleic: bool = False, quantified: bool = False, days: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last result in the window by subject: READ (MISSING without one) TEXT UNIT ADT SRCDOM SRCSEQ; and all of it.

    Of two results at one time a positive one counts before an unclear one before a negative one. `quantified`: a number
    below the limit of quantification of its record (else its upper limit) is negative.
    """
    window = screening.analysis.sero_window_days if days is None else days
    rows = in_window(screening.results(_SOURCES, tests), window)
    known = screening.protocol.code_lists
    if nucleic:
        least = rows["LLOQ"].fillna(rows["HIGH"]) if quantified else None
        rows["READ"] = detection(rows["TEXT"], rows["VALUE"], rows["SIGN"], known, least)
    else:
        rows["READ"] = reading(rows["TEXT"], rows["VALUE"], rows["SIGN"], rows["HIGH"], known)
    last = last_result(rows, rows["READ"].map({NEGATIVE: 0.0, UNCLEAR: 1.0, POSITIVE: 2.0}))
    found = last.set_index("USUBJID")[_LAST]
    found = found.reindex(screening.subjects["USUBJID"]).set_axis(screening.subjects.index)
    shown = result_records(rows, says=rows["READ"].str.lower())
    return found.assign(READ=found["READ"].fillna(_MISSING).astype("str")), shown


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
    screening: Screening, criterion: Criterion, judged: pd.DataFrame, tests: Sequence[pd.DataFrame],
    *looked_at: Sequence[pd.DataFrame],
) -> Found:  # fmt: skip
    """The finding with the record that decides: the first positive test, else the first with any result."""
    order = [test[test["READ"].eq(POSITIVE)] for test in tests] + [test[test["READ"].ne(_MISSING)] for test in tests]
    stacked = pd.concat([part[["ADT", "SRCDOM", "SRCSEQ"]] for part in order])
    first = stacked[~stacked.index.duplicated()].reindex(judged.index)
    shown = [part for parts in looked_at for part in parts]
    return decide(screening, criterion.id, judged.assign(**{name: first[name] for name in first}), NE, "", shown)
