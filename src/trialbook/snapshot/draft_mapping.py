"""Drafts the mapping file of a foreign export from its headers and values, for a person to go through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from trialbook.core.domains import DOMAIN_ORDER, VARIABLES
from trialbook.core.privacy import masked
from trialbook.snapshot import header_words as words

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ]*|\w[\w/-]*", re.A)
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_DATE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}(?!\d)")
_UNIT = re.compile(r"[(（]([^()（）]+)[)）]\s*$")
_REPEAT = re.compile(r"(.+?_)(\d{1,2})$")
_NOT_ASKED = {"STUDYID", "DOMAIN", "USUBJID"}
# Codes of systems that say why there is no value; a number such as -99 may be a result elsewhere.
FLAVOURS = ("NI", "NASK", "ASKU", "UNK", "NA", "NAV", "MSK")
NUMBERS = ("-99", "-999", "-9", "999", "9999", "-88", "-77")
MOST_CODES = 8
_CODE = re.compile(r"\d{1,3}(?:\.0+)?")
_FINDINGS = ("LB", "VS", "RS", "FA", "QS")
# The column of REDCap that names the repeated form of a row; it is blank in the row of the subject.
REPEATED, BLANK = "redcap_repeat_instrument", "blank"


@dataclass(frozen=True)
class Seen:
    """One table of an export as it was looked at: its place, how it is written, and its text under its headers.

    `instrument` limits it to the rows of one repeated form (`blank`: to those of none).
    """

    file: str
    sheet: str | None
    frame: pd.DataFrame
    dialect: Mapping[str, str] = field(default_factory=dict)
    header_rows: int = 1
    instrument: str | None = None

    @property
    def name(self) -> str:
        """What its form is called."""
        return self.instrument or self.sheet or self.file.rpartition(".")[0]


def _variables(code: str) -> list[str]:
    """The variables of a domain; findings have a visit, whether the workbook uses it or not."""
    known = VARIABLES[code].split()
    return [*known, *(name for name in ("VISIT", "VISITNUM") if code in _FINDINGS and name not in known)]


def system_of(tables: Sequence[Seen], preamble: bool) -> str:
    """The system that an export comes from, by the shapes of its headers."""
    names = {name.casefold() for table in tables for name in table.frame.columns}
    if any(name.startswith("redcap_") for name in names):
        return "REDCap"
    if {"datapagename", "recordposition"} & names or ("subject" in names and any(n.endswith("_raw") for n in names)):
        return "Rave"
    if any(words.event_and_repeat(name) for name in names):
        return "OpenClinica"
    if any("\u4e00" <= sign <= "\u9fff" for name in names for sign in name):
        return "Chinese headers"
    if preamble:
        return "OpenClinica"
    return "SDTM" if "usubjid" in names else "unknown"


def draft_mapping(
    tables: Sequence[Seen], required: Mapping[str, Sequence[str]], study: str, preamble: bool, unread: Sequence[str],
    product: str = "",
) -> str:  # fmt: skip
    """The text of a mapping file: every column that was recognised in its place, all others as comments.

    `required` are the columns that each domain must have; `study` is the identifier of the trial, `product` what
    is given in it; `unread` says which files could not be looked at, and why.
    """
    system = system_of(tables, preamble)
    forms = [part for table in tables for part in _by_instrument(table)]
    by_domain: dict[str, list[Seen]] = {}
    beside: list[Seen] = []
    for form in forms:
        code = _domain_of(form)
        if code is None and _subject(form) and _placed(form, "DM"):
            beside.append(form)
        elif code is not None and _subject(form):
            by_domain.setdefault(code, []).append(form)
    if "DM" not in by_domain and beside:
        by_domain["DM"] = [beside.pop(0)]
    if not by_domain:
        by_domain["DM"] = list(forms[:1])
    used: dict[tuple[str, str | None], set[str]] = {}
    parts: list[str] = []
    width = _width([form for own in by_domain.values() for form in own])
    for code in (code for code in DOMAIN_ORDER if code in by_domain):
        parts.append(f"  {code}:")
        for form in by_domain[code]:
            joins = beside if code == "DM" and form is by_domain["DM"][0] else []
            parts += _part(form, code, joins, required.get(code, ()), study, product, width, used)
    recognised = f"recognised: {system}" if system != "unknown" else "the system was not recognised"
    lines = [
        f"# A draft of a mapping file ({recognised}). Go through every line: what is right, what is missing?",
        "# The grammar is in docs/mapping.md; params/examples holds a whole file for each system.",
        *(f"# Not looked at: {masked(text)}" for text in unread),
        *_whole(tables, {name for own in used.values() for name in own}),
        "domains:", *parts,
    ]  # fmt: skip
    absent = [code for code in ("DM", "EX", "AE") if code not in by_domain]
    lines += [
        f"  # No table looks like {code}, which is required: {', '.join(required.get(code, ()))}" for code in absent
    ]
    lines += _left(tables, used, {(form.file, form.sheet) for form in [*forms]})
    return "\n".join(lines) + "\n"


def _by_instrument(table: Seen) -> list[Seen]:
    """The forms of a table of REDCap: one per repeated instrument, and one of the rows without; of others the table."""
    at = next((n for n in table.frame.columns if n.casefold() == REPEATED), None)
    if at is None:
        return [table]
    forms = []
    for value in [None, *table.frame[at].dropna().unique()]:
        rows = table.frame[at].isna() if value is None else table.frame[at].eq(value)
        own = table.frame[rows].dropna(axis=1, how="all")
        if len(own):
            forms.append(Seen(table.file, table.sheet, own, table.dialect, table.header_rows, value or BLANK))
    return forms


def _domain_of(form: Seen) -> str | None:
    """The domain of a form: by its name, else by the columns that it has."""
    if form.instrument == BLANK:
        return "DM"
    named = words.form_of(form.name)
    if named:
        return named
    counts = {code: _hits(form, code) for code in DOMAIN_ORDER if not code.startswith("SUPP")}
    own = {
        code: sum(words.plain(name).startswith(code.casefold()) for name in form.frame.columns)
        for code in counts if code != "DM"
    }  # fmt: skip
    best = max(own, key=lambda code: (min(own[code], counts[code]), counts[code]))
    if min(own[best], counts[best]) >= 3:
        return best
    demographic = {"SEX", "BRTHDTC", "AGE"} & set(_placed(form, "DM"))
    return "DM" if len(demographic) >= 2 else None


def _width(forms: Sequence[Seen]) -> int:
    """The digits that subject numbers are filled up to: where some have leading zeros and others have lost theirs."""
    numbers = {str(value).strip() for form in forms for value in form.frame[str(_subject(form))].dropna()}
    digits = {number for number in numbers if number.isdecimal()}
    width = max((len(number) for number in digits if number.startswith("0")), default=0)
    return width if digits == numbers and any(len(number) < width for number in digits) else 0


def _hits(form: Seen, code: str) -> int:
    """How many columns name a variable of a domain, each repeat counted."""
    known = [name for name in VARIABLES[code].split() if name not in ("USUBJID", "SUBJID", "SITEID", "STUDYID")]
    stems = [found[1].rstrip("_") if (found := _REPEAT.fullmatch(name)) else name for name in form.frame.columns]
    return sum(words.variable_of(stem, code, known) is not None for stem in stems)


def _subject(form: Seen) -> str | None:
    return _first_named(form, words.SUBJECT)


def _first_named(form: Seen, known: Sequence[str]) -> str | None:
    by_plain: dict[str, str] = {}
    for name in form.frame.columns:
        by_plain.setdefault(words.plain(name), name)
    if "subject" in known and "Subject" in form.frame.columns:
        return "Subject"
    return next((by_plain[word] for word in known if word in by_plain), None)


def _placed(form: Seen, code: str) -> dict[str, str]:
    """The header for each variable of a domain: of several, a standard code before a typed text before what is read."""
    known = [name for name in _variables(code) if name not in ("USUBJID", "SUBJID", "SITEID", "STUDYID")]
    found: dict[str, list[str]] = {}
    for name in form.frame.columns:
        variable, item = words.variable_of(name, code, known), words.event_and_repeat(name)
        if variable and (not item[2] if item else not _REPEAT.fullmatch(name)):
            found.setdefault(variable, []).append(name)

    def rank(variable: str, name: str) -> int:
        text = name.casefold()
        if variable.endswith("DTC"):
            return 0 if text.endswith("_raw") else 1
        return 0 if text.endswith("_std") else 2 if text.endswith("_raw") else 1

    return {variable: min(names, key=lambda name: rank(variable, name)) for variable, names in found.items()}


def _part(
    form: Seen, code: str, joins: Sequence[Seen], required: Sequence[str], study: str, product: str, width: int,
    used: dict[tuple[str, str | None], set[str]],
) -> list[str]:  # fmt: skip
    subject, site = str(_subject(form) or form.frame.columns[0]), _first_named(form, words.SITE)
    own = used.setdefault((form.file, form.sheet), set())
    own |= {subject, *([site] if site else [])}
    lines = [f"    - file: {_quoted(form.file)}", *([f"      sheet: {_quoted(form.sheet)}"] if form.sheet else [])]
    lines += [f"      {key}: {value}" for key, value in form.dialect.items()]
    if form.header_rows > 1:
        lines.append(f"      header_rows: {form.header_rows}")
    if form.instrument:
        at = next((n for n in form.frame.columns if n.casefold() == REPEATED), REPEATED)
        wanted = form.instrument if form.instrument == BLANK else f"[{_quoted(form.instrument)}]"
        own.add(at)
        lines.append(f"      rows: {{{at}: {wanted}}}")
    placed = _placed(form, code)
    source, joined = {v: (form, n) for v, n in placed.items()}, list[str]()
    for other in joins:
        key = str(_subject(other))
        mine = {v: n for v, n in _placed(other, code).items() if v not in source and n not in form.frame.columns}
        if not mine or other.frame[key].duplicated().any():
            continue
        source |= {v: (other, n) for v, n in mine.items()}
        used.setdefault((other.file, other.sheet), set()).update({key, *mine.values()})
        sheet = f", sheet: {_quoted(other.sheet)}" if other.sheet else ""
        on = _quoted(subject) if key == subject else f"{{{_quoted(subject)}: {_quoted(key)}}}"
        joined.append(f"        - {{file: {_quoted(other.file)}{sheet}, on: {on}}}")
    lines += ["      join:", *joined] if joined else []
    read = [re.sub(r"(?i)_(raw|std)$", "", name) for _, name in source.values()]
    there = {name for table, _ in source.values() for name in table.frame.columns}
    twice = [n for n in dict.fromkeys(read) if n in there and n not in {name for _, name in source.values()}]
    if twice:
        # The same answer in another form: as the system reads it, or in words beside its code.
        lines.append(f"      unused: [{', '.join(_quoted(name) for name in twice)}]")
        for table in [form, *joins]:
            used.setdefault((table.file, table.sheet), set()).update(set(twice) & set(table.frame.columns))
    own |= set(placed.values())
    exact = {name.upper(): name for name in form.frame.columns}
    lines.append("      columns:")
    for variable, value in (("STUDYID", study), ("DOMAIN", "" if code.startswith("SUPP") else code)):
        if variable in exact:
            own.add(exact[variable])
            lines.append(f"        {variable}: {_quoted(exact[variable])}")
        elif value:
            lines.append(f"        {variable}: {{constant: {_quoted(value)}}}")
    whole = _begin_with(form.frame[subject], pd.Series(f"{study}-", index=form.frame.index))
    if "STUDYID" in exact:
        whole |= _begin_with(form.frame[subject], form.frame[exact["STUDYID"]] + "-")
    if words.plain(subject) == "usubjid" or whole:
        lines.append(f"        USUBJID: {_quoted(subject)}")
    else:
        whose = f"{{{site}}}-" if site and code and words.plain(subject) != "subject" else ""
        if whose and _begin_with(form.frame[subject], form.frame[site] + "-"):
            whose = ""  # the numbers of the subjects begin with their site
        filled = f"{{{subject}:{width:02}}}" if width else f"{{{subject}}}"
        lines.append(f"        USUBJID: {{template: {json.dumps(f'{study}-{whose}{filled}', ensure_ascii=False)}}}")
    if code == "DM":
        number = exact.get("SUBJID", subject)
        own |= {number}
        lines.append(
            f"        SUBJID: {{source: {_quoted(number)}, width: {width}}}"
            if width and number == subject
            else f"        SUBJID: {_quoted(number)}"
        )
        lines += [f"        SITEID: {_quoted(site)}"] if site else []
    spread = _repeats(form, code, own) or _tests(form, code, own)
    given = _NOT_ASKED | {"SUBJID"} | {f"{code}SEQ"} | (spread.variables if spread else set())
    for variable in [name for name in _variables(code) if name in source and name not in given]:
        table, header = source[variable]
        lines.append(f"        {variable}: {_rule(variable, header, table.frame[header])}")
    seq = f"{code}SEQ"
    if seq in source and seq not in (spread.variables if spread else ()):
        lines.append(f"        {seq}: {_quoted(source[seq][1])}")
    for variable in [name for name in required if name not in source and name not in given]:
        value = _from_elsewhere(variable, source, product)
        lines.append(
            f"        {variable}: {{constant: {_quoted(value)}}}  # no column was found for it: is this right?"
            if value
            else f"        # {variable}: no column was found for it, and it is required"
        )
    return lines + (spread.lines if spread else [])


def _from_elsewhere(variable: str, source: Mapping[str, tuple[Seen, str]], product: str) -> str:
    """What a variable without a column surely is: the study product, or the unit in the header of the dose."""
    if variable == "EXTRT":
        return product
    unit = _UNIT.search(source["EXDOSE"][1]) if variable == "EXDOSU" and "EXDOSE" in source else None
    return unit[1].strip() if unit else ""


def _begin_with(values: pd.Series, starts: pd.Series) -> bool:
    """Whether every value that is there begins with the start beside it, and there is one."""
    pairs = [(str(value), start) for value, start in zip(values, starts, strict=True) if not pd.isna(value)]
    return bool(pairs) and all(not pd.isna(start) and value.startswith(str(start)) for value, start in pairs)


@dataclass(frozen=True)
class _Spread:
    variables: set[str]
    lines: list[str]


def _repeats(form: Seen, code: str, own: set[str]) -> _Spread | None:
    """Repeats beside each other (AETERM_1, AETERM_2): one record for each."""
    known = VARIABLES[code].split()
    stems: dict[str, list[str]] = {}
    for name in form.frame.columns:
        found = _REPEAT.fullmatch(name)
        if found and (words.event_and_repeat(name) is None or words.event_and_repeat(name)[2]):  # type: ignore[index]
            stems.setdefault(found[1], []).append(found[2])
    variables = {}
    for stem in stems:
        bare = stem.rstrip("_")
        variable = words.variable_of(bare, code, known)
        if variable and variable not in variables:
            variables[variable] = stem
    topic = next((v for v in (f"{code}TERM", f"{code}TRT", f"{code}DECOD", f"{code}DOSE") if v in variables), None)
    if topic is None or len(stems[variables[topic]]) < 2 or f"{code}SEQ" not in known:
        return None
    lines = ["      spread:", f"        result: {topic}", "        beside:"]
    for variable, stem in variables.items():
        own |= {f"{stem}{k}" for k in stems[stem]}
        if variable not in (topic, f"{code}SEQ"):
            values = pd.concat([form.frame[f"{stem}{k}"] for k in stems[stem]])
            lines.append(f"          {variable}: {_rule(variable, f'{stem}{{{code}SEQ}}', values)}")
    lines = [line for line in lines if line != "        beside:" or len(variables) > 1 + (f"{code}SEQ" in variables)]
    lines.append("        columns:")
    lines += [f"          {_quoted(variables[topic] + k)}: {{{code}SEQ: {k}}}" for k in stems[variables[topic]]]
    return _Spread({*variables, f"{code}SEQ"}, lines)


def _tests(form: Seen, code: str, own: set[str]) -> _Spread | None:
    """Tests beside each other in a row: one record for each result."""
    tests = {name: test for name in form.frame.columns if (test := words.test_of(name, code)) is not None}
    if not tests or any(variable in _placed(form, code) for variable in (f"{code}TESTCD",)):
        return None
    columns, variables = [], {f"{code}TESTCD", f"{code}ORRES"}
    by_name = {name.casefold(): name for name in form.frame.columns}
    dates: set[str] = set()
    for name, test in tests.items():
        said = [f"{code}TESTCD: {test}"]
        item = words.event_and_repeat(name)
        if item:
            said.append(f"VISITNUM: {item[0]}")
            variables.add("VISITNUM")
            dates |= {n for n in form.frame.columns if words.event_and_repeat(n) == item
                      and words.variable_of(n, code, [f"{code}DTC"])}  # fmt: skip
        unit, stem = _UNIT.search(name), _UNIT.sub("", name).strip()
        further = next((by_name[f"{stem}{end}".casefold()] for end in ("_u", "_unit", "单位")
                        if f"{stem}{end}".casefold() in by_name), None)  # fmt: skip
        if further or unit:
            said.append(f"{code}ORRESU: " + (f"{{source: {_quoted(further)}}}" if further else _quoted(unit[1])))  # type: ignore[index]
            variables.add(f"{code}ORRESU")
        for variable, ends in ((f"{code}ORNRLO", ("_lo", "_low", "下限", "参考下限")),
                               (f"{code}ORNRHI", ("_hi", "_high", "上限", "参考上限"))):  # fmt: skip
            beside = [f"{begin}{end}".casefold() for begin in (stem, name) for end in ends]
            limit = next((by_name[one] for one in beside if one in by_name), None)
            if limit and variable in VARIABLES[code].split():
                said.append(f"{variable}: {{source: {_quoted(limit)}}}")
                variables.add(variable)
                own.add(limit)
        own |= {name, *([further] if further else [])}
        columns.append(f"          {_quoted(name)}: {{{', '.join(said)}}}")
    lines = ["      spread:", f"        result: {code}ORRES"]
    if dates:
        own |= dates
        variables.add(f"{code}DTC")
        stem = re.sub(r"(?i)_e\d+_", "_E{VISITNUM}_", sorted(dates)[0])
        lines += ["        beside:", f"          {code}DTC: {_quoted(stem)}"]
    return _Spread(variables, [*lines, "        columns:", *columns])


def _rule(variable: str, header: str, values: pd.Series) -> str:
    """How a column fills a variable: codes and the order of dates where the values show it, else a hint."""
    found = [str(value) for value in values.dropna().unique()]
    keys, hint = [], ""
    if variable.endswith("DTC"):
        dates = [match for value in found if (match := _DATE.match(value.strip()))]
        first, second = any(int(d[1]) > 12 for d in dates), any(int(d[2]) > 12 for d in dates)
        if first != second:
            keys.append(f"dates: {'DMY' if first else 'MDY'}")
        elif dates:
            hint = "  # is the day first or the month? Add dates: DMY or dates: MDY"
    else:
        known = words.SEXES if variable == "SEX" else words.YES_NO if variable in _YES_NO else {}
        listed = {value: known[value.casefold()] for value in found if value.casefold() in known}
        if listed and any(value != code for value, code in listed.items()):
            keys.append("codes: {" + ", ".join(f"{_quoted(v)}: {_quoted(c)}" for v, c in listed.items()) + "}")
        elif variable in _CODED and found and len(found) <= MOST_CODES and all(map(_CODE.fullmatch, found)):
            codes = ", ".join(f"{_quoted(value)}: ..." for value in sorted(found))
            meant = f" ({_CODED[variable]})" if _CODED[variable] else ""
            hint = f"  # write {{source: {_quoted(header)}, codes: {{{codes}}}}}, each with what it means{meant}"
    if not keys:
        return f"{_quoted(header)}{hint}"
    return f"{{source: {_quoted(header)}, {', '.join(keys)}}}{hint}"


_YES_NO = {"AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESMIE", "DTHFL", "IEORRES"}
# Variables that hold codes, with the words that the workbook knows.
_CODED: Mapping[str, str] = {
    **dict.fromkeys(sorted(_YES_NO), "Y, N"), "SEX": "M, F", "RACE": "",
    "ARMCD": "the dose levels of the protocol file",
    "ACTARMCD": "the dose levels of the protocol file", "AEREL": "RELATED, NOT RELATED, POSSIBLE, ...",
    "AEACN": "DOSE NOT CHANGED, DRUG INTERRUPTED, DRUG WITHDRAWN, ...",
    "AEOUT": "RECOVERED/RESOLVED, NOT RECOVERED/NOT RESOLVED, FATAL, ...", "AEENRTPT": "ONGOING",
    "DSDECOD": "COMPLETED, DEATH, LOST TO FOLLOW-UP, ...", "SSORRES": "ALIVE, DEAD",
}  # fmt: skip


def _whole(tables: Sequence[Seen], used: set[str]) -> Iterator[str]:
    """What holds for all files: the decimal sign, codes of missing values, columns of the system."""
    texts = [text for table in tables for name in table.frame.columns for text in table.frame[name].dropna().unique()]
    commas, points = (any(re.fullmatch(rf"\d+{sign}\d+", text) for text in texts) for sign in (",", r"\."))
    if commas:
        yield 'decimal: ","' if not points else '# decimal: ","  # both signs occur: which one is the decimal sign?'
    counted: dict[str, int] = {}
    for table in tables:
        for name in table.frame.columns:
            values = table.frame[name]
            for code in (*FLAVOURS, *NUMBERS):
                counted[code] = counted.get(code, 0) + int(values.eq(code).sum())
    flavours = [code for code in FLAVOURS if counted.get(code)]
    if {"NI", "NASK", "ASKU"} & set(flavours):
        yield f"missing: [{', '.join(flavours)}]"
    elif flavours:
        yield f"# missing: [{', '.join(flavours)}]  # do these words mean that there is no value?"
    numbers = [f"{code} (found: {counted[code]})" for code in NUMBERS if counted.get(code)]
    if numbers:
        yield f"# Do these numbers mean that there is no value? Then add them under missing: {', '.join(numbers)}"
    system = dict.fromkeys(n for t in tables for n in t.frame.columns if words.is_of_the_system(n) and n not in used)
    if system:
        yield f"unused: [{', '.join(_quoted(name) for name in system)}]"


def _left(
    tables: Sequence[Seen], used: Mapping[tuple[str, str | None], set[str]], looked: set[tuple[str, str | None]]
) -> Iterator[str]:  # fmt: skip
    """The columns that were not placed, by table, as comments."""
    for table in tables:
        known = used.get((table.file, table.sheet), set())
        left = [n for n in table.frame.columns if n not in known and not words.is_of_the_system(n)]
        left = [name for name in left if table.frame[name].notna().any()]
        place = table.file + (f", sheet {table.sheet}" if table.sheet else "")
        if left and (table.file, table.sheet) in looked:
            yield f"# Not placed, {masked(place)}: {masked(', '.join(left))}"


def _quoted(text: str | None) -> str:
    """A text as YAML takes it."""
    value = text or ""
    plain = _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED and not value.replace(".", "").isdecimal()
    return value if plain and value == value.strip() else json.dumps(value, ensure_ascii=False)
