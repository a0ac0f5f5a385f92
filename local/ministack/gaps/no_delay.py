"""Gap: every invocation of a function takes 40 ms longer than it should.

The emulator's Lambda Runtime API writes a response's header and body in two packets; without TCP_NODELAY the second one
waits for a delayed acknowledgement.
"""

import socketserver

NEEDS = {"socketserver": ("StreamRequestHandler",)}


def close():
    """Turns Nagle's algorithm off for the Runtime API."""
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
