"""Organ stages, grade and steroid-refractory status in SQL, written from the rulebook alone (§2.1 to §2.4).

Views for `eligibility_sql`: they rest on the clean domains, the view `subjects` (who, anchor, age) and the table
`sr_rules` (the definition in force).
"""

from __future__ import annotations

# Dates as §3.7 has them: the earliest and the latest day a complete or partial date may mean.
MACROS = """
create macro lo(d) as case
  when length(d) >= 10 then try_cast(substr(d, 1, 10) as date)
  when length(d) = 7 then try_cast(d || '-01' as date) when length(d) = 4 then try_cast(d || '-01-01' as date) end;
create macro hi(d) as case
  when length(d) >= 10 then try_cast(substr(d, 1, 10) as date)
  when length(d) = 7 then last_day(try_cast(d || '-01' as date)) when length(d) = 4 then try_cast(d || '-12-31' as date)
  end;
create macro full_day(d) as case when length(d) >= 10 then try_cast(substr(d, 1, 10) as date) end;
create macro has_time(d) as length(d) >= 16;
-- A-10: on the day of the infusion a record counts when its time is not after the infusion's; without time only when
-- the record says that it is from before the dose.
create macro before_dose(d, dose, said) as
  full_day(d) < full_day(dose) or (full_day(d) = full_day(dose) and case
    when dose like '%T23:59' then true -- never infused: the whole last day of screening
    when has_time(d) and has_time(dose) then substr(d, 1, 16) <= substr(dose, 1, 16)
    else regexp_matches(upper(coalesce(said, '')), 'PRE-?DOSE|BASELINE|SCREENING|给药前|基线') end);
"""

# §1.4: weight in kg, height in cm.
BODY = """
create table body as
  select v.USUBJID, VSTESTCD as test, VSDTC as moment, full_day(VSDTC) as day, VSORRESN * case
      when lower(VSORRESU) in ('g') then 0.001 when lower(VSORRESU) in ('lb', 'lbs') then 0.45359237
      when VSORRESU in ('jin', '斤') then 0.5 when lower(VSORRESU) = 'm' then 100
      when lower(VSORRESU) in ('in', 'inch') then 2.54 when lower(VSORRESU) in ('kg', 'cm') then 1 end as value,
    coalesce(VSTPT, '') || ' ' || coalesce(VISIT, '') as said, VSSEQ as seq
  from vs v where VSTESTCD in ('WEIGHT', 'HEIGHT') and VSORRESN > 0 and coalesce(VSORRESOP, '') = '';
"""

# §2.1: findings up to the anchor, one row per day with any finding; raw components first, else the collected stage.
STAGES = """
create table findings as
  select f.USUBJID, FADTC as moment, FATESTCD as test, upper(FAORRES) as word,
    FAORRESN * case when FATESTCD = 'STOOLVOL' and lower(FAORRESU) like 'l%' then 1000 else 1 end as number,
    VISIT as said
  from fa f where upper(FAOBJ) = 'ACUTE GVHD'
  union all
  select USUBJID, RSDTC, RSTESTCD, upper(RSORRES), RSORRESN, VISIT from rs where RSCAT = 'MAGIC'
  union all
  select USUBJID, LBDTC, 'BILI', upper(LBORRES),
    LBORRESN * case lower(LBORRESU) when 'mg/dl' then 17.1 when 'umol/l' then 1 end, VISIT
  from lb where LBTESTCD = 'BILI';
create table seen as
  select s.USUBJID, s.age_low, s.age_high, full_day(f.moment) as day, f.moment, f.test, f.word, f.number
  from subjects s join findings f using (USUBJID) where before_dose(f.moment, s.anchor, f.said);
create table by_day as
  select USUBJID, any_value(age_low) as age_low, any_value(age_high) as age_high, day,
    arg_max(number, moment) filter (test = 'RASHBSA') as rash,
    arg_max(number, moment) filter (test = 'DESQBSA') as peeled,
    arg_max(word, moment) filter (test = 'ERYTHDRM') as red, arg_max(word, moment) filter (test = 'BULLAE') as bullae,
    arg_max(number, moment) filter (test = 'BILI') as bili, arg_max(word, moment) filter (test = 'NAUSEA') as nausea,
    arg_max(number, moment) filter (test = 'STOOLN') as times,
    arg_max(word, moment) filter (test = 'ABDPAIN') as pain, arg_max(word, moment) filter (test = 'BLDSTOOL') as blood,
    arg_max(number, moment) filter (test = 'SKINSTG') as skin_said,
    arg_max(number, moment) filter (test = 'LIVERSTG') as liver_said,
    arg_max(number, moment) filter (test = 'UGISTG') as ugi_said,
    arg_max(number, moment) filter (test = 'LGISTG') as lgi_said,
    arg_max(word, moment) filter (test = 'AGVHGRD') as grade_said,
    count(*) filter (test <> 'BILI') as findings
  from seen group by USUBJID, day;
create table weighed as
  select d.*,
    -- PDQ footnote c: stool volume is the mean of three days.
    (select avg(x.number) from seen x where x.USUBJID = d.USUBJID and x.test = 'STOOLVOL'
       and x.day between d.day - 2 and d.day
       and exists (select 1 from seen y where y.USUBJID = d.USUBJID and y.test = 'STOOLVOL' and y.day = d.day)) as ml,
    coalesce((select arg_max(value, b.moment) from body b
              where b.USUBJID = d.USUBJID and test = 'WEIGHT' and b.day <= d.day),
             (select arg_min(value, b.moment) from body b where b.USUBJID = d.USUBJID and test = 'WEIGHT')) as kg
  from by_day d where findings > 0;
create table stages as
  with columns_of_gut as (
    select *, case when age_low >= 18 then false when age_high < 18 then kg <= 50 end as child, ml / kg as ml_kg
    from weighed
  )
  select USUBJID, day, grade_said,
    coalesce(case when rash is null then null
      when rash > 50 and red = 'Y' and bullae = 'Y' and peeled > 5 then 4
      when rash <= 0 then 0 when rash < 25 then 1 when rash <= 50 then 2 else 3 end, skin_said) as skin,
    coalesce(case when bili is null then null when bili < 34.2 then 0 when bili <= 51.3 then 1 when bili <= 102.6 then 2
      when bili <= 256.5 then 3 else 4 end, liver_said) as liver,
    coalesce(case nausea when 'NONE' then 0 when 'INTERMITTENT' then 0 when 'PERSISTENT' then 1 end, ugi_said) as ugi,
    coalesce(case when pain = 'Y' or blood = 'Y' then 4
      when ml is not null and child then
        case when ml_kg < 10 then 0 when ml_kg < 20 then 1 when ml_kg <= 30 then 2 else 3 end
      when ml is not null and not child then
        case when ml < 500 then 0 when ml < 1000 then 1 when ml <= 1500 then 2 else 3 end
      when times is not null and child then
        case when times < 4 then 0 when times <= 6 then 1 when times <= 10 then 2 else 3 end
      when times is not null and not child then
        case when times < 3 then 0 when times <= 4 then 1 when times <= 7 then 2 else 3 end
      end, lgi_said) as lgi
  from columns_of_gut
  where rash is not null or nausea is not null or ml is not null or times is not null or pain is not null
    or blood is not null or skin_said is not null or liver_said is not null or ugi_said is not null
    or lgi_said is not null;
"""

# §2.2.1, and §2.2.3: the grade with every missing organ at its lowest, and at its highest.
GRADES = """
create macro magic(skin, liver, ugi, lgi) as case
  when skin = 4 or liver = 4 or lgi = 4 then 4 when liver in (2, 3) or lgi in (2, 3) then 3
  when skin = 3 or liver = 1 or ugi = 1 or lgi = 1 then 2 when skin in (1, 2) then 1 else 0 end;
create table graded as
  select *, magic(coalesce(skin, 0), coalesce(liver, 0), coalesce(ugi, 0), coalesce(lgi, 0)) as lowest,
    magic(coalesce(skin, 4), coalesce(liver, 4), coalesce(ugi, 1), coalesce(lgi, 4)) as highest
  from stages;
create table at_entry as
  select g.*, row_number() over (partition by g.USUBJID order by g.day desc) as k
  from graded g join subjects s using (USUBJID) where s.from_day - g.day <= $elig_days;
"""

# §2.4, §1.4: methylprednisolone-equivalent mg/kg of every day up to the anchor, by the weight known on that day (else
# the first one known), and per rule of the definition in force what the stages of its days say.
STEROIDS = """
create table steroid_doses as
  select USUBJID, full_day(CMSTDTC) as first_day, lo(CMSTDTC) as earliest, full_day(CMENDTC) as last_day,
    regexp_matches(upper(CMDECOD || ' ' || CMTRT),
      'METHYLPRED|PREDNISO|HYDROCORT|DEXAMETH|泼尼|甲强龙|氢化可的松|地塞米松') as steroid,
    CMDOSU ilike '%/kg%' as per_kg,
    CMDOSE * case when CMDOSU ilike 'g%' then 1000 else 1 end * case
      when upper(CMDECOD) like 'METHYLPRED%' or CMTRT like '%甲泼尼龙%' or CMTRT like '%甲强龙%' then 1.0
      when upper(CMDECOD) like 'PREDNISO%' or CMTRT like '%泼尼松%' then 4 / 5.0
      when upper(CMDECOD) like 'HYDROCORT%' or CMTRT like '%氢化可的松%' then 4 / 20.0
      when upper(CMDECOD) like 'DEXAMETH%' or CMTRT like '%地塞米松%' then 4 / 0.75 end
    * case upper(coalesce(CMDOSFRQ, 'QD')) when 'BID' then 2 when 'Q12H' then 2 when 'TID' then 3 when 'Q8H' then 3
      when 'QID' then 4 when 'Q6H' then 4 when 'QOD' then 0.5 else 1 end as mp
  from cm where not regexp_matches(upper(coalesce(CMROUTE, '')),
    'TOPIC|CUTAN|OPHTH|CONJUNCT|NASAL|INHAL|RESPIR|RECT|VAGIN|INTRATHEC|INTRALES|OROPHAR|外用|局部|吸入|滴眼|灌肠|鞘内');
create table steroid_days as
  with each_day as (
    select USUBJID, c.per_kg, c.mp, cast(unnest(generate_series(
      c.first_day, least(coalesce(c.last_day, s.anchor_day), s.anchor_day), interval 1 day)) as date) as day
    from subjects s join steroid_doses c using (USUBJID) where c.mp > 0 and c.first_day <= s.anchor_day
  )
  select USUBJID, day, sum(mp / case when per_kg then 1 else coalesce(
      (select arg_max(value, b.moment) from body b
       where b.USUBJID = d.USUBJID and b.test = 'WEIGHT' and b.day <= d.day),
      (select arg_min(value, b.moment) from body b where b.USUBJID = d.USUBJID and b.test = 'WEIGHT')) end) as mp
  from each_day d group by USUBJID, day;
-- One row per subject and rule; no start = the dose was never reached (false where steroid doses are known at all).
create table sr_starts as
  select s.USUBJID, r.rule, r.kind, r.first_day, r.last_day, s.anchor_day, min(d.day) as start,
    exists (select 1 from steroid_days k where k.USUBJID = s.USUBJID and k.mp > 0)
      and not exists (select 1 from steroid_doses c where c.USUBJID = s.USUBJID and c.steroid
        and (c.mp is null or c.first_day is null) and coalesce(c.earliest <= s.anchor_day, true))
      and not exists (select 1 from steroid_days k where k.USUBJID = s.USUBJID and k.mp is null) as known
  from subjects s cross join sr_rules r
  left join steroid_days d on d.USUBJID = s.USUBJID and d.mp > 0 and d.mp >= r.mpeq * (1 - $tolerance)
  group by all;
-- Whether one stage exceeds another: nothing is below 0 or above the highest, known or not.
create macro above(one, other, top) as case when one = 0 or other = top then false else one > other end;
create table sr_window as
  select r.USUBJID, r.rule, r.kind, r.known, r.last_day is null as open,
    coalesce(r.anchor_day - r.start >= r.first_day, false) as reached, g.day,
    above(g.skin, z.skin, 4) or above(g.liver, z.liver, 4) or above(g.ugi, z.ugi, 1) or above(g.lgi, z.lgi, 4) as worse,
    above(z.skin, g.skin, 4) or above(z.liver, g.liver, 4) or above(z.ugi, g.ugi, 1) or above(z.lgi, g.lgi, 4) better,
    case when greatest(g.skin, g.liver, g.ugi, g.lgi) > 0 then false
      when g.skin + g.liver + g.ugi + g.lgi = 0 then true end as clear
  from sr_starts r
  left join stages g on g.USUBJID = r.USUBJID
    and g.day - r.start between r.first_day and coalesce(r.last_day, 100000) and g.day <= r.anchor_day
  left join stages z on z.USUBJID = r.USUBJID
    and z.day = (select max(day) from stages y
                 where y.USUBJID = r.USUBJID and y.day between r.start - $elig_days and r.start);
-- "Worse" holds at any assessment of its days; the others at the last of their days, or the first where these are open.
create table sr_by_rule as
  with judged as (
    select *, case kind when 'worse' then worse when 'not_improved' then not better else not clear end as holds,
      row_number() over (
        partition by USUBJID, rule order by if(open, date '2000-01-01' - day, day - date '2000-01-01') desc) as k
    from sr_window
  )
  select USUBJID, rule, case when bool_or(holds) filter (k = 1 or kind = 'worse') then 'TRUE'
    when not any_value(known) then 'NE' when not any_value(reached) then 'FALSE'
    when bool_and(coalesce(not holds, false)) filter (k = 1 or kind = 'worse') and count(day) > 0 then 'FALSE'
    else 'NE' end as holds
  from judged group by USUBJID, rule;
create table refractory as
  select s.USUBJID, case when bool_or(holds = 'TRUE') then 'PASS'
    when count(*) filter (holds = 'FALSE') = (select count(*) from sr_rules) then 'FAIL' else 'NE' end as result
  from subjects s left join sr_by_rule using (USUBJID) group by s.USUBJID;
"""

VIEWS = MACROS + BODY + "{subjects}" + STAGES + GRADES + STEROIDS
