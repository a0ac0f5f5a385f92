"""Checks template.yaml: the linters on its source and on what CloudFormation makes of it, the house rules, and the rules' bite.

Run: python -m unittest discover -s tests/template. Needs cfn-lint and the SAM translator; `sam` where it is installed.
With LONGSHORE_UPDATE_SNAPSHOTS=1 the snapshot of all permissions is written instead of compared.
It must never touch an account: no credentials, no network.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest

import yaml

sys.dont_write_bytecode = True

import faults
import permission_rules
import resource_rules
import source
import view

SNAPSHOT = pathlib.Path(__file__).with_name("iam.snap.json")
OPERATIONS = source.ROOT / "docs" / "OPERATIONS.md"
RULES = {rule.__name__: rule for rule in permission_rules.RULES + resource_rules.RULES}
TEMPLATE = source.read()
TRANSFORMED = source.transform(TEMPLATE)

# CloudFormation's limits: a template that is uploaded, and the content of a document.
TEMPLATE_BYTES_MAX = 1_000_000
DOCUMENT_BYTES_MAX = 64 * 1024


def offline_environment():
    """The environment of a linter: a region to speak of, no telemetry, no credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_DEFAULT_REGION": source.REGION, "SAM_CLI_TELEMETRY": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def run(*command):
    """Runs a tool and returns its exit code and everything it said."""
    done = subprocess.run(
        command, cwd=source.ROOT, env=offline_environment(), capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def cfn_lint(path):
    """cfn-lint with its informational rules, too."""
    return run(str(beside("cfn-lint")), "--include-checks", "I", "--regions", source.REGION, "--template", str(path))


def cfn_lint_transformed(template):
    """cfn-lint on a template that is not in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "transformed.json"
        path.write_text(json.dumps(template), encoding="utf-8")
        return cfn_lint(path)


def beside(name):
    """The tool that was installed with this interpreter."""
    return pathlib.Path(sys.executable).with_name(name)


class Linters(unittest.TestCase):
    """What others know about templates."""

    def setUp(self):
        self.assertTrue(beside("cfn-lint").exists(), "cfn-lint is not installed beside this interpreter")

    def test_cfn_lint_has_nothing_to_say_about_the_source(self):
        code, said = cfn_lint(source.TEMPLATE)
        self.assertEqual((code, said.strip()), (0, ""))

    def test_cfn_lint_has_nothing_to_say_about_the_transformed_template(self):
        code, said = cfn_lint_transformed(TRANSFORMED)
        self.assertEqual((code, said.strip()), (0, ""))

    def test_cfn_lint_catches_what_the_house_rules_leave_to_it(self):
        template = copy.deepcopy(TRANSFORMED)
        faults.properties(template, "KeyAlias")["TargetKeyId"] = {"Fn::GetAtt": ["Key", "Ar"]}
        faults.statement(template, "OnCommandStatusRole", "UseTable")["Action"].append("dynamodb:GetItems")
        faults.properties(template, "Table")["BillingMod"] = "PAY_PER_REQUEST"
        code, said = cfn_lint_transformed(template)
        self.assertNotEqual(code, 0)
        for check in ("E1010", "W3037", "E3002"):
            self.assertIn(check, said)

    @unittest.skipUnless(beside("sam").exists(), "sam is not installed beside this interpreter")
    def test_sam_accepts_the_template(self):
        code, said = run(str(beside("sam")), "validate", "--lint", "--template", str(source.TEMPLATE))
        self.assertEqual(code, 0, said)


class HouseRules(unittest.TestCase):
    """What we know about this one, and that we would notice if it changed."""

    def test_every_house_rule_holds(self):
        for name, rule in RULES.items():
            with self.subTest(name):
                self.assertEqual(list(rule(TRANSFORMED)), [])

    def test_every_seeded_fault_is_caught_by_its_rule(self):
        for fault, (rule, seed) in faults.FAULTS.items():
            with self.subTest(fault):
                template = copy.deepcopy(TRANSFORMED)
                seed(template)
                self.assertNotEqual(template, TRANSFORMED, "the fault changed nothing")
                self.assertNotEqual(list(RULES[rule](template)), [], f"{rule} did not object")

    def test_every_house_rule_is_proven_by_a_fault(self):
        self.assertEqual(set(RULES), {rule for rule, _ in faults.FAULTS.values()})

    def test_the_permissions_are_those_of_the_snapshot(self):
        text = json.dumps(view.iam_snapshot(TRANSFORMED), indent=1, sort_keys=True) + "\n"
        if os.environ.get("LONGSHORE_UPDATE_SNAPSHOTS") == "1":
            SNAPSHOT.write_text(text, encoding="utf-8")
        self.maxDiff = None
        self.assertEqual(
            text,
            SNAPSHOT.read_text(encoding="utf-8"),
            "review the difference, then run with LONGSHORE_UPDATE_SNAPSHOTS=1",
        )

    def test_every_alarm_leads_to_a_chapter_that_exists(self):
        if not OPERATIONS.exists():
            self.skipTest("docs/OPERATIONS.md is not written yet")
        chapters = {
            re.sub(r"[^a-z0-9 -]", "", heading.lower()).strip().replace(" ", "-")
            for heading in re.findall(r"^#+ +(.*)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
        }
        alarms = view.of_type(TRANSFORMED, "AWS::CloudWatch::Alarm").values()
        self.assertEqual({alarm["AlarmDescription"].rpartition("#")[2] for alarm in alarms} - chapters, set())


class Insight(unittest.TestCase):
    """The dashboard and the saved queries, held by the code that writes what they read."""

    ENDED = (source.ROOT / "shared" / "shell" / "src" / "ended.rs").read_text(encoding="utf-8")
    CODE = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("shared", "functions")
        for path in sorted((source.ROOT / folder).glob("**/src/**/*.rs"))
    )

    def dashboard(self):
        """The one dashboard, as CloudWatch reads it."""
        (properties,) = view.of_type(TRANSFORMED, "AWS::CloudWatch::Dashboard").values()
        text = view.text(properties["DashboardBody"])
        return json.loads(re.sub(r"\$\{!(\w+)\}", r"${\1}", text))

    def queries(self):
        """The text of every saved query, and of every log widget."""
        saved = view.of_type(TRANSFORMED, "AWS::Logs::QueryDefinition").values()
        texts = [one["QueryString"] for one in saved]
        self.assertEqual(len(texts), 5)
        widgets = [one["properties"] for one in self.dashboard()["widgets"] if one["type"] == "log"]
        self.assertEqual(len(widgets), 1)
        return texts + [one["query"] for one in widgets]

    def test_every_metric_of_the_dashboard_is_one_that_is_written(self):
        shown = set()
        for widget in self.dashboard()["widgets"]:
            for (line,) in widget["properties"].get("metrics", []):
                found = re.fullmatch(
                    r"SEARCH\('\{Longshore,environment,app\} environment=\"\$\{EnvironmentName\}\" MetricName=\"(\w+)\"', '\w+', 86400\)",
                    line["expression"],
                )
                self.assertIsNotNone(found, line)
                shown.add(found.group(1))
        written = set(re.findall(r'\(\s*"(\w+Time\w*|\w*Changes)"', self.ENDED))
        self.assertEqual(shown - written, set())
        self.assertEqual(written - shown, {"LeadTimeFromPush"})

    def test_every_event_and_field_of_a_query_is_one_that_is_written(self):
        for text in self.queries():
            for event in re.findall(r'event = "(\w+)"', text):
                self.assertIn(f'("{event}")', self.CODE)
            for field in re.findall(r"`([\w.]+)`", text):
                self.assertIn(f'"{field}"', self.CODE)

    def test_the_ids_of_a_widget_are_its_own(self):
        for widget in self.dashboard()["widgets"]:
            ids = [line["id"] for (line,) in widget["properties"].get("metrics", [])]
            self.assertEqual(len(ids), len(set(ids)))
            for one in ids:
                self.assertRegex(one, r"^[a-z][a-zA-Z0-9_]*$")


class Pipelines(unittest.TestCase):
    """What users copy into their repositories, held by the vendor's own schema and by the template that goes with it."""

    FOLDER = source.ROOT / "pipelines"

    def test_every_pipeline_is_valid_by_bitbuckets_schema(self):
        files = sorted(str(file) for file in self.FOLDER.glob("*.yml"))
        self.assertEqual(len(files), 2)
        code, said = run(str(beside("check-jsonschema")), "--builtin-schema", "vendor.bitbucket-pipelines", *files)
        self.assertEqual(code, 0, said)

    def test_a_pipeline_that_is_wrong_is_noticed_by_the_schema(self):
        with tempfile.TemporaryDirectory() as folder:
            wrong = pathlib.Path(folder) / "wrong.yml"
            wrong.write_text((self.FOLDER / "git.yml").read_text(encoding="utf-8").replace("- step:", "- stage5:"), encoding="utf-8")
            code, _ = run(str(beside("check-jsonschema")), "--builtin-schema", "vendor.bitbucket-pipelines", str(wrong))
        self.assertNotEqual(code, 0)

    def test_no_step_with_a_token_runs_anything_of_the_app(self):
        steps = yaml.safe_load((self.FOLDER / "artifact.yml").read_text(encoding="utf-8"))["definitions"]["steps"]
        trusted = [step["step"] for step in steps if step["step"].get("oidc")]
        self.assertEqual(len(trusted), 1)
        for step in trusted:
            self.assertFalse(step["clone"]["enabled"])
            self.assertEqual([line for line in step["script"] if "npm" in line or "node" in line], [])

    def test_a_build_is_not_packed_into_the_folder_that_is_being_packed(self):
        """tar calls that "file changed as we read it" and ends with 1, now and then."""
        steps = yaml.safe_load((self.FOLDER / "artifact.yml").read_text(encoding="utf-8"))["definitions"]["steps"]
        packing = [line.split() for step in steps for line in step["step"]["script"] if line.startswith("tar --create")]
        self.assertEqual(len(packing), 1)
        for words in packing:
            self.assertEqual(words[words.index("--file") + 1], '"$packed"')

    def test_the_buckets_template_is_clean_and_its_role_can_only_store(self):
        path = self.FOLDER / "artifacts.yaml"
        code, said = cfn_lint(path)
        self.assertEqual(code, 0, said)
        resources = yaml.load(path.read_text(encoding="utf-8"), source.CloudFormationLoader)["Resources"]
        (policy,) = resources["StoreRole"]["Properties"]["Policies"]
        self.assertEqual([one["Action"] for one in policy["PolicyDocument"]["Statement"]], ["s3:PutObject"])
        sids = {one["Sid"] for one in resources["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"}
        self.assertEqual(sids, {"OnlyByTls", "NothingIsReplaced"})


class Source(unittest.TestCase):
    """What only the source shows."""

    def test_every_parameter_is_constrained_explained_and_safe_by_default(self):
        for name, parameter in TEMPLATE["Parameters"].items():
            with self.subTest(name):
                self.assertTrue("AllowedValues" in parameter or "ConstraintDescription" in parameter)
                self.assertIn("Description", parameter)
                self.assertIn("Default", parameter)
                pattern = parameter.get("AllowedPattern", "^$")
                self.assertTrue(pattern.startswith("^") and pattern.endswith("$"))
                if "AllowedPattern" in parameter:
                    self.assertRegex(parameter["Default"], pattern)

    def test_every_parameter_has_a_place_and_a_label_in_the_console(self):
        interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(TEMPLATE["Parameters"]))
        self.assertEqual(sorted(interface["ParameterLabels"]), sorted(TEMPLATE["Parameters"]))

    def test_every_function_is_built_from_the_workspace_as_the_binary_of_its_name(self):
        for logical_id, resource in TEMPLATE["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                name = view.text(resource["Properties"]["FunctionName"]).rpartition("${EnvironmentName}-")[2]
                words = "".join(word.capitalize() for word in name.split("-"))
                self.assertEqual(logical_id, f"{words}Function")
                self.assertEqual(
                    resource["Metadata"], {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": name}}
                )

    def test_the_patterns_of_a_parameter_and_of_the_host_document_agree(self):
        document = TEMPLATE["Resources"]["HostDocument"]["Properties"]["Content"]["parameters"]
        pairs = (
            ("ArtifactBucketName", "ArtifactBucket"),
            ("EnvironmentName", "Environment"),
            ("GitBaseUrl", "GitBase"),
            ("HostUser", "HostUser"),
        )
        for outer, inner in pairs:
            bare = lambda pattern: re.sub(r"[()]|\?:", "", pattern)
            self.assertEqual(bare(document[inner]["allowedPattern"]), bare(TEMPLATE["Parameters"][outer]["AllowedPattern"]))

    def test_production_must_keep_logs_for_ninety_days(self):
        rule = TEMPLATE["Rules"]["ProductionKeepsItsLogs"]
        allowed = [int(days) for days in rule["Assertions"][0]["Assert"]["Fn::Contains"][0]]
        choices = TEMPLATE["Parameters"]["LogRetentionDays"]["AllowedValues"]
        self.assertEqual(allowed, [days for days in choices if days >= 90])

    def test_the_template_and_the_document_stay_within_their_limits(self):
        document = TEMPLATE["Resources"]["HostDocument"]["Properties"]["Content"]
        self.assertLess(source.TEMPLATE.stat().st_size, TEMPLATE_BYTES_MAX)
        self.assertLess(len(json.dumps(document)), DOCUMENT_BYTES_MAX)
        self.assertLess(len(TRANSFORMED["Resources"]), 500)

    def test_the_place_for_the_generated_document_is_marked(self):
        text = source.TEMPLATE.read_text(encoding="utf-8")
        begin, end = "# BEGIN GENERATED host document (cargo xtask generate)\n", "# END GENERATED host document"
        self.assertEqual((text.count(begin), text.count(end)), (1, 1))

    def test_samconfig_has_every_environment_and_asks_before_production_changes(self):
        config = tomllib.loads((source.ROOT / "samconfig.toml").read_text(encoding="utf-8"))
        self.assertEqual(set(config) - {"version"}, {"default", "dev", "staging", "prod"})
        for name in ("dev", "staging", "prod"):
            deploy = config[name]["deploy"]["parameters"]
            self.assertEqual(config[name]["global"]["parameters"]["stack_name"], f"longshore-{name}")
            self.assertIn(f"EnvironmentName={name}", deploy["parameter_overrides"])
            self.assertEqual(deploy["confirm_changeset"], name == "prod")
            self.assertNotIn("region", deploy | config[name]["global"]["parameters"])


if __name__ == "__main__":
    unittest.main()
