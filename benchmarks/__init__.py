"""Measurements of the layer beside Numba's own."""
