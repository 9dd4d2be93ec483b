"""How the trial is conducted: planned visits, enrolment, and protocol deviations."""
