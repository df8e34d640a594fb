"""Measurements side by side with Numba's own layers, in one run."""
