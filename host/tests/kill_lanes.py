"""The lanes of kill-anywhere: for every action a host on which it is killed, and for the activation one for each way in
which processes can change hands.
"""

import json
import shutil

from kill_anywhere import Lane
from own_systemd import can_have_namespaces
from test_balancer import GROUP, ME, OTHER


class Served(Lane):
    """A host that serves a first release while the action is about something else."""

    def build(self):
        host = self.host
        self.configure(mode="cluster", instances=1, attempts=8, hooks=self.hooks)
        self.first, self.second = self.commits("v1", "v2", scripts={"build": "echo built >built", "migrate": "true"})
        self.pins = self.pin()
        host.generation += 1
        for action in ("prepare", "activate"):
            answer = host.run(action, commit=self.first, pins=self.pins)
            assert answer.code == 0, (answer, host.logs())
        self.more()
        self.ledger_before, self.generation_before = (host.app / "ledger.json").read_bytes(), host.generation
        self.before, self.old_version, self.versions = host.current(), "v1", ("v1",)
        self.commands, self.expected = self.traced()

    hooks = None

    def more(self):
        """What the action needs besides."""

    def options(self):
        return {"commit": self.second, "pins": self.pins}

    def fresh(self):
        (self.host.app / "ledger.json").write_bytes(self.ledger_before)
        self.host.generation = self.generation_before


class Preparing(Served):
    """prepare: of a release that is not there."""

    action = "prepare"
    hooks = {"build": "build"}

    def fresh(self):
        super().fresh()
        shutil.rmtree(self.host.app / "releases" / self.host.release(self.second, 1, self.pins), ignore_errors=True)


class Migrating(Served):
    """migrate: of a release with a migration that may be run twice."""

    action = "migrate"
    hooks = {"build": "build", "migrate": "migrate"}

    def more(self):
        self.host.generation += 1
        answer = self.host.run("prepare", commit=self.second, pins=self.pins)
        assert answer.code == 0, (answer, self.host.logs())


class Pruning(Served):
    """prune: of a release too many, and of an unfinished one."""

    action = "prune"

    def fresh(self):
        super().fresh()
        releases = self.host.app / "releases"
        whole = releases / self.host.current()
        for number in range(7):
            copy = releases / f"{number:040x}-{number:012x}"
            if not copy.exists():
                shutil.copytree(whole, copy)
            record = copy / ".longshore" / "release.json"
            record.write_text(json.dumps({**json.loads(record.read_text()), "prepared_at": f"2100-01-0{number + 1}"}))
        (releases / f"{'a' * 40}-{'b' * 12}.partial").mkdir(exist_ok=True)


class Looking(Served):
    """status."""

    action = "status"


class Activating(Lane):
    """activate: from one release to another and back, so every second time it is a rollback. Each run begins where the
    one before has ended. `sides` is how the two releases are configured."""

    action = "activate"
    sides = ({"mode": "cluster"}, {"mode": "cluster"})

    def build(self):
        self.goals = []
        for commit, configuration in zip(self.commits("v1", "v2"), self.sides):
            version = self.configure(instances=1, attempts=8, **configuration)
            self.goals.append({"commit": commit, "config_version": version, "pins": self.pin()})
            self.host.generation += 1
            for action in ("prepare", "activate"):
                answer = self.host.run(action, **self.goals[-1])
                assert answer.code == 0, (answer, self.host.logs())
        self.side, self.versions = 1, ("v1", "v2")
        self.expectations = {}
        there, back = self.trace_to(0), self.trace_to(1)
        same = sorted(command.place for command in there) == sorted(command.place for command in back)
        self.commands = [command._replace(side=None) for command in back] if same else there + back

    def trace_to(self, side):
        commands, self.expectations[side] = self.traced()
        return [command._replace(side=side) for command in commands]

    def turn_to(self, side):
        if side == self.side:
            self.traced()

    def fresh(self):
        self.before, self.old_version = self.host.current(), f"v{self.side + 1}"
        self.side = 1 - self.side

    def options(self):
        return self.goals[self.side]

    def reference(self):
        return self.expectations[self.side]


class WithGap(Activating):
    """activate where nothing serves for a moment: the old release answers until the switch."""

    def excused(self):
        return self.host.current() != self.before


class Replacing(WithGap):
    """Between releases that pm2 cannot reload into each other."""

    sides = ({"mode": "fork"}, {"mode": "cluster"})


class Balanced(Replacing):
    """The same behind a load balancer, whose clients notice nothing: it sends nobody here until the host is back."""

    group = {"target_group": GROUP, "drain_seconds": 20, "healthy_seconds": 20}
    sides = ({"mode": "fork", "load_balancer": group}, {"mode": "cluster", "load_balancer": group})

    def build(self):
        self.targets = self.host.aws / "targets.json"
        self.targets.write_text(json.dumps({GROUP: {ME: ["healthy", 0], OTHER: ["healthy", 0]}}))
        self.put_before("sleep", "#!/bin/sh\nexec /bin/sleep 0.05\n")
        super().build()

    def states(self):
        return {name: state for name, (state, _) in json.loads(self.targets.read_text())[GROUP].items()}

    def asks(self):
        return self.states().get(ME) == "healthy"

    def excused(self):
        return self.states().get(ME) not in ("healthy", "draining")

    def more_of_the_end(self):
        return {"targets": self.states(), "to be registered": self.host.ledger().get("balancer")}


class Restarting(WithGap):
    """With systemd, which ends a process before it starts the next."""

    under_systemd = True
    sides = ({"manager": "systemd"}, {"manager": "systemd"})


class Changing(WithGap):
    """From pm2 to systemd and back."""

    under_systemd = True
    sides = ({"mode": "cluster"}, {"manager": "systemd"})


LANES = [lane for lane in (Looking, Pruning, Migrating, Preparing, Activating, Replacing, Balanced, Restarting, Changing)
         if not lane.under_systemd or can_have_namespaces()]
