"""What holds for any adverse events: nested selections, one count per subject and row, totals over levels."""

from __future__ import annotations

import pandas as pd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.paths import ROOT
from support.reported_rows import soc_pt_rows
from support.rounds import rounds
from support.trial_builder import FIRST_INFUSION, trial
from trialbook.core.dates import earliest_date
from trialbook.core.domains import Domains
from trialbook.protocol.load import analysis_values, load_protocol
from trialbook.protocol.study_data import StudyData
from trialbook.results.ard import TOTAL, to_ard
from trialbook.safety.adae import derive_adae
from trialbook.safety.ae_tables import grade_rows, overview_rows, selections
from trialbook.safety.ctcae import TERMS, Term, lab_grades
from trialbook.safety.new_since_cut import event_news, lost_records

PROTOCOL = load_protocol(ROOT / "params" / "protocol.yaml")
ANALYSIS = analysis_values(PROTOCOL, {}, "protocol.yaml")
CUT = pd.Timestamp("2025-12-31").as_unit("s")
# A derivation takes a third of a second, so few trials with many events each.
few = settings(max_examples=rounds(3), deadline=None, suppress_health_check=[HealthCheck.too_slow])

starts = st.one_of(st.integers(-5, 200), st.sampled_from(["", "2025", "2025-01", "2024", "2025-07"]))
events = st.fixed_dictionaries(
    {
        "term": st.sampled_from(["Rash", "Sepsis", "Nausea"]),
        "day": starts,
        "grade": st.integers(1, 5),
        "related": st.sampled_from(["RELATED", "NOT RELATED", "可能有关", ""]),
        "serious": st.sampled_from(["Y", "N", ""]),
        "AESPID": st.sampled_from(["", "1", "2"]),
    }
)
# Level of each subject (blank = screen failure) and its events.
subjects = st.lists(
    st.tuples(st.sampled_from(["DL1", "DL2", "DL3", ""]), st.lists(events, max_size=4)), min_size=1, max_size=4
)
Subjects = list[tuple[str, list[dict[str, object]]]]


def built(drawn: Subjects) -> tuple[pd.DataFrame, Domains]:
    """ADSL (only what ADAE needs) and domains of the drawn trial."""
    made, rows = trial(), []
    for number, (level, own) in enumerate(drawn):
        made.subject(f"S{number:02}", level=level or "SCRNFAIL")
        if level:
            made.infused(0)
        for event in own:
            made.event(str(event["term"]), event["day"], soc=str(event["term"])[0],  # type: ignore[arg-type]
                       **{k: v for k, v in event.items() if k not in ("term", "day")})  # fmt: skip
        start = FIRST_INFUSION if level else pd.NaT
        rows.append((f"iMSC-2001-S{number:02}", level, start, "2025-01-10T10:00" if level else None))
    adsl = pd.DataFrame(rows, columns=["USUBJID", "TRT01A", "TRTSDT", "TRTSDTM"])
    adsl = adsl.astype({"TRTSDT": "datetime64[s]", "TRTSDTM": "str"})
    no_date = pd.Series(pd.NaT, index=adsl.index, dtype="datetime64[s]")
    adsl = adsl.assign(SAFFL=adsl["TRT01A"].ne("").map({True: "Y", False: ""}), DTHDT=no_date, LSTALVDT=no_date)
    return adsl, made.domains()


def adae_of(adsl: pd.DataFrame, domains: Domains) -> pd.DataFrame:
    return derive_adae(adsl, StudyData(domains, PROTOCOL, ANALYSIS, CUT))


@few
@given(subjects)
def test_related_and_serious_events_are_treatment_emergent_and_these_are_events_of_treated_subjects(
    drawn: Subjects,
) -> None:
    adsl, domains = built(drawn)
    adae = adae_of(adsl, domains)
    masks = selections(adae)
    assert len(adae) == len(domains["AE"])
    for inner, outer in (("TEAE_GE3", "TEAE"), ("TRAE", "TEAE"), ("TRAE_GE3", "TRAE"), ("SAE", "TEAE"),
                         ("SRAE", "SAE"), ("SRAE", "TRAE"), ("AESI", "TEAE")):  # fmt: skip
        assert not (masks[inner] & ~masks[outer]).any()
    treated = set(adsl.loc[adsl["SAFFL"] == "Y", "USUBJID"])
    assert set(adae.loc[masks["TEAE"], "USUBJID"]) <= treated


@few
@given(subjects)
def test_a_subject_counts_once_per_row_and_totals_add_over_levels_and_maximum_grades(drawn: Subjects) -> None:
    adsl, domains = built(drawn)
    adae = adae_of(adsl, domains)
    rows = [*overview_rows(adae, adsl, PROTOCOL, ANALYSIS), *soc_pt_rows("TEAE_SOC_PT", adae, adsl, PROTOCOL)]
    ard = to_ard(rows)
    keys = ["analysis_id", "variable", "variable_level", "context", "stat_name"]
    counts = ard[ard["stat_name"].isin(["n", "N", "events"])].fillna({"stat": 0})
    total = counts[counts["group1_level"] == TOTAL].set_index(keys)["stat"]
    summed = counts[counts["group1_level"] != TOTAL].groupby(keys)["stat"].sum()
    assert summed.reindex(total.index).tolist() == total.tolist()
    wide = ard.pivot(index=[*keys[:4], "group1_level"], columns="stat_name", values="stat")
    assert (wide["n"].fillna(0) <= wide["N"].fillna(len(drawn))).all()
    assert (wide["n"].fillna(0) <= wide["events"].fillna(0)).all()
    # A subject whose events in a row all lack a grade is counted under no grade.
    known = adae[adae["ATOXGR"].notna()]
    every = to_ard(soc_pt_rows("TEAE_SOC_PT", known, adsl, PROTOCOL))
    by_grade = to_ard(grade_rows(adae, adsl, PROTOCOL))
    by_grade = by_grade[by_grade["stat_name"].eq("n") & by_grade["variable"].ne("TEAE") & by_grade["stat"].gt(0)]
    by_grade = by_grade[by_grade["context"].ne("ungraded")]
    every = every[every["stat_name"].eq("n") & every["stat"].gt(0)]
    row = ["variable", "variable_level", "group1_level"]
    assert by_grade.groupby(row)["stat"].sum().to_dict() == every.set_index(row)["stat"].to_dict()


@few
@given(subjects, st.data())
def test_no_count_by_severity_hides_an_event_without_a_grade(drawn: Subjects, data: st.DataObject) -> None:
    """Blanking grades lowers a count by at most what is shown as not graded beside it, and never to a plain 0."""
    adsl, domains = built(drawn)
    blank = domains["AE"].assign(AETOXGR=[None if data.draw(st.booleans()) else g for g in domains["AE"]["AETOXGR"]])
    blank = blank.astype({"AETOXGR": "str"})
    numbers = []
    for ae in (domains["AE"], blank):
        of = Domains({"DM": domains["DM"], "EX": domains["EX"], "AE": ae})
        ard = to_ard(overview_rows(adae_of(adsl, of), adsl, PROTOCOL, ANALYSIS))
        ard = ard[ard["variable"].isin(["TEAE_GE3", "TRAE_GE3"]) & ard["stat_name"].isin(["n", "events"])]
        numbers.append(ard.set_index(["variable", "group1_level", "stat_name", "context"])["stat"].unstack("context"))
    before, after = numbers
    known = after[""].notna()
    assert (after[""][known] + after["ungraded"][known] >= before[""][known]).all()
    # Without any grade the count is not evaluable, and not 0.
    assert known.all() or blank["AETOXGR"].isna().all()


@settings(few, max_examples=rounds(2))
@given(subjects, st.integers(0, 190))
def test_moving_the_cut_later_never_loses_an_event_without_a_restatement(drawn: Subjects, day: int) -> None:
    """What the earlier cut counted, the later one counts too, and calls none of it new; a record lost is said."""
    adsl, domains = built(drawn)
    later = adae_of(adsl, domains)
    onset = earliest_date(domains["AE"]["AESTDTC"])
    known = domains["AE"][~(onset > FIRST_INFUSION + pd.Timedelta(days=day))]
    at_cut = Domains({"DM": domains["DM"], "EX": domains["EX"], "AE": known.reset_index(drop=True)})
    earlier = adae_of(adsl, at_cut)
    now, then = selections(later), selections(earlier)
    keys = ["USUBJID", "AESEQ"]
    for name in ("TEAE", "TEAE_GE3", "TRAE", "SAE"):
        before = set(earlier.loc[then[name], keys].itertuples(index=False, name=None))
        assert before <= set(later.loc[now[name], keys].itertuples(index=False, name=None))
    fresh = event_news(later, earlier)
    assert len(later) - len(earlier) == (fresh == "new").sum()
    assert lost_records(later, earlier) == 0
    assert lost_records(later.iloc[1:], earlier) == len(earlier.merge(later.iloc[:1], on=keys))


RASH = {"term": "Rash", "day": 0, "grade": 1, "related": "RELATED", "serious": "Y", "AESPID": ""}


@few
@example([("DL1", [])], [RASH])
@given(subjects, st.lists(events, max_size=3))
def test_a_screen_failure_changes_no_number(drawn: Subjects, own: list[dict[str, object]]) -> None:
    def numbers(chosen: Subjects) -> pd.DataFrame:
        adsl, domains = built(chosen)
        adae = adae_of(adsl, domains)
        return to_ard(
            [*overview_rows(adae, adsl, PROTOCOL, ANALYSIS), *soc_pt_rows("TEAE_SOC_PT", adae, adsl, PROTOCOL)]
        )

    pd.testing.assert_frame_equal(numbers(drawn), numbers([*drawn, ("", own)]))


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(TERMS),
    st.floats(0.01, 1e4),
    st.floats(1.0001, 3),
    st.floats(1, 500),
    st.one_of(st.none(), st.floats(1, 500)),
)
def test_a_worse_result_never_has_a_lower_grade(
    term: Term, value: float, factor: float, limit: float, base: float | None
) -> None:
    worse = value * factor if term.direction == "H" else value / factor
    frame = pd.DataFrame({"PARAMCD": term.test, "AVAL": [value, worse], "AVALOP": ""})
    frame = frame.assign(ANRLO=limit, ANRHI=limit, BASE=base, BASEHI=bool(base and base > limit))
    grades = lab_grades(frame.astype({"BASE": "float64"}))[f"ATOXGR{term.direction}"]
    assert grades.isna().any() or grades[1] >= grades[0]
