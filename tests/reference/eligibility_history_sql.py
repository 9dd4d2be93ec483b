"""What medical history and treatments say on the exclusions (§1.2), in SQL, written from the rulebook alone.

Only a record that shows the exclusion gives a result: that nothing is recorded proves nothing, the form decides (§1.0).
"""

from __future__ import annotations

HISTORY = """
-- A condition has begun by the day it ended, whatever is known of its start.
create macro begun_by(began, ended) as least(hi(began), hi(ended));
-- What begins on the day of the infusion, its time unknown, is not from before it (A-60).
create table earlier as select *, if(infused is null, anchor_day, anchor_day - 1) as prior_day from subjects;
-- Conditions of MH and AE with the interval of each date (§3.7). `now`: ongoing at the anchor; null = cannot be told.
create table conditions as
  with both_domains as (
    select USUBJID, 'MH' as dom, concat_ws(' ', MHTERM, MHDECOD) as txt, MHCAT as cat, upper(MHSEV) as sev,
      try_cast(MHTOXGR as int) as grade, MHSTDTC as began, MHENDTC as ended, MHENRTPT = 'ONGOING' as open from mh
    union all
    select USUBJID, 'AE', concat_ws(' ', AETERM, AEDECOD), AEBODSYS, null, try_cast(AETOXGR as int), AESTDTC, AEENDTC,
      AEENRTPT = 'ONGOING' or AEOUT like 'NOT RECOVERED%' from ae
  )
  select c.*, s.anchor_day, s.icf_day, s.prior_day, case
      when lo(began) > s.prior_day or hi(ended) < s.anchor_day then false
      when (began is null or begun_by(began, ended) <= s.prior_day)
        and (ended is null and open or lo(ended) >= s.anchor_day) then true end as now,
    case when lo(began) > s.prior_day then false
      when began is null and dom = 'MH' or begun_by(began, ended) <= s.prior_day then true end as ever,
    case when grade is not null then grade >= 3
      when regexp_matches(sev, 'SEVERE|LIFE|FATAL|重度|严重') then true
      when regexp_matches(sev, 'MILD|MODERATE|轻|中') then false end as severe
  from both_domains c join earlier s using (USUBJID);
create table treatments as
  select s.USUBJID, concat_ws(' ', CMTRT, CMDECOD) as txt, CMCAT as cat, CMSTDTC as began, CMENDTC as ended,
    CMENRTPT = 'ONGOING' as open, s.anchor_day, s.icf_day, s.prior_day from earlier s join cm using (USUBJID)
  union all
  select s.USUBJID, concat_ws(' ', PRTRT, PRDECOD), PRCAT, PRSTDTC, PRENDTC, false, s.anchor_day, s.icf_day, s.prior_day
  from earlier s join pr using (USUBJID);
create table habits as
  select USUBJID, concat_ws(' ', SUTRT, SUCAT) as txt from su join earlier using (USUBJID)
  where coalesce(lo(SUSTDTC) <= prior_day, true);
create table sterile as
  select distinct USUBJID, true as sterile from conditions where regexp_matches(txt, $no_child) and ever
  union select distinct USUBJID, true from treatments
  where regexp_matches(txt, $no_child) and begun_by(began, ended) <= prior_day;

-- found = true: the record shows the exclusion; null: it may, and what is missing would tell.
create table hits as
  select USUBJID, 'EX01' as crit,
    case when begun_by(began, ended) <= prior_day then true when lo(began) > prior_day then false end as found
  from treatments where regexp_matches(txt, $msc)
  union all
  select USUBJID, 'EX02', ever and case when regexp_matches(txt, $foreign) then true
      when regexp_matches(txt, $anaphylaxis) then true else severe end
  from conditions where dom = 'MH' and regexp_matches(concat_ws(' ', txt, cat), $allergy)
    and (regexp_matches(txt, $foreign) or regexp_matches(txt, $blood))
  union all
  select USUBJID, 'EX05', now and coalesce(severe, false) from conditions where regexp_matches(txt, $hvod)
  union all
  select USUBJID, 'EX06', now and coalesce(severe, false) from conditions where regexp_matches(txt, $lung)
  union all
  select USUBJID, 'EX06', case when lo(began) > prior_day or hi(ended) < anchor_day then false
      when begun_by(began, ended) <= prior_day and (open or lo(ended) >= anchor_day) then true end
  from treatments where regexp_matches(txt, $oxygen)
  union all
  select USUBJID, 'EX07', ever from conditions where regexp_matches(txt, $infarct)
  union all
  select USUBJID, 'EX07', now from conditions where regexp_matches(txt, $heart)
  union all
  select USUBJID, 'EX08', case when lo(began) > prior_day or hi(ended) < icf_day - $bp_days then false
      when coalesce(begun_by(began, ended) <= prior_day, true)
        and (open or lo(ended) >= icf_day - $bp_days or lo(began) >= icf_day - $bp_days) then true end
  from conditions where dom = 'MH' and regexp_matches(txt, $pressure)
  union all
  select USUBJID, 'EX09', now from conditions where regexp_matches(txt, $clot)
  union all
  select USUBJID, 'EX10', case when regexp_matches(txt, $treated) then false
      when lo(began) > prior_day or hi(ended) < icf_day - to_years($solid_years) then false
      when (begun_by(began, ended) <= prior_day or began is null)
        and (open or lo(ended) >= icf_day - to_years($solid_years) or lo(began) >= icf_day - to_years($solid_years))
        then true end
  from conditions where dom = 'MH' and regexp_matches(txt, $tumour) and coalesce(cat, '') not ilike '%UNDERLYING%'
  union all
  select USUBJID, 'EX11', ever from conditions where dom = 'MH' and regexp_matches(txt, $mind)
  union all
  select USUBJID, 'EX11', true from habits where regexp_matches(txt, $mind)
  union all
  -- A-35: used in the 84 days before consent, both ends counted.
  select USUBJID, 'EX16', case when lo(began) > icf_day or hi(ended) < icf_day - $trial_days then false
      when begun_by(began, ended) <= icf_day and (open or lo(ended) >= icf_day - $trial_days
        or (ended is null and lo(began) >= icf_day - $trial_days)) then true end
  from treatments where regexp_matches(concat_ws(' ', txt, cat), $trial) and coalesce(lo(began) <= icf_day, true);
create table history as
  select USUBJID, crit, case when bool_or(found) then 'FAIL' when count(*) > count(found) then 'NE'
    when crit = 'EX16' then 'PASS' end as result
  from hits group by USUBJID, crit;
"""
