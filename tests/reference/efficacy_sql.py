"""Response at day 28 and overall survival in SQL over the clean domains, written from the rulebook alone.

The second implementation of §2.1 to §2.7 and §5.2 with the defaults of §10: no pandas, nothing of the product. Limits
come from the binomial sums and from Greenwood's formula in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, exp, log, sqrt
from pathlib import Path

import duckdb

Z = 1.959963984540054
DAYS = (28, 100, 180)
DOMAINS = ("dm", "ex", "ae", "ds", "lb", "vs", "rs", "fa", "qs", "cm", "sv", "ss")
DRUGS = (
    "ruxolitinib|芦可替尼|basiliximab|巴利昔单抗|thymoglobulin|antithymocyte|etanercept|infliximab|vedolizumab|"
    "tocilizumab|alemtuzumab|methotrexate|mycophenolate|sirolimus|everolimus|photopheresis|abatacept|ibrutinib|"
    "belumosudil|itacitinib|pentostatin|cyclophosphamide|remestemcel"
)

# §0.3, §6: who received any iMSC, and the level received at the first infusion (1, 2, 4 x 10^6 cells/kg within 10 %).
TREATED = """
create view weight as
  select USUBJID, substr(VSDTC, 1, 10) as day, VSORRESN as kg from vs where VSTESTCD = 'WEIGHT';
create view treated as
  with first as (
    select USUBJID, min(EXSTDTC) as at from ex where EXDOSE > 0 group by USUBJID
  ), given as (
    select f.USUBJID, f.at, cast(substr(f.at, 1, 10) as date) as d0, e.EXDOSE / case e.EXDOSU
        when '10^6 cells' then (select arg_max(kg, day) from weight w
                                where w.USUBJID = f.USUBJID and w.day <= substr(f.at, 1, 10)) else 1 end as per_kg
    from first f join ex e on e.USUBJID = f.USUBJID and e.EXSTDTC = f.at
  )
  select g.*, dm.AGE as age, case when abs(per_kg - 1) <= 0.1 then 'DL1' when abs(per_kg / 2 - 1) <= 0.1 then 'DL2'
    when abs(per_kg / 4 - 1) <= 0.1 then 'DL3' end as level
  from given g join dm using (USUBJID);
"""

# §2.1: the stages of every assessment before the infusion or after its day; a stage that the findings do not give is
# the one collected.
STAGES = """
create view findings as
  select USUBJID, FADTC as at, FATESTCD as test, upper(FAORRES) as word, FAORRESN as number from fa
  union all
  select USUBJID, RSDTC, RSTESTCD, upper(RSORRES), RSORRESN from rs where RSCAT = 'MAGIC'
  union all
  select USUBJID, LBDTC, LBTESTCD, LBORRES, LBORRESN * case when LBORRESU = 'mg/dL' then 17.1 else 1 end from lb
  where LBTESTCD = 'BILI';
create view seen as
  select t.USUBJID, t.age, substr(f.at, 1, 10) as day, f.test, f.word, f.number
  from treated t join findings f on f.USUBJID = t.USUBJID
  where substr(f.at, 1, 10) <> substr(t.at, 1, 10) or f.at < t.at;
create view raw as
  select USUBJID, day, any_value(age) as age,
    max(number) filter (test = 'RASHBSA') as rash, max(number) filter (test = 'DESQBSA') as peeled,
    max(word) filter (test = 'ERYTHDRM') as red, max(word) filter (test = 'BULLAE') as bullae,
    max(number) filter (test = 'BILI') as bili, max(word) filter (test = 'NAUSEA') as nausea,
    max(number) filter (test = 'STOOLVOL') as ml, max(number) filter (test = 'STOOLN') as times,
    max(word) filter (test = 'ABDPAIN') as pain, max(word) filter (test = 'BLDSTOOL') as blood,
    max(number) filter (test = 'SKINSTG') as skin_said, max(number) filter (test = 'LIVERSTG') as liver_said,
    max(number) filter (test = 'UGISTG') as ugi_said, max(number) filter (test = 'LGISTG') as lgi_said,
    count(*) filter (test <> 'BILI') as records
  from seen group by USUBJID, day;
create view stages as
  with weighed as (
    select r.*, (select arg_max(kg, w.day) from weight w where w.USUBJID = r.USUBJID and w.day <= r.day) as kg
    from raw r where records > 0
  ), base as (
    select *, coalesce(age < 18 and kg <= 50, false) as child, ml / kg as ml_kg from weighed
  )
  select USUBJID, cast(day as date) as day,
    coalesce(case when rash is null then null when red = 'Y' and bullae = 'Y' and peeled > 5 then 4 when rash = 0 then 0
      when rash < 25 then 1 when rash <= 50 then 2 else 3 end, skin_said) as skin,
    coalesce(case when bili is null then null when bili < 34.2 then 0 when bili <= 51.3 then 1 when bili <= 102.6 then 2
      when bili <= 256.5 then 3 else 4 end, liver_said) as liver,
    coalesce(case nausea when 'NONE' then 0 when 'INTERMITTENT' then 0 when 'PERSISTENT' then 1 end, ugi_said) as ugi,
    coalesce(case when pain = 'Y' or blood = 'Y' then 4
      when ml is not null and child then
        case when ml_kg < 10 then 0 when ml_kg < 20 then 1 when ml_kg <= 30 then 2 else 3 end
      when ml is not null then case when ml < 500 then 0 when ml < 1000 then 1 when ml <= 1500 then 2 else 3 end
      when child and times is not null then
        case when times < 4 then 0 when times <= 6 then 1 when times <= 10 then 2 else 3 end
      when times is not null then case when times < 3 then 0 when times <= 4 then 1 when times <= 7 then 2 else 3 end
      end, lgi_said) as lgi
  from base;
"""

# §2.5 and A-56: the last complete assessment of days -3 to 0 (else -7), and the one closest to day 28 of days 25 to 31.
LANDMARKS = """
create view before as
  select USUBJID, skin, liver, ugi, lgi from (
    select s.*, row_number() over (partition by USUBJID order by (day - d0 >= -3) desc, day desc) as k
    from stages s join treated using (USUBJID)
    where day - d0 between -7 and 0 and skin + liver + ugi + lgi is not null
  ) where k = 1;
create view at28 as
  select USUBJID, day, skin, liver, ugi, lgi from (
    select s.*, row_number() over (partition by USUBJID order by abs(day - d0 - 28), day desc) as k
    from stages s join treated using (USUBJID) where day - d0 between 25 and 31
  ) where k = 1;
"""

# §5.2: the last record that proves life (complete dates up to the cut). §3.7: a death of which only the month is known
# is taken for the day after it, inside that month. §2.7: new systemic therapy is a drug of the list, or steroids above
# the dose of day 0 for three days.
EVENTS = """
create view alive as
  select USUBJID, max(cast(substr(d, 1, 10) as date)) as last from (
    select USUBJID, SVSTDTC as d from sv union all select USUBJID, LBDTC from lb union all
    select USUBJID, VSDTC from vs union all select USUBJID, QSDTC from qs union all
    select USUBJID, RSDTC from rs union all select USUBJID, FADTC from fa union all
    select USUBJID, EXSTDTC from ex where EXDOSE > 0 union all select USUBJID, AESTDTC from ae union all
    select USUBJID, AEENDTC from ae where AEOUT like 'RECOVERED%' union all select USUBJID, CMSTDTC from cm union all
    select USUBJID, SSDTC from ss where SSORRES = 'ALIVE'
  ) where length(d) >= 10 and cast(substr(d, 1, 10) as date) <= $cut group by USUBJID;
create view death_reports as
  select USUBJID, d from (
    select USUBJID, DTHDTC as d from dm union all
    select USUBJID, DSSTDTC from ds where DSDECOD = 'DEATH' union all
    select USUBJID, AEENDTC from ae where AETOXGR = '5' or AEOUT = 'FATAL'
  ) where d is not null;
create view deaths as
  select USUBJID, coalesce(
    min(try_cast(substr(d, 1, 10) as date)),
    min(least(greatest(last + 1, try_strptime(d, '%Y-%m')::date), last_day(try_strptime(d, '%Y-%m')::date)))
      filter (length(d) = 7)
  ) as died
  from death_reports join alive using (USUBJID) group by USUBJID having died <= $cut;
create view drugs as
  select t.USUBJID, CMDECOD, CMDOSE, CMSTDTC, CMENDTC, t.at, d0 from cm join treated t using (USUBJID)
  where regexp_matches(lower(CMTRT || ' ' || CMDECOD), $drugs)
    and not regexp_matches(lower(coalesce(CMROUTE, '')), 'topical|ophthalmic|inhal|nasal');
create view steroid_days as
  select USUBJID, cast(g as date) as day, sum(mg) as mg from (
    select t.USUBJID, CMDOSE * case when CMDECOD like 'METHYLPRED%' then 1.0 when CMDECOD like 'DEXA%' then 4 / 0.75
        when CMDECOD like 'HYDROCORT%' then 0.2 else 0.8 end as mg,
      unnest(generate_series(cast(CMSTDTC as date), least(coalesce(cast(CMENDTC as date), $cut), $cut),
             interval 1 day)) as g
    from cm join treated t using (USUBJID)
    where regexp_matches(CMDECOD, '^(METHYLPREDNISOLONE|PREDNISOLONE|PREDNISONE|DEXAMETHASONE|HYDROCORTISONE)')
      and not regexp_matches(lower(coalesce(CMROUTE, '')), 'topical|ophthalmic|inhal|nasal')
  ) group by USUBJID, cast(g as date);
create view higher as
  select s.USUBJID, s.day,
    s.day - cast(row_number() over (partition by s.USUBJID order by s.day) as integer) as run
  from steroid_days s join treated t using (USUBJID)
  left join steroid_days z on z.USUBJID = s.USUBJID and z.day = t.d0
  where s.day > t.d0 and s.mg > coalesce(z.mg, 0) + 1e-9;
create view new_therapy as
  select USUBJID, min(day) as day from (
    select n.USUBJID, cast(substr(n.CMSTDTC, 1, 10) as date) as day from drugs n
    where (cast(substr(n.CMSTDTC, 1, 10) as date) > d0 or n.CMSTDTC > n.at)
      and not exists (select 1 from drugs o where o.USUBJID = n.USUBJID and o.CMDECOD = n.CMDECOD
        and o.CMSTDTC < n.at and (o.CMENDTC is null or o.CMENDTC >= substr(n.at, 1, 10)) and o.CMDOSE >= n.CMDOSE)
    union all
    select USUBJID, min(day) + 2 from higher group by USUBJID, run having count(*) >= 3
  ) group by USUBJID;
"""

# §2.6 (CIBMTR) in the order of §2.7; A-04: mature by date alone.
RESPONSE = """
select t.USUBJID, t.level, case
  when d0 + 31 > $cut then 'PENDING'
  when died - d0 <= 28 then 'DEATH'
  when n.day <= coalesce(a.day, d0 + 28) then 'NEWTX'
  when a.day is null or b.USUBJID is null then 'MISSING'
  when a.skin + a.liver + a.ugi + a.lgi is null then 'INCOMPLETE'
  when b.skin + b.liver + b.ugi + b.lgi = 0 then 'NR'
  when a.skin + a.liver + a.ugi + a.lgi = 0 then 'CR'
  else case (a.skin < b.skin or a.liver < b.liver or a.ugi < b.ugi or a.lgi < b.lgi)::int * 2
          + (a.skin > b.skin or a.liver > b.liver or a.ugi > b.ugi or a.lgi > b.lgi)::int
       when 2 then 'PR' when 3 then 'MR' when 1 then 'PD' else 'NR' end end
from treated t left join before b using (USUBJID) left join at28 a using (USUBJID)
left join deaths using (USUBJID) left join new_therapy n using (USUBJID) order by 1
"""

# §5.2: the death, else the last day known alive.
SURVIVAL = """
create view os as
  select level, coalesce(died, last) - d0 as t, (died is not null)::int as event
  from treated left join deaths using (USUBJID) left join alive using (USUBJID);
"""
# Per time with deaths: its factor of the curve and its term of Greenwood's sum.
CURVE = """
with own as (select t, event from os where $level = 'Total' or level = $level),
steps as (
  select t, sum(event) as d, (select count(*) from own r where r.t >= own.t) as n from own
  group by t having sum(event) > 0
)
select coalesce(product((n - d) / n), 1), coalesce(sum(case when n > d then d / (n * (n - d)) end), 0),
  (select count(*) from own where t >= $day), (select count(*) from own where event = 1 and t <= $day),
  (select max(t) from own), (select count(*) from own), (select bool_and(event = 1) from own)
from steps where t <= $day
"""


@dataclass(frozen=True)
class Rate:
    """Responders of mature subjects with the Clopper-Pearson interval, and how many are pending."""

    n: int
    total: int
    pending: int

    def texts(self) -> dict[str, str]:
        """Statistics as reports write them."""
        known = [self.n / self.total, *clopper_pearson(self.n, self.total)] if self.total else [None] * 3
        shown = dict(zip(("estimate", "conf.low", "conf.high"), map(_three, known), strict=True))
        return {"n": str(self.n), "N": str(self.total), "pending": str(self.pending), **shown}


class Efficacy:
    """One cut: `clean` is the folder of the clean domains, `cut` the cut-off date."""

    def __init__(self, clean: Path, cut: str) -> None:
        self._db = duckdb.connect()
        for name in DOMAINS:
            self._db.execute(f"create view {name} as select * from read_parquet('{clean / name}.parquet')")
        script = (TREATED + STAGES + LANDMARKS + EVENTS + SURVIVAL).replace("$cut", f"date '{cut}'")
        self._db.execute(script.replace("$drugs", f"'{DRUGS}'"))
        self._cut = cut

    def categories(self) -> dict[str, tuple[str, str]]:
        """Level and category (a reason, for a non-response by rule) of each treated subject."""
        rows = self._db.execute(RESPONSE.replace("$cut", f"date '{self._cut}'")).fetchall()
        return {subject: (level, category) for subject, level, category in rows}

    def stages(self) -> list[tuple[object, ...]]:
        """Subject, day and the stages of skin, liver, upper and lower GI of every assessment."""
        return self._db.execute("select USUBJID, day, skin, liver, ugi, lgi from stages order by all").fetchall()

    @staticmethod
    def response_rate(level: str, success: tuple[str, ...], categories: dict[str, tuple[str, str]]) -> Rate:
        """The rate of `success` at one dose level, or in `Total`."""
        own = [c for where, c in categories.values() if level in ("Total", where)]
        mature = [c for c in own if c != "PENDING"]
        return Rate(sum(c in success for c in mature), len(mature), len(own) - len(mature))

    def survival(self, level: str, day: int) -> dict[str, str]:
        """S(day) at one dose level, or in `Total`, with log-log limits, n.risk just before it and n.event up to it."""
        found = self._db.execute(CURVE, {"level": level, "day": day}).fetchone()
        assert found is not None
        s, greenwood, at_risk, died, last, n, all_dead = found
        counts = {"n.risk": str(at_risk), "n.event": str(died)}
        if n and last < day and not all_dead:
            return {**counts, "estimate": "not reached", "conf.low": "-", "conf.high": "-"}
        limits = log_log(s, greenwood) if n else (None, None)
        estimate = s if n else None
        return {**counts, "estimate": _three(estimate), "conf.low": _three(limits[0]), "conf.high": _three(limits[1])}


def clopper_pearson(x: int, n: int) -> tuple[float, float]:
    """The limits at which the tails of the binomial distribution hold 2.5 % each, by bisection."""
    low = 0.0 if x == 0 else _root(lambda p: _at_least(x, n, p) < 0.025)
    high = 1.0 if x == n else _root(lambda p: 1 - _at_least(x + 1, n, p) > 0.025)
    return low, high


def log_log(s: float, greenwood: float) -> tuple[float | None, float | None]:
    """S^exp(-/+ z se / |ln S|); none at S = 1 and S = 0."""
    if s in (0, 1):
        return None, None
    spread = exp(Z * sqrt(greenwood) / abs(log(s)))
    return s**spread, s ** (1 / spread)


def _at_least(x: int, n: int, p: float) -> float:
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x, n + 1))


def _root(still_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if still_below(middle) else (low, middle)
    return low


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
