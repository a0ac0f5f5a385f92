"""Holds the lines of an exported history (`functions/history-export/tests/story.jsonl`, written by that function's own test) to the
schema that readers rely on, by a validator that nobody here wrote, and shows that the schema bites.
"""

import copy
import json
import pathlib
import sys
import unittest

import jsonschema

sys.dont_write_bytecode = True

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORY = ROOT / "functions" / "history-export" / "tests" / "story.jsonl"
SCHEMA = json.loads((ROOT / "docs" / "history.schema.json").read_text(encoding="utf-8"))
INSIGHT = ROOT / "docs" / "INSIGHT.md"
COMMON = {"version", "id", "type", "at", "environment", "app"}


def lines():
    """The lines of the kept story."""
    return [json.loads(line) for line in STORY.read_text(encoding="utf-8").splitlines()]


def objections(line):
    """What the schema says of a line."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).iter_errors(line)]


class History(unittest.TestCase):
    """Every type of line, and lines that are wrong."""

    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_every_line_is_what_the_schema_says(self):
        self.assertEqual(len({line["type"] for line in lines()}), 11)
        for number, line in enumerate(lines(), 1):
            with self.subTest(number, type=line["type"]):
                self.assertEqual(objections(line), [])

    def test_the_schema_finds_a_wrong_line(self):
        for change in (
            lambda line: line.update(version=2),
            lambda line: line.update(type="whim"),
            lambda line: line.update(secret="x"),
            lambda line: line.update(entry="1"),
            lambda line: line.pop("deployment"),
            lambda line: line.pop("app"),
            lambda line: line["hosts"][0].update(detail="x"),
            lambda line: line["hosts"][0].pop("verdict"),
        ):
            line = copy.deepcopy(next(line for line in lines() if "hosts" in line))
            self.assertEqual(objections(line), [])
            change(line)
            self.assertNotEqual(objections(line), [])

    def test_the_table_of_the_documentation_has_every_field(self):
        parts = [part["allOf"][0]["$ref"].rpartition("/")[2] for part in SCHEMA["$defs"]["What"]["oneOf"]]
        known = COMMON | {name for part in parts for name in SCHEMA["$defs"][part]["properties"]}
        text = INSIGHT.read_text(encoding="utf-8")
        statement = text[text.index("CREATE EXTERNAL TABLE") :]
        statement = statement[: statement.index("```")]
        columns = [line.split()[0].strip("`") for line in statement[: statement.index("\n)\n")].splitlines()[1:]]
        self.assertEqual(sorted(columns), sorted(known))


if __name__ == "__main__":
    unittest.main()
