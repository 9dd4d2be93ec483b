"""A DataFrame with a title of its own, for frames that are shown outside of a build."""

from __future__ import annotations

import pandas as pd

from trialbook.core.messages import as_text, msg


class Titled(pd.DataFrame):  # type: ignore[misc]  # pandas has no types of its own
    """A frame that shows its title above it; what pandas makes of it (`head`, `query`) is a plain frame."""

    _metadata = ["title"]  # noqa: RUF012 - as pandas asks for it
    title: str

    def __repr__(self) -> str:
        return f"{self.title}\n{pd.DataFrame(self)!r}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><strong>{escape(self.title)}</strong></p>{pd.DataFrame(self).to_html(na_rep='', notebook=True)}"

    def to_frame(self) -> pd.DataFrame:
        """The same as a plain frame."""
        return pd.DataFrame(self)


def with_title(frame: pd.DataFrame, title: str) -> Titled:
    """The frame under a title."""
    found = Titled(frame)
    found.title = title
    found.attrs = dict(frame.attrs)
    return found


def unpublished_title(title: str, what: str) -> str:
    """A title that says what makes this another than the published set; `what` blank: the title as it is.

    >>> unpublished_title("Deaths", "5 of 12 subjects")
    'Deaths (not the published set; 5 of 12 subjects)'
    """
    return msg("{title} (not the published set; {what})", title=as_text(title), what=as_text(what)) if what else title
