"""How the sandbox answers one AWS call, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grantwire.sandbox.access.policies import Ask
from grantwire.sandbox.access.principals import Principal
from grantwire.sandbox.access.sessions import Refused, Signed, read_signature
from grantwire.sandbox.faults import Seen
from grantwire.sandbox.ids import digest
from grantwire.sandbox.operations import OPERATIONS, Call, Failure
from grantwire.sandbox.operations.iam_credentials import OFFERED
from grantwire.sandbox.operations.registry import Operation
from grantwire.sandbox.paging import DEFAULT, DEFAULTS, Page, paginate
from grantwire.sandbox.partitions import home_of
from grantwire.sandbox.replies import Reply, Request, answered, explained, written
from grantwire.sandbox.state import State
from grantwire.sandbox.trouble import Fired, bent, early, lost
from grantwire.sandbox.wire import requests
from grantwire.sandbox.wire.answers import ModelViolation
from grantwire.sandbox.wire.dialects import QUERY, Dialect, Problem, dialect_of
from grantwire.sandbox.wire.requests import Invalid
from grantwire.sandbox.wire.services import CENTER_SERVICES, Service, Unsupported, load
from grantwire.sandbox.writes import reads, write

_PAST = {"organizations": "organizations"} | dict.fromkeys(CENTER_SERVICES, "center")


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
            signed = read_signature(headers, url, body)
            service = self._service(signed.service)
        except Unsupported as problem:
            return self._violation(str(problem), request_id)
        except Refused as refused:
            return written(load("sts"), QUERY, QUERY.problem(refused.code, str(refused), 403), request_id)
        return self._read(service, dialect_of(service), signed, request_id)

    def _service(self, prefix: str) -> Service:
        service = load(prefix)
        if service.name in CENTER_SERVICES and self.state.center is None:
            raise Unsupported(f"service {prefix}")
        return service

    def _read(self, service: Service, dialect: Dialect, signed: Signed, request_id: str) -> Reply:
        try:
            action, fields = dialect.read(signed.headers, signed.body)
        except Invalid as problem:
            return written(service, dialect, dialect.invalid(problem), request_id)
        model = service.operation(action)
        if model is None:
            return self._violation(f"{service.name} has no operation {action!r}", request_id)
        return self._serve(Request(service, dialect, model, signed, fields, request_id))

    def _serve(self, request: Request) -> Reply:
        try:
            caller: Principal | Refused = self._authenticate(request)
        except Refused as refused:
            caller = refused
        account = "unknown" if isinstance(caller, Refused) else caller.world.account
        self.state.count(request.name, account)
        fired = self._faults(request, account)
        if not self.state.rates.take(request.service.name, account, self.state.now()):
            fired = {"throttle": {}} | fired
        prevented = early(request, fired)
        reply = prevented if prevented is not None else lost(request, self._perform(request, caller, fired), fired)
        seconds = fired.get("latency", {}).get("seconds", 0.0)
        reply.delay = float(seconds) + self.state.options.latency_ms / 1000
        reply.cut = "cut" in fired
        return reply

    def _authenticate(self, request: Request) -> Principal:
        if home_of(request.signed.region) != self.state.plan.partition:
            raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.")
        return self.state.sessions.authenticate(request.signed, self.state.now(), self.state.real_now())

    def _faults(self, request: Request, account: str) -> Fired:
        into = request.target if self.state.tree is not None else None
        seen = Seen(
            request.service.name, request.model.name, account, request.has_marker, reads(request.model.name), into
        )
        return self.state.faults.firing(seen)

    def _perform(self, request: Request, caller: Principal | Refused, fired: Fired) -> Reply:
        try:
            if isinstance(caller, Refused):
                raise Failure(caller.code, str(caller), 403)
            operation = OPERATIONS.get((request.service.name, request.model.name))
            if operation is None or (request.name in OFFERED and not self.state.plan.extras.credentials):
                raise Unsupported(f"{request.name} is not simulated")
            return self._handle(request, operation, caller, fired)
        except Invalid as problem:
            return explained(request, request.dialect.invalid(problem))
        except Failure as failure:
            return self._failed(request, caller, failure)
        except (Unsupported, ModelViolation) as problem:
            return self._violation(f"{request.name}: {problem}", request.request_id)

    def _failed(self, request: Request, caller: Principal | Refused, failure: Failure) -> Reply:
        if failure.code == "AccessDenied" and not isinstance(caller, Refused):
            self.state.denied.append({"principal": caller.arn, "action": request.action, "message": str(failure)})
        found = request.dialect.problem(failure.code, str(failure), failure.status)
        return explained(request, replace(found, more=found.more | failure.more))

    def _handle(self, request: Request, operation: Operation, caller: Principal, fired: Fired) -> Reply:
        params = request.dialect.parse(request.model.input_shape, request.fields)
        requests.check(request.model.input_shape, params)
        call = self._call(request, caller, params, fired)
        _authorize(request, operation, call)
        self.state.used[request.action] += 1
        outcome = operation.handler(call)
        if not reads(request.model.name):
            self.state.writes.append(write(request, call))
        result = self._page(request, params, outcome) if isinstance(outcome, Page) else outcome
        result = bent(request, params, result, fired)
        return answered(request, request.dialect.success(request.model, result, request.request_id))

    def _call(self, request: Request, caller: Principal, params: dict[str, Any], fired: Fired) -> Call:
        state, stale = self.state, fired.get("stale")
        # Each service has its own past: a stale read of Organizations shows an old organization, not old users.
        past = {_PAST.get(request.service.name, "iam"): stale}
        state.settle()
        world = state.seen_world(caller.world, past.get("iam"))
        return Call(
            world,
            state.worlds | {world.account: world},
            state.sessions,
            caller,
            params,
            int(state.now()),
            state.seen_tree(past.get("organizations")),
            state.account_state,
            state.now(),
            request.signed.region,
            state.seen_center(past.get("center")),
            state.provisioning,
            state.reports,
        )

    def _page(self, request: Request, params: dict[str, Any], page: Page) -> dict[str, Any]:
        name, default = request.model.name, DEFAULTS.get(request.service.name, DEFAULT)
        return paginate(name, request.service.paging[name], params, page, self.state.mess, default)

    def _violation(self, text: str, request_id: str) -> Reply:
        # 501 is not retried by botocore, so a gap of the sandbox shows at once.
        self.state.violations.append(text)
        return written(load("sts"), QUERY, Problem("NotImplemented", text, 501, {}), request_id)


def _authorize(request: Request, operation: Operation, call: Call) -> None:
    if operation.resource is None:
        return
    found, action = operation.resource(call), request.action
    for resource in (found,) if isinstance(found, str) else found:
        reason = call.caller.refusal(Ask(action, resource, call.caller.context()))
        if reason is not None:
            text = f"User: {call.caller.arn} is not authorized to perform: {action} on resource: {resource} {reason}"
            raise Failure("AccessDenied", text, 403)
