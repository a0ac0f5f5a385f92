"""The SSM document and the script agree, and both keep to what the agent can carry."""

import json
import re
import unittest

from harness import HERE, SCRIPT
from test_refusals import PATTERNED

DOCUMENT = HERE.parent / "document.yaml"


def parameters():
    """Name to lines of its block; the file is plain enough for that, and the standard library reads no YAML."""
    text = DOCUMENT.read_text().split("parameters:\n")[1].split("mainSteps:")[0]
    blocks = re.split(r"^  (\w+):\n", text, flags=re.M)[1:]
    return {name: dict(re.findall(r"^    (\w+): (.*)$", block, flags=re.M)) for name, block in zip(blocks[::2], blocks[1::2])}


class TheDocument(unittest.TestCase):
    def test_every_parameter_is_described_anchored_and_an_environment_variable(self):
        found = parameters()
        self.assertEqual(sorted(found), sorted([*PATTERNED, "ExecutionTimeout"]))
        for name, fields in found.items():
            with self.subTest(name=name):
                self.assertTrue(fields["description"].endswith("."))
                self.assertRegex(fields["allowedPattern"], r'^"\^\(\?:.*\)\??\$"$')
                self.assertNotRegex(fields["allowedPattern"].replace("(?:", ""), r"\(\?|\\[1-9]")
                self.assertEqual(fields.get("interpolationType"), None if name == "ExecutionTimeout" else "ENV_VAR")

    def test_the_script_judges_by_the_same_patterns(self):
        script = SCRIPT.read_text()
        names = dict(re.findall(r"(\w+)='([^']*)'", re.search(r"  local ulid=.*", script)[0]))
        for name, quote, text in re.findall(r"^  check (\w+) (['\"])(.*?)\2(?= |$)", script, flags=re.M):
            for variable, value in names.items():
                text = text.replace("${" + variable + "}", value)
            number = re.fullmatch(r'\^\(\?:(.*)\)(\??)\$', parameters()[name]["allowedPattern"].strip('"'))
            wanted = f"({number[1]})?" if number[2] else number[1]
            self.assertEqual(text, wanted.replace("(?:", "("), name)
            self.assertIn(name, PATTERNED)

    def test_the_agent_can_carry_the_script(self):
        script = SCRIPT.read_text()
        self.assertTrue(script.startswith("#!/bin/bash\n"))
        self.assertNotIn("{{", script)
        self.assertEqual(DOCUMENT.read_text().count("{{"), 1)
        self.assertTrue(script.isascii())

    def test_exit_codes_stay_outside_those_that_mean_something_to_the_agent(self):
        body = SCRIPT.read_text().split("exit_code() {")[1].split("\n}")[0]
        codes = {name: int(code) for name, code in re.findall(r"([a-z_]+)\) echo (\d+)", body)}
        self.assertEqual(len(codes), 35)
        self.assertTrue(all(0 <= code <= 100 for code in codes.values()))


if __name__ == "__main__":
    unittest.main()
