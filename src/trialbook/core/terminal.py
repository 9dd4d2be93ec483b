"""The one printer of lines for a terminal: nothing in the data can control it or hide in it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from trialbook.core.characters import printable
from trialbook.core.privacy import masked, masked_argument


class Terminal(Console):
    """A console on which text is printed as it is: personal data masked, every unseen character as an escape."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text of one line, cell or message."""
        return super().render_str("\n".join(printable(masked(line)) for line in text.split("\n")), **options)


def terminal(*, stderr: bool = False) -> Terminal:
    """The console of the command line; lines are not wrapped, so that they can be searched."""
    return Terminal(stderr=stderr, highlight=False, soft_wrap=True)


def wrong_usage(error: Exception) -> str | None:
    """What is wrong with the words of a command (an error of the library that reads them), with nothing of a person in
    it; blank where help was asked for, None for an error of another kind.
    """
    context = getattr(error, "ctx", None)
    if context is None or not hasattr(error, "format_message"):
        return None
    # Help is shown where nothing was asked: there is no more to say.
    problem = "" if type(error).__name__ == "NoArgsIsHelpError" else masked_argument(error.format_message())
    return f"{problem.rstrip('.')}. Next: {context.command_path} --help" if problem else ""
