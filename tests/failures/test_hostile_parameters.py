"""Hostile names, values, ids and paths in parameter files: refused in one clear line, or taken literally."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trialbook.cli import app
from trialbook.core.errors import TrialbookError, UsageError
from trialbook.protocol.load import find_cut_file, load_protocol, load_trial
from trialbook.protocol.models import Trial

CUT = 'cut_id: "x1"\ncut_date: "2025-06-30"\nsnapshot: snap\nprotocol: params/protocol.yaml\n'
LINES = CUT.splitlines()
ODD = "a folder {cut_id} $HOME %s 甲"


def with_id(text: str) -> str:
    return CUT.replace('"x1"', text)


def with_date(text: str) -> str:
    return CUT.replace('"2025-06-30"', text)


def with_snapshot(text: str) -> str:
    return CUT.replace("snapshot: snap", f"snapshot: {text}")


def overriding(text: str) -> str:
    return f"{CUT}overrides: {{{text}}}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for name in ("params/cuts", "notebooks", "snap", ODD, "..dots"):
        (folder / name).mkdir(parents=True)
    for name in ("protocol.yaml", "drugs.yaml"):
        (folder / "params" / name).write_bytes((root / "params" / name).read_bytes())
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


def load(folder: Path, text: str | bytes) -> Trial:
    path = folder / "params" / "cuts" / "x1.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    began = time.monotonic()
    try:
        return load_trial(path, folder)
    finally:
        assert time.monotonic() - began < 20


ID_RULE = "a cut id is 1 to 64"
REFUSED: list[tuple[str, str | bytes, str]] = [
    # ids, which become folder names
    ("id up", with_id('"../x1"'), ID_RULE),
    ("id up in the middle", with_id('"a/../../x1"'), ID_RULE),
    ("id dots", with_id('".."'), ID_RULE),
    ("id hidden", with_id('".x1"'), ID_RULE),
    ("id absolute", with_id('"/etc/x1"'), ID_RULE),
    ("id windows path", with_id('"a\\\\b"'), ID_RULE),
    ("id braces", with_id('"{cut_date}"'), ID_RULE),
    ("id format", with_id('"{0.__class__}"'), ID_RULE),
    ("id template", with_id('"{{7*7}}"'), ID_RULE),
    ("id shell", with_id('"$(touch x)"'), ID_RULE),
    ("id variable", with_id('"$HOME"'), ID_RULE),
    ("id semicolon", with_id('"x;rm"'), ID_RULE),
    ("id blank", with_id('" "'), ID_RULE),
    ("id inner blank", with_id('"x 1"'), ID_RULE),
    ("id empty", with_id('""'), ID_RULE),
    ("id like an option", with_id('"-rf"'), ID_RULE),
    ("id a short option", with_id('"-x"'), ID_RULE),
    ("id a long option", with_id('"--help"'), ID_RULE),
    ("id con", with_id('"con"'), ID_RULE),
    ("id NUL", with_id('"NUL"'), ID_RULE),
    ("id prn with an ending", with_id('"prn.x"'), ID_RULE),
    ("id aux", with_id('"Aux"'), ID_RULE),
    ("id com1", with_id('"com1"'), ID_RULE),
    ("id lpt9", with_id('"LPT9.txt"'), ID_RULE),
    ("id index.html", with_id('"index.html"'), ID_RULE),
    ("id README.md", with_id('"README.md"'), ID_RULE),
    ("id readme.md", with_id('"readme.md"'), ID_RULE),
    ("id a cut file", with_id('"2025-09-30.yaml"'), ID_RULE),
    ("id a cut file in capitals", with_id('"x.YML"'), ID_RULE),
    ("id a dot at its end", with_id('"x1."'), ID_RULE),
    ("id newline at its end", with_id('"x1\\n"'), ID_RULE),
    ("id newline", with_id('"x\\n1"'), ID_RULE),
    ("id NUL", with_id('"x\\01"'), ID_RULE),
    ("id escape", with_id('"x\\e[31m"'), ID_RULE),
    ("id full-width digits", with_id('"２０２５"'), ID_RULE),
    ("id Cyrillic a", with_id('"cut-а"'), ID_RULE),
    ("id combining", with_id('"cafe\\u0301"'), ID_RULE),
    ("id right-to-left", with_id('"x\\u202E1"'), ID_RULE),
    ("id zero width", with_id('"x\\u200B1"'), ID_RULE),
    ("id too long", with_id('"' + "x" * 65 + '"'), ID_RULE),
    ("id a list", with_id("[x1]"), "string"),
    ("id a mapping", with_id("{x: 1}"), "string"),
    ("id null", with_id("null"), "string"),
    ("id tilde", with_id("~"), "string"),
    ("previous cut up", CUT + 'previous_cut: "../x"\n', ID_RULE),
    ("its own previous cut", CUT + 'previous_cut: "x1"\n', "its own previous cut"),
    # dates
    ("date in words", with_date("30 June 2025"), "YYYY-MM-DD"),
    ("date short", with_date("2025-6-30"), "YYYY-MM-DD"),
    ("date partial", with_date("2025-06"), "YYYY-MM-DD"),
    ("date with time", with_date("2025-06-30T00:00:00Z"), "YYYY-MM-DD"),
    ("date full-width", with_date("２０２５-06-30"), "YYYY-MM-DD"),
    ("date that is not", with_date("2025-02-30"), "no such calendar date"),
    ("date month 13", with_date("2025-13-01"), "no such calendar date"),
    ("date year 0", with_date("0000-01-01"), "no such calendar date"),
    ("date number", with_date("20250630"), "YYYY-MM-DD"),
    ("date newline", with_date('"2025-06-30\\n"'), "YYYY-MM-DD"),
    ("date null", with_date("null"), "string"),
    # keys
    ("unknown key", CUT + "snapshoot: x\n", "unknown key snapshoot; the nearest known key is snapshot"),
    (
        "unknown key beside a wrong value",
        CUT.replace("x1", "/") + "overide: {}\n",
        "the nearest known key is overrides",
    ),
    ("unknown override", overriding("responce_rules: CN"), "the nearest known key is response_rules"),
    ("key that is code", CUT + "\"x=__import__('os').system('id');y\": 1\n", "unknown key x=__import__"),
    ("override key that is code", overriding('"a=1\\nimport os": 1'), "unknown key a=1"),
    ("key twice", CUT + 'cut_id: "x2"\n', "the key cut_id occurs twice"),
    ("override twice", overriding("response_rules: CN, response_rules: CIBMTR"), "occurs twice"),
    ("key a list", CUT + "? [a, b]\n: 1\n", "not allowed"),
    ("key a mapping", CUT + "? {a: b}\n: 1\n", "not allowed"),
    ("key null", CUT + "~: 1\n", "not allowed"),
    ("key empty", CUT + '"": 1\n', "unknown key"),
    ("merge key", CUT + "<<: {previous_cut: x0}\n", "not allowed"),
    ("merge key in overrides", overriding("<<: {response_rules: CN}"), "not allowed"),
    ("missing key", "\n".join(LINES[1:]), "cut_id: the key is missing"),
    # YAML itself
    ("anchor and alias", overriding("a: &x 1, b: *x"), "anchors and aliases are not allowed"),
    ("billion laughs", 'a: &a ["lol","lol"]\nb: &b [*a,*a]\nc: [*b,*b]\n' + CUT, "not allowed"),
    ("tag python object", CUT + "overrides: !!python/object/apply:os.system [id]\n", "the tag"),
    ("tag python name", with_id("!!python/name:os.system"), "the tag"),
    ("tag binary", with_id("!!binary aGk="), "the tag"),
    ("tag set", CUT + "overrides: !!set {a, b}\n", "the tag"),
    ("tag own", with_id("!cut x1"), "the tag"),
    ("tag str", with_id("!!str x1"), "the tag"),
    ("two documents", CUT + "---\n" + CUT, "document"),
    ("a list", "- 1\n- 2\n", "not a mapping"),
    ("a word", "just a word\n", "not a mapping"),
    ("nothing", "", "not a mapping"),
    ("only a comment", "# nothing\n", "not a mapping"),
    ("not closed", "cut_id: [\n", "x1.yaml"),
    ("tab", "cut_id:\tx1\n\tcut_date: 2025-06-30\n", "x1.yaml"),
    ("NUL byte", CUT.encode() + b"mapping: a\0b\n", "x1.yaml"),
    ("control character", CUT.encode() + b"mapping: a\x07b\n", "x1.yaml"),
    ("not UTF-8", CUT.encode() + b"mapping: \xff\xfe\n", "not UTF-8"),
    ("GB18030", (CUT + "mapping: 映射\n").encode("gb18030"), "not UTF-8"),
    ("UTF-16", CUT.encode("utf-16"), "not UTF-8"),
    ("UTF-32", CUT.encode("utf-32"), "not UTF-8"),
    ("lone surrogate", CUT + 'mapping: "\\uD800"\n', "x1.yaml"),
    ("deep lists", CUT + "overrides: " + "[" * 20_000 + "]" * 20_000 + "\n", "x1.yaml"),
    ("deep mappings", CUT + "overrides: " + "{a: " * 20_000 + "}" * 20_000 + "\n", "x1.yaml"),
    ("deep blocks", CUT + "overrides:\n" + "".join(" " * k + "a:\n" for k in range(1, 3000)), "x1.yaml"),
    ("ten megabytes", CUT + "mapping: " + "x" * 10_000_000 + "\n", "too large"),
    ("ninety thousand keys", CUT + "".join(f"k{n}: 1\n" for n in range(90_000)), "unknown key k0"),
    # paths
    ("no such snapshot", with_snapshot("nowhere"), "no such path"),
    ("snapshot of zeros", with_snapshot("/dev/zero"), "neither a folder nor a file"),
    ("snapshot a pipe", with_snapshot("pipe"), "neither a folder nor a file"),
    ("snapshot a loop", with_snapshot("loop"), "x1.yaml"),
    ("snapshot in a loop", with_snapshot("loop/deeper"), "x1.yaml"),
    ("snapshot NUL", with_snapshot('"a\\0b"'), "x1.yaml"),
    ("snapshot too long", with_snapshot("x" * 5000), "x1.yaml"),
    ("snapshot empty", with_snapshot('""'), "x1.yaml"),
    ("snapshot from the net", with_snapshot("http://127.0.0.1/x"), "no such path"),
    ("protocol of zeros", CUT.replace("params/protocol.yaml", "/dev/zero"), "not a file"),
    ("protocol a pipe", CUT.replace("params/protocol.yaml", "pipe"), "not a file"),
    ("protocol a folder", CUT.replace("params/protocol.yaml", "snap"), "not a file"),
    ("protocol a loop", CUT.replace("params/protocol.yaml", "loop"), "x1.yaml"),
    ("mapping of zeros", CUT + "mapping: /dev/zero\n", "not a file"),
    ("mapping a pipe", CUT + "mapping: pipe\n", "not a file"),
    ("deletions of zeros", CUT + "approved_deletions: /dev/zero\n", "not a file"),
    ("deletions a folder", CUT + "approved_deletions: snap\n", "not a file"),
    # values
    ("override of another kind", overriding("response_rules: XX"), "'CIBMTR' or 'CN'"),
    ("override not a number", overriding("bor_until: soon"), "bor_until"),
    ("override hexadecimal", overriding("bor_until: 0x10"), "bor_until"),
    ("override exponent for a whole number", overriding("bor_until: 1e2"), "bor_until"),
    ("override part of a whole number", overriding("bor_until: 2.5"), "bor_until"),
    ("override sexagesimal", overriding("bor_until: '12:30'"), "bor_until"),
    ("override full-width digits", overriding("bor_until: '３１'"), "bor_until"),
    ("override NaN", overriding("dlt_target: .nan"), "dlt_target"),
    ("override nan", overriding("interval_margin: nan"), "interval_margin"),
    ("override unbounded nan", overriding("beta_prior: [nan, 1]"), "beta_prior"),
    ("override infinity", overriding("beta_prior: [inf, 1]"), "beta_prior"),
    ("override minus infinity", overriding("bili_cut_umol: [-inf, 1, 2, 3]"), "bili_cut_umol"),
    ("override infinity in a mapping", overriding("dlt_cytopenia_below: {NEUT: inf}"), "dlt_cytopenia_below"),
    ("override too large a number", overriding("beta_prior: [1e999, 1]"), "beta_prior"),
    ("override a day beyond all calendars", overriding("bor_until: 99999999999999999999"), "bor_until"),
    ("override list too short", overriding("d28_window: [25]"), "d28_window"),
    ("override a mapping for a list", overriding("d28_window: {a: 1}"), "d28_window"),
    ("override null for a number", overriding("bor_until: null"), "bor_until"),
    ("overrides a list", CUT + "overrides: [1]\n", "dictionary"),
    ("overrides text", CUT + "overrides: none\n", "dictionary"),
    ("transfer without hash", CUT + "transfer: {dm.csv: {bytes: 1}}\n", "sha256"),
    ("transfer hash too short", CUT + "transfer: {dm.csv: {sha256: abc, bytes: 1}}\n", "sha256"),
    ("transfer negative", CUT + f"transfer: {{dm.csv: {{sha256: '{'a' * 64}', bytes: -1}}}}\n", "bytes"),
]


@pytest.mark.parametrize(("name", "text", "says"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_it_is_refused_in_one_clear_line(folder: Path, name: str, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert says in message
    assert "x1.yaml" in message
    assert caught.value.exit_status == 2
    assert len(message) < 1000
    assert message.isprintable()


def cut_id(trial: Trial) -> Any:
    return trial.cut.cut_id


def analysis(key: str) -> Callable[[Trial], Any]:
    return lambda trial: getattr(trial.analysis, key)


def snapshot(trial: Trial) -> Any:
    return trial.path(trial.cut.snapshot).name


LITERAL: list[tuple[str, str | bytes, Callable[[Trial], Any], Any]] = [
    ("id with leading zeros", with_id("0012"), cut_id, "0012"),
    ("id octal", with_id("0o17"), cut_id, "0o17"),
    ("id hexadecimal", with_id("0x1F"), cut_id, "0x1F"),
    ("id exponent", with_id("1e5"), cut_id, "1e5"),
    ("id with underscore", with_id("2024_06"), cut_id, "2024_06"),
    ("id yes", with_id("yes"), cut_id, "yes"),
    ("id no", with_id("no"), cut_id, "no"),
    ("id on", with_id("on"), cut_id, "on"),
    ("id True", with_id("True"), cut_id, "True"),
    ("id quoted null", with_id('"null"'), cut_id, "null"),
    ("id a date", with_id("2025-06-30"), cut_id, "2025-06-30"),
    ("id a number with a point", with_id("1.10"), cut_id, "1.10"),
    ("id nan", with_id("nan"), cut_id, "nan"),
    ("id begins like a reserved name", with_id("control"), cut_id, "control"),
    ("id holds a reserved name", with_id("x.con"), cut_id, "x.con"),
    ("id named like a folder", with_id("data"), cut_id, "data"),
    ("id dots within", with_id("a..b"), cut_id, "a..b"),
    ("id as long as allowed", with_id("x" * 64), cut_id, "x" * 64),
    ("date without quotes", with_date("2025-06-30"), lambda trial: trial.cut.cut_date, "2025-06-30"),
    ("leap day", with_date("2024-02-29"), lambda trial: trial.cut.cut_date, "2024-02-29"),
    ("byte order mark", b"\xef\xbb\xbf" + CUT.encode(), cut_id, "x1"),
    ("lines of Windows", CUT.replace("\n", "\r\n"), cut_id, "x1"),
    ("folder with syntax", with_snapshot(f'"{ODD}"'), snapshot, ODD),
    ("folder with dots", with_snapshot("..dots"), snapshot, "..dots"),
    ("folder by a way round", with_snapshot("snap/../snap/./"), snapshot, "snap"),
    ("flag by yes", overriding("os_add_one: yes"), analysis("os_add_one"), True),
    ("flag by no", overriding("teae_worsening: no"), analysis("teae_worsening"), False),
    ("day with a leading zero", overriding("bor_until: 031"), analysis("bor_until"), 31),
    ("number in quotes", overriding("bor_until: '28'"), analysis("bor_until"), 28),
    ("exponent for a fraction", overriding("dlt_target: 3e-1"), analysis("dlt_target"), 0.3),
    ("no limit", overriding("safety_end_rel_day: null"), analysis("safety_end_rel_day"), None),
    ("words with syntax", overriding("gvhdtx: ['{{7*7}}', '${HOME}', '%s', '<b>', \"'; x\"]"), analysis("gvhdtx"),
     ["{{7*7}}", "${HOME}", "%s", "<b>", "'; x"]),
    ("words that look like other things", overriding("local_routes: [no, 012, 2025-01-01, 1e3, '~']"),
     analysis("local_routes"), ["no", "012", "2025-01-01", "1e3", "~"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "what", "value"), LITERAL, ids=[name for name, *_ in LITERAL])
def test_it_is_taken_literally(
    folder: Path, name: str, text: str | bytes, what: Callable[[Trial], Any], value: Any
) -> None:
    found = what(load(folder, text))
    assert found == value
    assert type(found) is type(value)


def test_values_of_any_kind_arrive_in_a_notebook_as_they_are() -> None:
    """papermill writes parameters as code: what is written must be the value, and nothing but the value."""
    from papermill.translators import PythonTranslator

    for value in [
        "\"", "'", "\\", "\\\"", "a\nb", "\r", "\x00", "\u2028", "甲", "\u202e", "{{7*7}}", "%%bash", "!ls", "${HOME}",
        "__import__('os').system('id')", {"gvhdtx": ["a'b", "\"\"\""], "d28_window": ["1", "2"]}, None, True, {}, [],
    ]:  # fmt: skip
        code = PythonTranslator.codify({"value": value})
        found: dict[str, Any] = {}
        exec(code, {}, found)  # noqa: S102 - as the kernel does
        assert found == {"value": value}


@pytest.mark.parametrize(
    "name", ["/dev/zero", "/dev/stdin", "pipe.yaml", "nowhere.yaml", "a/b", "../x.yaml", "x\0.yaml", "y" * 5000]
)
def test_a_cut_that_is_no_file_is_refused(folder: Path, name: str) -> None:
    if name == "pipe.yaml" and not (folder / name).exists():
        os.mkfifo(folder / name)
    path = name if name.startswith("/") or len(name) > 100 else str(folder / name)
    with pytest.raises(UsageError, match="there is no"):
        find_cut_file(path, folder)


@pytest.mark.parametrize("name", ["", ".", "..", "{cut}", "x1\n", "-rf", "*", "~", "$HOME", "２０２５"])
def test_an_unknown_id_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no cut"):
        find_cut_file(name, folder)


def test_a_protocol_file_is_held_to_the_same(folder: Path) -> None:
    for text, says in [
        (b"\xff", "not UTF-8"),
        (b"a: &x 1\n", "not allowed"),
        (b"study: 1\n", "study"),
        (b"", "not a mapping"),
    ]:
        path = folder / "protocol.yaml"
        path.write_bytes(text)
        with pytest.raises(UsageError, match=says):
            load_protocol(path)


CLI: list[tuple[list[str], int, str]] = [
    (["build", "--", "-rf"], 2, "there is no cut"),
    (["build", "-rf"], 2, "No such option"),
    (["build", "../x"], 2, "no such cut file"),
    (["build", "/dev/zero"], 2, "no such cut file"),
    (["build", "x1", "--jobs", "0"], 2, "--jobs"),
    (["build", "x1", "--jobs", "nan"], 2, "--jobs"),
    (["build", "x1", "--charts", "{}"], 2, "--charts"),
    (["build", "x1", "--time-limit", "0"], 2, "TRIALBOOK_TIME_LIMIT"),
    (["build", "x1", "--time-limit", "soon"], 2, "--time-limit"),
    (["build", "x1", "--memory-limit", "-1"], 2, "TRIALBOOK_MEMORY_LIMIT"),
    (["verify", "x1", "--out", "nowhere"], 2, "has not been built"),
    (["diff", "../a", "b{c}"], 2, "has not been built"),
    (["new-cut", "../x", "--snapshot", "snap", "--date", "2025-01-01"], 2, ID_RULE),
    (["new-cut", "x9", "--snapshot", "snap", "--date", "soon"], 2, "YYYY-MM-DD"),
    (["new-cut", "x9", "--snapshot", "/dev/zero", "--date", "2025-01-01"], 2, "zero"),
    (["check", "x2"], 2, "there is no cut"),
]


@pytest.mark.parametrize(("words", "status", "says"), CLI, ids=[" ".join(words) for words, _, _ in CLI])
def test_the_command_line_refuses_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, says: str
) -> None:
    (folder / "params" / "cuts" / "x1.yaml").write_text(CUT)
    monkeypatch.chdir(folder)
    for name in ("TRIALBOOK_ROOT", "TRIALBOOK_TIME_LIMIT", "TRIALBOOK_MEMORY_LIMIT"):
        monkeypatch.setenv(name, str(folder) if name == "TRIALBOOK_ROOT" else "")
    done = CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(app, words)
    if isinstance(done.exception, TrialbookError):
        assert done.exception.exit_status == status
        assert says in str(done.exception)
    else:
        assert done.exit_code == status, done.output
        assert says in done.output


def test_errors_show_hostile_text_harmlessly_and_shortened() -> None:
    error = UsageError("no", file="a\nb\x1b[31m", column="c\u202e", value="x" * 10_000)
    assert str(error).isprintable()
    assert len(str(error)) < 600
    assert "\\x1b[31m" in str(error)
