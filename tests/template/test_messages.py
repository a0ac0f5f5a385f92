"""Holds every message (`functions/notifier/tests/cards`) to what the vendors of the channels publish of theirs.

Teams: Microsoft's own reader of Adaptive Cards. Slack and Bitbucket: the types that Slack publishes, and those that are made from
Bitbucket's description of its API, both judged by the TypeScript compiler. Webhooks: our own schema, which receivers rely on. Each check is
shown to bite. The packages are pinned in `local/npm-checks`.
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

sys.dont_write_bytecode = True

ROOT = pathlib.Path(__file__).resolve().parents[2]
CARDS = ROOT / "functions" / "notifier" / "tests" / "cards"
SCHEMAS = {
    "digest": ROOT / "docs" / "webhook-digest.schema.json",
    "deployment": ROOT / "docs" / "webhook.schema.json",
}
SCRIPTS = pathlib.Path(__file__).with_name("messages")
# The tools' folder has the Python that runs this, and what npm installed.
NODE_MODULES = pathlib.Path(sys.executable).absolute().parents[2] / "node" / "node_modules"
TSC = [
    "node", str(NODE_MODULES / "typescript" / "bin" / "tsc"), "--noEmit", "--strict", "--skipLibCheck",
    "--moduleResolution", "node10", "--ignoreDeprecations", "6.0", "--module", "commonjs", "--target", "es2022",
]  # fmt: skip


def run(*command):
    """What a command prints; it must not fail by itself."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def read(name):
    """A message by its name."""
    return json.loads((CARDS / f"{name}.json").read_text(encoding="utf-8"))


def objections_to_cards(folder):
    """What Microsoft's reader says of the cards in a folder."""
    files = sorted(str(path) for path in folder.glob("*.json"))
    code, said = run("node", str(SCRIPTS / "cards.cjs"), str(NODE_MODULES), *files)
    return said if code == 0 else f"{said}exit {code}"


def objections_to_types(folder):
    """What the compiler says of Slack's and Bitbucket's messages in a folder."""
    files = sorted(str(path) for path in folder.glob("*.json"))
    code, text = run("node", str(SCRIPTS / "types.cjs"), *files)
    if code != 0:
        return text
    with tempfile.TemporaryDirectory() as made:
        (pathlib.Path(made) / "node_modules").symlink_to(NODE_MODULES)
        source = pathlib.Path(made) / "messages.ts"
        source.write_text(text, encoding="utf-8")
        _, said = run(*TSC, str(source))
        return said


def objections_to_webhook(body):
    """What our schema says of a webhook's body."""
    kind = body.get("type", "").split(".")[0]
    schema = json.loads(SCHEMAS[kind].read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = jsonschema.Draft202012Validator(schema).iter_errors(body)
    return [error.message for error in found]


class Messages(unittest.TestCase):
    """Every message, and one that is wrong in each channel."""

    def broken(self, objections, name, change):
        """What is said of a message with a change in it."""
        message = copy.deepcopy(read(name))
        change(message)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"{name}.json"
            path.write_text(json.dumps(message), encoding="utf-8")
            return objections(pathlib.Path(folder))

    def test_there_are_messages(self):
        self.assertGreater(len(list(CARDS.glob("*.json"))), 15)

    def test_microsofts_reader_takes_every_card_whole(self):
        self.assertEqual(objections_to_cards(CARDS), "")

    def test_microsofts_reader_finds_a_wrong_card(self):
        def card(message):
            return message["teams"]["attachments"][0]["content"]

        for change, said in (
            (lambda m: card(m)["body"][0].update(style="loud"), "Invalid value"),
            (lambda m: card(m)["body"][1].update(type="Paragraph"), "Unknown element type"),
            (lambda m: m["teams"]["attachments"][0].update(contentType="text/plain"), "text/plain"),
        ):
            self.assertIn(said, self.broken(objections_to_cards, "succeeded", change))

    def test_slacks_and_bitbuckets_types_take_every_message(self):
        self.assertEqual(objections_to_types(CARDS), "")

    def test_slacks_and_bitbuckets_types_find_a_wrong_message(self):
        for change in (
            lambda m: m["slack"]["blocks"][0].update(type="heading"),
            lambda m: m["slack_app"]["post"]["blocks"][0]["text"].update(type="mrkdwn"),
            lambda m: m["slack_app"]["details"]["blocks"][0].update(colour="red"),
            lambda m: m["build_status"].update(state="BROKEN"),
            lambda m: m["tag"]["target"].update(hash=7),
        ):
            self.assertIn("error TS", self.broken(objections_to_types, "succeeded", change))

    def test_every_webhook_is_what_its_schema_says(self):
        for path in sorted(CARDS.glob("*.json")):
            with self.subTest(path.name):
                self.assertEqual(objections_to_webhook(read(path.stem)["webhook"]["body"]), [])

    def test_the_schema_finds_a_wrong_webhook(self):
        for change in (
            lambda body: body.update(version=2),
            lambda body: body["data"].pop("deployment"),
            lambda body: body["data"].update(severity="loud"),
            lambda body: body["data"].update(secret="x"),
            lambda body: body["data"]["hosts"].append({"host": "web-1"}),
        ):
            body = read("rolled_back")["webhook"]["body"]
            change(body)
            self.assertNotEqual(objections_to_webhook(body), [])

    def test_the_schema_finds_a_wrong_digest(self):
        for change in (
            lambda body: body.update(version=2),
            lambda body: body["data"].pop("until"),
            lambda body: body["data"].update(act="soon"),
            lambda body: body["data"]["waits"].append({"text": "x"}),
        ):
            body = read("digest_mixed")["webhook"]["body"]
            change(body)
            self.assertNotEqual(objections_to_webhook(body), [])


if __name__ == "__main__":
    unittest.main()
