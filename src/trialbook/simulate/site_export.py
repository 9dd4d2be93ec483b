"""Writes the synthetic trial as a site's EDC would export it: Chinese headers and words, GB18030, wide laboratory rows.

The same records as the SDTM snapshot of a day (its twin), in another shape: `params/mapping.yaml` leads back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import xlsxwriter

from trialbook.simulate.site_forms import BOOKS, CSV_FORMS, ITEMS, LAB_TESTS, WORDS, Field, Form
from trialbook.simulate.snapshots import DEMO_CUTS, NOTICE
from trialbook.simulate.trial import SEED, SUBJECTS, simulate_trial
from trialbook.synthetic import write_declaration

SITE_EXPORT_CUT = "2025-06-30"
MADE = datetime(2025, 7, 1)
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})")
Frames = Mapping[str, pd.DataFrame]
Cell = str | float | date | datetime


def write_site_export(out: Path, seed: int = SEED, cut: str = SITE_EXPORT_CUT) -> None:
    """Writes the site export of a demo cut into a folder: two CSV files in GB18030, workbooks, and a README.

    The same seed gives the same cells; the bytes of a workbook may differ between versions of the compression.
    """
    frames = simulate_trial(seed, SUBJECTS).frames(date.fromisoformat(cut), DEMO_CUTS[cut])
    frames["AE"] = _with_decision(frames["AE"], frames["SUPPAE"])
    out.mkdir(parents=True, exist_ok=True)
    for name, form in CSV_FORMS.items():
        (out / name).write_bytes(_csv(form, frames))
    for name, forms in BOOKS.items():
        _write_book(out / name, forms, frames)
    told = f"# Site export of the demo trial\n\n{NOTICE}\n\nThe records of data/demo/{cut}, as an EDC exports them.\n"
    (out / "README.md").write_text(told, encoding="utf-8", newline="\n")
    write_declaration(out, site_export_of=cut)


def _with_decision(ae: pd.DataFrame, suppae: pd.DataFrame) -> pd.DataFrame:
    """The events with the committee's decision on their own form."""
    decided = suppae.set_index(["USUBJID", "IDVARVAL"])["QVAL"].to_dict()
    keys = zip(ae["USUBJID"], ae["AESEQ"], strict=True)
    return ae.assign(AEDLT=[decided.get(key, "") for key in keys])


def form_rows(form: Form, frames: Frames) -> list[list[Cell]]:
    """The cells of one form, its header rows first."""
    if form.items:
        return _wide(form, frames[form.domain])
    header: list[list[Cell]] = [[f.label for f in form.fields], [f.code for f in form.fields]]
    rows = frames[form.domain].to_dict("records")
    return header + [[_cell(field, row, form.typed) for field in form.fields] for row in rows]


def _wide(form: Form, frame: pd.DataFrame) -> list[list[Cell]]:
    """One row per subject and moment, one column per test, with its limits beside it where the form has them."""
    items = ITEMS[form.items]
    tail = [(name, f"{label}{suffix}", f"{name}_{code}")
            for name, label in items.items() if form.limits and name in LAB_TESTS
            for suffix, code in (("参考下限", "LO"), ("参考上限", "HI"))]  # fmt: skip
    labels = [f.label for f in form.fields] + list(items.values()) + [label for _, label, _ in tail]
    codes = [f.code for f in form.fields] + list(items) + [code for _, _, code in tail]
    test, result = f"{form.domain}TESTCD", f"{form.domain}ORRES"
    rows: list[list[Cell]] = []
    same = list(dict.fromkeys(field.variable.partition(".")[0] for field in form.fields))
    for _, sample in frame.groupby(same, sort=False):
        by_test = {row[test]: row for row in sample.to_dict("records")}
        cells = [_cell(field, next(iter(by_test.values())), form.typed) for field in form.fields]
        cells += [_result(by_test[name][result], form.items) if name in by_test else "" for name in items]
        limits = {"LO": f"{form.domain}ORNRLO", "HI": f"{form.domain}ORNRHI"}
        cells += [_result(by_test.get(name, {}).get(limits[code[-2:]], ""), form.items) for name, _, code in tail]
        rows.append(cells)
    return [list(labels), list(codes), *rows]


def _result(text: str, items: str) -> Cell:
    """A result as it is entered: a Chinese word, a number, or of the laboratory, whose `13.0` is no `13`, its text."""
    plain = items != "lab" and re.fullmatch(r"-?\d+(\.\d+)?", text)
    return float(text) if plain else WORDS["result"].get(text, text)


def _cell(field: Field, row: Mapping[str, str], typed: bool) -> Cell:
    text = row.get(field.variable, "") if field.variable else field.words
    if field.variable in ("USUBJID.site", "USUBJID.number"):
        _, site, number = row["USUBJID"].rsplit("-", 2)
        text = site if field.variable.endswith("site") else number
        # A workbook takes subject numbers for numbers, and their zeros are lost.
        return float(text) if typed else text
    if field.variable and field.words:
        return WORDS[field.words].get(text, text)
    if field.variable.endswith("DTC"):
        return _date(text, typed)
    if field.number and typed and text:
        return float(text)
    return text


def _date(text: str, typed: bool) -> Cell:
    """A date as a day of the spreadsheet, or in Chinese; a partial one as text in both."""
    moment, day = _MOMENT.fullmatch(text), _DAY.fullmatch(text)
    if typed and moment:
        return datetime.fromisoformat(text)
    if typed and day:
        return date.fromisoformat(text)
    if moment:
        year, month, day_of_month, clock = moment.groups()
        return f"{year}年{int(month)}月{int(day_of_month)}日 {clock}"
    if day:
        return f"{day[1]}年{int(day[2])}月{int(day[3])}日"
    return f"{text}-UN" if re.fullmatch(r"\d{4}-\d{2}", text) else text


def _csv(form: Form, frames: Frames) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(form_rows(form, frames))
    return buffer.getvalue().encode("gb18030")


def _write_book(path: Path, forms: Sequence[Form], frames: Frames) -> None:
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": MADE})
    day, moment = (book.add_format({"num_format": form}) for form in ("yyyy/m/d", "yyyy/m/d hh:mm"))
    for form in forms:
        sheet = book.add_worksheet(form.sheet)
        for r, row in enumerate(form_rows(form, frames)):
            for c, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(r, c, cell, moment)
                elif isinstance(cell, date):
                    sheet.write_datetime(r, c, cell, day)
                elif isinstance(cell, float):
                    sheet.write_number(r, c, cell)
                elif cell:
                    sheet.write_string(r, c, cell)
    book.close()
