"""What a committee must look at first: rules over all datasets, each with its evidence."""
