"""Generated JSON texts, each known to be good or bad by how it was made."""

from collections.abc import Iterator

GOOD_ROW = b'{"item_id": "i", "annotator_id": "p", "verdict": "a", "extra": [1, {"k": "v"}]}'


def around(value: bytes) -> bytes:
    """A vote row whose metadata is the given JSON text."""
    return b'{"item_id": "i", "annotator_id": "p", "verdict": "a", "extra": ' + value + b"}"


def must_reject() -> Iterator[bytes]:
    yield from (GOOD_ROW[:cut] for cut in range(1, len(GOOD_ROW)))
    yield from (GOOD_ROW + tail for tail in (b"{}", b",", b"x", b"]", b"\x00", b"null", b"//"))
    yield from (b"[]", b"1", b'"text"', b"null", b"true", b"[" + GOOD_ROW + b"]")
    yield from (around(number) for number in NUMBERS_BAD)
    yield from (around(b'"' + bytes([code]) + b'"') for code in range(0x20) if code != 0x0A)
    yield from (around(b'"' + bytes([code]) + b'"') for code in range(0x80, 0x100))
    yield from (around(b'"\\' + bytes([code]) + b'"') for code in b"acdeghx0'U \t")
    yield from (around(b'"\\u' + digits + b'"') for digits in (b"", b"1", b"12", b"123", b"00g0"))
    yield from (around(text) for text in STRUCTURES_BAD)
    yield from (around(b'"' + escape + b'"') for escape in UNSTORABLE_ESCAPES)
    yield from (around(b"[" * depth + b"]" * depth) for depth in (32, 100, 1_000, 100_000))
    yield from (around(b'{"a":' * depth + b"1" + b"}" * depth) for depth in (32, 900, 50_000))
    yield from (around(b"[" * depth) for depth in (33, 2_000, 500_000))


def must_accept() -> Iterator[bytes]:
    yield GOOD_ROW
    yield from (space + GOOD_ROW + space for space in (b" ", b"\t", b"\r", b" \t\r"))
    yield from (around(number) for number in NUMBERS_GOOD)
    yield from (
        around(b'"' + bytes([code]) + b'"') for code in range(0x20, 0x80) if code not in b'"\\'
    )
    yield from (around(b'"\\' + bytes([code]) + b'"') for code in b'"\\/bfnrt')
    yield from (
        around(f'"{character}"'.encode()) for character in "é漢\u2028\u2029\x85\ufeff😀\uffff"
    )
    yield from (
        around(b'"' + escape + b'"') for escape in (b"\\u00e9", b"\\ud83d\\ude00", b"\\\\ud800")
    )
    yield from (around(b"[" * depth + b"]" * depth) for depth in (1, 2, 31))
    yield from (around(text) for text in (b"{}", b"[]", b"null", b"true", b"false", b'{"": 1}'))
    yield around(b'"' + b"[{" * 5_000 + b'"')


NUMBERS_BAD = (
    *(b"01", b"-01", b"1.", b".5", b"+1", b"0x1F", b"1e", b"1e+", b"--1", b"1_000", b"- 1", b"1,5"),
    *(b"NaN", b"nan", b"Infinity", b"-Infinity", b"inf", b"1e999", b"-1e999", b"1e400"),
    *(b"9223372036854775808", b"-9223372036854775809", b"1" * 5_000, b"-" + b"9" * 4_301),
    *("\uff11".encode(), "\u0663".encode()),
)
NUMBERS_GOOD = (
    *(b"0", b"-0", b"1", b"-1", b"1.5", b"1e5", b"1E-5", b"-0.0", b"1e-999", b"1.0e+10"),
    *(b"9223372036854775807", b"-9223372036854775808", b"0." + b"3" * 5_000),
)
STRUCTURES_BAD = (
    *(
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b'{"a" 1}',
        b'{"a":1,}',
        b"{a: 1}",
        b"{'a': 1}",
        b"[1}",
        b"{1: 2}",
    ),
    *(b"tru", b"True", b"None", b"undefined", b"/* c */ 1", b"// c", b"#", b"''", b"`x`", b""),
    *(b'{"a":1,"a":2}', b'[{"a":{"b":1,"b":1}}]', b"[[1],[2]", b'"open', b"\xef\xbb\xbf1"),
)
UNSTORABLE_ESCAPES = (
    *(b"\\u0000", b"\\ud800", b"\\udfff", b"\\uDBFF x", b"\\ude00\\ud83d", b"\\\\\\ud800"),
    *(b"a\\u0000b", b"\\ud83d\\u0041"),
)
