"""The registered criteria, one module per field of medicine: each check reads records and gives a result by subject."""
