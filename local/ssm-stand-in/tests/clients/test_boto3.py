"""The stand-in as a real AWS client sees it: boto3 must parse every answer as it parses the service's own.

LONGSHORE_STAND_IN_URL names a running stand-in that has at least two hosts. The tests make documents and commands of
their own, leave the fault switches off, and never look at anything but boto3's parsed answers.
"""

import datetime
import hashlib
import json
import os
import unittest
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

URL = os.environ["LONGSHORE_STAND_IN_URL"]


def client(**options):
    return boto3.client(
        "ssm",
        endpoint_url=URL,
        region_name=os.environ.get("AWS_REGION", "eu-west-1"),
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


def set_faults(change):
    request = urllib.request.Request(URL + "/_longshore/faults", json.dumps(change).encode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def content(line):
    return json.dumps(
        {
            "schemaVersion": "2.2",
            "description": "A test.",
            "parameters": {"Name": {"type": "String", "allowedPattern": "^(?:[a-z]+)$", "interpolationType": "ENV_VAR"}},
            "mainSteps": [{"action": "aws:runShellScript", "name": "greet", "inputs": {"runCommand": [line]}}],
        }
    )


class StandInTest(unittest.TestCase):
    def setUp(self):
        self.ssm = client()
        self.hosts = [
            host["InstanceId"]
            for page in self.ssm.get_paginator("describe_instance_information").paginate()
            for host in page["InstanceInformationList"]
        ]
        self.assertGreaterEqual(len(self.hosts), 2)
        self.document = f"boto3-{uuid.uuid4()}"
        self.ssm.create_document(Name=self.document, Content=content('echo "hello $SSM_Name"'), DocumentType="Command")
        self.addCleanup(self.ssm.delete_document, Name=self.document)

    def send(self, hosts=None, **more):
        more.setdefault("Parameters", {"Name": ["world"]})
        sent = self.ssm.send_command(
            DocumentName=self.document, InstanceIds=hosts or self.hosts[:1], TimeoutSeconds=60, **more
        )
        return sent["Command"]

    def wait(self, command, host):
        waiter = self.ssm.get_waiter("command_executed")
        waiter.wait(CommandId=command["CommandId"], InstanceId=host, WaiterConfig={"Delay": 1, "MaxAttempts": 20})

    def assert_refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception

    def test_a_command_is_sent_waited_for_and_read_back(self):
        command = self.send(Comment="deployment:1:prepare:1:1.1")
        self.assertEqual(command["Status"], "Pending")
        self.assertIsInstance(command["ExpiresAfter"], datetime.datetime)
        self.wait(command, self.hosts[0])
        got = self.ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=self.hosts[0])
        self.assertEqual((got["Status"], got["ResponseCode"], got["PluginName"]), ("Success", 0, "greet"))
        self.assertEqual(got["StandardOutputContent"], "hello world\n")
        self.assertIsInstance(got["ExecutionStartDateTime"], str)
        datetime.datetime.fromisoformat(got["ExecutionStartDateTime"].replace("Z", "+00:00"))
        listed = self.ssm.list_commands(CommandId=command["CommandId"])["Commands"][0]
        self.assertEqual((listed["Comment"], listed["CompletedCount"]), ("deployment:1:prepare:1:1.1", 1))
        self.assertEqual(listed["RequestedDateTime"], command["RequestedDateTime"])

    def test_the_waiter_fails_on_a_failed_command(self):
        self.ssm.update_document(Name=self.document, Content=content("exit 7"), DocumentVersion="$LATEST")
        command = self.send(DocumentVersion="2")
        with self.assertRaises(WaiterError):
            self.wait(command, self.hosts[0])

    def test_invocations_are_paged_with_their_steps(self):
        command = self.send(hosts=self.hosts[:2])
        for host in self.hosts[:2]:
            self.wait(command, host)
        pages = self.ssm.get_paginator("list_command_invocations").paginate(
            CommandId=command["CommandId"], Details=True, PaginationConfig={"PageSize": 1}
        )
        found = [invocation for page in pages for invocation in page["CommandInvocations"]]
        self.assertEqual(sorted(invocation["InstanceId"] for invocation in found), sorted(self.hosts[:2]))
        step = found[0]["CommandPlugins"][0]
        self.assertEqual((step["Name"], step["Output"], step["ResponseCode"]), ("greet", "hello world\n", 0))
        self.assertIsInstance(step["ResponseFinishDateTime"], datetime.datetime)

    def test_commands_are_paged_and_filtered(self):
        ids = {self.send()["CommandId"] for _ in range(3)}
        pages = self.ssm.get_paginator("list_commands").paginate(
            InstanceId=self.hosts[0],
            Filters=[{"key": "InvokedAfter", "value": "2021-07-07T00:00:00Z"}, {"key": "DocumentName", "value": self.document}],
            PaginationConfig={"PageSize": 2},
        )
        self.assertEqual({command["CommandId"] for page in pages for command in page["Commands"]}, ids)

    def test_a_document_is_described_pinned_and_its_edit_noticed(self):
        described = self.ssm.describe_document(Name=self.document)["Document"]
        self.assertEqual(described["Hash"], hashlib.sha256(content('echo "hello $SSM_Name"').encode()).hexdigest())
        self.assertEqual((described["HashType"], described["Status"]), ("Sha256", "Active"))
        self.assertIsInstance(described["CreatedDate"], datetime.datetime)
        self.ssm.update_document(Name=self.document, Content=content("true"), DocumentVersion="$LATEST")
        self.ssm.update_document_default_version(Name=self.document, DocumentVersion="2")
        pin = {"DocumentHash": described["Hash"], "DocumentHashType": "Sha256"}
        self.send(DocumentVersion="1", **pin)
        with self.assertRaises(self.ssm.exceptions.InvalidDocument):
            self.send(DocumentVersion="$DEFAULT", **pin)

    def test_hosts_are_described(self):
        found = self.ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": self.hosts[:1]}])
        host = found["InstanceInformationList"][0]
        self.assertIn(host["PingStatus"], ("Online", "ConnectionLost"))
        self.assertIsInstance(host["LastPingDateTime"], datetime.datetime)
        self.assertEqual(host["PlatformType"], "Linux")

    def test_errors_are_the_modelled_exceptions(self):
        exceptions = self.ssm.exceptions
        with self.assertRaises(exceptions.InvalidInstanceId):
            self.send(hosts=["i-ffffffffffffffff0"])
        with self.assertRaises(exceptions.InvalidParameters):
            self.send(Parameters={"Name": ["Not lower case"]})
        with self.assertRaises(exceptions.DuplicateInstanceId):
            self.send(hosts=self.hosts[:1] * 2)
        with self.assertRaises(exceptions.InvalidDocument):
            self.ssm.describe_document(Name="no-such-document")
        with self.assertRaises(exceptions.InvocationDoesNotExist):
            self.ssm.get_command_invocation(CommandId=str(uuid.uuid4()), InstanceId=self.hosts[0])
        with self.assertRaises(exceptions.InvalidCommandId):
            self.ssm.cancel_command(CommandId=str(uuid.uuid4()))
        self.assert_refused(
            "ValidationException",
            client(parameter_validation=False).send_command,
            DocumentName=self.document,
            InstanceIds=self.hosts[:1],
            Comment="x" * 101,
        )

    def test_a_throttled_call_reads_as_throttling(self):
        set_faults({"throttle": {"ListCommands": 1}})
        self.addCleanup(set_faults, {"throttle": {}})
        self.assert_refused("ThrottlingException", self.ssm.list_commands)

    def test_a_lost_reply_is_found_again_by_its_comment(self):
        set_faults({"lose_send_replies": 1})
        self.addCleanup(set_faults, {"lose_send_replies": 0})
        comment = f"lost:{uuid.uuid4()}"
        with self.assertRaises(Exception):
            self.send(Comment=comment)
        commands = self.ssm.list_commands(InstanceId=self.hosts[0])["Commands"]
        self.assertEqual(sum(command["Comment"] == comment for command in commands), 1)

    def test_a_cancel_is_accepted_and_takes_effect(self):
        self.ssm.update_document(Name=self.document, Content=content("sleep 30"), DocumentVersion="$LATEST")
        command = self.send(DocumentVersion="2")
        self.ssm.cancel_command(CommandId=command["CommandId"])
        with self.assertRaises(WaiterError):
            self.wait(command, self.hosts[0])
        listed = self.ssm.list_commands(CommandId=command["CommandId"])["Commands"][0]
        self.assertIn(listed["Status"], ("Cancelling", "Cancelled"))


if __name__ == "__main__":
    unittest.main()
