"""A desk of its own: a small clone with builds, JupyterLab as `make lab` starts it, and a browser under watch."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, BrowserContext, Page

from support.notebooks_by_hand import copied_project

TOKEN = "desk"  # noqa: S105 - of a server on the loopback that lives for a test
CUT = "2025-09-30"
ELSEWHERE = "notebooks/mine/look.ipynb"
WORKSPACES = itertools.count()
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
CONNECT = re.compile(r'(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"')
CELLS = (
    "import altair as alt\nimport great_tables\nimport pandas as pd\nfrom IPython.display import Markdown\n"
    f"import trialbook\nfrom trialbook import display\nstep = trialbook.open_step('desk', cut_id={CUT!r})",
    "adsl = step.read('adsl')\nsubjects = adsl[['SUBJID', 'AGE', 'SEX']]\n"
    "linked = list(adsl.loc[adsl['SAFFL'].eq('Y'), 'SUBJID'])\n"
    "display.table(subjects, 'Subjects', subject='SUBJID', linked=linked)",
    "chart = alt.Chart(subjects).mark_point().encode(x='AGE:Q', y='SUBJID:N')\n"
    "display.figure(chart, subjects, 'Age of each subject')",
    "chart.mark_bar()",
    "%%time\nsubjects.head(3)",
    "great_tables.GT(subjects.head(2)).tab_header('A table of great_tables')",
    "Markdown('**Bold** words of an analyst')",
    "print('the end of ' + 'the desk')",
)

# What an analyst does with a built cut: filter, look, save.
FILTER_CELLS = (
    f"import trialbook\ncut = trialbook.cut({CUT!r})",
    "live = cut.filter()\nlive",
    "live.cut.tables['T-605']",
    "live.cut.figures['F-2']",
    "trialbook.table(live.cut.adsl[['SUBJID', 'AGE']].query('AGE > 50'), 'Older subjects')",
    "import os\nos.makedirs('saved', exist_ok=True)\n"
    "for kind in ('png', 'svg', 'pdf'):\n    live.cut.figures['F-2'].save(f'saved/f2.{kind}')\n"
    "for kind in ('xlsx', 'docx'):\n    live.cut.tables['T-605'].save(f'saved/t605.{kind}')",
    "print('the end of ' + 'the filter')",
)


def git(folder: Path, *words: str) -> str:
    """What git says in this folder."""
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def cloned_desk(folder: Path, root: Path, demo: Path, *cuts: str) -> Path:
    """A clone of the project with these builds, everything committed, and two notebooks more."""
    copied_project(folder, root, demo, *cuts)
    for name in ("Makefile", "pyproject.toml", ".gitattributes", ".gitignore"):
        shutil.copy2(root / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    for name, sources in (("90_desk", CELLS), ("91_filter", FILTER_CELLS)):
        cells = [nbformat.v4.new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources)]
        write_stripped(nbformat.v4.new_notebook(cells=cells), folder / "notebooks" / f"{name}.ipynb")
    # One that an analyst keeps in a folder of their own, at another distance from the build.
    (folder / ELSEWHERE).parent.mkdir(parents=True)
    shutil.copy2(folder / "notebooks" / "90_desk.ipynb", folder / ELSEWHERE)
    git(folder, "init", "-q")
    clean = f"{sys.executable} -m trialbook.kernels.strip_outputs"
    for key, value in (("filter.notebook-without-outputs.clean", clean), ("user.name", "A"), ("user.email", "a@a.a")):
        git(folder, "config", key, value)
    (folder / ".git" / "info" / "exclude").write_text("build\ndata\n.venv\nrequirements.lock\nhome\nuntitled*\nsaved\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a desk")
    return folder


def write_stripped(notebook: nbformat.NotebookNode, place: Path) -> None:
    """Writes a notebook as git keeps it."""
    from trialbook.kernels.strip_outputs import stripped

    text = json.dumps(stripped(dict(notebook)), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    place.write_text(text, encoding="utf-8")


@dataclass
class Lab:
    """A running JupyterLab, and the addresses that its server and its kernels connected to."""

    folder: Path
    port: int
    connections: Path | None

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={TOKEN}"

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address(path), timeout=60) as answer:  # noqa: S310 - the loopback
            return answer.read()

    def kernel_state(self, notebook: str) -> str:
        """What the kernel of a notebook does, once a window is connected with it."""
        for session in json.loads(self.get("api/sessions")):
            if session["path"] == f"notebooks/{notebook}" and session["kernel"]["connections"]:
                return str(session["kernel"]["execution_state"])
        return "absent"

    def set_theme(self, name: str) -> None:
        """Chooses the theme of every window that is opened from now on."""
        content = json.dumps({"raw": json.dumps({"theme": name})}).encode()
        address = self.address("lab/api/settings/@jupyterlab/apputils-extension:themes")
        head = {"Authorization": f"token {TOKEN}"}
        asked = urllib.request.Request(address, data=content, method="PUT", headers=head)  # noqa: S310
        urllib.request.urlopen(asked, timeout=60).close()  # noqa: S310 - the loopback

    def outside(self) -> list[str]:
        """What server and kernels connected to outside of this machine."""
        lines = self.connections.read_text(encoding="utf-8").splitlines() if self.connections else []
        found = [hit for line in lines if (hit := CONNECT.search(line))]
        assert found or not self.connections, "the kernels connect to their server, and the log must show it"
        return sorted({hit[1] for hit in found if hit and not hit[1].startswith(("127.", "::1", "::ffff:127."))})


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab as `make lab` starts it, with a port of its own and no state of anybody's."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    home = folder / "home"
    home.mkdir()
    connections = home / "connections" if shutil.which("strace") else None
    watch = (
        ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect", "-o", str(connections)] if connections else []
    )
    states = {
        name: str(home / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    arguments = f"--no-browser --port {port} --ServerApp.port_retries=0 --IdentityProvider.token={TOKEN}"
    command = ["make", "-C", str(folder), "-o", ".venv/.made-from-the-lock", "lab", f"ARGS={arguments}"]
    with (home / "said").open("w") as said:
        process = subprocess.Popen(
            [*watch, *command, *(f"{name}={value}" for name, value in states.items())],
            stdout=said, stderr=said, start_new_session=True, env={**os.environ, "HOME": str(home)},
        )  # fmt: skip
    lab = Lab(folder, port, connections)
    try:
        end = time.monotonic() + 90
        while True:
            try:
                lab.get("api/status")
                break
            except OSError:
                assert process.poll() is None, (home / "said").read_text()
                assert time.monotonic() < end, (home / "said").read_text()
                time.sleep(0.2)
        yield lab
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            for pid in _started_by(process.pid):
                os.kill(pid, signal.SIGKILL)


def _started_by(session: int) -> list[int]:
    """Processes of a session, and kernels, which have sessions of their own below it."""
    import psutil

    found = []
    for process in psutil.process_iter(["pid"]):
        try:
            if os.getsid(process.pid) == session:
                found += [process.pid, *(child.pid for child in process.children(recursive=True))]
        except (psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            continue
    return sorted(set(found))


@dataclass
class Desk:
    """One window of JupyterLab: what every page of it asked for, and what its console said."""

    lab: Lab
    context: BrowserContext
    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    notebook: str = ""

    @property
    def outside(self) -> list[str]:
        """Addresses asked for that are not this machine's."""
        return [
            a
            for a in self.requests
            if urlsplit(a).scheme not in ("data", "blob", "about") and urlsplit(a).hostname not in LOOPBACK
        ]

    def open(self, notebook: str) -> None:
        # A workspace of its own: the last one is opened again with all that was open in it.
        self.page.goto(self.lab.address(f"lab/workspaces/w{next(WORKSPACES)}/tree/notebooks/{notebook}"))
        self.notebook = notebook
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)

    def menu(self, *names: str) -> None:
        """Chooses an entry of the menu bar."""
        for name in names:
            self.page.locator(".lm-Menu-itemLabel, .lm-MenuBar-itemLabel").get_by_text(name, exact=True).last.click()

    def run_all(self, last: str, seconds: float) -> None:
        """Run All Cells, until the last cell has shown this text."""
        end = time.monotonic() + seconds
        while self.lab.kernel_state(self.notebook) != "idle":
            assert time.monotonic() < end, "no kernel is ready"
            self.page.wait_for_timeout(100)
        self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').last.wait_for(timeout=60_000)
        self.menu("Run", "Run All Cells")
        shown = self.page.locator(".jp-OutputArea-output").get_by_text(last).last
        asked = self.page.locator(".jp-Dialog .jp-mod-accept")
        while not shown.count():
            if asked.count():
                # Which kernel: asked when the menu was faster than the kernel; no cell has run then.
                asked.click()
                self.page.wait_for_timeout(2000)
                self.menu("Run", "Run All Cells")
            assert time.monotonic() < end, f"the notebook did not reach its end in {seconds} s"
            self.page.wait_for_timeout(100)

    def save(self) -> None:
        self.menu("File", "Save Notebook")

    def chart_menus(self, charts: int = 1) -> list[list[str]]:
        """Clicks every action in the menu of every chart (at least so many); returns the actions of each menu."""
        self.page.locator(".vega-embed canvas").nth(charts - 1).wait_for(timeout=30_000, state="attached")
        found = []
        for place in range(self.page.locator(".vega-embed").count()):
            chart = self.page.locator(".vega-embed").nth(place)
            chart.scroll_into_view_if_needed()
            names = chart.locator(".vega-actions a").all_text_contents()
            for name in names:
                chart.locator("details").evaluate("menu => menu.open = true")
                action = chart.locator(".vega-actions a").get_by_text(name, exact=True)
                if name.startswith("Save"):
                    with self.page.expect_download() as saved:
                        action.click()
                    assert saved.value.url.startswith(("data:", "blob:")), saved.value.url
                else:
                    with self.page.expect_popup() as opened:
                        action.click()
                    assert opened.value.url == "about:blank", opened.value.url
                    opened.value.close()
                chart.locator("details").evaluate("menu => menu.open = false")
            found.append(names)
        return found


@contextmanager
def desk_of(browser: Browser, lab: Lab) -> Iterator[Desk]:
    """A window of JupyterLab under watch."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    desk = Desk(lab, context, context.new_page())
    context.on("request", lambda request: desk.requests.append(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: desk.requests.append(socket.url)))
    desk.page.on("websocket", lambda socket: desk.requests.append(socket.url))
    desk.page.on("console", lambda line: desk.said.append(f"{line.type}: {line.text}"))
    yield desk
    context.close()
