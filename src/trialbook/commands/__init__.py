"""The commands of `trialbook`, one module each; `trialbook.cli` only parses and calls."""
