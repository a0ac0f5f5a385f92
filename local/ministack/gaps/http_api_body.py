"""Gap: an HTTP API that is described by an OpenAPI body gets no routes, so that every call answers 404.

That body is what SAM makes of the HttpApi events of functions. Its paths become routes and integrations.
"""

import json

NEEDS = {
    "ministack.services.apigateway": ("_create_integration", "_create_route", "_integrations", "_routes"),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
}

INTEGRATION = "x-amazon-apigateway-integration"
ANY = "x-amazon-apigateway-any-method"


def route_key(path, verb):
    """The route's key: `POST /webhooks/bitbucket`, or `$default`."""
    if path == "/$default":
        return "$default"
    return f"{'ANY' if verb == ANY else verb.upper()} {path}"


def routes(body):
    """Pairs of route key and integration of an OpenAPI body."""
    found = []
    for path, verbs in ((body or {}).get("paths") or {}).items():
        for verb, operation in verbs.items():
            if isinstance(operation, dict) and INTEGRATION in operation:
                found.append((route_key(path, verb), integration(operation[INTEGRATION])))
    return found


def integration(described):
    """The CreateIntegration body of an OpenAPI integration."""
    return {
        "integrationType": described.get("type", "aws_proxy").upper(),
        "integrationUri": described.get("uri", ""),
        "integrationMethod": described.get("httpMethod", "POST"),
        "payloadFormatVersion": str(described.get("payloadFormatVersion", "2.0")),
    }


def close():
    """Wraps the API's create and update."""
    from ministack.services import apigateway
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS
    stock = handlers["AWS::ApiGatewayV2::Api"]

    def expand(api, body):
        for key, described in routes(body):
            answer = apigateway._create_integration(api, described)
            target = json.loads(answer[2])["integrationId"]
            apigateway._create_route(api, {"routeKey": key, "target": f"integrations/{target}"})

    def create(logical, properties, stack):
        result = stock["create"](logical, properties, stack)
        expand(result[0], properties.get("Body"))
        return result

    def update(physical, old, new, *rest, **named):
        result = stock["update"](physical, old, new, *rest, **named)
        if new.get("Body") and old.get("Body") != new.get("Body"):
            apigateway._routes[result[0]] = {}
            apigateway._integrations[result[0]] = {}
            expand(result[0], new["Body"])
        return result

    handlers["AWS::ApiGatewayV2::Api"] = {**stock, "create": create, "update": update}
