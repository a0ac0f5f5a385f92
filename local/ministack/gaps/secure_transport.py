"""Gap: loopback has no TLS, so a policy that refuses requests without TLS refuses everything.

Every request counts as sent over TLS here; what such a statement does is AWS's to prove.
"""

NEEDS = {"ministack.core.iam_evaluator": ("_request_origin", "pin_request_origin")}


def close():
    """Wraps what remembers a request's origin, before the application takes it by name."""
    import sys

    from ministack.core import iam_evaluator

    stock = iam_evaluator.pin_request_origin

    def pin_request_origin(source_ip, _secure_transport):
        return stock(source_ip, True)

    iam_evaluator.pin_request_origin = pin_request_origin
    application = sys.modules.get("ministack.app")
    if application is not None and hasattr(application, "pin_request_origin"):
        application.pin_request_origin = pin_request_origin
