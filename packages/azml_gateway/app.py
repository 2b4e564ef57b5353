"""One request's way: authenticate, choose a deployment, wait for a slot, ask the model, pass its answer on.

A raw ASGI application, because this is the hot path. The rules behind each step live in their own files; this one puts
them in order and makes sure that a slot is given back whatever happens: a timeout, a crash, a caller who hangs up.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from azml_gateway import answers, upstream
from azml_gateway.admission import Deployment, NoInstanceError, TooManyRequestsError
from azml_gateway.answers import Refusal
from azml_gateway.call import Call
from azml_gateway.mirroring import Mirroring
from azml_gateway.routing import Routing

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HUNG_UP = 499
"""Status in the metrics for a caller who left before the answer (nginx's number; nobody receives it)."""


class Gateway:
    """The ASGI application of one endpoint."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        self._mirroring = Mirroring(routing)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        call = Call(scope)
        if call.path == b"/":  # liveness of the gateway itself: no key, no deployment, not counted
            await _reply(send, call, 200, b"Healthy")
            return
        try:
            await self._score(call, receive, send)
        except asyncio.CancelledError:
            if not call.hung_up:
                raise
            call.status = HUNG_UP
        finally:
            self._routing.metrics.answered(call.deployment, call.status, call.model_status, call.elapsed_s())

    async def _score(self, call: Call, receive: Receive, send: Send) -> None:
        watch: asyncio.Task[None] | None = None
        try:
            deployment = await self._route(call)
            call.body = await _read(call, receive, self._routing.config.max_request_bytes)
            watch = asyncio.create_task(_watch(call, receive, asyncio.current_task()))
            self._mirroring.copy(call)
            await _ask(call, deployment, send, watch)
        except Refusal as refusal:
            if watch is not None:
                watch.cancel()
            await _reply(send, call, refusal.status, refusal.text.encode(), refusal.headers)
        finally:
            if watch is not None:
                watch.cancel()

    async def _route(self, call: Call) -> Deployment:
        routing = self._routing
        await routing.authenticator.check(call.header.get(b"authorization"))
        named = call.header.get(b"azureml-model-deployment")
        pick = routing.describe if call.path == b"/swagger.json" else routing.choose
        deployment = pick(None if named is None else named.decode("latin-1"))
        call.deployment = deployment.name
        return deployment


async def _ask(call: Call, deployment: Deployment, send: Send, watch: asyncio.Task[None]) -> None:
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
            async with asyncio.timeout(timeout_s):
                target = call.target(deployment.config.scoring_route)
                exchange = await upstream.send(instance.address, call.method, target, call.forwarded(), call.body)
                await exchange.head()
                await _pass_on(call, exchange, send, watch)
        except upstream.ConnectError:
            deployment.avoid(instance)
            continue
        except (TimeoutError, upstream.BrokenAnswerError) as error:
            deployment.avoid(instance)  # likely still busy with the request that was given up
            if call.status:
                return  # the answer has begun: all that is left is to break the connection off, which uvicorn does
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


async def _pass_on(call: Call, exchange: upstream.Exchange, send: Send, watch: asyncio.Task[None]) -> None:
    """Forward the model's answer; anything but 200 becomes 424 with the model's status in a header."""
    call.model_status = exchange.status
    headers = call.returned(exchange.headers)
    if exchange.status == 200:
        call.status = 200
    else:
        call.status = 424
        headers += answers.model_error(exchange.status)
    body = exchange.whole()
    if body is not None:
        watch.cancel()
        # What is sent decides, not what the model announced: a 204 with a length would keep the caller waiting.
        headers = [pair for pair in headers if pair[0] != b"content-length"]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": call.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await send({"type": "http.response.start", "status": call.status, "headers": headers})
    async for chunk in exchange.body():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    watch.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _read(call: Call, receive: Receive, limit: int) -> bytes:
    """Read the whole body: held in memory, it can be sent again to another instance, and as a copy to a mirror."""
    announced = call.header.get(b"content-length", b"0")
    if int(announced) > limit:
        raise answers.too_large(limit)
    parts: list[bytes] = []
    more, size = True, 0
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        size += len(parts[-1])
        if size > limit:
            raise answers.too_large(limit)
    if message["type"] == "http.disconnect":
        call.hung_up = True
        raise asyncio.CancelledError
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _watch(call: Call, receive: Receive, task: asyncio.Task[Any] | None) -> None:
    """End the request when its caller hangs up, so that the slot is free for somebody who still waits."""
    await receive()
    call.hung_up = True
    if task is not None:
        task.cancel()


async def _reply(send: Send, call: Call, status: int, body: bytes, headers: upstream.Headers = ()) -> None:
    call.status = status
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    everything = [*plain, *call.returned(()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": everything})
    await send({"type": "http.response.body", "body": b"" if call.method == b"HEAD" else body})
