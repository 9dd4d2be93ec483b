"""The dictionary of drugs as data (`params/drugs.yaml`): class and names of each drug, and the words of a text."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, SerializationInfo, model_validator
from pydantic_core import CoreSchema, core_schema

# ----------------------------------------------------------------------------------------------------
# Splits the text of a drug into words that can be compared, whatever its spelling, width, case and language.


# A number, one Chinese character, a word of any other script, or a sign that may part two drugs. Letters and digits are
# parted too, so that FK506, FK-506 and "FK 506" are the same, and a dose may follow without a blank. A comma always
# parts: "FK-506,5mg" is a name and a dose, and of "10,5 mg" nothing is read but that it is a number.
_WORD = re.compile(r"\d+(?:\.\d+)*|[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+|[+/,;、。&|(){}\[\]<>:\n]")
# Accents, and characters that show nothing.
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_TRADE_MARKS = str.maketrans("", "", "®™©℠")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
SIGNS = frozenset("+/,;、。&|(){}[]<>:\n")

Words = tuple[str, ...]


@lru_cache(maxsize=2**14)
def words_of(text: str) -> Words:
    """The words of a text in order: folded to one case and width, without accents and marks of trade.

    >>> words_of("ＦＫ-506，5mg"), words_of("甲泼尼龙40mg + Jakafi™")
    (('fk', '506', ',', '5', 'mg'), ('甲', '泼', '尼', '龙', '40', 'mg', '+', 'jakafi'))
    """
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_TRADE_MARKS)))
    return tuple(_WORD.findall(text.casefold()))


def is_chinese(word: str) -> bool:
    """Whether a word is (or begins with) a Chinese character.

    >>> is_chinese("激素"), is_chinese("ATG")
    (True, False)
    """
    return bool(_CHINESE.match(word))


def is_number(word: str) -> bool:
    """Whether a word is a number.

    >>> is_number("40"), is_number("mg")
    (True, False)
    """
    return word[:1].isdigit()


# ----------------------------------------------------------------------------------------------------

DrugClass = Literal["therapy", "steroid", "background", "nonsystemic", "supportive"]
THERAPY: DrugClass = "therapy"
STEROID: DrugClass = "steroid"
BACKGROUND: DrugClass = "background"
NONSYSTEMIC: DrugClass = "nonsystemic"
SUPPORTIVE: DrugClass = "supportive"
# Milligrams of methylprednisolone to which the dose of each steroid in the dictionary is equal (rulebook 1.4).
EQUAL_TO = 4.0


@dataclass(frozen=True)
class Drug:
    """One drug of the dictionary.

    `mg`: of a steroid, the dose equal to 4 mg of methylprednisolone; `other_use`: of a therapy of GVHD, that it is
    often given for something else; `purpose`: of a supportive drug; `confirmed`: by the site.
    """

    name: str
    kind: DrugClass
    names: tuple[str, ...] = ()
    purpose: str = ""
    mg: float | None = None
    other_use: bool = False
    confirmed: bool = False

    @property
    def all_names(self) -> tuple[str, ...]:
        """The name and the other names."""
        return (self.name, *self.names)


class DrugDictionary:
    """Drugs, and the words that may be around a name; equal to another one with the same content.

    `around`: words without meaning for which drug it is; `local`: words of a local route.
    """

    def __init__(self, drugs: Sequence[Drug] = (), around: Sequence[str] = (), local: Sequence[str] = ()) -> None:
        self.drugs, self.around, self.local = tuple(drugs), tuple(around), tuple(local)

    @cached_property
    def digest(self) -> str:
        """The sha256 of the content: by it two dictionaries are compared, and a build notes which it used."""
        content = [[asdict(drug) for drug in self.drugs], self.around, self.local]
        return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()

    def with_names(self, therapy: Sequence[str], nonsystemic: Sequence[str]) -> DrugDictionary:
        """The dictionary with further names of these two classes; a name that is here already changes its class.

        >>> DrugDictionary().with_names(["ruxolitinib"], []).drugs[0].kind
        'therapy'
        """
        if not therapy and not nonsystemic:
            return self
        added = [
            *(Drug(name, THERAPY) for name in therapy if words_of(name)),
            *(Drug(name, NONSYSTEMIC) for name in nonsystemic if words_of(name)),
        ]
        return DrugDictionary((*self.drugs, *added), self.around, self.local)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DrugDictionary) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"DrugDictionary({len(self.drugs)} drugs, {self.digest[:12]})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A field of this type holds a dictionary as it is; JSON holds its digest."""
        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(_as_plain_data, info_arg=True),
        )


def _as_plain_data(dictionary: DrugDictionary, info: SerializationInfo) -> Any:
    return dictionary.digest if info.mode == "json" else dictionary


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Entry(_Model):
    """One drug in the file: its other names, alone or with what else is said of it."""

    names: list[str] = []
    mg: Annotated[float, Field(gt=0)] | None = None
    other_use: bool = False
    confirmed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, content: Any) -> Any:
        return {"names": content} if isinstance(content, list) else content


class DrugFile(_Model):
    """The dictionary file: drugs by class, supportive ones by purpose, and the words around names."""

    therapy: dict[str, Entry] = {}
    steroid: dict[str, Entry] = {}
    nonsystemic: dict[str, Entry] = {}
    background: dict[str, Entry] = {}
    supportive: dict[str, dict[str, Entry]] = {}
    around: list[str] = []
    local: list[str] = []

    @model_validator(mode="after")
    def _each_name_once(self) -> DrugFile:
        known: dict[Words, Drug] = {}
        for drug in self._drugs():
            if drug.mg is not None and drug.kind != STEROID:
                raise ValueError(
                    f"{drug.name} is not a steroid: mg is the dose equal to {EQUAL_TO:g} mg methylprednisolone"
                )
            if drug.other_use and drug.kind != THERAPY:
                raise ValueError(f"{drug.name} is not a therapy of GVHD, so other_use has no meaning")
            for name in drug.all_names:
                words = words_of(name)
                _check_name(name, words, drug)
                other = known.setdefault(words, drug)
                if other is not drug:
                    raise ValueError(f"the name {name} is given twice: for {other.name} and for {drug.name}")
        return self

    def dictionary(self) -> DrugDictionary:
        """The drugs of the file, ready to read with."""
        return DrugDictionary(list(self._drugs()), self.around, self.local)

    def _drugs(self) -> Iterator[Drug]:
        for kind in (THERAPY, STEROID, NONSYSTEMIC, BACKGROUND):
            for name, entry in getattr(self, kind).items():
                yield _drug(name, kind, entry)
        for purpose, entries in self.supportive.items():
            for name, entry in entries.items():
                yield _drug(name, SUPPORTIVE, entry, purpose)


def _drug(name: str, kind: DrugClass, entry: Entry, purpose: str = "") -> Drug:
    return Drug(name, kind, tuple(entry.names), purpose, entry.mg, entry.other_use, entry.confirmed)


def _check_name(name: str, words: Words, drug: Drug) -> None:
    letters = [word for word in words if word not in SIGNS and not is_number(word)]
    size = sum(len(word) for word in words if word not in SIGNS)
    if not letters or (size < 3 and sum(map(len, letters)) < 2):
        raise ValueError(f"the name {name!r} of {drug.name} is too short: it would be found in other names")
    if len(letters) > 20 or (size > 100 and not any(map(is_chinese, letters))):
        raise ValueError(f"the name {name!r} of {drug.name} is too long for a name")
