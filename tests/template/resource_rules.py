"""House rules about resources: what is delivered to whom, what is kept, what wakes somebody, what reaches a host.

Each rule returns the sentences it objects to. A rule must never pass because what it looks for is not there: what must
exist is named, and its absence is an objection.
"""

import json
import pathlib
import re

import view

VISIBILITY_TO_TIMEOUT = 6
BITBUCKET_SECONDS = 10
SLACK_SECONDS = 3
PAGE_SECONDS = 5
FUNCTIONS = {
    "auto-rollback",
    "console-page",
    "health-verifier",
    "history-export",
    "notifier",
    "on-command-status",
    "operator-api",
    "reconciler",
    "slack-clicks",
    "trigger-deploy",
}
# What anybody on the internet may call.
PUBLIC = {
    "POST /webhooks/bitbucket": "trigger-deploy",
    "POST /slack": "slack-clicks",
    "GET /console": "console-page",
    "GET /console/{file}": "console-page",
}
# The console's routes are those of the operators under this, and are there only with the console.
CONSOLE, CONSOLE_CONDITION = "/console", "HasConsole"
# The functions that the HTTP API calls, and the one that reads the table's stream; every other one is fed by a queue.
CALLED = {"operator-api", *PUBLIC.values()}
STREAMED = "history-export"
EXPORT_CONDITION = "ExportsHistory"
OPENAPI = pathlib.Path(__file__).parents[2] / "docs" / "operator-api.openapi.json"
ANCHOR = re.compile(r" Next: docs/OPERATIONS\.md#[a-z0-9-]+$")
ANCHORED = re.compile(r"^\^\(\?:(.+)\)\??\$$")


def functions_have_their_own_role_and_log(template):
    """Each function of the product, with a role and a log group of its own, logs in JSON and kept for the days that were asked for."""
    found = view.functions(template)
    if set(found) != FUNCTIONS:
        yield f"the functions are {sorted(found)}"
    for kind in ("role", "log_group"):
        shared = [getattr(function, kind) for function in found.values()]
        if len(set(shared)) != len(shared):
            yield f"two functions share a {kind}: {shared}"
    groups = view.of_type(template, "AWS::Logs::LogGroup")
    for name, function in found.items():
        if (
            function.log_group.removesuffix(".Arn") not in groups
            or function.properties.get("LoggingConfig", {}).get("LogFormat") != "JSON"
        ):
            yield f"{name}: no JSON log in a group of this template"
        if function.role not in view.of_type(template, "AWS::IAM::Role"):
            yield f"{name}: its role is not in this template"
    for name, properties in groups.items():
        if view.text(properties.get("RetentionInDays")) != "${LogRetentionDays}":
            yield f"{name}: kept for {properties.get('RetentionInDays')}"


def variables_are_exactly_the_contract(template):
    """Each function has the environment variables of contract.toml, and no others."""
    found = view.functions(template)
    for name, function in found.items():
        wanted = sorted(variable for variable, users in view.CONTRACT["variables"].items() if name in users)
        if sorted(function.variables) != wanted:
            yield f"{name} has {sorted(function.variables)}, not {wanted}"
    for variable, users in view.CONTRACT["variables"].items():
        for name in set(users) - set(found):
            yield f"{variable}: there is no function {name}"


def queues_feed_functions_with_time_to_spare(template):
    """Every function but the public ones takes small batches from a queue with time to spare, a limit of tries and a partial answer."""
    queues = view.of_type(template, "AWS::SQS::Queue")
    sources = view.of_type(template, "AWS::Lambda::EventSourceMapping")
    fed = {view.text(source["FunctionName"]): source for source in sources.values()}
    for name, function in view.functions(template).items():
        if name in CALLED or name == STREAMED:
            continue
        source = fed.get("${" + function.logical_id + "}", {})
        queue = queues.get(view.text(source.get("EventSourceArn", "")).removeprefix("${").removesuffix(".Arn}"), {})
        redrive = queue.get("RedrivePolicy", {})
        if (
            source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]
            or not 1 <= source.get("BatchSize", 0) <= 10
        ):
            yield f"{name}: one bad message would fail its whole batch"
        if queue.get("VisibilityTimeout", 0) < VISIBILITY_TO_TIMEOUT * function.properties.get("Timeout", 3):
            yield f"{name}: a message comes back while it is still worked on"
        if view.text(redrive.get("deadLetterTargetArn")).removeprefix("${").removesuffix(
            ".Arn}"
        ) not in view.dead_letter_queues(template):
            yield f"{name}: a message that fails is lost or tried for ever"
        if redrive.get("maxReceiveCount", 0) < 5:
            yield f"{name}: too few tries for a function that may be throttled"
        reserved = source.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
        if reserved < 2 or f", {reserved}," not in view.text(function.properties.get("ReservedConcurrentExecutions")):
            yield f"{name}: its source may scale past what is reserved for it"


def self_messaging_functions_are_not_stopped(template):
    """A function that sends to its own queue says so, or Lambda's loop detection stops a deployment after some sixteen looks."""
    for name, function in view.functions(template).items():
        # A click starts nothing that comes back to it, and nor does a dead letter: they have no queue of their own.
        sends = name not in ("slack-clicks", STREAMED) and "sqs:SendMessage" in view.allowed_actions(template, function.role)
        if sends != (function.properties.get("RecursiveLoop") == "Allow"):
            yield f"{name}: sends to its own queue {sends}, RecursiveLoop {function.properties.get('RecursiveLoop')}"


def queues_are_closed(template):
    """Queues are encrypted, refuse plain HTTP, and take messages from the one rule they belong to."""
    statements = list(view.resource_statements(template))
    policies = view.of_type(template, "AWS::SQS::QueuePolicy")
    covered = {view.text(queue): owner for owner, properties in policies.items() for queue in properties["Queues"]}
    for name, properties in view.of_type(template, "AWS::SQS::Queue").items():
        if properties.get("SqsManagedSseEnabled") is not True or "KmsMasterKeyId" in properties:
            yield f"{name}: not SSE-SQS, the one encryption that EventBridge delivers to without a key policy"
        mine = [one for one in statements if one.owner == covered.get("${" + name + "}")]
        if not any(one.effect == "Deny" and one.condition("Bool", "aws:SecureTransport") == ("false",) for one in mine):
            yield f"{name}: takes plain HTTP"
        if name in view.dead_letter_queues(template) and properties.get("MessageRetentionPeriod") != 1209600:
            yield f"{name}: dead letters vanish before the longest holiday ends"
    for one in statements:
        if (
            one.owner in policies
            and one.effect == "Allow"
            and (one.principals != ("Service:events.amazonaws.com",) or not one.condition("ArnEquals", "aws:SourceArn"))
        ):
            yield f"{one.owner}.{one.sid}: {one.principals} without a source"


def rules_match_and_deliver(template):
    """Every rule has the bus, pattern and queue of the contract, tries again, keeps what it cannot deliver, and may deliver."""
    found = view.of_type(template, "AWS::Events::Rule")
    if set(found) != set(view.CONTRACT["rules"]):
        yield f"the rules are {sorted(found)}"
    allowed = {
        (source, resource)
        for one in view.resource_statements(template)
        if one.effect == "Allow"
        for source in one.condition("ArnEquals", "aws:SourceArn")
        for resource in one.resources
    }
    for name in set(found) & set(view.CONTRACT["rules"]):
        rule, wanted = found[name], view.CONTRACT["rules"][name]
        if (
            view.resolved(rule.get("EventPattern")) != wanted["pattern"]
            or view.text(rule.get("EventBusName", "")) != wanted["bus"]
        ):
            yield f"{name}: bus {rule.get('EventBusName')}, pattern {rule.get('EventPattern')}"
        targets = rule.get("Targets", [])
        if [view.text(target["Arn"]) for target in targets] != ["${" + wanted["queue"] + ".Arn}"]:
            yield f"{name}: goes to {targets}"
        for target in targets:
            queue, letters = view.text(target["Arn"]), view.text(target.get("DeadLetterConfig", {}).get("Arn"))
            if (
                "MaximumRetryAttempts" not in target.get("RetryPolicy", {})
                or letters != "${UndeliveredDeadLetterQueue.Arn}"
            ):
                yield f"{name}: an event that cannot be delivered is lost"
            if not {("${" + name + ".Arn}", queue), ("${" + name + ".Arn}", letters)} <= allowed:
                yield f"{name}: a queue's policy does not let it deliver"


def the_pipe_tells_every_change(template):
    """The pipe filters, names and shapes events as the contract says, gives up in time, and keeps what it gave up on."""
    pipe = view.of_type(template, "AWS::Pipes::Pipe").get("ChangesPipe", {})
    stream = pipe.get("SourceParameters", {}).get("DynamoDBStreamParameters", {})
    target = pipe.get("TargetParameters", {})
    filters = pipe.get("SourceParameters", {}).get("FilterCriteria", {}).get("Filters", [])
    wanted = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"sk": {"S": ["STATE"]}}}}
    if [json.loads(one["Pattern"]) for one in filters] != [wanted]:
        yield f"ChangesPipe: filters {filters}"
    if target.get("EventBridgeEventBusParameters") != {"Source": "longshore", "DetailType": "DeploymentChanged"}:
        yield f"ChangesPipe: events are {target.get('EventBridgeEventBusParameters')}"
    detail = {key: f"<$.dynamodb.NewImage.{path}>" for key, path in view.CONTRACT["detail"].items()}
    if json.loads(target.get("InputTemplate", "null")) != detail:
        yield f"ChangesPipe: details are {target.get('InputTemplate')}"
    if (
        not 0 < stream.get("MaximumRetryAttempts", -1)
        or not 0 < stream.get("MaximumRecordAgeInSeconds", -1)
        or "DeadLetterConfig" not in stream
    ):
        yield "ChangesPipe: one bad record would hold up its shard for a day"


def the_export_takes_histories_and_loses_none(template):
    """The second reader of the stream takes deployments, slots and deeds from the beginning, cuts a batch that fails, tries for
    hours, leaves a person the rest of the day, and keeps the place of what it gave up. All of it is there by its condition."""
    sources = view.of_type(template, "AWS::Lambda::EventSourceMapping")
    readers = [name for name, one in sources.items() if view.text(one["EventSourceArn"]) == "${Table.StreamArn}"]
    if readers != ["HistoryExportSource"] or len(view.of_type(template, "AWS::Pipes::Pipe")) != 1:
        yield f"a stream serves two readers, the pipe and the export: {readers}"
    source = sources.get("HistoryExportSource", {})
    filters = [json.loads(one["Pattern"]) for one in source.get("FilterCriteria", {}).get("Filters", [])]
    items = {"S": ["STATE", "SLOT", {"prefix": "ENTRY#"}]}
    if filters != [{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"sk": items}}}]:
        yield f"HistoryExportSource: filters {filters}"
    if view.text(source.get("FunctionName")) != "${HistoryExportFunction}" or source.get("StartingPosition") != "TRIM_HORIZON":
        yield "HistoryExportSource: feeds another function, or not from the beginning"
    if source.get("BisectBatchOnFunctionError") is not True or "FunctionResponseTypes" in source:
        yield "HistoryExportSource: one record holds up its neighbours, or a part of a batch counts as done"
    age, tries = source.get("MaximumRecordAgeInSeconds", -1), source.get("MaximumRetryAttempts", -1)
    if not 3600 <= age <= 12 * 3600 or tries < 1000:
        yield f"HistoryExportSource: gives up after {age} seconds or {tries} tries"
    if view.resolved(source.get("DestinationConfig")) != {"OnFailure": {"Destination": "${HistoryExportDeadLetterQueue.Arn}"}}:
        yield "HistoryExportSource: what it gives up is lost without a trace"
    if not 30 <= source.get("MaximumBatchingWindowInSeconds", 0) <= 300:
        yield "HistoryExportSource: an object for every write"
    for name, resource in template["Resources"].items():
        if name.startswith("History") != (resource.get("Condition") == EXPORT_CONDITION):
            yield f"{name}: condition {resource.get('Condition')}"


def histories_are_kept_closed(template):
    """The bucket belongs to its owner alone, is encrypted under the environment's key, keeps what is replaced, refuses plain HTTP
    and deletions, outlives the stack, and lets go of what is too old."""
    resource = template["Resources"].get("HistoryBucket", {})
    if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
        yield "HistoryBucket: is deleted with the stack"
    bucket = view.resolved(resource.get("Properties", {}))
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "${Key.Arn}"}
    wanted = {
        "PublicAccessBlockConfiguration": {block: True for block in blocks},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": encryption}]
        },
    }
    for field, value in wanted.items():
        if bucket.get(field) != value:
            yield f"HistoryBucket.{field}: {bucket.get(field)}"
    kept = [rule.get("ExpirationInDays") for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])]
    if "${HistoryDays}" not in kept:
        yield f"HistoryBucket: kept for {kept}"
    policies = view.of_type(template, "AWS::S3::BucketPolicy")
    covered = [name for name, one in policies.items() if view.text(one.get("Bucket")) == "${HistoryBucket}"]
    mine = [one for one in view.resource_statements(template) if one.owner in covered]
    objects = "${HistoryBucket.Arn}/*"
    if any(one.effect != "Deny" for one in mine):
        yield "HistoryBucket: its policy lets somebody in"
    everybody = [one for one in mine if one.principals == ("*:*",) and objects in one.resources]
    tls = [one for one in everybody if one.condition("Bool", "aws:SecureTransport") == ("false",)]
    if not any("${HistoryBucket.Arn}" in one.resources and one.actions == ("s3:*",) for one in tls):
        yield "HistoryBucket: takes plain HTTP"
    deletions = ("s3:DeleteObject", "s3:DeleteObjectVersion")
    if not any(one.actions == deletions and not one.conditions for one in everybody):
        yield "HistoryBucket: somebody may delete"


def the_tick_comes_every_minute(template):
    """The schedule is on, comes every minute, says Tick, and keeps what it could not send."""
    schedule = view.of_type(template, "AWS::Scheduler::Schedule").get("TickSchedule", {})
    target = schedule.get("Target", {})
    if schedule.get("ScheduleExpression") != "rate(1 minute)" or schedule.get("State") != "ENABLED":
        yield f"TickSchedule: {schedule.get('ScheduleExpression')}, {schedule.get('State')}"
    if (
        json.loads(target.get("Input", "null")) != {"detail-type": "Tick"}
        or view.text(target.get("Arn")) != "${ReconcilerQueue.Arn}"
    ):
        yield f"TickSchedule: sends {target.get('Input')} to {target.get('Arn')}"
    if "DeadLetterConfig" not in target:
        yield "TickSchedule: a tick that cannot be sent is lost without a trace"


def the_poll_comes_every_five_minutes(template):
    """The schedule is on, comes every five minutes, says Poll to the reconciler, and keeps what it could not send."""
    schedule = view.of_type(template, "AWS::Scheduler::Schedule").get("PollSchedule", {})
    target = schedule.get("Target", {})
    if schedule.get("ScheduleExpression") != "rate(5 minutes)" or schedule.get("State") != "ENABLED":
        yield f"PollSchedule: {schedule.get('ScheduleExpression')}, {schedule.get('State')}"
    if (
        json.loads(target.get("Input", "null")) != {"detail-type": "Poll"}
        or view.text(target.get("Arn")) != "${ReconcilerQueue.Arn}"
    ):
        yield f"PollSchedule: sends {target.get('Input')} to {target.get('Arn')}"
    if "DeadLetterConfig" not in target:
        yield "PollSchedule: a poll that cannot be sent is lost without a trace"


def the_webhook_is_narrow(template):
    """The routes that anybody may call are throttled and logged, and answer before their callers give up, on functions with a limit."""
    stage = view.of_type(template, "AWS::ApiGatewayV2::Stage").get("HttpApiStage", {})
    found = view.of_type(template, "AWS::ApiGatewayV2::Route").values()
    routes = [route["RouteKey"] for route in found if route.get("AuthorizationType") not in ("AWS_IAM", "JWT")]
    # A stage may not have settings for routes that are not there, so there are two sets: with the console and without.
    condition, settings, without = stage.get("RouteSettings", {}).get("Fn::If", [None, {}, {}])
    if condition != CONSOLE_CONDITION or without != {key: of for key, of in settings.items() if CONSOLE not in key}:
        yield f"the settings of routes are {settings} with the console and {without} without"
    if sorted(routes) != sorted(PUBLIC):
        yield f"the routes are {routes}"
    for route in routes:
        limits = settings.get(route, {})
        if not 0 < limits.get("ThrottlingRateLimit", 0) <= 100 or not 0 < limits.get("ThrottlingBurstLimit", 0) <= 200:
            yield f"{route}: not throttled"
    if not isinstance(json.loads(stage.get("AccessLogSettings", {}).get("Format", "null")), dict):
        yield "HttpApiStage: no access log in JSON"
    limits = (("trigger-deploy", BITBUCKET_SECONDS - 1), ("slack-clicks", SLACK_SECONDS), ("console-page", PAGE_SECONDS))
    for name, seconds in limits:
        function = view.functions(template).get(name)
        if (
            function is None
            or function.properties.get("Timeout", 900) > seconds
            or "ReservedConcurrentExecutions" not in function.properties
        ):
            yield f"{name}: may answer after its caller gave up, or take all concurrency of the account"


def operator_routes():
    """The routes of the operators' API as its document has them: route key to role."""
    paths = json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": operation["x-longshore-role"]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def is_for_console(key):
    """Whether a route key is one of the console's."""
    return key.split(" ", 1)[-1].startswith(CONSOLE)


def the_console_takes_tokens_of_its_issuer_for_its_client_only(template):
    """One authorizer, for tokens in the Authorization header, with the issuer and the audience that the stack was given; all of the
    console goes by its condition."""
    found = view.of_type(template, "AWS::ApiGatewayV2::Authorizer")
    wanted = {"Issuer": {"Ref": "ConsoleIssuer"}, "Audience": [{"Ref": "ConsoleClient"}]}
    if set(found) != {"ConsoleAuthorizer"}:
        yield f"the authorizers are {sorted(found)}"
    for name, properties in found.items():
        if properties.get("AuthorizerType") != "JWT" or properties.get("JwtConfiguration") != wanted:
            yield f"{name}: takes {properties.get('AuthorizerType')} of {properties.get('JwtConfiguration')}"
        if properties.get("IdentitySource") != ["$request.header.Authorization"]:
            yield f"{name}: takes tokens from {properties.get('IdentitySource')}, and addresses end in logs"
    for name, properties in view.of_type(template, "AWS::ApiGatewayV2::Route").items():
        if is_for_console(properties["RouteKey"]):
            if properties.get("AuthorizationType") == "JWT" and properties.get("AuthorizerId") != {"Ref": "ConsoleAuthorizer"}:
                yield f"{name}: another authorizer"
    for name, resource in template["Resources"].items():
        if name.startswith("Console") != (resource.get("Condition") == CONSOLE_CONDITION):
            yield f"{name}: condition {resource.get('Condition')}"
    cors = view.of_type(template, "AWS::ApiGatewayV2::Api")["HttpApi"].get("CorsConfiguration", {})
    condition, given, _ = cors.get("Fn::If", [None, {}, None])
    if condition != "HasConsoleCallers" or given.get("AllowOrigins") != {"Ref": "ConsoleCallers"} or "AllowCredentials" in given:
        yield f"HttpApi: other pages may call it: {cors}"
    client = template.get("Rules", {}).get("AConsoleHasAClient", {})
    if "ConsoleClient" not in json.dumps(client):
        yield "a console without a client would take tokens for anything"


def operators_come_in_by_iam_only(template):
    """The operators' routes are those of the document, each takes IAM and goes to the one function, and no other leads there but
    the console's, which are the same."""
    wanted = set(operator_routes())
    wanted |= {key.replace(" ", " " + CONSOLE, 1) for key in wanted}
    into = "integrations/${OperatorIntegration}"
    routes = view.of_type(template, "AWS::ApiGatewayV2::Route").values()
    found = {one["RouteKey"] for one in routes if view.text(one.get("Target")) == into}
    if found != wanted:
        yield f"routes that nobody serves {sorted(found - wanted)}, routes that are missing {sorted(wanted - found)}"
    for one in routes:
        if view.text(one.get("Target")) != into:
            continue
        wants = "JWT" if is_for_console(one["RouteKey"]) else "AWS_IAM"
        if one.get("AuthorizationType") != wants:
            yield f"{one['RouteKey']}: anybody may call it"
    integration = view.of_type(template, "AWS::ApiGatewayV2::Integration").get("OperatorIntegration", {})
    if "${OperatorApiFunction.Arn}" not in view.text(integration.get("IntegrationUri")):
        yield f"OperatorIntegration: leads to {integration.get('IntegrationUri')}"
    permission = view.of_type(template, "AWS::Lambda::Permission").get("OperatorPermission", {})
    if not view.text(permission.get("SourceArn")).endswith(":${HttpApi}/*/*/v1/*"):
        yield f"OperatorPermission: for {permission.get('SourceArn')}"


def what_must_last_is_kept(template):
    """The table and the key outlive the stack; the table can be restored, is encrypted, and is protected in production."""
    for name in ("Table", "Key"):
        resource = template["Resources"].get(name, {})
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
            yield f"{name}: is deleted with the stack"
    table = view.of_type(template, "AWS::DynamoDB::Table").get("Table", {})
    wanted = {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "${Key.Arn}"},
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "DeletionProtectionEnabled": {"Fn::If": ["IsProduction", True, False]},
        "BillingMode": "PAY_PER_REQUEST",
    }
    for field, value in wanted.items():
        if view.resolved(table.get(field)) != value:
            yield f"Table.{field}: {table.get(field)}"
    key = view.of_type(template, "AWS::KMS::Key").get("Key", {})
    if key.get("EnableKeyRotation") is not True or key.get("PendingWindowInDays", 0) < 30:
        yield "Key: does not rotate, or can be gone within a month"
    topic = view.of_type(template, "AWS::SNS::Topic").get("Topic", {})
    if view.text(topic.get("KmsMasterKeyId")) != "${Key.Arn}":
        yield "Topic: not under the environment's key"


def alarms_wake_somebody(template):
    """What must be alarmed is, and every alarm says what happened, where to read on, what no data means, and whom to tell."""
    alarms = view.of_type(template, "AWS::CloudWatch::Alarm")
    watched = {
        (view.text(one["Namespace"]), one["MetricName"], dimension["Name"], view.text(dimension["Value"]))
        for one in alarms.values()
        for dimension in one.get("Dimensions", [{"Name": "", "Value": ""}])
    }
    for missing in sorted(wanted_alarms(template) - watched):
        yield f"no alarm on {missing}"
    for name, alarm in alarms.items():
        if not ANCHOR.search(alarm.get("AlarmDescription", "")) or len(alarm["AlarmDescription"]) > 1024:
            yield f"{name}: no cause and next step"
        if view.resolved(alarm.get("AlarmActions")) != ["${Topic}"] or alarm.get("ActionsEnabled", True) is not True:
            yield f"{name}: tells nobody"
        if alarm.get("TreatMissingData") not in ("breaching", "notBreaching"):
            yield f"{name}: what does no data mean?"
        if not view.text(alarm.get("AlarmName")).startswith("longshore-${EnvironmentName}-"):
            yield f"{name}: the key and the topic know alarms by their prefix"
    if alarms.get("TickMissingAlarm", {}).get("TreatMissingData") != "breaching":
        yield "TickMissingAlarm: a reconciler that never runs would look healthy"


def wanted_alarms(template):
    """Namespace, metric and dimension of what must be alarmed."""
    wanted = {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${" + queue + ".QueueName}")
        for queue in view.dead_letter_queues(template)
    }
    sources = view.of_type(template, "AWS::Lambda::EventSourceMapping").values()
    wanted |= {
        (
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            "QueueName",
            view.text(one["EventSourceArn"]).replace(".Arn}", ".QueueName}"),
        )
        for one in sources
        if view.text(one["EventSourceArn"]) != "${Table.StreamArn}"
    }
    for function in view.functions(template).values():
        wanted |= {
            ("AWS/Lambda", metric, "FunctionName", "${" + function.logical_id + "}")
            for metric in ("Errors", "Throttles")
        }
    for name, rule in view.of_type(template, "AWS::Events::Rule").items():
        wanted.add(("AWS/Events", "FailedInvocations", "RuleName", view.text(rule["Name"])))
        if "EventBusName" in rule:
            wanted.add(("AWS/Events", "FailedInvocations", "EventBusName", "${EventBus}"))
    for metric_filter in view.of_type(template, "AWS::Logs::MetricFilter").values():
        wanted |= {
            (view.text(one["MetricNamespace"]), one["MetricName"], "", "")
            for one in metric_filter["MetricTransformations"]
        }
    return wanted | {
        ("AWS/EventBridge/Pipes", "ExecutionFailed", "PipeName", "${ChangesPipe}"),
        ("AWS/Lambda", "IteratorAge", "FunctionName", "${HistoryExportFunction}"),
        ("AWS/Lambda", "Invocations", "FunctionName", "${ReconcilerFunction}"),
        ("AWS/Lambda", "Duration", "FunctionName", "${TriggerDeployFunction}"),
        ("AWS/ApiGateway", "5xx", "ApiId", "${HttpApi}"),
    }


def counted_log_lines_are_the_contract(template):
    """Each log line of the contract is counted in the log of the function that writes it."""
    counted = {
        (view.text(one["LogGroupName"]), one["FilterPattern"])
        for one in view.of_type(template, "AWS::Logs::MetricFilter").values()
    }
    for event, name in view.CONTRACT["log_events"].items():
        function = view.functions(template).get(name)
        group = "${" + function.log_group + "}" if function else ""
        pattern = f'{{ ($.event = "{event}") || ($.fields.event = "{event}") }}'
        if (group, pattern) not in counted:
            yield f"{event} of {name} is not counted"


def the_document_takes_nothing_unchecked(template):
    """Every parameter of the host document is a choice or has an anchored pattern without braces, quotes, blanks or dollars."""
    document = view.of_type(template, "AWS::SSM::Document").get("HostDocument", {})
    content = document.get("Content", {})
    parameters = content.get("parameters", {})
    if sorted(parameters) != view.CONTRACT["document"]["parameters"]:
        yield f"HostDocument: parameters {sorted(parameters)}"
    for name, parameter in parameters.items():
        pattern = parameter.get("allowedPattern", "")
        if not parameter.get("allowedValues") and not admits_only_plain_text(pattern):
            yield f"HostDocument.{name}: pattern {pattern!r}"
        if (parameter.get("interpolationType") != "ENV_VAR") != (name in view.CONTRACT["document"]["raw"]):
            yield f"HostDocument.{name}: interpolation {parameter.get('interpolationType')}"
    steps = content.get("mainSteps", [])
    if [step.get("action") for step in steps] != ["aws:runShellScript"]:
        yield f"HostDocument: steps {steps}"
    for line in (line for step in steps for line in step.get("inputs", {}).get("runCommand", [])):
        if re.search(r"\{\{\s*[A-Za-z]", line):
            yield f"HostDocument: a value is pasted into the script: {line}"
    if (document.get("UpdateMethod"), document.get("TargetType"), view.text(document.get("Name"))) != (
        "NewVersion",
        "/AWS::EC2::Instance",
        "longshore-${EnvironmentName}",
    ):
        yield "HostDocument: its name, target or way of update"


def admits_only_plain_text(pattern):
    """Whether a pattern is anchored around one group, since the agent looks for a partial match, and refuses what a shell may act on."""
    match = ANCHORED.match(pattern)
    if not match or not is_one_group(match.group(1)):
        return False
    foreign = ["{{ssm:/a}}", "a b", "a;id", "$(id)", "a'b", 'a"b', "a\nb", "`id`"]
    return not any(re.search(pattern, value) for value in foreign)


def is_one_group(inner):
    """Whether the text between a group's parentheses closes no more than it opens, so that the anchors hold for all of it."""
    depth = 0
    for character in re.sub(r"\\.|\[[^\]]*\]", "", inner):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def the_local_cloud_knows_every_type(template):
    """The same template runs locally, where one unknown type refuses it as a whole, and metric mathematics too."""
    for name, resource in template["Resources"].items():
        if resource["Type"] not in view.CONTRACT["local_cloud"]["types"]:
            yield f"{name}: {resource['Type']} is unknown to the local cloud"
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]:
            yield f"{name}: metric mathematics is unknown to the local cloud"


def nothing_names_a_place(template):
    """No partition, region, account or secret is written into the template."""
    whole = json.dumps(template)
    for pattern in (
        r"arn:aws[a-z-]*:",
        r"\b(eu|us|ap|sa|ca|me|af)-[a-z]+-\d\b",
        r"\b\d{12}\b",
        r"\bAKIA[A-Z0-9]{16}\b",
        r"hooks\.slack\.com/services/",
    ):
        for found in re.findall(pattern, whole):
            yield f"the template holds {found}"


RULES = [
    functions_have_their_own_role_and_log,
    variables_are_exactly_the_contract,
    queues_feed_functions_with_time_to_spare,
    self_messaging_functions_are_not_stopped,
    queues_are_closed,
    rules_match_and_deliver,
    the_pipe_tells_every_change,
    the_export_takes_histories_and_loses_none,
    histories_are_kept_closed,
    the_tick_comes_every_minute,
    the_poll_comes_every_five_minutes,
    the_webhook_is_narrow,
    operators_come_in_by_iam_only,
    the_console_takes_tokens_of_its_issuer_for_its_client_only,
    what_must_last_is_kept,
    alarms_wake_somebody,
    counted_log_lines_are_the_contract,
    the_document_takes_nothing_unchecked,
    the_local_cloud_knows_every_type,
    nothing_names_a_place,
]
