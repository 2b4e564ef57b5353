import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.support.running_gateway import KEYS, Model, gateway, models


def blue(*instances: Model, **settings: object) -> dict[str, object]:
    """Config of a gateway whose only deployment is `blue`."""
    addresses = [each.address for each in instances]
    return {
        "traffic": {"blue": 100},
        "deployments": {"blue": {"instances": addresses, "max_concurrent": 4, **settings}},
    }


def test_a_request_reaches_the_model_and_its_answer_comes_back(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        sent = {"x-mine": "1", "x-ms-client-request-id": "abc", "connection": "keep-alive, x-hop", "x-hop": "2"}
        reply = endpoint.call("/score?verbose=1", body={"n": 1}, headers=sent)
        method, path, got = model.requests[0]
    assert (reply.status, reply.model) == (200, "m")
    assert reply.headers["x-from-model"] == "yes"
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert reply.headers["x-ms-client-request-id"] == "abc"
    assert len(reply.headers["x-ms-request-id"]) == 32
    assert (method, path) == ("POST", "/score?verbose=1")
    names = {name.lower(): value for name, value in got.items()}
    assert names["x-mine"] == "1"
    assert names["x-ms-client-request-id"] == "abc"
    assert names["x-request-id"] == reply.headers["x-ms-request-id"]
    assert not {"authorization", "x-hop"} & names.keys()


def test_two_requests_never_share_an_id(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        first, second = endpoint.call(), endpoint.call()
    assert first.headers["x-ms-request-id"] != second.headers["x-ms-request-id"]


def test_either_key_opens_and_nothing_else(tmp_path: Path) -> None:
    refused = {
        "": "key_auth_bad_header_forbidden",
        "Basic cHJpbWFyeS1rZXk=": "key_auth_bad_header_forbidden",
        "Bearer ": "key_auth_bad_header_forbidden",
        "Bearer primary-ke": "key_auth_access_denied",
        "Bearer primary-keys": "key_auth_access_denied",
        "Bearer cl\u00e9": "key_auth_access_denied",
    }
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        for authorization, word in refused.items():
            for path in ("/score", "/swagger.json", "/anything"):
                reply = endpoint.call(path, key=None, headers={"authorization": authorization})
                assert reply.status == 401
                assert reply.body.decode().startswith(word)
        assert endpoint.call(key=None).status == 401
        assert model.requests == []
        for key in KEYS:
            assert endpoint.call(key=key).status == 200
            assert endpoint.call(key=None, headers={"authorization": f"bearer {key}"}).status == 200


def test_liveness_needs_no_key_and_no_model(tmp_path: Path) -> None:
    with gateway(tmp_path, traffic={}, deployments={}) as endpoint:
        assert endpoint.call("/", "GET", key=None).status == 200


def test_traffic_is_split_exactly_over_a_hundred_requests(tmp_path: Path) -> None:
    with models("a", "b", "c") as [a, b, c]:
        deployments = {each.name: {"instances": [each.address]} for each in (a, b, c)}
        with gateway(tmp_path, traffic={"a": 83, "b": 17, "c": 0}, deployments=deployments) as endpoint:
            replies = [endpoint.call() for _ in range(100)]
            for _ in range(5):
                endpoint.call("/swagger.json", "GET")  # takes no turn
            again = [endpoint.call() for _ in range(100)]
    for round_ in (replies, again):
        assert [sum(each.model == name for each in round_) for name in "abc"] == [83, 17, 0]
        assert all(each.headers["azureml-model-deployment"] == each.model for each in round_)


def test_the_deployment_header_bypasses_traffic(tmp_path: Path) -> None:
    with models("a", "b") as [a, b]:
        deployments = {each.name: {"instances": [each.address]} for each in (a, b)}
        with gateway(tmp_path, traffic={"a": 100}, deployments=deployments) as endpoint:
            assert endpoint.call(headers={"azureml-model-deployment": "b"}).model == "b"
            unknown = endpoint.call(headers={"azureml-model-deployment": "c"})
    assert unknown.status == 404
    assert "'c'" in unknown.body.decode()
    assert "a, b" in unknown.body.decode()


def test_without_a_deployment_of_positive_weight_it_is_404(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **(blue(model) | {"traffic": {}})) as endpoint:
        for traffic in ({}, {"blue": 0}, {"gone": 100}):
            assert endpoint.reload(traffic=traffic)[0] == 200
            for path in ("/score", "/swagger.json"):
                reply = endpoint.call(path)
                assert reply.status == 404
                assert reply.body.decode() == "The endpoint doesn't have any valid deployment with positive weight."


def test_whatever_is_not_200_is_a_model_error(tmp_path: Path) -> None:
    statuses = [400, 404, 500, 503, 201, 204]
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        for status in statuses:
            reply = endpoint.call(body={"status": status})
            assert reply.status == 424
            assert reply.headers["ms-azureml-model-error-statuscode"] == str(status)
            assert reply.headers["ms-azureml-model-error-reason"] == "model_error"
            assert reply.body == (b"" if status == 204 else b'{"model": "m"}')
        counts = endpoint.metrics()["deployments"]["blue"]
    assert counts["status"] == {"424": len(statuses)}
    assert counts["model_status"] == {str(status): 1 for status in statuses}


def test_a_slow_model_is_408_and_the_slot_is_free_again(tmp_path: Path) -> None:
    settings = {"request_timeout_s": 0.3, "max_concurrent": 1}
    with models("m") as [model], gateway(tmp_path, **blue(model, **settings)) as endpoint:
        started = time.monotonic()
        reply = endpoint.call(body={"sleep": 2})
        assert 0.3 <= time.monotonic() - started < 1.5
        assert endpoint.call().status == 200
    assert reply.status == 408
    assert "0.3 s" in reply.body.decode()


def test_beyond_twice_the_concurrency_it_is_429(tmp_path: Path) -> None:
    settings = {"max_concurrent": 2, "max_queue_wait_s": 5}
    with models("m", "n") as [one, two], gateway(tmp_path, **blue(one, two, **settings)) as endpoint:
        replies = endpoint.calls([{"sleep": 0.5}] * 11)
        assert one.most_active == two.most_active == 2
    assert sorted(each.status for each in replies) == [200] * 8 + [429] * 3
    refused = next(each for each in replies if each.status == 429)
    assert refused.headers["ms-azureml-model-error-reason"] == "too_many_pending_request"
    assert refused.headers["azureml-model-deployment"] == "blue"


def test_waiting_longer_than_max_queue_wait_is_429(tmp_path: Path) -> None:
    settings = {"max_concurrent": 1, "max_queue_wait_s": 0.1}
    with models("m") as [model], gateway(tmp_path, **blue(model, **settings)) as endpoint:
        replies = endpoint.calls([{"sleep": 0.8}] * 2)
        assert endpoint.call().status == 200
    assert sorted(each.status for each in replies) == [200, 429]
    assert "0.1 s" in next(each for each in replies if each.status == 429).body.decode()


def test_a_caller_who_hangs_up_frees_the_slot(tmp_path: Path) -> None:
    settings = {"max_concurrent": 1, "max_queue_wait_s": 10, "request_timeout_s": 10}
    with models("m") as [model], gateway(tmp_path, **blue(model, **settings)) as endpoint:
        head = f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\n".encode()
        body = b'{"sleep": 1}'
        request = head + b"content-length: %d\r\n\r\n" % len(body) + body
        with socket.create_connection(("127.0.0.1", endpoint.port)) as working:
            working.sendall(request)
            while not model.active:
                time.sleep(0.01)
            with socket.create_connection(("127.0.0.1", endpoint.port)) as waiting:
                waiting.sendall(request)
                while not endpoint.metrics()["waiting"]["blue"]:
                    time.sleep(0.01)
        assert endpoint.idle()
        assert endpoint.metrics()["waiting"] == {"blue": 0}
        assert endpoint.metrics()["deployments"]["blue"]["status"] == {"499": 2}
        assert len(model.requests) == 1  # the one that waited never got there
        assert endpoint.call().status == 200


def test_a_dead_model_is_503_at_once(tmp_path: Path) -> None:
    gone = Model()
    with gone.serving():
        pass
    with gateway(tmp_path, **blue(gone)) as endpoint:
        started = time.monotonic()
        reply = endpoint.call()
        assert time.monotonic() - started < 1
    assert reply.status == 503
    assert reply.headers["ms-azureml-model-error-reason"] == "model_not_ready"


def test_a_deployment_without_instances_is_503(tmp_path: Path) -> None:
    with gateway(tmp_path, **blue()) as endpoint:
        assert endpoint.call().status == 503


def test_a_living_instance_answers_for_a_dead_one(tmp_path: Path) -> None:
    gone = Model()
    with gone.serving():
        pass
    with models("m") as [model], gateway(tmp_path, **blue(gone, model)) as endpoint:
        assert {endpoint.call().status for _ in range(20)} == {200}
        assert len(model.requests) == 20


def test_a_model_that_dies_before_its_answer_is_503(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        assert endpoint.call(body={"die": True}).status == 503
        assert endpoint.idle()
        assert len(model.requests) == 1  # never sent twice: scoring may have had an effect


def test_an_answer_that_breaks_off_is_not_passed_on_as_whole(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        with pytest.raises(Exception, match=r"IncompleteRead"):
            endpoint.call(body={"break": True})
        assert endpoint.idle()
        assert endpoint.call().status == 200


def test_an_answer_without_length_is_streamed_as_it_comes(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model)) as endpoint:
        body = b'{"stream": 3, "pause": 0.2}'
        head = f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\n".encode()
        with socket.create_connection(("127.0.0.1", endpoint.port)) as caller:
            caller.sendall(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
            arrived = b""
            while b"piece 0" not in arrived:
                arrived += caller.recv(4096)
            assert b"piece 2" not in arrived
            while chunk := caller.recv(4096):
                arrived += chunk
    assert b"piece 1" in arrived
    assert arrived.endswith(b"piece 2\n\r\n0\r\n\r\n")


def test_a_large_body_and_answer_pass_unharmed_and_a_larger_one_is_413(tmp_path: Path) -> None:
    limit = 3_000_000
    with models("m") as [model], gateway(tmp_path, **blue(model), max_request_bytes=limit) as endpoint:
        assert endpoint.call(body=b" " * limit).status == 200
        assert endpoint.call(body=b" " * (limit + 1)).status == 413
        assert endpoint.call(body={"stream": 100, "padding": 50_000}).body.count(b" " * 50_000 + b"piece") == 100
        assert len(model.requests) == 2


def test_a_body_without_announced_length_has_the_same_limit(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model), max_request_bytes=1000) as endpoint:
        head = (
            f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", endpoint.port)) as caller:
            caller.sendall(head.encode() + b"1f4\r\n" + b" " * 500 + b"\r\n0\r\n\r\n")
            assert caller.recv(4096).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", endpoint.port)) as caller:
            caller.sendall(head.encode() + (b"1f4\r\n" + b" " * 500 + b"\r\n") * 3)
            assert caller.recv(4096).startswith(b"HTTP/1.1 413")
        assert [headers.get("Content-Length", headers.get("content-length")) for _, _, headers in model.requests] == [
            "500"
        ]


def test_a_slow_caller_gets_a_long_answer_whole_and_the_gateway_does_not_hoard_it(tmp_path: Path) -> None:
    size = 60_000_000
    with models("m") as [model], gateway(tmp_path, **blue(model, request_timeout_s=30)) as endpoint:
        body = b'{"stream": 60, "padding": 1000000}'
        head = f"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEYS[0]}\r\n".encode()
        before = psutil.Process(endpoint.process.pid).memory_info().rss
        with socket.create_connection(("127.0.0.1", endpoint.port)) as caller:
            caller.sendall(head + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
            time.sleep(0.7)
            held = psutil.Process(endpoint.process.pid).memory_info().rss - before
            received = 0
            while chunk := caller.recv(1 << 20):
                received += len(chunk)
    assert received > size
    assert held < size / 4


def test_score_goes_to_the_scoring_route_and_other_paths_as_they_are(tmp_path: Path) -> None:
    with models("m") as [model], gateway(tmp_path, **blue(model, scoring_route="/v1/models/m:predict")) as endpoint:
        endpoint.call("/score?a=b")
        endpoint.call("/swagger.json?version=3", "GET")
        assert [path for _, path, _ in model.requests] == ["/v1/models/m:predict?a=b", "/swagger.json?version=3"]
