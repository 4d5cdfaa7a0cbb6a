"""Tests that take long: `./run.sh long` runs them, continuous integration does not."""
