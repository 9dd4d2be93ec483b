"""The first page says what the results say, number by number, and the state of each subject."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from support.page_samples import PAYLOADS, frame
from trialbook.conduct.board import subject_lines
from trialbook.contracts.gx_engine import Failure, Verdict
from trialbook.display.first_page import MOST_BOARD
from trialbook.display.index import render_index, render_subjects
from trialbook.display.index_facts import StepStatus, index_facts
from trialbook.display.page import NOTHING_LOADED
from trialbook.protocol.models import Cut, Protocol
from trialbook.queries.query_list import query, query_list
from trialbook.results.ard import ard_row, proportion_rows, to_ard
from trialbook.results.bounds import bounds_rows

CUT = Cut(cut_id="C2", cut_date="2025-09-30", snapshot="s", protocol="p", previous_cut="C1")
STEPS = [
    StepStatus("01_cleaning", "Cleaning", "01_cleaning.html"),
    StepStatus("02_eligibility", "Eligibility", "02_eligibility.html", ("adsl", "adie")),
    StepStatus("06_os", "Survival", "06_os.html", ("adtte",)),
]


def results(treated: int, responders: int = 2) -> pd.DataFrame:
    """The headline rows of a cut with all subjects at DL1."""
    rows = []
    for level, size in (("DL1", treated), ("DL2", 0), ("DL3", 0), ("Total", treated)):
        some = min(2, size)
        n = min(responders, size)
        rows += [ard_row("SETS", level, "SAFFL", "n", size)]
        rows += proportion_rows("TEAE_OVERVIEW", level, "TEAE", some, size, 5 if size else 0)
        rows += proportion_rows("TEAE_OVERVIEW", level, "SAE", 0, size, 0)
        rows += [ard_row("DLT", level, "DLTSTAT", "n", 1, variable_level="PENDING")]
        rows += proportion_rows("OS_EVENTS", level, "OS", 0, size)
        rate = {"n": n, "N": size, "pending": 1, "estimate": n / size if size else None}
        limits = {"conf.low": 0.1, "conf.high": 0.9} if size else {"conf.low": None, "conf.high": None}
        for analysis, variable in (("ORR_D28", "RSP28"), ("DLT_RATE", "DLT")):
            rows += [
                ard_row(analysis, level, variable, name, value, context="clopper_pearson")
                for name, value in (rate | limits).items()
                if (analysis, name) != ("DLT_RATE", "pending")
            ]
        rows += [
            ard_row("OS_KM", level, "OS", name, value, variable_level="100", context="log-log")
            for name, value in ({"estimate": 0.75 if size else None} | limits).items()
        ]
    return to_ard(rows)


def subjects(**columns: list[object]) -> pd.DataFrame:
    """Two treated subjects, of whom one died, and one screened."""
    day = pd.Timestamp
    data = {
        "USUBJID": ["T-S02", "T-S01", "T-S03"], "SUBJID": ["S02", "S01", "S03"], "SCRFL": "Y",
        "SAFFL": ["Y", "Y", ""], "TRT01A": ["DL2", "DL1", ""], "TRTSDT": [day("2025-02-01"), day("2025-01-10"), pd.NaT],
        "CUTDT": day("2025-09-30"), "DTHFL": ["", "Y", ""], "DTHDT": [pd.NaT, day("2025-01-20"), pd.NaT],
        "LSTALVDT": [day("2025-09-01"), day("2025-01-19"), pd.NaT], **columns,
    }  # fmt: skip
    return pd.DataFrame(data)


def responses() -> pd.DataFrame:
    day = pd.Timestamp
    rows = [
        ("T-S01", "GRADE", "III", day("2025-01-09"), "", ""), ("T-S01", "GRADE", "IV", day("2025-01-17"), "", ""),
        ("T-S02", "GRADE", "II", day("2025-02-03"), "", ""), ("T-S01", "RSP28", "NR", pd.NaT, "Y", "DEATH"),
        ("T-S02", "RSP28", "PR", pd.NaT, "", ""), ("T-S02", "RSP28", "CR", pd.NaT, "Y", ""),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "AVALC", "ADT", "RSP28FL", "REASON"])


def asked(*severities: str, known: tuple[str, ...] = ()) -> pd.DataFrame:
    """One query per severity for subject T-S02; those of `known` were open at the previous cut."""

    def queries(kinds: tuple[str, ...]) -> list[object]:
        return [query(f"P-{kind}", "T-S02", "AE", severity=kind, message_en="x", message_zh="y") for kind in kinds]

    previous = query_list(queries(known), "2025-06-30") if known else None
    return query_list(queries(severities), CUT.cut_date, previous)


def facts_of(protocol: Protocol, **changes: object):
    given = {
        "ard": results(12), "previous_ard": results(9), "queries": asked(), "verdicts": [], "steps": STEPS,
        "datasets": {"adsl": subjects(), "adrs": responses()}, "cut": CUT,
    }  # fmt: skip
    return index_facts(protocol, **{**given, **changes})


def value(facts: object, label: str) -> tuple[str, str]:
    return next((h.value, h.note) for h in facts.headlines if h.label == label)


def test_the_headline_numbers_are_those_of_the_results(protocol):
    facts = facts_of(protocol)
    assert [(h.label, h.value, h.note) for h in facts.headlines] == [
        ("Treated", "12", f"of {protocol.study.planned_n} planned"),
        ("Any TEAE", "2 of 12", "16.7%; 5 events"),
        ("Serious adverse events", "0 of 12", "0.0%; 0 events; 0 of 12: a rate above 22.1% is excluded at 95%"),
        ("Dose-limiting toxicity", "2 of 12", "of those evaluable; 1 window still open"),
        ("Response at day 28", "2 of 12", "0.167; 95% CI 0.100 to 0.900; 1 pending"),
        ("Alive at day 100", "0.750", "Kaplan-Meier; 95% CI 0.100 to 0.900"),
        ("Deaths", "0 of 12", "0.0%; of the treated"),
    ]


def bounded(variable: str, *ends: tuple[int, int], pending: bool = False) -> pd.DataFrame:
    """BOUNDS of one endpoint over subjects of DL1; the last one is pending where asked."""
    frame = pd.DataFrame(list(ends), columns=["LOW", "HIGH"])
    frame = frame.assign(SUBJID=[f"{k:03}" for k in range(1, len(frame) + 1)], TRT01A="DL1", PENDING=False)
    frame.loc[frame.index[-1], "PENDING"] = pending
    return to_ard(bounds_rows(frame, ["DL1", "DL2", "DL3"], variable, high_is_worse=variable == "DLT"))


def test_worst_and_best_case_stand_beside_each_number_with_who_decides(protocol):
    rows = [results(12), bounded("ORR_D28", (1, 1), (0, 1), (0, 1), pending=True), bounded("DLT", (0, 1), (0, 0))]
    facts = facts_of(protocol, ard=pd.concat([*rows, bounded("OS_100", (1, 1))], ignore_index=True))
    assert value(facts, "Response at day 28")[1].endswith(
        "worst to best case: between 1 and 2 of 2, open: 002; with pending 1 to 3 of 3"
    )
    assert value(facts, "Dose-limiting toxicity")[1].endswith("best to worst case: between 0 and 1 of 2, open: 001")
    assert "Best to worst case, DLT" in set(facts.levels["measure"])
    assert value(facts, "Alive at day 100")[1].endswith("worst to best case: nothing unknown")
    levels = facts.levels.set_index("measure")
    assert levels.loc["Worst to best case, response", "DL1"].startswith("between 1 and 2 of 2, open: 002")
    assert levels.loc["Worst to best case, response", "DL2"] == "-"


def test_what_is_not_evaluable_says_so_with_bounds_in_the_place_of_the_number(protocol):
    rows = results(12)
    own = (rows["analysis_id"] == "ORR_D28") & rows["stat_name"].isin(["n", "estimate", "conf.low", "conf.high"])
    rows.loc[own, "stat"], rows.loc[own, "stat_text"] = float("nan"), "NE"
    facts = facts_of(protocol, ard=pd.concat([rows, bounded("ORR_D28", (0, 1), (0, 1))], ignore_index=True))
    told, note = value(facts, "Response at day 28")
    assert told == "not evaluable (0 to 2 of 2)"
    assert "NE" not in note
    assert "95% CI" not in note
    assert facts.levels.set_index("measure").loc["Response at day 28", "Total"] == "not evaluable (0 to 2 of 2)"


def test_what_has_no_grade_or_lies_outside_the_window_stands_beside_its_headline(protocol):
    """Severity: "0, and 1 not graded"; the ledger: "and 2 outside the window", so that neither reads as nothing."""
    more = [*proportion_rows("TEAE_OVERVIEW", "Total", "TEAE_GE3", 0, 12, 0)]
    more += [ard_row("TEAE_OVERVIEW", "Total", "TEAE_GE3", name, 1, context="ungraded") for name in ("n", "events")]
    for context, events in (("all", 2), ("after the window", 1), ("not treated", 1)):
        more += [ard_row("SAE_LEDGER", "Total", "SAE", name, events, context=context) for name in ("n", "events")]
    more += [ard_row("SAE_LEDGER", "Total", "SRAE", "events", 1, context="after the window")]
    facts = facts_of(protocol, ard=pd.concat([results(12), to_ard(more)], ignore_index=True))
    assert value(facts, "TEAE of grade 3 or more") == ("0 of 12", "0.0%; 0 events; and 1 not graded")
    assert value(facts, "Serious adverse events")[1] == (
        "0.0%; 0 events; and 2 outside the window: 1 after day 180 (1 related), 1 not treated"
    )
    levels = facts.levels.set_index("measure")
    assert levels.loc["TEAE of grade 3 or more", "Total"] == "0 of 12 (0.0%), and 1 not graded"
    assert levels.loc["Serious, from consent on [events]", "Total"] == "2 [2]"


def test_an_empty_level_reads_as_a_dash_and_never_as_zero_percent(protocol):
    levels = facts_of(protocol).levels.set_index("measure")
    assert levels.loc["Treated", "DL2"] == "0"
    assert set(levels.loc[["Any TEAE", "DLT, of those evaluable", "Response at day 28"], "DL2"]) == {"-"}
    assert levels.loc["Alive at day 100, Kaplan-Meier (95% CI, log-log)", "DL2"] == "-"
    assert levels.loc["Any TEAE", "DL1"] == "2 of 12 (16.7%)"
    # An estimate has a row of its own with its limits: a column never mixes per cent and fractions behind a count.
    assert levels.loc["Response at day 28", "DL1"] == "2 of 12"
    assert levels.loc["Response rate (95% CI, Clopper-Pearson, exact)", "DL1"] == "0.167 (0.100 to 0.900)"


def test_below_the_smallest_set_for_shares_only_counts_are_shown(protocol):
    assert value(facts_of(protocol, ard=results(9)), "Any TEAE") == ("2 of 9", "5 events")


def test_an_endpoint_that_the_trial_does_not_have_is_left_out(protocol):
    study = protocol.study.model_copy(update={"endpoints": ["TEAE"]})
    facts = facts_of(protocol.model_copy(update={"study": study}))
    assert [h.label for h in facts.headlines] == ["Treated", "Any TEAE", "Serious adverse events"]
    assert list(facts.levels["measure"]) == ["Treated", "Any TEAE", "Serious adverse events"]


def test_the_interval_is_the_one_that_the_cut_file_chose(protocol):
    rows = results(12)
    wilson = rows[rows["analysis_id"] == "ORR_D28"].assign(context="wilson", stat_text="7")
    cut = CUT.model_copy(update={"overrides": {"ci_primary_orr": "wilson"}})
    facts = facts_of(protocol, ard=pd.concat([rows, wilson], ignore_index=True), cut=cut)
    assert "95% CI 7 to 7" in value(facts, "Response at day 28")[1]


def test_only_headline_numbers_that_differ_from_the_previous_cut_are_changes(protocol):
    facts = facts_of(protocol, ard=results(12, 4), previous_ard=results(12, 2))
    assert [(h.label, h.before, h.value) for h in facts.headlines if h.changed] == [
        ("Dose-limiting toxicity", "2 of 12", "4 of 12"),
        ("Response at day 28", "2 of 12", "4 of 12"),
    ]
    assert not any(h.changed for h in facts_of(protocol, previous_ard=None).headlines)


def test_each_treated_subject_has_a_line_in_the_order_of_levels(protocol):
    addlt = pd.DataFrame({"USUBJID": ["T-S02"], "DLTSTAT": ["PENDING"]})
    datasets = {"adsl": subjects(NINF=[2, 1, 0]), "adrs": responses(), "addlt": addlt}
    found = subject_lines(protocol, datasets, asked("minor", "major", known=("stop",)))
    lines = found.astype("object").where(found.notna(), "").astype("str")
    assert [tuple(line) for line in lines.itertuples(index=False)] == [
        ("S01", "DL1", "1", "2025-01-10 00:00:00", "10", "III → IV", "NR (died by day 28)", "", "Died 2025-01-20", "0"),
        (
            "S02",
            "DL2",
            "2",
            "2025-02-01 00:00:00",
            "241",
            "? → II",
            "CR",
            "window still open",
            "Alive, last seen 2025-09-01",
            "2",
        ),
    ]


def test_columns_that_do_not_apply_are_left_out(protocol):
    lines = subject_lines(protocol, {"adsl": subjects()}, asked())
    assert list(lines.columns) == ["subject", "level", "first", "day", "status", "queries"]


def test_a_cut_without_a_treated_subject_says_so(protocol):
    adsl = subjects().iloc[2:]
    facts = facts_of(protocol, ard=results(0), previous_ard=None, datasets={"adsl": adsl, "adrs": responses().iloc[:0]})
    html = render_index(facts, frame(protocol))
    assert "No subject has been treated at this cut." in html
    assert "Nothing was raised." in html
    assert facts.screened_only == 1
    assert not re.search(r"\b(nan|NaN|NaT|None)\b|&lt;NA&gt;", html)


def test_queries_are_counted_by_severity_and_novelty(protocol):
    counts = facts_of(protocol, queries=asked("major", "minor", known=("minor", "stop"))).queries
    assert counts.to_numpy().tolist() == [["stop", 0, 0, 1], ["major", 1, 1, 0], ["minor", 1, 0, 0]]


def test_a_query_that_the_previous_list_has_closed_is_not_closed_since(protocol):
    listed = asked("major", known=("minor", "stop"))
    before = listed.assign(status=listed["severity"].map({"minor": "closed", "stop": "open", "major": "open"}))
    counts = facts_of(protocol, queries=listed, queries_before=before).queries
    assert dict(zip(counts["severity"], counts["closed"], strict=True)) == {"stop": 1, "major": 0, "minor": 0}


def test_a_step_shows_the_worst_verdict_among_its_contracts(protocol):
    broken = Failure("in range", "AGE", "warning", "AGE is between 4 and 70", 3, [])
    verdicts = [
        Verdict("raw/dm", 13, ["a"], []), Verdict("clean/ae", 0, ["a", "b"], []),
        Verdict("analysis/adsl", 13, ["a", "b"], [broken]), Verdict("analysis/adie", 13, ["a"], []),
    ]  # fmt: skip
    facts = facts_of(protocol, verdicts=verdicts)
    assert [(line.title, line.verdict, line.detail) for line in facts.steps] == [
        ("Cleaning", "kept", "2 contracts, 3 rules, 0 broken"),
        ("Eligibility", "questions asked", "2 contracts, 3 rules, 1 broken"),
        ("Survival", "built", "no contract"),
    ]
    assert facts.contracts["verdict"].tolist() == ["kept", "no records", "questions asked", "kept"]


def test_the_first_page_holds_no_script_and_leads_to_every_page_and_file(protocol):
    html = render_index(facts_of(protocol), frame(protocol))
    assert NOTHING_LOADED in html
    assert "<script" not in html
    links = re.findall(r'href="([^"#]+)"', html)
    for target in ("01_cleaning.html", "06_os.html", "queries.xlsx", "changelog.csv", "manifest.json"):
        assert target in links
    assert "At C1" in html


ROW = {
    "subject": "S01", "level": "DL1", "person": "45 M", "end": 200, "infusions": [0, 7], "window": [0, 28],
    "serious": [[19, "Sepsis", "G3"], [None, "Fall", "not graded"]], "dlt_day": 19, "death_day": None, "seen": 90,
    "unseen": 110, "grade": "II", "worst": "G3", "dlt": "DLT", "response": "CR",
    "status": "Alive, last seen 2025-04-01", "queries": 0, "alert": "high",
}  # fmt: skip


def signal(text: str = "ALT 4.5 x ULN", subject: str = "S01", severity: str = "high") -> dict[str, object]:
    links = [{"page": "profiles/S01.html", "anchor": "", "title": "Profile"},
             {"page": "03_safety.html", "anchor": "s-liver", "title": "Safety"}]  # fmt: skip
    return {
        "signal_id": "S-0000000000", "subject": subject, "dose_level": "DL1", "level": "subject", "severity": severity,
        "rule": "liver_injury", "message_id": "x", "arguments": {}, "sentence": text, "evidence": [], "links": links,
    }  # fmt: skip


def answers(text: str = "") -> dict[str, object]:
    """What `signals.first_page` derives, every text of it ending in `text`."""
    rule = {"rule": "liver_injury", "title": "Liver", "meaning": f"m{text}", "severity": "high", "source": f"s{text}",
            "assumption": "A-112", "status": "raised", "raised": 1, "unchecked": 0}  # fmt: skip
    return {
        "decision": {
            "headline": f"The cap of 12 is reached; no MTD can be named.{text}", "sentences": [f"one{text}"],
            "day": "2025-10-08", "rule": "3+3", "next_cohort": f"016{text}", "next_steps": [["0 of 1", f"stop{text}"]],
            "ladder": [{"level": f"DL1{text}", "dose": "", "subjects": [["S01", "DLT"], [f"S02{text}", "no DLT"]],
                        "says": f"1 of 2{text}"}],
        },
        "enrolment": {"answer": "no", "level": "", "day": "", "reasons": [f"full{text}"], "places": 0, "cap": 12,
                      "windows": [[f"016{text}", "2025-10-08"]], "queue": [[f"017{text}", "2025-09-01"]]},
        "signals": [signal(f"high{text}"), signal(f"low{text}", f"S03{text}", "low")], "rules": [rule],
        "news": [{"what": f"Treated{text}", "subjects": [["S01", f"DL1{text}"]], "text": f"t{text}"}],
        "news_known": True, "board": [ROW, {**ROW, "subject": f"S02{text}", "level": f"DL9{text}", "window": None,
                                            "serious": [[3, f"Rash{text}", "G1"]], "worst": f"G1{text}",
                                            "dlt": f"x{text}",
                                            "response": f"r{text}", "status": f"Died{text}", "death_day": 30}],
        "coming": [{"day": "2025-10-08", "subject": f"016{text}", "what": f"window{text}"}],
        "missed": [[f"S02{text}", f"DAY 28{text}"]],
        "deviations": [["major", 3], ["minor", 2], ["not recorded by the site", 1]],
    }  # fmt: skip


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and where they lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def main_of(html: str) -> str:
    return html[html.index("<main") : html.index("</main>")]


def shown(protocol: Protocol, page: dict[str, object], **changes: object) -> str:
    return render_index(facts_of(protocol, **changes), frame(protocol), {"S01": ""}, page)


def test_the_first_page_answers_before_it_lists(protocol):
    html = main_of(shown(protocol, answers()))
    order = ["no MTD can be named", "May the next patient be dosed today?", "Serious events", "Look at these first",
             "Since the data cut C1", "Coming up", "Every treated subject", "By dose level"]  # fmt: skip
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert '<a class="tb-subject" href="profiles/S01.html">S01</a>' in html
    assert 'href="03_safety.html#s-liver"' in html
    assert "1 rule was checked, 1 raised a signal" in html
    assert "Protocol deviations: 3 major, 2 minor; 1 not recorded by the site." in html
    assert html.count("The Safety Review Committee decides.") == 1


def test_a_quiet_cut_says_that_nothing_was_raised_and_which_rules_looked(protocol):
    html = main_of(shown(protocol, {**answers(), "signals": []}))
    assert "Nothing was raised." in html
    assert ">Liver<" in html


def test_the_board_says_in_words_what_it_draws(protocol):
    html = main_of(shown(protocol, answers()))
    assert (
        'aria-label="Infusions on day 0, 7; Sepsis, G3 (day 19); Fall, not graded; last seen alive on day 90 of 200"'
        in html
    )
    assert "not seen for 110 days" in html
    assert "died day 30" in html


def test_of_a_crowd_the_board_shows_the_first_in_the_order_of_risk(protocol):
    crowd = [{**ROW, "subject": f"P{k:03}"} for k in range(600)]
    risk = {f"P{k:03}": "" for k in reversed(range(600))}
    page = {**answers(), "board": crowd}
    html = render_index(facts_of(protocol), frame(protocol), risk, page)
    assert f"The first {MOST_BOARD} of 600 subjects in the order of risk" in html
    assert "profiles/P599.html" in html
    assert "profiles/P099.html" not in html
    assert '<a href="subjects.html">All 600 subjects' in html
    # All of them are on pages of their own, in that order, without script.
    pages = dict(render_subjects(frame(protocol), ["DL1"], risk, page))
    listed = [name for made in pages.values() for name in re.findall(r'<th scope="row"><a [^>]*>(P\d+)</a>', made)]
    assert listed == list(risk)
    assert all(f'href="{name}"' in made for made in pages.values() for name in pages if pages[name] is not made)
    assert not list(render_subjects(frame(protocol), ["DL1"], risk, {**page, "board": crowd[:MOST_BOARD]}))


@pytest.mark.parametrize("name", PAYLOADS)
def test_markup_in_the_data_stays_text_on_the_first_page(protocol, name):
    """Whatever the data say, the page has the elements that it has for harmless words."""
    text = PAYLOADS[name]
    ard = results(12)
    told = main_of(shown(protocol, answers(text), ard=ard.assign(stat_text=text)))
    harmless = main_of(shown(protocol, answers("x" * 9), ard=ard.assign(stat_text="x" * 9)))
    kinds = {tag for tag, _ in Structure(told).found}
    assert kinds <= {tag for tag, _ in Structure(harmless).found} | {"span"}
    assert not {"script", "iframe", "form", "img", "style", "base", "meta"} & kinds
    names = {attribute for _, attributes in Structure(told).found for attribute in attributes}
    assert not {one for one in names if one.startswith("on")}
    assert not re.search(r'href="(?!#|[\w./-]+\.(?:html|json|csv|xlsx|parquet))', told)
