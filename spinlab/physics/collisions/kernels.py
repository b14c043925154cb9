"""The compiled loops: random numbers, collisions of one excitation, collisions of two.

Everything compiled is in this one file because numba's cache looks at no other file to tell whether it is stale. Loops
are split so that each writes one or two arrays: only then does LLVM vectorise them. No fast-math anywhere: the same seed
gives the same bits on any processor (for angles beyond ``SMALL_ANGLE``, as far as its library's sine does).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
WordArray = npt.NDArray[np.uint64]
IndexArray = npt.NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

LARGEST_NORMAL = math.sqrt(-2 * math.log(2.0**-52))  # 8.49: no normal of `box_muller` is larger
SMALL_ANGLE = 0.25  # rad: to here the polynomials of `small_exchanges` are exact to the last digit
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # the bits of √½


class Rule(NamedTuple):
    """What happens in a step: the angle's mean and standard deviation (rad), and the field's e^{−iθ}."""

    mean: float
    std: float
    field: complex


class Stream(NamedTuple):
    """Random numbers of one realisation: a block of n collisions is drawn at a time and used up by ``cursor``."""

    position: WordArray  # (3,): key, odd increment, words drawn so far
    cursor: IndexArray  # (1,): collisions of the block that are used up
    words: WordArray  # (2n,)
    fractions: FloatArray  # (2n,): the same memory as floats 1 ≤ x < 2
    partners: IndexArray  # (n,): collision i of a step is with the atom there, after the swaps of those before
    normals: FloatArray  # (n,)
    exchange: ComplexArray  # (n,): O = (1 − e^{iφ})/2


def compiled(function: Function) -> Function:
    """Compile at the first call, without the interpreter lock; division as in NumPy."""
    return cast(Function, numba.njit(nogil=True, error_model="numpy")(function))


@compiled
def draw_words(position: WordArray, words: WordArray) -> None:
    """Fill with floats 1 ≤ x < 2 as bits: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) as a counter, 52 bits used."""
    key, increment, drawn = position
    for k in range(words.size):
        x = key + (drawn + np.uint64(k)) * increment
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        words[k] = ((x ^ (x >> np.uint64(31))) >> np.uint64(12)) | ONE
    position[2] = drawn + np.uint64(words.size)


@compiled
def sine_cosine(x: float) -> tuple[float, float]:
    """(sin x, cos x) to the last digit for |x| ≤ π/4, without a branch: the polynomials of fdlibm."""
    z = x * x
    s = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
    s = -1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 + z * s)
    s = x + x * z * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 + z * s))
    c = 2.08757232129817482790e-09 - z * 1.13596475577881948265e-11
    c = -1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07 + z * c))
    c = 1.0 - z * (0.5 - z * (4.16666666666666019037e-02 + z * c))
    return s, c


@compiled
def radii(u: FloatArray, bits: WordArray, out: FloatArray) -> None:
    """out = √(−2 ln(2 − u)) for 1 ≤ u < 2; destroys u, of whose memory ``bits`` is the other view.

    2 − u = 2^e (1 + f) with √½ ≤ 1 + f < √2, and fdlibm's rational form of ln(1 + f).
    """
    for k in range(u.size):
        u[k] = 2.0 - u[k]
    for k in range(u.size):
        shifted = bits[k] + (ONE - ROOT_HALF)
        out[k] = np.float64(np.int64(shifted >> np.uint64(52)) - np.int64(1023))
        bits[k] = (shifted & MANTISSA) + ROOT_HALF
    for k in range(u.size):
        f = u[k] - 1.0
        s = f / (2.0 + f)
        z = s * s
        r = 2.222219843214978396e-01 + z * (
            1.818357216161805012e-01 + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
        )
        r = z * (6.666666666666735130e-01 + z * (3.999999999940941908e-01 + z * (2.857142874366239149e-01 + z * r)))
        half = 0.5 * f * f
        out[k] = math.sqrt(-2.0 * (out[k] * math.log(2.0) + (f - (half - s * (half + r)))))


@compiled
def box_muller(u: FloatArray, bits: WordArray, out: FloatArray) -> None:
    """Fill ``out`` with independent standard normals from as many floats 1 ≤ u < 2; an even number; destroys u."""
    half = out.size // 2
    cosines, sines, turns = out[:half], out[half:], u[half:]
    radii(u[:half], bits[:half], cosines)
    for k in range(half):
        s, c = sine_cosine((turns[k] - 1.5) * (0.5 * math.pi))  # a quarter of the angle, doubled twice below
        s, c = 2 * s * c, 1 - 2 * s * s
        radius = cosines[k]
        cosines[k] = radius * (1 - 2 * s * s)
        sines[k] = radius * (2 * s * c)


@compiled
def small_exchanges(normals: FloatArray, mean: float, std: float, exchange: ComplexArray) -> None:
    """O = (1 − cos φ − i sin φ)/2 for φ = mean + std · normal within ``SMALL_ANGLE``, from their Taylor series."""
    for k in range(normals.size):
        angle = mean + std * normals[k]
        z = angle * angle
        s = 1 / 240 - z * (1 / 10080 - z * (1 / 725760 - z * (1 / 79833600)))
        c = 1 / 1440 - z * (1 / 80640 - z * (1 / 7257600 - z * (1 / 958003200)))
        exchange[k] = complex(z * (0.25 - z * (1 / 48 - z * c)), -angle * (0.5 - z * (1 / 12 - z * s)))


@compiled
def any_exchanges(normals: FloatArray, mean: float, std: float, exchange: ComplexArray) -> None:
    """The same for any φ: O = sin(φ/2)[sin(φ/2) − i cos(φ/2)]."""
    for k in range(normals.size):
        half = 0.5 * (mean + std * normals[k])
        s = math.sin(half)
        exchange[k] = complex(s * s, -s * math.cos(half))


@compiled
def choose_partners(fractions: FloatArray, n_alkali: int, n_noble_gas: int, partners: IndexArray) -> None:
    """Uniform i ≤ j < N_b for collision i of each step: where a Fisher–Yates shuffle fetches its i-th card."""
    for begin in range(0, partners.size, n_alkali):
        chosen, uniform = partners[begin : begin + n_alkali], fractions[begin : begin + n_alkali]
        for i in range(chosen.size):
            chosen[i] = i + np.int64((uniform[i] - 1.0) * (n_noble_gas - i))


@compiled
def refill(stream: Stream, n_alkali: int, n_noble_gas: int, rule: Rule) -> None:
    """Draw the next block: partners, normals, and the O that follow from them."""
    size = stream.normals.size
    draw_words(stream.position, stream.words)
    choose_partners(stream.fractions[:size], n_alkali, n_noble_gas, stream.partners)
    box_muller(stream.fractions[size:], stream.words[size:], stream.normals)
    if abs(rule.mean) + LARGEST_NORMAL * rule.std <= SMALL_ANGLE:
        small_exchanges(stream.normals, rule.mean, rule.std, stream.exchange)
    else:
        any_exchanges(stream.normals, rule.mean, rule.std, stream.exchange)
    stream.cursor[0] = 0


@compiled
def bring_partners(b: ComplexArray, partners: IndexArray) -> None:
    """Move the partners of a step to the front of ``b``: distinct random atoms, the first steps of a shuffle.

    Noble-gas atoms are alike, so their amplitudes are shuffled instead of a list of indices; any order is as good a
    start for the next step as any other.
    """
    for i in range(partners.size):
        j = partners[i]
        b[i], b[j] = b[j], b[i]


@compiled
def collide(a: ComplexArray, b: ComplexArray, exchange: ComplexArray, field: complex) -> None:
    """The pair rule for a_i with b_i: x = O(a − b), a' = e^{−iθ}(a − x), b' = b + x, as D = 1 − O."""
    for i in range(a.size):
        x = exchange[i] * (a[i] - b[i])
        b[i] += x
        a[i] = field * (a[i] - x)


@compiled
def advance_single(a: ComplexArray, b: ComplexArray, stream: Stream, rule: Rule, steps: int) -> None:
    """``steps`` steps of one excitation: amplitudes a (N_a,) and b (N_b,) in place."""
    for _ in range(steps):
        if stream.cursor[0] == stream.normals.size:
            refill(stream, a.size, b.size, rule)
        begin = stream.cursor[0]
        end = begin + a.size
        bring_partners(b, stream.partners[begin:end])
        collide(a, b[: a.size], stream.exchange[begin:end], rule.field)
        stream.cursor[0] = end


@compiled
def collide_alkali_partners(
    aa: ComplexArray, ab: ComplexArray, i: int, j: int, exchange: complex, field: complex
) -> None:
    """The pair rule of (a_i, b_j) for amplitudes whose other excitation is in another alkali atom; ``aa`` is symmetric."""
    for k in range(aa.shape[0]):
        if k != i:
            x = exchange * (aa[i, k] - ab[k, j])
            ab[k, j] += x
            aa[i, k] = aa[k, i] = field * (aa[i, k] - x)


@compiled
def collide_noble_gas_partners(
    ab: ComplexArray, bb: ComplexArray, i: int, j: int, exchange: complex, field: complex
) -> None:
    """The same for the other excitation in another noble-gas atom; of ``bb`` only the lower triangle is used."""
    near, far = ab[i, :j], bb[j, :j]
    for k in range(j):
        x = exchange * (near[k] - far[k])
        far[k] += x
        near[k] = field * (near[k] - x)
    ab[i, j] *= field
    for k in range(j + 1, bb.shape[0]):
        x = exchange * (ab[i, k] - bb[k, j])
        bb[k, j] += x
        ab[i, k] = field * (ab[i, k] - x)


@compiled
def advance_double(
    aa: ComplexArray,
    ab: ComplexArray,
    bb: ComplexArray,
    order: IndexArray,
    stream: Stream,
    rule: Rule,
    steps: int,
) -> None:
    """``steps`` steps of two excitations: amplitudes aa (N_a, N_a), ab (N_a, N_b), bb (N_b, N_b) in place.

    ``order`` (N_b,) is the shuffled list of noble-gas atoms; its first N_a are the partners of a step.
    """
    n_alkali, n_noble_gas = ab.shape
    for _ in range(steps):
        if stream.cursor[0] == stream.normals.size:
            refill(stream, n_alkali, n_noble_gas, rule)
        begin = stream.cursor[0]
        for i in range(n_alkali):
            chosen = stream.partners[begin + i]
            order[i], order[chosen] = order[chosen], order[i]
            collide_alkali_partners(aa, ab, i, order[i], stream.exchange[begin + i], rule.field)
            collide_noble_gas_partners(ab, bb, i, order[i], stream.exchange[begin + i], rule.field)
        stream.cursor[0] = begin + n_alkali
