"""Writes a small synthetic trial as four systems export it: REDCap, Rave, OpenClinica, a Chinese hospital; and as SDTM.

The same records each time, in the shapes that data managers receive: `params/examples/` holds the mapping file of each.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from trialbook.protocol.synthetic import write_declaration
from trialbook_demo.snapshots import NOTICE
from trialbook_demo.trial import simulate_trial

SEED, SUBJECTS, AS_OF = 7, 4, date(2025, 9, 30)
# Tests, with the name of their column in an EDC and in a Chinese laboratory list.
TESTS = {
    "ALT": ("alt", "谷丙转氨酶(U/L)"), "AST": ("ast", "谷草转氨酶(U/L)"), "BILI": ("tbil", "总胆红素(umol/L)"),
    "HGB": ("hgb", "血红蛋白(g/dL)"), "PLAT": ("plt", "血小板(10^9/L)"), "NEUT": ("neut", "中性粒细胞(10^9/L)"),
}  # fmt: skip
EVENTS = {"SCREENING": "1", "BASELINE": "2", "DAY 7": "4", "DAY 14": "5", "DAY 28": "7"}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
SEX = {"M": ("1", "Male", "男"), "F": ("2", "Female", "女")}
ARMS = {"DL1": ("1", "剂量组1"), "DL2": ("2", "剂量组2"), "DL3": ("3", "剂量组3"), "SCRNFAIL": ("8", "筛选失败")}
RELATION = {
    "NOT RELATED": ("1", "Not related", "肯定无关"), "UNLIKELY RELATED": ("2", "Unlikely", "可能无关"),
    "POSSIBLY RELATED": ("3", "Possible", "可能有关"), "PROBABLY RELATED": ("4", "Probable", "很可能有关"),
    "DEFINITELY RELATED": ("5", "Definite", "肯定有关"),
}  # fmt: skip
OUTCOME = {
    "RECOVERED/RESOLVED": ("1", "Recovered", "痊愈"), "NOT RECOVERED/NOT RESOLVED": ("2", "Not recovered", "未恢复"),
    "FATAL": ("3", "Fatal", "死亡"),
}  # fmt: skip
ACTION = {
    "NOT APPLICABLE": ("0", "Not applicable", "不适用"), "DOSE NOT CHANGED": ("1", "Dose not changed", "剂量不变"),
    "DRUG WITHDRAWN": ("2", "Drug withdrawn", "停止用药"),
}  # fmt: skip
YES_NO = {"Y": ("1", "Yes", "是"), "N": ("0", "No", "否")}
SERIOUS = ("AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE")
Frames = Mapping[str, pd.DataFrame]
Row = dict[str, str]
Table = list[list[str]]


def twin_frames() -> dict[str, pd.DataFrame]:
    """The trial as SDTM: DM, EX, AE, LB (some tests at some visits) and DS, every value as text."""
    frames = simulate_trial(SEED, SUBJECTS).frames(AS_OF)
    lab = frames["LB"]
    lab = lab[lab["LBTESTCD"].isin(TESTS) & lab["VISIT"].isin(EVENTS)].drop(columns=["LBSTRESN", "LBSTRESU"])
    rank = {test: k for k, test in enumerate(TESTS)}
    lab = lab.assign(RANK=lab["LBTESTCD"].map(rank), VISITNUM=lab["VISIT"].map(EVENTS))
    lab = lab.sort_values(["USUBJID", "VISITNUM", "RANK"], kind="stable").drop_duplicates(
        ["USUBJID", "VISITNUM", "RANK"], ignore_index=True
    )
    lab["LBSEQ"] = (lab.groupby("USUBJID").cumcount() + 1).astype("str")
    return {code: frames[code].reset_index(drop=True) for code in ("DM", "EX", "AE", "DS")} | {
        "LB": lab.drop(columns="RANK")
    }


def write_edc_exports(out: Path) -> None:
    """Writes `sdtm`, `redcap`, `rave`, `openclinica` and `chinese` below a folder; the same bytes every time."""
    frames = twin_frames()
    plain = {f"{code.lower()}.csv": _csv([list(f.columns), *f.to_numpy().tolist()]) for code, f in frames.items()}
    written = {
        "sdtm": plain, "redcap": redcap(frames), "rave": rave(frames), "openclinica": openclinica(frames),
        "chinese": chinese(frames),
    }  # fmt: skip
    for name, files in written.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        write_declaration(folder, edc_export=name)
    told = (
        "One small synthetic trial as SDTM and as four systems export it; the mapping files are in params/examples.\n"
    )
    (out / "README.md").write_text(f"# Exports of EDC systems\n\n{NOTICE}\n\n{told}", encoding="utf-8", newline="\n")


def _csv(rows: Table, sign: str = ",", encoding: str = "utf-8") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=sign, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode(encoding)


def _filled(rows: Sequence[Row], names: Sequence[str]) -> Table:
    return [list(names), *([row.get(name, "") for name in names] for row in rows)]


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _no(row: Row) -> str:
    return row["USUBJID"].rpartition("-")[2]


def _records(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): str(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _visits(frames: Frames) -> list[tuple[Row, dict[str, Row]]]:
    """Each visit with results: one of its records, and all by test."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in _records(frames["LB"]):
        found.setdefault((row["USUBJID"], row["VISIT"]), {})[row["LBTESTCD"]] = row
    return [(next(iter(tests.values())), tests) for tests in found.values()]


def _per_decilitre(text: str) -> str:
    """Haemoglobin in g/dL, as a laboratory of another habit gives it."""
    return f"{float(text) / 10:.10g}" if text else ""


def _limits(test: str, row: Row) -> tuple[str, str, str]:
    values = row["LBORRES"], row["LBORNRLO"], row["LBORNRHI"]
    one, low, high = map(_per_decilitre, values) if test == "HGB" else values
    return one, low, high


# ----------------------------------------------------------------------------------------------------
# REDCap: one file, a row per subject and one per repeat of an instrument, codes, checkboxes.


def redcap(frames: Frames) -> dict[str, bytes]:
    """`redcap_export.csv`."""
    rows = []
    for dm in _records(frames["DM"]):
        no = _no(dm)
        rows.append(_redcap_subject(no, dm))
        for code, instrument in (("EX", "infusion"), ("AE", "adverse_event"), ("DS", "disposition")):
            own = [row for row in _records(frames[code]) if row["USUBJID"] == dm["USUBJID"]]
            rows += [_repeat(no, instrument, k, _REDCAP[code](row)) for k, row in enumerate(own, 1)]
        labs = [(first, tests) for first, tests in _visits(frames) if first["USUBJID"] == dm["USUBJID"]]
        rows += [_repeat(no, "laboratory", k, _redcap_lab(*visit)) for k, visit in enumerate(labs, 1)]
    return {"redcap_export.csv": _csv(_filled(rows, _names(rows)))}


def _redcap_subject(no: str, dm: Row) -> Row:
    return {
        "record_id": no, "redcap_event_name": "study_arm_1", "redcap_repeat_instrument": "",
        "redcap_repeat_instance": "", "redcap_data_access_group": f"site_{dm['SITEID']}", "icdat": dm["RFICDTC"],
        "birthdat": dm["BRTHDTC"], "age": dm["AGE"], "sex": SEX[dm["SEX"]][0], "race___1": "1", "race___2": "0",
        "cohort": ARMS[dm["ARMCD"]][0], "cohort_act": ARMS[dm["ACTARMCD"]][0], "dthdat": dm["DTHDTC"],
        "dth___1": "1" if dm["DTHFL"] else "0", "demographics_complete": "2",
    }  # fmt: skip


def _repeat(no: str, instrument: str, k: int, values: Row) -> Row:
    return {
        "record_id": no, "redcap_event_name": "study_arm_1", "redcap_repeat_instrument": instrument,
        "redcap_repeat_instance": str(k), **values, f"{instrument}_complete": "2",
    }  # fmt: skip


def _redcap_dose(row: Row) -> Row:
    return {
        "exdose": row["EXDOSE"], "exstdtm": row["EXSTDTC"].replace("T", " "),
        "exendtm": row["EXENDTC"].replace("T", " "), "exvisit": row["VISIT"], "exvisitnum": row["VISITNUM"],
    }  # fmt: skip


def _redcap_event(row: Row) -> Row:
    return {
        "ae_id": row["AESPID"], "ae_term": row["AETERM"], "ae_pt": row["AEDECOD"], "ae_soc": row["AEBODSYS"],
        "ae_grade": row["AETOXGR"], "ae_ser": YES_NO[row["AESER"]][0],
        **{f"ae_sae___{k}": YES_NO[row[name]][0] for k, name in enumerate(SERIOUS, 1)},
        "ae_rel": RELATION[row["AEREL"]][0], "ae_acn": ACTION[row["AEACN"]][0], "ae_out": OUTCOME[row["AEOUT"]][0],
        "ae_start": row["AESTDTC"], "ae_end": row["AEENDTC"] or "-99", "ae_ongo": "1" if row["AEENRTPT"] else "0",
    }  # fmt: skip


def _redcap_status(row: Row) -> Row:
    return {"ds_cat": row["DSCAT"], "ds_term": row["DSTERM"], "ds_decod": row["DSDECOD"], "ds_dat": row["DSSTDTC"]}


_REDCAP: dict[str, Callable[[Row], Row]] = {"EX": _redcap_dose, "AE": _redcap_event, "DS": _redcap_status}


def _redcap_lab(first: Row, tests: Mapping[str, Row]) -> Row:
    values = {"lb_dtm": first["LBDTC"].replace("T", " "), "lb_visit": first["VISIT"], "lb_visitnum": first["VISITNUM"]}
    for test, (name, _) in TESTS.items():
        one, low, high = _limits(test, tests[test]) if test in tests else ("-99", "", "")
        values |= {name: one, f"{name}_lo": low, f"{name}_hi": high}
    return values | {"plt_u": "1"}


# ----------------------------------------------------------------------------------------------------
# Rave: a file per form, many columns of the system, each date as typed and as read, each code with its standard.


def rave(frames: Frames) -> dict[str, bytes]:
    """`DM.csv`, `IC.csv`, `ENR.csv`, `DTH.csv`, `EX.csv`, `AE.csv`, `LB.csv`, `DS.csv`."""
    forms: dict[str, list[Row]] = {}
    for dm in _records(frames["DM"]):
        form = {"SEX": SEX[dm["SEX"]][1], "SEX_STD": dm["SEX"], "RACE": "Asian", "RACE_STD": dm["RACE"]}
        form |= {"SUBJNO": dm["SUBJID"]}
        forms.setdefault("DM", []).append(_rave(dm, "DM", _typed("BRTHDAT", dm["BRTHDTC"]) | {"AGE": dm["AGE"]} | form))
        forms.setdefault("IC", []).append(_rave(dm, "IC", _typed("ICDAT", dm["RFICDTC"])))
        arms = {"COHORT": dm["ARM"], "COHORT_STD": dm["ARMCD"], "COHACT": dm["ACTARM"], "COHACT_STD": dm["ACTARMCD"]}
        forms.setdefault("ENR", []).append(_rave(dm, "ENR", arms))
        if dm["DTHFL"]:
            forms.setdefault("DTH", []).append(_rave(dm, "DTH", _typed("DTHDAT", dm["DTHDTC"]) | {"DTHYN_STD": "Y"}))
    for row in _records(frames["EX"]):
        day, _, clock = row["EXSTDTC"].partition("T")
        until, _, end = row["EXENDTC"].partition("T")
        values = {"EXDOSE": row["EXDOSE"], "EXDOSE_RAW": row["EXDOSE"]}
        values |= _typed("EXSTDAT", day) | {"EXSTTIM": clock} | _typed("EXENDAT", until) | {"EXENTIM": end}
        forms.setdefault("EX", []).append(_rave(row, "EX", values, row["VISIT"], row["VISITNUM"], row["EXSEQ"]))
    for row in _records(frames["AE"]):
        words = {"AEREL": RELATION, "AEACN": ACTION, "AEOUT": OUTCOME}
        values = {"AESPID": row["AESPID"], "AETERM": row["AETERM"], "AETERM_PT": row["AEDECOD"],
                  "AETERM_SOC": row["AEBODSYS"], "AETOXGR": f"Grade {row['AETOXGR']}",
                  "AETOXGR_STD": row["AETOXGR"]}  # fmt: skip
        for name in ("AESER", *SERIOUS):
            values |= {name: YES_NO[row[name]][1], f"{name}_STD": row[name]}
        for name, known in words.items():
            values |= {name: known[row[name]][1], f"{name}_STD": row[name]}
        day, _, clock = row["AESTDTC"].partition("T")
        values |= _typed("AESTDAT", day) | {"AESTTIM": clock} | _typed("AEENDAT", row["AEENDTC"])
        values |= {"AEONGO": "1" if row["AEENRTPT"] else "0"}
        forms.setdefault("AE", []).append(_rave(row, "AE", values, record=row["AESEQ"]))
    for row in _records(frames["LB"]):
        day, _, clock = row["LBDTC"].partition("T")
        values = {"AnalyteName": row["LBTESTCD"], "AnalyteValue": row["LBORRES"], "LabUnits": row["LBORRESU"],
                  "LabLow": row["LBORNRLO"], "LabHigh": row["LBORNRHI"]}  # fmt: skip
        values |= _typed("LBDAT", day) | {"LBTIM": clock}
        forms.setdefault("LB", []).append(_rave(row, "LB", values, row["VISIT"], row["VISITNUM"], row["LBSEQ"]))
    for row in _records(frames["DS"]):
        values = {"DSCAT": row["DSCAT"], "DSTERM": row["DSTERM"], "DSDECOD_STD": row["DSDECOD"]}
        forms.setdefault("DS", []).append(
            _rave(row, "DS", values | _typed("DSSTDAT", row["DSSTDTC"]), record=row["DSSEQ"])
        )
    return {f"{form}.csv": _csv(_filled(rows, _names(rows))) for form, rows in forms.items()}


def _rave(row: Row, form: str, values: Row, folder: str = "", number: str = "", record: str = "1") -> Row:
    no = _no(row)
    return {
        "projectid": "4711", "project": "iMSC-2001", "studyid": "815", "environmentName": "PROD",
        "subjectId": f"10{no}", "Subject": f"01-{no}", "siteid": "77", "Site": "Site 01", "SiteNumber": "01",
        "instanceId": f"20{no}", "InstanceName": folder or "Subject", "FolderSeq": number, "Folder": folder,
        "DataPageId": f"30{no}", "DataPageName": form, "PageRepeatNumber": "0", "RecordId": f"40{no}{record}",
        "RecordPosition": record, "MinCreated": "2025-09-30 10:00:00", "MaxUpdated": "2025-09-30 10:00:00",
        "SaveTS": "2025-09-30 10:00:00", "StudyEnvSiteNumber": "01", **values,
    }  # fmt: skip


def _typed(name: str, text: str) -> Row:
    """A date as it was typed, with UN and UNK for what is not known, and as the system reads it where it is whole."""
    if not text:
        return {f"{name}_RAW": "", name: "", f"{name}_YYYY": "", f"{name}_MM": "", f"{name}_DD": ""}
    year, month, day = (*text.split("-"), "", "")[:3]
    raw = f"{day or 'UN'} {MONTHS[int(month) - 1] if month else 'UNK'} {year}"
    whole = f"{text} 00:00:00" if day else ""
    return {f"{name}_RAW": raw, name: whole, f"{name}_YYYY": year, f"{name}_MM": month, f"{name}_DD": day}


# ----------------------------------------------------------------------------------------------------
# OpenClinica: tab-delimited with a preamble, one row per subject, items named by event and form, null flavours.


def openclinica(frames: Frames) -> dict[str, bytes]:
    """`subjects.tsv`, `adverse_events.tsv`, `infusions.tsv`, `laboratory.tsv`, `disposition.tsv`."""
    subjects, events, doses, labs, status = [], [], [], [], []
    for dm in _records(frames["DM"]):
        own = {code: [row for row in _records(frames[code]) if row["USUBJID"] == dm["USUBJID"]] for code in _REDCAP}
        who = {"Study Subject ID": _no(dm), "Protocol ID": "iMSC-2001", "Site": dm["SITEID"]}
        subjects.append(who | {
            "Date of Birth": dm["BRTHDTC"], "Sex": dm["SEX"].lower(), "ICDAT_E1_C1": _slashed(dm["RFICDTC"]),
            "AGE_E1_C1": dm["AGE"], "COHORT_E1_C1": dm["ARMCD"], "COHACT_E1_C1": dm["ACTARMCD"],
            "DTHDAT_E8_C9": _slashed(dm["DTHDTC"]) or "NA", "DTHYN_E8_C9": "1" if dm["DTHFL"] else "NA",
        })  # fmt: skip
        events.append(who | {k: v for row in own["AE"] for k, v in _oc_event(row).items()})
        doses.append(who | {k: v for row in own["EX"] for k, v in _oc_dose(row).items()})
        status.append(who | {k: v for row in own["DS"] for k, v in _oc_status(row).items()})
        values: Row = {}
        for first, tests in _visits(frames):
            if first["USUBJID"] == dm["USUBJID"]:
                values |= _oc_lab(first, tests)
        labs.append(who | values)
    files = {"subjects": subjects, "adverse_events": events, "infusions": doses, "laboratory": labs,
             "disposition": status}  # fmt: skip
    return {f"{name}.tsv": _oc(name, rows) for name, rows in files.items()}


def _oc(name: str, rows: Sequence[Row]) -> bytes:
    names = sorted(_names(rows), key=_oc_order)
    head = [
        ["Dataset Name:", name], ["Dataset Description:", "all events"], ["Study Name:", "iMSC", "", "2001"],
        ["Date:", "2025-09-30"], ["Subjects:", str(len(rows))], ["Study Event Definition 1", "Screening", "E1"], [],
    ]  # fmt: skip
    return _csv([*head, *_filled(rows, names)], "\t")


def _oc_order(name: str) -> tuple[int, ...]:
    """Items of the subject first, then by event and repeat."""
    return tuple(int(part) for part in name.replace("E", "").replace("C", "").split("_") if part.isdecimal())


def _slashed(text: str) -> str:
    """A date as the form shows it: day, month, year; a month alone without its day."""
    day, _, clock = text.partition("T")
    return f"{'/'.join(reversed(day.split('-')))} {clock}".strip()


def _oc_event(row: Row) -> Row:
    coded = {"AEREL": RELATION, "AEACN": ACTION, "AEOUT": OUTCOME}
    values = {"AETERM": row["AETERM"], "AEPT": row["AEDECOD"], "AESOC": row["AEBODSYS"], "AEGR": row["AETOXGR"],
              "AEID": row["AESPID"], "AESTDAT": _slashed(row["AESTDTC"]),
              "AEENDAT": _slashed(row["AEENDTC"]) or "NASK"}  # fmt: skip
    values |= {name: YES_NO[row[name]][0] for name in ("AESER", *SERIOUS)}
    values |= {name: known[row[name]][0] for name, known in coded.items()}
    values |= {"AEONGO": "1" if row["AEENRTPT"] else "NI"}
    return {f"{name}_E9_C5_{row['AESEQ']}": value for name, value in values.items()}


def _oc_dose(row: Row) -> Row:
    values = {"EXDOSE": row["EXDOSE"], "EXST": row["EXSTDTC"], "EXEN": row["EXENDTC"], "EXVIS": row["VISIT"],
              "EXVISN": row["VISITNUM"]}  # fmt: skip
    return {f"{name}_E2_C2_{row['EXSEQ']}": value for name, value in values.items()}


def _oc_status(row: Row) -> Row:
    values = {"DSDECOD": row["DSDECOD"], "DSTERM": row["DSTERM"], "DSCAT": row["DSCAT"],
              "DSDAT": _slashed(row["DSSTDTC"])}  # fmt: skip
    return {f"{name}_E8_C8_{row['DSSEQ']}": value for name, value in values.items()}


def _oc_lab(first: Row, tests: Mapping[str, Row]) -> Row:
    event = f"E{first['VISITNUM']}_C3"
    values = {f"LBDAT_{event}": first["LBDTC"]}
    for test in TESTS:
        one, low, high = _limits(test, tests[test]) if test in tests else ("NI", "", "")
        values |= {f"{test}_{event}": one, f"{test}LO_{event}": low, f"{test}HI_{event}": high}
    return values


# ----------------------------------------------------------------------------------------------------
# A Chinese hospital: GB 18030, titles above the headers, semicolons, decimal commas, Chinese words and dates.


def chinese(frames: Frames) -> dict[str, bytes]:
    """`受试者.csv`, `输注记录.csv`, `不良事件.csv`, `检验结果.csv`, `研究状态.csv`."""
    sheets = {
        "受试者": [_zh_subject(row) for row in _records(frames["DM"])],
        "输注记录": [_zh_dose(row) for row in _records(frames["EX"])],
        "不良事件": [_zh_event(row) for row in _records(frames["AE"])],
        "检验结果": [_zh_lab(first, tests) for first, tests in _visits(frames)],
        "研究状态": [_zh_status(row) for row in _records(frames["DS"])],
    }
    files = {}
    for name, rows in sheets.items():
        titles = [[f"{name}一览表"], ["导出日期：2025年9月30日", "", "合成数据"], []]
        files[f"{name}.csv"] = _csv([*titles, *_filled(rows, _names(rows))], ";", "gb18030")
    return files


def _zh_who(row: Row) -> Row:
    return {"中心编号": "1", "受试者编号": str(int(_no(row)))}


def _zh_day(text: str) -> str:
    day, _, clock = text.partition("T")
    parts = [f"{int(part)}{unit}" for part, unit in zip(day.split("-"), "年月日", strict=False) if part]
    return "".join(parts) + (f" {clock}" if clock else "")


def _comma(text: str) -> str:
    return text.replace(".", ",")


def _zh_subject(dm: Row) -> Row:
    return _zh_who(dm) | {
        "知情同意日期": _zh_day(dm["RFICDTC"]), "出生日期": _zh_day(dm["BRTHDTC"]), "年龄(岁)": dm["AGE"],
        "性别": SEX[dm["SEX"]][2], "种族": "亚洲人", "计划组别": ARMS[dm["ARMCD"]][1],
        "实际组别": ARMS[dm["ACTARMCD"]][1], "死亡日期": _zh_day(dm["DTHDTC"]), "是否死亡": "是" if dm["DTHFL"] else "",
    }  # fmt: skip


def _zh_dose(row: Row) -> Row:
    return _zh_who(row) | {
        "序号": row["EXSEQ"], "剂量(10^6/kg)": _comma(row["EXDOSE"]), "开始时间": _zh_day(row["EXSTDTC"]),
        "结束时间": _zh_day(row["EXENDTC"]), "访视": row["VISIT"], "访视序号": row["VISITNUM"],
    }  # fmt: skip


def _zh_event(row: Row) -> Row:
    causes = ("导致死亡", "危及生命", "住院", "致残", "先天异常", "其他重要医学事件")
    return _zh_who(row) | {
        "序号": row["AESEQ"], "事件编号": row["AESPID"], "不良事件名称": row["AETERM"], "首选语": row["AEDECOD"],
        "系统器官分类": row["AEBODSYS"], "CTCAE分级": f"{row['AETOXGR']}级", "是否SAE": YES_NO[row["AESER"]][2],
        **{label: YES_NO[row[name]][2] for label, name in zip(causes, SERIOUS, strict=True)},
        "与研究药物关系": RELATION[row["AEREL"]][2], "采取的措施": ACTION[row["AEACN"]][2],
        "转归": OUTCOME[row["AEOUT"]][2], "开始日期": _zh_day(row["AESTDTC"]),
        "结束日期": _zh_day(row["AEENDTC"]) or "未知", "是否持续": "持续" if row["AEENRTPT"] else "",
    }  # fmt: skip


def _zh_lab(first: Row, tests: Mapping[str, Row]) -> Row:
    when = {"采样时间": _zh_day(first["LBDTC"]), "访视": first["VISIT"], "访视序号": first["VISITNUM"]}
    values = _zh_who(first) | when
    for test, (_, label) in TESTS.items():
        one, low, high = _limits(test, tests[test]) if test in tests else ("未查", "", "")
        name = label.partition("(")[0]
        values |= {label: _comma(one), f"{name}下限": _comma(low), f"{name}上限": _comma(high)}
    return values


def _zh_status(row: Row) -> Row:
    return _zh_who(row) | {
        "序号": row["DSSEQ"], "类别": row["DSCAT"], "描述": row["DSTERM"], "研究状态": row["DSDECOD"],
        "日期": _zh_day(row["DSSTDTC"]),
    }  # fmt: skip
