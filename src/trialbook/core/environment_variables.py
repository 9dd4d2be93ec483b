"""The environment variables by which a build tells its kernels what they work on."""

from __future__ import annotations

# The scratch folder of the build; without it a notebook is run by hand.
WORKSPACE = "TRIALBOOK_WORKSPACE"
# The folder of data contracts that the build checks with; and the project that paths in parameter files start from.
CONTRACTS = "TRIALBOOK_CONTRACTS"
ROOT = "TRIALBOOK_ROOT"
# The folder of builds, where that of the previous cut is.
BUILD = "TRIALBOOK_BUILD"
# A word that the receipt of a step repeats: proof that it was written by this run.
NONCE = "TRIALBOOK_NONCE"
# A file with the sha256 of everything that may be read.
RECORDED = "TRIALBOOK_RECORDED"
