"""Checks of a built package: one module each, one verdict each, all made by :mod:`debgen.checks.all`."""
