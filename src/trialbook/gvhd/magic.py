"""MAGIC organ stages of single findings, each as the range of stages that the findings allow (domain §2.1).

Limits: Harris AC et al. Biol Blood Marrow Transplant 2016;22:4-10, the gaps between printed limits closed as A-42
says. A stage is a pair (lowest, highest): equal where the findings decide it, 0 to the highest where nothing is known.
All arguments are float arrays of one length; NaN means not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Range = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Limits:
    """Limits between the stages 0, 1, 2 and so on; `closed_below[k]`: the limit belongs to the stage above it."""

    values: tuple[float, ...]
    closed_below: tuple[bool, ...]

    def stage(self, value: np.ndarray) -> np.ndarray:
        """Stage of a value: the number of limits that it has reached."""
        reached = [
            value >= limit if closed else value > limit
            for limit, closed in zip(self.values, self.closed_below, strict=True)
        ]
        return np.sum(reached, axis=0).astype("float64")

    def range(self, value: np.ndarray, censored: np.ndarray) -> Range:
        """Range of a value that may be censored: "<" allows all below it, ">" all above, "" the value alone."""
        value = significant(value)
        top = float(len(self.values))
        below = np.where(censored == "<", np.nextafter(value, -np.inf), value)
        above = np.where(censored == ">", np.nextafter(value, np.inf), value)
        low = np.where(censored == "<", 0.0, self.stage(above))
        high = np.where(censored == ">", top, self.stage(below))
        unknown = np.isnan(value)
        return np.where(unknown, 0.0, low), np.where(unknown, top, high)


SKIN_BSA = Limits((0, 25, 50), (False, True, False))
STOOL_VOLUME_ADULT = Limits((500, 1000, 1500), (True, True, False))
STOOL_VOLUME_CHILD = Limits((10, 20, 30), (True, True, False))
STOOLS_ADULT = Limits((3, 5, 7), (True, True, False))
STOOLS_CHILD = Limits((4, 7, 10), (True, True, False))
STAGE4_BSA, STAGE4_DESQUAMATION = 50, 5


def significant(value: np.ndarray) -> np.ndarray:
    """Values at 10 significant digits, so that 3 mg/dL x 17.1 is 51.3 and not a hair above it (A-13)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 9 - np.floor(np.log10(np.abs(value)))
        scale = np.power(10.0, np.where(np.isfinite(digits), digits, 0))
        return np.round(value * scale) / scale


def skin_range(
    bsa: np.ndarray, censored: np.ndarray, erythroderma: np.ndarray, bullae: np.ndarray, desquamation: np.ndarray,
    rule: str,
) -> Range:  # fmt: skip
    """Skin: rash by % of body surface; stage 4 is a conjunction, not a threshold.

    Stage 4 = generalised erythroderma (> 50%) with bullae and desquamation > 5% (`rule` "and"), or with either of them
    ("or"). Signs are 1, 0 or NaN (recorded but unreadable); a sign that is false rules stage 4 out.
    """
    low, high = SKIN_BSA.range(bsa, censored)
    # Generalised erythroderma means more than 50% of the surface, whether or not a percentage was written down.
    low = np.where(np.isnan(bsa) & (erythroderma == 1), 3.0, low)
    peeling = np.where(np.isnan(desquamation), np.nan, (desquamation > STAGE4_DESQUAMATION).astype("float64"))
    extra = np.fmin(bullae, peeling) if rule == "and" else np.fmax(bullae, peeling)
    doubtful = np.isnan(bullae) | np.isnan(peeling)
    certain_extra = (extra == 1) & ~doubtful if rule == "and" else extra == 1
    possible_extra = extra != 0 if rule == "and" else (extra == 1) | doubtful
    small = (bsa <= STAGE4_BSA) & (censored != ">")
    certain = (erythroderma == 1) & certain_extra & ~small
    possible = (erythroderma != 0) & possible_extra & ~small
    return np.where(certain, 4.0, low), np.where(possible, 4.0, high)


def liver_range(bilirubin: np.ndarray, censored: np.ndarray, cuts: Sequence[float]) -> Range:
    """Liver: total bilirubin in umol/L against `cuts` (A-43); the first belongs to stage 1, since 34.2 is 2 mg/dL."""
    return Limits(tuple(cuts), (True, False, False, False)).range(bilirubin, censored)


def ugi_range(nausea: np.ndarray, biopsy: np.ndarray, requires_biopsy: bool) -> Range:
    """Upper GI: stage 1 = persistent nausea, vomiting or anorexia (`nausea` 1; none or intermittent 0).

    Where `requires_biopsy`, only with a positive biopsy (A-40).
    """
    low, high = np.where(nausea == 1, 1.0, 0.0), np.where(nausea == 0, 0.0, 1.0)
    if requires_biopsy:
        low = np.where(biopsy == 1, low, 0.0)
        high = np.where(biopsy == 0, 0.0, high)
    return low, high


def lgi_range(
    volume: np.ndarray, volume_censored: np.ndarray, stools: np.ndarray, pain: np.ndarray, blood: np.ndarray,
    child: np.ndarray, weight: np.ndarray, conflict: str,
) -> Range:  # fmt: skip
    """Lower GI: stool volume per day (per kg in the child column) and episodes, stage 4 by severe pain or gross blood.

    `child` is 1, 0 or NaN (weight or age unknown: both columns are tried). `conflict`: volume_first (A-44),
    episodes_first, or worst.
    """
    adult = _stool_range(volume, volume_censored, stools, STOOL_VOLUME_ADULT, STOOLS_ADULT, conflict)
    per_kg = np.divide(volume, weight, out=np.full_like(volume, np.nan), where=weight > 0)
    young = _stool_range(per_kg, volume_censored, stools, STOOL_VOLUME_CHILD, STOOLS_CHILD, conflict)
    low = np.where(child == 1, young[0], np.where(child == 0, adult[0], np.minimum(young[0], adult[0])))
    high = np.where(child == 1, young[1], np.where(child == 0, adult[1], np.maximum(young[1], adult[1])))
    certain, possible = (pain == 1) | (blood == 1), np.isnan(pain) | np.isnan(blood)
    return np.where(certain, 4.0, low), np.where(certain | possible, 4.0, high)


def _stool_range(
    volume: np.ndarray, censored: np.ndarray, stools: np.ndarray, by_volume: Limits, by_stools: Limits, conflict: str
) -> Range:
    volume_low, volume_high = by_volume.range(volume, censored)
    stools_low, stools_high = by_stools.range(stools, np.full(stools.shape, ""))
    has_volume, has_stools = ~np.isnan(volume), ~np.isnan(stools)
    if conflict == "worst":
        both = has_volume & has_stools
        low = np.where(both, np.maximum(volume_low, stools_low), np.where(has_volume, volume_low, stools_low))
        high = np.where(both, np.maximum(volume_high, stools_high), np.where(has_volume, volume_high, stools_high))
        return low, high
    first = has_volume if conflict == "volume_first" else ~has_stools
    return np.where(first, volume_low, stools_low), np.where(first, volume_high, stools_high)
