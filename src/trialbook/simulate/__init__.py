"""The synthetic trial: made-up subjects whose records hang together, for the demo, the tests and the load tests."""

from trialbook.simulate.scenarios import SCENARIOS, Scenario
from trialbook.simulate.snapshots import DEMO_CUTS, write_demo, write_snapshot
from trialbook.simulate.trial import SimulatedTrial, simulate_trial

__all__ = ["DEMO_CUTS", "SCENARIOS", "Scenario", "SimulatedTrial", "simulate_trial", "write_demo", "write_snapshot"]
