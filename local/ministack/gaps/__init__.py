"""The gaps of MiniStack 1.5.33, one module each, and the check that every name they replace is there.

A gap module has `NEEDS` (module path to names it touches) and `close()`. The order of `GAPS` matters where two wrap the same
function: the later one sees the earlier one's work. No gap may hold a rule of the product.
"""

import importlib

GAPS = (
    "no_delay",
    "secure_transport",
    "path_resource",
    "log_group",
    "filter_pattern",
    "aws_source",
    "pipe_to_bus",
    "lambda_retries",
    "target_permissions",
    "stack_types",
    "ssm_document",
    "http_api_body",
    "table_ttl",
    "ticks",
    "alarm_events",
    "kept_state",
)

VERSION = "1.5.33"


def modules():
    """The gap modules in the order in which they are closed."""
    return [importlib.import_module(f"gaps.{name}") for name in GAPS]


def missing_names():
    """Every name a gap needs and the installed emulator lacks, and its version if it is another one."""
    from importlib.metadata import version

    missing = [] if version("ministack") == VERSION else [f"version {VERSION} (found {version('ministack')})"]
    for gap in modules():
        missing += missing_of(gap.NEEDS)
    return missing


def missing_of(needs):
    """The names of one `NEEDS` table that cannot be found, as `module.name`."""
    missing = []
    for path, names in needs.items():
        try:
            module = importlib.import_module(path)
        except ImportError:
            missing.append(path)
            continue
        missing += [f"{path}.{name}" for name in names if not hasattr(module, name)]
    return missing


def close_all():
    """Closes every gap, once, before the emulator serves."""
    for gap in modules():
        gap.close()
