"""Counts of adverse events in SQL over the clean domains, written from the rulebook alone (§0.3, §3.1 to §3.8).

The second implementation behind tables T-5 to T-11: one row per event (grade changes of one event collapsed), and from
it the subjects and events of any row and dose level. No pandas, nothing of the product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

DOMAINS = ("dm", "ex", "ae", "suppae", "vs")
LEVELS = {"DL1": 1, "DL2": 2, "DL3": 4}

# §0.3: who received any iMSC, at the level received at the first infusion (cells per kg within 10 % of a level).
TREATED = """
create table given as
  select e.USUBJID, EXSTDTC as moment, cast(substr(EXSTDTC, 1, 10) as date) as day, EXDOSE / case EXDOSU
      when '10^6 cells' then (
        select arg_max(VSORRESN, VSDTC) from vs v where v.USUBJID = e.USUBJID and VSTESTCD = 'WEIGHT'
          and substr(VSDTC, 1, 10) <= substr(EXSTDTC, 1, 10)
          and cast(substr(VSDTC, 1, 10) as date) >= cast(substr(EXSTDTC, 1, 10) as date) - 7)
      else 1 end as per_kg
  from ex e where EXDOSE > 0;
create table treated as
  select USUBJID, moment as first, day as d0, (select id from levels where abs(per_kg / cells - 1) <= 0.1) as level
  from given qualify row_number() over (partition by USUBJID order by moment) = 1;
"""

# §3.7: earliest and latest day of a partial date; a start that may be the day of the infusion is that day, and a
# missing one too unless the event ended before. §3.8: an exact duplicate counts once.
RECORDS = """
create macro lo(d) as case when length(d) >= 10 then try_cast(substr(d, 1, 10) as date)
  when length(d) = 7 then cast(d || '-01' as date) when length(d) = 4 then cast(d || '-01-01' as date) end;
create macro hi(d) as case when length(d) >= 10 then try_cast(substr(d, 1, 10) as date)
  when length(d) = 7 then last_day(cast(d || '-01' as date)) when length(d) = 4 then cast(d || '-12-31' as date) end;
create table records as
  select a.USUBJID, AESEQ as seq, AESPID as spid, coalesce(AEDECOD, AETERM) as pt, coalesce(AEBODSYS, 'UNCODED') as soc,
    concat_ws(' ', AEDECOD, AETERM) as words, try_cast(AETOXGR as int) as grade, t.first, t.d0, t.level,
    AESTDTC as began,
    case when lo(AESTDTC) is null then if(hi(AEENDTC) < d0, hi(AEENDTC), d0)
      when lo(AESTDTC) <= d0 and hi(AESTDTC) >= d0 then if(hi(AEENDTC) < d0, lo(AESTDTC), d0)
      else lo(AESTDTC) end as start,
    hi(AEENDTC) as finish, AESER = 'Y' as serious,
    AEOUT = 'FATAL' or AESDTH = 'Y' or AETOXGR = '5' as fatal,
    AEACN in ('DRUG WITHDRAWN', 'DRUG INTERRUPTED', 'DOSE INTERRUPTED', 'INFUSION INTERRUPTED') as stopped,
    -- A-61: the strongest counts; one that is not known is related.
    case when regexp_matches(AEREL, '^(?i)(NOT RELATED|UNRELATED|N|NO|肯定无关|无关)$') then 1
      when regexp_matches(AEREL, '^(?i)(UNLIKELY.*|可能无关)$') then 2
      when regexp_matches(AEREL, '^(?i)(POSSIBL.*|可能有关)$') then 4
      when regexp_matches(AEREL, '^(?i)(PROBABL.*|很可能有关)$') then 5
      when regexp_matches(AEREL, '^(?i)(DEFINIT.*|RELATED|Y|YES|肯定有关|有关)$') then 6
      else 3 end as relation,
    exists (select 1 from suppae s where s.USUBJID = a.USUBJID and QNAM = 'AEDLT' and QVAL = 'Y'
      and s.IDVAR = 'AESEQ' and s.IDVARVAL = cast(AESEQ as text)) as dlt
  from ae a join treated t using (USUBJID)
  qualify row_number() over (
    partition by a.USUBJID, AEDECOD, AESTDTC, AEENDTC, AETOXGR order by AESEQ) = 1;
"""

# §3.8, A-66, A-153: the lines of one event are one episode: by its identifier, unless more than a day certainly lies
# between its lines, else lines of a term at most a day apart.
# §3.1: emergent when it began at or after the infusion (no time on the day = after, A-60) and by day 180, or when a
# later line is worse than every line before the infusion.
EPISODES = """
create table chained as
  select *, sum(fresh) over (partition by USUBJID, pt, coalesce(spid, '') order by start, seq) as chain from (
    select *, case when if(spid is null, start, coalesce(lo(began), date '0001-01-01'))
        - max(coalesce(finish, date '9999-01-01')) over (
        partition by USUBJID, pt, coalesce(spid, '') order by start, seq
        rows between unbounded preceding and 1 preceding) <= 1 then 0 else 1 end as fresh,
      start > d0 or (start = d0 and not (length(began) >= 16 and length(first) >= 16 and began < first)) as after
    from records);
create table episodes as
  select USUBJID, min(seq) as seq, any_value(level) as level, pt, any_value(soc) as soc, any_value(words) as words,
    any_value(d0) as d0, min(start) filter (after) as start, min(began) filter (after) as began,
    max(grade) filter (after) as grade, coalesce(bool_or(grade is null) filter (after), false) as ungraded,
    bool_or(serious) as serious, bool_or(fatal) as fatal,
    bool_or(stopped) as stopped, max(relation) as relation, bool_or(dlt) as dlt,
    bool_and(after) or coalesce(max(grade) filter (after) > max(grade) filter (not after), false) as emergent
  from chained group by USUBJID, pt, coalesce(spid, ''), chain;
create table events as
  select * exclude (began), relation >= 3 as related, coalesce((
      select category from aesi s where case
        when s.socs is not null then regexp_matches(soc, s.socs) and grade >= s.minimum
        else regexp_matches(words, s.terms) end
        and (not s.soon or exists (select 1 from given g where g.USUBJID = e.USUBJID and case
          when length(e.began) >= 16 and length(g.moment) >= 16
            then cast(e.began as timestamp) - cast(g.moment as timestamp) between interval 0 hour and interval 24 hour
          else e.start = g.day end))
      order by place limit 1), '') as aesi
  from episodes e where emergent and start - d0 <= $last_day;
"""


# §14.4: serious events of subjects who consented, from consent on (a date that may be later counts), by any day.
LEDGER = """
create table ledger as
  select a.USUBJID, coalesce(AEDECOD, AETERM) as pt, coalesce(t.level, '') as level, t.d0,
    AEREL is null or not regexp_matches(AEREL, '^(?i)(NOT RELATED|UNRELATED|N|NO|UNLIKELY.*|肯定无关|无关|可能无关)$')
      as related,
    coalesce(lo(AESTDTC), t.d0) - t.d0 as day, coalesce(AESPID, 'record ' || AESEQ) as line
  from ae a join dm using (USUBJID) left join treated t using (USUBJID)
  where AESER = 'Y' and (RFICDTC is null or hi(AESTDTC) is null
    or hi(AESTDTC) >= cast(substr(RFICDTC, 1, 10) as date));
"""


@dataclass(frozen=True)
class Cell:
    """What a cell of a table says, and whom it counts."""

    text: str
    subjects: list[str]


class Safety:
    """One cut: `clean` is the folder of the clean domains, `protocol` the protocol file."""

    def __init__(self, clean: Path, protocol: Path) -> None:
        self._db = duckdb.connect()
        for name in DOMAINS:
            self._db.execute(f"create view {name} as select * from read_parquet('{clean / name}.parquet')")
        keys = {k: v["default"] for k, v in yaml.safe_load(protocol.read_text(encoding="utf-8"))["analysis"].items()}
        self._least = int(keys["pct_min_n"])
        self._db.execute("create table levels (id text, cells double)")
        self._db.executemany("insert into levels values (?, ?)", [list(level) for level in LEVELS.items()])
        self._db.execute(
            "create table aesi (place int, category text, terms text, socs text, minimum int, soon boolean)"
        )
        self.categories = [search["category"] for search in keys["aesi"]]
        for place, search in enumerate(keys["aesi"]):
            row = [place, search["category"], *(_any_of(search.get(key)) for key in ("terms", "socs"))]
            row += [search.get("minimum_grade", 1), search.get("after_infusion", False)]
            self._db.execute("insert into aesi values (?, ?, ?, ?, ?, ?)", row)
        script = (TREATED + RECORDS + EPISODES + LEDGER).replace("$last_day", str(keys["safety_end_rel_day"]))
        self._db.execute(script)
        self.sizes = dict(self._db.execute("select level, count(*) from treated group by level").fetchall())
        self.sizes = {level: self.sizes.get(level, 0) for level in LEVELS}
        self.sizes["Total"] = sum(self.sizes.values())

    def row(self, where: str) -> list[Cell]:
        """Per level and in total: subjects, their share where the column is large enough, and events (§3.4)."""
        return self._cells(f"select level, USUBJID, count(*) from events where {where} group by all", events=True)

    def beside(self, where: str, missing: str) -> list[Cell]:
        """The row of `where`, and beside each number how many subjects have an event of `missing` without a grade."""
        known, left_open = self.row(where), self.row(f"{missing} and ungraded")
        return [
            Cell(_and_ungraded(cell.text, open_cell), sorted({*cell.subjects, *open_cell.subjects}))
            for cell, open_cell in zip(known, left_open, strict=True)
        ]

    def ungraded(self, where: str) -> list[Cell]:
        """Subjects with such an event without a grade, whatever grades their other events have; without events."""
        query = f"select distinct level, USUBJID, 1 from events where {where} and ungraded"
        return self._cells(query, events=False)

    def in_ledger(self, where: str) -> list[tuple[int, int]]:
        """Subjects and serious events from consent on, by level and in total; the untreated only in total."""
        rows = self._db.execute(f"select distinct USUBJID, pt, line, level from ledger where {where}").fetchall()
        chosen = [[row for row in rows if level in ("Total", row[3])] for level in self.sizes]
        return [(len({row[0] for row in own}), len(own)) for own in chosen]

    def strongest(self, column: str, value: int | None, where: str) -> list[Cell]:
        """The same, without events, for subjects whose highest grade or relation of these events is this one."""
        highest = f"having max({column}) is not distinct from {'null' if value is None else value}"
        return self._cells(f"select level, USUBJID, 1 from events where {where} group by all {highest}", events=False)

    def new_since(self, before: Safety, where: str) -> Cell:
        """Subjects and events of which `where` is true now and was not at an earlier cut; blank = none."""
        query = f"select USUBJID, pt, seq from events where {where}"
        added = {*self._db.execute(query).fetchall()} - {*before._db.execute(query).fetchall()}
        subjects = sorted({subject for subject, *_ in added})
        return Cell(f"{len(subjects)} [{len(added)}]" if added else "", subjects)

    def happens(self, where: str) -> bool:
        """Whether any event is one of these."""
        return bool(self._db.execute(f"select 1 from events where {where} limit 1").fetchall())

    def _cells(self, query: str, *, events: bool) -> list[Cell]:
        rows = self._db.execute(query).fetchall()
        return [self._cell(level, [row for row in rows if level in ("Total", row[0])], events) for level in self.sizes]

    def _cell(self, level: str, rows: list[tuple[str, str, int]], events: bool) -> Cell:
        size, n = self.sizes[level], len(rows)
        share = f" ({100 * n / size:.1f}%)" if size >= self._least else ""
        counted = f" [{sum(number for *_, number in rows)}]" if events else ""
        return Cell(f"{n}{share}{counted}" if size else "-", sorted(subject for _, subject, _ in rows))

    def terms(self, where: str) -> dict[str, set[str]]:
        """Preferred terms by system organ class of the events of which `where` is true."""
        found: dict[str, set[str]] = {}
        for soc, pt in self._db.execute(f"select distinct soc, pt from events where {where}").fetchall():
            found.setdefault(soc, set()).add(pt)
        return found


def _and_ungraded(text: str, left_open: Cell) -> str:
    return f"{text}, and {len(left_open.subjects)} not graded" if left_open.subjects else text


def quoted(text: str) -> str:
    """A text as SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _any_of(terms: list[str] | None) -> str | None:
    """A word of any case that begins with a term; a term in capitals is a whole word; Chinese is found anywhere."""
    if not terms:
        return None
    parts = []
    for term in terms:
        start, end = (r"\b" if term.isascii() else ""), (r"\b" if term.isascii() and term.split()[-1].isupper() else "")
        parts.append(start + re.escape(term) + end)
    return f"(?i)({'|'.join(parts)})"
