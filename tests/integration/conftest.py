"""Common to all integration tests."""

import signal

# A shell ignores Ctrl-C for what it starts in the background, and all children inherit that. The tests of Ctrl-C send
# it themselves, wherever they run.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
