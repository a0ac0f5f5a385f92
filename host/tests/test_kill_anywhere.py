"""The script is killed at its commands, one after another, and given again: nobody sees a difference.

By default a sample: every line of the way into a step, and a third of the others; `SEED=…` repeats one. `KILL_ANYWHERE=lines`
takes every line of the script's shell part once, `KILL_ANYWHERE=all` every command of every action, and every command that
becomes a process group of its own twice more, while it runs.
"""

import concurrent.futures
import os
import random
import unittest

from kill_anywhere import LANES, Looking, Pruning

DELAYS = ("0.001", "0.05", "0.2", "0.5")
TOGETHER = 2
CHAIN = 8


def all_kills(lane, chance):
    """Every command, and each that becomes a group of its own twice more, while it runs, in a shuffled order. The way into
    a step is the same for every action, so it is left to the lanes that are cheap."""
    commands = lane.commands
    if not isinstance(lane, (Looking, Pruning)):
        inside = next(at for at, (_, place, _) in enumerate(commands) if place[0] > "1")
        commands = commands[inside:]
    single = [[(number, "")] for number, _, _ in commands]
    apart = [[(number, delay)] for number, _, word in commands if word == "exec" for delay in chance.sample(DELAYS, 2)]
    return chance.sample(single + apart, len(single + apart))


def sampled_kills(lane, seen, chance, share):
    """A share of the lines that no lane before has, each once, and a command or more while it runs. The lines that all
    actions have are those of the first lane, which is killed several times in one go."""
    places = {}
    for number, place, _ in lane.commands:
        places.setdefault(place, []).append(number)
    numbers = sorted(chance.choice(numbers) for place, numbers in places.items() if place not in seen)
    seen.update(places)
    many = CHAIN if isinstance(lane, Looking) else 1
    numbers = chance.sample(numbers, len(numbers) // (1 if many > 1 else share))
    chains = [[(number, "") for number in sorted(numbers[at:at + many])] for at in range(0, len(numbers), many)]
    apart = chance.sample([number for number, _, word in lane.commands if word == "exec"], 3 // share)
    return chains + [[(number, chance.choice(DELAYS))] for number in apart]


def describe(lane, kills):
    names = {number: f"{place} {word}" for number, place, word in lane.commands}
    return f"{type(lane).__name__} killed at " + ", then ".join(
        f"{number} ({names[number]}){' while it ran ' + after + ' s' if after else ''}" for number, after in kills)


class KillAnywhere(unittest.TestCase):
    """All lanes, some at a time."""

    def test_a_kill_at_any_command_changes_nothing_that_anybody_sees(self):
        seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
        chance, seen = random.Random(seed), set()
        how = os.environ.get("KILL_ANYWHERE", "")
        only = os.environ.get("KILL_LANE", "").split()
        lanes = [kind() for kind in LANES if not only or kind.__name__ in only]
        for lane in lanes:
            self.addCleanup(lane.close)
        plans = [all_kills(lane, chance) if how == "all" else sampled_kills(lane, seen, chance, 1 if how == "lines" else 3)
                 for lane in lanes]
        print(f"\nkill-anywhere: SEED={seed}, {sum(map(len, plans))} runs, commands of each action: "
              + ", ".join(f"{type(lane).__name__} {len(lane.commands)}" for lane in lanes), flush=True)
        with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
            found = list(pool.map(self.play, lanes, plans))
        self.assertEqual([], [problem for problems in found for problem in problems])

    @staticmethod
    def play(lane, plan):
        """The kills of one lane; what was wrong."""
        found = []
        for done, kills in enumerate(plan, 1):
            problems = lane.killed(*kills)
            if done % 100 == 0:
                print(f"{type(lane).__name__}: {done} of {len(plan)}", flush=True)
            if problems:
                found.append(f"{describe(lane, kills)}: {problems}")
                print(found[-1], flush=True)
        return found


if __name__ == "__main__":
    unittest.main()
