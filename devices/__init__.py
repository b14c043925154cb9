"""The reference laboratory's Ophyd devices: one class per kind of instrument."""
