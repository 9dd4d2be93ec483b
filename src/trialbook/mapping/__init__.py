"""How a site export becomes SDTM: the mapping file (columns, codes, units, shapes) and its application."""

from trialbook.mapping.apply import map_domain, unmapped_columns
from trialbook.mapping.models import Mapping, load_mapping
from trialbook.mapping.source import SourceTable, source_table

__all__ = ["Mapping", "SourceTable", "load_mapping", "map_domain", "source_table", "unmapped_columns"]
