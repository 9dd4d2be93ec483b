"""Tables, charts and sentences for reading: the only place that makes HTML; all text from data is escaped."""

from trialbook.display.blocks import key_numbers, notice, sentence
from trialbook.display.figures import figure
from trialbook.display.table_details import Detail, Lines
from trialbook.display.tables import ard_table, table

__all__ = ["Detail", "Lines", "ard_table", "figure", "key_numbers", "notice", "sentence", "table"]
