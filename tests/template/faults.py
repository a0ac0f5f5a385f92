"""Seeded faults: each is one edit of the transformed template that somebody could make by mistake, and the rule that must see it.

Why: a rule that looks for the wrong thing passes in silence. A fault here must never leave the template as it was.
"""


def properties(template, name):
    """The properties of a resource."""
    return template["Resources"][name]["Properties"]


def statement(template, role, sid):
    """A statement of a role's inline policy."""
    found = properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"]
    return next(one for one in found if one.get("Sid") == sid)


def host_statements(template):
    """The statements of the hosts' policy."""
    return properties(template, "HostPolicy")["PolicyDocument"]["Statement"]


def host_statement(template, sid):
    """A statement of the hosts' policy."""
    return next(one for one in host_statements(template) if one.get("Sid") == sid)


def drop_host_statement(template, sid):
    """Removes a statement of the hosts' policy."""
    host_statements(template).remove(host_statement(template, sid))


def operator_routes(template, policy):
    """The routes that one of the operators' policies allows."""
    return properties(template, policy)["PolicyDocument"]["Statement"][0]["Resource"]


def parameter(template, name):
    """A parameter of the host document."""
    return properties(template, "HostDocument")["Content"]["parameters"][name]


def rename(mapping, old, new):
    """Moves a value to another key."""
    mapping[new] = mapping.pop(old)


def loose_sender(template):
    """SendCommand without the tag condition."""
    del statement(template, "ReconcilerRole", "SendToHostsOfTheEnvironment")["Condition"]


FAULTS = {
    "any host may be sent a command": ("commands_are_our_document_on_tagged_hosts", loose_sender),
    "any document may be sent": (
        "commands_are_our_document_on_tagged_hosts",
        lambda t: statement(t, "AutoRollbackRole", "SendOwnDocument").update(
            Resource={"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:document/*"}
        ),
    ),
    "a host without an app may be sent a command": (
        "commands_are_our_document_on_tagged_hosts",
        lambda t: statement(t, "HealthVerifierRole", "SendToHostsOfTheEnvironment")["Condition"].pop("Null"),
    ),
    "the webhook may send commands": (
        "the_webhook_cannot_send_commands",
        lambda t: statement(t, "TriggerDeployRole", "UseTable")["Action"].append("ssm:SendCommand"),
    ),
    "operators may send commands": (
        "operators_cannot_send_commands",
        lambda t: statement(t, "OperatorApiRole", "UseTable")["Action"].append("ssm:SendCommand"),
    ),
    "operators may decrypt parameters": (
        "operators_cannot_send_commands",
        lambda t: statement(t, "OperatorApiRole", "DecryptTable")["Condition"]["StringEquals"].update(
            {"kms:ViaService": {"Fn::Sub": "ssm.${AWS::Region}.amazonaws.com"}}
        ),
    ),
    "a reader may read a token": (
        "operators_call_the_routes_of_their_role",
        lambda t: properties(t, "OperatorReaderPolicy")["PolicyDocument"]["Statement"][1].update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}/control/bitbucket/token"
            }
        ),
    ),
    "a reader may approve": (
        "operators_call_the_routes_of_their_role",
        lambda t: operator_routes(t, "OperatorReaderPolicy").extend(operator_routes(t, "OperatorApproverPolicy")),
    ),
    "an admin may call everything": (
        "operators_call_the_routes_of_their_role",
        lambda t: operator_routes(t, "OperatorAdminPolicy").append("*"),
    ),
    "an approver cannot refuse": (
        "operators_call_the_routes_of_their_role",
        lambda t: operator_routes(t, "OperatorApproverPolicy").pop(),
    ),
    "anybody may approve": (
        "operators_come_in_by_iam_only",
        lambda t: properties(t, "OperatorApproveRoute").update(AuthorizationType="NONE"),
    ),
    "a route of the operators that the document does not have": (
        "operators_come_in_by_iam_only",
        lambda t: properties(t, "OperatorApproveRoute").update(RouteKey="POST /v1/anything"),
    ),
    "anybody may approve in the console": (
        "operators_come_in_by_iam_only",
        lambda t: properties(t, "ConsoleApproveRoute").update(AuthorizationType="NONE"),
    ),
    "the console has no way to refuse": (
        "operators_come_in_by_iam_only",
        lambda t: properties(t, "ConsoleRejectRoute").update(RouteKey="POST /console/v1/anything"),
    ),
    "tokens for any client count": (
        "the_console_takes_tokens_of_its_issuer_for_its_client_only",
        lambda t: properties(t, "ConsoleAuthorizer")["JwtConfiguration"].update(Audience=[]),
    ),
    "tokens travel in addresses": (
        "the_console_takes_tokens_of_its_issuer_for_its_client_only",
        lambda t: properties(t, "ConsoleAuthorizer").update(IdentitySource=["$request.querystring.token"]),
    ),
    "a route of the console where there is no console": (
        "the_console_takes_tokens_of_its_issuer_for_its_client_only",
        lambda t: t["Resources"]["ConsoleLockRoute"].pop("Condition"),
    ),
    "every page may call the API": (
        "the_console_takes_tokens_of_its_issuer_for_its_client_only",
        lambda t: properties(t, "HttpApi").update(CorsConfiguration={"AllowOrigins": ["*"]}),
    ),
    "the page may read the table": (
        "the_page_may_do_nothing",
        lambda t: statement(t, "ConsolePageRole", "WriteOwnLog")["Action"].append("dynamodb:GetItem"),
    ),
    "the page's files are not throttled": (
        "the_webhook_is_narrow",
        lambda t: properties(t, "HttpApiStage")["RouteSettings"]["Fn::If"][1].pop("GET /console/{file}"),
    ),
    "a click may write to the table": (
        "a_click_can_only_record_an_intent",
        lambda t: statement(t, "SlackClicksRole", "RecordIntents").update(Action=["sqs:SendMessage", "dynamodb:PutItem"]),
    ),
    "a click may reach every queue": (
        "a_click_can_only_record_an_intent",
        lambda t: statement(t, "SlackClicksRole", "RecordIntents").update(
            Resource={"Fn::GetAtt": ["NotifierQueue", "Arn"]}
        ),
    ),
    "a click may read the webhook's secret": (
        "secrets_are_read_by_their_own_function_only",
        lambda t: statement(t, "SlackClicksRole", "ReadSigningSecret").update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}/control/bitbucket/webhook-secret"
            }
        ),
    ),
    "Slack waits too long for an answer": (
        "the_webhook_is_narrow",
        lambda t: properties(t, "SlackClicksFunction").update(Timeout=10),
    ),
    "the notifier may send commands": (
        "commands_are_our_document_on_tagged_hosts",
        lambda t: statement(t, "NotifierRole", "ReadChannels").update(
            Action=["ssm:GetParameter", "ssm:SendCommand"]
        ),
    ),
    "a role may delete history": (
        "nothing_is_deleted_or_scanned",
        lambda t: statement(t, "ReconcilerRole", "UseTable")["Action"].append("dynamodb:DeleteItem"),
    ),
    "a role may use every table": (
        "stars_only_where_there_are_no_resources",
        lambda t: statement(t, "OnCommandStatusRole", "UseTable").update(Resource="*"),
    ),
    "an action has a star": (
        "stars_only_where_there_are_no_resources",
        lambda t: statement(t, "OnCommandStatusRole", "UseTable").update(Action="dynamodb:*"),
    ),
    "decryption without a parameter's name": (
        "every_decryption_is_bound_to_its_purpose",
        lambda t: statement(t, "TriggerDeployRole", "DecryptWebhookSecret")["Condition"]["StringEquals"].pop(
            "kms:EncryptionContext:PARAMETER_ARN"
        ),
    ),
    "decryption under a misspelt key": (
        "every_decryption_is_bound_to_its_purpose",
        lambda t: rename(
            statement(t, "NotifierRole", "DecryptChannels")["Condition"]["StringLike"],
            "kms:EncryptionContext:PARAMETER_ARN",
            "kms:EncryptionContext:ParameterArn",
        ),
    ),
    "the pipe cannot open the stream": (
        "table_users_may_open_the_table",
        lambda t: properties(t, "ChangesPipeRole")["Policies"][0]["PolicyDocument"]["Statement"].pop(1),
    ),
    "a parameter of any environment": (
        "parameters_stay_in_the_environment",
        lambda t: statement(t, "ReconcilerRole", "ReadConfiguration").update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/*/apps/*"
            }
        ),
    ),
    "hosts may read the webhook's secret": ("hosts_never_read_control_parameters", lambda t: drop_host_statement(t, "NoControlParameters")),
    "hosts may read by path": (
        "hosts_never_read_control_parameters",
        lambda t: host_statements(t)[2]["Action"].append("ssm:GetParametersByPath"),
    ),
    "hosts may change any target group": (
        "hosts_leave_target_groups_of_their_environment_only",
        lambda t: host_statement(t, "LeaveTargetGroup").pop("Condition"),
    ),
    "hosts may not register themselves again": (
        "hosts_leave_target_groups_of_their_environment_only",
        lambda t: host_statement(t, "LeaveTargetGroup")["Action"].remove("elasticloadbalancing:RegisterTargets"),
    ),
    "the logs of any environment may be read": (
        "logs_are_read_of_the_environment_only",
        lambda t: statement(t, "HealthVerifierRole", "ReadAppLogs").pop("Condition"),
    ),
    "a further function may read logs": (
        "logs_are_read_of_the_environment_only",
        lambda t: statement(t, "NotifierRole", "WriteOwnLog")["Action"].append("logs:FilterLogEvents"),
    ),
    "the reconciler may read recursively": (
        "nothing_reads_below_a_path",
        lambda t: statement(t, "ReconcilerRole", "NeverBelowThePath").update(
            Condition={"StringEquals": {"ssm:Recursive": "false"}}
        ),
    ),
    "the reconciler may list all of the environment": (
        "nothing_reads_below_a_path",
        lambda t: statement(t, "ReconcilerRole", "ListConfigurations").update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}"
            }
        ),
    ),
    "the webhook may read the token": (
        "secrets_are_read_by_their_own_function_only",
        lambda t: statement(t, "TriggerDeployRole", "ReadWebhookSecretAndConfiguration").update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}/control/bitbucket/*"
            }
        ),
    ),
    "the reconciler may decrypt the webhook's secret": (
        "secrets_are_read_by_their_own_function_only",
        lambda t: statement(t, "ReconcilerRole", "DecryptBitbucketTokens")["Condition"].update(
            StringLike={
                "kms:EncryptionContext:PARAMETER_ARN": {
                    "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}/control/*"
                }
            }
        ),
    ),
    "the notifier may read the calendars": (
        "secrets_are_read_by_their_own_function_only",
        lambda t: statement(t, "NotifierRole", "ReadChannels").update(
            Resource={
                "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/longshore/${EnvironmentName}/control/calendars/*"
            }
        ),
    ),
    "a function writes another's log": (
        "logs_are_written_to_the_own_group_only",
        lambda t: statement(t, "NotifierRole", "WriteOwnLog").update(
            Resource={"Fn::GetAtt": ["ReconcilerLogGroup", "Arn"]}
        ),
    ),
    "the schedule's role acts for anybody": (
        "roles_are_confined",
        lambda t: properties(t, "TickRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
    ),
    "a role without a boundary": (
        "roles_are_confined",
        lambda t: properties(t, "NotifierRole").pop("PermissionsBoundary"),
    ),
    "alarms cannot reach the topic": (
        "the_key_is_used_for_its_purposes_only",
        lambda t: properties(t, "Key")["KeyPolicy"]["Statement"].pop(4),
    ),
    "anybody may use the key": (
        "the_key_is_used_for_its_purposes_only",
        lambda t: properties(t, "Key")["KeyPolicy"]["Statement"][1].update(Principal="*"),
    ),
    "a permission nobody needs": (
        "roles_allow_exactly_what_the_code_calls",
        lambda t: statement(t, "OnCommandStatusRole", "ReadCommands")["Action"].append("ssm:GetCommandInvocation"),
    ),
    "two functions share a role": (
        "functions_have_their_own_role_and_log",
        lambda t: properties(t, "NotifierFunction").update(Role={"Fn::GetAtt": ["ReconcilerRole", "Arn"]}),
    ),
    "a log is kept for ever": (
        "functions_have_their_own_role_and_log",
        lambda t: properties(t, "ReconcilerLogGroup").pop("RetentionInDays"),
    ),
    "a function misses a variable": (
        "variables_are_exactly_the_contract",
        lambda t: properties(t, "ReconcilerFunction")["Environment"]["Variables"].pop("LONGSHORE_DOCUMENT"),
    ),
    "one bad message fails its batch": (
        "queues_feed_functions_with_time_to_spare",
        lambda t: properties(t, "NotifierSource").pop("FunctionResponseTypes"),
    ),
    "a message comes back too early": (
        "queues_feed_functions_with_time_to_spare",
        lambda t: properties(t, "ReconcilerQueue").update(VisibilityTimeout=60),
    ),
    "a queue without dead letters": (
        "queues_feed_functions_with_time_to_spare",
        lambda t: properties(t, "AutoRollbackQueue").pop("RedrivePolicy"),
    ),
    "loop detection stops the reconciler": (
        "self_messaging_functions_are_not_stopped",
        lambda t: properties(t, "ReconcilerFunction").pop("RecursiveLoop"),
    ),
    "a queue takes plain HTTP": (
        "queues_are_closed",
        lambda t: properties(t, "NotifierQueuePolicy")["PolicyDocument"]["Statement"].pop(1),
    ),
    "any rule may fill a queue": (
        "queues_are_closed",
        lambda t: properties(t, "NotifierQueuePolicy")["PolicyDocument"]["Statement"][0].pop("Condition"),
    ),
    "a misspelt detail-type": (
        "rules_match_and_deliver",
        lambda t: properties(t, "CommandStatusRule")["EventPattern"].update(
            {"detail-type": ["EC2 Command Status Change Notification"]}
        ),
    ),
    "commands of everybody else": (
        "rules_match_and_deliver",
        lambda t: properties(t, "CommandStatusRule")["EventPattern"].pop("detail"),
    ),
    "a rule loses what it cannot deliver": (
        "rules_match_and_deliver",
        lambda t: properties(t, "NotifierRule")["Targets"][0].pop("DeadLetterConfig"),
    ),
    "a queue refuses its rule": (
        "rules_match_and_deliver",
        lambda t: properties(t, "ReconcilerQueuePolicy")["PolicyDocument"]["Statement"][0]["Condition"][
            "ArnEquals"
        ].update({"aws:SourceArn": {"Fn::GetAtt": ["NotifierRule", "Arn"]}}),
    ),
    "the pipe reads another attribute": (
        "the_pipe_tells_every_change",
        lambda t: properties(t, "ChangesPipe")["TargetParameters"].update(
            InputTemplate=properties(t, "ChangesPipe")["TargetParameters"]["InputTemplate"].replace(
                "for_notifier.S", "for_notifer.S"
            )
        ),
    ),
    "the export sleeps over what operators did": (
        "the_export_takes_histories_and_loses_none",
        lambda t: properties(t, "HistoryExportSource")["FilterCriteria"]["Filters"][0].update(
            Pattern='{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"sk":{"S":["STATE","SLOT"]}}}}'
        ),
    ),
    "the export loses what it gives up": (
        "the_export_takes_histories_and_loses_none",
        lambda t: properties(t, "HistoryExportSource").pop("DestinationConfig"),
    ),
    "one record stops the export": (
        "the_export_takes_histories_and_loses_none",
        lambda t: properties(t, "HistoryExportSource").pop("BisectBatchOnFunctionError"),
    ),
    "the export begins with what comes next": (
        "the_export_takes_histories_and_loses_none",
        lambda t: properties(t, "HistoryExportSource").update(StartingPosition="LATEST"),
    ),
    "a third reader of the stream": (
        "the_export_takes_histories_and_loses_none",
        lambda t: t["Resources"].update(
            Third={
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}, "FunctionName": "third"},
            }
        ),
    ),
    "an alarm on an export that is not there": (
        "the_export_takes_histories_and_loses_none",
        lambda t: t["Resources"]["HistoryExportAgeAlarm"].pop("Condition"),
    ),
    "histories die with the stack": (
        "histories_are_kept_closed",
        lambda t: t["Resources"]["HistoryBucket"].update(DeletionPolicy="Delete"),
    ),
    "histories may be made public": (
        "histories_are_kept_closed",
        lambda t: properties(t, "HistoryBucket")["PublicAccessBlockConfiguration"].update(BlockPublicPolicy=False),
    ),
    "histories are under a key of S3": (
        "histories_are_kept_closed",
        lambda t: properties(t, "HistoryBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"][0].update(
            ServerSideEncryptionByDefault={"SSEAlgorithm": "AES256"}
        ),
    ),
    "histories travel in the clear": (
        "histories_are_kept_closed",
        lambda t: properties(t, "HistoryBucketPolicy")["PolicyDocument"]["Statement"].pop(0),
    ),
    "histories can be deleted": (
        "histories_are_kept_closed",
        lambda t: properties(t, "HistoryBucketPolicy")["PolicyDocument"]["Statement"].pop(1),
    ),
    "histories are kept for ever": (
        "histories_are_kept_closed",
        lambda t: properties(t, "HistoryBucket").pop("LifecycleConfiguration"),
    ),
    "the export may read what it wrote": (
        "the_export_can_only_add_to_the_history",
        lambda t: statement(t, "HistoryExportRole", "AddToHistory").update(Action=["s3:PutObject", "s3:GetObject"]),
    ),
    "the export may write anywhere in the bucket": (
        "the_export_can_only_add_to_the_history",
        lambda t: statement(t, "HistoryExportRole", "AddToHistory").update(
            Resource={"Fn::Sub": "${HistoryBucket.Arn}/*"}
        ),
    ),
    "the export may encrypt for any bucket": (
        "every_decryption_is_bound_to_its_purpose",
        lambda t: statement(t, "HistoryExportRole", "EncryptHistory")["Condition"]["StringEquals"].pop(
            "kms:EncryptionContext:aws:s3:arn"
        ),
    ),
    "an export that stands still wakes nobody": (
        "alarms_wake_somebody",
        lambda t: t["Resources"].pop("HistoryExportAgeAlarm"),
    ),
    "the tick is off": (
        "the_tick_comes_every_minute",
        lambda t: properties(t, "TickSchedule").update(State="DISABLED"),
    ),
    "the poll says something else": (
        "the_poll_comes_every_five_minutes",
        lambda t: properties(t, "PollSchedule")["Target"].update(Input='{"detail-type":"Pol"}'),
    ),
    "the webhook is not throttled": (
        "the_webhook_is_narrow",
        lambda t: properties(t, "HttpApiStage").pop("RouteSettings"),
    ),
    "the table dies with the stack": (
        "what_must_last_is_kept",
        lambda t: t["Resources"]["Table"].update(DeletionPolicy="Delete"),
    ),
    "the table cannot be restored": (
        "what_must_last_is_kept",
        lambda t: properties(t, "Table").pop("PointInTimeRecoverySpecification"),
    ),
    "dead letters wake nobody": ("alarms_wake_somebody", lambda t: t["Resources"].pop("NotifierDeadLettersAlarm")),
    "an alarm without a next step": (
        "alarms_wake_somebody",
        lambda t: properties(t, "TickMissingAlarm").update(AlarmDescription="No tick."),
    ),
    "an alarm without an action": (
        "alarms_wake_somebody",
        lambda t: properties(t, "ReconcilerErrorsAlarm").pop("AlarmActions"),
    ),
    "a log line is misspelt": (
        "counted_log_lines_are_the_contract",
        lambda t: properties(t, "OverdueDeploymentsFilter").update(FilterPattern='{ $.event = "deployment_overdu" }'),
    ),
    "a pattern without anchors": (
        "the_document_takes_nothing_unchecked",
        lambda t: parameter(t, "Release").update(allowedPattern="[0-9a-f]{40}-[0-9a-f]{12}"),
    ),
    "a pattern with a loose alternative": (
        "the_document_takes_nothing_unchecked",
        lambda t: parameter(t, "App").update(allowedPattern="^a|b$"),
    ),
    "a pattern of two halves, each anchored once": (
        "the_document_takes_nothing_unchecked",
        lambda t: parameter(t, "App").update(allowedPattern="^(?:a)|(?:b)$"),
    ),
    "a parameter takes anything": (
        "the_document_takes_nothing_unchecked",
        lambda t: parameter(t, "GitBase").update(allowedPattern="^(?:.*)$"),
    ),
    "a value is pasted into the script": (
        "the_document_takes_nothing_unchecked",
        lambda t: properties(t, "HostDocument")["Content"]["mainSteps"][0]["inputs"]["runCommand"].append(
            "echo {{ App }}"
        ),
    ),
    "a parameter is not an environment variable": (
        "the_document_takes_nothing_unchecked",
        lambda t: parameter(t, "App").pop("interpolationType"),
    ),
    "a type the local cloud refuses": (
        "the_local_cloud_knows_every_type",
        lambda t: t["Resources"].update(Archive={"Type": "AWS::Events::Archive", "Properties": {}}),
    ),
    "a region is written down": (
        "nothing_names_a_place",
        lambda t: properties(t, "HttpApi").update(Description="in eu-west-1"),
    ),
}
