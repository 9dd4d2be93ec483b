"""Where links to profile pages lead: beside the page on a page, into the build in a notebook of the project.

Pages and profiles stand in one folder. A notebook stands in `notebooks/`, whoever runs it, so that its links lead
through the project's folder to the build of its cut: JupyterLab, and HTML that is exported beside the notebook, find
them there.
"""

from __future__ import annotations

import re

BUILD = "build"
_PAGE_LINK = re.compile(r'(?<= href=")(?=profiles/)')
_NOTEBOOK_LINK = re.compile(rf'(?<= href=")\.\./{BUILD}/[\w.-]+/(?=profiles/)')


def in_notebook(html: str, cut_id: str) -> str:
    """HTML of ours with its links as a notebook of this cut holds them."""
    return _PAGE_LINK.sub(f"../{BUILD}/{cut_id}/", html)


def on_page(html: str) -> str:
    """HTML of an output with its links as a page holds them.

    >>> on_page(in_notebook('<a href="profiles/001.html">', "2025-09-30"))
    '<a href="profiles/001.html">'
    """
    return _NOTEBOOK_LINK.sub("", html)
