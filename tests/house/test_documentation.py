"""The documentation: the site builds without a warning, its examples run, every link and question leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import trialbook
from support.paths import ROOT
from trialbook.contracts.odcs import load_contracts
from trialbook.kernels.strip_outputs import unclean
from trialbook.protocol.models import Protocol

sys.path.insert(0, str(ROOT / "docs"))
from sitebuilder.drawings import PURPOSE, layers_drawing, layers_of
from sitebuilder.examples import ExampleError, Examples
from sitebuilder.markdown import linked
from sitebuilder.query_rules import query_rules

OWN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "tests/README.md")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    return [*(ROOT / name for name in OWN), *sorted((ROOT / "docs").glob("*.md"))]


def text_of(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as the place that shows the repository makes them."""
    found = re.findall(r"^#{1,6} (.+)$", text_of(page), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading)).strip().lower().replace(" ", "-") for heading in found
    }


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for label, target in [*LINK.findall(text_of(page)), *IMAGE.findall(text_of(page))]:
        if re.match(r"https://", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{page.name}: [{label}]({target})"
        assert ROOT in (path, *path.parents), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{page.name}: [{label}]({target})"


def reached(page: Path) -> set[Path]:
    return {(page.parent / target.partition("#")[0]).resolve() for _, target in LINK.findall(text_of(page))}


def test_every_page_is_one_or_two_steps_from_the_readme_and_from_the_index() -> None:
    wanted = set(pages()) - {ROOT / "tests" / "README.md", ROOT / "docs" / "index.md"}
    for start in (ROOT / "README.md", ROOT / "docs" / "index.md"):
        first = reached(start)
        second = {path for page in first if page.suffix == ".md" for path in reached(page)}
        assert sorted(str(path) for path in wanted - first - second - {start}) == []


def questions() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| (?!Where do I)(.+?) \| (.+) \|$", (ROOT / "docs" / "find.md").read_text(), re.MULTILINE)
    return [(question, place) for question, place in rows if not question.startswith("---")]


def test_the_questions_of_a_newcomer_have_a_place() -> None:
    assert (ROOT / "docs" / "find.md").resolve() in reached(ROOT / "README.md") & reached(ROOT / "docs" / "index.md")
    assert len(questions()) >= 36
    assert [question for question, _ in questions() if "?" not in question] == []
    assert [question for question, place in questions() if not LINK.search(place) and "`" not in place] == []


@pytest.mark.parametrize(
    "question",
    [
        # Asked of a newcomer in a review of the code: what took under a minute, and what did not.
        "limit of ALT", "gets its process", "treatment-emergent", "runs again", "notebook 07", "add a dataset",
        "columns of the query list", "headline", "CTCAE limits", "what a step prints", "last known alive", "profile",
        "complete and partial response", "window of day 28", "colours", "opens to its records", "add a criterion",
        "Chinese page", "wording of a query", "§2.7", "A-71",
        # Ours.
        "which analysis set", "not adjudicated", "confidence interval", "status 4", "corrected value", "prove a build",
        "not SDTM is mapped", "personal data", "which test", "upgrade pandas", "escalation rule behaves", "rely on",
    ],
)  # fmt: skip
def test_a_question_is_asked_once_and_answered(question: str) -> None:
    assert len([asked for asked, _ in questions() if question.lower() in asked.lower()]) == 1


def test_names_in_answers_exist(protocol: Protocol) -> None:
    for _, place in questions():
        for key in re.findall(r"key `([^`]+)`", place):
            assert key in protocol.analysis
    assert any(c.parameters.get("ALT_uln") for c in protocol.criteria if c.id == "EX04")


def test_the_readme_takes_five_minutes() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 120
    assert len(IMAGE.findall(text)) == 1
    assert "make demo" in text
    assert "make test" in text


# ----------------------------------------------------------------------------------------------------
# The site.


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site: `source` and `html`; its examples have run, and Sphinx has warned of nothing."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sitebuilder", "--out", str(out)]
    made = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    return out


def test_the_site_is_whole_and_loads_nothing(site: Path) -> None:
    built = {path.relative_to(site / "html").as_posix() for path in (site / "html").rglob("*.html")}
    source = {
        path.relative_to(site / "source").with_suffix(".html").as_posix() for path in (site / "source").rglob("*.md")
    }
    assert source <= built
    loading = re.compile(r"""(?:<(?:script|img|iframe|source)[^>]*\ssrc|<link[^>]*\shref)=["'](?:https?:)?//""")
    for page in (site / "html").rglob("*.html"):
        assert not loading.search(page.read_text(encoding="utf-8")), page.name
    for style in (site / "html").rglob("*.css"):
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")), style.name


def test_the_examples_show_what_they_print(site: Path) -> None:
    for page in (site / "source").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"^```\w+ run", text, re.MULTILINE), page.name
        assert str(ROOT) not in text, page.name
    assert "contracts: " in (site / "source" / "own-data.md").read_text(encoding="utf-8")


def test_the_generated_pages_name_everything(site: Path, protocol: Protocol) -> None:
    reference = site / "source" / "reference"
    keys = (reference / "keys.md").read_text(encoding="utf-8")
    assert [key for key in protocol.analysis if f"\n## {key}\n" not in keys] == []
    rules = "".join(path.read_text(encoding="utf-8") for path in (reference / "queries").glob("*.md"))
    assert [rule.name for rule in query_rules() if f"\n## {rule.name}\n" not in rules] == []
    assert [rule.name for rule in query_rules() if not (rule.english and rule.chinese)] == []
    assert {path.stem for path in (reference / "criteria").glob("*.md")} == {c.id.lower() for c in protocol.criteria}
    contracts = {name.replace("/", "-") for name in load_contracts(ROOT / "data_contracts")}
    assert {path.stem for path in (reference / "contracts").glob("*.md")} == contracts
    spec = {path.stem.removeprefix("test_").replace("_", "-") for path in (ROOT / "tests" / "spec").glob("test_*.py")}
    assert {path.stem for path in (reference / "spec").glob("*.md")} == spec
    assert (reference / "spec" / "response-rules.md").read_text(encoding="utf-8").count("| `3, 1, 0, 2` |") > 3


def test_every_citation_of_a_page_is_a_link(site: Path) -> None:
    text = (site / "html" / "architecture.html").read_text(encoding="utf-8")
    assert 'href="rules.html#sec-14"' in text
    assert 'href="rules.html#sec-2-7"' in (site / "html" / "glossary.html").read_text(encoding="utf-8")


def test_an_example_that_fails_stops_the_site(tmp_path: Path) -> None:
    examples = Examples(ROOT, tmp_path)
    shown = examples.run("p.md", "```python run\nprint(1 + 1)\n```")
    assert shown == "```python\nprint(1 + 1)\n```\n\n```text\n2\n```"
    assert examples.run("p.md", "```console run exit=3\n$ exit 3\n```") == "```console\n$ exit 3\n```"
    session = "```python session\nx = 2\n```\n\nThen\n\n```python session lines=1\nprint(x)\nx * 3\n```"
    shown = examples.run("p.md", session)
    assert shown.endswith("```python\nprint(x)\nx * 3\n```\n\n```text\n2\n... (1 more lines)\n```")
    assert shown.startswith("```python\nx = 2\n```\n\nThen")
    with pytest.raises(ExampleError):
        examples.run("p.md", "```python session\n1 / 0\n```")
    for wrong in ("```console run\n$ false\n```", "```console run exit=1\n$ true\n```", "```console run\ntrue\n```"):
        with pytest.raises(ExampleError):
            examples.run("p.md", wrong)


def test_code_and_links_keep_their_citations() -> None:
    known = {"sec-2-7", "a-53", "p05", "key-os_days"}
    assert linked("By §2.7, A-53 and P05.", known) == "By [§2.7](#sec-2-7), [A-53](#a-53) and [P05](#p05)."
    assert linked("`§2.7` [A-53](x.md) §9.9 P05-DATE `os_days`", known) == (
        "`§2.7` [A-53](x.md) §9.9 P05-DATE [`os_days`](#key-os_days)"
    )
    assert linked("```\n§2.7\n```\n# §2.7\n§2.7", known) == "```\n§2.7\n```\n# §2.7\n[§2.7](#sec-2-7)"


def test_the_site_is_no_build_and_never_committed() -> None:
    ignored = subprocess.run(["git", "check-ignore", "docs/_build/html/index.html"], cwd=ROOT, check=False)
    if ignored.returncode == 128:
        pytest.skip("this is not a git clone")
    assert ignored.returncode == 0


def test_the_picture_of_the_layers_is_the_contract() -> None:
    """`make docs-images` draws it again."""
    layers = layers_of(ROOT)
    assert (ROOT / "docs" / "images" / "layers.svg").read_text(encoding="utf-8") == layers_drawing(layers)
    assert {name for layer in layers for name in layer} == set(PURPOSE)


# ----------------------------------------------------------------------------------------------------
# The files of a good repository.


def test_the_version_is_the_same_everywhere() -> None:
    version = trialbook.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version
    released = re.findall(r"^## \[([0-9.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == version
    assert not re.search(r'^version = "', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)


def test_hooks_before_a_commit_are_local_and_use_what_is_here() -> None:
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in settings["repos"]] == ["local"]
    hooks = settings["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    for hook in hooks:
        tool = Path(hook["entry"].split()[0])
        assert tool.parts[:2] == (".venv", "bin")
        assert Path(sys.executable).with_name(tool.name).exists(), tool


def test_a_notebook_that_is_staged_with_outputs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["1"], "outputs": [], "execution_count": None}
    clean = (ROOT / "notebooks" / "06_os.ipynb").read_bytes()
    notebook = {"cells": [{**cell, "execution_count": 2}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "clean.ipynb").write_bytes(clean)
    (tmp_path / "run.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        subprocess.run(command, check=True)
    assert unclean(["clean.ipynb", "run.ipynb"]) == ["run.ipynb"]


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets is not None
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+) ", shown, re.MULTILINE) == targets[1].split()
