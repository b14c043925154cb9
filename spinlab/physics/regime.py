"""Coupling regimes of two modes: decoupled, overdamped, strong (paper, Fig. 2), with the rule that divides them."""

from __future__ import annotations

from typing import Final, Literal

Regime = Literal["decoupled", "overdamped", "strong"]
FAR: Final = 10.0  # the paper's Fig. 2a shows Δ = 10 J as decoupled: at most 1/(1 + FAR²/4) = 4 % ever cross


def coupling_regime(
    coupling: float, alkali_decay: float, noble_gas_decay: float = 0.0, detuning: float = 0.0
) -> Regime:
    """Return the regime of J, γ, γ_b (1/s) at Δ (rad/s).

    With h = |γ − γ_b|/2: *decoupled* when |Δ| ≥ 10 max(J, h), or J = 0; else *strong* when J > h, where the
    eigenvalues of Eq. 2 on resonance are complex and excitations swing back and forth; else *overdamped*.
    Raises ValueError for a negative rate or what is not finite.
    """
    rates = {"coupling": coupling, "alkali_decay": alkali_decay, "noble_gas_decay": noble_gas_decay}
    for name, rate in rates.items():
        if not 0 <= rate < float("inf"):
            raise ValueError(f"{name} must be finite and not negative, got {rate}")
    if not abs(detuning) < float("inf"):
        raise ValueError(f"detuning must be finite, got {detuning}")
    half = abs(alkali_decay - noble_gas_decay) / 2
    if coupling == 0 or abs(detuning) >= FAR * max(coupling, half):
        return "decoupled"
    return "strong" if coupling > half else "overdamped"
