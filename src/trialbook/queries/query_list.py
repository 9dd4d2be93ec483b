"""The query list for the site (rulebook §8): one line per issue, from the cut that first asked to its answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

import pandas as pd

from trialbook.core.messages import msg
from trialbook.queries.answers import Answer
from trialbook.queries.life import OPEN, query_id, with_due, with_life
from trialbook.queries.rule_texts import CHINESE, ENGLISH, Phrase, Recipient, Texts, fill

# ----------------------------------------------------------------------------------------------------
# One question to the site: what it holds, how it is worded, and the id under which it stays known.


SEVERITIES = ("stop", "major", "minor")
# What an undelivered domain leaves open: a sentence of the line that asks for the domain, not a line of its own.
CONSEQUENCE = "P34-CRITERIA-NOT-EVALUABLE"
# A longer observed value is shown by its beginning: nobody reads more of it, and a cell does not hold any length.
LONGEST_OBSERVED, SHOWN = 1000, 200


class Query(TypedDict):
    """One question to the site; `record` is the record key (for example `AESEQ=3`), blank for the whole subject."""

    subject: str
    domain: str
    record: str
    field: str
    rule: str
    severity: str
    observed: str
    expected: str
    message_en: str
    message_zh: str
    recipient: str


def query(
    rule: str, subject: str, domain: str, *, record: str = "", field: str = "", severity: str = "minor",
    observed: object = "", expected: str = "", message_en: str, message_zh: str, recipient: Recipient = "site",
) -> Query:  # fmt: skip
    """One query. `rule` names the check (for example `P19-AE-END-BEFORE-START`); severity is stop, major or minor;
    `recipient` is who must act.

    >>> asked = query("P36-RESTATED", "001", "DM", observed=None, message_en="Please complete.", message_zh="请补充。")
    >>> asked["severity"], asked["observed"]
    ('minor', '')
    """
    if severity not in SEVERITIES:
        raise ValueError(f"severity {severity!r} is not one of {SEVERITIES}")
    seen = "" if observed is None or observed is pd.NA or observed != observed else str(observed)
    if len(seen) > LONGEST_OBSERVED:
        seen = f"{seen[:SHOWN]}… ({len(seen)} characters)"
    return Query(
        subject=subject, domain=domain, record=record, field=field, rule=rule, severity=severity,
        observed=seen, expected=expected, message_en=message_en, message_zh=message_zh, recipient=recipient,
    )  # fmt: skip


class QueryTexts(Texts):
    """The queries of one area, by rule."""

    def query(
        self, rule: str, subject: str, domain: str = "", *, record: str = "", field: str = "", severity: str = "",
        observed: object = "", expected: str = "", recipient: Recipient | None = None, **words: object,
    ) -> Query:  # fmt: skip
        """One query of a rule; `words` fill its placeholders.

        What is given replaces what the file says. Where another domain is given and no field, the variable is that of
        this domain: PRSTDTC for CMSTDTC. Raises KeyError for an unknown rule or a missing word.
        """
        text = self.area.rules[rule]
        usual = text.field.replace(text.domain, domain, 1) if domain and text.domain else text.field
        return query(
            rule, subject, domain or text.domain, record=record, field=field or usual,
            severity=severity or text.severity, observed=observed,
            expected=expected or fill(text.expected, words, ENGLISH),
            message_en=fill(text.en, words, ENGLISH), message_zh=fill(text.zh, words, CHINESE),
            recipient=recipient or text.recipient,
        )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# One issue is asked once: where two checks see the same fault, the one that says more about it asks.


_NO_DATE = ("P04-DATE-AMBIGUOUS", "P04-DATE-UNREADABLE", "P03-EXCEL-DATE-UNSURE", "P03-EXCEL-ERROR", "P39-TIME-ZONE")
# Rule -> the rules that ask the same about the same field. A date that could not be read is missing, for example: that
# it is missing is not asked again.
SAID_BY: Mapping[str, tuple[str, ...]] = {
    "AE-END-IMPUTED-BEFORE-START": ("P19-AE-END-BEFORE-START",),
    "AE-GRADE-MISSING": ("P21-GRADE-UNREADABLE", "P26-GRADE-AT-CUT", "P03-EXCEL-ERROR"),
    "AE-START-MISSING": _NO_DATE,
    "LB-UNIT-UNKNOWN": ("P13-LB-UNIT-UNKNOWN", "P13-UNIT-UNKNOWN", "P13-UNIT-MISSING"),
    "P05-DM-BIRTH-DATE": _NO_DATE,
    "P05-DM-CONSENT-DATE": (*_NO_DATE, "P26-CONSENT-AFTER-RECORD"),
    "P11-EX-UNDATED": _NO_DATE,
    "P12-EX-DOSE-MISSING": ("P40-NOT-A-NUMBER", "P40-UNIT-CONFLICT"),
    "P13-LB-UNIT-JUMP": ("P13-LB-BILIRUBIN", "P40-MISSING-CODE"),
    "P13-UNIT-MISSING": ("P13-LB-UNIT-UNKNOWN", "P13-LB-BILIRUBIN"),
    "P13-UNIT-UNKNOWN": ("P13-LB-UNIT-UNKNOWN", "P13-LB-BILIRUBIN"),
    "P14-NOT-A-NUMBER": ("P40-UNIT-CONFLICT", "P14-LB-INDETERMINATE", "P03-EXCEL-ERROR"),
    "P20-AE-RESOLVED-NO-END": _NO_DATE,
    "P22-DEATH-DATE-INCOMPLETE": _NO_DATE,
    "P23-AE-SERIOUS-MISSING": ("P38-YES-NO-UNKNOWN",),
    "P25-RECORD-AFTER-DEATH": ("P19-AE-END-AFTER-DEATH",),
    "P26-FUTURE-DATE": ("P26-CONSENT-AFTER-RECORD", "P26-CONSENT-AFTER-RESULT", "P26-ENDED-BEFORE-CUT"),
    "P27-OUT-OF-RANGE": (
        "P27-RS-STAGE-RANGE", "P27-FA-PERCENT", "P27-FA-STOOL-VOLUME", "P13-LB-BILIRUBIN", "P13-LB-UNIT-JUMP",
        "P27-RS-NO-SUCH-SCORE", "P40-MISSING-CODE",
    ),
    "P32-WEIGHT-JUMP": ("P27-OUT-OF-RANGE",),
    "P34-CM-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "P34-RS-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "P34-DS-NOT-DELIVERED": ("P34-DOMAIN-MISSING",),
    "SAE-CRITERION-NOT-SERIOUS": ("P23-AE-SERIOUS-CRITERION",),
    # Rules of the contracts of the clean domains and of the analysis datasets (their names have a dot).
    "adae.AENDT.ordered": ("P19-AE-END-BEFORE-START", "AE-END-IMPUTED-BEFORE-START"),
    "ae.AEENDTC.not_after_death": ("P19-AE-END-AFTER-DEATH",),
    "ae.AEENDTC.not_before_start": ("P19-AE-END-BEFORE-START",),
    "ae.AEENRTPT.ended": ("P20-AE-ONGOING-WITH-END",),
    "cm.CMDECOD.given": (
        "P31-CM-UNCODED", "P31-CM-COMBINED", "P31-CM-GVHD-UNLISTED", "P31-CM-NEAR-NAME", "P31-CM-PURPOSE",
    ),
    "ex.EXSTDTC.after_consent": ("P11-EX-BEFORE-CONSENT",),
    "ex.EXSTDTC.given": ("P11-EX-UNDATED", *_NO_DATE),
    "fa.FADTC.given": _NO_DATE,
    "lb.LBDTC.given": _NO_DATE,
    "rs.RSDTC.given": _NO_DATE,
    "ss.SSDTC.alive_after_death": ("P25-RECORD-AFTER-DEATH",),
    "vs.VSDTC.given": _NO_DATE,
}  # fmt: skip


DOMAIN_LINES = ("P34-DOMAIN-MISSING", "P34-CM-NOT-DELIVERED", "P34-RS-NOT-DELIVERED")
_RANK = {"stop": 0, "major": 1, "minor": 2}


def with_consequences(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries with each consequence of an undelivered domain said in the line of that domain.

    Without such a line the consequence stays one of its own.
    """
    found = queries["rule"].eq(CONSEQUENCE)
    lines = queries[queries["rule"].isin(DOMAIN_LINES)].drop_duplicates("domain")
    place = dict(zip(lines["domain"], lines.index, strict=True))
    told = queries[found & queries["domain"].isin(list(place))]
    queries = queries.drop(index=told.index).copy()
    for row in told.itertuples():
        at = place[row.domain]
        queries.loc[at, "message_en"] = f"{queries.at[at, 'message_en']} {row.message_en}"
        queries.loc[at, "message_zh"] = f"{queries.at[at, 'message_zh']}{row.message_zh}"
    return queries


def without_repetitions(queries: pd.DataFrame) -> pd.DataFrame:
    """The queries without those that another one says already (columns rule, subject, domain, record, field).

    The same fault is one of the same subject, domain and field, and of the same record, unless the query is about the
    whole subject. A result and its unit count as one field; a rule of a contract may be about another field (but for a
    date that could not be read), and that of an analysis dataset is about the domain from which it is derived (ADAE:
    AE). The query that stays has the severity of the worse of both.
    """
    field = queries["field"].str.removesuffix("U")
    places = list(zip(queries["subject"], queries["domain"], field, strict=True))
    asked = list(zip(queries["rule"], places, queries["record"], strict=True))
    somewhere = {(rule, place) for rule, place, _ in asked}
    any_field = {(rule, *place[:2], record) for rule, place, record in asked}
    there = set(asked)

    def is_said(rule: str, place: tuple[str, str, str], record: str, other: str) -> bool:
        if "." in rule and other not in _NO_DATE:
            subject, domain = place[0], place[1].removeprefix("AD")
            return any((other, subject, domain, key) in any_field for key in (record, ""))
        return (other, place, record) in there or (not record and (other, place) in somewhere)

    worst: dict[tuple[str, tuple[str, str, str], str], str] = {}
    said = []
    for (rule, place, record), severity in zip(asked, queries["severity"], strict=True):
        others = [other for other in SAID_BY.get(rule, ()) if is_said(rule, place, record, other)]
        said.append(bool(others))
        for other in others:
            key = (other, place, record)
            worst[key] = min(worst.get(key, severity), severity, key=_RANK.__getitem__)
    severities = [
        min(worst.get(key, severity), severity, key=_RANK.__getitem__)
        for key, severity in zip(asked, queries["severity"], strict=True)
    ]
    kept = queries.assign(severity=pd.Series(severities, index=queries.index, dtype="str"))
    return kept[~pd.Series(said, index=queries.index, dtype=bool)]


# ----------------------------------------------------------------------------------------------------

__all__ = ["COLUMNS", "OPEN", "SEVERITIES", "Query", "QueryTexts", "query", "query_id", "query_list"]
COLUMNS = [
    "query_id", "subject", "domain", "record", "field", "rule", "severity", "observed", "expected",
    "message_en", "message_zh", "first_seen", "age_days", "status", "records", "record_list", "closed_at",
    "reopened_at", "state", "recipient", "site", "due", "answers", "answer", "reason", "date",
]  # fmt: skip
# What the person who answers fills in (`trialbook answers`): blank in every list that is written.
TO_FILL_IN = ("answer", "reason", "date")
# More records than this with one cause are one line of the list, not many.
ONE_BY_ONE = 10
# What each record has to be looked up for: never one line of many.
EACH_ITS_OWN = ("RECON-LB-VALUE-DIFFERS",)
# What makes one cause: for these rules also the value, since each unknown code or unit is a matter of its own.
CAUSE = ["rule", "domain", "field", "message_en"]
VALUE_IS_CAUSE = (
    "P13-UNIT-UNKNOWN", "P34-CODE-UNKNOWN", "P34-CODE-UNMAPPED", "P38-YES-NO-UNKNOWN", "LB-UNIT-UNKNOWN",
    "P31-CM-UNCLASSIFIED", "P31-CM-UNCODED", "P31-CM-GVHD-UNLISTED", "P31-CM-PURPOSE",
)  # fmt: skip
# A cell of a spreadsheet holds 32,767 characters; a longer list of records ends in "and so many more".
LONGEST_LIST = 30000
_TEXTS = Texts("queries/texts/lists.yaml")


def query_list(
    queries: Iterable[Query], cut_date: str, previous: pd.DataFrame | None = None, *, answers: Sequence[Answer] = (),
    sites: Mapping[str, str] | None = None, due_days: Mapping[str, int] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The query list at a cut: what is asked now, and what was asked at an earlier cut.

    `previous` is the list of the previous cut, as made here or read back from its `queries.csv` (`read_csv_list`);
    `answers` what people have answered, in the order in which it came; `sites` the site of each subject; `due_days` the
    days that a question of each severity may take.

    | previous list | asked now | line without an answer                                                      |
    |---------------|-----------|-----------------------------------------------------------------------------|
    |               | yes       | open, `first_seen` is this cut                                              |
    | open          | yes       | open, `first_seen` carries over                                             |
    | open          | no        | closed, `closed_at` is this cut; a restatement stays open                   |
    | closed        | no        | stays closed, as it was                                                     |
    | closed        | yes       | open again, `reopened_at` is this cut, `first_seen` carries over            |

    What answers change is in `trialbook.queries.life`. `age_days` counts from `first_seen` to the cut, of a closed line
    to `closed_at`. More than ten records with one cause are one line: `records` says how many, `record_list` which
    (subject, record key, value); a line that was a record's own at the previous cut stays that. Sorted by severity,
    subject, domain, record, rule.
    """
    asked = pd.DataFrame(list(queries), columns=list(Query.__annotations__)).fillna({"recipient": "site"}).astype("str")
    ids = [query_id(*key) for key in asked[["rule", "subject", "domain", "record", "field"]].itertuples(index=False)]
    asked = with_consequences(without_repetitions(asked.assign(query_id=ids).drop_duplicates("query_id")))
    known = _known(previous)
    listed = with_due(with_life(_by_cause(asked, known), known, cut_date, answers), cut_date, due_days)
    listed = listed.assign(
        records=listed["records"].astype("int64"), site=_site(listed, sites or {}), **dict.fromkeys(TO_FILL_IN, "")
    )
    return _sorted(listed)


def _known(previous: pd.DataFrame | None) -> pd.DataFrame:
    """The previous list as text; columns of an older version are blank, or what they would have been."""
    if previous is None or not len(previous):
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    text = previous.reindex(columns=COLUMNS).astype("str").fillna("").drop_duplicates("query_id")
    for column, otherwise in (("records", "1"), ("recipient", "site"), ("state", text["status"])):
        text[column] = text[column].where(text[column].ne(""), otherwise)
    return text


def _site(lines: pd.DataFrame, sites: Mapping[str, str]) -> pd.Series:
    """The site of each line: that of its subject, of a line without a subject the only one of the trial."""
    every = sorted(set(sites.values()))
    only = every[0] if len(every) == 1 else ""
    known = [
        sites.get(name, before) if name else only
        for name, before in zip(
            lines["subject"], lines["site"].fillna("") if "site" in lines else [""] * len(lines), strict=True
        )
    ]
    return pd.Series(known, index=lines.index, dtype="str")


def _by_cause(asked: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Lines of the list: each record its own, or many records of one cause together."""
    value = asked["observed"].where(asked["rule"].isin(VALUE_IS_CAUSE), "")
    cause = asked[CAUSE].assign(value=value)
    names = [query_id(rule, "", domain, seen, f"{field}\x1f{text}") for rule, domain, field, text, seen in
             cause.itertuples(index=False)]  # fmt: skip
    frame = asked.assign(cause=pd.Series(names, index=asked.index, dtype="str"))
    # What was a line of its own keeps it: its number must not vanish because others have the same cause.
    own = frame["query_id"].isin(known["query_id"])
    rest = frame[~own]
    size = rest.groupby("cause")["cause"].transform("size")
    together = (size > ONE_BY_ONE) | rest["cause"].isin(known["query_id"])
    many = rest[together & ~rest["rule"].isin(EACH_ITS_OWN)]
    single = frame.drop(index=many.index).assign(records="1", record_list="")
    groups = [_one_line(str(name), members) for name, members in many.groupby("cause", sort=True)]
    return pd.concat([single.drop(columns="cause"), pd.DataFrame(groups, columns=[*asked.columns, "records",
                      "record_list"], dtype="str")], ignore_index=True)  # fmt: skip


def _one_line(name: str, members: pd.DataFrame) -> dict[str, str]:
    """Many records of one cause as one line, with the worst severity among them."""
    ordered = members.sort_values(["subject", "record"], kind="stable")
    first, count = ordered.iloc[0], len(ordered)
    shared = ordered["observed"].nunique() == 1
    severity = min(ordered["severity"], key=SEVERITIES.index)
    message = Phrase(str(first["message_en"]), str(first["message_zh"]))
    said = _TEXTS.phrase("MANY-RECORDS", message=message, count=count)
    listed = [
        " ".join(part for part in (row.subject, row.record, "" if shared or not row.observed else f"({row.observed})")
                 if part)
        for row in ordered.itertuples()
    ]  # fmt: skip
    return {
        **{name: str(first[name]) for name in ("domain", "field", "rule", "expected", "recipient")},
        "query_id": name,
        "subject": "",
        "record": "",
        "severity": severity,
        "observed": first["observed"] if shared else msg("{n} different values", n=ordered["observed"].nunique()),
        "message_en": said.english,
        "message_zh": said.chinese,
        "records": str(count),
        "record_list": _shortened(listed),
    }


def _shortened(entries: list[str]) -> str:
    """Entries as one text that fits into a cell."""
    text = "; ".join(entries)
    if len(text) <= LONGEST_LIST:
        return text
    kept = text[:LONGEST_LIST].rpartition("; ")[0]
    return f"{kept}; and {len(entries) - kept.count('; ') - 1} more"


def _sorted(lines: pd.DataFrame) -> pd.DataFrame:
    rank = lines["severity"].map({name: k for k, name in enumerate(SEVERITIES)})
    keys = ["rank", "subject", "domain", "record", "rule", "field", "query_id"]
    return lines.assign(rank=rank).sort_values(keys, kind="stable")[COLUMNS].reset_index(drop=True)
