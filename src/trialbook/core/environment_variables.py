"""The environment variables of the workbook: what a build tells its kernels, and what a person may set."""

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
# The home folder of the kernels, passed on to all that they start: whose a process is, so that it can be ended.
KERNELS = "TRIALBOOK_KERNELS"
# The file in which a kernel lists work of its cells that still runs or has failed beside them.
BACKGROUND = "TRIALBOOK_BESIDE"
# Set by a person: the limits of a step (seconds, GiB, MiB), and the whole of an error that is not ours.
TIME_LIMIT = "TRIALBOOK_TIME_LIMIT"
MEMORY_LIMIT = "TRIALBOOK_MEMORY_LIMIT"
OUTPUT_LIMIT = "TRIALBOOK_OUTPUT_LIMIT"
TRACEBACK = "TRIALBOOK_TRACEBACK"
