"""Checks host/template.yaml, which makes hosts: what it must never open, and that it fits the environment's stack.

It has no role of its own: the hosts' profile is an output of template.yaml, so what is checked here is that their one policy allows
what the bootstrap and its agents do. It must never touch an account.
"""

import json
import pathlib
import re
import sys
import unittest

import yaml

sys.dont_write_bytecode = True

import resource_rules
import source
import test_template
import view

PATH = source.ROOT / "host" / "template.yaml"
HOSTS = yaml.load(PATH.read_text(encoding="utf-8"), Loader=source.CloudFormationLoader)
MAIN = test_template.TRANSFORMED
DOCUMENT = HOSTS["Resources"]["Bootstrap"]["Properties"]["Content"]

# What an agent calls with the host's role. The last two groups are those of State Manager and of the CloudWatch agent.
CALLS = {
    "s3:GetObjectVersion",
    "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets",
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    "ssm:UpdateInstanceInformation",
    "ssm:GetParameter", "ssm:GetParameters", "kms:Decrypt",
    "ssm:ListInstanceAssociations", "ssm:UpdateInstanceAssociationStatus", "ssm:GetDocument",
    "logs:CreateLogStream", "logs:PutLogEvents",
}


def of(resource_type):
    """The properties of the resources of a type."""
    return [one["Properties"] for one in HOSTS["Resources"].values() if one["Type"] == resource_type]


class TheHosts(unittest.TestCase):
    """What an instance is made with."""

    def setUp(self):
        self.data = of("AWS::EC2::LaunchTemplate")[0]["LaunchTemplateData"]

    def test_cfn_lint_has_nothing_to_say(self):
        self.assertEqual(test_template.cfn_lint(PATH), (0, ""))

    def test_metadata_needs_a_token_and_its_answer_goes_no_further_than_the_host(self):
        options = self.data["MetadataOptions"]
        self.assertEqual((options["HttpTokens"], options["HttpPutResponseHopLimit"]), ("required", 1))

    def test_every_disk_is_encrypted_and_goes_with_its_instance(self):
        disks = [mapping["Ebs"] for mapping in self.data["BlockDeviceMappings"]]
        self.assertTrue(disks and all(disk["Encrypted"] and disk["DeleteOnTermination"] for disk in disks))

    def test_nobody_can_come_in(self):
        self.assertEqual({"KeyName", "UserData", "NetworkInterfaces"} & set(self.data), set())
        (group,) = of("AWS::EC2::SecurityGroup")
        self.assertEqual(group["SecurityGroupIngress"], [])
        self.assertEqual({(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]}, {(443, 443)})
        self.assertNotIn("AWS::EC2::SecurityGroupIngress", {one["Type"] for one in HOSTS["Resources"].values()})

    def test_instances_and_disks_carry_the_tags_that_commands_are_bound_to(self):
        wanted = {"longshore:environment": "${EnvironmentName}", "longshore:app": "${AppName}"}
        self.assertEqual([one["ResourceType"] for one in self.data["TagSpecifications"]], ["instance", "volume"])
        for one in self.data["TagSpecifications"]:
            tags = {tag["Key"]: view.text(tag["Value"]) for tag in one["Tags"]}
            self.assertEqual(tags | wanted, tags)
        for association in of("AWS::SSM::Association"):
            targets = {target["Key"]: [view.text(value) for value in target["Values"]] for target in association["Targets"]}
            self.assertEqual(targets, {f"tag:{key}": [value] for key, value in wanted.items()})

    def test_the_template_names_no_place(self):
        self.assertEqual(list(resource_rules.nothing_names_a_place(HOSTS)), [])

    def test_every_parameter_is_explained_and_has_its_place_in_the_console(self):
        interface = HOSTS["Metadata"]["AWS::CloudFormation::Interface"]
        grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(HOSTS["Parameters"]))
        self.assertEqual(sorted(interface["ParameterLabels"]), sorted(HOSTS["Parameters"]))
        for name, parameter in HOSTS["Parameters"].items():
            self.assertTrue(parameter["Description"].endswith("."), name)
            pattern = parameter.get("AllowedPattern", "^$")
            self.assertTrue(pattern.startswith("^") and pattern.endswith("$"), name)


class TheRole(unittest.TestCase):
    """It is that of the environment's stack, and allows what is done here."""

    def test_no_permission_is_written_down_a_second_time(self):
        self.assertEqual([name for name, one in HOSTS["Resources"].items() if one["Type"].startswith("AWS::IAM")], [])
        profile = of("AWS::EC2::LaunchTemplate")[0]["LaunchTemplateData"]["IamInstanceProfile"]
        self.assertEqual(profile, {"Name": {"Ref": "InstanceProfileName"}})
        self.assertEqual(MAIN["Outputs"]["HostInstanceProfile"]["Value"], {"Ref": "HostInstanceProfile"})
        self.assertEqual([view.text(arn) for arn in MAIN["Resources"]["HostRole"]["Properties"]["ManagedPolicyArns"]], ["${HostPolicy}"])
        self.assertNotIn("Policies", MAIN["Resources"]["HostRole"]["Properties"])

    def test_it_allows_exactly_what_the_agents_and_the_host_script_call(self):
        mine = [one for one in view.identity_statements(MAIN) if one.owner == "HostPolicy" and one.effect == "Allow"]
        self.assertEqual({action for one in mine for action in one.actions}, CALLS)

    def test_it_reads_the_documents_of_the_associations_and_writes_the_log_of_the_agent(self):
        by_sid = {one.sid: one for one in view.identity_statements(MAIN) if one.owner == "HostPolicy"}
        readable = by_sid["ReadDocuments"].resources
        for association in of("AWS::SSM::Association"):
            name = association["Name"] if isinstance(association["Name"], str) else view.text(of("AWS::SSM::Document")[0]["Name"])
            shapes = [re.escape(arn.partition(":document/")[2]).replace(r"\*", "[^/]+") for arn in readable]
            self.assertTrue(any(re.fullmatch(shape, name) for shape in shapes), name)
        group = view.text(MAIN["Resources"]["HostLogGroup"]["Properties"]["LogGroupName"])
        written = set(re.findall(r'"log_group_name": "([^"]*)"', (source.ROOT / "host" / "bootstrap.sh").read_text(encoding="utf-8")))
        self.assertEqual(written, {group.replace("${EnvironmentName}", "${SSM_Environment}")})


class TheDocument(unittest.TestCase):
    """The bootstrap, as SSM carries it."""

    def test_every_value_is_checked_and_none_is_pasted_into_the_script(self):
        for name, parameter in DOCUMENT["parameters"].items():
            with self.subTest(name):
                self.assertEqual(parameter["interpolationType"], "ENV_VAR")
                self.assertTrue(resource_rules.admits_only_plain_text(parameter["allowedPattern"]))
        self.assertNotIn("{{", json.dumps(DOCUMENT))
        self.assertLess(len(json.dumps(DOCUMENT)), test_template.DOCUMENT_BYTES_MAX)

    def test_the_script_and_the_association_know_the_same_parameters(self):
        script = DOCUMENT["mainSteps"][0]["inputs"]["runCommand"][0]
        checked = dict(re.findall(r"^  check (\w+) '(.*)'$", script, re.MULTILINE))
        self.assertEqual({name: f"^(?:{pattern})$" for name, pattern in checked.items()},
                         {name: one["allowedPattern"] for name, one in DOCUMENT["parameters"].items()})
        (association,) = [one for one in of("AWS::SSM::Association") if one["Name"] == {"Ref": "Bootstrap"}]
        self.assertEqual(set(association["Parameters"]), set(checked))

    def test_pm2_is_the_one_that_the_tests_use(self):
        script = DOCUMENT["mainSteps"][0]["inputs"]["runCommand"][0]
        lock = re.search(r"<<'PM2_LOCK'\n(.*)\nPM2_LOCK\n", script)[1]
        self.assertEqual(json.loads(lock), json.loads(pathlib.Path(source.ROOT / "local/npm/package-lock.json").read_text(encoding="utf-8")))
        self.assertNotIn("@PM2", script)


if __name__ == "__main__":
    unittest.main()
