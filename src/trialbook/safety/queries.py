"""Questions to the site about adverse events and laboratory results (rulebook §3, problems P18, P23, P24)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.supplemental import qualifier
from trialbook.protocol.analysis import Analysis
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.queries.rule_texts import Phrase
from trialbook.safety.adae import UNCODED
from trialbook.safety.adlb import unknown_units
from trialbook.safety.ae_tables import fatal, seriousness_open
from trialbook.safety.ctcae import TERMS, Term
from trialbook.safety.lab_tables import NEEDED, matching_event
from trialbook.safety.relationship import SERIOUSNESS_CRITERIA, criterion_ticked, relationship_level

TEXTS = QueryTexts("queries/texts/safety.yaml")


def adverse_event_queries(adae: pd.DataFrame, domains: Domains) -> list[Query]:
    """Questions about single AE records: seriousness, grade, onset, coding, relationship, emergence, imputed ends."""
    asked = [
        *_seriousness(adae),
        *_fatal_again(adae),
        *_grades(adae),
        *_onset(adae),
        *_coding(adae),
        *_relationship(adae),
        *_emergence(adae, domains["SUPPAE"]),
        *_negative_durations(adae),
        *_parted(adae),
    ]
    return sorted(asked, key=lambda q: (q["subject"], q["record"], q["rule"]))


def _each(rule: str, rows: pd.DataFrame, severity: str = "") -> list[Query]:
    field = TEXTS.area.rules[rule].field
    return [
        TEXTS.query(rule, row["USUBJID"], record=f"AESEQ={row['AESEQ']}", severity=severity, observed=row.get(field))
        for _, row in rows.iterrows()
    ]


def _seriousness(adae: pd.DataFrame) -> list[Query]:
    given = adae["AESER"].fillna("").str.upper().str.strip()
    ticked = criterion_ticked(adae)
    severe = adae["ATOXGR"].ge(4).fillna(False).astype(bool)
    deadly = fatal(adae)
    # A criterion column that is empty throughout was not collected: nothing to hold against the site.
    collected = bool(adae[list(SERIOUSNESS_CRITERIA)].notna().any(axis=None))
    no_criterion = (given == "Y") & ~ticked if collected else pd.Series(False, index=adae.index)
    return [
        *_each("SAE-NO-CRITERION", adae[no_criterion]),
        *_each("SAE-CRITERION-NOT-SERIOUS", adae[(given == "N") & ticked]),
        *_each("SAE-FATAL-NOT-SERIOUS", adae[(given == "N") & ~ticked & deadly]),
        *_each("SAE-GRADE4-NOT-SERIOUS", adae[(given == "N") & severe & ~deadly]),
    ]


def _fatal_again(adae: pd.DataFrame) -> list[Query]:
    """Every further fatal event of a subject: only the event that led to death is grade 5 (§3.8)."""
    order = adae[fatal(adae)].sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable", na_position="last")
    events = order.drop_duplicates(["USUBJID", "EPISODE"])
    return _each("AE-FATAL-SEVERAL", events[events.duplicated("USUBJID")])


def _grades(adae: pd.DataFrame) -> list[Query]:
    # Without any grade in the file the grade is not collected at all: one statement in the report, no query per record.
    missing = adae[adae["ATOXGR"].isna()] if adae["ATOXGR"].notna().any() else adae.iloc[:0]
    return _each("AE-GRADE-MISSING", missing)


def _onset(adae: pd.DataFrame) -> list[Query]:
    """Events without any date of onset: major where the event is serious or may be."""
    missing = adae["AESTDTC"].fillna("").str.strip().eq("")
    major = adae["ASER"].eq("Y") | seriousness_open(adae)
    return [
        *_each("AE-START-MISSING", adae[missing & major], "major"),
        *_each("AE-START-MISSING", adae[missing & ~major], "minor"),
    ]


def _coding(adae: pd.DataFrame) -> list[Query]:
    uncoded = adae[(adae["ABODSYS"] == UNCODED) | adae["AEDECOD"].fillna("").str.strip().eq("")]
    return _each("AE-UNCODED", uncoded)


def _relationship(adae: pd.DataFrame) -> list[Query]:
    level = relationship_level(adae["AEREL"])
    return _each("AE-REL-UNASSESSABLE", adae[level == "unassessable"])


def _emergence(adae: pd.DataFrame, suppae: pd.DataFrame) -> list[Query]:
    """P18: the collected flag (AETRTEM, on the record or in SUPPAE) differs from the derived one, which wins."""
    answers = qualifier(suppae, adae, "AE", "AETRTEM")
    found = answers[answers["SURE"]].groupby("PARENT")["QVAL"].last().reindex(adae.index)
    if "AETRTEM" in adae.columns:
        found = adae["AETRTEM"].fillna(found)
    collected = found.astype("str").str.upper().map({"Y": "Y", "N": ""})
    rows = adae.assign(AETRTEM=found)[collected.notna() & (collected != adae["TRTEMFL"])]
    return _each("P18-AE-EMERGENCE-DIFFERS", rows)


def _parted(adae: pd.DataFrame) -> list[Query]:
    """Records with one id of the site and too many days between them: major where both are counted (A-153)."""
    keys = [adae["USUBJID"], adae["ADECOD"].str.upper()]
    later = adae["AGAPDY"].notna()
    counted = (adae["TRTEMFL"] == "Y") & (adae["SAFFL"] == "Y")
    both = counted & (adae["EPISODE"].where(counted).groupby(keys).transform("nunique") > 1)
    return [*_each("AE-LINK-GAP", adae[later & both], "major"), *_each("AE-LINK-GAP", adae[later & ~both], "minor")]


def _negative_durations(adae: pd.DataFrame) -> list[Query]:
    return _each("AE-END-IMPUTED-BEFORE-START", adae[adae["AENEGFL"] == "Y"])


def laboratory_queries(adlb: pd.DataFrame, adae: pd.DataFrame, analysis: Analysis) -> list[Query]:
    """Questions about laboratory results: a new grade 3 or 4 without an adverse event, and units we do not know."""
    severe = adlb[adlb["APOBLFL"].eq("Y") & adlb[["ATOXGRL", "ATOXGRH"]].max(axis=1).ge(3).fillna(False).astype(bool)]
    severe = severe[[name for name in NEEDED if name in severe]]
    asked = [
        q
        for term in TERMS
        for q in _without_event(severe[severe["PARAMCD"] == term.test], adae, term, analysis.lab_ae_match_days)
    ]
    units = unknown_units(adlb).drop_duplicates(["USUBJID", "PARAMCD", "AVALU"])
    asked += [
        TEXTS.query("LB-UNIT-UNKNOWN", row["USUBJID"], record=f"LBSEQ={row['LBSEQ']}", observed=row["LBORRESU"],
                    test=row["PARAMCD"])
        for _, row in units.iterrows()
    ]  # fmt: skip
    return sorted(asked, key=lambda q: (q["subject"], q["record"], q["rule"]))


def _without_event(severe: pd.DataFrame, adae: pd.DataFrame, term: Term, days: int) -> list[Query]:
    """One question per subject and term: the first new grade 3 or 4 with no event of that kind within `days`.

    `severe`: the results of the term's test after the infusion with grade 3 or 4 in one direction or the other.
    New = after the infusion and above the baseline grade. A result the investigator marked not clinically significant
    (LBCLSIG N) asks nothing.
    """
    if severe.empty:
        return []
    grade, base = severe[f"ATOXGR{term.direction}"], severe[f"BTOXGR{term.direction}"]
    new = (grade >= 3) & ~(grade <= base).fillna(False)
    rows = severe[new.fillna(False).astype(bool)]
    if "LBCLSIG" in rows.columns:
        rows = rows[rows["LBCLSIG"].fillna("").str.upper() != "N"]
    rows = rows.sort_values(["USUBJID", "ADT", "LBSEQ"], kind="stable")
    first = rows[matching_event(rows, adae, term, days) == ""].drop_duplicates("USUBJID")
    return [
        TEXTS.query(
            "LB-GRADE3-NO-AE", row["USUBJID"], record=f"LBSEQ={row['LBSEQ']}", days=days,
            observed=f"{row['PARAMCD']} grade {row[f'ATOXGR{term.direction}']}",
            term=Phrase(term.name, row["PARAMCD"]),
        )
        for _, row in first.iterrows()
    ]  # fmt: skip
