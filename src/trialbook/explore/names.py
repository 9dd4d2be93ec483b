"""Errors of a person who asks for what is not there: they list what is, the nearest name first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trialbook.core.errors import UsageError
from trialbook.core.nearest import listed

if TYPE_CHECKING:
    import pandas as pd

Value = TypeVar("Value")
# What a frame of a cut carries along (`attrs`), kept by pandas through queries and copies: study, cut date and whether
# the data are synthetic, as a plain list, since pandas writes it into parquet files; and what makes it another than the
# published set.
SOURCE, UNPUBLISHED = "trialbook origin", "trialbook unpublished"


class NoSuchNameError(UsageError, KeyError, AttributeError):
    """A name that does not exist; however it was asked for (`a.name`, `a["name"]`), Python understands the error."""

    def __str__(self) -> str:
        return self.describe()


def no_such(what: str, name: object, known: Iterable[str], next_step: str | None = None) -> NoSuchNameError:
    """The error for a name that is not among the `known`, which it lists, the nearest first.

    >>> str(no_such("dataset", "adex", ["adae", "adsl", "adtte"]))
    'there is no dataset adex; there are adae, adsl, adtte.'
    >>> str(no_such("dataset", "adttee", ["adae", "adsl", "adtte"]))
    'there is no dataset adttee; there are adtte, adae, adsl.'
    """
    names = list(dict.fromkeys(map(str, known)))
    there = f"there {'is' if len(names) == 1 else 'are'} {listed(str(name), names)}" if names else ""
    return NoSuchNameError(f"there is no {what} {name}; {there or 'there are none'}", next_step=next_step)


class Named(Mapping[str, Value], Generic[Value]):
    """Things by name, each made when it is asked for; the names are completed by Tab and listed by `repr`.

    `named["ADSL"]` and `named.ADSL` are the same.

    `what`: what one of them is called, in the singular; `alike`: how a name that is asked for is spelt here; `kept`:
    whether one is made once; else each access gives another, so that what a cell writes into it is nowhere else.

    >>> lengths = Named("dataset", ["adae", "adsl"], len, str.lower)
    >>> lengths
    2 datasets: adae, adsl
    >>> lengths["ADSL"], lengths.adae, "adex" in lengths
    (4, 4, False)
    """

    def __init__(
        self, what: str, names: Iterable[str], make: Callable[[str], Value], alike: Callable[[str], str] = str,
        *, kept: bool = True,
    ) -> None:  # fmt: skip
        self._what, self._names, self._make, self._alike, self._kept = what, list(names), make, alike, kept
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        known = self._alike(name) if isinstance(name, str) else name
        if known not in self._names:
            raise no_such(self._what, name, self._names, self._next_step(name))
        if known in self._made:
            return self._made[known]
        made = self._make(known)
        if self._kept:
            self._made[known] = made
        return made

    def _next_step(self, name: object) -> str | None:
        """What to do where there is no such name; None where the list of names says it."""
        return None

    def __getattr__(self, name: str) -> Value:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> list[str]:
        return sorted([*public_names(self), *(name for name in self if name.isidentifier())])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._alike(name) in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._names)

    def __repr__(self) -> str:
        ending = "" if len(self) == 1 else "s"
        return f"{len(self)} {self._what}{ending}: {', '.join(self)}" if len(self) else f"no {self._what}s"


class Shown(Named[Value]):
    """What the pages show by id, each with its title; shown itself, it is the list of ids and titles.

    >>> shown = Shown("table", {"T-1": "Subjects", "T-2": "Deaths"}, str.lower)
    >>> shown
    2 tables
      T-1  Subjects
      T-2  Deaths
    >>> shown["t-2"], shown.titles["T-1"]
    ('t-2', 'Subjects')
    """

    def __init__(self, what: str, titles: Mapping[str, str], make: Callable[[str], Value]) -> None:
        by_letters = {name.lower(): name for name in titles}
        super().__init__(what, titles, make, lambda name: by_letters.get(name.lower(), name))
        self.titles = dict(titles)

    def _next_step(self, name: object) -> str | None:
        other = "table" if self._what == "figure" else "figure"
        if isinstance(name, str) and name[:1].upper() in ("F" if other == "figure" else "TL"):
            return f'ask for a {other}, cut.{other}s["{name}"], or look at cut.{self._what}s for all titles'
        return f"look at cut.{self._what}s for all titles"

    def __repr__(self) -> str:
        wide = max(map(len, self), default=0)
        return "\n".join([
            f"{len(self)} {self._what}{'' if len(self) == 1 else 's'}",
            *(f"  {name:{wide}}  {title}" for name, title in self.titles.items()),
        ])  # fmt: skip

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        rows = "".join(
            f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(title)}</td></tr>"
            for name, title in self.titles.items()
        )
        return f"<table><caption>{escape(repr(self).splitlines()[0])}</caption>{rows}</table>"


# How questions to a cut are called elsewhere, by their names here.
CALLED = {
    "advice": ("decision", "recommend"), "compare": ("diff", "change"), "design_oc": ("simul", "operating", "design"),
    "figures": ("plot", "chart"), "outputs": ("save", "export"), "rate": ("orr", "response"),
    "subject": ("profile", "patient"), "survival": ("km", "kaplan", "os"), "tables": ("listing",),
}  # fmt: skip


def question_like(name: str, known: Iterable[str]) -> str:
    """What to do next where a cut has no such name: the questions that have one like it, or mean the same.

    >>> question_like("simulate", ["design_oc", "tables"]), question_like("x", ["tables"])
    ('cut has design_oc; dir(cut) lists all', 'dir(cut) lists all that it has')
    """
    every, asked = list(known), name.lower()
    near = [one for one in every if asked in one or one in asked]
    near += [one for one in every if one not in near and any(asked.startswith(word) for word in CALLED.get(one, ()))]
    near.sort(key=lambda one: every.index(one))
    return f"cut has {', '.join(near)}; dir(cut) lists all" if near else "dir(cut) lists all that it has"


def public_names(thing: Any) -> list[str]:
    """What Tab completes of an object: attributes and methods of its class, but nothing that begins with `_`."""
    return sorted(name for name in dir(type(thing)) if not name.startswith("_"))


def marked(frame: pd.DataFrame, origin: list[Any], unpublished: str = "") -> pd.DataFrame:
    """The frame, which from now on says where it comes from: its tables and figures, and their files, do so too."""
    frame.attrs |= {SOURCE: origin, **({UNPUBLISHED: unpublished} if unpublished else {})}
    return frame
