"""The eligibility audit in SQL over the clean domains, written from the rulebook (§1) and the interface alone.

The second implementation of the 26 columns: no pandas, nothing of the product. Limits, windows and word lists are those
of the protocol file, read as plain YAML.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from reference.eligibility_history_sql import HISTORY
from reference.eligibility_labs_sql import CLEARANCE, LABS, SEROLOGY
from reference.eligibility_stages_sql import VIEWS

DOMAINS = ("dm", "ex", "ae", "ds", "lb", "vs", "rs", "fa", "qs", "cm", "mh", "pr", "ie", "dv", "mb", "is", "su")
CRITERIA = [f"IN0{n}" for n in range(1, 6)] + ["EX01", "EX02", "EX03"] + [f"EX04{x}" for x in "ABCDE"]
CRITERIA += [f"EX{n:02d}" for n in range(5, 18)]

# §0.1 and A-16: windows end at the first infusion. Who was never infused has no such day: the screening counts, from
# the window before consent to the day the form was completed, the screening failed, or the cut. Age in completed years
# at consent, from the earliest and the latest possible birth date, else as collected.
SUBJECTS = """
create table subjects as
  with first as (select USUBJID, min(EXSTDTC) as moment from ex where EXDOSE > 0 group by USUBJID),
  form as (select USUBJID, max(IEDTC) as moment from ie where IEORRES is not null group by USUBJID),
  failed as (select USUBJID, max(DSSTDTC) as moment from ds where DSDECOD = 'SCREEN FAILURE' group by USUBJID),
  consent as (
    select USUBJID, min(DSSTDTC) as moment from ds where DSDECOD = 'INFORMED CONSENT OBTAINED' group by USUBJID
  ), who as (
    select d.USUBJID, d.SEX, d.AGE as said_age, d.BRTHDTC, first.moment as infused,
      coalesce(d.RFICDTC, consent.moment) as icf,
      coalesce(first.moment, substr(coalesce(form.moment, failed.moment, $cut), 1, 10) || 'T23:59') as anchor
    from dm d left join first using (USUBJID) left join form using (USUBJID) left join failed using (USUBJID)
    left join consent using (USUBJID)
  ), dated as (
    select *, full_day(anchor) as anchor_day, full_day(icf) as icf_day,
      case when infused is null then coalesce(full_day(icf), full_day(anchor)) else full_day(anchor) end as from_day,
      case when BRTHDTC is null then said_age else date_sub('year', hi(BRTHDTC), full_day(icf)) end as age_low,
      case when BRTHDTC is null then said_age else date_sub('year', lo(BRTHDTC), full_day(icf)) end as age_high
    from who
  )
  select *, case when age_low = age_high then age_low when said_age between age_low and age_high then said_age
    end as age from dated;
"""

# §1.1: consent, age, performance status. A record of a screening visit is a study-specific procedure, unless it is
# called routine; no variable of the interface holds the version of the consent form.
INCLUSION = """
create table procedures as
  select USUBJID, case when hi(d) < icf_day or (d < icf and length(d) >= 16 and length(icf) >= 16) then 'FAIL'
    when lo(d) < icf_day then 'NE' end as early
  from (select USUBJID, VISIT, LBDTC as d from lb union all select USUBJID, VISIT, VSDTC from vs)
  join subjects using (USUBJID)
  where regexp_matches(VISIT, $visits) and not regexp_matches(VISIT, $routine) and lo(d) <= anchor_day;
create table too_early as
  select USUBJID, if(bool_or(early = 'FAIL'), 'FAIL', 'NE') as early from procedures where early is not null
  group by USUBJID;
create table signers as
  select USUBJID, bool_or(regexp_matches(DSTERM || ' ' || DSDECOD, $guardian)) as guardian,
    bool_or(regexp_matches(DSTERM || ' ' || DSDECOD, $assent)) as assent
  from ds where full_day(DSSTDTC) is not null group by USUBJID;
create table performance as
  select s.USUBJID, s.age, f.test, f.score, row_number() over (
      partition by s.USUBJID order by (s.age < 16 and f.test = 'LANSKY') desc, f.moment desc) as k
  from subjects s join (
    select USUBJID, RSTESTCD as test, RSORRESN as score, RSDTC as moment, VISIT as said from rs union all
    select USUBJID, QSTESTCD, QSORRESN, QSDTC, VISIT from qs
  ) f using (USUBJID)
  where (f.test = 'ECOG101' or (f.test = 'LANSKY' and s.age < $lansky_age)) and f.score is not null
    and before_dose(f.moment, s.anchor, f.said) and s.from_day - full_day(f.moment) <= $elig_days;
"""

# What the data say: PASS, FAIL or NE; null where no data can test the criterion, so that the form decides (§1.0).
DATA = """
create table data_results as
select USUBJID, 'IN01' as crit, case
    when icf_day is null then 'NE' when icf_day > full_day(infused) then 'FAIL'
    when icf_day = full_day(infused) and has_time(icf) and has_time(infused) and icf > infused then 'FAIL'
    when early = 'FAIL' then 'FAIL'
    when early = 'NE' or icf_day = full_day(infused) and not (has_time(icf) and has_time(infused)) then 'NE'
    when age_low >= $adult then 'PASS' when age is null then 'NE'
    when age < $adult and not coalesce(guardian, false) then null
    when age between $assent_age and $adult - 1 and not coalesce(assent, false) then null else 'PASS' end as result
  from subjects left join signers using (USUBJID) left join too_early using (USUBJID)
union all
select USUBJID, 'IN02', case when age_low between $min_age and $max_age and age_high between $min_age and $max_age
    then 'PASS' when age_high < $min_age or age_low > $max_age then 'FAIL' else 'NE' end from subjects
union all
select USUBJID, 'IN03', nullif(result, 'NE') from refractory
union all
select s.USUBJID, 'IN04', case when test = 'ECOG101' then if(score <= $max_ecog, 'PASS', 'FAIL')
    when test = 'LANSKY' then if(score >= $min_lansky, 'PASS', 'FAIL') else 'NE' end
  from subjects s left join (select * from performance where k = 1) using (USUBJID)
union all
select s.USUBJID, 'IN05', case when list_contains($grades, lowest) and list_contains($grades, highest) then 'PASS'
    when not list_contains($grades, lowest) and not list_contains($grades, highest) and lowest = highest then 'FAIL'
    else 'NE' end
  from subjects s left join (select * from at_entry where k = 1) using (USUBJID)
union all
select s.USUBJID, l.crit, coalesce(r.result, 'NE')
  from subjects s cross join (select distinct crit from lab_limits) l
  left join ratios r on r.USUBJID = s.USUBJID and r.crit = l.crit
union all
select USUBJID, 'EX04C', result from clearance
union all
select USUBJID, 'EX12', case when hiv = '+' or tp = '+' then 'FAIL' when hiv = '-' and tp = '-' then 'PASS' else 'NE'
    end
  from sero
union all
select USUBJID, 'EX13', case when (hbs = '+' and dna = '+') or rna = '+' then 'FAIL'
    when (dna = '-' or hbs = '-') and (rna = '-' or (rna is null and hcv = '-')) then 'PASS' else 'NE' end
  from sero
union all
-- A negative test leaves contraception and lactation to the form: never a pass by data.
select USUBJID, 'EX15', case when SEX = 'M' then null when hcg = '+' then 'FAIL'
    when age < $hcg_age or sterile or hcg = '-' then null else 'NE' end
  from subjects join sero using (USUBJID) left join sterile using (USUBJID)
union all
select USUBJID, crit, result from history;
"""

# §1.0: the code of the cell. One answer covers the five columns of EX04: a "yes" is explained by any that fails.
RESULTS = """
create table answers as
  select USUBJID, IETESTCD as item, case when IEORRES not in ('Y', 'N') then null
      when (IEORRES = 'Y') = (IETESTCD like 'IN%') then 'PASS' else 'FAIL' end as said
  from ie where IEORRES is not null;
create table waivers as
  select distinct USUBJID, DVDECOD as item from dv where regexp_matches(DVCAT || ' ' || DVTERM, '(?i)\\bwaive|豁免');
create table audit as
  with cells as (
    select s.USUBJID, c.crit, d.result as data, a.said, w.item,
      bool_or(d.result = 'FAIL') over whole as fails, bool_or(d.result in ('FAIL', 'NE')) over whole as may_fail
    from subjects s cross join criteria c left join data_results d on d.USUBJID = s.USUBJID and d.crit = c.crit
    left join answers a on a.USUBJID = s.USUBJID and a.item = substr(c.crit, 1, 4)
    left join waivers w on w.USUBJID = s.USUBJID and w.item in (c.crit, substr(c.crit, 1, 4))
    window whole as (partition by s.USUBJID, substr(c.crit, 1, 4))
  ), coded as (
    select USUBJID, crit, coalesce(data, '') as data, item, case
      when data = 'FAIL' and said = 'PASS' then 'CONFLICT' when data = 'FAIL' then 'FAIL'
      when data = 'PASS' and said = 'FAIL' and not may_fail then 'CONFLICT' when data = 'PASS' then 'PASS'
      when data = 'NE' and said = 'FAIL' and not coalesce(fails, false) then 'ATT-FAIL' when data = 'NE' then 'NE'
      when said is null then 'PENDING' else 'ATT-' || said end as code
    from cells
  )
  -- A waiver of EX04 is one of its columns that needs it.
  select USUBJID, crit, data, case when item = crit or (item is not null and code <> 'PASS') then 'WAIVED' else code
    end as result
  from coded;
"""


class Eligibility:
    """One cut: `clean` is the folder of the clean domains, `cut` the cut-off date, `protocol` the protocol file.

    Each subject is audited under the version of the protocol in force at consent: the file, then its amendments.
    `births`: the delivered DM, where the clean one of a build no longer holds birth dates.
    """

    def __init__(self, clean: Path, cut: str, protocol: Path, births: Path | None = None) -> None:
        trial = yaml.safe_load(protocol.read_text(encoding="utf-8"))
        limits = {c["id"]: c.get("parameters", {}) for c in trial["criteria"]}
        keys = {key: value["default"] for key, value in trial["analysis"].items()}
        self._versions = [(trial["version"], "", _database(clean, cut, limits, keys, births))]
        for change in trial["amendments"]:
            amended = change.get("criteria", {})
            limits = {item: {**own, **amended.get(item, {})} for item, own in limits.items()}
            keys = {**keys, **change.get("analysis", {})}
            self._versions.append((change["id"], change["date"], _database(clean, cut, limits, keys, births)))

    def cells(self) -> dict[tuple[str, str], tuple[str, str, str]]:
        """Result code, data result (blank: no data can test it) and version, of each subject and column."""
        found = {}
        for version, first, database in self._versions:
            query = """select USUBJID, crit, result, data from audit join subjects using (USUBJID)
                where coalesce(icf, '') >= $1 order by all"""
            for subject, crit, result, data in database.execute(query, [first]).fetchall():
                found[subject, crit] = (result, data, version)
        return found


def _database(
    clean: Path, cut: str, limits: dict[str, Any], keys: dict[str, Any], births: Path | None
) -> duckdb.DuckDBPyConnection:
    """The audit under one version of the protocol."""
    database = duckdb.connect()
    for name in DOMAINS:
        source = f"read_parquet('{clean / name}.parquet')"
        if name == "dm" and births is not None:
            delivered = f"(select USUBJID, BRTHDTC from read_csv('{births}', all_varchar = true))"
            source = f"{source} join {delivered} using (USUBJID)"
        database.execute(f'create view "{name}" as select * from {source}')
    organ = limits["EX04"]
    tests = [("EX04A", "ALT", "ALT"), ("EX04B", "AST", "AST"), ("EX04D", "BUN", "BUN"), ("EX04D", "UREA", "BUN")]
    database.execute("create table lab_limits (crit text, test text, times double)")
    for crit, test, key in [*tests, ("EX04E", "INR", "INR")]:
        database.execute("insert into lab_limits values (?, ?, ?)", [crit, test, organ[f"{key}_uln"]])
    database.execute("create table criteria (crit text)")
    database.executemany("insert into criteria values (?)", [[c] for c in CRITERIA])
    database.execute("create table sr_rules (rule int, kind text, mpeq double, first_day int, last_day int)")
    for n, rule in enumerate(limits["IN03"]["definitions"][keys["sr_definition"]]):
        row = [n, rule["kind"], rule["mpeq"], rule["days"][0], rule["days"][1]]
        database.execute("insert into sr_rules values (?, ?, ?, ?, ?)", row)
    parts = (VIEWS.replace("{subjects}", SUBJECTS), LABS, CLEARANCE, SEROLOGY, INCLUSION, HISTORY, DATA, RESULTS)
    database.execute(_with("".join(parts), _values(limits, keys, cut)))
    return database


def _values(limits: dict[str, Any], keys: dict[str, Any], cut: str) -> dict[str, str]:
    """SQL literals of the placeholders."""
    numbers = {
        "elig_days": keys["elig_window_days"], "lab_days": keys["lab_window_days"],
        "sero_days": keys["sero_window_days"], "hcg_days": limits["EX15"]["hcg_window_days"],
        "hcg_age": limits["EX15"]["minimum_age"], "body_days": limits["EX04"]["weight_days"],
        "urea_low": limits["EX04"]["urea_uln_mmol_l"][0], "urea_high": limits["EX04"]["urea_uln_mmol_l"][1],
        "clearance": limits["EX04"]["creatinine_clearance_ml_min"], "tolerance": limits["IN03"]["dose_tolerance"],
        "min_age": limits["IN02"]["minimum_years"], "max_age": limits["IN02"]["maximum_years"],
        "adult": limits["IN01"]["adult_age"], "assent_age": keys["assent_age"],
        "max_ecog": limits["IN04"]["maximum_ecog"], "min_lansky": limits["IN04"]["minimum_lansky"],
        "lansky_age": limits["IN04"]["lansky_below_age"], "solid_years": limits["EX10"]["years"],
        "bp_days": limits["EX08"]["window_days"], "trial_days": limits["EX16"]["window_days"],
        "grades": [["0", "I", "II", "III", "IV"].index(g) for g in limits["IN05"]["grades"]],
    }  # fmt: skip
    words = {
        "visits": limits["IN01"]["procedure_visits"], "routine": limits["IN01"]["routine_terms"],
        "guardian": limits["IN01"]["guardian_terms"], "assent": limits["IN01"]["assent_terms"],
        "msc": limits["EX01"]["terms"], "allergy": limits["EX02"]["allergy_terms"],
        "anaphylaxis": limits["EX02"]["anaphylaxis_terms"], "blood": limits["EX02"]["blood_product_terms"],
        "foreign": limits["EX02"]["heterologous_terms"], "hvod": limits["EX05"]["terms"],
        "lung": limits["EX06"]["terms"], "oxygen": limits["EX06"]["support_terms"],
        "infarct": limits["EX07"]["ever_terms"], "heart": limits["EX07"]["uncontrolled_terms"],
        "pressure": limits["EX08"]["terms"], "clot": limits["EX09"]["terms"], "tumour": limits["EX10"]["terms"],
        "treated": limits["EX10"]["treated_terms"], "mind": limits["EX11"]["terms"],
        "no_child": limits["EX15"]["no_childbearing_terms"], "trial": limits["EX16"]["terms"],
    }  # fmt: skip
    literals = {name: str(value) for name, value in numbers.items()}
    literals |= {name: f"'{_pattern(terms)}'" for name, terms in words.items()}
    return literals | {"cut": f"'{date.fromisoformat(cut)}'"}


def _pattern(terms: list[str]) -> str:
    """A word of any case that begins with a term; a term in capitals is a whole word; Chinese is found anywhere."""
    parts = []
    for term in terms:
        start, end = (r"\b" if term.isascii() else ""), (r"\b" if term.isascii() and term.split()[-1].isupper() else "")
        parts.append(start + re.escape(term).replace("'", "''") + end)
    return f"(?i)({'|'.join(parts)})"


def _with(script: str, values: dict[str, str]) -> str:
    return re.sub(r"\$([a-z_]+)", lambda m: values[m[1]], script)
