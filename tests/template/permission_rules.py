"""House rules about permissions: who may do what, on what, and under which condition.

Each rule returns the sentences it objects to. A rule must never pass because what it looks for is not there: what must
exist is named, and its absence is an objection.
"""

import pathlib
import re

import resource_rules
import view

BALANCER = pathlib.Path(__file__).parents[2] / "host" / "script" / "45-balancer.sh"
# These actions know no resources; everything else is given the ARN of what it acts on.
WITHOUT_RESOURCES = {
    # It knows alarms, but tells composite ones only to who may ask for all (Amazon CloudWatch API Reference, DescribeAlarms).
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "elasticloadbalancing:DescribeTargetHealth",
    "ssm:DescribeInstanceInformation",
    "ssm:ListCommandInvocations",
    "ssm:ListCommands",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}
SENDERS = {"AutoRollbackRole", "HealthVerifierRole", "ReconcilerRole"}
PREFIX = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:"
DOCUMENT = PREFIX % "ssm" + "document/longshore-${EnvironmentName}"
HOSTS = PREFIX % "ec2" + "instance/*"
PARAMETERS = PREFIX % "ssm" + "parameter/"
CONTROL = PARAMETERS + "longshore/${EnvironmentName}/control/*"
CHANNELS = tuple(
    PARAMETERS + "longshore/${EnvironmentName}/control/" + name
    for name in ("slack/*", "slack-app-token", "teams/*", "webhooks/*", "bitbucket/write-token", "bitbucket/write-token/*")
)
SECRET = PARAMETERS + "longshore/${EnvironmentName}/control/bitbucket/webhook-secret"
SIGNING = PARAMETERS + "longshore/${EnvironmentName}/control/slack-signing-secret"
TOKENS = tuple(PARAMETERS + "longshore/${EnvironmentName}/control/bitbucket/" + name for name in ("token", "token/*"))
API_URL = PARAMETERS + "longshore/${EnvironmentName}/control/api-url"
CALENDARS = PARAMETERS + "longshore/${EnvironmentName}/control/calendars/*"
APPS = {PARAMETERS + "longshore/${EnvironmentName}/apps" + slash for slash in ("", "/")}
# What the key's context is called by the service that uses it.
CONTEXTS = {
    "ssm.${AWS::Region}.amazonaws.com": "kms:EncryptionContext:PARAMETER_ARN",
    "dynamodb.${AWS::Region}.amazonaws.com": "kms:EncryptionContext:aws:dynamodb:tableName",
    "sns.${AWS::Region}.amazonaws.com": "kms:EncryptionContext:aws:sns:topicArn",
    "s3.${AWS::Region}.amazonaws.com": "kms:EncryptionContext:aws:s3:arn",
}
# Who may query what.
QUERIES = {
    "OperatorApiRole": ("${Table.Arn}", "${Table.Arn}/index/by_app"),
    "ReconcilerRole": ("${Table.Arn}/index/open",),
    "NotifierRole": ("${Table.Arn}/index/by_app",),
}
ROUTE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${HttpApi}/$default/"
ADMINISTRATION = "AccountAdministersTheKey"
USES_OF_THE_KEY = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:ReEncryptFrom"}


def allowed(template):
    """The statements of roles and managed policies that allow something."""
    return [one for one in view.identity_statements(template) if one.effect == "Allow"]


def stars_only_where_there_are_no_resources(template):
    """`*` as a resource is for actions that know no resources, and actions have no stars at all."""
    for one in allowed(template):
        if "*" in one.resources and not set(one.actions) <= WITHOUT_RESOURCES:
            yield f"{one.owner}.{one.sid}: {set(one.actions) - WITHOUT_RESOURCES} on every resource"
        if any("*" in action for action in one.actions):
            yield f"{one.owner}.{one.sid}: an action with a star"
        if not one.actions or not one.resources:
            yield f"{one.owner}.{one.sid}: no action or no resource (NotAction and NotResource are not used)"


def commands_are_our_document_on_tagged_hosts(template):
    """SendCommand: our document by name, and only hosts that carry this environment's tag and an app's."""
    sends = [one for one in allowed(template) if "ssm:SendCommand" in one.actions]
    if {one.owner for one in sends} != SENDERS:
        yield f"commands are sent by {sorted({one.owner for one in sends})}, not by {sorted(SENDERS)}"
    for owner in SENDERS:
        mine = {one.resources: one for one in sends if one.owner == owner}
        if set(mine) != {(DOCUMENT,), (HOSTS,)}:
            yield f"{owner}: SendCommand on {sorted(mine)}"
            continue
        hosts = mine[(HOSTS,)]
        if hosts.condition("StringEquals", "ssm:resourceTag/longshore:environment") != ("${EnvironmentName}",):
            yield f"{owner}: SendCommand to hosts of any environment"
        if hosts.condition("Null", "ssm:resourceTag/longshore:app") != ("false",):
            yield f"{owner}: SendCommand to hosts without an app"
        if mine[(DOCUMENT,)].conditions:
            yield f"{owner}: a condition on the document, which carries no tags, so nothing could be sent"


def the_webhook_cannot_send_commands(template):
    """What faces the internet reaches the table and its own parameters, and no host."""
    function = view.functions(template).get("trigger-deploy")
    actions = view.allowed_actions(template, function.role) if function else ["there is no such function"]
    if set(actions) - set(view.PERMISSIONS["trigger-deploy"]["platform"] + view.PERMISSIONS["trigger-deploy"]["code"]):
        yield f"trigger-deploy may {actions}"
    for action in actions:
        if action.startswith(("sqs:", "sns:", "lambda:", "events:")) or action in (
            "ssm:SendCommand",
            "ssm:StartSession",
        ):
            yield f"trigger-deploy may {action}"


def operators_cannot_send_commands(template):
    """What operators call reads, and writes the table: no host, no queue and no secret is in its reach."""
    function = view.functions(template).get("operator-api")
    actions = view.allowed_actions(template, function.role) if function else ["there is no such function"]
    if set(actions) - set(view.PERMISSIONS["operator-api"]["platform"] + view.PERMISSIONS["operator-api"]["code"]):
        yield f"operator-api may {actions}"
    for action in actions:
        if action.startswith(("sqs:", "sns:", "lambda:", "events:")) or action in ("ssm:SendCommand", "ssm:StartSession"):
            yield f"operator-api may {action}"
    for one in allowed(template):
        if function and one.owner == function.role and "kms:Decrypt" in one.actions:
            if one.condition("StringEquals", "kms:ViaService") != ("dynamodb.${AWS::Region}.amazonaws.com",):
                yield f"{one.owner}.{one.sid}: decrypts more than the table"


def operators_call_the_routes_of_their_role(template):
    """Each of the four policies invokes exactly the routes of its role in the API's document; the reader's also finds the API."""
    for role in ("reader", "deployer", "approver", "admin"):
        owner = f"Operator{role.capitalize()}Policy"
        keys = [key for key, of in resource_rules.operator_routes().items() if of == role]
        wanted = {ROUTE + re.sub(r"{[a-z]+}", "*", key.replace(" ", "", 1)) for key in keys}
        mine = [one for one in view.identity_statements(template) if one.owner == owner]
        if role == "reader":
            finding = [one for one in mine if "ssm:GetParameter" in one.actions]
            if [(one.effect, one.actions, one.resources) for one in finding] != [
                ("Allow", ("ssm:GetParameter",), (API_URL,))
            ]:
                yield f"{owner}: does not read the API's address, and that alone"
            mine = [one for one in mine if one not in finding]
        if any((one.effect, one.actions) != ("Allow", ("execute-api:Invoke",)) for one in mine):
            yield f"{owner}: allows or denies something else than calling routes"
        found = {resource for one in mine for resource in one.resources}
        if found != wanted:
            yield f"{owner}: too many {sorted(found - wanted)}, too few {sorted(wanted - found)}"
    for one in allowed(template):
        if "execute-api:Invoke" in one.actions and not one.owner.startswith("Operator"):
            yield f"{one.owner}.{one.sid}: calls routes of operators"


def a_click_can_only_record_an_intent(template):
    """What takes clicks reads one secret and sends to one queue: no table, no command, no other parameter."""
    function = view.functions(template).get("slack-clicks")
    if function is None:
        yield "there is no function slack-clicks"
        return
    mine = {action: one.resources for one in view.role_statements(template, function.role) for action in one.actions}
    logs = ("${" + function.log_group + ".Arn}",)
    wanted = {
        "logs:CreateLogStream": logs,
        "logs:PutLogEvents": logs,
        "sqs:SendMessage": ("${ReconcilerQueue.Arn}",),
        "ssm:GetParameter": (SIGNING,),
        "kms:Decrypt": ("${Key.Arn}",),
    }
    if mine != wanted:
        yield f"slack-clicks may {mine}"


def the_page_may_do_nothing(template):
    """What serves the console's files writes its log, and that is all."""
    function = view.functions(template).get("console-page")
    mine = view.allowed_actions(template, function.role) if function else ["there is no such function"]
    if mine != ["logs:CreateLogStream", "logs:PutLogEvents"]:
        yield f"console-page may {mine}"


def the_export_can_only_add_to_the_history(template):
    """What exports histories reads the stream, adds objects below its own prefix under the environment's key, and nothing else;
    and nobody else of this template writes there."""
    function = view.functions(template).get("history-export")
    if function is None:
        yield "there is no function history-export"
        return
    mine = {action: one.resources for one in view.role_statements(template, function.role) for action in one.actions}
    logs, stream = ("${" + function.log_group + ".Arn}",), ("${Table.StreamArn}",)
    wanted = {
        "logs:CreateLogStream": logs,
        "logs:PutLogEvents": logs,
        "dynamodb:DescribeStream": stream,
        "dynamodb:GetRecords": stream,
        "dynamodb:GetShardIterator": stream,
        "dynamodb:ListStreams": stream,
        "kms:Decrypt": ("${Key.Arn}",),
        "kms:GenerateDataKey": ("${Key.Arn}",),
        "s3:PutObject": ("${HistoryBucket.Arn}/history/v1/*",),
        "sqs:SendMessage": ("${HistoryExportDeadLetterQueue.Arn}",),
    }
    if mine != wanted:
        yield f"history-export may {mine}"
    contexts = [one.condition("StringEquals", CONTEXTS["s3.${AWS::Region}.amazonaws.com"]) for one in allowed(template)]
    if [context for context in contexts if context] != [("${HistoryBucket.Arn}",)]:
        yield f"buckets are encrypted for {contexts}"
    for one in allowed(template):
        if one.owner != function.role and any("${HistoryBucket" in resource for resource in one.resources):
            yield f"{one.owner}.{one.sid}: reaches the histories"


def nothing_is_deleted_or_scanned(template):
    """The table keeps its history: no role deletes from it, scans it, or writes in bulk."""
    banned = {
        "dynamodb:DeleteItem",
        "dynamodb:Scan",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLDelete",
        "iam:PassRole",
    }
    for one in allowed(template):
        for action in banned & set(one.actions):
            yield f"{one.owner}.{one.sid} may {action}"
        if "dynamodb:Query" in one.actions and one.resources != QUERIES.get(one.owner):
            yield f"{one.owner}.{one.sid} may query {one.resources}"


def every_decryption_is_bound_to_its_purpose(template):
    """kms:Decrypt names the service it goes through and the parameter, table or topic it is for."""
    for one in allowed(template):
        if not any(action.startswith("kms:") for action in one.actions):
            continue
        through = one.condition("StringEquals", "kms:ViaService")
        context = CONTEXTS.get(through[0]) if len(through) == 1 else None
        values = one.condition("StringEquals", context) + one.condition("StringLike", context)
        if not values:
            yield f"{one.owner}.{one.sid}: {one.actions} without kms:ViaService and its context"
        if any(value in ("*", PARAMETERS + "*") for value in values):
            yield f"{one.owner}.{one.sid}: the context is a star"
        if one.resources != ("${Key.Arn}",):
            yield f"{one.owner}.{one.sid}: {one.actions} on {one.resources}"


def table_users_may_open_the_table(template):
    """A table under our own key answers AccessDenied to a caller who may not decrypt for it, and so does its stream."""
    for owner in view.of_type(template, "AWS::IAM::Role"):
        mine = [one for one in allowed(template) if one.owner == owner]
        uses = any(action.startswith("dynamodb:") for one in mine for action in one.actions)
        opens = any(
            one.condition("StringEquals", CONTEXTS["dynamodb.${AWS::Region}.amazonaws.com"]) == ("${Table}",)
            for one in mine
        )
        if uses != opens:
            yield f"{owner}: uses the table {uses}, may decrypt for it {opens}"


def parameters_stay_in_the_environment(template):
    """Every parameter and context that is allowed holds the environment's name between slashes."""
    for one in allowed(template):
        contexts = one.condition("StringLike", "kms:EncryptionContext:PARAMETER_ARN")
        contexts += one.condition("StringEquals", "kms:EncryptionContext:PARAMETER_ARN")
        for arn in one.resources + contexts:
            if ":parameter/" in arn and "/${EnvironmentName}/" not in arn + "/":
                yield f"{one.owner}.{one.sid}: {arn} is not of this environment"


def hosts_never_read_control_parameters(template):
    """A host reads its environment's parameters but for `control`, and never by path."""
    mine = [one for one in view.identity_statements(template) if one.owner == "HostPolicy"]
    denied = {action for one in mine if one.effect == "Deny" and one.resources == (CONTROL,) for action in one.actions}
    if not {"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"} <= denied:
        yield "HostPolicy does not deny the control parameters"
    if not any(
        one.effect == "Deny"
        and "kms:Decrypt" in one.actions
        and one.condition("StringLike", "kms:EncryptionContext:PARAMETER_ARN") == (CONTROL,)
        for one in mine
    ):
        yield "HostPolicy does not deny decrypting the control parameters"
    if any(one.effect == "Allow" and "ssm:GetParametersByPath" in one.actions for one in mine):
        yield "HostPolicy allows reading by path"


def hosts_leave_target_groups_of_their_environment_only(template):
    """A host changes target groups that carry its environment's tag, and by the calls of the script and no other."""
    mine = [one for one in allowed(template) if one.owner == "HostPolicy"]
    balancer = {action for one in mine for action in one.actions if action.startswith("elasticloadbalancing:")}
    called = set(re.findall(r"\belb ([a-z-]+-[a-z-]+)", BALANCER.read_text(encoding="utf-8")))
    wanted = {"elasticloadbalancing:" + "".join(word.capitalize() for word in call.split("-")) for call in called}
    if balancer != wanted:
        yield f"HostPolicy allows {sorted(balancer)}, the script calls {sorted(wanted)}"
    for one in mine:
        changes = {"elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"} & set(one.actions)
        tag = one.condition("StringEquals", "aws:ResourceTag/longshore:environment")
        if changes and tag != ("${EnvironmentName}",):
            yield f"{one.owner}.{one.sid}: target groups of any environment"


def logs_are_read_of_the_environment_only(template):
    """What apps and hosts have logged is read by two functions: of the hosts' own group, or of groups with the environment's tag."""
    readers = {"HealthVerifierRole", "OperatorApiRole"}
    for one in allowed(template):
        reading = {"logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery"} & set(one.actions)
        tag = one.condition("StringEquals", "aws:ResourceTag/longshore:environment")
        if reading and one.owner not in readers:
            yield f"{one.owner}.{one.sid} reads logs"
        if reading and one.resources != ("${HostLogGroup.Arn}",) and tag != ("${EnvironmentName}",):
            yield f"{one.owner}.{one.sid}: logs of any environment"


def nothing_reads_below_a_path(template):
    """A grant by path opens every level below it, so the same path is denied recursively; but for the apps', which has no secret."""
    for one in allowed(template):
        if "ssm:GetParametersByPath" not in one.actions or set(one.resources) <= APPS:
            continue
        denied = [
            deny
            for deny in view.role_statements(template, one.owner)
            if deny.effect == "Deny"
            and "ssm:GetParametersByPath" in deny.actions
            and deny.conditions == (("StringEquals", "ssm:Recursive", ("true",)),)
        ]
        if not any(set(one.resources) <= set(deny.resources) for deny in denied):
            yield f"{one.owner}.{one.sid} may read recursively"


def secrets_are_read_by_their_own_function_only(template):
    """Each secret is read and decrypted by the one function that needs it, who reads no other: the poll's access token by the
    reconciler, those of the channels of messages by the notifier, those of the webhooks by theirs."""
    readers = {
        "ReconcilerRole": TOKENS,
        "NotifierRole": CHANNELS,
        "TriggerDeployRole": (SECRET,),
        "SlackClicksRole": (SIGNING,),
    }
    for one in allowed(template):
        contexts = one.condition("StringLike", "kms:EncryptionContext:PARAMETER_ARN")
        contexts += one.condition("StringEquals", "kms:EncryptionContext:PARAMETER_ARN")
        for arn in one.resources + contexts:
            is_control = arn.startswith(CONTROL.removesuffix("*"))
            # Neither is the API's address.
            if arn == API_URL and one.owner == "OperatorReaderPolicy" and one.actions == ("ssm:GetParameter",):
                continue
            # Calendars are no secret: the reconciler and the operators' API read them, and decrypt none.
            if arn == CALENDARS and one.owner in ("ReconcilerRole", "OperatorApiRole") and one.actions == ("ssm:GetParameter",):
                continue
            if is_control and arn not in readers.get(one.owner, ()):
                yield f"{one.owner}.{one.sid} reaches {arn}"
    for owner, arns in readers.items():
        for action in ("ssm:GetParameter", "kms:Decrypt"):
            if not any(
                action in one.actions
                and set(arns)
                <= set(one.resources)
                | set(one.condition("StringLike", "kms:EncryptionContext:PARAMETER_ARN"))
                | set(one.condition("StringEquals", "kms:EncryptionContext:PARAMETER_ARN"))
                for one in allowed(template)
                if one.owner == owner
            ):
                yield f"{owner}: no {action} on {arns}"


def logs_are_written_to_the_own_group_only(template):
    """A function's role writes to the log group of that function, and to no other."""
    for name, function in view.functions(template).items():
        writes = [
            one
            for one in view.role_statements(template, function.role)
            if any(action in ("logs:CreateLogStream", "logs:PutLogEvents") for action in one.actions)
        ]
        if [one.resources for one in writes] != [("${" + function.log_group + ".Arn}",)]:
            yield f"{name} writes logs to {[one.resources for one in writes]}"


def roles_are_confined(template):
    """Path, boundary, one service each, no managed policy of AWS; a service that says for whom it acts is asked for it."""
    for owner, properties in view.of_type(template, "AWS::IAM::Role").items():
        if properties.get("Path") != "/longshore/":
            yield f"{owner}: path {properties.get('Path')}"
        if "PermissionsBoundaryArn" not in view.text(properties.get("PermissionsBoundary")):
            yield f"{owner}: no permissions boundary"
        if any(not view.text(arn) == "${HostPolicy}" for arn in properties.get("ManagedPolicyArns", [])):
            yield f"{owner}: a managed policy"
    for one in view.trust_statements(template):
        service = one.principals[0] if len(one.principals) == 1 else "several"
        if not service.startswith("Service:") or one.actions != ("sts:AssumeRole",):
            yield f"{one.owner}: trusts {one.principals} with {one.actions}"
        asked = one.condition("StringEquals", "aws:SourceAccount") and one.condition("StringEquals", "aws:SourceArn")
        if service in ("Service:pipes.amazonaws.com", "Service:scheduler.amazonaws.com") and not asked:
            yield f"{one.owner}: trusts {service} on anybody's behalf"


def the_key_is_used_for_its_purposes_only(template):
    """The key policy has no star, gives administrators no use of the key, and lets alarms reach the encrypted topic."""
    mine = [one for one in view.resource_statements(template) if one.owner == "Key"]
    for one in mine:
        if any(principal.endswith("*") for principal in one.principals) or "kms:*" in one.actions:
            yield f"Key.{one.sid}: a star"
        if USES_OF_THE_KEY & set(one.actions) and not one.conditions:
            yield f"Key.{one.sid}: {one.actions} without a condition"
    if not any(one.sid == ADMINISTRATION and "kms:PutKeyPolicy" in one.actions for one in mine):
        yield "Key: nobody could ever change its policy"
    alarms = [one for one in mine if one.principals == ("Service:cloudwatch.amazonaws.com",)]
    if [one.actions for one in alarms] != [("kms:Decrypt", "kms:GenerateDataKey*")]:
        yield "Key: alarms cannot publish to the encrypted topic, and fail without a trace"


def roles_allow_exactly_what_the_code_calls(template):
    """The actions of each function's role are those of permissions.toml."""
    found = view.functions(template)
    if set(found) != set(view.PERMISSIONS):
        yield f"functions {sorted(found)}, permissions {sorted(view.PERMISSIONS)}"
    for name in set(found) & set(view.PERMISSIONS):
        wanted = sorted(view.PERMISSIONS[name]["platform"] + view.PERMISSIONS[name]["code"])
        actual = view.allowed_actions(template, found[name].role)
        if actual != wanted:
            yield f"{name}: too many {sorted(set(actual) - set(wanted))}, too few {sorted(set(wanted) - set(actual))}"


RULES = [
    stars_only_where_there_are_no_resources,
    commands_are_our_document_on_tagged_hosts,
    the_webhook_cannot_send_commands,
    a_click_can_only_record_an_intent,
    the_page_may_do_nothing,
    the_export_can_only_add_to_the_history,
    operators_call_the_routes_of_their_role, operators_cannot_send_commands,
    nothing_is_deleted_or_scanned,
    every_decryption_is_bound_to_its_purpose,
    table_users_may_open_the_table,
    parameters_stay_in_the_environment,
    hosts_never_read_control_parameters,
    nothing_reads_below_a_path,
    hosts_leave_target_groups_of_their_environment_only,
    logs_are_read_of_the_environment_only,
    secrets_are_read_by_their_own_function_only,
    logs_are_written_to_the_own_group_only,
    roles_are_confined,
    the_key_is_used_for_its_purposes_only,
    roles_allow_exactly_what_the_code_calls,
]
