"""The demo snapshots: what the seed gives, cut by cut, and records that hang together as in life."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from trialbook.core.domains import DOMAIN_ORDER, VARIABLES
from trialbook.core.errors import UsageError
from trialbook_demo import DEMO_CUTS, simulate_trial, write_demo, write_snapshot

Tables = dict[str, pd.DataFrame]
CUTS = tuple(DEMO_CUTS)
ISO = re.compile(r"\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2})?)?")
KEYS = {
    "DM": ["USUBJID"], "IE": ["USUBJID", "IETESTCD"], "SS": ["USUBJID", "SSDTC"], "SV": ["USUBJID", "VISITNUM"],
    "SUPPAE": ["USUBJID", "QNAM", "IDVARVAL"], "SUPPDM": ["USUBJID", "QNAM"],
}  # fmt: skip


@pytest.fixture(scope="module")
def cuts(root: Path) -> list[Tables]:
    return [
        {
            path.stem.upper(): pd.read_csv(path, dtype="str", keep_default_na=False)
            for path in sorted((root / "data" / "demo" / cut).glob("*.csv"))
        }
        for cut in CUTS
    ]


def key_of(domain: str) -> list[str]:
    return KEYS.get(domain, ["USUBJID", f"{domain}SEQ"])


def by_key(frame: pd.DataFrame, domain: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    keys = frame[key_of(domain)].itertuples(index=False, name=None)
    return dict(zip(keys, frame.itertuples(index=False, name=None), strict=True))


def test_the_demo_in_the_repository_is_exactly_what_the_seed_gives(root: Path, tmp_path: Path) -> None:
    write_demo(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    demo = root / "data" / "demo"
    # Beside the snapshots lies what people keep: the committee's decisions, and the answers to questions.
    kept = {path.relative_to(demo): path.read_bytes() for path in demo.rglob("*") if path.is_file()}
    del kept[Path("decisions.yaml")]
    kept = {name: content for name, content in kept.items() if name.parts[0] != "answers"}
    assert sorted(made) == sorted(kept)
    assert [path for path in made if made[path] != kept[path]] == []


def test_every_snapshot_holds_every_domain_with_its_variables(cuts: list[Tables]) -> None:
    for tables in cuts:
        assert sorted(tables) == sorted(DOMAIN_ORDER)
        for domain, frame in tables.items():
            assert set(VARIABLES[domain].split()) <= set(frame.columns), domain


def test_files_are_plain_utf_8_with_line_feeds(root: Path) -> None:
    for path in (root / "data" / "demo").glob("20*/*.csv"):
        content = path.read_bytes()
        content.decode("utf-8", "strict")
        assert not content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
        assert content.endswith(b"\n")


def test_the_demo_says_that_it_is_synthetic(root: Path) -> None:
    readme = (root / "data" / "demo" / "README.md").read_text(encoding="utf-8")
    assert "SYNTHETIC DATA" in readme
    assert "| NCT06321198-01-013 | T10 | child of 4.0 years at consent |" in readme


def test_five_nine_and_twelve_subjects_are_treated(cuts: list[Tables]) -> None:
    treated = [tables["EX"]["USUBJID"].nunique() for tables in cuts]
    screened = [len(tables["DM"]) for tables in cuts]
    assert treated == [5, 9, 12]
    assert screened == [8, 13, 16]


def test_cohorts_follow_three_plus_three(cuts: list[Tables]) -> None:
    """Three and a replacement at level 1, three and three more after a DLT at level 2, two at level 3."""
    dm = cuts[2]["DM"]
    levels = dm[dm["ACTARMCD"].str.startswith("DL")]["ACTARMCD"].tolist()
    assert levels == ["DL1"] * 4 + ["DL2"] * 6 + ["DL3"] * 2
    first = cuts[2]["EX"].groupby("USUBJID")["EXSTDTC"].min().str[:10].map(pd.Timestamp).tolist()
    assert first == sorted(first)
    waits = [(first[k] - first[k - 1]).days for k in (4, 10)]
    assert min(waits) > 28, "a level opens after the last day 28 of the level below"


def test_subjects_still_in_screening_have_no_level_yet(cuts: list[Tables]) -> None:
    waiting = [tables["DM"].query("ARMCD == 'NOTASSGN'")["SUBJID"].tolist() for tables in cuts]
    assert waiting == [["008"], ["013"], []]


def test_keys_are_unique_and_every_subject_is_in_dm(cuts: list[Tables]) -> None:
    for tables in cuts:
        for domain, frame in tables.items():
            assert not frame.duplicated(key_of(domain)).any(), domain
            assert set(frame["USUBJID"]) <= set(tables["DM"]["USUBJID"]), domain
            assert frame["STUDYID"].eq("NCT06321198").all()


def test_every_date_is_iso_8601(cuts: list[Tables]) -> None:
    for domain, frame in cuts[2].items():
        for column in [name for name in frame.columns if name.endswith("DTC")]:
            given = frame[column][frame[column] != ""]
            assert given.map(lambda text: bool(ISO.fullmatch(text))).all(), f"{domain}.{column}"


def test_only_ages_4_to_70_are_treated(cuts: list[Tables]) -> None:
    ages = cuts[2]["DM"]["AGE"].astype(int)
    assert (ages.min(), ages.max()) == (4, 70)


def test_a_later_snapshot_repeats_the_earlier_one_but_for_one_deleted_record(cuts: list[Tables]) -> None:
    gone = [
        (k, domain, key)
        for k in range(2)
        for domain in DOMAIN_ORDER
        for key in by_key(cuts[k][domain], domain).keys() - by_key(cuts[k + 1][domain], domain).keys()
        # An SS status that was dated to the month is known by its day later: the same record under another key.
        if not (domain == "SS" and key[1] == "2025-05")
    ]
    assert [(k, domain, key[0]) for k, domain, key in gone] == [(0, "CM", "NCT06321198-01-003")]


def test_records_keep_their_order(cuts: list[Tables]) -> None:
    for earlier, later in pairwise(cuts):
        for domain in DOMAIN_ORDER:
            old, new = list(by_key(earlier[domain], domain)), list(by_key(later[domain], domain))
            known = [key for key in new if key in set(old)]
            assert known == [key for key in old if key in set(new)], domain


def test_few_values_are_restated(cuts: list[Tables]) -> None:
    """Corrections are rare; most changes are ends of events and drugs that were still open."""
    closing = {"AEENDTC", "AEENRTPT", "AEOUT", "CMENDTC", "CMENRTPT"}
    corrected = set()
    for earlier, later in pairwise(cuts):
        for domain in DOMAIN_ORDER:
            old, new = by_key(earlier[domain], domain), by_key(later[domain], domain)
            for key in old.keys() & new.keys():
                names = [n for n, a, b in zip(earlier[domain].columns, old[key], new[key], strict=True) if a != b]
                corrected |= {(domain, key[0][-3:], name) for name in names if name not in closing}
    assert corrected == {
        ("DM", "005", "DTHDTC"), ("DM", "005", "DTHFL"), ("DS", "005", "DSSTDTC"), ("LB", "005", "LBORRES"),
        ("LB", "005", "LBSTRESN"), ("AE", "007", "AETOXGR"), ("AE", "007", "AEREL"),
        ("DM", "008", "ARMCD"), ("DM", "008", "ARM"), ("DM", "008", "ACTARMCD"), ("DM", "008", "ACTARM"),
        ("DM", "013", "ARMCD"), ("DM", "013", "ARM"), ("DM", "013", "ACTARMCD"), ("DM", "013", "ACTARM"),
    }  # fmt: skip


def test_some_records_are_dated_a_few_days_after_the_cut(cuts: list[Tables]) -> None:
    for cut, tables, expected in zip(CUTS, cuts, (0, 1, 1), strict=True):
        dates = pd.concat(
            frame[name].str[:10]
            for frame in tables.values()
            for name in frame.columns
            if name.endswith("DTC") and len(frame)
        )
        late = dates[(dates.str.len() == 10) & (dates > cut)]
        assert bool(expected) == (len(late) > 0), cut
        assert (pd.to_datetime(late) <= pd.Timestamp(cut) + pd.Timedelta(days=3)).all()
    assert "2025-07-02T07:20" in cuts[1]["LB"]["LBDTC"].tolist()
    assert "2025-10-02" in cuts[2]["DM"]["DTHDTC"].tolist()


def test_the_eligibility_form_answers_all_criteria(cuts: list[Tables]) -> None:
    form = cuts[2]["IE"]
    decided = cuts[2]["DM"].query("ARMCD != 'NOTASSGN'")["USUBJID"]
    assert form.groupby("USUBJID").size().reindex(decided).eq(22).all()
    assert set(form["IEORRES"]) == {"Y", "N"}


def test_consent_comes_before_the_first_procedure_and_the_infusion(cuts: list[Tables]) -> None:
    consent = cuts[2]["DM"].set_index("USUBJID")["RFICDTC"]
    for domain in ("LB", "VS", "FA", "SV", "EX"):
        name = "EXSTDTC" if domain == "EX" else "SVSTDTC" if domain == "SV" else f"{domain}DTC"
        frame = cuts[2][domain]
        assert (frame[name].str[:10] >= frame["USUBJID"].map(consent)).all(), domain


def test_findings_agree_with_the_stages(cuts: list[Tables]) -> None:
    """Stages read from raw findings by the limits of MAGIC (§2.1) are the stages that the investigator recorded."""
    dm = cuts[2]["DM"].set_index("USUBJID")
    fa = cuts[2]["FA"].pivot(index=["USUBJID", "VISIT"], columns="FATESTCD", values="FAORRES")
    lb = cuts[2]["LB"].query("LBTESTCD == 'BILI'").set_index(["USUBJID", "VISIT"])["LBORRES"].astype(float)
    rs = cuts[2]["RS"].query("RSCAT == 'MAGIC'").pivot(index=["USUBJID", "VISIT"], columns="RSTESTCD", values="RSORRES")
    weight = cuts[2]["VS"].query("VSTESTCD == 'WEIGHT'").groupby("USUBJID")["VSORRES"].first().astype(float)
    seen = set()
    for (subject, visit), found in fa.iterrows():
        child = int(dm.loc[subject, "AGE"]) < 18 and weight[subject] <= 50
        stages = rs.loc[subject, visit]
        assert int(stages["SKINSTG"]) == skin_stage(found)
        assert int(stages["LIVERSTG"]) == sum(lb[subject, visit] >= limit for limit in (34.2, 51.4, 102.7, 256.6))
        assert stages["UGISTG"] == ("1" if found["NAUSEA"] == "PERSISTENT" else "0")
        assert int(stages["LGISTG"]) == lower_gi_stage(found, weight[subject] if child else None)
        seen.add(stages["AGVHGRD"])
    assert seen == {"0", "I", "II", "III", "IV"}


def skin_stage(found: pd.Series) -> int:
    rash = float(found["RASHBSA"])
    if found["ERYTHDRM"] == found["BULLAE"] == "Y" and float(found["DESQBSA"]) > 5 and rash > 50:
        return 4
    return sum([rash > 0, rash >= 25, rash > 50])


def lower_gi_stage(found: pd.Series, weight: float | None) -> int:
    if found["ABDPAIN"] == "Y" or found["BLDSTOOL"] == "Y":
        return 4
    volume = float(found["STOOLVOL"]) / (weight or 1)
    low, middle, high = (10, 20, 30) if weight else (500, 1000, 1500)
    stage = sum([volume >= low, volume >= middle, volume > high])
    episodes = int(found["STOOLN"])
    a, b, c = (4, 7, 10) if weight else (3, 5, 7)
    assert stage == sum([episodes >= a, episodes >= b, episodes > c]), "volume and episodes agree"
    return stage


def test_deaths_agree_in_every_domain(cuts: list[Tables]) -> None:
    tables = cuts[2]
    deaths = tables["DM"].query("DTHFL == 'Y'").set_index("USUBJID")["DTHDTC"].to_dict()
    assert len(deaths) == 3
    assert tables["DS"].query("DSDECOD == 'DEATH'").set_index("USUBJID")["DSSTDTC"].to_dict() == deaths
    assert tables["SS"].query("SSORRES == 'DEAD'").set_index("USUBJID")["SSDTC"].to_dict() == deaths
    fatal = tables["AE"].query("AETOXGR == '5'")
    assert fatal.set_index("USUBJID")["AEENDTC"].to_dict() == deaths
    assert (fatal["AEOUT"].eq("FATAL") & fatal["AESER"].eq("Y") & fatal["AESDTH"].eq("Y")).all()


def test_nothing_is_recorded_after_a_death(cuts: list[Tables]) -> None:
    deaths = cuts[2]["DM"].query("DTHFL == 'Y'").set_index("USUBJID")["DTHDTC"]
    for domain, frame in cuts[2].items():
        for name in [n for n in frame.columns if n.endswith("DTC")]:
            rows = frame[frame["USUBJID"].isin(deaths.index) & (frame[name].str.len() >= 10)]
            assert (rows[name].str[:10] <= rows["USUBJID"].map(deaths)).all(), f"{domain}.{name}"


def test_serious_events_name_their_criterion(cuts: list[Tables]) -> None:
    ae = cuts[2]["AE"]
    ticked = ae[["AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE"]].eq("Y").any(axis=1)
    assert ticked.eq(ae["AESER"].eq("Y")).all()


def test_relationships_cover_the_vocabulary(cuts: list[Tables]) -> None:
    words = {"DEFINITELY RELATED", "PROBABLY RELATED", "POSSIBLY RELATED", "UNLIKELY RELATED", "NOT RELATED"}
    assert set(cuts[2]["AE"]["AEREL"]) == words | {"可能有关"}


def test_severe_counts_are_adverse_events(cuts: list[Tables]) -> None:
    """Platelets under 50 appear only while an event says so."""
    lb, ae = cuts[2]["LB"], cuts[2]["AE"]
    low = lb[lb["LBTESTCD"] == "PLAT"]
    low = low[low["LBORRES"].astype(float) < 50]
    events = ae[ae["AEDECOD"] == "Platelet count decreased"]
    assert len(low) >= 1
    for row in low.itertuples():
        own = events[events["USUBJID"] == row.USUBJID]
        assert ((own["AESTDTC"] <= row.LBDTC[:10]) & (own["AEENDTC"] >= row.LBDTC[:10])).any()


def test_steroids_before_the_infusion_reach_two_mg_per_kg(cuts: list[Tables]) -> None:
    weight = cuts[2]["VS"].query("VSTESTCD == 'WEIGHT'").groupby("USUBJID")["VSORRES"].max().astype(float)
    cm = cuts[2]["CM"].query("CMDECOD == 'METHYLPREDNISOLONE'").groupby("USUBJID").first()
    assert len(cm) == 16
    assert (cm["CMDOSE"].astype(float) / weight.reindex(cm.index) >= 2).all()


def test_a_snapshot_for_others_holds_the_whole_trial_and_says_what_it_is(tmp_path: Path) -> None:
    write_snapshot(tmp_path, seed=7, subjects=2)
    assert "SYNTHETIC DATA" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert sorted(path.stem.upper() for path in tmp_path.glob("*.csv")) == sorted(DOMAIN_ORDER)
    disposition = pd.read_csv(tmp_path / "ds.csv", dtype="str")
    assert disposition["DSDECOD"].tolist().count("COMPLETED") == 2


def test_a_snapshot_as_of_a_day_holds_nothing_later(tmp_path: Path) -> None:
    write_snapshot(tmp_path, subjects=12, as_of="2025-02-10")
    lb = pd.read_csv(tmp_path / "lb.csv", dtype="str")
    assert lb["LBDTC"].max() < "2025-02-11"


def test_a_day_that_is_no_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        write_snapshot(tmp_path, subjects=1, as_of="31.03.2025")


def test_a_negative_number_of_subjects_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        simulate_trial(subjects=-1)
