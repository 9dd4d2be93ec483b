"""Questions to the site about adverse events and laboratory results (rulebook §3, problems P18, P23, P24)."""

from __future__ import annotations

import pandas as pd

from trialbook.core.domains import Domains
from trialbook.core.supplemental import qualifier
from trialbook.protocol.analysis import Analysis
from trialbook.queries.query_list import Query, query
from trialbook.safety.adae import UNCODED
from trialbook.safety.adlb import unknown_units
from trialbook.safety.ae_tables import fatal, seriousness_open
from trialbook.safety.ctcae import TERMS, Term
from trialbook.safety.lab_tables import NEEDED, matching_event
from trialbook.safety.relationship import SERIOUSNESS_CRITERIA, criterion_ticked, relationship_level


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


def _of_record(rule: str, row: pd.Series, field: str, **words: str) -> Query:
    key = f"AESEQ={row['AESEQ']}"
    return query(rule, row["USUBJID"], "AE", record=key, field=field, observed=row.get(field), **words)


def _each(rule: str, rows: pd.DataFrame, field: str, **words: str) -> list[Query]:
    return [_of_record(rule, row, field, **words) for _, row in rows.iterrows()]


def _seriousness(adae: pd.DataFrame) -> list[Query]:
    given = adae["AESER"].fillna("").str.upper().str.strip()
    ticked = criterion_ticked(adae)
    severe = adae["ATOXGR"].ge(4).fillna(False).astype(bool)
    deadly = fatal(adae)
    # A criterion column that is empty throughout was not collected: nothing to hold against the site.
    collected = bool(adae[list(SERIOUSNESS_CRITERIA)].notna().any(axis=None))
    no_criterion = (given == "Y") & ~ticked if collected else pd.Series(False, index=adae.index)
    return [
        *_each("SAE-NO-CRITERION", adae[no_criterion], "AESER", severity="major",
               expected="at least one seriousness criterion",
               message_en="The event is serious but no seriousness criterion is ticked. Which one applies?",
               message_zh="该事件标记为严重，但未勾选任何严重性标准。请补充适用的标准。"),
        *_each("SAE-CRITERION-NOT-SERIOUS", adae[(given == "N") & ticked], "AESER", severity="major",
               expected="Y, or no criterion ticked",
               message_en="A seriousness criterion is ticked but the event is not serious. Which is right? Until it is "
               "answered the event counts as of unknown seriousness.",
               message_zh="已勾选严重性标准，但该事件标记为非严重。请核实；核实前按严重性未知计。"),
        *_each("SAE-FATAL-NOT-SERIOUS", adae[(given == "N") & ~ticked & deadly], "AESER", severity="major",
               expected="Y",
               message_en="The event is fatal but not serious. A fatal event is serious.",
               message_zh="该事件为致死事件，但标记为非严重。致死事件应为严重。"),
        *_each("SAE-GRADE4-NOT-SERIOUS", adae[(given == "N") & severe & ~deadly], "AESER",
               expected="Y, or a laboratory finding without clinical consequence (A-62)",
               message_en="The event is grade 4 but not serious. Please confirm that it was a laboratory finding only.",
               message_zh="该事件为4级但标记为非严重。请确认其仅为实验室检查异常。"),
    ]  # fmt: skip


def _fatal_again(adae: pd.DataFrame) -> list[Query]:
    """Every further fatal event of a subject: only the event that led to death is grade 5 (§3.8)."""
    order = adae[fatal(adae)].sort_values(["USUBJID", "ASTDT", "AESEQ"], kind="stable", na_position="last")
    events = order.drop_duplicates(["USUBJID", "EPISODE"])
    return _each(
        "AE-FATAL-SEVERAL", events[events.duplicated("USUBJID")], "AETOXGR", severity="major",
        expected="one fatal event per subject",
        message_en="Another event of this subject is fatal too. Which one led to death? Both are counted until then.",
        message_zh="该受试者另有一项致死事件。请确认哪一项导致死亡；确认之前两项均计数。",
    )  # fmt: skip


def _grades(adae: pd.DataFrame) -> list[Query]:
    # Without any grade in the file the grade is not collected at all: one statement in the report, no query per record.
    missing = adae[adae["ATOXGR"].isna()] if adae["ATOXGR"].notna().any() else adae.iloc[:0]
    return _each(
        "AE-GRADE-MISSING", missing, "AETOXGR", severity="major", expected="1 to 5",
        message_en="The CTCAE grade is missing or not 1 to 5. Until it is known, the event counts without a grade.",
        message_zh="CTCAE分级缺失或不在1至5之间。补充之前该事件按无分级计数。",
    )  # fmt: skip


def _onset(adae: pd.DataFrame) -> list[Query]:
    """Events without any date of onset: major where the event is serious or may be."""
    missing = adae["AESTDTC"].fillna("").str.strip().eq("")
    major = adae["ASER"].eq("Y") | seriousness_open(adae)
    words = {
        "expected": "a start date",
        "message_en": "The event has no start date. On which day did it begin? Until answered its onset is not "
        "known, and it counts as treatment-emergent unless it is known to have ended before the first infusion.",
        "message_zh": "该事件无开始日期，何时开始？补充之前按未知处理；除非已知在首次输注前结束，否则计为治疗期出现。",
    }
    return [
        *_each("AE-START-MISSING", adae[missing & major], "AESTDTC", severity="major", **words),
        *_each("AE-START-MISSING", adae[missing & ~major], "AESTDTC", **words),
    ]


def _coding(adae: pd.DataFrame) -> list[Query]:
    uncoded = adae[(adae["ABODSYS"] == UNCODED) | adae["AEDECOD"].fillna("").str.strip().eq("")]
    return _each(
        "AE-UNCODED", uncoded, "AEDECOD", expected="a preferred term and a system organ class",
        message_en="The event has no preferred term or no system organ class. It is counted under UNCODED.",
        message_zh="该事件缺少首选术语或系统器官分类，按“未编码”计数。",
    )  # fmt: skip


def _relationship(adae: pd.DataFrame) -> list[Query]:
    level = relationship_level(adae["AEREL"])
    return _each(
        "AE-REL-UNASSESSABLE", adae[level == "unassessable"], "AEREL",
        expected="related or not related to the study product",
        message_en="The relationship to the study product cannot be read or was not assessable. Until answered it "
        "counts as the protocol file says (A-61).",
        message_zh="与研究产品的关系无法判定或无法识别。补充之前按方案参数计数。",
    )  # fmt: skip


def _emergence(adae: pd.DataFrame, suppae: pd.DataFrame) -> list[Query]:
    """P18: the collected flag (AETRTEM, on the record or in SUPPAE) differs from the derived one, which wins."""
    answers = qualifier(suppae, adae, "AE", "AETRTEM")
    found = answers[answers["SURE"]].groupby("PARENT")["QVAL"].last().reindex(adae.index)
    if "AETRTEM" in adae.columns:
        found = adae["AETRTEM"].fillna(found)
    collected = found.astype("str").str.upper().map({"Y": "Y", "N": ""})
    rows = adae.assign(AETRTEM=found)[collected.notna() & (collected != adae["TRTEMFL"])]
    return _each(
        "P18-AE-EMERGENCE-DIFFERS", rows, "AETRTEM", expected="the flag that the dates give",
        message_en="The collected treatment-emergent flag differs from the one derived from the dates. The derived "
        "flag is used. Please check the start date.",
        message_zh="收集的“治疗期出现”标记与按日期推导的结果不一致，分析采用推导结果。请核实开始日期。",
    )  # fmt: skip


def _parted(adae: pd.DataFrame) -> list[Query]:
    """Records with one id of the site and too many days between them: major where both are counted (A-153)."""
    keys = [adae["USUBJID"], adae["ADECOD"].str.upper()]
    later = adae["AGAPDY"].notna()
    counted = (adae["TRTEMFL"] == "Y") & (adae["SAFFL"] == "Y")
    both = counted & (adae["EPISODE"].where(counted).groupby(keys).transform("nunique") > 1)
    words = {
        "expected": "one id for one event, or the dates that join the records",
        "message_en": "The record has the id of an earlier record of this term, but begins days after that one ended. "
        "Is it a second event? Until answered the two count as two events.",
        "message_zh": "该记录与较早记录编号相同，但在其结束多日后才开始。是否为另一次事件？答复之前按两次事件计数。",
    }
    return [
        *_each("AE-LINK-GAP", adae[later & both], "AESPID", severity="major", **words),
        *_each("AE-LINK-GAP", adae[later & ~both], "AESPID", **words),
    ]


def _negative_durations(adae: pd.DataFrame) -> list[Query]:
    return _each(
        "AE-END-IMPUTED-BEFORE-START", adae[adae["AENEGFL"] == "Y"], "AEENDTC", expected="the complete end date",
        message_en="The partial end date cannot be after the start date. The end is set to the start.",
        message_zh="不完整的结束日期早于开始日期，分析中将结束日期设为开始日期。",
    )  # fmt: skip


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
        query("LB-UNIT-UNKNOWN", row["USUBJID"], "LB", record=f"LBSEQ={row['LBSEQ']}", field="LBORRESU",
              observed=row["LBORRESU"], expected="a unit of the conversion table",
              message_en=f"The unit of {row['PARAMCD']} is not known. The result is listed but not graded.",
              message_zh=f"{row['PARAMCD']}的单位无法识别。该结果仅列出，不进行分级。")
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
        query("LB-GRADE3-NO-AE", row["USUBJID"], "LB", record=f"LBSEQ={row['LBSEQ']}", field="LBORRES",
              observed=f"{row['PARAMCD']} grade {row[f'ATOXGR{term.direction}']}",
              expected=f"an adverse event within {days} days, or 'not clinically significant'",
              message_en=f"{term.name}: CTCAE grade 3 or 4 without a matching adverse event within {days} days.",
              message_zh=f"{row['PARAMCD']}：CTCAE 3级或4级，但前后{days}天内无对应不良事件。")
        for _, row in first.iterrows()
    ]  # fmt: skip
