"""Runs with the published wheel, and answers in JSON: `write` makes records of bodies, `read` reads records."""

import json
import sys
from datetime import UTC, datetime

from pydantic import ValidationError

import conduit_contracts
from conduit_contracts.envelope import Attributes, Undecodable, decode, dump, encode
from conduit_contracts.topics import REGISTRY

TYPES = {message.type: message for topic in REGISTRY for message in topic.messages}
ACCEPT = {topic.template: {message.type: message for message in topic.messages} for topic in REGISTRY}
ABOUT = ("01a225d0-6a63-7010-aa69-2b720b4859d2", "/released")


def write(given):
    """The record of a body; null where this release would not write it."""
    try:
        message = TYPES[given["type"]].model_validate_json(json.dumps(given["value"]))
    except ValidationError:
        return None
    headers, value = encode(message, Attributes(*ABOUT, message.type, datetime(2026, 11, 29, tzinfo=UTC)))
    return {"headers": [[name, raw.decode()] for name, raw in headers], "value": value.decode()}


def read(given):
    """What the kits' reader makes of a record: the message as it was understood, or the problems' codes and fields."""
    headers = [(name, text.encode()) for name, text in given["headers"]]
    try:
        _, message = decode(headers, given["value"].encode(), ACCEPT.get(given["topic"], {}))
    except Undecodable as error:
        return {"problems": [[problem.code, problem.field] for problem in error.problems]}
    return {"value": json.loads(dump(message))}


answer = {"write": write, "read": read}[sys.argv[1]]
json.dump([conduit_contracts.__version__, [answer(given) for given in json.load(sys.stdin)]], sys.stdout)
