"""Laboratory values, clearance and serology of the eligibility audit in SQL, written from the rulebook alone."""

from __future__ import annotations

# §1.0, A-10, A-11, A-12, A-14: the last result before the infusion in the window; ratio to the limit on its own record.
LABS = """
create table before as
  select s.USUBJID, s.anchor, s.anchor_day, 'LB' as dom, LBSEQ as seq, LBTESTCD as test, LBORRES as txt,
    LBORRESN as num, coalesce(LBORRESOP, '') as op, LBORRESU as unit, LBORNRHI as uln, LBDTC as moment,
    s.from_day - full_day(LBDTC) as ago
  from subjects s join lb using (USUBJID)
  where LBORRES is not null and LBORRES <> '' and before_dose(LBDTC, s.anchor, VISIT)
  union all
  select s.USUBJID, s.anchor, s.anchor_day, 'MB', MBSEQ, MBTESTCD, MBORRES, null, '', null, null, MBDTC,
    s.from_day - full_day(MBDTC)
  from subjects s join mb using (USUBJID) where MBORRES is not null and before_dose(MBDTC, s.anchor, null)
  union all
  select s.USUBJID, s.anchor, s.anchor_day, 'IS', ISSEQ, ISTESTCD, ISORRES, null, '', null, null, ISDTC,
    s.from_day - full_day(ISDTC)
  from subjects s join "is" using (USUBJID) where ISORRES is not null and before_dose(ISDTC, s.anchor, null);
-- P16: of results of the same moment the worst.
create table ratios as
  select USUBJID, crit, times, test, num, op, uln, unit, round(num / uln, 9) as ratio,
    case when num is null or uln is null or uln <= 0 then 'NE'
      when crit = 'EX04D' and (test = 'UREA' or unit = 'mmol/L') and not case when unit ilike 'mmol/l' then uln
        when unit ilike 'mg/dl' then uln * 0.1665 end between $urea_low and $urea_high then 'NE'
      when crit = 'EX04D' and test = 'BUN' and unit ilike 'mg/dl'
        and not uln * 0.357 between $urea_low and $urea_high then 'NE'
      when op like '<%' then case when round(num / uln, 9) <= times then 'PASS' else 'NE' end
      when op like '>%' then case when round(num / uln, 9) >= times then 'FAIL' else 'NE' end
      when round(num / uln, 9) > times then 'FAIL' else 'PASS' end as result
  from (
    select b.*, l.crit, l.times, row_number() over (
      partition by b.USUBJID, l.crit order by b.moment desc, b.num / b.uln desc nulls last, b.seq desc) as k
    from before b join lab_limits l using (test) where b.dom = 'LB' and b.num is not null and b.ago <= $lab_days
  ) where k = 1;
"""

# §1.3, A-25, A-36, A-37: the measured clearance first, else Cockcroft-Gault by the adult, Schwartz by the child; weight
# and height at most 14 days old.
CLEARANCE = """
create table last_of as
  select * from (
    select *, row_number() over (partition by USUBJID, test order by moment desc, seq desc) as k from before
    where dom = 'LB' and num is not null and ago <= $lab_days
  ) where k = 1;
create table body_now as
  select USUBJID, max(value) filter (test = 'WEIGHT') as kg, max(value) filter (test = 'HEIGHT') as cm from (
    select b.USUBJID, b.test, b.value,
      row_number() over (partition by b.USUBJID, b.test order by b.moment desc, b.seq desc) as k
    from body b join subjects s using (USUBJID)
    where before_dose(b.moment, s.anchor, b.said) and s.from_day - b.day <= $body_days
  ) where k = 1 group by USUBJID;
create table clearance as
  with parts as (
    select s.USUBJID, s.age, s.SEX, m.num as measured, m.op as measured_op,
      case lower(m.unit) when 'ml/min' then 1 when 'ml/s' then 60 end as per_minute,
      case lower(c.unit) when 'umol/l' then c.num / 88.42 when 'mg/dl' then c.num end as scr, c.op, kg, cm
    from subjects s left join last_of m on m.USUBJID = s.USUBJID and m.test = 'CREATCLR'
    left join last_of c on c.USUBJID = s.USUBJID and c.test = 'CREAT' left join body_now b on b.USUBJID = s.USUBJID
  ), made as (
    select *, case when measured is not null then measured * per_minute
      when age >= 18 and SEX in ('M', 'F') then (140 - age) * kg * if(SEX = 'F', 0.85, 1) / (72 * scr)
      when age < 18 then 0.413 * cm / scr end as ml,
      -- A creatinine below its bound is a clearance above one, and the other way round.
      case when measured is not null then measured_op when op like '<%' then '>' when op like '>%' then '<' else op
      end as side
    from parts
  )
  select USUBJID, ml, case when ml is null then 'NE'
    when side like '>%' then case when round(ml, 8) > $clearance then 'PASS' else 'NE' end
    when side like '<%' then case when round(ml, 8) <= $clearance then 'FAIL' else 'NE' end
    when round(ml, 8) <= $clearance then 'FAIL' else 'PASS' end as result
  from made;
"""

# + positive or replicating, - negative or below the detection limit, ? neither.
SEROLOGY = """
create table marks as
  select USUBJID, test, case
      when regexp_matches(upper(txt), '^ *<|NOT DETECT|UNDETECT|TND|BLQ|NEG|NON-?REACTIVE|未检出|阴性|^-$') then '-'
      when regexp_matches(upper(txt), 'WEAK|INDETERM|EQUIVOC|BORDERLINE|GREY|GRAY|弱阳|可疑|不确定|灰区') then '?'
      when regexp_matches(upper(txt), 'POS|REACTIVE|DETECT|阳性|检出|^ *\\++ *$') then '+'
      when test in ('HBVDNA', 'HCVRNA') and num > 0 then '+' when test in ('HBVDNA', 'HCVRNA') and num = 0 then '-'
      else '?' end as mark, ago,
    row_number() over (partition by USUBJID, test order by moment desc, seq desc) as k
  from (select * exclude (test), case test when 'HIV12AB' then 'HIVAB' when 'TPLAB' then 'TPAB' else test end as test
        from before)
  where ago <= case when test = 'HCG' then $hcg_days else $sero_days end
    and test in ('HIVAB', 'TPAB', 'HBSAG', 'HBVDNA', 'HCVAB', 'HCVRNA', 'HCG');
create table sero as
  select s.USUBJID, any_value(mark) filter (test = 'HIVAB') as hiv, any_value(mark) filter (test = 'TPAB') as tp,
    any_value(mark) filter (test = 'HBSAG') as hbs, any_value(mark) filter (test = 'HBVDNA') as dna,
    any_value(mark) filter (test = 'HCVAB') as hcv, any_value(mark) filter (test = 'HCVRNA') as rna,
    any_value(mark) filter (test = 'HCG') as hcg
  from subjects s left join (select * from marks where k = 1) using (USUBJID) group by s.USUBJID;
"""
