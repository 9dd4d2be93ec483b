"""The recorded cases of sdtmchecks against our questions and contracts: the same records, or the reason why not.

What "FAIL" means there and not here is not copied: a check that cannot run because a variable is missing is no finding.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from support.sdtmchecks_cases import cases, compared
from trialbook.cleaning.read_dates import date_reader

pytestmark = pytest.mark.oracle

# Check: the domain of the records it flags, and our rules (questions or contract rules) that name the same ones.
SAME = {
    "ae_aedecod": ("AE", "AE-UNCODED"),
    "ae_aeout_aeendtc_nonfatal": ("AE", "ae.AEENDTC.open P20-AE-RESOLVED-NO-END"),
    "ae_aerel": ("AE", "P23-AE-RELATION-MISSING"),
    "ae_aestdtc_after_aeendtc": ("AE", "P19-AE-END-BEFORE-START"),
    "ae_aestdtc_after_dd": ("AE", "ae.AESTDTC.not_after_death"),
    "ae_aetoxgr": ("AE", "AE-GRADE-MISSING"),
    "ae_death": ("AE", "P22-AE-FATAL-CONFLICT"),
    "ae_dup": ("AE", "P16-DUPLICATE P24-AE-NEAR-DUPLICATE"),
    "ae_fatal": ("AE", "P22-AE-FATAL-CONFLICT"),
    "cm_cmdecod": ("CM", "cm.CMDECOD.given"),
    "dm_actarm_arm": ("DM", "dm.ACTARMCD.as_planned"),
    "dm_armcd": ("DM", "dm.ARMCD.given"),
    "dm_dthfl_dthdtc": ("DM", "dm.DTHFL.dated dm.DTHDTC.given dm.DTHFL.codelist"),
    "dm_usubjid_dup": ("DM", "dm.key"),
    "ds_dsdecod_dsstdtc": ("DS", "ds.DSSTDTC.death_dated"),
    "ds_dsterm_death_due_to": ("DS", "ds.DSTERM.death_reason"),
    "ex_dup": ("EX", "P11-EX-SAME-DAY"),
    "ex_exdose_exoccur": ("EX", "ex.EXOCCUR.given"),
    "ex_exdose_pos_exoccur_no": ("EX", "ex.EXOCCUR.not_given"),
    "ex_exdosu": ("EX", "ex.EXDOSU.given"),
    "ex_exstdtc_after_dd": ("EX", "ex.EXSTDTC.not_after_death"),
    "ex_exstdtc_after_exendtc": ("EX", "P11-EX-END-BEFORE-START"),
    "ex_exstdtc_visit_ordinal_error": ("EX", "P17-VISIT-ORDER"),
    "ex_extrt_exoccur": ("EX", "ex.EXTRT.given"),
    "ex_infusion_exstdtc_exendtc": ("EX", "ex.EXENDTC.same_day P11-EX-END-BEFORE-START P11-EX-UNDATED"),
    "lb_lbdtc_after_dd": ("LB", "lb.LBDTC.not_after_death"),
    "lb_lbdtc_visit_ordinal_error": ("LB", "P17-VISIT-ORDER"),
    "qs_qsdtc_after_dd": ("QS", "qs.QSDTC.not_after_death"),
    "rs_rsdtc_across_visit": ("RS", "P17-VISITS-ONE-DATE"),
    "rs_rsdtc_visit": ("RS", "rs.RSDTC.given"),
    "rs_rsdtc_visit_ordinal_error": ("RS", "P17-VISIT-ORDER"),
    "ss_ssdtc_alive_dm": ("SS", "ss.SSDTC.alive_after_death"),
    "vs_sbp_lt_dbp": ("VS", "vs.SYSBP.above_diastolic"),
    "vs_vsdtc_after_dd": ("VS", "vs.VSDTC.not_after_death"),
}  # fmt: skip
# Checks about a subject rather than a record: the same subjects.
SAME_SUBJECTS = {
    "ae_ds_partial_death_dates": ("DS", "P22-DEATH-DATE-INCOMPLETE"),
    "dd_ae_aedthdtc_ds_dsstdtc": ("DS", "P22-DEATH-DATES-DIFFER"),
    "dm_ae_ds_death": ("DM", "P22-DEATH-SOURCE-MISSING"),
    "dm_usubjid_ae_usubjid": ("DM", "dm.AESEQ.some"),
    "ds_ex_after_discon": ("EX", "ex.EXSTDTC.in_study"),
    "ds_multdeath_dsstdtc": ("DS", "P22-DEATH-DATES-DIFFER"),
    "ss_ssdtc_dead_dthdtc": ("SS", "P22-DEATH-DATES-DIFFER"),
}  # fmt: skip
# Checks that we do not repeat, and what is done in their place.
DEATH_DATE = "AEDTHDTC is a company's variable: deaths have one date in DM, compared with DS, AE and SS (P22)"
CATEGORY = "DSSCAT is a company's variable: disposition is read from DSDECOD"
STANDARD_RESULTS = "results are converted here from the collected result and unit; LBSTRESN and LBSTRESC are not used"
NOT_COLLECTED = "the variables are not of this trial"
TRIAL_SUMMARY = "TS is not delivered: dictionaries and study dates are in the protocol file"
DIFFERENT = {
    "ae_aeacnoth": NOT_COLLECTED, "ae_aeacnoth_ds_disctx": NOT_COLLECTED, "ae_aedthdtc_aesdth": DEATH_DATE,
    "ae_aedthdtc_ds_death": DEATH_DATE, "ae_aeout": DEATH_DATE, "ae_aeout_aeendtc_aedthdtc": DEATH_DATE,
    "ae_aesdth_aedthdtc": DEATH_DATE, "ae_death_ds_discon": CATEGORY, "ae_withdr_ds_discon": CATEGORY,
    "ce_missing_month": "a day without its month is read as its year and logged (P05)",
    "cm_cmindc": NOT_COLLECTED,
    "cm_missing_month": "a day without its month is read as its year and logged (P05)",
    "dd_ae_aeout_aedthdtc": DEATH_DATE, "dd_death_date": DEATH_DATE,
    "dm_age_missing": "the age is computed from the birth date and judged by the protocol's 4 to 70 years (P06, P07)",
    "ds_ae_discon": NOT_COLLECTED, "ds_dsdecod_death": CATEGORY, "ds_dsscat": CATEGORY,
    "ds_duplicate_randomization": "nobody is randomised in a single-arm trial",
    "eg_egdtc_visit_ordinal_error": "EG is not used by any endpoint",
    "ex_exoccur_exdose_exstdtc": "an infusion without a date is P11: the first stops the build, others are asked",
    "ex_exoccur_mis_exdose_nonmis": "EXOCCUR is optional: a dose above 0 was given, 0 was not",
    "ex_visit": "infusions are placed by date, not by the label of the visit (P17)",
    "lb_lbstnrlo_lbstnrhi": "limits are asked for where something is judged against them (P15)",
    "lb_lbstresc_char": STANDARD_RESULTS, "lb_lbstresn_missing": STANDARD_RESULTS, "lb_lbstresu": STANDARD_RESULTS,
    "lb_missing_month": "a day without its month is read as its year and logged (P05)",
    "mh_missing_month": "a day without its month is read as its year and logged (P05)",
    "pr_missing_month": "a day without its month is read as its year and logged (P05)",
    "qs_dup": "QS is used by no endpoint", "qs_qsdtc_visit_ordinal_error": "QS is used by no endpoint",
    "qs_qsstat_qsreasnd": NOT_COLLECTED, "qs_qsstat_qsstresc": NOT_COLLECTED, "rs_rscat_rsscat": NOT_COLLECTED,
    "ss_ssdtc_dead_ds": "a status DEAD without a death in DS is asked once per subject (P22-DEATH-SOURCE-MISSING)",
    "ss_ssstat_ssorres": NOT_COLLECTED, "ts_aedict": TRIAL_SUMMARY, "ts_cmdict": TRIAL_SUMMARY,
    "ts_sstdtc_ds_consent": TRIAL_SUMMARY,
    "vs_height": "height is asked for where clearance or stage needs it (P32-VS-SIZE-MISSING)",
}  # fmt: skip
# Single cases of the checks above that end otherwise here, and why.
SPLIT_CAUSES = "AEREL1 to AERELn are not of this trial, and NA is no relationship"
OTHER_COLUMNS = "records that differ only in AELAT or AEMODIFY are one event here"
NO_DEATH_DATE = "flagged for want of AEDTHDTC alone"
CASES = {
    **dict.fromkeys([f"ae_aerel#0{k}" for k in (1, 2, 3, 4, 7, 8)], SPLIT_CAUSES),
    "ae_aestdtc_after_aeendtc#01": "seconds are compared too: this event ends one second before it starts",
    "ae_aestdtc_after_aeendtc#05": "seconds are compared too: this event ends one second before it starts",
    "ae_aetoxgr#08": "a file without any grade is said once, not asked by record",
    "ae_death#03": NO_DEATH_DATE, "ae_death#04": NO_DEATH_DATE, "ae_fatal#02": NO_DEATH_DATE,
    "ae_fatal#07": NO_DEATH_DATE,
    **dict.fromkeys([f"ae_dup#{k}" for k in (12, 14, 15, 18)], OTHER_COLUMNS),
    "dm_dthfl_dthdtc#02": "N is no code of a death flag, and is asked about too",
    "dm_usubjid_dup#07": "one number at several sites is a question of the person (P08), not of the number",
    "dm_armcd#05": "the code decides, not its label",
    **dict.fromkeys([f"ds_ex_after_discon#0{k}" for k in (2, 3, 4)], "a dose of 0 was not given"),
    **dict.fromkeys([f"ex_exdose_pos_exoccur_no#0{k}" for k in (2, 6)], "a missing EXOCCUR is not a No"),
    "ex_exstdtc_after_exendtc#02": "seconds are compared too; hours without minutes are not",
    "ex_extrt_exoccur#02": "an infusion names its product whether or not it was given",
    "ex_infusion_exstdtc_exendtc#01": "hours without minutes are not compared",
    "ex_infusion_exstdtc_exendtc#02": "an infusion without an end is not asked about: nothing is judged by its end",
    "ex_infusion_exstdtc_exendtc#03": "an infusion without an end is not asked about: nothing is judged by its end",
    "qs_qsdtc_after_dd#06": "a death in 2016-01 does not contradict a record of 2016-01-15",
    "rs_rsdtc_visit#02": "assessments are placed by date, not by visit (P17), and all assessors need a date",
    "ds_multdeath_dsstdtc#02": "a death in 2016-01 and on 2016-01-01 does not contradict itself",
}  # fmt: skip


@pytest.mark.parametrize("check", [*SAME, *SAME_SUBJECTS])
def test_our_rules_name_the_records_that_the_check_flags(oracles: Path, check: str) -> None:
    domain, rules = {**SAME, **SAME_SUBJECTS}[check]
    ran = 0
    for case in cases(oracles, f"check_{check}"):
        theirs, ours = compared(case, domain, set(rules.split()), by_subject=check in SAME_SUBJECTS)
        differs = case["case_id"].removeprefix("check_") in CASES
        assert (ours != theirs) == differs, (case["case_id"], ours ^ theirs)
        ran += not differs
    assert ran


def test_every_check_that_applies_is_answered_or_explained(oracles: Path) -> None:
    with (oracles / "vi_sdtmchecks" / "all_checks.csv").open(encoding="utf-8") as file:
        checks = {r["check"].removeprefix("check_") for r in csv.DictReader(file) if r["applies"] != "N"}
    answered = [*SAME, *SAME_SUBJECTS, *DIFFERENT]
    assert len(answered) == len(set(answered))
    assert checks <= set(answered)


def test_a_day_without_its_month_is_logged_or_asked_about(oracles: Path) -> None:
    read = date_reader(2025)
    seen = 0
    for check, names in {"cm": ("CMSTDTC", "CMENDTC"), "mh": ("MHSTDTC",), "lb": ("LBDTC",)}.items():
        for case in cases(oracles, f"check_{check}_missing_month"):
            rows = case["flagged"]["data"] if case["flagged"] else {}
            for value in [v for name in names for v in rows.get(name, []) if v and "---" in str(v)]:
                reading = read(str(value))
                assert reading.text != value
                assert reading.fix or reading.ask
                seen += 1
    assert seen
