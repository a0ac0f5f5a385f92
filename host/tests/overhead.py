"""What an action costs beside its own work: `python3 host/tests/overhead.py [ROUNDS] [TEMPLATE...]`, on a quiet machine.

Takes the script as SSM carries it, out of the repository's template, or out of each template that is named, one after the
other in every round, so that a busy machine is as busy for all of them. Activates between two releases, back and forth, in a
cluster of two; looks, prunes and migrates. Prints medians: the whole time, the processor time of the script and its
children (pm2's daemon and the app are not its children), both without what pm2's own commands took, and how often
node was started.
"""

import pathlib
import resource
import statistics
import sys
import textwrap
import time

from harness import HERE, Host

TIMED = {"pm2": 'exec 3>&2; TIMEFORMAT="pm2 %R %U %S"; { time "$REAL" "$@" 2>&3; } 2>>"$NOTES/times"',
         "node": 'echo node >>"$NOTES/times"; exec "$REAL" "$@"'}


def carried(template):
    """The script as the hosts get it: without comments, its program packed."""
    document = template.read_text().split("# BEGIN GENERATED host document", 1)[1].split("# END GENERATED", 1)[0]
    return textwrap.dedent(document.split("- |\n", 1)[1])


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(host, notes, action, **options):
    """One run: milliseconds in all, of processor time, both without pm2's commands; starts of node."""
    (notes / "times").write_text("")
    host.generation += 1
    before, began = cpu(), time.monotonic()
    answer = host.run(action, **options)
    took, used = time.monotonic() - began, cpu() - before
    assert answer.code == 0, (answer, host.logs())
    lines = [line.split() for line in (notes / "times").read_text().splitlines()]
    pm2 = [[float(second) for second in line[1:]] for line in lines if line[0] == "pm2"]
    own = took - sum(line[0] for line in pm2), used - sum(user + system for _, user, system in pm2)
    return *(seconds * 1000 for seconds in (took, used, *own)), lines.count(["node"])


def main(rounds, templates):
    host = Host(("aws", "npm"))
    try:
        scripts = [host.folder / f"{number}.sh" for number, _ in enumerate(templates)]
        for script, template in zip(scripts, templates):
            script.write_text(carried(template))
            script.chmod(0o755)
        host.configure(mode="cluster", instances=2, attempts=8)
        commits = [host.commit("v1"), host.commit("v2")]
        for commit in commits:
            assert host.deploy(commit).code == 0
        notes = host.shim("pm2", TIMED["pm2"])
        print("action    template  all ms  CPU ms  without pm2's: ms  CPU ms  starts of node")
        for action in ("activate", "status", "prune", "migrate"):
            turn = 0
            runs = {script: [] for script in scripts}
            starts = {}
            for number in range(rounds + 1):
                if number == rounds:
                    host.shim("node", TIMED["node"])
                for script in scripts:
                    host.script, turn = script, turn + 1
                    *times, starts[script] = measure(host, notes, action, commit=commits[turn % 2])
                    if number < rounds:
                        runs[script].append(times)
            host.unshim("node")
            for script, template in zip(scripts, templates):
                took, used, own, own_used = (statistics.median(column) for column in zip(*runs[script]))
                print(f"{action:9} {template.name[:9]:9} {took:6.0f} {used:7.0f} {own:17.0f} {own_used:7.0f} {starts[script]:15}")
    finally:
        host.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10,
         [pathlib.Path(name) for name in sys.argv[2:]] or [HERE.parents[1] / "template.yaml"])
