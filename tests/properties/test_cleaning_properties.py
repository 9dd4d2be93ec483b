"""What holds for any export: the log accounts for every change, reading is stable, nothing after the cut is left."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from support import raw_export as raw
from support.rounds import rounds
from trialbook.cleaning import apply_cut, clean_snapshot, replayed_domains, whole_change_log
from trialbook.cleaning.cut import after_cut
from trialbook.cleaning.read_dates import date_reader
from trialbook.core.dates import DTC_PATTERN, earliest_date
from trialbook.snapshot import read_snapshot
from trialbook.snapshot.tables import Snapshot

# Few exports of many records: reading and cleaning cost hardly more for ten records than for one.
FEW = settings(max_examples=rounds(4), deadline=None)
MANY = settings(max_examples=rounds(50), deadline=None)
dates = st.dates(min_value=pd.Timestamp("1990-01-01").date(), max_value=pd.Timestamp("2026-12-31").date())
WRITTEN = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d%b%Y",
    "%d-%b-%y",
    "%Y年%m月%d日",
    "%b %d, %Y",
    "%Y-%m-%dT00:00",
)
messy_dates = st.one_of(
    st.builds(lambda day, form: day.strftime(form), dates, st.sampled_from(WRITTEN)),
    st.sampled_from(
        ["", "UNK", "2025-UN-UN", "2025-01", "45700", "03/04/25", "2025-02-30", "2025-01-05T24:00", "soon"]
    ),
    st.text(alphabet="0123456789-/.T: 年月UNK", max_size=12),
)
codes = st.sampled_from(["Y", "N", "是", "否", "1", " y ", "", "maybe", "√"])
grades = st.sampled_from(["1", "II", "３", "2-3", "4级", "", "mild", "Grade 2"])
numbers = st.sampled_from(
    ["12.3", "１２．３", "1,234.5", "12,3", "<0.1", "＞300", "12.3 g/L", "阴性", "", "haemolysed", " 5 "]
)
events = st.lists(
    st.fixed_dictionaries({
        "AESTDTC": messy_dates, "AEENDTC": messy_dates, "AESER": codes, "AETOXGR": grades,
        "AETERM": st.sampled_from(["Rash", " Rash", "发热\u00a0", "call 13812345678"]),
        "AEOUT": st.sampled_from(["痊愈", "RECOVERED/RESOLVED", "FATAL", "gone", ""]),
    }),
    max_size=10,
)  # fmt: skip
labs = st.lists(st.fixed_dictionaries({"LBORRES": numbers, "LBORRESU": st.sampled_from(["g/L", "", "G/L", "U/L"]),
                                       "LBDTC": messy_dates}), max_size=10)  # fmt: skip


def read(ae: list[dict[str, str]], lb: list[dict[str, str]], folder: Path) -> tuple[Snapshot, object]:
    ae_rows = [{**raw.AE, **record, "AESEQ": str(k)} for k, record in enumerate(ae, 1)]
    lb_rows = [{**raw.LB, "LBTESTCD": "HGB", **record, "LBSEQ": str(k)} for k, record in enumerate(lb, 1)]
    trial = raw.trial_of(raw.export(folder, ae=ae_rows, lb=lb_rows))
    return read_snapshot(trial), trial


@FEW
@given(events, labs, dates)
def test_the_change_log_replayed_on_the_raw_text_gives_the_clean_domains(
    ae: list[dict[str, str]], lb: list[dict[str, str]], day: pd.Timestamp
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot, trial = read(ae, lb, Path(folder) / "s")
    cleaned = clean_snapshot(snapshot, trial)
    cut = apply_cut(cleaned.domains, pd.Timestamp(day).as_unit("s"))
    for changes, expected in (
        (cleaned.changes, cleaned.domains), (whole_change_log(cleaned, cut), cut.domains),
    ):  # fmt: skip
        replayed = replayed_domains(snapshot, changes)
        for code, frame in expected.items():
            names = [name for name in frame.columns if name != "BRTHDTC"]  # in no log
            pd.testing.assert_frame_equal(replayed[code][names], frame[names], check_index_type=False)


@FEW
@given(events, labs)
def test_cleaning_what_is_clean_changes_nothing(ae: list[dict[str, str]], lb: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot, trial = read(ae, lb, Path(folder) / "once")
        first = clean_snapshot(snapshot, trial)
        # What cleaning adds to the delivered columns is no column of a delivery.
        added = ["SRCROW", "LBORRESN", "LBORRESOP"]
        again = [first.domains[c].drop(columns=added, errors="ignore").astype("str").fillna("") for c in ("AE", "LB")]
        second, trial = read(*(frame.to_dict("records") for frame in again), Path(folder) / "twice")
    fixed = clean_snapshot(second, trial).changes
    assert fixed[fixed["file"].isin(["ae.csv", "lb.csv"]) & fixed["rule"].ne("P16-DUPLICATE")].empty


@MANY
@given(messy_dates)
def test_a_clean_date_is_iso_8601_a_real_date_and_stable(value: str) -> None:
    read_date = date_reader(2025)
    reading = read_date(" ".join(value.split()))
    if reading.text is not None:
        assert DTC_PATTERN.match(reading.text)
        assert earliest_date(pd.Series([reading.text], dtype="str")).notna().all()
        assert read_date(reading.text) == (reading.text, "", "")
    if reading.text != value.strip():
        assert reading.fix or reading.ask


@MANY
@given(dates, st.sampled_from(WRITTEN))
def test_a_date_in_any_unambiguous_form_is_read_as_that_date(day: pd.Timestamp, form: str) -> None:
    assert str(date_reader(2025)(day.strftime(form)).text)[:10] == day.isoformat()


@FEW
@given(events, labs, dates)
def test_no_date_after_the_cut_is_left_in_any_domain(
    ae: list[dict[str, str]], lb: list[dict[str, str]], day: pd.Timestamp
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshot, trial = read(ae, lb, Path(folder) / "s")
    date = pd.Timestamp(day).as_unit("s")
    domains = clean_snapshot(snapshot, trial).domains
    cut = apply_cut(domains, date)
    for code, frame in cut.domains.items():
        assert not [name for name in frame.columns if name.endswith("DTC") and after_cut(frame[name], date).any()], code
    assert apply_cut(cut.domains, date).removed.empty
    assert apply_cut(cut.domains, date).edits.empty
