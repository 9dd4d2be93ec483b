"""The forty problems of real exports (rulebook §9): a clean export, what is planted, what comes of it."""
