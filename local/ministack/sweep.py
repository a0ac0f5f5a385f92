"""Ends every process that belongs to the local hosts under one folder.

Why: process managers detach themselves and outlive the command that started them, and a host's script may be in the middle
of a step when the local cloud ends. They are recognised by what they carry in their environment: LONGSHORE_ROOT or
PM2_HOME inside the hosts' folder. It must never end a process that does not carry one of the two.

usage: sweep.py FOLDER
"""

import os
import signal
import sys
import time

MARKS = (b"LONGSHORE_ROOT=", b"PM2_HOME=")
GRACE_SECONDS = 3.0
LOOK_SECONDS = 0.1


def belongs(environment, folder):
    """Whether a process with this environment (the bytes of /proc/PID/environ) belongs to a host under `folder`."""
    inside = os.fsencode(folder.rstrip("/"))
    wanted = [mark + inside for mark in MARKS]
    for entry in environment.split(b"\0"):
        for start in wanted:
            if entry == start or entry.startswith(start + b"/"):
                return True
    return False


def processes_of(folder, proc="/proc"):
    """The ids of the processes that belong to the hosts under `folder`, ourselves left out."""
    found = []
    for name in os.listdir(proc):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(os.path.join(proc, name, "environ"), "rb") as file:
                environment = file.read()
        except OSError:
            continue
        if belongs(environment, folder):
            found.append(int(name))
    return found


def end_hosts(folder):
    """Asks the hosts' processes to end, waits a little, and kills those that stayed. Returns how many it met."""
    folder = os.path.realpath(folder)
    met = processes_of(folder)
    signal_all(met, signal.SIGTERM)
    waited = 0.0
    left = met
    while left and waited < GRACE_SECONDS:
        time.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
        left = processes_of(folder)
    signal_all(left, signal.SIGKILL)
    return len(met)


def signal_all(pids, number):
    """Sends one signal to each; a process that is already gone is as wanted."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    end_hosts(sys.argv[1])
