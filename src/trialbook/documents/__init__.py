"""Documents of a built cut: committee report, slides, narratives, the pack of tables; from data, never from pages."""
