"""Counts, rates and survival by any group: what is unknown stays open, and a published number keeps its set."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from trialbook.analyses.count import count
from trialbook.analyses.population import PUBLISHED, Population, stop_if_other_sizes
from trialbook.analyses.rate import rate
from trialbook.analyses.result import Result, stop_if_twice
from trialbook.analyses.selection import select
from trialbook.analyses.time_to_event import survival
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.analysis import Analysis
from trialbook.protocol.models import Protocol
from trialbook.results.ard import proportion_rows
from trialbook.statistics.intervals import clopper_pearson
from trialbook.statistics.kaplan_meier import kaplan_meier
from trialbook.workbook.presentation import result_view

SEX = ["F", "M", "F", "M", "", "M"]
AGE_GROUPS = ["18-70", "4-11", "12-17", "18-70", "18-70", "18-70"]


@pytest.fixture
def population(protocol: Protocol, analysis: Analysis) -> Population:
    """Six subjects: five treated (S1 to S5), S5 not mature and of unknown sex."""
    numbers = [f"S{k}" for k in range(1, 7)]
    adsl = pd.DataFrame(
        {
            "USUBJID": [f"T-{number}" for number in numbers], "SUBJID": numbers, "SEX": SEX, "AGEGR1": AGE_GROUPS,
            "TRT01A": ["DL1", "DL1", "DL2", "DL2", "DL2", ""], "SAFFL": [*"YYYYY", ""],
            "MAT28FL": [*"YYYY", "", ""], "OSNEREAS": "",
        }
    )  # fmt: skip
    return Population(adsl, protocol, analysis)


def responses(**changes: str) -> pd.DataFrame:
    """The response of each treated subject: two responders, one not, one not evaluable, one pending."""
    values = {"S1": "CR", "S2": "NR", "S3": "PR", "S4": "NE", "S5": "PENDING", **changes}
    level = {"S1": "DL1", "S2": "DL1"}
    return pd.DataFrame(
        [(f"T-{number}", level.get(number, "DL2"), value, "RSP28") for number, value in values.items()],
        columns=["USUBJID", "TRT01A", "AVALC", "PARAMCD"],
    )


def stats(result: Result, level: str, context: str = "added, clopper_pearson") -> dict[str, Any]:
    """The statistics of one group."""
    rows = [row for row in result.counted.rows if row["group1_level"] == level and row["context"] == context]
    return {row["stat_name"]: row["stat"] for row in rows}


RESPONSE = "AVALC in ['CR', 'PR']"


def test_a_rate_counts_the_pending_beside_and_leaves_what_is_not_evaluable_open(population: Population) -> None:
    found = rate(responses(), RESPONSE, by="TRT01A", id="MY_ORR", population=population)
    first, second = stats(found, "DL1"), stats(found, "DL2")
    exact = clopper_pearson(1, 2)
    assert (first["n"], first["N"], first["pending"], first["estimate"]) == (1, 2, 0, 0.5)
    assert (first["conf.low"], first["conf.high"]) == (exact.low, exact.high)
    # One response is certain, one is not evaluable: neither the number nor the rate is known, only its bounds.
    assert (second["n"], second["N"], second["pending"], second["estimate"]) == (None, 2, 1, None)
    assert (second["n.low"], second["n.high"]) == (1, 2)
    assert stats(found, "Total")["n.high"] == 3
    by_level = found.to_frame().set_index("TRT01A")
    assert by_level.loc["DL2", ["n_low", "n_high", "N", "pending"]].tolist() == [1, 2, 2, 1]
    assert pd.isna(by_level.loc["DL2", "n"])


def test_groups_come_from_adsl_in_their_order_and_nobody_vanishes(population: Population) -> None:
    found = rate(responses(S4="NR"), RESPONSE, by="SEX", id="MY_ORR_SEX", population=population)
    assert found["SEX"].tolist() == ["F", "M", "unknown", "Total"]
    assert found.counted.levels == ("F", "M", "unknown", "Total")
    assert {row["group1"] for row in found.counted.rows} == {"SEX"}
    by_age = rate(responses(S4="NR"), RESPONSE, by="AGEGR1", id="MY_ORR_AGE", population=population)
    assert by_age["AGEGR1"].tolist() == ["4-11", "12-17", "18-70", "Total"]
    alone = rate(responses(S4="NR"), RESPONSE, by="", id="MY_ORR_ALL", population=population)
    assert alone["group"].tolist() == ["Total"]
    levels = rate(responses(S4="NR"), RESPONSE, id="MY_ORR", population=population)
    assert levels["TRT01A"].tolist() == [*population.protocol.level_ids, "Total"]


def test_an_added_analysis_is_marked_and_a_published_one_is_not(population: Population) -> None:
    mine = rate(responses(S4="NR"), RESPONSE, id="MY_ORR", population=population)
    assert mine.counted.added
    assert {row["context"] for row in mine.counted.rows} == {"added, clopper_pearson"}
    theirs = rate(responses(S4="NR"), RESPONSE, id="ORR_D28", population=population)
    assert {row["context"] for row in theirs.counted.rows} == {
        "clopper_pearson", "wilson", "jeffreys", "midp", "beta_binomial"
    }  # fmt: skip
    assert {row["variable"] for row in theirs.counted.rows} == {"RSP28"}


def test_a_selection_narrows_who_is_counted_and_who_is_pending(population: Population) -> None:
    found = rate(responses(), RESPONSE, where="TRT01A == 'DL1'", id="MY_ORR_DL1", population=population)
    assert (stats(found, "Total")["N"], stats(found, "Total")["pending"]) == (2, 0)
    women = rate(
        responses(), RESPONSE, where=lambda rows: rows["USUBJID"].isin(["T-S1", "T-S3"]), id="MY_X",
        population=population,
    )  # fmt: skip
    assert (stats(women, "Total")["n"], stats(women, "Total")["N"]) == (2, 2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame[frame["USUBJID"] != "T-S2"], "without subject S2"),
        (lambda frame: frame.assign(AVALC=frame["AVALC"].replace("CR", "PENDING")), "without subject S1"),
        (lambda frame: pd.concat([frame, frame.head(1).assign(USUBJID="T-S6")]), "S6"),
    ],
)
def test_a_published_rate_refuses_other_subjects_than_its_set(change: Any, says: str, population: Population) -> None:
    frame = responses(S4="NR")
    assert rate(frame, RESPONSE, id="ORR_D28", population=population).counted.rows
    with pytest.raises(StopError, match=says) as stopped:
        rate(change(frame).reset_index(drop=True), RESPONSE, id="ORR_D28", population=population)
    assert "MY_ORR_D28" in str(stopped.value)
    # Under an id of its own the same frame is counted.
    assert rate(change(frame).reset_index(drop=True), RESPONSE, id="MY_ORR", population=population).counted.rows


def test_a_published_analysis_has_its_own_groups_selection_and_days(population: Population) -> None:
    frame, times = responses(S4="NR"), survival_times()
    for refused in (
        lambda: rate(frame, RESPONSE, by="SEX", id="ORR_D28", population=population),
        lambda: rate(frame, RESPONSE, where="TRT01A == 'DL1'", id="ORR_D28", population=population),
        lambda: survival(times, at=[7], id="OS", population=population),
        lambda: survival(times[times["USUBJID"] != "T-S3"], id="OS", population=population),
        lambda: count(frame, id="TEAE_SOC_PT", population=population),
        lambda: count(frame, id="SETS", population=population),
    ):
        with pytest.raises(StopError, match=r"is (published|a published analysis)"):
            refused()


def survival_times() -> pd.DataFrame:
    """OS of the treated subjects: two deaths."""
    days, codes = [10.0, 95, 200, 40, 120], [0, 0, 1, 1, 1]
    rows = [(f"T-S{k}", level, day, code) for k, (level, day, code) in enumerate(
        zip(["DL1", "DL1", "DL2", "DL2", "DL2"], days, codes, strict=True), 1)]  # fmt: skip
    return pd.DataFrame(rows, columns=["USUBJID", "TRT01A", "AVAL", "CNSR"])


def test_survival_by_sex_is_the_estimate_of_each_group(population: Population) -> None:
    found = survival(survival_times(), by="SEX", at=[28, 100], id="MY_OS_SEX", population=population)
    rows = {
        (row["analysis_id"], row["group1_level"], row["variable_level"], row["stat_name"]): row["stat"]
        for row in found.counted.rows
        if "clopper" not in row["context"]
    }
    women = kaplan_meier([10, 200], [1, 0])
    assert rows["MY_OS_SEX_KM", "F", "100", "estimate"] == women.at(100).survival.estimate == 0.5
    assert rows["MY_OS_SEX_KM", "M", "28", "estimate"] == 1
    assert rows["MY_OS_SEX_EVENTS", "Total", "", "n"] == 2
    assert rows["MY_OS_SEX_EVENTS", "unknown", "", "N"] == 1
    assert all(row["context"].startswith("added") for row in found.counted.rows)
    assert found[["SEX", "day"]].drop_duplicates().shape[0] == 8


def test_a_median_of_a_curve_that_ends_at_one_half_is_said_to_be_one(population: Population) -> None:
    half = survival_times().assign(AVAL=[10.0, 20, 200, 160, 120], CNSR=[0, 0, 1, 1, 1]).iloc[[0, 1, 2, 3]]
    found = survival(half, at=[28], id="MY_HALF", population=population)
    assert found["median"].iloc[-1] == (20 + 200) / 2
    _, look = result_view(found, found.ard, "MY_HALF_MEDIAN")
    assert "Total: the curve does not fall below 0.5." in look["notes"][-1]
    assert "does not fall" not in str(result_view(found, found.ard, "MY_HALF_KM")[1])
    assert survival(survival_times(), at=[28], id="MY_OS", population=population).counted.median_notes == ()


def events() -> pd.DataFrame:
    """Adverse events: S1 twice in one class, S3 without a grade, and S6 who was never treated."""
    rows = [("T-S1", "DL1", "Skin", "Rash", 3, 1), ("T-S1", "DL1", "Skin", "Itch", 1, 2),
            ("T-S3", "DL2", "Skin", "Rash", None, 1), ("T-S4", "DL2", "Blood", "Anaemia", 4, 1),
            ("T-S6", "", "Blood", "Anaemia", 4, 1)]  # fmt: skip
    return pd.DataFrame(rows, columns=["USUBJID", "TRT01A", "ABODSYS", "ADECOD", "ATOXGR", "EPISODE"])


def test_a_missing_grade_is_beside_the_count_and_only_the_set_is_counted(population: Population) -> None:
    found = count(events(), where="ATOXGR >= 3", per="ABODSYS", id="MY_GE3", population=population)
    cells = found.set_index(["ABODSYS", "TRT01A"])
    assert cells.loc[("Skin", "Total"), ["n", "n_high", "N", "events"]].tolist() == [1, 2, 5, 1]
    assert cells.loc[("Blood", "Total"), ["n", "N", "events"]].tolist() == [1, 5, 1]
    assert cells.loc[("Skin", "DL2"), ["n", "n_high"]].tolist() == [0, 1]
    high = [row for row in found.counted.rows if row["stat_name"] == "n.high"]
    assert [(row["variable_level"], row["group1_level"], row["stat"]) for row in high] == [
        ("Skin", "DL2", 1), ("Skin", "Total", 2),
    ]  # fmt: skip
    both = count(events(), per=["ABODSYS", "ADECOD"], id="MY_TERMS", population=population)
    # Most frequent class first, the row of the class before its terms; a subject counts once in the class.
    total = both[both["TRT01A"] == "Total"]
    assert total[["ABODSYS", "ADECOD", "n", "events"]].to_numpy().tolist() == [
        ["Skin", "", 2, 3], ["Skin", "Rash", 2, 2], ["Skin", "Itch", 1, 1], ["Blood", "", 1, 1],
        ["Blood", "Anaemia", 1, 1],
    ]  # fmt: skip


def test_subjects_are_counted_without_events_and_a_set_of_nobody_has_no_share(population: Population) -> None:
    adsl = population.adsl
    found = count(adsl, per="SEX", id="MY_SEX", population=population)
    assert "events" not in found
    assert found.set_index(["SEX", "TRT01A"]).loc[("F", "DL1"), ["n", "N"]].tolist() == [1, 2]
    nobody = count(adsl, of="SUBJID == 'none'", id="MY_NOBODY", population=population)
    assert [row["stat"] for row in nobody.counted.rows if row["stat_name"] == "p"] == [None] * 4


THREE = pd.DataFrame({"A": [1.0, None, 3.0], "B": ["Y", "", "Y"], "C": ["NE", "CR", "NR"]})


@pytest.mark.parametrize(
    ("condition", "yes", "unknown"),
    [
        ("A >= 2", [0, 0, 1], [0, 1, 0]),
        ("A >= 2 and B == 'Y'", [0, 0, 1], [0, 0, 0]),
        ("A >= 2 or B == 'Y'", [1, 0, 1], [0, 1, 0]),
        ("not (A >= 2)", [1, 0, 0], [0, 1, 0]),
        ("A.isna()", [0, 1, 0], [0, 0, 0]),
        ("C in ['CR', 'PR']", [0, 1, 0], [1, 0, 0]),
        ("C == 'NE'", [1, 0, 0], [0, 0, 0]),
        ("C != 'NE'", [0, 1, 1], [0, 0, 0]),
        ("A > @limit", [0, 0, 1], [0, 1, 0]),
        ("1 <= A < 3", [1, 0, 0], [0, 1, 0]),
        (pd.Series([True, None, False], dtype="boolean"), [1, 0, 0], [0, 1, 0]),
        (lambda frame: frame["B"].eq("Y"), [1, 0, 1], [0, 0, 0]),
        (None, [1, 1, 1], [0, 0, 0]),
    ],
)
def test_what_a_condition_cannot_say_is_unknown(condition: Any, yes: list[int], unknown: list[int]) -> None:
    found = select(THREE, condition, {"limit": 2})
    assert found.yes.astype(int).tolist() == yes
    assert found.unknown.astype(int).tolist() == unknown


@pytest.mark.parametrize("condition", ["A >=", "D > 1", "A > @nothing", "A + 1", pd.Series([True]), "B.upper()"])
def test_a_condition_that_cannot_be_used_is_a_clear_error(condition: Any) -> None:
    with pytest.raises(UsageError, match="Next: "):
        select(THREE, condition)


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (
            lambda p: rate(pd.concat([responses()] * 2, ignore_index=True), RESPONSE, id="MY_X", population=p),
            "two rows",
        ),
        (lambda p: survival(survival_times().assign(AVAL=None), id="MY_X", population=p), "is not known"),
        (lambda p: survival(responses(), id="MY_X", population=p), "needs the column AVAL"),
        (lambda p: rate(responses(), RESPONSE, by="SEXX", id="MY_X", population=p), "has a column SEXX"),
        (lambda p: rate(responses(), RESPONSE, id="", population=p), "named by capitals"),
        (lambda p: rate(responses(), RESPONSE, id="MY_X", intervals=["wald"], population=p), "no interval"),
        (lambda p: count(events(), per="AESOC", id="MY_X", population=p), "no column AESOC"),
    ],
)
def test_a_mistake_of_the_cell_is_named(mistake: Any, says: str, population: Population) -> None:
    with pytest.raises(UsageError, match=says):
        mistake(population)


def test_one_number_is_reported_once(population: Population) -> None:
    found = rate(responses(), RESPONSE, id="MY_ORR", population=population)
    stop_if_twice(found.counted.rows, "notebooks/05_orr.ipynb")
    with pytest.raises(StopError, match=r"MY_ORR is reported twice.*an id of its own"):
        stop_if_twice([*found.counted.rows, *found.counted.rows], "notebooks/05_orr.ipynb")


def test_the_size_of_a_published_set_is_that_of_adsl(population: Population) -> None:
    right = proportion_rows("TEAE_OVERVIEW", "DL2", "TEAE", 1, 3)
    stop_if_other_sizes(right, population.adsl, population.protocol.level_ids)
    wrong = proportion_rows("TEAE_OVERVIEW", "DL2", "TEAE", 1, 2)
    with pytest.raises(StopError, match="3 at DL2, and 2 were counted"):
        stop_if_other_sizes(wrong, population.adsl, population.protocol.level_ids)
    own = proportion_rows("MY_OVERVIEW", "DL2", "TEAE", 1, 2)
    stop_if_other_sizes(own, population.adsl, population.protocol.level_ids)


def test_every_analysis_of_the_golden_results_is_a_published_one(root: Any) -> None:
    """An id that is missing from the list could be taken by an analysis of one's own."""
    golden = pd.concat([pd.read_csv(path) for path in (root / "tests" / "golden").glob("*.csv")])
    assert set(golden["analysis_id"]) <= set(PUBLISHED)
