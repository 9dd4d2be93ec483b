"""Queries about the response at day 28: windows, baseline, missing organs, partial dates, disagreement (P27-P31)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from trialbook.core.dates import latest_date
from trialbook.core.domains import Domains
from trialbook.core.messages import joined, msg
from trialbook.drugs.records import drugs_in_force, medications
from trialbook.efficacy.assessment_days import Landmark, counted_day, dates_of
from trialbook.efficacy.delivery import lacking
from trialbook.efficacy.therapies import FOR_GVHD, NEAR_NAME, NEW_BACKGROUND, OTHER_USE, open_records
from trialbook.gvhd.assessments import differing_records
from trialbook.gvhd.queries import stage_queries
from trialbook.gvhd.response_rules import INCOMPLETE, RESPONDERS
from trialbook.gvhd.steroids import is_steroid, is_systemic, known_mass
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.drug_dictionary import STEROID, THERAPY
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query, QueryTexts
from trialbook.subjects.disposition import withdrawal_queries, withdrawals

# ----------------------------------------------------------------------------------------------------
# Drugs started after the infusion that may be therapy of acute GVHD: what the site is asked about them (P31).


TEXTS = QueryTexts("queries/texts/efficacy.yaml")
SHARED_TEXTS = QueryTexts("queries/texts/shared.yaml")
RULE_OF = {NEAR_NAME: "P31-CM-NEAR-NAME", OTHER_USE: "P31-CM-PURPOSE", NEW_BACKGROUND: "P31-CM-BACKGROUND-STARTED"}


def medication_queries(
    domains: Domains, treated: pd.DataFrame, responses: pd.DataFrame, analysis: Analysis
) -> list[Query]:  # fmt: skip
    """Questions about drugs of treated subjects (`treated`: USUBJID TRTSDT) that may have started after the infusion.

    `responses`: `day28_response`. One line per subject and drug, however many records it has.
    """
    found = open_records(domains, treated, analysis)
    moves = can_move_response(found, treated, responses, analysis)
    return [*_about_drugs(found, moves, domains), *_about_doses(domains, treated, analysis)]


def can_move_response(
    found: pd.DataFrame, treated: pd.DataFrame, responses: pd.DataFrame, analysis: Analysis
) -> pd.Series:  # fmt: skip
    """Whether each possible therapy (USUBJID COUNTDT) can change the response at day 28 of its subject.

    It must start by the day-28 assessment (by day 28 without one), of a subject whose stages give a response or leave
    it open, and who is no non-responder for another reason. Of a pending subject, by the last day of the day-28 window.
    """
    if analysis.newtx_strategy_orr != "composite" or responses.empty:
        return pd.Series(False, index=found.index)
    own = responses.set_index("USUBJID")
    start = dates_of(found["USUBJID"], treated.set_index("USUBJID")["TRTSDT"])
    day, reason = own["ADT"], own["REASON"]
    at = Landmark.day_28(analysis)
    shift = 1 if analysis.day_numbering == "CDISC" else 0
    last = dates_of(found["USUBJID"], day).fillna(start + pd.Timedelta(days=at.day - shift))
    pending = found["USUBJID"].isin(own.index[own["MAT28FL"] != "Y"])
    last = last.mask(pending, start + pd.Timedelta(days=analysis.d28_window[1] - shift))
    by_stages = own["RSPSTG"].isin([*RESPONDERS, INCOMPLETE])
    uncertain = (reason == "NEWTX") & (own["EVNTCERT"] == "")
    open_now = own["AVALC"].isin(RESPONDERS) | (by_stages & ((reason == "INCOMPLETE") | uncertain))
    return (found["COUNTDT"] <= last) & (pending | found["USUBJID"].isin(own.index[open_now]))


def _about_drugs(found: pd.DataFrame, moves: pd.Series, domains: Domains) -> Iterator[Query]:
    # A column that is empty throughout was not coded at all: that a drug has no standard name says nothing then.
    coded = bool(domains["CM"]["CMDECOD"].notna().any())
    rule = found["WHY"].map(RULE_OF).fillna("P31-CM-UNCLASSIFIED")
    listed = found["WHY"].isin(list(RULE_OF))
    rule = rule.mask(~listed & coded & ~found["CODED"].astype("bool"), "P31-CM-UNCODED")
    rule = rule.mask(~listed & (found["PURPOSE"] == FOR_GVHD), "P31-CM-GVHD-UNLISTED")
    rows = found.assign(RULE=rule, MOVES=moves).sort_values(["USUBJID", "EVNTDT", "SRCSEQ"], kind="stable")
    for _, group in rows.groupby(["USUBJID", "TERM", "RULE"], sort=True):
        first = group.iloc[0]
        yield _ask_about_drug(first, bool(group["MOVES"].any()), len(group))


def _ask_about_drug(row: pd.Series, moves: bool, records: int) -> Query:
    effect = "MAJOR" if moves else "MINOR"
    kind = TEXTS.phrase(f"KIND-{row['NEARCLASS']}") if row["NEARCLASS"] else ""
    return TEXTS.query(
        row["RULE"], row["USUBJID"], row["SRCDOM"], record=f"{row['SRCDOM']}SEQ={row['SRCSEQ']}",
        severity=TEXTS.area.rules[row["RULE"]].severity or effect.lower(),
        observed=row["REPORTED"] + (f" ({records} records)" if records > 1 else ""),
        name=row["REPORTED"], near=row["NEAR"], kind=kind, effect=TEXTS.phrase(f"EFFECT-{effect}"),
    )  # fmt: skip


def _about_doses(domains: Domains, treated: pd.DataFrame, analysis: Analysis) -> Iterator[Query]:
    """Records of several drugs, and steroids without a dose, that run after the infusion."""
    drugs = drugs_in_force(analysis)
    named = medications(domains, "CM", drugs)
    cm = domains["CM"].assign(
        LOCAL=named.column(lambda one: one.local, "bool"),
        SEVERAL=named.column(lambda one: len({drug.name for drug in one.of(THERAPY, STEROID)}) > 1, "bool"),
    )
    cm = cm[is_systemic(cm, analysis.local_routes, cm["LOCAL"])]
    cm = cm.merge(treated[["USUBJID", "TRTSDT"]], on="USUBJID", how="inner", validate="many_to_one")
    # A missing start may be any day, a missing end means ongoing.
    runs = ~(latest_date(cm["CMSTDTC"]) <= cm["TRTSDT"]) | ~(latest_date(cm["CMENDTC"]) < cm["TRTSDT"])
    for row in cm[runs & cm["SEVERAL"]].itertuples():
        yield TEXTS.query("P31-CM-COMBINED", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=row.CMTRT)
    unknown = cm[runs & is_steroid(cm, drugs) & ~known_mass(cm)]
    for row, dose in zip(unknown.itertuples(), _dose(unknown), strict=True):
        yield TEXTS.query("P31-CM-STEROID-DOSE", row.USUBJID, record=f"CMSEQ={row.CMSEQ}", observed=dose)


def _dose(cm: pd.DataFrame) -> pd.Series:
    dose = cm["CMDOSE"].map(lambda value: "" if pd.isna(value) else f"{value:g}").astype("str")
    return ("dose " + dose.replace("", "missing") + ", unit " + cm["CMDOSU"].fillna("missing")).astype("str")


# ----------------------------------------------------------------------------------------------------


DOUBTFUL_BASELINES = {"UNTIMED": "P29-RS-BASELINE-UNTIMED", "WIDE": "P29-RS-BASELINE-WIDE"}
NOT_DELIVERED = {"CM": "P34-CM-NOT-DELIVERED", "RS": "P34-RS-NOT-DELIVERED", "DS": "P34-DS-NOT-DELIVERED"}


def response_queries(
    adrs: pd.DataFrame, responses: pd.DataFrame, adsl: pd.DataFrame, domains: Domains, protocol: Protocol,
    analysis: Analysis,
) -> list[Query]:  # fmt: skip
    """Queries about organ stages and the response, by subject and rule; none where the trial has no such endpoint.

    `responses` is the result of `day28_response`; only subjects who are mature at the cut are asked about day 28.
    """
    if not protocol.has_endpoint("ORR_D28"):
        return []
    treated = adsl[(adsl["SAFFL"] == "Y") & adsl["TRTSDT"].notna()]
    absent = lacking(domains)
    # Without any organ stages that nobody has an assessment is one cause, asked once.
    of_subjects = (
        []
        if "RS" in absent
        else [*_day28(responses, adrs, analysis, _gone(treated, domains, analysis)), *_baseline(responses)]
    )
    found = [
        *_not_delivered(responses, absent),
        *of_subjects,
        *_same_day(domains, treated),
        *withdrawal_queries(domains, treated),
        *_decisions(responses),
        *_investigator(responses, adrs),
        *stage_queries(domains, treated, analysis),
        *medication_queries(domains, treated, responses, analysis),
    ]
    return sorted(found, key=lambda q: (q["subject"], q["rule"], q["record"]))


def _not_delivered(responses: pd.DataFrame, absent: frozenset[str]) -> Iterator[Query]:
    if responses.empty:
        return
    for code, rule in NOT_DELIVERED.items():
        if code in absent:
            yield TEXTS.query(rule, "")


def _same_day(domains: Domains, treated: pd.DataFrame) -> Iterator[Query]:
    """Results of one test and day that differ, of which nothing says which is the later."""
    for row in differing_records(domains, treated).itertuples():
        where = row.SRCDOM if row.SRCDOM != "RS" else ""
        day = f"{row.TEST} {row.ADT:%Y-%m-%d}"
        yield TEXTS.query("P16-RS-SAME-DAY-DIFFERS", row.USUBJID, record=day, observed=row.VALUES, domain=where)


def _day28(
    responses: pd.DataFrame, adrs: pd.DataFrame, analysis: Analysis, gone: Collection[str] = ()
) -> Iterator[Query]:
    """Mature subjects with no assessment in the window, or with several.

    `gone`: who withdrew consent before the window; no assessment of it counts, so none is missed.
    """
    assessed = adrs[adrs["PARAMCD"] == "GRADE"][["USUBJID", "ADT", "RELDAY"]]
    day = counted_day(assessed["RELDAY"], analysis)
    near = assessed[day.between(*analysis.d28_window_wide)].groupby("USUBJID")["RELDAY"].agg(list).to_dict()
    inside = assessed[day.between(*analysis.d28_window)].groupby("USUBJID").size()
    mature = responses[(responses["MAT28FL"] == "Y") & ~responses["USUBJID"].isin(gone)]
    for row in mature.itertuples():
        days = near.get(row.USUBJID, [])
        if row.REASON == "MISSING" and pd.isna(row.ADT):
            if days:
                shown = joined([msg("day {day}", day=day) for day in days], ", ")
                yield TEXTS.query("P29-RS-DAY28-OUTSIDE", row.USUBJID, observed=shown)
            else:
                yield TEXTS.query("P29-RS-DAY28-NONE", row.USUBJID)
        elif inside.get(row.USUBJID, 0) > 1:
            yield TEXTS.query(
                "P29-RS-DAY28-SEVERAL", row.USUBJID, observed=msg("{n} assessments", n=inside[row.USUBJID])
            )


def _gone(treated: pd.DataFrame, domains: Domains, analysis: Analysis) -> list[str]:
    """Who withdrew consent before the day-28 window: what follows is asked about as such (A-130)."""
    withdrawn = withdrawals(domains, treated)
    # By join: `map` gives no dates where nobody is left to map.
    start = withdrawn[["USUBJID"]].merge(treated[["USUBJID", "TRTSDT"]], how="left")["TRTSDT"].set_axis(withdrawn.index)
    return withdrawn.loc[(withdrawn["UNTILDT"] - start).dt.days < analysis.d28_window[0], "USUBJID"].tolist()


def _baseline(responses: pd.DataFrame) -> Iterator[Query]:
    for row in responses.itertuples():
        if pd.isna(row.BASEADT):
            yield TEXTS.query("P29-RS-BASELINE-NONE", row.USUBJID)
        elif row.BASETYPE in DOUBTFUL_BASELINES:
            observed = f"{row.BASEADT:%Y-%m-%d}"
            yield TEXTS.query(DOUBTFUL_BASELINES[row.BASETYPE], row.USUBJID, observed=observed)
        if row.BASESTG == "0-0-0-0":
            yield TEXTS.query("P29-RS-BASELINE-ZERO", row.USUBJID, observed=row.BASESTG)


def _decisions(responses: pd.DataFrame) -> Iterator[Query]:
    """Missing organs that leave the response open, and partial dates that decide it."""
    for row in responses.itertuples():
        if row.RSPSTG == "INCOMPLETE":
            observed = msg("baseline {code}, day 28 {other}", code=row.BASESTG, other=row.D28STG)
            yield SHARED_TEXTS.query("P27-RS-ORGAN-MISSING", row.USUBJID, observed=observed)
        if row.EVNTDESC and row.EVNTDESC != "death" and row.EVNTCERT == "":
            domain = "PR" if row.EVNTSRC.startswith("PR") else ""
            yield TEXTS.query(
                "P30-CM-PARTIAL-START", row.USUBJID, observed=row.EVNTDESC, record=row.EVNTSRC, domain=domain
            )  # fmt: skip


def _investigator(responses: pd.DataFrame, adrs: pd.DataFrame) -> Iterator[Query]:
    """The investigator's category at the day-28 assessment against that of the stages (P28)."""
    said = adrs[adrs["PARAMCD"] == "RSPINV"][["USUBJID", "ADT", "AVALC"]].rename(columns={"AVALC": "SAID"})
    both = responses.merge(said, on=["USUBJID", "ADT"])
    decided = both["RSPSTG"].ne("") & both["RSPSTG"].ne("INCOMPLETE")
    for row in both[decided & (both["SAID"] != both["RSPSTG"])].itertuples():
        observed = msg("{code} by the investigator, {other} by stages", code=row.SAID, other=row.RSPSTG)
        yield TEXTS.query("P28-RS-RESPONSE-DIFFERS", row.USUBJID, observed=observed, record=f"{row.ADT:%Y-%m-%d}")
