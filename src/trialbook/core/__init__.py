"""What every part of the workbook uses: errors, dates, units, words, the domains of a snapshot, files."""
