"""Words that cells show and that are codes of the data or of a derivation: each is looked up by its text.

A word that is a text of its own in a module of the domain needs no mark there when it is listed here; sentences and
labels are messages where they are written.
"""

from __future__ import annotations

from trialbook.core.messages import msg

WORDS = (
    # severity and state of questions, contracts, deviations
    msg("stop"), msg("major"), msg("minor"), msg("waiver"), msg("open"), msg("closed"), msg("broken"), msg("removed"),
    msg("queries"), msg("changelog"), msg("results"), msg("nobody"), msg("none"), msg("assumption"),
    # answers and results
    msg("yes"), msg("no"), msg("Yes"), msg("No"), msg("pending"), msg("negative"), msg("positive"), msg("considered"),
    msg("decides"), msg("form"), msg("stays"), msg("years"), msg("Total"), msg("no answer"), msg("not known"),
    # adverse events: outcome, action, relation, grade, seriousness
    msg("fatal"), msg("recovered/resolved"), msg("not recovered/not resolved"), msg("recovering/resolving"),
    msg("recovered/resolved with sequelae"), msg("unknown"), msg("drug withdrawn"), msg("drug interrupted"),
    msg("dose not changed"), msg("dose reduced"), msg("not applicable"), msg("related"), msg("unrelated"),
    msg("serious"), msg("death"), msg("life-threatening"), msg("hospitalisation"), msg("disability"),
    msg("congenital anomaly"), msg("medically important"), msg("expected"), msg("unexpected"), msg("ongoing"),
    msg("ongoing or not known"), msg("new"), msg("worse"), msg("better"), msg("same"), msg("baseline"),
    # why a subject is not in a set
    msg("not infused"), msg("screen failure"), msg("no consent in the data"), msg("no dose level assigned"),
    msg("not mature"), msg("no assessment in the window"),
    msg("not assessed"),
    # kinds of records and events in charts
    msg("event"), msg("infusion"), msg("stage"), msg("grade"), msg("relapse"), msg("alive"), msg("died"), msg("dead"),
    msg("intravenous"), msg("oral"), msg("topical"), msg("Any grade"), msg("Not graded"), msg("rising"), msg("safe"),
    msg("censored: last known alive"), msg("censored: last assessment of gvhd"),
    msg("worse clinical case (A-63)"), msg("lower limit, worse clinical case (A-63)"), msg("no dose is tolerable"),
    msg("creatinine clearance"), msg("BUN or urea"),
    msg("not recorded in DV"), msg("classed differently in DV"),
    msg("very safe"), msg("toxic"), msg("not reached"), msg("lost to follow-up"), msg("remarks"),
    # rows of the table of laboratory results
    msg("evaluated"), msg("worse than baseline"), msg("newly grade 3 or 4"),
    # which subjects count, by the analysis keys
    msg("treated"), msg("received"), msg("assigned"),
    # relationships that count as related
    msg("definite"), msg("probable"), msg("possible"), msg("missing"), msg("unassessable"),
    # the form of eligibility, and what a step writes
    msg("no answer on the form by the cut"), msg("results (ARD rows)"),
)  # fmt: skip
# The same as texts, for what reads a word that has lost its message.
OUR_WORDS = frozenset(map(str, WORDS))
# Texts with numbers that are written in notebooks.
PATTERNS = ("Pr(rate > {target})", "Target rate {rate}")
