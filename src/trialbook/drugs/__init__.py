"""What a drug is: the dictionary of names, and how the text of a medication record is read with it."""
