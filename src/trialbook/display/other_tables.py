"""A plain DataFrame as a house table, for frames that a cell shows as they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd

from trialbook.core.messages import msg
from trialbook.display.blocks import Block, sentence
from trialbook.display.payload import columns_of, data_text
from trialbook.display.render import STYLE, TAGS
from trialbook.display.tables import MOST_ROWS
from trialbook.display.text import visible

# ----------------------------------------------------------------------------------------------------
# Tables that other libraries made, in the house markup: no style of their own, no script, no id, no address.
#
# great_tables and the styles of pandas number their tables at random; what is left here is the same on every run.


# With their content: nothing in them is text of the table.
LEFT_OUT = {"style", "script", "svg", "head", "template", "noscript", "iframe", "object", "math"}
RENAMED = {"b": "strong", "caption": ""}
CELLS = {"th", "td"}
PARTS = {"thead", "tbody", "tfoot"}


class _Reader(HTMLParser):
    """Collects the first table of a piece of HTML: as tokens (see `trialbook.display.render`), and its rows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tokens: list[Any] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self._skipped = 0
        self._part = ""
        self._done = False

    @property
    def _inside(self) -> bool:
        return "table" in self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LEFT_OUT:
            self._skipped += 1
        if self._skipped or self._done or not (self._inside or tag == "table"):
            return
        if tag == "br":
            self.tokens.append("\n")
            self._say("\n")
        tag = RENAMED.get(tag, tag)
        if tag not in TAGS or (tag == "table" and self._inside):
            return
        if tag in PARTS:
            self._part = tag
        if tag == "tr":
            self.rows.append([])
        if tag in CELLS:
            self.rows = self.rows or [[]]
            self.rows[-1].append("")
        self._open.append(tag)
        self.tokens.append([tag, self._attributes(tag, {name: value or "" for name, value in attrs})])

    def handle_endtag(self, tag: str) -> None:
        if tag in LEFT_OUT:
            self._skipped = max(self._skipped - 1, 0)
            return
        tag = RENAMED.get(tag, tag)
        if self._skipped or tag not in self._open:
            return
        while True:
            closed = self._open.pop()
            self.tokens.append([closed])
            if closed == tag:
                break
        self._done = self._done or tag == "table"

    def handle_data(self, data: str) -> None:
        if self._inside and not self._skipped and not self._done and (data.strip() or CELLS & set(self._open)):
            text = re.sub(r"\s+", " ", data)
            if CELLS & set(self._open):
                self.tokens.append(visible(text))
            self._say(text)

    def finish(self) -> None:
        """Closes what was left open."""
        self.close()
        self.tokens += [[tag] for tag in reversed(self._open)]

    def _say(self, text: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += text

    def _attributes(self, tag: str, given: dict[str, str]) -> dict[str, str]:
        if tag == "table":
            return {"class": "gt_table", "aria-label": "Table"}
        found = {}
        own = [name for name in given.get("class", "").split() if re.fullmatch(r"gt_[a-z_]{1,40}", name)]
        if tag in CELLS and not own:
            own = ["gt_col_heading"] if self._part == "thead" else ["gt_row"]
        if own:
            found["class"] = " ".join(own)
        if given.get("scope") in ("row", "col", "rowgroup", "colgroup"):
            found["scope"] = given["scope"]
        for name in ("colspan", "rowspan"):
            if re.fullmatch(r"\d{1,3}", given.get(name, "")) and given[name] != "1":
                found[name] = given[name]
        style = "".join(_declarations(given.get("style", ""))) if tag in CELLS else ""
        return {**found, "style": style} if style else found


def _declarations(style: str) -> list[str]:
    """The declarations that are kept, each as `name:value;`."""
    pairs = (part.replace("!important", "").partition(":") for part in style.split(";"))
    made = (f"{name.strip().lower()}:{value.strip()};" for name, _, value in pairs)
    return [declaration for declaration in made if STYLE.fullmatch(declaration)]


def foreign_table(html: str) -> Block:
    """The first table in HTML of another library, in the house markup, and its rows as text.

    Raises ValueError where there is no table.
    """
    reader = _Reader()
    reader.feed(html)
    reader.finish()
    if not reader.tokens:
        raise ValueError("there is no table in this HTML")
    rows = [[visible(cell) for cell in row] for row in reader.rows]
    return Block({"kind": "foreign", "tokens": reader.tokens, "rows": rows})


# ----------------------------------------------------------------------------------------------------

UNNAMED = "row"


def frame_block(frame: pd.DataFrame) -> Block:
    """The first rows of a frame, as many as pandas shows (`display.max_rows`), with its index where that says anything.

    Missing values are blank and numbers right-aligned, as in every house table. Columns keep their names; those with
    several levels are joined by a slash.
    """
    most = min(pd.get_option("display.max_rows") or MOST_ROWS, MOST_ROWS)
    plain = _with_index(frame.head(most))
    if not len(plain.columns) or not len(frame):
        names = ", ".join(str(name) for name in plain.columns)
        return sentence(msg("No records; columns: {names}.", names=names) if names else msg("An empty frame."))
    # By position: a frame may hold two columns of one name.
    heads = [data_text(str(name)) for name in plain.columns]
    plain.columns = pd.Index([str(k) for k in range(len(heads))])
    columns = columns_of(plain, {}, data=list(plain.columns))
    columns = [{**made, "head": head} for made, head in zip(columns, heads, strict=True)]
    return Block({"kind": "frame", "columns": columns, "whole": len(frame)})


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its index as first columns, but for one that only counts the rows."""
    frame = frame.copy()
    frame.columns = pd.Index([_name(name) for name in frame.columns])
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name is None:
        return frame.reset_index(drop=True)
    labels = [
        pd.Series(frame.index.get_level_values(level), name=name or UNNAMED)
        for level, name in enumerate(frame.index.names)
    ]
    return pd.concat([*labels, frame.reset_index(drop=True)], axis=1)


def _name(name: object) -> str:
    return " / ".join(str(part) for part in name if str(part)) if isinstance(name, tuple) else str(name)
