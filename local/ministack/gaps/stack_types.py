"""Gap: a template that holds a saved log query or an event archive is refused whole.

Neither changes how the system behaves, so they are accepted and do nothing.
"""

NEEDS = {"ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",)}

TYPES = ("AWS::Logs::QueryDefinition", "AWS::Events::Archive")


def accepted():
    """Handlers of a resource that exists in name only."""
    return {
        "create": lambda logical, properties, stack: (properties.get("Name") or f"{stack}-{logical}", {}),
        "update": lambda physical, old, new, stack: (physical, {}),
        "delete": lambda physical, properties: None,
    }


def close():
    """Registers the types that the emulator does not know."""
    from ministack.services.cloudformation import provisioners

    for name in TYPES:
        provisioners._RESOURCE_HANDLERS.setdefault(name, accepted())
