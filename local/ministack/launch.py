"""Starts the MiniStack emulator with the gaps closed that Longshore's template and functions would fall into.

Why: MiniStack runs the real template and the real binaries, but a few things the design rests on are missing in it. Each
one is closed by its own module in `gaps`, by replacing a named function while the emulator's files stay as they were
installed. Every name is looked up first, and one that is missing stops the start with a list of all of them, so that
another version of the emulator can never run half closed.

It must never outlive the process that started it, nor leave a host's processes behind when that process was killed.

usage: launch.py --parent PID [--hosts FOLDER]
"""

import argparse
import os
import signal
import sys
import threading
import time

import gaps
import sweep

PARENT_LOOK_SECONDS = 0.25
GRACE_SECONDS = 5


def main(arguments):
    """Closes the gaps, watches the parent, and hands over to the emulator, which serves until SIGTERM."""
    options = parse(arguments)
    missing = gaps.missing_names()
    if missing:
        sys.exit("this MiniStack is not the one the gaps were written for; missing:\n  " + "\n  ".join(missing))
    gaps.close_all()
    watch = threading.Thread(target=watch_parent, args=(options.parent, options.hosts), daemon=True)
    watch.start()
    from ministack.app import main as serve

    sys.argv = sys.argv[:1]
    serve()


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(description="MiniStack with Longshore's gaps closed")
    parser.add_argument("--parent", type=int, required=True, help="end when this process is gone")
    parser.add_argument("--hosts", default="", help="folder of the hosts whose processes end with the parent")
    return parser.parse_args(arguments)


def watch_parent(parent, hosts):
    """Waits until the parent is gone, then ends what it started and this process."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_SECONDS)
    if hosts:
        sweep.end_hosts(hosts)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
