"""The script is killed at its commands, one after another, and given again: nobody sees a difference.

By default a sample: every line of the way into a step, and a third of the others; `SEED=…` repeats one. `KILL_ANYWHERE=lines`
takes every line of the script's shell part once, `KILL_ANYWHERE=all` every command of every action, and every command that
becomes a process group of its own twice more, while it runs. `KILL_ANYWHERE=2/8` is the second eighth of all; the eighths
have everything together. `KILL_LANE="Changing Pruning"` takes these lanes alone, `KILL_TOGETHER=4` as many at a time.
"""

import concurrent.futures
import itertools
import os
import random
import time
import unittest

from kill_lanes import LANES, Changing, Looking

DELAYS = ("0.001", "0.05", "0.2", "0.5")
CHAIN = 8


def every_command(way):
    """Every command of one way. What comes before a step looks for survivors is the same in every run, so there the step is
    killed several times in one go."""
    same = next((at for at, command in enumerate(way) if command.word == "reap_survivors"), 0)
    chains = -(-same // CHAIN)
    return [[(command, "") for command in way[first:same:chains]] for first in range(chains)] + [[(command, "")] for command in way[same:]]


def all_kills(lane, chance):
    """Every command, and each that becomes a group of its own twice more, while it runs."""
    kills = [kill for _, way in itertools.groupby(lane.commands, lambda command: command.side) for kill in every_command(list(way))]
    return kills + [[(command, delay)] for command in lane.commands if command.word == "exec" for delay in chance.sample(DELAYS, 2)]


def part_of_all(lane, chance, part, parts):
    """The kills of one part in a shuffled order, in which the sides of a lane take turns as far as they can."""
    kills = all_kills(lane, chance)[part - 1::parts]
    sides = {}
    for kill in chance.sample(kills, len(kills)):
        sides.setdefault(kill[0][0].side, []).append(kill)
    return [kill for turn in itertools.zip_longest(*sides.values()) for kill in turn if kill]


def sampled_kills(lane, seen, chance, share):
    """A share of the lines that no lane before has, each once, and a command or more while it runs. The lines that all
    actions have are those of the first lane, which is killed several times in one go."""
    places = {}
    for command in lane.commands:
        places.setdefault(command.place, []).append(command)
    commands = sorted(chance.choice(commands) for place, commands in places.items() if place not in seen)
    seen.update(places)
    many = CHAIN if isinstance(lane, Looking) else 1
    commands = chance.sample(commands, len(commands) // (1 if many > 1 else share))
    chains = [[(command, "") for command in sorted(commands[at:at + many])] for at in range(0, len(commands), many)]
    apart = chance.sample([command for command in lane.commands if command.word == "exec"], 3 // share)
    return chains + [[(command, chance.choice(DELAYS))] for command in apart]


def describe(lane, kills):
    return f"{type(lane).__name__} killed at " + ", then ".join(
        f"{command}{' while it ran ' + after + ' s' if after else ''}" for command, after in kills)


class KillAnywhere(unittest.TestCase):
    """All lanes, some at a time."""

    def test_a_kill_at_any_command_changes_nothing_that_anybody_sees(self):
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
        chance, seen = random.Random(seed), set()
        how = os.environ.get("KILL_ANYWHERE", "").replace("all", "1/1")
        only = os.environ.get("KILL_LANE", "").split()
        pool = concurrent.futures.ThreadPoolExecutor(int(os.environ.get("KILL_TOGETHER", "2")))
        lanes = list(pool.map(self.built, [kind for kind in LANES if not only or kind.__name__ in only]))
        plans = [part_of_all(lane, random.Random(seed), *map(int, how.split("/"))) if "/" in how
                 else sampled_kills(lane, seen, chance, 1 if how == "lines" else 3) for lane in lanes]
        runs = [run for plan in plans for run in plan]
        print(f"\nkill-anywhere: SEED={seed}, {sum(map(len, runs))} kills in {len(runs)} runs, commands of each action: "
              + ", ".join(f"{type(lane).__name__} {len(lane.commands)}" for lane in lanes), flush=True)
        found = list(pool.map(self.play, lanes, plans))
        self.assertEqual([], [problem for problems in found for problem in problems])

    def built(self, kind):
        lane = kind()
        self.addCleanup(lane.close)
        return lane

    @staticmethod
    def play(lane, plan):
        """The kills of one lane; what was wrong."""
        found, began = [], time.monotonic()
        for done, kills in enumerate(plan, 1):
            problems = lane.killed(*kills)
            if done % 100 == 0 or done == len(plan):
                print(f"{type(lane).__name__}: {done} of {len(plan)} in {time.monotonic() - began:.0f} s", flush=True)
            if problems:
                found.append(f"{describe(lane, kills)}: {problems}")
                print(found[-1], flush=True)
        return found


class WhatItHasFound(unittest.TestCase):
    """Kills that have made a difference once, in every run."""

    @unittest.skipUnless(Changing in LANES, "needs root, namespaces and an installed systemd")
    def test_systemd_forgets_the_unit_of_an_app_that_it_gives_up_also_when_the_step_is_killed_in_the_middle(self):
        lane = Changing()
        self.addCleanup(lane.close)
        kills = [command for command in lane.commands if command.side == 0 and command.place.startswith("42-systemd.sh")
                 and command.word in ("bounded", "mv", "rm")]
        self.assertEqual([command.word for command in kills], ["bounded", "mv", "bounded", "rm"])
        for command in kills:
            with self.subTest(command=str(command)):
                self.assertEqual(lane.killed((command, "")), [])


if __name__ == "__main__":
    unittest.main()
