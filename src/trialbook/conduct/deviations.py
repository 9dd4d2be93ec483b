"""ADDV: protocol deviations, found in the data or recorded by the site in DV, classed by the protocol file (A-182)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from trialbook.conduct.frames import of_subject, treated_of
from trialbook.conduct.visits import MISSED, OUTSIDE
from trialbook.core.dates import complete_date, earliest_date
from trialbook.core.messages import joined, msg
from trialbook.protocol.conduct import Deviations
from trialbook.protocol.study_data import StudyData
from trialbook.subjects.dlt_status import DLT
from trialbook.subjects.dosing import infusion_levels

TOOL, SITE, BOTH = "DATA", "SITE", "BOTH"
NOT_RECORDED, NOT_FOUND, OTHER_SEVERITY = "not recorded in DV", "not found in the data", "classed differently in DV"
# Rules that read the dose of an infusion.
OTHER_LEVEL, NO_LEVEL = "other_dose_level", "no_dose_level"
COLUMNS = [
    "USUBJID", "SUBJID", "TRT01A", "ADVSEQ", "ADVCAT", "ADVSEV", "ADVRULE", "ADVTERM", "ASTDT", "RELDAY", "FOUNDBY",
    "DIFFER", "DVSEQ", "DVTERM", "DVSEV", "SRCDOM", "SRCSEQ",
]  # fmt: skip
_FOUND = ["USUBJID", "ADVRULE", "ADVTERM", "ASTDT", "SRCDOM", "SRCSEQ", "KEY"]
_TYPES = {
    **dict.fromkeys(("USUBJID", "SUBJID", "TRT01A", "ADVCAT", "ADVSEV", "ADVRULE", "ADVTERM", "FOUNDBY", "DIFFER",
                     "DVTERM", "DVSEV", "SRCDOM"), "str"),
    **dict.fromkeys(("ADVSEQ", "RELDAY", "DVSEQ", "SRCSEQ"), "Int64"), "ASTDT": "datetime64[s]",
}  # fmt: skip


def derive_addv(
    data: Mapping[str, pd.DataFrame], visits: pd.DataFrame, infusions: pd.DataFrame, study: StudyData
) -> pd.DataFrame:  # fmt: skip
    """ADDV: one row per protocol deviation, by subject, date and rule.

    | variable          | rule                                                                              |
    |-------------------|-----------------------------------------------------------------------------------|
    | ADVCAT ADVSEV     | kind and MAJOR / MINOR: of the rule that found it, else of the site's record       |
    | ADVRULE           | name of the rule (`deviations.rules` of the protocol file); blank: the site alone  |
    | ADVTERM           | what deviates, in words; of the site alone its term                               |
    | FOUNDBY           | DATA, SITE or BOTH; a record of the same kind within `match_days` is the same      |
    | DIFFER            | where data and site differ: not recorded in DV, not found in the data, severity    |
    | DVSEQ DVTERM DVSEV| the site's record, and its own class: MAJOR, MINOR, or blank                      |
    | SRCDOM SRCSEQ     | the record behind what was found                                                  |

    Only treated subjects are audited; records of DV of others are listed all the same. `data`: ADSL ADIE ADDLT;
    `visits`: `visit_table`; `infusions`: `checked_infusions`.
    """
    treated = treated_of(data["adsl"])
    rules = study.protocol.deviations
    found = pd.concat(
        [
            part.reindex(columns=_FOUND)
            for part in (
                _consent(treated), _criteria(treated, data["adie"], study),
                _doses(treated, infusions, data["addlt"], study), _visits(visits),
            )
            if len(part)
        ] or [pd.DataFrame(columns=_FOUND)],
        ignore_index=True,
    )  # fmt: skip
    by_rule = {name: (rule.category, rule.severity) for name, rule in dict(rules.rules).items()}
    found = found.assign(
        ADVCAT=found["ADVRULE"].map({name: cat for name, (cat, _) in by_rule.items()}),
        ADVSEV=found["ADVRULE"].map({name: sev for name, (_, sev) in by_rule.items()}),
        ASTDT=found["ASTDT"].astype("datetime64[s]"), ROW=range(len(found)),
    )  # fmt: skip
    site = _site_records(study, rules)
    pairs = _pairs(found, site, rules.match_days)
    mine = found.merge(pairs, on="ROW", how="left").merge(
        site.drop(columns=["USUBJID", "DATE", "KINDS", "TEXT"]), on="SITEROW", how="left"
    )
    differs = mine["DVSEV"].fillna("").ne("") & mine["DVSEV"].ne(mine["ADVSEV"])
    recorded = mine["SITEROW"].notna()
    mine = mine.assign(
        FOUNDBY=pd.Series(TOOL, index=mine.index, dtype="str").mask(recorded, BOTH),
        DIFFER=pd.Series("", index=mine.index, dtype="str").mask(~recorded, NOT_RECORDED).mask(
            recorded & differs, OTHER_SEVERITY),
    )  # fmt: skip
    alone = site[~site["SITEROW"].isin(pairs["SITEROW"])]
    alone = alone.assign(
        ADVCAT=alone["KINDS"].map(lambda kinds: kinds[0]), ADVSEV=alone["DVSEV"].replace("", "MINOR"),
        ADVRULE="", ADVTERM=alone["DVTERM"], ASTDT=alone["DATE"], FOUNDBY=SITE, DIFFER=NOT_FOUND, SRCDOM="DV",
        SRCSEQ=alone["DVSEQ"],
    )  # fmt: skip
    return _finished(pd.concat([mine, alone], ignore_index=True), data["adsl"])


def _finished(rows: pd.DataFrame, adsl: pd.DataFrame) -> pd.DataFrame:
    people = adsl.drop_duplicates("USUBJID").set_index("USUBJID")
    rows = rows.assign(**{name: rows["USUBJID"].map(people[name]) for name in ("SUBJID", "TRT01A")})
    start = of_subject(rows["USUBJID"], people["TRTSDT"]).astype("datetime64[s]")
    rows["RELDAY"] = (rows["ASTDT"].astype("datetime64[s]") - start).dt.days
    rows = rows.sort_values(
        ["USUBJID", "ASTDT", "ADVCAT", "ADVRULE", "SRCSEQ", "DVSEQ"], kind="stable", na_position="last"
    )
    rows["ADVSEQ"] = rows.groupby("USUBJID").cumcount() + 1
    text = [name for name, kind in _TYPES.items() if kind == "str"]
    rows = rows.reindex(columns=COLUMNS)
    rows[text] = rows[text].astype("object").where(rows[text].notna(), "")
    return rows.astype(_TYPES).reset_index(drop=True)


def _consent(treated: pd.DataFrame) -> pd.DataFrame:
    late = treated[~(treated["RFICDT"] <= treated["TRTSDT"])]
    said = _texts(
        msg("Infused without a known date of consent")
        if pd.isna(date)
        else msg("Consent of {date}, after the first infusion", date=f"{date:%Y-%m-%d}")
        for date in late["RFICDT"]
    )
    return pd.DataFrame(
        {
            "USUBJID": late["USUBJID"], "ADVRULE": "consent_after_infusion", "ASTDT": late["TRTSDT"], "SRCDOM": "DM",
            "ADVTERM": said, "SRCSEQ": pd.NA, "KEY": "",
        }
    )  # fmt: skip


def _criteria(treated: pd.DataFrame, adie: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Criteria that treated subjects violate: by the data (also against the form), or by the form alone."""
    rows = adie[adie["USUBJID"].isin(treated["USUBJID"])]
    waived = rows["RESULT"].eq("WAIVED")
    violated = rows["RESULT"].isin(["FAIL", "ATT-FAIL"]) | (
        rows["RESULT"].eq("CONFLICT") & rows["DATARESULT"].eq("FAIL")
    )
    rows = rows[violated | waived]
    waived = rows["RESULT"].eq("WAIVED")
    consent = rows["CRITCD"].eq("IN01") & ~waived
    rule = pd.Series("criterion_violated", index=rows.index, dtype="str")
    rule = rule.mask(waived, "criterion_waived").mask(consent, "consent_not_valid")
    start = of_subject(rows["USUBJID"], treated.set_index("USUBJID")["TRTSDT"])
    said = [
        joined(
            [
                msg("{criterion} violated (waived)", criterion=criterion)
                if is_waived
                else msg("{criterion} violated", criterion=criterion),
                evidence,
            ],
            ": ",
        )
        for criterion, is_waived, evidence in zip(rows["CRITCD"], waived, rows["EVIDENCE"], strict=True)
    ]
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "ADVRULE": rule, "ADVTERM": said, "ASTDT": start, "SRCDOM": rows["SRCDOM"],
            "SRCSEQ": rows["SRCSEQ"], "KEY": rows["CRITCD"],
        }
    )  # fmt: skip


def checked_infusions(treated: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """The infusions of treated subjects (`infusion_levels`) with ASSIGNED, the level that the subject was to receive,
    and KIND: other_dose_level, no_dose_level, unknown where the dose cannot be told, else blank.
    """
    if treated.empty:
        text = {name: pd.Series(dtype="str") for name in ("USUBJID", "LEVEL", "ASSIGNED", "KIND")}
        numbers = {name: pd.Series(dtype="Int64") for name in ("EXSEQ", "INFNO")}
        dates = {"EXSTDT": pd.Series(dtype="datetime64[s]"), "DOSEKG": pd.Series(dtype="float64")}
        return pd.DataFrame({**text, **numbers, **dates})
    given = infusion_levels(study)
    given = given[given["USUBJID"].isin(treated["USUBJID"])].reset_index(drop=True)
    people = treated.set_index("USUBJID")
    planned, first = (of_subject(given["USUBJID"], people[name]) for name in ("TRT01P", "TRT01A"))
    by_cells = any(level.cells_per_kg is not None for level in study.protocol.dose_levels)
    assigned = planned.where(planned.isin(study.protocol.level_ids), first).astype("str")
    kind = pd.Series("", index=given.index, dtype="str")
    if by_cells:
        kind = kind.mask(given["DOSEKG"].isna(), "unknown")
        kind = kind.mask(given["LEVEL"].eq("") & given["DOSEKG"].notna(), NO_LEVEL)
        kind = kind.mask(given["LEVEL"].ne("") & given["LEVEL"].ne(assigned), OTHER_LEVEL)
    return given.assign(ASSIGNED=assigned, KIND=kind)


def _doses(treated: pd.DataFrame, given: pd.DataFrame, addlt: pd.DataFrame, study: StudyData) -> pd.DataFrame:
    """Infusions at another level, at none, off their day, or not given while the subject was in follow-up."""
    said = pd.Series(
        [
            msg(
                "Infusion {number} of {dose} x 10^6/kg: level {given} instead of {assigned}",
                number=row.INFNO,
                dose=f"{row.DOSEKG:g}",
                given=row.LEVEL,
                assigned=row.ASSIGNED,
            )
            if row.KIND == OTHER_LEVEL
            else msg(
                "Infusion {number} of {dose} x 10^6/kg: no dose level of the trial",
                number=row.INFNO,
                dose=f"{row.DOSEKG:g}",
            )
            for row in given.itertuples()
        ],
        index=given.index,
        dtype="object",
    )
    parts = [_dose_rows(given[given["KIND"].eq(kind)], kind, said) for kind in (OTHER_LEVEL, NO_LEVEL)]
    return pd.concat([*parts, *_planned(given, treated, addlt, study)], ignore_index=True)


def _dose_rows(rows: pd.DataFrame, rule: str, said: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "ADVRULE": rule, "ADVTERM": said.reindex(rows.index), "ASTDT": rows["EXSTDT"],
            "SRCDOM": "EX", "SRCSEQ": rows["EXSEQ"], "KEY": "",
        }
    )  # fmt: skip


def _planned(
    given: pd.DataFrame, treated: pd.DataFrame, addlt: pd.DataFrame, study: StudyData
) -> list[pd.DataFrame]:  # fmt: skip
    """Planned infusions after the first: off their day, or not given by the end of their window."""
    parts = []
    ends = treated["DTHDT"].fillna(treated["LSTALVDT"].where(treated["EOSSTT"].eq("DISCONTINUED")))
    ex = study.domains["EX"]
    refused = ex[ex["EXDOSE"].eq(0)].assign(DAY=lambda rows: complete_date(rows["EXSTDTC"]))
    had_dlt = set(addlt.loc[addlt["DLTSTAT"].eq(DLT), "USUBJID"])
    for level in study.protocol.dose_levels:
        people = treated[treated["TRT01A"].eq(level.id)]
        for number, day in enumerate(level.planned_infusions, 1):
            if number == 1 or people.empty:
                continue
            own = given[given["INFNO"].eq(number)].set_index("USUBJID")
            date = of_subject(people["USUBJID"], own["EXSTDT"])
            when = (date - people["TRTSDT"]).dt.days
            planned = people["TRTSDT"] + pd.Timedelta(days=day)
            off = date.notna() & ((when - day).abs() > level.infusion_window)
            late = people[off]
            said = _texts(
                msg(
                    "Infusion {number} on day {day}, planned for day {planned}", number=number, day=int(on), planned=day
                )
                for on in when[off]
            )
            seq = of_subject(late["USUBJID"], own["EXSEQ"])
            parts.append(_rows_of(late["USUBJID"], "infusion_off_schedule", said, date[off], seq))
            closed = planned + pd.Timedelta(days=level.infusion_window) < study.cut_date
            alive = ~(ends.reindex(people.index) <= planned)
            lacking = people[date.isna() & closed & alive]
            record = refused[refused["USUBJID"].isin(lacking["USUBJID"])].drop_duplicates("USUBJID")
            record = record.set_index("USUBJID")
            said = _texts(
                msg("Infusion {number}, planned for day {day}, not given after a DLT", number=number, day=day)
                if subject in had_dlt
                else msg("Infusion {number}, planned for day {day}, not given", number=number, day=day)
                for subject in lacking["USUBJID"]
            )
            on = (
                of_subject(lacking["USUBJID"], record["DAY"])
                .astype("datetime64[s]")
                .fillna(planned.reindex(lacking.index))
            )
            parts.append(
                _rows_of(
                    lacking["USUBJID"], "infusion_not_given", said, on, of_subject(lacking["USUBJID"], record["EXSEQ"])
                )
            )
    return parts


def _texts(messages: Iterable[str]) -> list[str]:
    return [str(text) for text in messages]


def _rows_of(
    subjects: pd.Series, rule: str, said: list[str], on: pd.Series, seq: pd.Series
) -> pd.DataFrame:  # fmt: skip
    return pd.DataFrame(
        {
            "USUBJID": subjects, "ADVRULE": rule, "ADVTERM": said, "ASTDT": on.astype("datetime64[s]"),
            "SRCDOM": "EX", "SRCSEQ": pd.to_numeric(seq).astype("Int64"), "KEY": "",
        }
    )  # fmt: skip


def _visits(visits: pd.DataFrame) -> pd.DataFrame:
    """Visits outside their window or missed; one that decides an endpoint is missed where no assessment lies in it."""
    rows = visits[visits["STATUS"].isin([MISSED, OUTSIDE])]
    once, outside = rows["ONCE"].eq("Y"), rows["STATUS"].eq(OUTSIDE)
    rule = pd.Series("visit_missed", index=rows.index, dtype="str")
    rule = rule.mask(outside, "visit_off_schedule").mask(once, "endpoint_visit_missed")
    said = _texts(
        msg("{visit} on day {day}, outside its window", visit=visit, day=day)
        if is_outside
        else msg("{visit} missed", visit=visit)
        for visit, day, is_outside in zip(rows["VISIT"], rows["VISITDY"], outside, strict=True)
    )
    return pd.DataFrame(
        {
            "USUBJID": rows["USUBJID"], "ADVRULE": rule, "ADVTERM": said,
            "ASTDT": rows["VISITDT"].fillna(rows["UNTILDT"]), "SRCDOM": "SV", "SRCSEQ": pd.NA, "KEY": "",
        }
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------------
# The records of the site, and which of them is what was found.


def _site_records(study: StudyData, rules: Deviations) -> pd.DataFrame:
    """DV: USUBJID SITEROW DVSEQ DVTERM DVSEV DATE KINDS (possible, the likeliest first) TEXT (all words)."""
    dv = study.domains["DV"]
    text = dv["DVDECOD"].fillna("") + " " + dv["DVCAT"].fillna("") + " " + dv["DVTERM"].fillna("")
    text = text.astype("str").str.lower()
    criteria = [word.lower() for c in study.protocol.criteria for word in (c.id, *c.audit_columns())]
    kinds = [_kinds(one, rules, criteria) for one in text]
    category = dv["DVCAT"].fillna("").str.lower()
    severity = pd.Series("", index=dv.index, dtype="str")
    for words, name in ((rules.minor, "MINOR"), (rules.major, "MAJOR")):
        severity = severity.mask(category.map(lambda one, words=words: any(w.lower() in one for w in words)), name)
    return pd.DataFrame(
        {
            "USUBJID": dv["USUBJID"], "SITEROW": pd.array(range(len(dv)), dtype="Int64"), "DVSEQ": dv["DVSEQ"],
            "DVTERM": dv["DVTERM"].fillna(dv["DVDECOD"]), "DVSEV": severity, "DATE": earliest_date(dv["DVSTDTC"]),
            "KINDS": pd.Series(kinds, index=dv.index, dtype="object"), "TEXT": text,
        }
    ).reset_index(drop=True)  # fmt: skip


def _kinds(text: str, rules: Deviations, criteria: list[str]) -> list[str]:
    found = ["ELIGIBILITY"] if any(word in text.split() or f"{word}:" in text for word in criteria) else []
    found += [kind for kind, words in rules.words.items() if any(word.lower() in text for word in words)]
    return list(dict.fromkeys(found)) or ["OTHER"]


def _pairs(found: pd.DataFrame, site: pd.DataFrame, days: int) -> pd.DataFrame:
    """ROW and SITEROW of the same deviation: one record belongs to one finding, the nearest in time first.

    A record that names the criterion needs no date; others must be of a kind that the record may have.
    """
    both = found[["USUBJID", "ADVCAT", "ASTDT", "KEY", "ROW"]].merge(site, on="USUBJID")
    if both.empty:
        return pd.DataFrame({"ROW": pd.array([], dtype="int64"), "SITEROW": pd.array([], dtype="Int64")})
    gap = (both["ASTDT"] - both["DATE"]).abs().dt.days
    named = [bool(key) and _names(key.lower(), text) for key, text in zip(both["KEY"], both["TEXT"], strict=True)]
    kind = [cat in kinds for cat, kinds in zip(both["ADVCAT"], both["KINDS"], strict=True)]
    same = pd.Series(named, index=both.index) | (pd.Series(kind, index=both.index) & (gap <= days) & both["KEY"].eq(""))
    ranked = both.assign(GAP=gap, NAMED=named)[same]
    ranked = ranked.sort_values(["NAMED", "GAP", "ROW", "SITEROW"], ascending=[False, True, True, True], kind="stable")
    rows: dict[int, int] = {}
    taken: set[int] = set()
    for row, record in ranked[["ROW", "SITEROW"]].itertuples(index=False):
        if row not in rows and record not in taken:
            rows[int(row)] = int(record)
            taken.add(record)
    return pd.DataFrame(
        {"ROW": pd.array(list(rows), dtype="int64"), "SITEROW": pd.array(list(rows.values()), dtype="Int64")}
    )


def _names(criterion: str, text: str) -> bool:
    """Whether a record names a criterion, or the whole of which it is a part (EX04 of EX04A)."""
    return criterion in text or (criterion[-1].isalpha() and criterion[:-1] in text)
