"""Where links to profile pages lead: beside the page on a page, into the build in a notebook of the project.

Pages and profiles are in one folder. A notebook is in `notebooks/` of the project, so that its links lead through the
project's folder to the build of its cut: JupyterLab, and HTML that is exported beside the notebook, find them there.
A notebook that is open in JupyterLab from another folder has links that begin there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

BUILD = "build"
# Set by JupyterLab for the kernel of a notebook: the path of the notebook.
OPEN_NOTEBOOK = "JPY_SESSION_NAME"
_PAGE_LINK = re.compile(r'(?<= href=")(?=profiles/)')
_NOTEBOOK_LINK = re.compile(rf'(?<= href=")\.\./{BUILD}/[\w.-]+/(?=profiles/)')
_SUBJECT = re.compile(r'<a class="tb-subject" href="profiles/[^"]*">(.*?)</a>')


def in_notebook(html: str, cut_id: str, to_build: str | None = None) -> str:
    """HTML of ours with its links as a notebook of this cut holds them; `to_build`: from its folder to the build, where
    that is not `notebooks/` of the project.
    """
    return _PAGE_LINK.sub(f"../{BUILD}/{cut_id}/" if to_build is None else f"{to_build}/", html)


def without_profiles(html: str) -> str:
    """HTML of ours where no profile page exists yet: the subjects without links.

    >>> without_profiles('<td><a class="tb-subject" href="profiles/001.html">001</a></td>')
    '<td>001</td>'
    """
    return _SUBJECT.sub(r"\1", html)


def way_from_open_notebook(build: Path) -> str | None:
    """The relative path from the folder of the notebook that is open in JupyterLab to a build; None outside of it.

    Only there: the outputs of papermill, nbval and a build must not depend on the folder that they were started in.
    """
    notebook = os.environ.get(OPEN_NOTEBOOK)
    if not notebook or not os.path.isabs(notebook):
        return None
    return Path(os.path.relpath(build, os.path.dirname(notebook))).as_posix()


def on_page(html: str) -> str:
    """HTML of an output with its links as a page holds them.

    >>> on_page(in_notebook('<a href="profiles/001.html">', "2025-09-30"))
    '<a href="profiles/001.html">'
    """
    return _NOTEBOOK_LINK.sub("", html)
