"""The subjects of the trial (ADSL): who was screened, treated at which level, and in which analysis set."""
