"""Reads template.yaml and transforms it as CloudFormation would, without an account and without a network.

Why: SAM hides what it creates, so a check of the source is blind to it; every house rule looks at the transformed template.
It must never call AWS, nor know a rule.
"""

import copy
import pathlib

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.translator import Translator

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"

# What the translator asks of a session is the region, for defaults that differ between partitions.
REGION = "eu-west-1"


class CloudFormationLoader(yaml.SafeLoader):
    """YAML with the short forms of the intrinsic functions, and dates left as text."""


def short_form(loader, suffix, node):
    """The long form of `!Sub`, `!GetAtt` and the others."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


CloudFormationLoader.add_multi_constructor("!", short_form)
CloudFormationLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


class NoManagedPolicies(ManagedPolicyLoader):
    """Every role is written out, so no managed policy is ever looked up."""

    def __init__(self):
        super().__init__(iam_client=None)

    def load(self):
        """The managed policies by name: none."""
        return {}


class OfflineSession:
    """The one thing the translator reads of a session."""

    region_name = REGION


def read():
    """The source of the template."""
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=CloudFormationLoader)


def with_uploaded_code(template):
    """The same template after `sam package`: the translator wants an address where the source names a folder."""
    packaged = copy.deepcopy(template)
    packaged["Globals"]["Function"]["CodeUri"] = "s3://artifacts/function.zip"
    return packaged


def transform(template):
    """What CloudFormation makes of the source."""
    parameters = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    translator = Translator({}, Parser(), boto_session=OfflineSession())
    return translator.translate(with_uploaded_code(template), parameters)
