"""How the sandbox answers one AWS call, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel

from grantwire.sandbox.access.policies import Ask
from grantwire.sandbox.access.principals import Principal
from grantwire.sandbox.access.sessions import Refused, Signed, read_signature
from grantwire.sandbox.faults import Seen
from grantwire.sandbox.ids import digest
from grantwire.sandbox.operations import OPERATIONS, Call, Failure
from grantwire.sandbox.operations.registry import Operation
from grantwire.sandbox.paging import Page, paginate
from grantwire.sandbox.state import State
from grantwire.sandbox.wire import answers, requests
from grantwire.sandbox.wire.answers import ModelViolation
from grantwire.sandbox.wire.requests import Invalid
from grantwire.sandbox.wire.services import Service, Unsupported, load

_READS = ("Get", "List", "AssumeRole")
_SKEWED = "Signature expired: 20200101T000000Z is now earlier than 20200101T001500Z (20200101T003000Z - 15 min.)"
Faults = dict[str, dict[str, Any]]


@dataclass
class Reply:
    """What goes back. `delay` in seconds; `hang`: nothing does; `drop`: the connection goes; `cut`: half the body."""

    status: int
    body: bytes
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """One call, read but not yet believed."""

    service: Service
    model: OperationModel
    signed: Signed
    fields: dict[str, str]
    request_id: str

    @property
    def name(self) -> str:
        return f"{self.service.name}.{self.model.name}"


class Gateway:
    """read, authenticate, count, faults, parse and check, authorize, handle, page, answer: in this order."""

    def __init__(self, state: State) -> None:
        self.state = state

    def answer(self, headers: Mapping[str, str], url: str, body: bytes) -> Reply:
        """The reply to one POST."""
        self.state.requests += 1
        number = digest(self.state.plan.seed, self.state.requests).hex()
        request_id = f"{number[:8]}-{number[8:12]}-4{number[12:15]}-a{number[15:18]}-{number[18:30]}"
        try:
            request = self._read(headers, url, body, request_id)
        except Unsupported as problem:
            return self._violation(str(problem), request_id)
        except (Refused, Invalid) as problem:
            code = problem.code if isinstance(problem, Refused) else "ValidationError"
            return _error(
                load("sts"), Failure(code, str(problem), 403 if isinstance(problem, Refused) else 400), request_id
            )
        return self._serve(request)

    def _read(self, headers: Mapping[str, str], url: str, body: bytes, request_id: str) -> Request:
        signed, fields = read_signature(headers, url, body), requests.form(body)
        service, action = load(signed.service), fields.get("Action", "")
        model = service.operation(action)
        if model is None:
            raise Unsupported(f"{service.name} has no operation {action!r}")
        return Request(service, model, signed, fields, request_id)

    def _serve(self, request: Request) -> Reply:
        try:
            caller: Principal | Refused = self._authenticate(request)
        except Refused as refused:
            caller = refused
        account = "unknown" if isinstance(caller, Refused) else caller.world.account
        self.state.count(request.name, account)
        fired = self._faults(request, account)
        early = _early(request, fired)
        reply = early if early is not None else self._perform(request, caller, fired)
        seconds = fired.get("latency", {}).get("seconds", 0.0)
        reply.delay = float(seconds) + self.state.options.latency_ms / 1000
        reply.cut = "cut" in fired
        return reply

    def _authenticate(self, request: Request) -> Principal:
        return self.state.sessions.authenticate(request.signed, self.state.now(), self.state.real_now())

    def _faults(self, request: Request, account: str) -> Faults:
        reads = request.model.name.startswith(_READS)
        seen = Seen(request.service.name, request.model.name, account, bool(request.fields.get("Marker")), reads)
        return self.state.faults.firing(seen)

    def _perform(self, request: Request, caller: Principal | Refused, fired: Faults) -> Reply:
        try:
            if isinstance(caller, Refused):
                raise Failure(caller.code, str(caller), 403)
            operation = OPERATIONS.get((request.service.name, request.model.name))
            if operation is None:
                raise Unsupported(f"{request.name} is not simulated")
            return self._handle(request, operation, caller, fired)
        except Invalid as problem:
            return _error(request.service, Failure("ValidationError", str(problem)), request.request_id)
        except Failure as failure:
            if failure.code == "AccessDenied" and not isinstance(caller, Refused):
                self.state.denied.append({"principal": caller.arn, "action": _action(request), "message": str(failure)})
            return _error(request.service, failure, request.request_id)
        except (Unsupported, ModelViolation) as problem:
            return self._violation(f"{request.name}: {problem}", request.request_id)

    def _handle(self, request: Request, operation: Operation, caller: Principal, fired: Faults) -> Reply:
        params = requests.parse(request.model.input_shape, request.fields)
        requests.check(request.model.input_shape, params)
        stale = "stale" in fired and caller.world is self.state.world
        world = self.state.seen_world(fired["stale"]) if stale else caller.world
        worlds = self.state.worlds | {world.account: world}
        call = Call(world, worlds, self.state.sessions, caller, params, int(self.state.now()))
        _authorize(request, operation, call)
        self.state.used[_action(request)] += 1
        outcome = operation.handler(call)
        result = self._page(request, params, outcome) if isinstance(outcome, Page) else outcome
        result = _bent(request, params, result, fired)
        body = answers.success(request.model, result, request.request_id)
        return Reply(200, body, headers={"x-amzn-requestid": request.request_id})

    def _page(self, request: Request, params: dict[str, Any], page: Page) -> dict[str, Any]:
        name = request.model.name
        return paginate(name, request.service.paging[name], params, page, self.state.mess)

    def _violation(self, text: str, request_id: str) -> Reply:
        # 501 is not retried by botocore, so a gap of the sandbox shows at once.
        self.state.violations.append(text)
        return _error(load("sts"), Failure("NotImplemented", text, 501), request_id)


def _action(request: Request) -> str:
    return f"{request.service.name}:{request.model.name}"


def _authorize(request: Request, operation: Operation, call: Call) -> None:
    if operation.resource is None:
        return
    resource, action = operation.resource(call), _action(request)
    reason = call.caller.refusal(Ask(action, resource, call.caller.context()))
    if reason is not None:
        text = f"User: {call.caller.arn} is not authorized to perform: {action} on resource: {resource} {reason}"
        raise Failure("AccessDenied", text, 403)


def _error(service: Service, failure: Failure, request_id: str) -> Reply:
    space = str(service.model.metadata["xmlNamespace"])
    body = answers.error(space, failure.code, str(failure), request_id, sender=failure.status < 500)
    return Reply(failure.status, body, headers={"x-amzn-requestid": request_id})


def _early(request: Request, fired: Faults) -> Reply | None:
    """The reply of the faults that stand in the way of the call itself."""
    if "timeout" in fired or "drop" in fired:
        return Reply(500, b"", hang="timeout" in fired, drop="drop" in fired)
    if "garbage" in fired:
        body = fired["garbage"].get("body", "<html><body><h1>Welcome</h1></body></html>")
        return Reply(200, str(body).encode(), "text/html")
    for kind in ("throttle", "deny", "error", "skew"):
        if kind in fired:
            return _error(request.service, _failure(kind, fired[kind], _action(request)), request.request_id)
    return None


def _failure(kind: str, options: dict[str, Any], action: str) -> Failure:
    match kind:
        case "throttle":
            return Failure(options.get("code", "Throttling"), "Rate exceeded")
        case "deny":
            text = f"User is not authorized to perform: {action} with an explicit deny in a service control policy"
            return Failure("AccessDenied", text, 403)
        case "skew":
            return Failure(options.get("code", "SignatureDoesNotMatch"), options.get("message", _SKEWED), 403)
    status = int(options.get("status", 500))
    code = options.get("code", "ServiceUnavailable" if status == 503 else "InternalFailure")
    return Failure(
        code, options.get("message", "The request processing has failed because of an unknown error."), status
    )


def _bent(request: Request, params: dict[str, Any], result: dict[str, Any], fired: Faults) -> dict[str, Any]:
    """A list answer after the faults of paging."""
    config = request.service.paging.get(request.model.name)
    if config is None:
        return result
    if "repeat_token" in fired:
        result = result | {config["output_token"]: params[config["input_token"]], config["more_results"]: True}
    if "empty" in fired:
        keys = config["result_key"] if isinstance(config["result_key"], list) else [config["result_key"]]
        result = {key: value for key, value in result.items() if key != config["output_token"]}
        result |= {key: [] for key in keys} | {config["more_results"]: False}
    return result
