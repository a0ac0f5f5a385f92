"""Gap: a template with an AWS::SSM::Document is refused, and the emulator has no documents at all.

Documents belong to the stand-in for SSM, so creating, updating and deleting one is forwarded to it, with the physical name
and the content as CloudFormation resolved it. A new version becomes the default one, as with `UpdateMethod: NewVersion`.
A refusal by the stand-in fails the stack with its words.
"""

import json
import os
import urllib.error
import urllib.request

NEEDS = {"ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS", "_physical_name")}

TIMEOUT_SECONDS = 10
NAME_LENGTH_MAX = 128


def content_text(properties):
    """The content as text: JSON for a map, unchanged for text."""
    content = properties.get("Content")
    return content if isinstance(content, str) else json.dumps(content)


def create_request(name, properties):
    """The body of CreateDocument."""
    tags = properties.get("Tags") or []
    return {
        "Name": name,
        "Content": content_text(properties),
        "DocumentType": properties.get("DocumentType", "Command"),
        "DocumentFormat": properties.get("DocumentFormat", "JSON"),
        **({"TargetType": properties["TargetType"]} if properties.get("TargetType") else {}),
        **({"Tags": tags} if tags else {}),
    }


def update_request(name, properties):
    """The body of UpdateDocument."""
    return {
        "Name": name,
        "Content": content_text(properties),
        "DocumentFormat": properties.get("DocumentFormat", "JSON"),
        "DocumentVersion": "$LATEST",
    }


def call(action, body):
    """One call of the stand-in; raises ValueError with what it said."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SSM", "")
    if not endpoint:
        raise ValueError("AWS::SSM::Document needs AWS_ENDPOINT_URL_SSM, the address of the stand-in for SSM")
    headers = {"X-Amz-Target": f"AmazonSSM.{action}", "Content-Type": "application/x-amz-json-1.1"}
    request = urllib.request.Request(endpoint, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise ValueError(f"{action}: {error.read().decode('utf-8', 'replace')}") from error
    except OSError as error:
        raise ValueError(f"{action}: {error}") from error


def update(name, properties):
    """A new version that becomes the default; content that did not change is no failure."""
    try:
        answer = call("UpdateDocument", update_request(name, properties))
    except ValueError as error:
        if "DuplicateDocumentContent" in str(error):
            return
        raise
    version = (answer.get("DocumentDescription") or {}).get("DocumentVersion")
    if version:
        call("UpdateDocumentDefaultVersion", {"Name": name, "DocumentVersion": version})


def delete(name):
    """Deletes the document; one that is already gone is as wanted."""
    try:
        call("DeleteDocument", {"Name": name})
    except ValueError as error:
        if "InvalidDocument" not in str(error):
            raise


def close():
    """Registers the resource type."""
    from ministack.services.cloudformation import provisioners

    def on_create(logical, properties, stack):
        name = properties.get("Name") or provisioners._physical_name(stack, logical, max_len=NAME_LENGTH_MAX)
        call("CreateDocument", create_request(name, properties))
        return name, {}

    def on_update(physical, _old, new, _stack):
        update(physical, new)
        return physical, {}

    provisioners._RESOURCE_HANDLERS["AWS::SSM::Document"] = {
        "create": on_create,
        "update": on_update,
        "delete": lambda physical, _properties: delete(physical),
    }
