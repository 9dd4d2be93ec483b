"""Acute GVHD: MAGIC organ stages, overall grade, response rules and the daily steroid dose."""
