"""One request's way: authenticate, choose a deployment, wait for a slot, ask the model, pass its answer on.

The rules behind each step live in their own files; this one puts them in order and makes sure that a slot is given back
whatever happens: a timeout, a crash, a caller who hangs up.
"""

import asyncio

from azml_gateway import answers, upstream
from azml_gateway.admission import Deployment, NoInstanceError, TooManyRequestsError
from azml_gateway.answers import Refusal
from azml_gateway.call import Call, Headers
from azml_gateway.caller import TEXT, Caller, TooLargeError
from azml_gateway.mirroring import Mirroring
from azml_gateway.routing import Routing

HUNG_UP = 499
"""Status in the metrics for a caller who left before the answer (nginx's number; nobody receives it)."""


class Gateway:
    """Answers the requests to one endpoint."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._mirroring = Mirroring(routing)

    @property
    def max_body_bytes(self) -> int:
        """Bytes of a body that are taken."""
        return self._routing.config.max_request_bytes

    async def __call__(self, call: Call, caller: Caller) -> None:
        """Answer one request."""
        if call.path == b"/":  # liveness of the gateway itself: no key, no deployment, not counted
            _reply(caller, call, 200, b"Healthy")
            return
        try:
            await self._score(call, caller)
        except asyncio.CancelledError:
            call.status = HUNG_UP
            raise
        finally:
            self._routing.metrics.answered(call.deployment, call.status, call.model_status, call.elapsed_s())

    async def _score(self, call: Call, caller: Caller) -> None:
        try:
            await self._routing.authenticator.check(call.header.get(b"authorization"))
            deployment = self._route(call)
            call.body = await self._body(caller)
            if self._routing.deployments.get(deployment.name) is not deployment:  # deleted while the body came
                deployment = self._route(call)
            self._mirroring.copy(call)
            await _ask(call, deployment, caller)
        except Refusal as refusal:
            _reply(caller, call, refusal.status, refusal.text.encode(), refusal.headers)

    def _route(self, call: Call) -> Deployment:
        routing = self._routing
        named = call.header.get(b"azureml-model-deployment")
        pick = routing.describe if call.path == b"/swagger.json" else routing.choose
        deployment = pick(None if named is None else named.decode("latin-1"))
        call.deployment = deployment.name
        return deployment

    async def _body(self, caller: Caller) -> bytes:
        """Read the whole body: held in memory, it can be sent to another instance, and as a copy to a mirror."""
        try:
            return await caller.body()
        except TooLargeError:
            raise answers.too_large(self.max_body_bytes) from None


async def _ask(call: Call, deployment: Deployment, caller: Caller) -> None:
    """Get a slot and the model's answer; where an instance refuses the connection, the next one is asked."""
    timeout_s = deployment.config.request_timeout_s
    for _ in deployment.instances:
        try:
            instance = await deployment.acquire()
        except TooManyRequestsError as error:
            raise answers.too_many(
                deployment.name, deployment.config.max_queue_wait_s if error.waited else None
            ) from None
        except NoInstanceError:
            break
        exchange: upstream.Exchange | None = None
        try:
            target = call.target(deployment.config.scoring_route)
            headers = call.forwarded()
            exchange = await upstream.send(instance.address, call.method, target, headers, call.body, timeout_s)
            await exchange.head()
            await _pass_on(call, exchange, caller)
        except upstream.ConnectError:
            deployment.avoid(instance)
            continue
        except (TimeoutError, upstream.BrokenAnswerError) as error:
            deployment.avoid(instance)  # likely still busy with the request that was given up
            if call.status:
                return  # the answer has begun: all that is left is to break the connection off, which the caller does
            if isinstance(error, TimeoutError):
                raise answers.timed_out(timeout_s, deployment.name) from None
            break
        else:
            return
        finally:
            deployment.release(instance)
            if exchange is not None:
                exchange.abort()
    raise answers.not_ready(deployment.name)


async def _pass_on(call: Call, exchange: upstream.Exchange, caller: Caller) -> None:
    """Forward the model's answer; anything but 200 becomes 424 with the model's status in a header."""
    call.model_status = exchange.status
    headers = call.returned(exchange.headers)
    if exchange.status == 200:
        call.status = 200
    else:
        call.status = 424
        headers += answers.model_error(exchange.status)
    body = exchange.whole()
    if body is not None and call.method != b"HEAD":  # whose length is that of a body which is not sent
        # What is sent decides, not what the model announced: a 204 with a length would keep the caller waiting.
        caller.answer(call.status, [pair for pair in headers if pair[0] != b"content-length"], body)
        return
    caller.begin(call.status, headers)
    async with asyncio.timeout_at(exchange.deadline):
        async for piece in exchange.body():
            await caller.write(piece)
    caller.end()


def _reply(caller: Caller, call: Call, status: int, body: bytes, headers: Headers = ()) -> None:
    call.status = status
    caller.answer(status, [TEXT, *call.returned(()), *headers], body)
