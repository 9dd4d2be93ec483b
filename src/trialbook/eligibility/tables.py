"""The audit for reading: sentences, the matrix of subjects and criteria, the definitions of refractoriness."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from trialbook.core.datasets import first_by_rank
from trialbook.core.described import described, look_of
from trialbook.core.domains import Domains
from trialbook.core.messages import enumerated, joined, msg
from trialbook.eligibility.adie import rule_text
from trialbook.eligibility.audit_results import RESULT_WORDS, RESULTS
from trialbook.eligibility.drilldown import rule_words
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.queries.query_list import Query
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.subjects.disposition import SCREEN_FAILURE

# ----------------------------------------------------------------------------------------------------
# What the audit reports: counts by result (ARD ELIG), the matrix for reading, and the findings to look at.


# What a listing and the matrix of a large trial show at most, and say so.
MOST_ROWS, MOST_SUBJECTS = 60, 40
FINDING_LABELS = {
    "SUBJID": msg("Subject"), "CRITCD": msg("Criterion"), "RESULT": msg("Result"), "FORMANSWER": msg("Form"),
    "EVIDENCE": msg("Evidence"), "QUERY": msg("Query raised"), "ASSUMPTION": msg("Assumption"),
}  # fmt: skip
# The results as heads of columns.
RESULT_HEADS = {
    "PASS": msg("Passed by the data"), "FAIL": msg("Violated by the data"), "NE": msg("Not evaluable"),
    "ATT-PASS": msg("Passed by the form"), "ATT-FAIL": msg("Violated by the form"),
    "CONFLICT": msg("Form and data differ"), "WAIVED": msg("Waived"), "PENDING": msg("Form not completed"),
}  # fmt: skip
ATTENTION = ("FAIL", "ATT-FAIL", "CONFLICT", "NE", "WAIVED", "PENDING")


def eligibility_rows(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows ELIG: subjects with each result per audit column, by level planned and Total; zeros are reported too.

    Subjects without a planned level (screen failures) count in Total only.
    """
    if adie.empty:
        return []
    level = adie["USUBJID"].map(adsl.set_index("USUBJID")["TRT01P"])
    rows = []
    for code in [*protocol.level_ids, TOTAL]:
        counts = adie[level.eq(code) | (code == TOTAL)].groupby(["CRITCD", "RESULT"]).size()
        rows += [
            ard_row("ELIG", code, column, "n", int(counts.get((column, result), 0)), variable_level=result)
            for column in protocol.audit_columns
            for result in RESULTS
        ]
    return rows


def to_look_at(adie: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    """The findings a reader must look at, with the subject's number: every result but PASS and ATT-PASS."""
    rows = adie[adie["RESULT"].isin(ATTENTION)]
    number = rows["USUBJID"].map(adsl.set_index("USUBJID")["SUBJID"])
    return described(rows.assign(SUBJID=number).reset_index(drop=True), labels=FINDING_LABELS)


def with_queries(rows: pd.DataFrame, queries: Sequence[Query]) -> pd.DataFrame:
    """Audit rows with QUERY: rule and message of every question that was asked about the row, blank where none was.

    The message of an audit question begins with its audit column (`eligibility.queries`).
    """
    asked: dict[tuple[str, str], list[str]] = {}
    for one in queries:
        column, _, message = one["message_en"].partition(": ")
        asked.setdefault((one["subject"], column), []).append(f"{one['rule']}: {message}")
    keys = zip(rows["USUBJID"], rows["CRITCD"], strict=True)
    return rows.assign(QUERY=pd.Series([" ".join(asked.get(key, [])) for key in keys], index=rows.index, dtype="str"))


def first_rows(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> pd.DataFrame:
    """At most `most_rows` rows of a listing by SUBJID, in their order: those of infused subjects first, and of these
    and the others those whose RESULT, where there is one, comes first in `ATTENTION`.
    """
    return rows.loc[_chosen(rows, adsl, most_rows)].reset_index(drop=True)


def at_most(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int = MOST_ROWS) -> pd.DataFrame:
    """The `first_rows` of a listing, with a note on those that are left out."""
    notes = [*look_of(rows).get("notes", []), *rows_left_out(rows, adsl, most_rows)]
    return described(first_rows(rows, adsl, most_rows), notes=notes)


def rows_left_out(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> list[str]:
    """A note where `first_rows` does not hold every row: what was taken first, and what is not shown."""
    others = rows[~_chosen(rows, adsl, most_rows)]
    if others.empty:
        return []
    infused = int(_infused(others, adsl).sum())
    parts = [f"{infused} of infused subjects"] if infused else []
    parts += [f"{len(others) - infused} of others"] if infused < len(others) else []
    by_result = f", then by result ({', '.join(RESULT_WORDS[code] for code in ATTENTION)})" if "RESULT" in rows else ""
    return [
        f"{most_rows} of {len(rows)} rows are shown: first those of infused subjects{by_result}. "
        f"Not shown: {' and '.join(parts)}; the datasets hold all."
    ]


def _chosen(rows: pd.DataFrame, adsl: pd.DataFrame, most_rows: int) -> pd.Series:
    """Whether each row is among the first `most_rows`."""
    rank = (~_infused(rows, adsl)).astype("int64") * (len(ATTENTION) + 1)
    if "RESULT" in rows:
        order = {code: place for place, code in enumerate(ATTENTION)}
        rank += rows["RESULT"].map(order).fillna(len(ATTENTION)).astype("int64")
    return first_by_rank(rank, most_rows)


def _infused(rows: pd.DataFrame, adsl: pd.DataFrame) -> pd.Series:
    return rows["SUBJID"].isin(adsl.loc[adsl["SAFFL"].eq("Y"), "SUBJID"])


def results_by_criterion(adie: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Subjects with each result, one row per audit column: CRITCD, the registered wording, one count per code."""
    if adie.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("CRITCD", "RULE", *RESULTS)})
    counts = adie.groupby(["CRITCD", "RESULT"]).size().unstack(fill_value=0)
    labels = {"CRITCD": msg("Criterion"), "RULE": msg("As registered"), **RESULT_HEADS}
    counts = counts.reindex(index=protocol.audit_columns, columns=RESULTS, fill_value=0)
    wording = {
        column: rule_text(criterion, column) for criterion in protocol.criteria for column in criterion.audit_columns()
    }
    table = counts.rename_axis(index="CRITCD", columns=None).reset_index()
    table.insert(1, "RULE", table["CRITCD"].map(wording).map(rule_words))
    numbers = {
        (row, result): ("ELIG", TOTAL, str(column), result, "")
        for row, column in enumerate(table["CRITCD"]) for result in RESULTS
    }  # fmt: skip
    return described(table, labels=labels, numbers=numbers)


# ----------------------------------------------------------------------------------------------------
# Who failed screening and why, what the deviation log says, and treated subjects with a violation (T-1, P33, A-16).


# A criterion that the data or the form say is not met; for the treated also one that was waived.
UNMET = ("FAIL", "ATT-FAIL", "CONFLICT")
NO_REASON = "NO-REASON"
NOT_IN_LOG = msg("not in the log")
_NOTHING = "-"


def unmet(adie: pd.DataFrame, subjects: pd.Series) -> pd.DataFrame:
    """The audit rows of these subjects whose criterion is not met; of a CONFLICT those where data or form say so."""
    return adie[adie["USUBJID"].isin(subjects) & adie["RESULT"].isin(UNMET)]


def screen_failures(adsl: pd.DataFrame, adie: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """One row per screen failure: SUBJID, SITE (reason in DS), CRITERIA (not met by the audit), AGAIN (screened again
    under which number). Every screened subject is audited, enrolled or not."""
    failed = adsl[adsl["DCSREAS"].eq(SCREEN_FAILURE)]
    ds = domains["DS"]
    told = ds[ds["DSDECOD"].str.upper().eq(SCREEN_FAILURE) & ds["DSTERM"].notna()]
    site = told.drop_duplicates("USUBJID", keep="last").set_index("USUBJID")["DSTERM"]
    rows = unmet(adie, failed["USUBJID"])
    said = [
        msg("{criterion}: {result}", criterion=row.CRITCD, result=RESULT_WORDS[row.RESULT]) for row in rows.itertuples()
    ]
    named = pd.Series(said, index=rows.index, dtype="object").groupby(rows["USUBJID"], sort=False)
    named = named.agg(lambda told: joined(list(told), "; "))
    again = adsl[adsl["RESCREEN_OF"].ne("")].drop_duplicates("RESCREEN_OF").set_index("RESCREEN_OF")["SUBJID"]
    columns = {"SITE": site, "CRITERIA": named, "AGAIN": again}
    frame = failed[["SUBJID"]].reset_index(drop=True)
    for name, values in columns.items():
        frame[name] = values.astype("str").reindex(failed["USUBJID"]).fillna(_NOTHING).to_numpy()
    return described(
        frame.astype("str"), empty=msg("Nobody has failed screening."),
        labels={
            "SITE": msg("The site says"), "CRITERIA": msg("Violated by the audit"), "AGAIN": msg("Screened again as"),
        },
    )  # fmt: skip


def reason_rows(adsl: pd.DataFrame, adie: pd.DataFrame, protocol: Protocol) -> list[ArdRow]:
    """ARD rows DISPOSITION / SCRNFAIL / criterion: screen failures that do not meet it, Total; in protocol order.

    A subject counts under every criterion that is not met; under NO-REASON where the audit shows none.
    """
    failed = adsl.loc[adsl["DCSREAS"].eq(SCREEN_FAILURE), "USUBJID"]
    rows = unmet(adie, failed)
    counts = rows.groupby("CRITCD").size()
    order = [column for criterion in protocol.criteria for column in criterion.audit_columns()]
    found = [(column, int(counts[column])) for column in order if column in counts]
    silent = int((~failed.isin(rows["USUBJID"])).sum())
    if silent:
        found.append((NO_REASON, silent))
    return [ard_row("DISPOSITION", TOTAL, "SCRNFAIL", "n", n, variable_level=code) for code, n in found]


def deviations(adsl: pd.DataFrame, adie: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    """Treated subjects with a criterion not met or waived: SUBJID CRITCD RESULT EVIDENCE LOG SAF.

    LOG is what the deviation log (DV) says of that criterion, with its date; `not in the log` where it says nothing.
    SAF: all stay in the safety set, whatever the finding (P33).
    """
    treated = adsl[adsl["SAFFL"].eq("Y")].set_index("USUBJID")["SUBJID"]
    rows = adie[adie["USUBJID"].isin(treated.index) & adie["RESULT"].isin([*UNMET, "WAIVED"])]
    log = dict(list(_log(domains).groupby("USUBJID")))
    said = [_said(log.get(row.USUBJID), row.CRITCD) for row in rows.itertuples()]
    frame = rows[["CRITCD", "RESULT", "EVIDENCE"]].reset_index(drop=True)
    frame.insert(0, "SUBJID", treated.reindex(rows["USUBJID"]).to_numpy())
    return described(
        frame.assign(LOG=said, SAF="stays").astype("str"),
        labels=FINDING_LABELS | {"LOG": msg("Deviation log (DV)"), "SAF": msg("Safety set")},
        empty=msg("No infused subject has a violation, a contradiction or a waiver."),
    )  # fmt: skip


def _log(domains: Domains) -> pd.DataFrame:
    dv = domains["DV"]
    term = dv["DVTERM"].fillna("")
    names = term + " | " + dv["DVDECOD"].fillna("")
    dated = dv["DVSTDTC"].fillna("no date") + ": " + term.mask(term == "", dv["DVDECOD"].fillna(""))
    return pd.DataFrame({"USUBJID": dv["USUBJID"], "TEXT": names, "SAID": dated})


def _said(log: pd.DataFrame | None, column: str) -> str:
    """What a subject's records of the log say that name the column, or the criterion it is a part of."""
    if log is None:
        return NOT_IN_LOG
    names = {column, re.sub(r"(?<=\d)[A-Z]$", "", column)}
    wanted = rf"(?<![A-Za-z0-9])(?:{'|'.join(sorted(names))})(?![A-Za-z0-9])"
    named = log["TEXT"].str.contains(wanted, case=False, regex=True)
    return "; ".join(log.loc[named, "SAID"]) or NOT_IN_LOG


# ----------------------------------------------------------------------------------------------------
# Sentences of the eligibility notebook: every count, window and word of the disease from the protocol and the keys.


FORM = msg("Data decide where they can; else the investigator's answer on the form does.")
NOT_HERE = "This trial has no endpoint for {endpoints}: no such set."
NO_CRITERIA = "The protocol file of this trial holds no eligibility criteria: nothing is audited on this page."


def audit_method(protocol: Protocol, analysis: Analysis) -> str:
    """How many checks there are per subject, and how old a record may be (A-10, A-11, A-12)."""
    if not protocol.criteria:
        return NO_CRITERIA
    columns = sum(len(criterion.audit_columns()) for criterion in protocol.criteria)
    split = [c for c in protocol.criteria if len(c.audit_columns()) > 1]
    in_parts = [msg("{criterion} in {n} parts", criterion=c.id, n=len(c.audit_columns())) for c in split]
    parts = msg(", with {parts}", parts=enumerated(in_parts)) if split else ""
    return msg(
        "{columns} checks per subject: the {n} registered criteria{parts}. {FORM} Laboratory results "
        "count from {lab_window_days} days before the infusion, performance and stages from "
        "{elig_window_days}, serology from {sero_window_days} (A-10); the last one before the "
        "infusion decides (A-11), against the limit printed on the same record (A-12). What is "
        "unknown is never a pass.",
        columns=columns,
        n=len(protocol.criteria),
        parts=parts,
        FORM=FORM,
        lab_window_days=analysis.lab_window_days,
        elig_window_days=analysis.elig_window_days,
        sero_window_days=analysis.sero_window_days,
    )


def definition_method(protocol: Protocol, analysis: Analysis) -> str:
    """Which definition of the steroid-refractory disease decides (A-19)."""
    used = [c.id for c in protocol.criteria if c.check == "steroid_refractory"]
    if not used:
        return msg("No criterion of this trial has several definitions.")
    return msg(
        'The registry does not define "steroid-refractory". {used} uses the definition '
        "{sr_definition} (A-19); the others are shown beside it, each from the daily steroid dose "
        "and the organ stages before the infusion.",
        used=used[0],
        sr_definition=analysis.sr_definition,
    )


def definition_title(protocol: Protocol) -> str:
    """What the table of the definitions is called: the state that a criterion of the trial asks for, where one does."""
    if any(c.check == "steroid_refractory" for c in protocol.criteria):
        return msg("Steroid-refractory by definition")
    return msg("The disease by definition")


def sets_method(protocol: Protocol, analysis: Analysis) -> str:
    """What the analysis sets are; sets that rest on an endpoint which this trial does not have are named as such."""
    dlt, response = protocol.has_endpoint("DLT"), protocol.has_endpoint("ORR_D28")
    parts = [
        msg("Screened (signed consent)"),
        msg("enrolled (dose level assigned)"),
        msg("safety (any {product} received; also the set of response and survival)", product=protocol.study.product),
        msg("DLT-evaluable (a DLT, or followed through the window with enough of the dose)") if dlt else "",
        msg(
            "mature for day 28 (infused {maturity_margin_d28} days before the cut or earlier, whatever "
            "happened since, A-04), evaluable at day 28",
            maturity_margin_d28=analysis.days_to_maturity_d28,
        )
        if response
        else "",
        msg("per protocol (no violation, all planned infusions)"),
    ]
    absent = [name for name, there in (("DLT", dlt), (msg("the response at day 28"), response)) if not there]
    sets = msg("{sets}.", sets=joined(parts, ", "))
    return joined([sets, msg(NOT_HERE, endpoints=enumerated(absent)) if absent else ""])


def people_method(protocol: Protocol, analysis: Analysis) -> str:
    """What is shown of the treated subjects (A-118), and from how many subjects on shares are printed."""
    history = (
        msg(
            "diagnosis, transplant and onset of {disease} from the medical history (A-118)",
            disease=protocol.study.disease,
        )
        if protocol.has_endpoint("ORR_D28")
        else msg("the diagnosis from the medical history, where it was delivered")
    )
    return msg(
        "Age in completed years at consent, body weight last before the infusion; {history}. What "
        'the data do not say is "Not known", never a no. Shares are printed from {pct_min_n} '
        "subjects on.",
        history=history,
        pct_min_n=analysis.pct_min_n,
    )


def no_disease(protocol: Protocol) -> str:
    """Why the table of the disease is empty."""
    return (
        msg("No subject has been treated at this cut.")
        if protocol.has_endpoint("ORR_D28")
        else disease_method(protocol)
    )


def disease_method(protocol: Protocol) -> str:
    """What is shown of the disease at the first infusion (A-50)."""
    disease = protocol.study.disease
    if not protocol.has_endpoint("ORR_D28"):
        return msg(
            "Stages and earlier therapy of {disease} are not read: response is not an endpoint of this trial.",
            disease=disease,
        )
    return msg(
        "The disease at the first infusion: the grade and the organ stages of the baseline "
        "assessment of response (A-50), the systemic lines from the onset of {disease} to the "
        "infusion (steroids are one line), and by which rule of the definition in force the subject "
        "is refractory.",
        disease=disease,
    )


# ----------------------------------------------------------------------------------------------------

MEANINGS = {
    "PASS": msg("data show the criterion is satisfied"),
    "ATT-PASS": msg("satisfied by the investigator's answer; no data can test it"),
    "FAIL": msg("data show a violation"),
    "ATT-FAIL": msg("violated by the investigator's answer"),
    "CONFLICT": msg("the investigator's answer contradicts the data"),
    "NE": msg("not evaluable: data absent, out of the window or without a reference range"),
    "WAIVED": msg("a documented waiver"),
    "PENDING": msg("the form was not completed by the cut"),
}

# One letter for each code, for matrices; a pass or violation by the form alone is a small letter.
LETTERS = {
    "PASS": "P", "ATT-PASS": "p", "FAIL": "F", "ATT-FAIL": "f", "CONFLICT": "C", "NE": "?", "WAIVED": "W",
    "PENDING": "o",
}  # fmt: skip


def audit_sentence(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> str:
    """What the audit found, in one paragraph."""
    if not protocol.criteria or not protocol.has_endpoint("ELIGIBILITY"):
        return msg("ELIGIBILITY is not an endpoint of this trial: there are no criteria to audit.")
    if adie.empty:
        return msg("There is no screened subject to audit at this cut.")
    infused = set(adsl.loc[adsl["SAFFL"].eq("Y"), "USUBJID"])
    own = adie[adie["USUBJID"].isin(infused)]
    if own.empty:
        return msg("No subject has been treated at this cut; the audit shows the screening of those who were screened.")
    count = {code: int(own["RESULT"].eq(code).sum()) for code in ATTENTION}
    violated = count["FAIL"] + count["ATT-FAIL"]
    return msg(
        "Infused subjects: {n}; checks: {n_2}. Violations: {violated}; form and data contradict each "
        "other: {conflict}; not evaluable: {ne}; waived: {waived}; waiting for the form: {pending}; "
        "all others are passes.",
        n=len(infused),
        n_2=len(own),
        violated=violated,
        conflict=count["CONFLICT"],
        ne=count["NE"],
        waived=count["WAIVED"],
        pending=count["PENDING"],
    )


def nothing_to_look_at(adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol) -> str:
    """What to say where the listing of findings is empty: all is well, or there was nothing to check."""
    return (
        audit_sentence(adie, adsl, protocol) if adie.empty else msg("Every check of every screened subject is a pass.")
    )


def matrix(
    adie: pd.DataFrame, adsl: pd.DataFrame, protocol: Protocol, most_subjects: int = MOST_SUBJECTS
) -> pd.DataFrame:  # fmt: skip
    """The audit as cells to draw: id (USUBJID), subject, level, criterion, result, evidence, for `most_subjects`.

    Where there are more, those with findings to look at come first, then the rest in order of subject.
    """
    shown = _subjects_to_show(adie, most_subjects)
    cells = adie[adie["USUBJID"].isin(shown)]
    person = adsl.set_index("USUBJID")
    level = person["TRT01A"].where(person["TRT01A"] != "", person["TRT01P"]).replace("", msg("not treated"))
    drawn = pd.DataFrame(
        {
            "id": cells["USUBJID"],
            "subject": cells["USUBJID"].map(person["SUBJID"]),
            "level": cells["USUBJID"].map(level),
            "criterion": pd.Categorical(cells["CRITCD"], protocol.audit_columns, ordered=True),
            "result": cells["RESULT"],
            "evidence": cells["EVIDENCE"],
        }
    )
    ordered = drawn.sort_values(["subject", "id", "criterion"], kind="stable", ignore_index=True)
    return described(
        ordered.astype({"criterion": "str"}), notes=left_out_note(adie, most_subjects),
        labels={"subject": msg("Subject"), "level": msg("Dose level")}, empty=audit_sentence(adie, adsl, protocol),
    )  # fmt: skip


def matrix_table(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as a table: one row per subject (subject, level), one column per criterion; in the order of `cells`."""
    if cells.empty:
        return cells
    order = list(dict.fromkeys(cells["criterion"]))
    people = cells[["id", "subject", "level"]].drop_duplicates().reset_index(drop=True)
    wide = cells.pivot(index="id", columns="criterion", values="result")[order].rename_axis(columns=None)
    both = pd.concat([people[["subject", "level"]], wide.reindex(people["id"]).reset_index(drop=True)], axis=1)
    summary = msg(
        "{subjects} subjects against {criteria} criteria. Subjects with a criterion that needs attention: {n}.",
        subjects=len(people), criteria=len(order), n=cells.loc[cells["result"].isin(ATTENTION), "id"].nunique(),
    )  # fmt: skip
    finding = msg(
        "{n} of {subjects} subjects with a result other than a pass", subjects=len(people),
        n=cells.loc[cells["result"].isin(ATTENTION), "id"].nunique(),
    )  # fmt: skip
    return described(both, **look_of(cells), finding=finding, summary=summary)


def left_out_note(adie: pd.DataFrame, most_subjects: int) -> list[str]:
    """A note where the figure does not hold every subject."""
    total = adie["USUBJID"].nunique()
    if total <= most_subjects:
        return []
    return [f"Of {total} subjects the {most_subjects} with most to look at are drawn; the dataset ADIE holds all."]


def in_letters(table: pd.DataFrame) -> pd.DataFrame:
    """`matrix_table` with one letter for each result, so that a row of 26 fits a screen."""
    criteria = [name for name in table.columns if name not in ("subject", "level")]
    return table.assign(**{name: table[name].map(LETTERS).astype("str") for name in criteria}) if len(table) else table


def code_meanings() -> pd.DataFrame:
    """The result codes, their letters, and what they mean."""
    letters = [LETTERS[code] for code in MEANINGS]
    meanings = pd.DataFrame({"LETTER": letters, "CODE": list(MEANINGS), "MEANING": list(MEANINGS.values())})
    return described(
        meanings, labels={"LETTER": msg("Letter"), "CODE": msg("Code in the dataset"), "MEANING": msg("Meaning")}
    )  # fmt: skip


def _subjects_to_show(adie: pd.DataFrame, most_subjects: int) -> set[str]:
    findings = adie["RESULT"].isin(ATTENTION).groupby(adie["USUBJID"]).sum()
    first = findings.rename("n").reset_index().sort_values(["n", "USUBJID"], ascending=[False, True], kind="stable")
    return set(first["USUBJID"].head(most_subjects))
