"""What an action costs beside its own work: `python3 host/tests/overhead.py`, on a quiet machine.

Activates between two releases, back and forth, in a cluster of two; looks, prunes and prepares. Prints medians: the whole
time, the processor time of the script and its children (pm2's daemon and the app are not its children), what of the time
was pm2's own command, and how often node was started.
"""

import resource
import statistics
import sys
import time

from harness import Host

TIMED = {"pm2": 'began=$EPOCHREALTIME; "$REAL" "$@"; code=$?; echo "pm2 $((${EPOCHREALTIME/./} - ${began/./}))" >>"$NOTES/times"; exit $code',
         "node": 'echo node 0 >>"$NOTES/times"; exec "$REAL" "$@"'}


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(host, notes, action, **options):
    """One run: milliseconds in all, of processor time, of pm2's command; starts of node."""
    (notes / "times").write_text("")
    host.generation += 1
    before, began = cpu(), time.monotonic()
    answer = host.run(action, **options)
    took, used = time.monotonic() - began, cpu() - before
    assert answer.code == 0, (answer, host.logs())
    lines = [line.split() for line in (notes / "times").read_text().splitlines()]
    return (took * 1000, used * 1000, sum(int(micros) for tool, micros in lines if tool == "pm2") / 1000,
            sum(tool == "node" for tool, _ in lines))


def main(rounds):
    host = Host(("aws", "npm"))
    try:
        host.configure(mode="cluster", instances=2, attempts=8)
        commits = [host.commit("v1"), host.commit("v2")]
        for commit in commits:
            assert host.deploy(commit).code == 0
        for tool, body in TIMED.items():
            notes = host.shim(tool, body)
        print("action     all ms  CPU ms  pm2's own ms  without it  starts of node")
        for action in ("activate", "status", "prune", "migrate"):
            runs = [measure(host, notes, action, commit=commits[number % 2]) for number in range(rounds)]
            took, used, pm2, nodes = (statistics.median(column) for column in zip(*runs))
            print(f"{action:9} {took:7.0f} {used:7.0f} {pm2:13.0f} {took - pm2:11.0f} {nodes:15.0f}")
    finally:
        host.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
