"""Worst and best case of the DLT rate: what each open fact may turn into, and that both ends are reached (§14.3)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pandas as pd
import pytest

from support.trial_builder import TrialBuilder, trial
from trialbook.core.domains import Domains
from trialbook.dlt.addlt import derive_addlt
from trialbook.dlt.bounds import dlt_bounds_rows, dlt_facts
from trialbook.dlt.events import dlt_events
from trialbook.dlt.reporting import dlt_rate_rows
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import to_ard
from trialbook.results.bounds import bounds_text
from trialbook.subjects.adsl import derive_subjects
from trialbook.subjects.dlt_status import COUNTED_AS_DLT, EVALUABLE

CUT = pd.Timestamp("2025-06-30")
OPEN_WINDOW = "2025-06-20"
Story = Callable[[TrialBuilder], TrialBuilder]
REACTION = "Infusion related reaction"


def followed(builder: TrialBuilder) -> TrialBuilder:
    return builder.infused(7).seen(28)


def reaction(builder: TrialBuilder, flag: str = "", day: int | str = 1, **ae: object) -> TrialBuilder:
    """A related grade 3 reaction, adjudicated where `flag` is given."""
    return flagged(builder.event(REACTION, day, 3, **{"related": "RELATED", **ae}), flag)


def flagged(builder: TrialBuilder, *flags: str, seq: int = 1) -> TrialBuilder:
    for flag in filter(None, flags):
        builder.add("SUPPAE", RDOMAIN="AE", IDVAR="AESEQ", IDVARVAL=str(seq), QNAM="AEDLT", QVAL=flag)
    return builder


def ungraded(builder: TrialBuilder, **ae: object) -> TrialBuilder:
    day = builder.date(3)
    return builder.add("AE", **{"AEDECOD": "Hypoxia", "AETERM": "Hypoxia", "AEREL": "RELATED", "AESTDTC": day, **ae})


def left(builder: TrialBuilder, term: str, day: int) -> TrialBuilder:
    return builder.add("DS", DSDECOD=term, DSSTDTC=builder.date(day))


def agvhd(builder: TrialBuilder) -> TrialBuilder:
    """A fatal event that is the disease, not related."""
    return builder.event("Acute graft versus host disease in intestine", 5, 5, end=10)


# What a subject may turn out to be: D a DLT, F free of one, O not evaluable, P pending.
STORIES: dict[str, tuple[Story, str]] = {
    "followed": (followed, "F"),
    "adjudicated": (lambda b: reaction(followed(b), "Y"), "D"),
    "cleared": (lambda b: reaction(followed(b), "N"), "F"),
    "candidate": (lambda b: reaction(followed(b)), "DF"),
    "both flags": (lambda b: flagged(reaction(followed(b)), "Y", "N"), "DF"),
    "flag on no event": (lambda b: flagged(followed(b), "Y", seq=9), "DF"),
    "flag without an answer": (lambda b: flagged(followed(b).event("Headache", 3, 2), "?"), "DF"),
    "flagged, dated outside": (lambda b: reaction(followed(b), "Y", 40), "DF"),
    "onset unresolved": (lambda b: reaction(followed(b), "", "2025-02"), "DF"),
    "related without a grade": (lambda b: ungraded(followed(b)), "DF"),
    "no grade, no relationship": (lambda b: ungraded(followed(b), AEREL=None, AESER="Y"), "DF"),
    "no grade, not related": (lambda b: ungraded(followed(b), AEREL="NOT RELATED"), "F"),
    "no grade, outside the window": (lambda b: ungraded(followed(b), AESTDTC=b.date(60)), "F"),
    "no contact to the end": (lambda b: b.infused(7).seen(20), "DFO"),
    "dose unknown": (lambda b: b.infused(7, float("nan")).seen(28), "FO"),
    "underdosed": (lambda b: b.seen(28), "O"),
    "died of the disease": (lambda b: agvhd(b.infused(7).died(10)), "O"),
    "died, no event says of what": (lambda b: b.infused(7).died(10), "DO"),
    "died around the end": (lambda b: agvhd(b.infused(7).seen(9).died("2025-02")).seen(22), "FO"),
    "withdrawn": (lambda b: left(b.infused(7).seen(12), "WITHDRAWAL BY SUBJECT", 15), "O"),
    "withdrawn, seen later": (lambda b: left(followed(b), "WITHDRAWAL BY SUBJECT", 15), "FO"),
    "candidate, then died": (lambda b: reaction(agvhd(b.infused(7).died(10)), ""), "DO"),
}


def derived(domains: Domains, protocol: Protocol, analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ADDLT and the facts of the bounds."""
    adsl = derive_subjects(StudyData(domains, protocol, analysis, CUT))
    events = dlt_events(adsl, domains, protocol, analysis)
    facts = dlt_facts(adsl, events, StudyData(domains, protocol, analysis, CUT))
    return derive_addlt(adsl, StudyData(domains, protocol, analysis, CUT)), facts


def of(stories: dict[str, Story], start: str | None = None) -> TrialBuilder:
    builder = trial()
    for name, story in stories.items():
        story(builder.subject(name, start=start).infused(0))
    return builder


def test_what_each_open_fact_may_turn_into(protocol: Protocol, analysis: Analysis) -> None:
    domains = of({name: story for name, (story, _) in STORIES.items()}).domains()
    _, facts = derived(domains, protocol, analysis)
    letters = {"MAYDLT": "D", "MAYFREE": "F", "MAYOUT": "O", "PENDING": "P"}
    may = {
        row["SUBJID"]: "".join(letter for name, letter in letters.items() if row[name])
        for row in facts.to_dict("records")
    }
    assert may == {name: expected for name, (_, expected) in STORIES.items()}


def cases(ard: pd.DataFrame, level: str = "Total") -> dict[str, tuple[float, float]]:
    own = ard[ard["analysis_id"].eq("BOUNDS") & ard["group1_level"].eq(level)]
    stat = own.set_index(["context", "stat_name"])["stat"]
    return {case: (stat[case, "n"], stat[case, "N"]) for case in dict.fromkeys(own["context"])}


def test_pending_subjects_count_only_in_the_bounds_that_say_so(protocol: Protocol, analysis: Analysis) -> None:
    builder = of({"S01": followed})
    builder.subject("S02", start=OPEN_WINDOW).infused(0).seen(5)
    builder.subject("S03", start=OPEN_WINDOW).infused(0).seen(5)
    reaction(builder)
    _, facts = derived(builder.domains(), protocol, analysis)
    ard = to_ard(dlt_bounds_rows(facts, protocol))
    # S03 has a candidate in an open window: it may count already.
    assert cases(ard) == {
        "worst": (1, 2), "best": (0, 1), "worst_with_pending": (2, 3), "best_with_pending": (0, 3),
    }  # fmt: skip
    assert bounds_text(ard, "DLT") == "between 0 of 1 and 1 of 2, open: S03; with pending 0 to 2 of 3"


# Some with one open fact, as the records are and completed in each way.
COMPLETIONS: dict[str, tuple[Story, list[Story]]] = {
    "candidate": (STORIES["candidate"][0], [STORIES["adjudicated"][0], STORIES["cleared"][0]]),
    "unresolved": (
        STORIES["onset unresolved"][0],
        [lambda b: reaction(followed(b), "Y", 25), lambda b: reaction(followed(b), "", 35)],
    ),
    "ungraded": (
        STORIES["related without a grade"][0],
        [
            lambda b: flagged(followed(b).event("Hypoxia", 3, 4, related="RELATED"), "Y"),
            lambda b: followed(b).event("Hypoxia", 3, 2, related="RELATED"),
        ],
    ),
    "undocumented": (
        STORIES["no contact to the end"][0],
        [
            lambda b: reaction(b.infused(7).seen(20), "Y", 19),
            lambda b: b.infused(7).seen(20).seen(30),
            lambda b: left(b.infused(7).seen(20), "LOST TO FOLLOW-UP", 21),
        ],
    ),
    "dose": (STORIES["dose unknown"][0], [lambda b: b.infused(7).seen(28), lambda b: b.infused(7, 0.1).seen(28)]),
    "death": (
        STORIES["died, no event says of what"][0],
        [lambda b: agvhd(b.infused(7).died(10)), lambda b: reaction(b.infused(7).died(10), "Y", 9)],
    ),
}


def test_both_bounds_are_reached_by_completing_the_records_and_never_passed(
    protocol: Protocol, analysis: Analysis
) -> None:
    certain = {"free": followed, "free too": followed, "with": STORIES["adjudicated"][0]}
    stories = {name: story for name, (story, _) in COMPLETIONS.items()}
    addlt, facts = derived(of({**stories, **certain}).domains(), protocol, analysis)
    ard = to_ard([*dlt_bounds_rows(facts, protocol), *dlt_rate_rows(addlt, protocol, analysis)])
    found = cases(ard)
    rate = ard[ard["analysis_id"].eq("DLT_RATE") & ard["group1_level"].eq("Total")].set_index("stat_name")["stat"]
    high, low = (n / size for n, size in (found["worst"], found["best"]))
    assert low < rate["estimate"] < high
    assert set(ard[ard["context"].eq("worst") & ard["group1_level"].eq("Total")]["stat_text"]) == {
        "candidate, death, dose, undocumented, ungraded, unresolved"
    }
    each = {f"{name}-{k}": way for name, (_, ways) in COMPLETIONS.items() for k, way in enumerate(ways)}
    after, complete = derived(of({**each, **certain}).domains(), protocol, analysis)
    assert complete[["MAYDLT", "MAYFREE", "MAYOUT"]].sum(axis=1).eq(1).all()
    status = after.set_index("SUBJID")["DLTSTAT"]
    ways = [[f"{name}-{k}" for k in range(len(ways))] for name, (_, ways) in COMPLETIONS.items()]
    seen = set()
    for chosen in product(*ways):
        own = status.loc[[*chosen, *certain]]
        seen.add((int(own.isin(COUNTED_AS_DLT).sum()), int(own.isin(EVALUABLE).sum())))
    rates = {n / size: (n, size) for n, size in seen}
    assert (min(rates), max(rates)) == (pytest.approx(low), pytest.approx(high))
    assert found["worst"] in seen
    assert found["best"] in seen


def test_with_no_dlt_at_all_the_worst_case_leaves_nobody_out(protocol: Protocol, analysis: Analysis) -> None:
    _, facts = derived(of({"S01": STORIES["dose unknown"][0]}).domains(), protocol, analysis)
    assert cases(to_ard(dlt_bounds_rows(facts, protocol)))["worst"] == (0, 1)


def test_a_level_without_a_dlt_names_who_may_not_be_evaluable(protocol: Protocol, analysis: Analysis) -> None:
    builder = of({"S01": STORIES["withdrawn, seen later"][0], "S02": followed, "S03": followed})
    _, facts = derived(builder.domains(), protocol, analysis)
    ard = to_ard(dlt_bounds_rows(facts, protocol))
    assert bounds_text(ard, "DLT", "DL1") == bounds_text(ard, "DLT") == "between 0 of 2 and 0 of 3, open: S01"


def test_the_probability_above_the_target_is_never_pooled_over_levels(protocol: Protocol, analysis: Analysis) -> None:
    builder = of({"S01": followed, "S02": STORIES["adjudicated"][0]})
    addlt, _ = derived(builder.domains(), protocol, analysis)
    rows = to_ard(dlt_rate_rows(addlt, protocol, analysis))
    chance = rows[rows["stat_name"].eq("prob_gt_target")].set_index("group1_level")
    assert pd.isna(chance.loc["Total", "stat"])
    assert chance.loc["Total", "stat_text"] == "-"
    assert 0 < chance.loc["DL1", "stat"] < 1
    total = rows[rows["group1_level"].eq("Total")].set_index("stat_name")["stat_text"]
    assert (total["n"], total["N"]) == ("1", "2")
