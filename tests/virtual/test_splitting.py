"""Bytes to messages, messages to units."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spinlab.virtual.splitting import Lines, split


def test_line_feeds_end_messages_and_carriage_returns_are_dropped() -> None:
    assert Lines(100).feed(b"A\r\nB\n\n\r\nC") == [b"A", b"B"]


def test_messages_may_come_in_pieces() -> None:
    lines = Lines(100)
    assert lines.feed(b"*ID") == []
    assert lines.feed(b"N?\nX") == [b"*IDN?"]
    assert lines.feed(b"Y", end=True) == [b"XY"]


def test_a_line_feed_inside_a_block_is_data() -> None:
    lines = Lines(100)
    assert lines.feed(b"DATA #13a\nb;X\nNEXT\n") == [b"DATA #13a\nb;X", b"NEXT"]
    assert lines.feed(b"DATA #210a\nb") == []
    assert lines.feed(b"cdefghi\nNEXT\n") == [b"DATA #210a\nbcdefghi", b"NEXT"]


def test_a_message_that_is_too_long_is_handed_over_cut_and_the_next_one_is_whole() -> None:
    lines = Lines(8)
    assert lines.feed(b"0123456789") == [b"012345678"]
    assert lines.feed(b"0123456789") == []
    assert lines.feed(b"0123\nOUTP?\n") == [b"OUTP?"]


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(1, 7))
def test_how_the_bytes_are_cut_does_not_matter(pieces: list[bytes], size: int) -> None:
    whole = b"\n".join(piece.replace(b"#", b"") for piece in pieces) + b"\n"
    lines = Lines(1000)
    bit_by_bit = [message for at in range(0, len(whole), size) for message in lines.feed(whole[at : at + size])]
    assert bit_by_bit == Lines(1000).feed(whole)


def test_units_are_cut_outside_quotes_blocks_and_channel_lists() -> None:
    assert split("A 'x;y';B \"it's;\" ;C #14;;;;;D (@1;2);E #H1F", ";") == [
        "A 'x;y'", 'B "it\'s;"', "C #14;;;;", "D (@1;2)", "E #H1F",
    ]  # fmt: skip
