"""What an import accepts at most. Each limit bounds memory or time, not taste."""

KIB = 1024
MIB = 1024 * KIB

MAX_FILE_BYTES = 500 * MIB
"""A file on disk; larger ones belong in several files, each its own transaction."""

MAX_ROW_BYTES = 1 * MIB
"""One row before parsing: what one bad row can cost in memory."""

MAX_FIELD_BYTES = 256 * KIB
"""One text in UTF-8: far above any answer a person would read."""

MAX_DEPTH = 32
"""Nested lists and objects in one row; the parser itself fails only near a thousand."""

MAX_ROWS = 1_000_000
"""Rows in a file: bounds the table of keys that finds duplicates."""

MAX_UNPACKED_BYTES = 1024 * MIB
"""What a gzip file may unpack to."""

MAX_UNPACK_RATIO = 100
"""Unpacked to packed; text packs some 3 to 20 times, a gzip bomb a thousand times."""

HARMLESS_UNPACKED_BYTES = 1 * MIB
"""Below this much output the ratio is not looked at: repetitive small files are no danger."""

MAX_ID_LENGTH = 255
"""Characters of an identifier or a name: what an indexed column holds."""

MAX_CRITERION_LENGTH = 64
"""Characters of a criterion's key: what its column holds."""

MAX_INTEGER = 2**63 - 1
"""Integers beyond 64 bits are not carried alike by databases and other readers."""

MAX_COUNT = 2**31 - 1
"""Sample numbers and token counts fit the 32-bit columns of both databases."""

EXCERPT_LENGTH = 60
"""Characters of a bad value that a message quotes."""
