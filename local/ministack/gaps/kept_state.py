"""Gap: with PERSIST_STATE=1 the emulator saves its state at a clean end only, so that a SIGKILL loses all of it.

What DynamoDB and Parameter Store have acknowledged is on disk before the answer is given, whole and by a rename: an emulator
that forgets an acknowledged write would be no stand-in for them. The rest is looked at a few times a second and everything is
saved when a stack has changed, so that a SIGKILL may lose or repeat the queues' last messages, as the product allows. Records
of a stream are not in the emulator's state at all; its readers, pipes and functions, begin where the new stream begins. Kept is what a killed process
leaves to the kernel; a power cut of this machine is another matter. Does nothing without PERSIST_STATE=1.
"""

import json
import logging
import os
import threading
import time

import gaps

# Of the application itself, which must not be imported before every gap has replaced what it takes by name.
APPLICATION = {"ministack.app": ("_build_persistence_save_dict", "_load_persisted_state")}
NEEDS = {
    "ministack.core.persistence": (
        "PERSIST_STATE",
        "STATE_DIR",
        "save_state",
        "_json_default",
        "_state_format_version",
    ),
    "ministack.services.dynamodb": ("handle_request", "get_state"),
    "ministack.services.ssm": ("handle_request", "get_state"),
    "ministack.services.cloudformation": ("get_state",),
    "ministack.services.lambda_svc": ("_dynamodb_stream_positions", "load_persisted_state"),
    "ministack.services.pipes": ("_positions", "load_persisted_state"),
}

BEFORE_THE_ANSWER = ("dynamodb", "ssm")
ALL_THE_TIME = ("sns", "sqs", "scheduler")
STACKS = "cloudformation"
LOOK_SECONDS = 0.25
READS = ("Get", "List", "Describe", "Query", "Scan", "BatchGet", "TransactGet")
ATTEMPTS = 5

logger = logging.getLogger("kept_state")


def changes_nothing(headers):
    """Whether a request is a read, by its action's name."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    return action.startswith(READS)


class Saved:
    """The files of the services: written whole, and only when something is different."""

    def __init__(self, folder, encode):
        self.folder = folder
        self.encode = encode
        self.lock = threading.Lock()
        self.written = {}

    def save(self, name, get_state):
        """Saves one service; says whether it was different. A state that changes under our eyes is looked at again."""
        with self.lock:
            text = self.text(name, get_state)
            if text is None or self.written.get(name) == text:
                return False
            path = os.path.join(self.folder, f"{name}.json")
            with open(path + ".tmp", "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(path + ".tmp", path)
            self.written[name] = text
            return True

    def text(self, name, get_state):
        """A service's state as text; None when it has none."""
        for attempt in range(ATTEMPTS):
            try:
                state = get_state()
                return None if state is None else self.encode(name, state)
            except RuntimeError:
                if attempt == ATTEMPTS - 1:
                    raise
        return None


def look(saved, services):
    """One look at what changes without a request of its own; a stack that has changed means all of it."""
    stack_changed = STACKS in services and saved.save(STACKS, services[STACKS])
    for name in services if stack_changed else ALL_THE_TIME:
        if name in services:
            saved.save(name, services[name])


def keep_looking(saved, services_now):
    """Looks until the process ends. A look that failed is made again; one that never succeeds is in the log."""
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            look(saved, services_now())
        except Exception as error:
            logger.warning("the state could not be saved: %s", error)


def saving(stock, saved, name, get_state):
    """A service's requests, each change saved before its answer."""

    async def handle_request(method, path, headers, body, query_params):
        answer = await stock(method, path, headers, body, query_params)
        if not changes_nothing(headers):
            saved.save(name, get_state)
        return answer

    return handle_request


def at_the_beginning(load, positions):
    """A service's loading without its positions in streams. One in a stream whose records are gone would make a reader wait for as
    many new ones."""

    def load_persisted_state(data):
        load({**data, positions: {}} if data else data)

    return load_persisted_state


def close():
    """Wraps the services whose answers are promises, and looks at the others."""
    from ministack.core import persistence

    if not persistence.PERSIST_STATE:
        return
    missing = gaps.missing_of(APPLICATION)
    if missing:
        raise SystemExit("this MiniStack is not the one the gaps were written for; missing: " + ", ".join(missing))
    from ministack import app as application
    from ministack.services import dynamodb, lambda_svc, pipes, ssm

    def encode(name, state):
        wrapped = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
        return json.dumps(wrapped, default=persistence._json_default)

    saved = Saved(persistence.STATE_DIR, encode)
    os.makedirs(saved.folder, exist_ok=True)
    for name, service in zip(BEFORE_THE_ANSWER, (dynamodb, ssm)):
        service.handle_request = saving(service.handle_request, saved, name, service.get_state)
    pipes.load_persisted_state = at_the_beginning(pipes.load_persisted_state, "positions")
    lambda_svc.load_persisted_state = at_the_beginning(lambda_svc.load_persisted_state, "dynamodb_stream_positions")
    load_all = application._load_persisted_state

    def load_then_look():
        # A look before everything is loaded would save that there is nothing.
        load_all()
        arguments = (saved, application._build_persistence_save_dict)
        threading.Thread(target=keep_looking, args=arguments, daemon=True).start()

    application._load_persisted_state = load_then_look
