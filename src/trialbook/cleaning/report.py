"""What the cleaning step reports: the whole change log, fixes by rule, missing values, and its numbers as ARD rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from trialbook.cleaning.clean import Cleaned
from trialbook.cleaning.columns import kind_of
from trialbook.cleaning.compare_cuts import Differences, restatements
from trialbook.cleaning.cut import Cut
from trialbook.cleaning.problems import meaning
from trialbook.cleaning.read_values import CHANGE_COLUMNS, WHOLE_RECORD
from trialbook.core.described import described
from trialbook.core.domains import REQUIRED, VARIABLES, Domains
from trialbook.core.messages import as_text, joined, msg, plural
from trialbook.queries.query_list import SEVERITIES, Query
from trialbook.results.ard import TOTAL, ArdRow, ard_row
from trialbook.snapshot.door import WITHHELD
from trialbook.snapshot.split_datasets import part_of
from trialbook.snapshot.tables import Snapshot

# ----------------------------------------------------------------------------------------------------

CUT_RULE = "P26-AFTER-CUT"
# Domains whose results belong to a visit.
VISIT_DOMAINS = ("LB", "VS", "RS", "FA", "QS")
# Values of these kinds of columns may be shown as examples; ids, birth dates and free text may not.
_SHOWN_KINDS = ("date", "number", "result", "unit", "code", "sequence")
_NEVER_SHOWN = ("BRTHDTC",)


def whole_change_log(cleaned: Cleaned, cut: Cut) -> pd.DataFrame:
    """The change log of cleaning, then what the cut set back and removed (P26), in the order of files and rows.

    Columns file, sheet, row, column (blank: the whole record or file), raw, new, rule.
    """
    removed = cut.removed.assign(column=WHOLE_RECORD, raw="(record)", new="")
    parts = [cleaned.changes]
    for frame in (cut.edits, removed):
        if len(frame):
            places = [
                cleaned.tables[code].place(int(row), column)
                for code, row, column in frame[["domain", "SRCROW", "column"]].itertuples(index=False, name=None)
            ]
            placed = pd.DataFrame(places, columns=["file", "sheet", "row", "column"], index=frame.index)
            parts.append(placed.join(frame[["raw", "new"]]).assign(rule=CUT_RULE)[CHANGE_COLUMNS])
    return pd.concat(parts, ignore_index=True).astype(cleaned.changes.dtypes)


def fix_counts(changes: pd.DataFrame) -> pd.DataFrame:
    """Changes by rule, file and column: how many, what the rule does, and one example where it may be shown.

    Columns rule, meaning, file, column, changes, example. A value is an example only where its column holds dates,
    numbers or codes; free text, subject numbers, birth dates and what lies after the cut are never shown.
    """
    groups = changes.groupby(["rule", "file", "sheet", "column"], sort=True)
    rows = [
        {
            "rule": rule, "meaning": meaning(rule), "file": f"{file} {sheet}".strip(),
            "column": column or "(record or file)", "changes": len(group), "example": _example(group.iloc[0]),
        }
        for (rule, file, sheet, column), group in groups
    ]  # fmt: skip
    labels = {
        "rule": msg("Rule"), "meaning": msg("What was done"), "file": msg("File"), "column": msg("Column"),
        "changes": msg("Changes"), "example": msg("Example"),
    }  # fmt: skip
    return described(pd.DataFrame(rows, columns=list(labels)), labels=labels, empty=msg("Nothing had to be fixed."))


def query_counts(queries: Sequence[Query]) -> pd.DataFrame:
    """Questions by domain, rule and severity: domain, severity, rule, meaning, queries."""
    frame = pd.DataFrame(queries, columns=["domain", "severity", "rule", "message_en"]).astype("str")
    rank = frame["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    counted = frame.assign(rank=rank).groupby(["rank", "domain", "rule", "severity", "message_en"], sort=True).size()
    rows = counted.rename("queries").reset_index().rename(columns={"message_en": "meaning"})
    labels = {
        "severity": msg("Severity"), "domain": msg("Domain"), "rule": msg("Rule"), "meaning": msg("Question"),
        "queries": msg("Questions"),
    }  # fmt: skip
    return described(rows[list(labels)], labels=labels, empty=msg("There is nothing to ask."))


def missing_values(domains: Domains) -> pd.DataFrame:
    """Variables with missing values, by delivered domain with records; a variable that is complete has no row.

    Columns NAME (`AE.AEENDTC`), DOMAIN, VARIABLE, RECORDS, MISSING, SHARE (of records, 0 to 1, three decimals), OF (`14
    of 16`), in the order of the interface.
    """
    rows = []
    for code, frame in domains.items():
        for name in VARIABLES.get(code, "").split():
            missing = int(frame[name].isna().sum())
            if missing:
                of = msg("{n} of {total}", n=missing, total=len(frame))
                rows.append((f"{code}.{name}", code, name, len(frame), missing, round(missing / len(frame), 3), of))
    labels = {
        "DOMAIN": msg("Domain"), "VARIABLE": msg("Variable"), "RECORDS": msg("Records"),
        "MISSING": msg("Without a value"), "SHARE": msg("Share"),
    }  # fmt: skip
    summary = plural(
        "{n} variable has records without a value.", "{n} variables have records without a value.", len(rows)
    )
    table = pd.DataFrame(rows, columns=["NAME", *labels, "OF"])
    finding = plural(
        "{n} variable not complete, {never} without any value", "{n} variables not complete, {never} without any value",
        len(table), never=int(table["MISSING"].eq(table["RECORDS"]).sum()),
    )  # fmt: skip
    return described(table, labels=labels, finding=finding, summary=summary)


def missing_by_visit(domains: Domains) -> pd.DataFrame:
    """Subjects who were seen at a visit (SV) and have no result of it in a domain that others have at that visit.

    Columns VISIT, VISITNUM, DOMAIN, SEEN, WITHOUT, SHARE (of those seen, 0 to 1, three decimals), by visit and domain.
    A domain that nobody has at a visit was not planned there, and is not missing.
    """
    sv = domains["SV"].dropna(subset=["USUBJID", "VISIT"])
    seen = {visit: set(group["USUBJID"]) for visit, group in sv.groupby("VISIT")}
    number = sv.groupby("VISIT")["VISITNUM"].min()
    rows = []
    for code in VISIT_DOMAINS:
        frame = domains[code]
        if "VISIT" not in frame:
            continue
        found = frame[frame[f"{code}ORRES"].notna()].groupby("VISIT")["USUBJID"].unique()
        for visit in [name for name in seen if name in found.index]:
            without = len(seen[visit] - set(found[visit]))
            share = round(without / len(seen[visit]), 3)
            rows.append((visit, float(number[visit]), code, len(seen[visit]), without, share))
    table = pd.DataFrame(rows, columns=["VISIT", "VISITNUM", "DOMAIN", "SEEN", "WITHOUT", "SHARE"])
    labels = {
        "VISIT": msg("Visit"), "DOMAIN": msg("Domain"), "SEEN": msg("Seen"), "WITHOUT": msg("Without a result"),
        "SHARE": msg("Share"),
    }  # fmt: skip
    summary = msg(
        "{visits} visits against {domains} domains. Expected results that are missing, one per subject, visit and "
        "domain: {without} of {seen}.",
        visits=table["VISIT"].nunique(), domains=table["DOMAIN"].nunique(), without=int(table["WITHOUT"].sum()),
        seen=int(table["SEEN"].sum()),
    )  # fmt: skip
    listed = table.sort_values(["VISITNUM", "VISIT", "DOMAIN"], ignore_index=True)
    finding = msg(
        "{without} of {seen} expected results missing", without=int(table["WITHOUT"].sum()),
        seen=int(table["SEEN"].sum()),
    )  # fmt: skip
    return described(listed, labels=labels, finding=finding, summary=summary)


def record_counts(snapshot: Snapshot, cleaned: Cleaned, cut: Cut) -> pd.DataFrame:
    """Records by domain: delivered, left out by cleaning, removed by the cut, kept (of these: undated, and partly dated
    on either side of the cut), and the rule of the cut.
    """
    counts = cut.counts.rename(columns={"read": "cleaned"})
    delivered = counts["domain"].map({code: table.rows for code, table in snapshot.tables.items()})
    left_out = delivered - counts["cleaned"]
    frame = counts.assign(delivered=delivered, left_out=left_out)
    labels = {
        "domain": msg("Domain"), "delivered": msg("Delivered"), "left_out": msg("Left out by cleaning"),
        "removed": msg("Removed by the cut"), "kept": msg("Kept"), "undated": msg("Kept without a date"),
        "partial": msg("Kept, may lie after"), "rule": msg("A record stays when"),
    }  # fmt: skip
    note = msg(
        "{n} values of kept records lay after the cut and were set back to the state at the cut.", n=len(cut.edits)
    )
    return described(frame[list(labels)], labels=labels, stub="domain", notes=[note])


def compared_counts(differences: Differences, *, built: bool) -> pd.DataFrame:
    """Records by domain at the previous cut and at this one, and how they differ; empty where none was built."""
    counts = differences.counts
    labels = {
        "domain": msg("Domain"), "previous": msg("Previous cut"), "added": msg("Added"), "deleted": msg("Deleted"),
        "changed": msg("Changed"), "restated": msg("Values restated"), "now": msg("This cut"),
    }  # fmt: skip
    return described(
        counts[counts[["previous", "now"]].any(axis=1) & built], labels=labels, stub="domain",
        empty=msg("There is no built previous cut."),
    )  # fmt: skip


def restated_values(differences: Differences, endpoints: Sequence[str]) -> pd.DataFrame:
    """Values that had been reported and have changed, with the endpoints that rest on them (`restatements`)."""
    labels = {
        "domain": msg("Domain"), "subject": msg("Subject"), "record": msg("Record"), "column": msg("Variable"),
        "old": msg("Previous cut"), "new": msg("This cut"), "endpoints": msg("Endpoints that may move"),
    }  # fmt: skip
    values = restatements(differences, endpoints).drop(columns="kind")
    return described(values, labels=labels, empty=msg("No reported value was restated."))


def deleted_records(deleted: pd.DataFrame) -> pd.DataFrame:
    """The records that vanished since the previous cut, each with its approved reason, as a table shows them."""
    labels = {
        "domain": msg("Domain"), "subject": msg("Subject"), "record": msg("Record"), "reason": msg("Approved reason"),
    }  # fmt: skip
    return described(deleted.copy(deep=False), labels=labels, empty=msg("No record was deleted."))


def cleaning_rows(records: pd.DataFrame, changes: pd.DataFrame, queries: Sequence[Query]) -> list[ArdRow]:
    """ARD rows of the cleaning step: records read, left out, removed and kept by domain; changes; queries."""
    rows = []
    contexts = {"read": "delivered", "left out": "left_out", "removed": "removed", "kept": "kept"}
    for record in records.to_dict("records"):
        for context, column in contexts.items():
            value = int(record[column])
            rows.append(_row(str(record["domain"]), value, msg("Records {context}", context=context), context=context))
    values = changes["column"].ne(WHOLE_RECORD) & changes["rule"].ne(CUT_RULE)
    rows.append(_row("CHANGES", int(values.sum()), msg("Values fixed")))
    for severity in SEVERITIES:
        count = sum(query["severity"] == severity for query in queries)
        rows.append(_row("QUERIES", count, "Queries", variable_level=severity))
    return rows


def _row(variable: str, value: int, label: str, *, context: str = "", variable_level: str = "") -> ArdRow:
    return ard_row(
        "CLEANING", TOTAL, variable, "n", value, context=context, variable_level=variable_level, stat_label=label
    )


def _example(change: pd.Series) -> str:
    name = str(change["sheet"] or change["file"].partition(".")[0]).upper()
    kind = kind_of(part_of(name) or name, change["column"])
    hidden = change["rule"] == CUT_RULE or change["raw"] == WITHHELD or kind not in _SHOWN_KINDS
    if hidden or change["column"] in (*_NEVER_SHOWN, WHOLE_RECORD):
        return ""
    return f"{change['raw'] or 'missing'} → {change['new'] or 'missing'}"


# ----------------------------------------------------------------------------------------------------
# What the cleaning step found, in a few numbers and sentences for its first lines.


def headline(records: pd.DataFrame, changes: pd.DataFrame, queries: Sequence[Query]) -> list[tuple[str, str, str]]:
    """Headline numbers: records delivered, values fixed, records after the cut, questions."""
    fixed = changes["column"].ne(WHOLE_RECORD) & changes["rule"].ne(CUT_RULE)
    counts = [
        msg("{n} {severity}", n=sum(q["severity"] == name for q in queries), severity=as_text(name))
        for name in SEVERITIES
    ]
    return [
        (msg("Records delivered"), str(records["delivered"].sum()), msg("in {n} domains", n=len(records))),
        (msg("Values fixed"), str(fixed.sum()), msg("each with its raw value in the change log")),
        (msg("Records after the cut"), str(records["removed"].sum()), "removed"),
        (msg("Questions"), str(len(queries)), joined(counts, ", ")),
    ]


def arrival_sentence(domains: Domains, ignored: Sequence[str]) -> str:
    """Who was delivered, and what of the delivery was not read."""
    dm, ex = domains["DM"], domains["EX"]
    treated = ex.loc[ex["EXDOSE"] > 0, "USUBJID"].nunique()
    empty = [code for code in domains if code not in REQUIRED and not len(domains[code])]
    text: str = msg("At the cut: {n} screened subjects, {treated} treated.", n=len(dm), treated=treated or "no")
    if not len(domains["AE"]):
        text += msg(" No adverse event has been reported.")
    if empty:
        text += msg(" Delivered without records at the cut: {empty}.", empty=", ".join(empty))
    return text + (msg(" Not read: {ignored}.", ignored=", ".join(ignored)) if ignored else "")


def differences_sentence(differences: Differences, previous_cut: str | None, *, built: bool) -> str:
    """How this cut differs from the previous one, or why that cannot be said."""
    if previous_cut is None:
        return msg("This cut names no previous cut to compare with.")
    if not built:
        return msg(
            "The previous cut {previous_cut} has not been built, so nothing is compared with it.",
            previous_cut=previous_cut,
        )
    counts = differences.counts
    deleted = counts["deleted"].sum()
    return msg(
        "Since the cut {previous_cut}: {n} records added, {n_2} changed, {deleted} deleted{said}. "
        "{n_3} values that had been reported are different now.",
        previous_cut=previous_cut,
        n=counts["added"].sum(),
        n_2=counts["changed"].sum(),
        deleted=deleted or msg("none"),
        said=msg(" (each with an approved reason)") if deleted else "",
        n_3=counts["restated"].sum(),
    )
