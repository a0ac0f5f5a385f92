"""A flat view of the transformed template: values as text, statements of policies, functions with what belongs to them.

Why: a rule should read like the sentence it checks, not like a walk through nested maps. It must never judge.
"""

import dataclasses
import json
import re
import tomllib
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = tomllib.loads((HERE / "contract.toml").read_text(encoding="utf-8"))
PERMISSIONS = tomllib.loads((HERE / "permissions.toml").read_text(encoding="utf-8"))

FUNCTION_NAME = re.compile(r"^longshore-\$\{EnvironmentName\}-([a-z-]+)$")


@dataclasses.dataclass(frozen=True)
class Statement:
    """One statement of a policy, its lists made lists and its values text."""

    owner: str
    sid: str
    effect: str
    principals: tuple
    actions: tuple
    resources: tuple
    conditions: tuple

    def condition(self, operator, key):
        """The values that `operator` compares `key` with, or none."""
        return next((values for op, name, values in self.conditions if (op, name) == (operator, key)), ())


@dataclasses.dataclass(frozen=True)
class Function:
    """A function and the properties it was given."""

    logical_id: str
    name: str
    properties: dict

    @property
    def role(self):
        """Logical id of its role."""
        return text(self.properties.get("Role")).removeprefix("${").removesuffix(".Arn}")

    @property
    def log_group(self):
        """Logical id of its log group."""
        return text(self.properties.get("LoggingConfig", {}).get("LogGroup")).removeprefix("${").removesuffix("}")

    @property
    def variables(self):
        """Its environment variables."""
        return self.properties.get("Environment", {}).get("Variables", {})


def text(value):
    """A value with intrinsic functions as one line of text, in the notation of `Fn::Sub`."""
    if not isinstance(value, dict) or len(value) != 1:
        return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    ((name, argument),) = value.items()
    if name == "Ref":
        return "${" + argument + "}"
    if name == "Fn::GetAtt":
        return "${" + (argument if isinstance(argument, str) else ".".join(argument)) + "}"
    if name == "Fn::Sub" and isinstance(argument, str):
        return argument
    return json.dumps(value, sort_keys=True)


def resolved(value):
    """The same value with every intrinsic function as text."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
        return text(value)
    if isinstance(value, dict):
        return {key: resolved(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner) for inner in value]
    return value


def listed(value):
    """A value or a list of values as sorted text."""
    return tuple(sorted(text(one) for one in (value if isinstance(value, list) else [value])))


def of_type(template, resource_type):
    """The resources of a type: logical id to properties."""
    resources = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == resource_type}


def functions(template):
    """Every function, by its name without the environment."""
    found = {}
    for logical_id, properties in of_type(template, "AWS::Lambda::Function").items():
        match = FUNCTION_NAME.match(text(properties.get("FunctionName")))
        name = match.group(1) if match else logical_id
        found[name] = Function(logical_id, name, properties)
    return found


def statement(owner, raw):
    """A statement as written in a policy document."""
    principal = raw.get("Principal", {})
    principals = {"*": "*"} if principal == "*" else principal
    conditions = tuple(
        (operator, key, listed(values))
        for operator, keys in sorted(raw.get("Condition", {}).items())
        for key, values in sorted(keys.items())
    )
    return Statement(
        owner=owner,
        sid=raw.get("Sid", ""),
        effect=raw["Effect"],
        principals=tuple(f"{kind}:{one}" for kind, value in sorted(principals.items()) for one in listed(value)),
        actions=listed(raw.get("Action", [])),
        resources=listed(raw.get("Resource", [])),
        conditions=conditions,
    )


def raw_statements(document):
    """The statements of a policy document; one that stands under a condition of the template names it among its own."""
    for raw in document["Statement"]:
        if "Fn::If" not in raw:
            yield raw
            continue
        condition, then, otherwise = raw["Fn::If"]
        assert otherwise == {"Ref": "AWS::NoValue"}, raw
        yield then | {"Condition": then.get("Condition", {}) | {"Template": {"Condition": condition}}}


def identity_statements(template):
    """What roles and managed policies allow and deny."""
    for owner, properties in of_type(template, "AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            yield from (statement(owner, raw) for raw in raw_statements(policy["PolicyDocument"]))
    for owner, properties in of_type(template, "AWS::IAM::ManagedPolicy").items():
        yield from (statement(owner, raw) for raw in raw_statements(properties["PolicyDocument"]))


def trust_statements(template):
    """Who may assume each role."""
    for owner, properties in of_type(template, "AWS::IAM::Role").items():
        yield from (statement(owner, raw) for raw in properties["AssumeRolePolicyDocument"]["Statement"])


def resource_statements(template):
    """The policies of the key, the queues, the topic and the bucket."""
    documents = {
        "AWS::KMS::Key": "KeyPolicy",
        "AWS::SQS::QueuePolicy": "PolicyDocument",
        "AWS::SNS::TopicPolicy": "PolicyDocument",
        "AWS::S3::BucketPolicy": "PolicyDocument",
    }
    for resource_type, field in documents.items():
        for owner, properties in of_type(template, resource_type).items():
            yield from (statement(owner, raw) for raw in properties[field]["Statement"])


def role_statements(template, role):
    """What one role allows and denies."""
    return [one for one in identity_statements(template) if one.owner == role]


def allowed_actions(template, role):
    """Every action that a role allows."""
    allowed = (one for one in role_statements(template, role) if one.effect == "Allow")
    return sorted({action for one in allowed for action in one.actions})


def dead_letter_queues(template):
    """The queues that hold what could not be handled."""
    return {name for name in of_type(template, "AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}


def iam_snapshot(template):
    """Every statement of the template, in a form that a reviewer can read as a difference."""
    kinds = {"trust": trust_statements, "identity": identity_statements, "resource": resource_statements}
    return {
        kind: sorted((dataclasses.asdict(one) for one in read(template)), key=lambda one: (one["owner"], one["sid"]))
        for kind, read in kinds.items()
    }
