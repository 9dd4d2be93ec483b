"""Kernels: forked with the imports done, cut off from the machine, watched while a notebook runs."""
