"""A plain DataFrame as a house table, for frames that a cell shows as they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd

from trialbook.display.blocks import Block
from trialbook.display.table_body import Grid, as_text, box, cells_of, number_columns
from trialbook.display.tables import MOST_ROWS
from trialbook.display.text import safe, visible

# ----------------------------------------------------------------------------------------------------
# Tables that other libraries made, in the house markup: no style of their own, no script, no id, no address.
#
# great_tables and the styles of pandas number their tables at random; what is left here is the same on every run.


# With their content: nothing in them is text of the table.
LEFT_OUT = {"style", "script", "svg", "head", "template", "noscript", "iframe", "object", "math"}
KEPT = {"div", "p", "span", "strong", "table", "thead", "tbody", "tfoot", "tr", "th", "td"}
RENAMED = {"b": "strong", "caption": ""}
CELLS = {"th", "td"}
PARTS = {"thead", "tbody", "tfoot"}
# What an analyst marks cells with; nothing among it could fetch anything.
PROPERTIES = ("color", "background-color", "font-weight", "font-style", "text-align", "text-decoration")
_VALUE = r"(?:#[0-9a-fA-F]{3,8}|[a-z-]{1,20}|\d{3}|rgba?\([\d., %]{5,40}\))"
STYLE = re.compile(rf"(?:(?:{'|'.join(PROPERTIES)}):{_VALUE};)+")


class _Reader(HTMLParser):
    """Collects the first table of a piece of HTML: as HTML of ours, and its rows as text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.html: list[str] = []
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
            self.html.append("<br>")
            self._say("\n")
        tag = RENAMED.get(tag, tag)
        if tag not in KEPT or (tag == "table" and self._inside):
            return
        if tag in PARTS:
            self._part = tag
        if tag == "tr":
            self.rows.append([])
        if tag in CELLS:
            self.rows = self.rows or [[]]
            self.rows[-1].append("")
        self._open.append(tag)
        self.html.append(f"<{tag}{self._attributes(tag, {name: value or '' for name, value in attrs})}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in LEFT_OUT:
            self._skipped = max(self._skipped - 1, 0)
            return
        tag = RENAMED.get(tag, tag)
        if self._skipped or tag not in self._open:
            return
        while True:
            closed = self._open.pop()
            self.html.append(f"</{closed}>")
            if closed == tag:
                break
        self._done = self._done or tag == "table"

    def handle_data(self, data: str) -> None:
        if self._inside and not self._skipped and not self._done and (data.strip() or CELLS & set(self._open)):
            text = re.sub(r"\s+", " ", data)
            self.html.append(safe(text) if CELLS & set(self._open) else "")
            self._say(text)

    def finish(self) -> None:
        """Closes what was left open."""
        self.close()
        self.html += [f"</{tag}>" for tag in reversed(self._open)]

    def _say(self, text: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += text

    def _attributes(self, tag: str, given: dict[str, str]) -> str:
        if tag == "table":
            return ' class="gt_table" aria-label="Table"'
        found = []
        own = [name for name in given.get("class", "").split() if re.fullmatch(r"gt_[a-z_]{1,40}", name)]
        if tag in CELLS and not own:
            own = ["gt_col_heading"] if self._part == "thead" else ["gt_row"]
        if own:
            found.append(f' class="{" ".join(own)}"')
        if given.get("scope") in ("row", "col", "rowgroup", "colgroup"):
            found.append(f' scope="{given["scope"]}"')
        found += [
            f' {name}="{given[name]}"'
            for name in ("colspan", "rowspan")
            if re.fullmatch(r"\d{1,3}", given.get(name, "")) and given[name] != "1"
        ]
        style = "".join(_declarations(given.get("style", ""))) if tag in CELLS else ""
        return "".join([*found, f' style="{style}"' if style else ""])


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
    if not reader.html:
        raise ValueError("there is no table in this HTML")
    lines = ["  ".join(" ".join(cell.split()) for cell in row).strip() for row in reader.rows]
    text = visible("\n".join(line for line in lines if line))
    made = "".join(reader.html)
    return Block(f'<div class="tb tb-table"><div class="tb-box" tabindex="0">{made}</div></div>', text)


# ----------------------------------------------------------------------------------------------------

UNNAMED = "row"


def frame_block(frame: pd.DataFrame) -> Block:
    """The first rows of a frame, as many as pandas shows (`display.max_rows`), with its index where that says anything.

    Missing values are blank and numbers stand right, as in every house table. Columns keep their names; those with
    several levels are joined by a slash.
    """
    most = min(pd.get_option("display.max_rows") or MOST_ROWS, MOST_ROWS)
    plain = _with_index(frame.head(most))
    if not len(plain.columns) or not len(frame):
        names = ", ".join(str(name) for name in plain.columns)
        text = f"No records; columns: {names}." if names else "An empty frame."
        return Block(f'<p class="tb tb-sentence">{safe(text)}</p>', visible(text))
    # By position: a frame may hold two columns of one name.
    heads = {str(k): visible(str(name)) for k, name in enumerate(plain.columns)}
    plain.columns = pd.Index(list(heads))
    grid = Grid(cells_of(plain), heads, number_columns(plain), whole=len(frame))
    count = f"The first {grid.rows} of {len(frame)} rows." if len(frame) > grid.rows else ""
    said = f'<p class="tb-count">{count}</p>' if count else ""
    text = "\n".join(line for line in (count, as_text(grid)) if line)
    return Block(f'<div class="tb tb-table">{said}{box(grid, "Table")}</div>', visible(text))


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
