"""Data contracts between the steps: Open Data Contract Standard files compiled to Great Expectations suites."""
