"""Worst and best case of survival at one day: what is open, who decides, and that both ends are reached (§14.3)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pandas as pd
import pytest

from support.reported_rows import time_to_event_rows
from support.trial_builder import FIRST_INFUSION, TrialBuilder
from trialbook.core.domains import Domains
from trialbook.efficacy.adtte import derive_adtte
from trialbook.efficacy.survival import follow_up_rows
from trialbook.efficacy.survival_bounds import survival_bounds_rows, undelivered, why_not_evaluable
from trialbook.efficacy.survival_tables import deaths_open, deaths_text
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.results.bounds import bounds_text
from trialbook.statistics.kaplan_meier import kaplan_meier
from trialbook.subjects.adsl import derive_subjects

# FIRST_INFUSION is 2025-01-10: REL_DAY 81 is 2025-04-01, REL_DAY 110 is 2025-04-30.
CUT = FIRST_INFUSION + pd.Timedelta(days=150)
LATE = str((FIRST_INFUSION + pd.Timedelta(days=80)).date())  # at the cut on day 70: pending
Story = Callable[[TrialBuilder], TrialBuilder]


def fatal(builder: TrialBuilder, day: int | str | None = None) -> TrialBuilder:
    return builder.event("Sepsis", 5, 5, end=day, AEOUT="FATAL")


def status(builder: TrialBuilder, day: int, answer: str = "DEAD") -> TrialBuilder:
    return builder.add("SS", SSTESTCD="SURVSTAT", SSORRES=answer, SSDTC=builder.date(day))


def undated(builder: TrialBuilder) -> TrialBuilder:
    """Dead by DM, on no date."""
    return fatal(builder.seen(20).died(1)).blank_death()


class Builder(TrialBuilder):
    """A builder whose current subject can be dead without a date."""

    def blank_death(self) -> TrialBuilder:
        for domain, name in (("DM", "DTHDTC"), ("DS", "DSSTDTC")):
            own = [r for r in self._records[domain] if r["USUBJID"] == self._id]
            own[-1][name] = None
        return self


def rows(domains: Domains, protocol: Protocol, analysis: Analysis, cut: pd.Timestamp = CUT) -> pd.DataFrame:
    """OS and its bounds at day 100."""
    adsl = derive_subjects(StudyData(domains, protocol, analysis, cut))
    adtte = derive_adtte(adsl, StudyData(domains, protocol, analysis, cut))
    known = not undelivered("OS", domains)
    return to_ard([
        *time_to_event_rows(adtte, protocol, analysis, evaluable=known),
        *survival_bounds_rows(adsl, StudyData(domains, protocol, analysis, cut), 100),
    ])  # fmt: skip


def cases(ard: pd.DataFrame, level: str = "Total") -> dict[str, tuple[float, float, float | None]]:
    """(n, N, estimate) by case."""
    own = ard[ard["analysis_id"].eq("BOUNDS") & ard["variable"].eq("OS_100") & ard["group1_level"].eq(level)]
    stat = own.set_index(["context", "stat_name"])["stat"]
    names = dict.fromkeys(own["context"])
    return {case: (stat[case, "n"], stat[case, "N"], stat[case, "estimate"]) for case in names}


def deciding(ard: pd.DataFrame, case: str = "worst") -> str:
    own = ard[ard["variable"].eq("OS_100") & ard["context"].eq(case) & ard["stat_name"].eq("n")]
    return own[own["group1_level"].eq("Total")]["stat_text"].item()


def estimate(ard: pd.DataFrame) -> float:
    own = ard[ard["analysis_id"].eq("OS_KM") & ard["variable_level"].eq("100") & ard["stat_name"].eq("estimate")]
    return own[own["group1_level"].eq("Total") & own["context"].eq("log-log")]["stat"].item()


def group(story: Story, start: str | None = None) -> TrialBuilder:
    """One subject with a story beside one who lives to day 120."""
    builder = Builder().subject("S01", start=start).infused(0)
    return story(builder).subject("S02").infused(0).seen(120)


# Story, and n of N in the worst and in the best case; the other subject lives.
OPEN_FACTS: dict[str, tuple[Story, tuple[int, int], tuple[int, int]]] = {
    "known dead": (lambda b: b.died(60), (1, 2), (1, 2)),
    "known dead after the day": (lambda b: b.died(120), (2, 2), (2, 2)),
    "known dead on the day": (lambda b: b.died(100), (1, 2), (1, 2)),
    "alive on the day": (lambda b: b.seen(100), (2, 2), (2, 2)),
    "month of death around the day": (lambda b: b.seen(60).died("2025-04"), (1, 2), (2, 2)),
    "month of death, seen after the day in it": (lambda b: b.seen(105).died("2025-04"), (2, 2), (2, 2)),
    "month of death before the day": (lambda b: b.seen(60).died("2025-03"), (1, 2), (1, 2)),
    "dead on an unknown day": (undated, (1, 2), (2, 2)),
    "dead by an earlier day": (lambda b: status(fatal(b.seen(20)), 90), (1, 2), (1, 2)),
    "sources differ around the day": (lambda b: fatal(b.died(95), 105), (1, 2), (2, 2)),
    "lost before the day": (lambda b: b.seen(60), (1, 2), (2, 2)),
    "seen after the recorded death": (lambda b: b.died(40).seen(50), (1, 2), (2, 2)),
    "seen after the day, dead before it": (lambda b: b.died(40).seen(110), (1, 2), (2, 2)),
    "death before the infusion": (lambda b: b.seen(30).died(-3), (1, 2), (2, 2)),
    "dead by one source that DM does not know": (lambda b: fatal(b.seen(20), 30), (1, 2), (2, 2)),
    "dead by two sources that DM does not know": (lambda b: status(fatal(b.seen(20), 30), 90), (1, 2), (1, 2)),
}


@pytest.mark.parametrize("name", OPEN_FACTS)
def test_what_is_open_moves_the_bounds_and_nothing_else_does(name: str, protocol: Protocol, analysis: Analysis) -> None:
    story, worst, best = OPEN_FACTS[name]
    ard = rows(group(story).domains(), protocol, analysis)
    found = cases(ard)
    assert (found["worst"][:2], found["best"][:2]) == (worst, best)
    assert deciding(ard) == deciding(ard, "best") == ("" if worst == best else "S01")
    assert found["worst"] == found["worst_with_pending"]
    assert found["worst"][2] <= estimate(ard) <= found["best"][2]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        # (n, N): worst, best, then with the pending counted too.
        (lambda b: b.seen(40), [(1, 1), (1, 1), (1, 2), (2, 2)]),
        (lambda b: b.died(40), [(1, 2), (1, 2), (1, 2), (1, 2)]),
        (lambda b: fatal(b.seen(20), 30), [(1, 2), (1, 1), (1, 2), (2, 2)]),
    ],
)
def test_who_has_not_reached_the_day_is_pending(
    story: Story, expected: list[tuple[int, int]], protocol: Protocol, analysis: Analysis
) -> None:
    found = cases(rows(group(story, LATE).domains(), protocol, analysis))
    assert [found[case][:2] for case in found] == expected


def test_the_words_beside_the_number(protocol: Protocol, analysis: Analysis) -> None:
    builder = group(lambda b: b.seen(60)).subject("S03", level="DL2", start=LATE).infused(0, 2.0).seen(40)
    ard = rows(builder.domains(), protocol, analysis)
    assert bounds_text(ard, "OS_100") == "between 0.500 and 1.000, open: S01; with pending 1 to 3 of 3"
    assert bounds_text(ard, "OS_100", "DL2") == "with pending 0 to 1 of 1"
    assert bounds_text(ard, "OS_100", "DL3") == ""


# One open fact of each subject: the records as they are, and ways to complete them.
COMPLETIONS: dict[str, tuple[Story, list[Story]]] = {
    "month": (
        lambda b: b.seen(60).died("2025-04"),
        [lambda b, d=day: b.seen(60).died(d) for day in (81, 100, 110)],
    ),
    "lost": (
        lambda b: b.seen(30),
        [lambda b: b.died(30), lambda b: b.seen(30).died(100), lambda b: b.seen(30).seen(100)],
    ),
    "differ": (lambda b: fatal(b.died(95), 40), [lambda b: fatal(b.died(40), 40), lambda b: fatal(b.died(95), 95)]),
    "undated": (undated, [lambda b, d=day: fatal(b.seen(20).died(d), d) for day in (20, 100, 149)]),
    "after": (
        lambda b: b.died(50).seen(70),
        [lambda b: b.died(50), lambda b: b.seen(70).died(100), lambda b: b.seen(70).seen(130)],
    ),
}


CERTAIN: dict[str, Story] = {"alive": lambda b: b.seen(120), "dead": lambda b: b.died(50)}
PENDING: dict[str, Story] = {"early": lambda b: b.seen(45), "new": lambda b: b.seen(5)}


def with_stories(stories: dict[str, Story]) -> Domains:
    """Subjects with these stories, beside one who lives, one who died and two who are pending."""
    builder: TrialBuilder = Builder()
    for name, story in {**stories, **CERTAIN, **PENDING}.items():
        builder = story(builder.subject(name, start=LATE if name in PENDING else None).infused(0))
    return builder.domains()


def test_both_bounds_are_reached_by_completing_the_records_and_never_passed(
    protocol: Protocol, analysis: Analysis
) -> None:
    ard = rows(with_stories({name: story for name, (story, _) in COMPLETIONS.items()}), protocol, analysis)
    found = cases(ard)
    low, high = found["worst"][2], found["best"][2]
    assert low < estimate(ard) < high
    assert deciding(ard) == ", ".join(sorted(COMPLETIONS))
    # Each way to complete a subject is a subject of its own here; a completed trial takes one of each.
    ways = {name: [f"{name}-{k}" for k in range(len(ways))] for name, (_, ways) in COMPLETIONS.items()}
    domains = with_stories(
        {f"{name}-{k}": way for name, (_, ways) in COMPLETIONS.items() for k, way in enumerate(ways)}
    )
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    assert deciding(to_ard(survival_bounds_rows(adsl, StudyData(domains, protocol, analysis, CUT), 100))) == ""
    adtte = derive_adtte(adsl, StudyData(domains, protocol, analysis, CUT))
    times = adtte[adtte["PARAMCD"].eq("OS")].set_index("SUBJID")[["AVAL", "CNSR"]]
    seen = []
    for chosen in product(*ways.values()):
        own = times.loc[[*chosen, *CERTAIN, *PENDING]]
        curve = kaplan_meier(own["AVAL"].tolist(), own["CNSR"].eq(0).astype(int).tolist())
        n = int((own["AVAL"].ge(100) & ~(own["AVAL"].eq(100) & own["CNSR"].eq(0))).sum())
        seen.append((curve.at(100).survival.estimate, n))
    estimates = [value for value, _ in seen]
    assert (min(estimates), max(estimates)) == (pytest.approx(low), pytest.approx(high))
    assert (min(n for _, n in seen), max(n for _, n in seen)) == (found["worst"][0], found["best"][0])
    assert found["worst"][1] == found["best"][1] == len(COMPLETIONS) + len(CERTAIN)
    assert found["worst_with_pending"][:2] == (1, 9)
    assert found["best_with_pending"][1] == 9


def test_without_disposition_survival_is_not_evaluable_and_bounded(protocol: Protocol, analysis: Analysis) -> None:
    builder = group(lambda b: b.died(60)).subject("S03", start=LATE).infused(0).seen(40)
    domains = builder.subject("S04").infused(0).seen(60).domains()
    without = Domains({code: domains[code] for code in domains if code != "DS"})
    ard = rows(without, protocol, analysis)
    own = ard[ard["analysis_id"].isin(["OS_KM", "OS_MEDIAN", "OS_EVENTS"]) & ard["stat_name"].isin(["estimate", "n"])]
    assert own["stat"].isna().all()
    assert set(own["stat_text"]) == {"NE"}
    # S01 is dead by DM, S02 alive on day 120; S03 (day 70 at the cut) and S04 may have died unrecorded.
    found = cases(ard)
    assert (found["worst"][:2], found["best"][:2]) == ((1, 4), (2, 3))
    assert deciding(ard) == "S03, S04"
    # Unrecorded deaths are possible up to the cut: also S02's, after day 120.
    assert (deaths_text(ard), deaths_open(ard)) == ("at least 1 of 4", "up to 4 of 4, open: S02, S03, S04")
    assert why_not_evaluable("OS", without) == "Not evaluable: disposition (DS) was not delivered."
    assert why_not_evaluable("OS", domains) == ""
    adtte = derive_adtte(
        derive_subjects(StudyData(without, protocol, analysis, CUT)), StudyData(without, protocol, analysis, CUT)
    )
    followed = to_ard(follow_up_rows(adtte, protocol, analysis, CUT, evaluable=False))
    median = followed[followed["analysis_id"].eq("FUP_RKM") & followed["stat_name"].eq("estimate")]
    assert set(median["stat_text"]) == {"NE"}


def test_the_status_of_survival_alone_may_be_missing(protocol: Protocol, analysis: Analysis) -> None:
    """A-135: without SS survival is estimated from DM, DS and AE."""
    ard = rows(group(lambda b: b.died(60)).domains(), protocol, analysis)
    assert estimate(ard) == 0.5


def test_days_count_from_one_where_the_key_says_so(protocol: Protocol, analysis: Analysis) -> None:
    """With `os_add_one` a death on day 100 has time 101: S(100) counts it as alive."""
    keys = analysis.model_copy(update={"os_add_one": True})
    ard = rows(group(lambda b: b.died(100)).domains(), protocol, keys)
    assert cases(ard)["worst"] == cases(ard)["best"] == (2, 2, 1.0)
    assert estimate(ard) == 1.0
