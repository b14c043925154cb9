"""Traces to numbers with uncertainties, numbers to figures."""
