"""Gap: CloudWatch Logs' filter patterns with a question mark, and those for JSON, let the wrong events through.

`?ERROR ?Error` lets through an event with any of the terms, and terms tell capital from small letters; `{ $.level >= 50 }` one
whose field compares so ("Filter pattern syntax" in the Amazon CloudWatch Logs User Guide). The emulator takes the question mark
for one character of any kind, ignores the letters' size, and lets everything through for JSON. Other patterns are left to it.
"""

import json
import operator
import re

NEEDS = {"ministack.services.cloudwatch_logs": ("_compile_filter_pattern",)}

FIELD = re.compile(r"^\{\s*\$\.([A-Za-z0-9_.]+)\s*(>=|<=|!=|=|>|<)\s*(\"[^\"]*\"|-?[0-9.]+)\s*\}$")
OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def matcher(pattern):
    """What a pattern lets through, as a function of an event's text; `None` for a pattern that is left to the emulator."""
    pattern = (pattern or "").strip()
    field = FIELD.match(pattern)
    if field:
        name, how, value = field.groups()
        return lambda text: compares(text, name.split("."), OPERATORS[how], json.loads(value))
    terms = re.findall(r'\?(?:"[^"]*"|\S+)', pattern)
    if not terms or " ".join(terms) != " ".join(pattern.split()):
        return None
    wanted = [term[1:].strip('"') for term in terms]
    return lambda text: any(term in text for term in wanted)


def compares(text, path, how, value):
    """Whether a field of an event in JSON compares so; an event that is none, or without the field, does not."""
    try:
        found = json.loads(text)
        for name in path:
            found = found[name]
        return how(found, value)
    except (ValueError, TypeError, KeyError, IndexError):
        return False


def close():
    """Takes over the patterns that are understood here."""
    from ministack.services import cloudwatch_logs

    stock = cloudwatch_logs._compile_filter_pattern
    cloudwatch_logs._compile_filter_pattern = lambda raw: matcher(raw) or stock(raw)
