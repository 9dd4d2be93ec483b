"""Tables for reading: listings and tables of frames, and views of the results."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from trialbook.core.messages import Message, Plain, as_text, following, joined, msg, plural
from trialbook.display.blocks import Block
from trialbook.display.cell_words import OUR_WORDS
from trialbook.display.payload import Payload, column, columns_of, data_text, declared_id, text_of
from trialbook.display.saving import Origin, Savable, frame_of, said
from trialbook.display.table_details import Detail, Opened, Subjects
from trialbook.display.text import visible
from trialbook.results.ard import NOT_EVALUABLE, NOT_EVALUABLE_WORDS
from trialbook.safety.ctcae import test_name

# A page must stay readable and small: a table shows so many rows, says so, and the files of the build hold them all.
MOST_ROWS = 500
# What names a number of the results, in the order of `payload.number_key`.
NUMBER = ["analysis_id", "group1_level", "variable", "variable_level", "context"]


class Table(Block, Savable):
    """A table or listing: a notebook shows it, `to_frame()` gives its rows and `save(path)` writes a file of it.

    >>> t = table(pd.DataFrame({"SUBJID": ["004"], "AGE": [51]}), "L-90 My listing")
    >>> t
    <Table L-90 'L-90 My listing': 1 row, 2 columns>
    >>> t.to_frame()["AGE"].tolist()
    [51]
    """

    def __init__(self, payload: Payload, id: str = "", origin: Origin | None = None) -> None:
        super().__init__(payload)
        self.id: str = id or payload.get("id", "")
        self.origin = origin or Origin()
        # Makes the columns with every row, where fewer are shown.
        self.every_row: Callable[[], list[Payload]] | None = None

    @cached_property
    def whole(self) -> Payload:
        """The payload with every row, also those beyond what a page shows; what is not known of is not there."""
        return self.payload if self.every_row is None else {**self.payload, "columns": self.every_row()}

    @property
    def title(self) -> str:
        """The title above the table."""
        return said(self.payload.get("title", ""))

    def to_frame(self) -> pd.DataFrame:
        """Every row, under the names of the variables; `attrs["labels"]` has the heads for readers."""
        return frame_of(self.whole)

    def __repr__(self) -> str:
        rows, columns = self.to_frame().shape
        size = f"{rows} row{'' if rows == 1 else 's'}, {columns} column{'' if columns == 1 else 's'}"
        return f"<Table {self.id} {self.title!r}: {size}>" if self.id else f"<Table {self.title!r}: {size}>"


def table(
    frame: pd.DataFrame,
    title: str,
    *,
    subtitle: str = "",
    labels: Mapping[str, str] | None = None,
    group: str | None = None,
    notes: Sequence[str] = (),
    empty: str = "No records.",
    digits: Mapping[str, int] | None = None,
    right: Sequence[str] = (),
    stub: str | None = None,
    details: Mapping[tuple[int, str], Detail] | None = None,
    subject: str = "",
    linked: Collection[str] = (),
    data: Sequence[str] = (),
    numbers: Mapping[tuple[int, str], Sequence[str]] | None = None,
) -> Table:
    """A listing or table: one row per row of `frame`, in its order.

    `labels` names columns for readers; `group` is a column whose values become row-group headings; `notes` are
    footnotes; `digits` fixes the decimals of a number column; `right` names text columns that are right-aligned like
    numbers; `stub` is the column whose values head their rows. Missing values are blank, numbers right-aligned, hidden
    characters are written out; an empty frame is shown as the sentence `empty`, never as a bare header. Of more than
    `MOST_ROWS` rows the first are shown, and the table says so.

    `details` (by position of the row and column) are the records that a cell opens to; `subject` is the column of
    subject ids, of which those in `linked` lead to their profile page: see `trialbook.display.table_details`. `data`
    names columns of text of the data, which no language translates, beside those that are known by their name.
    `numbers` names, by position and column, the numbers of the results that cells show (see `NUMBER`): a page opens
    them to their records.
    """
    given, whole, frame = frame, len(frame), frame.head(MOST_ROWS).reset_index(drop=True)
    names = [str(name) for name in frame.columns]
    unknown = sorted({column for _, column in details or {}} - set(names))
    if unknown:
        raise ValueError(f"details for a column that the table does not have: {unknown[0]!r}")
    subjects = Subjects(subject, linked)
    columns = columns_of(
        frame, labels or {}, digits=digits, right=right, data=[*data, subject],
        links=subjects.links(frame),
    )  # fmt: skip
    places = {column["name"]: k for k, column in enumerate(columns)}
    says = [[row, places[visible(name)], None, list(key)] for (row, name), key in (numbers or {}).items()]
    # An empty listing may have no columns at all: then the words for it are shown.
    for wanted in (group, stub) if names else ():
        if wanted and (wanted not in names or (wanted == stub and stub == group)):
            raise ValueError(f"the table does not have the column {wanted!r}")
    made = _block(
        columns, title, subtitle=subtitle, notes=notes, empty=empty, group=group, stub=stub, whole=whole,
        details=details or {}, subjects=subjects, says=says,
    )  # fmt: skip
    if whole > MOST_ROWS:
        made.every_row = partial(columns_of, given, labels or {}, digits=digits, right=right, data=[*data, subject])
    return made


def ard_table(
    ard: pd.DataFrame,
    title: str,
    *,
    columns: Sequence[str],
    headers: Mapping[str, str],
    stats: str = "{n} ({p}) [{events}]",
    row_labels: Mapping[str, str] | None = None,
    row: str = "variable",
    group: str | None = None,
    stub: str = "",
    subtitle: str = "",
    notes: Sequence[str] = (),
    empty: str = "No records.",
    pct_min_n: int = 10,
    details: Mapping[tuple[str, ...], Detail] | None = None,
    subject: str = "",
    linked: Collection[str] = (),
) -> Table:
    """A table that is a view of ARD rows: a row per `row` value (ARD column `variable`, `variable_level` or `context`),
    a column per group level.

    `columns` are the group1 levels in order (dose level ids, then Total); `headers` their texts ("DL1 (N=3)").
    `stats` is the cell pattern over stat names, filled with each row's `stat_text`; a part in brackets falls away
    where its statistic is absent, and the share where N is below `pct_min_n`. A part in `<>` does so too, and is shown
    without these marks. A cell without any estimable number reads "-"; one that is not evaluable (`NE`) says so, with
    n.low and n.high of N where the rows have them; a cell without ARD rows is blank. `group` is an ARD column whose
    values head row groups (the SOC over its preferred terms); `row_labels` gives a row value its text ("" = any term);
    `stub` heads the row labels.

    `details` (by group value if there is a `group`, row value and level, as in the ARD) are the records
    that a cell opens to, `subject` and `linked` lead from them to profile pages: see `trialbook.display.table_details`.

    Raises ValueError when one cell would hold two different numbers: the ARD then needs a narrower selection.
    """
    keys = [*([group] if group else []), row]
    wanted = ard[ard["group1_level"].isin(list(columns))]
    twice = wanted[wanted.duplicated([*keys, "group1_level", "stat_name"])]
    if len(twice):
        first = twice.iloc[0]
        raise ValueError(f"two numbers for one cell: {first[row]!r}, {first['group1_level']}, {first['stat_name']}")
    cells: dict[tuple[str, ...], dict[str, dict[str, tuple[float, str]]]] = {}
    for record in wanted.to_dict("records"):
        levels = cells.setdefault(tuple(_kept(record[key]) for key in keys), {})
        levels.setdefault(record["group1_level"], {})[record["stat_name"]] = (record["stat"], record["stat_text"])
    names = [*(["group"] if group else []), "row", *columns]
    rows = [
        (*(_group_words(group, name) for name in key[:-1]), (row_labels or {}).get(key[-1], key[-1]),
         *(_ard_cell(levels.get(level, {}), stats, pct_min_n) for level in columns))
        for key, levels in cells.items()
    ]  # fmt: skip
    heads = {"group": "", "row": stub, **{level: headers.get(level, level) for level in columns}}
    made = [
        column(name, text_of(heads[name]), "text", [visible(r[k]) for r in rows], right=name in columns)
        for k, name in enumerate(names)
    ]
    # What no label names within a group is a term of the data: so are then the groups of terms.
    terms = [place for place, key in enumerate(cells) if group and key[-1] not in (row_labels or {})]
    at = names.index("row")
    for place in terms:
        made[at]["cells"][place] = _term(rows[place][at])
    if terms:
        made[0]["cells"] = [_term(r[0]) for r in rows]
    positions = {key: position for position, key in enumerate(cells)}
    wanted_details = {
        (positions[key[:-1]], key[-1]): detail
        for key, detail in (details or {}).items()
        if key[:-1] in positions and key[-1] in columns
    }
    return _block(
        made, title, subtitle=subtitle, notes=notes, empty=empty, group="group" if group else None, stub="row",
        whole=len(rows), details=wanted_details, subjects=Subjects(subject, linked),
        says=_numbers_shown(wanted, keys, cells, rows, columns, terms=terms),
    )  # fmt: skip


def _kept(value: object) -> str:
    """A value of the results as text; a message stays one."""
    return value if isinstance(value, str) else str(value)


def _group_words(group: str | None, name: str) -> str:
    """The heading of a group: the variables of laboratory results are codes of tests."""
    return test_name(name) if group == "variable" else name


def _term(text: str) -> Plain:
    """A message or one of our words, else a term of the data."""
    return text_of(text) if isinstance(text, Message) or text in OUR_WORDS else data_text(text)


def _numbers_shown(
    ard: pd.DataFrame, keys: Sequence[str], cells: Mapping[tuple[str, ...], Any], rows: Sequence[Any],
    columns: Sequence[str], *, terms: Sequence[int] = (),
) -> list[list[Any]]:  # fmt: skip
    """Of each cell: its row, column, what is counted in words (`Serious, DL2: 3 of 6 subjects`), and which number.

    `terms`: the rows that are about a term of the data; it and its group are shown as delivered in every language.
    """
    if ard.empty or not set(NUMBER) <= set(ard.columns):
        return []
    # What a table shows in other words than the results keeps its number in a column of its own.
    renamed = {f"number_{name}": name for name in NUMBER if f"number_{name}" in ard}
    known = ard.drop_duplicates([*keys, "group1_level"])
    if renamed:
        known = known.assign(**{f"shown_{name}": known[name] for name in [*keys, "group1_level"]})
        known = known.drop(columns=list(renamed.values())).rename(columns=renamed)
        keys = [f"shown_{name}" for name in keys]
    names = {tuple(map(str, found[: len(keys) + 1])): list(map(str, found[len(keys) + 1 :]))
             for found in known[[*keys, "group1_level", *NUMBER]].itertuples(index=False, name=None)}  # fmt: skip
    first = len(rows[0]) - len(columns) if rows else 0
    says: list[list[Any]] = []
    for place, (key, levels) in enumerate(cells.items()):
        shown = [text for text in rows[place][:first] if text]
        named = [as_text(text.strip()) for text in shown]
        label = joined(named, ", ")
        for at, level in enumerate(columns):
            if level in levels:
                texts = {name: text for name, (_, text) in levels[level].items()}
                said = counted_words(texts, str(rows[place][first + at]))
                title = msg("{row}, {level}: {said}", row=label, level=as_text(level), said=said)
                plain_title = text_of(title)
                if terms and isinstance(plain_title, dict):
                    own = [_term(text) for text in shown]
                    last = own[-1:] if place in terms else [text_of(text) for text in named[-1:]]
                    plain_title["a"]["row"] = following([*own[:-1], *last], ", ")
                says.append([place, first + at, plain_title, names[*key, level]])
    return says


def counted_words(texts: Mapping[str, str], otherwise: str) -> str:
    """What a cell counts: `3 of 6 subjects, 4 events`; `otherwise` where it counts no subjects of a set.

    >>> counted_words({"n": "3", "N": "6", "events": "4"}, ""), counted_words({"estimate": "0.5"}, "0.5 (0.1 to 0.9)")
    ('3 of 6 subjects, 4 events', '0.5 (0.1 to 0.9)')
    """
    n, total, events = (texts.get(name, "") for name in ("n", "N", "events"))
    if not (n.isdigit() and total.isdigit()):
        return otherwise
    of = plural("{count} of {n} subject", "{count} of {n} subjects", int(total), count=n)
    if not events.isdigit():
        return of
    return joined([of, plural("{n} event", "{n} events", int(events))], ", ")


def _ard_cell(stats: Mapping[str, tuple[float, str]], pattern: str, pct_min_n: int) -> str:
    """The pattern filled with the statistics of one row at one level."""
    if not stats:
        return ""
    texts = {name: text for name, (_, text) in stats.items()}
    total = stats.get("N", (float("nan"), ""))[0]
    if total < pct_min_n:
        texts.pop("p", None)
    asked = [name for name in re.findall(r"\{([^}]+)\}", pattern) if name in texts]
    if any(texts[name] == NOT_EVALUABLE for name in asked) and total != 0:
        if "n.low" not in texts:
            return msg(NOT_EVALUABLE_WORDS)
        return msg(
            "{not_evaluable} ({low} to {high} of {total})", not_evaluable=msg(NOT_EVALUABLE_WORDS),
            low=texts["n.low"], high=texts["n.high"], total=texts["N"],
        )  # fmt: skip
    if total == 0 or all(texts[name] == "-" for name in asked):
        return "-"
    return _fill(pattern, texts)


# A part of a cell pattern that falls away when it says nothing.
BRACKETED = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>)")


def message_pattern(pattern: str) -> str:
    """A cell pattern over statistics as a message id, whose places are plain names.

    >>> message_pattern("{estimate} ({conf.low} to {conf.high})")
    '{estimate} ({conf_low} to {conf_high})'
    """
    return re.sub(r"\{([^}]+)\}", lambda found: "{" + found[1].replace(".", "_") + "}", pattern).strip()


def _fill(pattern: str, texts: Mapping[str, str]) -> str:
    """The pattern with `{name}` replaced; a bracketed part falls away when it lacks a name or says nothing."""

    def bracket(found: re.Match[str]) -> str:
        names = re.findall(r"\{([^}]+)\}", found[0])
        known = all(name in texts for name in names) and any(texts[name] != "-" for name in names)
        return found[0].removeprefix("<").removesuffix(">") if known or not names else ""

    kept = BRACKETED.sub(bracket, pattern)
    names = re.findall(r"\{([^}]+)\}", kept)
    return msg(message_pattern(kept), **{name.replace(".", "_"): texts.get(name, "-") for name in names})


def _block(
    columns: list[Payload],
    title: str,
    *,
    subtitle: str,
    notes: Sequence[str],
    empty: str,
    group: str | None,
    stub: str | None,
    whole: int,
    details: Mapping[tuple[int, str], Detail],
    subjects: Subjects,
    says: Sequence[Sequence[Any]] = (),
) -> Table:
    """The table as a block: its texts, its columns, and what its cells open to."""
    opened = Opened(subjects)
    places = {made["name"]: k for k, made in enumerate(columns)}
    buttons = []
    for (row, name), detail in details.items():
        cells = columns[places[visible(name)]]["cells"]
        if 0 <= row < len(cells) and cells[row]:
            place = opened.place(detail)
            if place is not None:
                buttons.append([row, places[visible(name)], place])
    payload: Payload = {
        "kind": "table", "id": declared_id(title), "listing": bool(subjects.column), "title": text_of(title),
        "subtitle": text_of(subtitle), "empty": text_of(empty), "notes": [text_of(note) for note in notes],
        "columns": columns, "group": group and visible(group), "stub": stub and visible(stub), "whole": whole,
    }  # fmt: skip
    if buttons:
        payload |= {"buttons": buttons, "details": opened.details, "lines": opened.lines}
    if says:
        payload["says"] = says
    if opened.left_out:
        payload["unopened"] = opened.left_out
    return Table(payload)
