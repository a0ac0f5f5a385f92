"""Tests of the launcher's pure pieces: what they make of templates, records and policies.

Run with the Python of the local cloud's tools: `python -m unittest discover -s local/ministack/tests -t local/ministack`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import gaps
import launch
import sweep
from gaps import (
    alarm_events,
    aws_source,
    filter_pattern,
    http_api_body,
    kept_state,
    lambda_retries,
    log_group,
    path_resource,
    pipe_to_bus,
    ssm_document,
    stack_types,
    table_ttl,
    target_permissions,
    ticks,
)

RECORD = {
    "eventName": "INSERT",
    "dynamodb": {"NewImage": {"id": {"S": 'a"b'}, "version": {"N": "3"}, "deep": {"M": {"x": {"S": "y"}}}}},
}


class PathResource(unittest.TestCase):
    def arn(self, target, body):
        return path_resource.path_arn({"X-Amz-Target": target}, body, "eu-west-1", "000000000000")

    def test_a_read_by_path_is_authorised_on_its_path(self):
        for path in ("/orders/dev", "/orders/dev/"):
            body = json.dumps({"Path": path}).encode()
            self.assertEqual(
                self.arn("AmazonSSM.GetParametersByPath", body),
                "arn:aws:ssm:eu-west-1:000000000000:parameter/orders/dev",
            )

    def test_every_other_request_is_left_to_the_emulator(self):
        self.assertIsNone(self.arn("AmazonSSM.GetParameter", b'{"Path":"/x"}'))
        for body in (b"", b"[]", b"not json", b'{"Path":7}', b'{"Path":"x"}'):
            self.assertIsNone(self.arn("AmazonSSM.GetParametersByPath", body))


class LogGroup(unittest.TestCase):
    ARN = "arn:aws:logs:eu-west-1:000000000000:log-group:/longshore/dev/hosts"

    def arn(self, action, arn):
        return log_group.as_aws_has_it(arn, {"X-Amz-Target": f"Logs_20140328.{action}"})

    def test_a_group_is_authorised_with_the_ending_that_its_template_gives_it(self):
        self.assertEqual(self.arn("FilterLogEvents", self.ARN), f"{self.ARN}:*")

    def test_everything_else_is_left_as_it_is(self):
        self.assertEqual(self.arn("TagResource", self.ARN), self.ARN)
        for arn in ("*", None, f"{self.ARN}:*", f"{self.ARN}:log-stream:x"):
            self.assertEqual(self.arn("FilterLogEvents", arn), arn)


    def test_the_group_of_an_arn_is_found_with_either_ending(self):
        for arn in (self.ARN, f"{self.ARN}:*"):
            self.assertEqual(log_group.group_of(arn), "/longshore/dev/hosts")
        for arn in ("*", "", f"{self.ARN}:log-stream:x", "arn:aws:sqs:eu-west-1:000000000000:q"):
            self.assertIsNone(log_group.group_of(arn))


class FilterPattern(unittest.TestCase):
    def passes(self, pattern, *texts):
        matches = filter_pattern.matcher(pattern)
        return [text for text in texts if matches(text)]

    def test_any_of_the_terms_counts_and_capital_letters_do(self):
        texts = ("ERROR a", "Error b", "no error", "FATAL c")
        self.assertEqual(self.passes("?ERROR ?Error", *texts), ["ERROR a", "Error b"])
        self.assertEqual(self.passes('?"no error"', *texts), ["no error"])

    def test_a_field_of_json_is_compared(self):
        texts = ('{"level":50}', '{"level":30}', '{"level":"x"}', "{", "50", '{"err":{"code":"E"}}')
        self.assertEqual(self.passes("{ $.level >= 50 }", *texts), ['{"level":50}'])
        self.assertEqual(self.passes('{ $.err.code = "E" }', *texts), ['{"err":{"code":"E"}}'])

    def test_every_other_pattern_is_left_to_the_emulator(self):
        for pattern in ("", None, "ERROR", "?a b", "ERROR -debug", "{ $.a = 1 && $.b = 2 }", "%ERR.R%"):
            self.assertIsNone(filter_pattern.matcher(pattern))


class Names(unittest.TestCase):
    def test_the_installed_emulator_has_every_name(self):
        self.assertEqual(gaps.missing_names(), [])

    def test_every_missing_name_is_listed(self):
        missing = gaps.missing_of({"socketserver": ("TCPServer", "Gone", "AlsoGone"), "no_such_module": ("X",)})
        self.assertEqual(missing, ["socketserver.Gone", "socketserver.AlsoGone", "no_such_module"])

    def test_every_gap_says_what_it_needs(self):
        for gap in gaps.modules():
            self.assertTrue(gap.NEEDS, gap.__name__)
            self.assertTrue(gap.__doc__.startswith("Gap: "), gap.__name__)


class PipeToBus(unittest.TestCase):
    def test_a_placeholder_in_the_place_of_a_value_becomes_json(self):
        template = '{"id": <$.dynamodb.NewImage.id.S>, "deep": <$.dynamodb.NewImage.deep.M>, "no": <$.nothing.here>}'
        expected = {"id": 'a"b', "deep": {"x": {"S": "y"}}, "no": None}
        self.assertEqual(pipe_to_bus.render(template, RECORD), expected)

    def test_a_placeholder_inside_a_string_becomes_its_text(self):
        template = '{"id": "<$.dynamodb.NewImage.id.S>", "told": "an <$.eventName> of <$.dynamodb.NewImage.version.N>"}'
        self.assertEqual(pipe_to_bus.render(template, RECORD), {"id": 'a"b', "told": "an INSERT of 3"})

    def test_without_a_template_the_record_itself_is_the_detail(self):
        self.assertEqual(pipe_to_bus.render(None, RECORD), RECORD)

    def test_only_records_that_match_a_filter_are_wanted(self):
        criteria = {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}, {"Pattern": '{"eventName":["MODIFY"]}'}]}
        filters = pipe_to_bus.patterns({"SourceParameters": {"FilterCriteria": criteria}})
        records = [{"eventName": name} for name in ("INSERT", "MODIFY", "REMOVE")]
        matches = lambda record, pattern: record["eventName"] in pattern["eventName"]
        self.assertEqual(pipe_to_bus.wanted(records, filters, matches), records[:2])
        self.assertEqual(pipe_to_bus.wanted(records, [], matches), records)

    def test_an_entry_names_source_type_and_bus(self):
        parameters = {"EventBridgeEventBusParameters": {"Source": "longshore", "DetailType": "DeploymentChanged"}}
        pipe = {"Name": "changes", "Target": "arn:bus", "TargetParameters": {**parameters, "InputTemplate": '{"a": "b"}'}}
        entry = pipe_to_bus.entry(pipe, RECORD)
        self.assertEqual((entry["Source"], entry["DetailType"]), ("longshore", "DeploymentChanged"))
        self.assertEqual((entry["EventBusName"], json.loads(entry["Detail"])), ("arn:bus", {"a": "b"}))

    def test_an_entry_that_failed_is_no_success(self):
        self.assertTrue(pipe_to_bus.accepted((200, {}, b'{"FailedEntryCount": 0}')))
        self.assertFalse(pipe_to_bus.accepted((200, {}, b'{"FailedEntryCount": 1}')))
        self.assertFalse(pipe_to_bus.accepted((500, {}, b"")))

    def test_a_handler_keeps_the_parameters_that_the_emulator_drops(self):
        pipes = types.SimpleNamespace(_pipes={"changes": {}})
        handler = pipe_to_bus.remembering(lambda *_arguments: ("changes", {}), 1, pipes)
        handler("Logical", {"SourceParameters": {"a": 1}}, "stack")
        self.assertEqual(pipes._pipes["changes"], {"SourceParameters": {"a": 1}, "TargetParameters": {}})


class Document(unittest.TestCase):
    def test_content_may_be_a_map_or_text(self):
        self.assertEqual(ssm_document.content_text({"Content": {"a": 1}}), '{"a": 1}')
        self.assertEqual(ssm_document.content_text({"Content": "schemaVersion: '2.2'"}), "schemaVersion: '2.2'")

    def test_a_request_carries_what_the_template_says(self):
        properties = {"Content": "{}", "TargetType": "/AWS::EC2::Instance", "Tags": [{"Key": "a", "Value": "b"}]}
        request = ssm_document.create_request("longshore-dev", properties)
        self.assertEqual((request["Name"], request["DocumentType"]), ("longshore-dev", "Command"))
        self.assertEqual((request["TargetType"], request["Tags"]), ("/AWS::EC2::Instance", properties["Tags"]))
        self.assertEqual(ssm_document.update_request("longshore-dev", properties)["DocumentVersion"], "$LATEST")

    def calling(self, refusal=""):
        calls = []

        def call(action, body):
            calls.append((action, body))
            if refusal:
                raise ValueError(refusal)
            return {"DocumentDescription": {"DocumentVersion": "2"}}

        stock, ssm_document.call = ssm_document.call, call
        self.addCleanup(setattr, ssm_document, "call", stock)
        return calls

    def test_a_new_version_becomes_the_default(self):
        calls = self.calling()
        ssm_document.update("longshore-dev", {"Content": "{}"})
        self.assertEqual(calls[1], ("UpdateDocumentDefaultVersion", {"Name": "longshore-dev", "DocumentVersion": "2"}))

    def test_content_that_did_not_change_is_no_failure(self):
        self.calling("UpdateDocument: DuplicateDocumentContent")
        ssm_document.update("longshore-dev", {"Content": "{}"})

    def test_another_refusal_is_one(self):
        self.calling("UpdateDocument: InvalidDocumentContent")
        with self.assertRaises(ValueError):
            ssm_document.update("longshore-dev", {"Content": "{}"})

    def test_a_document_that_is_gone_is_deleted(self):
        self.calling("DeleteDocument: InvalidDocument")
        ssm_document.delete("longshore-dev")


class Permissions(unittest.TestCase):
    QUEUE = "arn:aws:sqs:eu-west-1:000000000000:q"
    RULE = {"Arn": "arn:aws:events:eu-west-1:000000000000:rule/bus/r"}

    def policy(self, **changes):
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        condition = {"ArnEquals": {"aws:SourceArn": self.RULE["Arn"]}}
        deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
        deny["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
        statements = [{**allow, "Resource": self.QUEUE, "Condition": condition, **changes}, deny]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    def may(self, policy, rule=None):
        queue = {"attributes": {"QueueArn": self.QUEUE, "Policy": policy}}
        return target_permissions.may_send(queue, {}, {"Source": "longshore"}, rule or self.RULE)

    def test_a_rule_that_the_queue_names_may_send(self):
        self.assertTrue(self.may(self.policy()))

    def test_another_rule_action_queue_or_service_may_not(self):
        self.assertFalse(self.may(self.policy(), {"Arn": self.RULE["Arn"] + "2"}))
        self.assertFalse(self.may(self.policy(Action="sqs:ReceiveMessage")))
        self.assertFalse(self.may(self.policy(Resource=self.QUEUE + "2")))
        self.assertFalse(self.may(self.policy(Principal={"Service": "sns.amazonaws.com"})))

    def test_without_a_policy_or_a_queue_nothing_is_sent(self):
        self.assertFalse(self.may(None))
        self.assertFalse(target_permissions.may_send(None, {}, {}, self.RULE))

    def test_a_schedule_needs_a_role(self):
        queue = {"attributes": {"QueueArn": self.QUEUE, "Policy": self.policy()}}
        target = {"RoleArn": "arn:aws:iam::000000000000:role/longshore/none"}
        self.assertFalse(target_permissions.may_send(queue, target, {"Source": "aws.scheduler"}, self.RULE))


class SmallGaps(unittest.TestCase):
    def test_only_the_source_of_ssm_is_let_through(self):
        entries = lambda *sources: {"Entries": [{"Source": source} for source in sources]}
        self.assertTrue(aws_source.is_ours(entries("aws.ssm", "longshore")))
        self.assertFalse(aws_source.is_ours(entries("aws.ssm", "aws.ec2")))

    def test_a_body_becomes_routes(self):
        integration = {"type": "aws_proxy", "uri": "arn:f", "payloadFormatVersion": 2.0}
        operation = {http_api_body.INTEGRATION: integration}
        body = {"paths": {"/hook": {"post": operation}, "/$default": {http_api_body.ANY: operation, "parameters": []}}}
        self.assertEqual([key for key, _ in http_api_body.routes(body)], ["POST /hook", "$default"])
        self.assertEqual(http_api_body.routes(body)[0][1]["payloadFormatVersion"], "2.0")
        self.assertEqual(http_api_body.routes(None), [])

    def test_time_to_live_is_asked_for_as_the_template_says(self):
        wanted = {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": "true"}}
        request = table_ttl.request("t", wanted)
        self.assertEqual(request["TimeToLiveSpecification"], {"AttributeName": "expires_at", "Enabled": True})
        self.assertIsNone(table_ttl.request("t", {}))

    def test_a_payload_that_is_no_json_becomes_a_body(self):
        self.assertEqual(lambda_retries.event_of('{"a": 1}'), {"a": 1})
        self.assertEqual(lambda_retries.event_of("plain"), {"body": "plain"})

    def test_a_resource_in_name_only_has_a_name(self):
        handlers = stack_types.accepted()
        self.assertEqual(handlers["create"]("Query", {}, "stack"), ("stack-Query", {}))
        self.assertEqual(handlers["update"]("name", {}, {}, "stack"), ("name", {}))

    def test_an_alarm_event_names_old_and_new_state(self):
        alarm = {"AlarmArn": "arn:a", "AlarmName": "a"}
        entry = alarm_events.entry(alarm, "OK", "ALARM", "why", "2026-01-01T00:00:00.000+0000")
        detail = json.loads(entry["Detail"])
        self.assertEqual((detail["previousState"]["value"], detail["state"]["value"]), ("OK", "ALARM"))
        self.assertEqual(entry["Resources"], ["arn:a"])

    def test_a_minute_can_be_shortened(self):
        self.assertEqual(ticks.scaled(60, 60.0), 60)
        self.assertEqual(ticks.scaled(300, 2.0), 10)
        self.assertIsNone(ticks.scaled(None, 2.0))
        self.assertEqual((ticks.interval(60.0), ticks.interval(1.0)), (0.5, 0.2))


class KeptState(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.saved = kept_state.Saved(folder.name, lambda name, state: json.dumps(state))

    def on_disk(self, name):
        with open(os.path.join(self.saved.folder, f"{name}.json"), encoding="utf-8") as file:
            return json.load(file)

    def request(self, action, items):
        """One request to a service whose whole state is the list of the actions it has seen."""

        async def stock(*_arguments):
            items.append(action)
            return "answer"

        handler = kept_state.saving(stock, self.saved, "dynamodb", lambda: list(items))
        return asyncio.run(handler("POST", "/", {"x-amz-target": f"DynamoDB_20120810.{action}"}, b"", {}))

    def test_a_change_is_on_disk_before_its_answer(self):
        items = []
        self.assertEqual(self.request("PutItem", items), "answer")
        self.assertEqual(self.on_disk("dynamodb"), ["PutItem"])
        self.request("TransactWriteItems", items)
        self.assertEqual(self.on_disk("dynamodb"), ["PutItem", "TransactWriteItems"])

    def test_the_installed_application_has_what_is_wrapped(self):
        self.assertEqual(gaps.missing_of(kept_state.APPLICATION), [])

    def test_it_is_the_last_gap_so_that_the_application_comes_after_all_others(self):
        self.assertEqual(gaps.GAPS[-1], "kept_state")

    def test_a_read_writes_nothing(self):
        for action in ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable"):
            self.request(action, [])
        self.assertEqual(os.listdir(self.saved.folder), [])

    def test_a_file_is_written_only_when_something_is_different_and_nothing_stays_beside_it(self):
        self.assertTrue(self.saved.save("sqs", lambda: [1]))
        self.assertFalse(self.saved.save("sqs", lambda: [1]))
        self.assertFalse(self.saved.save("sqs", lambda: None))
        self.assertEqual(os.listdir(self.saved.folder), ["sqs.json"])

    def test_a_state_that_changes_while_it_is_read_is_read_again(self):
        states = [RuntimeError("dictionary changed size during iteration"), [2]]

        def get_state():
            state = states.pop(0)
            if isinstance(state, Exception):
                raise state
            return state

        self.assertTrue(self.saved.save("sqs", get_state))
        self.assertEqual(self.on_disk("sqs"), [2])

    def test_a_stack_that_has_changed_means_all_of_it(self):
        services = {name: lambda: ["as it is"] for name in ("cloudformation", "lambda", "sqs")}
        kept_state.look(self.saved, services)
        self.assertEqual(self.on_disk("lambda"), ["as it is"])
        services["lambda"] = services["sqs"] = lambda: ["later"]
        kept_state.look(self.saved, services)
        self.assertEqual((self.on_disk("lambda"), self.on_disk("sqs")), (["as it is"], ["later"]))

    def test_a_reader_of_a_stream_begins_where_the_new_stream_begins(self):
        loaded = []
        load = kept_state.at_the_beginning(loaded.append, "positions")
        load({"positions": {"a": 7}, "pipes": ["p"]})
        load(None)
        self.assertEqual(loaded, [{"positions": {}, "pipes": ["p"]}, None])


class Sweep(unittest.TestCase):
    def test_a_process_belongs_by_its_environment_only(self):
        inside = b"PATH=/bin\0LONGSHORE_ROOT=/w/hosts/i-1/srv\0"
        self.assertTrue(sweep.belongs(inside, "/w/hosts"))
        self.assertTrue(sweep.belongs(b"PM2_HOME=/w/hosts/i-1/pm2\0", "/w/hosts/"))
        self.assertFalse(sweep.belongs(b"LONGSHORE_ROOT=/w/hosts-2/i-1\0", "/w/hosts"))
        self.assertFalse(sweep.belongs(b"PWD=/w/hosts/i-1\0", "/w/hosts"))

    def test_a_process_of_a_host_is_ended_and_a_stranger_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
            ours = subprocess.Popen(sleeper, env={"LONGSHORE_ROOT": folder + "/i-1"})
            stranger = subprocess.Popen(sleeper, env={"PWD": folder})
            try:
                while ours.pid not in sweep.processes_of(folder):
                    time.sleep(0.01)
                self.assertEqual(sweep.end_hosts(folder), 1)
                ours.wait(timeout=5)
                self.assertIsNone(stranger.poll())
            finally:
                stranger.kill()
                stranger.wait()


class Launch(unittest.TestCase):
    def test_the_parent_must_be_named(self):
        options = launch.parse(["--parent", "7", "--hosts", "/w"])
        self.assertEqual((options.parent, options.hosts), (7, "/w"))


if __name__ == "__main__":
    unittest.main()
