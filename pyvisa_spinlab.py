"""PyVISA's door to spinlab's virtual instruments: ``pyvisa.ResourceManager("…/bench.yaml@spinlab")``."""

from spinlab.virtual.visalib import SpinlabVisaLibrary

WRAPPER_CLASS = SpinlabVisaLibrary

__all__ = ["WRAPPER_CLASS"]
