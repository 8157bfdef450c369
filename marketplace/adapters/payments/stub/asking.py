"""Reading a request as Stripe reads it: bracketed form fields, each checked; and refusing it in Stripe's shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Params = dict[str, Any]


class StripeError(Exception):
    """A refusal as Stripe words it.

    `executed` tells whether the endpoint had begun its work. Only then does Stripe keep the answer for the idempotency
    key; a request that fails its checks may be mended and sent again with the same key.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        given = {"code": code, "message": message, "param": param, "type": kind}
        self.body = {"error": {name: value for name, value in given.items() if value is not None}}


def nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """`metadata[a]=1&expand[0]=x` as {"metadata": {"a": "1"}, "expand": {"0": "x"}}."""
    result: Params = {}
    for name, value in pairs:
        match = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", name)
        if match is None:
            raise StripeError(f"Invalid request (check that your POST content is form-encoded): {name}", param=name)
        steps = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        here = result
        for step in steps[:-1]:
            here = here.setdefault(step, {})
            if not isinstance(here, dict):
                raise StripeError(f"Invalid object: {name}", param=name)
        here[steps[-1] or str(len(here))] = value
    return result


def only(params: Mapping[str, Any], *known: str) -> None:
    """Refuses what this endpoint does not know, as Stripe does: a slip in our code shows here, not in production."""
    unknown = sorted(set(params) - {*known, "expand"})
    if unknown:
        word = "parameter" if len(unknown) == 1 else "parameters"
        raise StripeError(f"Received unknown {word}: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0])


def required(params: Mapping[str, Any], name: str) -> str:
    """A field that must be there."""
    value = params.get(name)
    if value in (None, ""):
        raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return str(value)


def integer(params: Mapping[str, Any], name: str, default: int | None = None) -> int | None:
    """A whole number, or the default."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or re.fullmatch(r"-?\d{1,15}", value) is None:
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def boolean(params: Mapping[str, Any], name: str) -> bool:
    """true or false; absent means false."""
    value = params.get(name, "false")
    if value not in ("true", "false"):
        raise StripeError(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def one_of(params: Mapping[str, Any], name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of the words known."""
    value = params.get(name, default)
    if value not in choices:
        raise StripeError(f"Invalid {name}: must be one of {', '.join(choices[:-1])}, or {choices[-1]}", param=name)
    return str(value)


def metadata(params: Mapping[str, Any], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """The known metadata with the new on top; an empty value takes a field away, an empty metadata all of them."""
    given = params.get("metadata")
    if given is None:
        return dict(known or {})
    if given == "":
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise StripeError("Invalid metadata: metadata must be a set of key-value pairs", param="metadata")
    merged = {name: value for name, value in {**(known or {}), **given}.items() if value != ""}
    if len(merged) > 50 or any(len(name) > 40 or len(value) > 500 for name, value in merged.items()):
        raise StripeError("Metadata can have up to 50 keys, of 40 characters, with values of 500", param="metadata")
    return merged
