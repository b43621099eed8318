"""Measurements and torture: reproducible, run by hand, never part of the test run."""
