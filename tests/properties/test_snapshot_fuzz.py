"""Fuzzing of raw files: bytes, cells, columns, dates, delimiters.

An export is read and cleaned with every change in the log, or it stops with one message that names the file; there is
no traceback, no silent change and no hang.
"""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from support import raw_export as raw
from support import snapshot_writers as writers
from trialbook.cleaning import clean_snapshot
from trialbook.cleaning.clean import Cleaned
from trialbook.cleaning.read_values import WHOLE_RECORD
from trialbook.contracts.compile import compile_rules
from trialbook.contracts.odcs import load_contracts
from trialbook.core.domains import column_type
from trialbook.core.errors import StopError, UsageError
from trialbook.protocol.models import Cut
from trialbook.snapshot import read_snapshot, reading_lines, transfer_manifest
from trialbook.snapshot.door import WITHHELD
from trialbook.snapshot.tables import Snapshot

# A file that takes longer than this is a hang, whatever the machine is doing beside it.
HANG_SECONDS = 120
CONTRACTS = load_contracts(raw.PROTOCOL.parents[1] / "data_contracts")
# The protocol is read once; each example is another cut of the same trial.
TRIAL = raw.trial_of(raw.PROTOCOL.parents[1] / "data" / "demo" / "2025-03-31")
MORE = int(os.environ.get("TRIALBOOK_FUZZ", "1"))


def few(examples: int) -> settings:
    """So many examples (times TRIALBOOK_FUZZ, for a long run), the same ones in CI."""
    return settings(
        max_examples=examples * MORE, deadline=None, derandomize=bool(os.environ.get("CI")),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if MORE == 1 else [])],
    )  # fmt: skip


@contextmanager
def no_hang() -> Iterator[None]:
    def stop(signum: int, frame: object) -> None:
        raise AssertionError(f"reading took more than {HANG_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(folder: Path, **keys: object) -> tuple[Snapshot, Cleaned] | StopError | UsageError:
    """What reading, describing, compiling the contracts and cleaning make of a folder; only our own errors pass."""
    cut = Cut(**{**TRIAL.cut.model_dump(), "snapshot": str(folder), **keys})
    trial = TRIAL.model_copy(update={"cut": cut, "root": folder.parent})
    with no_hang():
        try:
            snapshot = read_snapshot(trial)
            reading_lines(snapshot)
            frames = {code.lower(): table.frame for code, table in snapshot.tables.items()}
            for name in frames:
                if f"raw/{name}" in CONTRACTS:
                    compile_rules(CONTRACTS[f"raw/{name}"], "raw", ["DLT"], frames)
            return snapshot, clean_snapshot(snapshot, trial)
        except (StopError, UsageError) as error:
            return error


def assert_every_change_is_logged(snapshot: Snapshot, cleaned: Cleaned) -> None:
    """Each value of the clean text is its raw text, or the log leads from the one to the other."""
    for code, table in snapshot.tables.items():
        chains: dict[tuple[int, str], list[tuple[str, str]]] = {}
        gone: set[int] = set()
        own = cleaned.changes[(cleaned.changes["file"] == table.file) & (cleaned.changes["row"] > 0)]
        for change in own.itertuples():
            if change.column == WHOLE_RECORD and change.raw == "(record)":
                gone.add(change.row)
            elif change.column != WHOLE_RECORD:
                chains.setdefault((change.row, change.column), []).append((change.raw, change.new))
        clean = cleaned.domains[code]
        kept = [row for row in table.frame.index if row not in gone]
        assert clean["SRCROW"].tolist() == kept, f"{code}: records vanished without a log row"
        for name in table.frame.columns:
            for row, value, now in zip(kept, table.frame[name].loc[kept], clean[name], strict=True):
                text = "" if pd.isna(value) else value
                for before, after in chains.get((row, name), []):
                    assert before in (WITHHELD, text), f"{code}.{name} row {row}: {before!r} is not {text!r}"
                    text = after
                if text == WITHHELD:
                    continue  # the log says that a birth date was changed, never to what
                expected = pd.Series([text or None], dtype="str").astype(column_type(name))[0]
                same = (pd.isna(expected) and pd.isna(now)) or expected == now
                assert same, f"{code}.{name} row {row}: {text!r} became {now!r} without a log row"


# ---- what is written ----

ODD_DATES = (
    "", "UNK", "2025-UN-UN", "45700", "45700.5", "03/04/25", "2025-02-30", "2025年3月5日", "2025年3月不详日", "24:00",
    "T10:30", "2025-01-05T24:00", "9999-12-31T24:00", "0000-00-00", "５-Mar-24", "2025-1-1 下午2点",
)  # fmt: skip
ODD_WORDS = (
    "", " ", "Y", "否", "√", "II", "2-3级", "1,234.5", "12,3", "<0.1", "＞300", "12.3 g/L", "1e400", "-0", "NaN",
    "#N/A", "#######", "=1+1", '=HYPERLINK("x")', "13812345678", "鍙戠儹", "a\u2028b", "a\rb", "x\ty", "10⁹/L",
    "2×10^6", "١٢", "²", "Ⅳ", "00012", "1E5", "true", "\ufeffa", "\u200b", "null",
)  # fmt: skip
dates = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat(timespec="minutes")),
    st.sampled_from(ODD_DATES),
    st.text(alphabet="0123456789-/.T: 年月日UNKun下午", max_size=14),
)
words = st.one_of(
    st.sampled_from(ODD_WORDS),
    st.text(max_size=12),
    st.text(alphabet="0123456789.,<>=+-eE×^*/ gLlμ%", max_size=10),
)
FIELDS = {
    "ae": ("AETERM", "AETOXGR", "AESER", "AEREL", "AEOUT", "AESTDTC", "AEENDTC", "AESEQ"),
    "lb": ("LBTESTCD", "LBORRES", "LBORRESU", "LBORNRHI", "LBDTC", "LBSEQ", "VISIT"),
    "ex": ("EXDOSE", "EXDOSU", "EXENDTC", "EXSEQ"),
    "dm": ("SEX", "BRTHDTC", "RFICDTC", "AGE", "DTHDTC"),
}
BASES = {"ae": raw.AE, "lb": raw.LB, "ex": raw.EX, "dm": raw.DM}


@st.composite
def snapshots(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Small domains of one subject with a few odd cells."""
    frames = {}
    for code, base in BASES.items():
        count = 1 if code == "dm" else draw(st.integers(0 if code == "lb" else 1, 3))
        rows = []
        for number in range(1, count + 1):
            seq = {f"{code.upper()}SEQ": str(number)} if code != "dm" else {}
            odd = draw(st.dictionaries(st.sampled_from(FIELDS[code]), st.just(None), max_size=3))
            rows.append({**base, **seq, **{name: draw(dates if name.endswith("DTC") else words) for name in odd}})
        frames[code.upper()] = pd.DataFrame(rows, columns=list(base), dtype="object")
    return frames


def write(folder: Path, frames: dict[str, pd.DataFrame], suffix: str) -> None:
    """The frames as text in one format; in text formats through the ordinary writers."""
    folder.mkdir(parents=True, exist_ok=True)
    if suffix in ("csv", "tsv"):
        for code, frame in frames.items():
            buffer = io.StringIO(newline="")
            writer = csv.writer(buffer, delimiter="," if suffix == "csv" else "\t")
            writer.writerows([list(frame.columns), *frame.itertuples(index=False, name=None)])
            (folder / f"{code.lower()}.{suffix}").write_bytes(buffer.getvalue().encode("utf-8", "surrogatepass"))
    else:
        writers.write_as(folder, {code: plain(frame, suffix) for code, frame in frames.items()}, suffix)


def plain(frame: pd.DataFrame, suffix: str) -> pd.DataFrame:
    """A frame that the writer of a typed format takes: its numeric columns hold numbers, its text fits the format."""
    numeric = {name for name in frame.columns if writers.is_numeric(name)}

    def cell(name: str, text: str) -> str:
        if name in numeric:
            return text if re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", text) else ""
        if suffix == "xlsx":
            return re.sub(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", "", text)
        return re.sub(r"[\x00\ud800-\udfff]", "", text)

    cells = {name: [cell(name, text) for text in frame[name]] for name in frame.columns}
    return pd.DataFrame(cells, columns=frame.columns, dtype="object")


def check(folder: Path, **keys: object) -> None:
    result = outcome(folder, **keys)
    if isinstance(result, tuple):
        assert_every_change_is_logged(*result)
    else:
        assert_says_where(result)


def assert_says_where(error: StopError | UsageError) -> None:
    assert error.file, f"the message names no file: {error}"
    assert "\n" not in str(error)


# ---- properties ----


@few(40)
@given(snapshots(), st.sampled_from(writers.FORMATS))
def test_any_cells_in_any_format_are_cleaned_with_a_log_or_stop(frames: dict[str, pd.DataFrame], suffix: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        try:
            write(Path(place) / "s", frames, suffix)
        except (ValueError, OverflowError, pa.ArrowException):
            return  # the writer of this format does not take such a value: it can not be delivered so
        check(Path(place) / "s")


@st.composite
def headers(draw: st.DrawFn) -> list[str]:
    """The names of AE, some of them lost, renamed, doubled, in other letters, shuffled, or more of them."""
    names = draw(st.permutations(list(raw.AE)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(names) - 1, 0)))
        how = draw(st.sampled_from(["drop", "rename", "double", "lower", "blank", "wide", "add", "person"]))
        name = names[at] if names else "X"
        if how == "drop":
            names = names[:at] + names[at + 1 :]
        elif how == "add":
            names = [*names, draw(st.text(max_size=8))]
        else:
            new = {
                "rename": draw(words), "double": names[0] if names else "X", "lower": name.lower(),
                "blank": f" {name} ", "wide": name.replace("A", "Ａ"), "person": "姓名",
            }[how]  # fmt: skip
            names = [*names[:at], new, *names[at + 1 :]]
    return names


@few(40)
@given(headers(), st.lists(st.lists(words, max_size=20), max_size=3), st.sampled_from(["csv", "tsv", "xlsx", "ndjson"]))
def test_any_columns_are_read_with_a_log_or_stop(names: list[str], more: list[list[str]], suffix: str) -> None:
    records = [[raw.AE.get(name.strip().upper(), "x") for name in names], *more]
    with tempfile.TemporaryDirectory() as place:
        folder = raw.export(Path(place) / "s")
        (folder / "ae.csv").unlink()
        if suffix in ("csv", "tsv"):
            buffer = io.StringIO(newline="")
            csv.writer(buffer, delimiter="," if suffix == "csv" else "\t").writerows([names, *records])
            (folder / f"ae.{suffix}").write_bytes(buffer.getvalue().encode("utf-8", "surrogatepass"))
        else:
            padded = [(record + [""] * len(names))[: len(names)] for record in records]
            clean = [
                [re.sub(r"[\x00-\x1f\ud800-\udfff\ufffe\uffff]", "", cell) for cell in row] for row in [names, *padded]
            ]
            unique = [f"{name}" for name in clean[0]]
            frame = pd.DataFrame(clean[1:], dtype="object")
            frame.columns = unique
            write_untyped(folder, frame, suffix)
        check(folder)


def write_untyped(folder: Path, frame: pd.DataFrame, suffix: str) -> None:
    """AE as text cells, whatever its columns are named."""
    import json

    import xlsxwriter

    if suffix == "xlsx":
        book = xlsxwriter.Workbook(folder / "ae.xlsx", {"strings_to_formulas": False, "strings_to_urls": False})
        sheet = book.add_worksheet("AE")
        for r, row in enumerate([list(frame.columns), *frame.itertuples(index=False, name=None)]):
            for c, cell in enumerate(row):
                sheet.write_string(r, c, cell)
        book.close()
        return
    meta = {"columns": [{"name": name} for name in frame.columns]}
    lines = [json.dumps(entry) for entry in (meta, *map(list, frame.itertuples(index=False, name=None)))]
    (folder / "ae.ndjson").write_text("\n".join(lines), encoding="utf-8")


SMALL = {
    "DM": pd.DataFrame([raw.DM], dtype="object"),
    "EX": pd.DataFrame([raw.EX], dtype="object"),
    "AE": pd.DataFrame(raw.rows(raw.AE, {}, {"AESEQ": "2", "AETERM": "发热，寒战"}, {"AESEQ": "3"}), dtype="object"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """The adverse events as the bytes of a file of each format, and of each encoding."""
    place = tmp_path_factory.mktemp("whole")
    content = {}
    for suffix in writers.FORMATS:
        write(place / suffix, SMALL, suffix)
        content[suffix] = (f"ae.{suffix}", (place / suffix / f"ae.{suffix}").read_bytes())
    for encoding in ("gb18030", "utf-16", "utf-8-sig"):
        content[encoding] = ("ae.csv", content["csv"][1].decode("utf-8").encode(encoding))
    return content


torn = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert", "delete", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(max_size=4),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def damaged(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for how, where, more in changes:
        at = int(where * len(content))
        if how == "cut":
            content = content[:at]
        elif how == "flip" and content:
            content = content[:at] + bytes([content[at] ^ (more[0] if more else 1)]) + content[at + 1 :]
        elif how == "insert":
            content = content[:at] + more + content[at:]
        elif how == "delete":
            content = content[:at] + content[at + max(len(more), 1) :]
        else:
            content = content[:at] + content[max(at - 40, 0) :]
    return content


@pytest.mark.parametrize("kind", [*writers.FORMATS, "gb18030", "utf-16", "utf-8-sig"])
@few(12)
@given(changes=torn)
def test_any_damage_to_the_bytes_of_a_file_is_read_with_a_log_or_stops(
    kind: str, changes: list[tuple[str, float, bytes]], whole: dict[str, tuple[str, bytes]]
) -> None:
    name, content = whole[kind]
    with tempfile.TemporaryDirectory() as place:
        folder = raw.export(Path(place) / "s")
        (folder / "ae.csv").unlink()
        (folder / name).write_bytes(damaged(content, changes))
        check(folder)


@few(30)
@given(kind=st.sampled_from([*writers.FORMATS, "gb18030", "utf-16"]), where=st.floats(0, 1, exclude_max=True))
def test_every_cut_of_every_format_is_caught_by_the_transfer_manifest(
    kind: str, where: float, whole: dict[str, tuple[str, bytes]]
) -> None:
    name, content = whole[kind]
    with tempfile.TemporaryDirectory() as place:
        folder = raw.export(Path(place) / "s")
        (folder / "ae.csv").unlink()
        (folder / name).write_bytes(content)
        manifest = transfer_manifest(folder)
        (folder / name).write_bytes(content[: int(where * len(content))])
        result = outcome(folder, transfer=manifest)
        assert isinstance(result, StopError)
        assert (result.file, result.rule) == (name, "TRANSFER")


@few(40)
@given(st.text(alphabet="USBJIDAETRM,;\t|\"'\n\r \ufeff发热1", max_size=120))
@example("USUBJID;AETERM\nS1;a\n")
@example('USUBJID,AETERM\nS1,"a\n')
def test_any_text_as_a_delimited_file_is_read_with_a_log_or_stops(text: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = raw.export(Path(place) / "s")
        (folder / "cm.csv").write_bytes(text.encode())
        check(folder)


MAPPING = """
domains:
  DM:
    file: dm.csv
    columns:
      {STUDYID: {constant: T}, USUBJID: 号, SUBJID: 号, RFICDTC: {constant: ''}, BRTHDTC: {constant: ''},
       SEX: {source: 性别, codes: {男: M}}, ARMCD: {constant: SCRNFAIL}, ACTARMCD: {constant: SCRNFAIL}}
  EX:
    file: ex.csv
    columns:
      {USUBJID: 号, EXTRT: 药, EXDOSE: {source: 量, factor: 0.001}, EXDOSU: 单位, EXSTDTC: {template: '{日} {时}'}}
  AE:
    file: ae.csv
    header_rows: 2
    columns:
      {USUBJID: 号, AESTDTC: {source: 日, dates: DMY}, AEENDTC: {constant: ''}, AETOXGR: 级, AEDECOD: {constant: ''},
       AESER: {source: 重, codes: {重: 'Y'}}, AEREL: {constant: ''}, AEOUT: {constant: ''}, AEBODSYS: {constant: ''}}
    spread: {result: AETERM, columns: {甲: {AEMIE: 'Y'}, 乙: {AEMIE: 'N'}}}
"""


@few(40)
@given(
    st.lists(st.lists(st.one_of(words, dates), min_size=6, max_size=6), max_size=3),
    st.sampled_from(
        ["号,日,级,重,甲,乙", "号,日,级,重,甲,甲", "号,日,级,重,甲", "号,,级,重,甲,乙", "乙,甲,重,级,日,号"]
    ),
)
def test_any_site_export_is_mapped_with_a_log_or_stops(rows: list[list[str]], header: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "s"
        folder.mkdir()
        (Path(place) / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
        (folder / "dm.csv").write_text("号,性别\n1,男\n2,女\n", encoding="utf-8")
        (folder / "ex.csv").write_text("号,药,量,单位,日,时\n", encoding="utf-8")
        buffer = io.StringIO(newline="")
        names = header.split(",")
        table = [names, names, *([str(k % 2 + 1), *row[1:]][: len(names)] for k, row in enumerate(rows))]
        csv.writer(buffer).writerows(table)
        (folder / "ae.csv").write_bytes(buffer.getvalue().encode("gb18030", "replace"))
        result = outcome(folder, mapping="mapping.yaml")
        if isinstance(result, tuple):
            assert_every_mapped_change_is_logged(*result, table)
        else:
            assert_says_where(result)


def assert_every_mapped_change_is_logged(snapshot: Snapshot, cleaned: Cleaned, cells: list[list[str]]) -> None:
    """From the cell of the export to the clean value of AE, by the log alone."""
    table = snapshot.tables["AE"]
    chains: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for change in cleaned.changes[cleaned.changes["file"] == "ae.csv"].itertuples():
        chains.setdefault((change.row, change.column), []).append((change.raw, change.new))
    for record in cleaned.domains["AE"].to_dict("records"):
        for name in ("AESTDTC", "AETOXGR", "AESER", "AETERM"):
            _, _, row, column = table.place(int(record["SRCROW"]), name)
            text = cells[row - 1][cells[0].index(column.partition(" → ")[0])]
            for before, after in chains.get((row, column), []):
                assert before in (WITHHELD, text), f"{column}: {before!r} is not {text!r}"
                text = after
            now = "" if pd.isna(record[name]) else record[name]
            assert now == text, f"{column} row {row}: {text!r} became {now!r} without a log row"
