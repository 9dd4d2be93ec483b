"""The synthetic trial: made-up subjects whose records hang together, for the demo, the tests and the load tests."""

from trialbook_demo.phase1 import example_files
from trialbook_demo.scenario import SCENARIOS, Scenario
from trialbook_demo.snapshots import DEMO_CUTS, write_demo, write_snapshot
from trialbook_demo.trial import SimulatedTrial, simulate_trial

__all__ = [
    "DEMO_CUTS",
    "SCENARIOS",
    "Scenario",
    "SimulatedTrial",
    "example_files",
    "simulate_trial",
    "write_demo",
    "write_snapshot",
]
