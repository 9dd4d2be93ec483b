"""The forty problems of real exports (domain document §9): a clean export, what is planted, what comes of it."""
