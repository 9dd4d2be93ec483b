"""Whatever is cited exists: sections of the rulebook and of the interface, assumptions, problems, rules, sources."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from support.paths import ROOT
from trialbook.cleaning.problems import PROBLEMS
from trialbook.contracts.odcs import load_contracts
from trialbook.protocol.analysis import NOT_KEYS, Analysis
from trialbook.protocol.assumptions import ASSUMPTION_ID, assumption_register, value_text
from trialbook.protocol.load import load_protocol
from trialbook.protocol.models import Protocol

sys.path.insert(0, str(ROOT / "docs"))
from sitebuilder.query_rules import query_rules

FOLDERS = (
    "src", "notebooks", "params", "data_contracts", "docs", "tests", "README.md", "CONTRIBUTING.md", "SECURITY.md",
    "CHANGELOG.md",
)  # fmt: skip
READ = {".py", ".ipynb", ".yaml", ".md", ".css", ".html", ".j2", ".js"}
# Tests that hold citations which lead nowhere, and a list of words that no text may hold.
NOT_READ = (
    "tests/house/test_citations.py", "tests/house/test_documentation.py", "tests/house/test_plain_english.py",
)  # fmt: skip
INTERFACE = re.compile(r"[Ii]nterface(?:\.md)?,? \(?§ ?((?:[0-9]+\.)*[0-9]+)")
SECTION = re.compile(r"§ ?((?:[0-9]+\.)*[0-9]+)")
PROBLEM = re.compile(r"(?<![A-Za-z0-9.-])P([0-9]{2})(?![0-9A-Za-z.-])")
RULE = re.compile(
    r"(?<![A-Za-z0-9-])(P[0-9]{2}-(?!P?[0-9]{2}\b)[A-Z0-9]+(?:-[A-Z0-9]+)*"
    r"|(?:A65|A71|A74|AE|DLT|ELIG|FOLLOW|SAE|U01)(?:-[A-Z][A-Z0-9]+)+)(?![A-Za-z0-9-]*[a-z*])"
)
SOURCE = re.compile(r"\[(S[0-9]{2})\]")
HEADING = re.compile(r"^#{2,5} ((?:[0-9]+\.)*[0-9]+)\.? ", re.MULTILINE)
# Names of other things that look like a problem: protocol ids, percentiles, figures of a plan.
NO_PROBLEMS = {"P90"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text file under version control, or about to be, that may cite."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.split("\n") if listed.returncode == 0 else walked()
    for name in names:
        path = ROOT / name
        if path.suffix in READ and name not in NOT_READ and path.is_file():
            yield name, path.read_text(encoding="utf-8")


def walked() -> list[str]:
    """The same without git."""
    found = [path for folder in FOLDERS for path in [ROOT / folder, *(ROOT / folder).rglob("*")] if path.is_file()]
    return [path.relative_to(ROOT).as_posix() for path in found if "_build" not in path.parts]


CITING = dict(texts())


def headings(page: str) -> set[str]:
    return set(HEADING.findall((ROOT / "docs" / page).read_text(encoding="utf-8")))


def citations(pattern: re.Pattern[str], text: str) -> set[str]:
    return {match[1] if match.lastindex else match[0] for match in pattern.finditer(text)}


def without(known: set[str], pattern: re.Pattern[str], drop: re.Pattern[str] | None = None) -> dict[str, list[str]]:
    """What is cited and does not exist: citation -> files."""
    missing: dict[str, list[str]] = {}
    for name, text in CITING.items():
        for cited in sorted(citations(pattern, drop.sub("", text) if drop else text) - known):
            missing.setdefault(cited, []).append(name)
    return missing


def test_there_is_much_to_look_at() -> None:
    assert len(CITING) > 400
    assert sum(len(citations(SECTION, text)) for text in CITING.values()) > 300


def test_every_section_is_in_the_rulebook() -> None:
    assert len(headings("rules.md")) > 60
    assert without(headings("rules.md"), SECTION, INTERFACE) == {}


def test_every_section_of_the_interface_is_on_its_page() -> None:
    assert without(headings("interface.md"), INTERFACE) == {}


def test_every_assumption_is_recorded_in_the_protocol_file(protocol: Protocol) -> None:
    recorded = set(assumption_register(protocol)["ASSUMPTION"])
    assert len(recorded) > 100
    assert without(recorded, ASSUMPTION_ID) == {}


def test_every_recorded_assumption_has_its_place_in_the_rulebook(protocol: Protocol) -> None:
    cited = set(ASSUMPTION_ID.findall((ROOT / "docs" / "rules.md").read_text(encoding="utf-8")))
    assert sorted(set(assumption_register(protocol)["ASSUMPTION"]) - cited) == []


def test_the_pilot_protocol_cites_assumptions_of_the_rulebook() -> None:
    pilot = assumption_register(load_protocol(ROOT / "params" / "pilot" / "protocol.yaml"))
    cited = set(ASSUMPTION_ID.findall((ROOT / "docs" / "rules.md").read_text(encoding="utf-8")))
    assert sorted(set(pilot["ASSUMPTION"]) - cited) == []


def test_every_problem_is_one_of_the_forty() -> None:
    known = {problem.name.removeprefix("P") for problem in PROBLEMS}
    assert len(known) == 40
    missing = without(known, PROBLEM)
    assert {f"P{number}": files for number, files in missing.items() if f"P{number}" not in NO_PROBLEMS} == {}


def rules() -> set[str]:
    """Every rule that corrects, asks or stops."""
    named = {rule for problem in PROBLEMS for names in problem.rules.values() for rule in names}
    return named | {rule.name for rule in query_rules()}


def test_every_rule_exists() -> None:
    known = rules()
    # The beginning of a name, up to a hyphen, cites all rules that begin so.
    known |= {rule[:k] for rule in known for k, sign in enumerate(rule) if sign == "-"}
    missing = without(known, RULE)
    # Tests of unknown rules call them so.
    assert {rule: files for rule, files in missing.items() if "NO-SUCH" not in rule} == {}


def test_every_source_of_the_rulebook_is_listed_in_its_section() -> None:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    listed = text.split("\n## 12.", 1)[1].split("\n## 13.", 1)[0]
    known = set(re.findall(r"\bS[0-9]{2}\b", listed))
    assert len(known) > 50
    assert sorted(citations(SOURCE, text) - known) == []


def test_no_text_cites_a_document_that_is_not_here() -> None:
    absent = re.compile(r"domain (?:document|specification)|domain\.md|design\.md", re.IGNORECASE)
    assert without(set(), absent) == {}


def test_the_rule_of_a_contract_that_is_asked_as_another_exists() -> None:
    known = rules()
    contracts = load_contracts(ROOT / "data_contracts")
    asked = {rule.custom("askedAs") for contract in contracts.values() for rule in contract.dataset.rules} - {""}
    assert asked
    assert sorted(asked - known) == []


def test_the_keys_of_the_rulebook_have_the_defaults_of_the_protocol_file(protocol: Protocol) -> None:
    """§10 is the specification, `params/protocol.yaml` is in force: a row of one key says the same in both."""
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    table = text.split("\n## 10.", 1)[1].split("\n## 11.", 1)[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")
    ]
    rows = [row for row in rows if row[0] in protocol.analysis]
    assert len(rows) > 25
    for key, default, *_ in rows:
        assert plain(default) == plain(value_text(protocol.analysis[key].default)), key


def plain(text: str) -> list[str]:
    """Numbers as numbers, words as words: `[0, 28]`, `0, 28` and `0.40`, `0.4` are the same."""
    words = re.findall(r"[^\s,\[\]]+", text.lower())
    return [f"{float(word):g}" if re.fullmatch(r"-?[0-9.]+", word) else word for word in words]


NOWHERE: list[tuple[str, Callable[..., None]]] = [
    ("§99.1", test_every_section_is_in_the_rulebook),
    ("interface §7.99", test_every_section_of_the_interface_is_on_its_page),
    ("A-999", test_every_assumption_is_recorded_in_the_protocol_file),
    ("P41", test_every_problem_is_one_of_the_forty),
    ("ELIG-NOWHERE", test_every_rule_exists),
    ("P19-AE-NOWHERE", test_every_rule_exists),
    ("domain document", test_no_text_cites_a_document_that_is_not_here),
]


@pytest.mark.parametrize(("citation", "test"), NOWHERE)
def test_a_citation_that_leads_nowhere_is_found(
    citation: str, test: Callable[..., None], protocol: Protocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CITING, "somewhere.py", f'"""A rule ({citation})."""')
    given = [protocol] if "protocol" in inspect.signature(test).parameters else []
    with pytest.raises(AssertionError, match="somewhere"):
        test(*given)


def test_values_of_keys_are_nowhere_but_in_the_protocol_file() -> None:
    assert [name for name, field in Analysis.model_fields.items() if not field.is_required()] == list(NOT_KEYS)
