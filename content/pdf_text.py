"""The text of a PDF, as a process of its own: the document on standard input, its text on standard output.

It limits itself before it reads, because a hostile document can ask for any time and any memory.
"""

from __future__ import annotations

import io
import logging
import resource
import sys

from pypdf import PdfReader

SECONDS = 15
MEMORY = 768 * 1024 * 1024
MOST_PAGES = 500
MOST_TEXT = 2_000_000


def main() -> int:
    """Writes the text; 1 for a document that cannot be opened, also because it has a password."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()
    room = MOST_TEXT
    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
    for page in reader.pages[:MOST_PAGES]:
        text = page.extract_text()[:room]
        room -= len(text)
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace") + b"\n")
        sys.stdout.buffer.flush()
        if room <= 0:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
