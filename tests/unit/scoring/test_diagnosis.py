import pytest

from azml_local.scoring.diagnosis import explain

NOISE = """\
2026-11-21 06:27:09,769 E [18383] azmlinfsrv.trace - Error while fetching model IDs
Traceback (most recent call last):
  File "appinsights_client.py", line 230, in _get_model_ids
    versions = [int(version) for version in os.listdir(os.path.join(config.azureml_model_dir, model))]
NotADirectoryError: [Errno 20] Not a directory: 'app/score.py'
2026-11-21 06:27:09,769 I [18383] azmlinfsrv.user_script - Found user script at score.py
"""
INIT = (
    NOISE
    + """\
2026-11-21 06:27:09,769 E [18383] azmlinfsrv - User's init function failed
2026-11-21 06:27:09,769 E [18383] azmlinfsrv - Encountered Exception Traceback (most recent call last):
  File "user_script.py", line 120, in invoke_init
    self._user_init()
{error}

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception from the user script

2026-11-21 06:27:10,084 I [18341] gunicorn.error - Shutting down: Master
"""
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("KeyError: 'weights'", ["init()", "KeyError: 'weights'"]),
        ("ModuleNotFoundError: No module named 'xgboost'", ["'xgboost'", "conda file"]),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/m/1/model.pkl'",
            ["/m/1/model.pkl", "AZUREML_MODEL_DIR"],
        ),
        ("my.own.StrangeError: no luck", ["my.own.StrangeError: no luck"]),
        ("SystemExit: 1", ["SystemExit: 1"]),
    ],
)
def test_the_users_exception_is_the_cause(error: str, words: list[str]) -> None:
    text = explain(INIT.format(error=error), 3)
    first = text.split("\nLast lines")[0]
    for word in words:
        assert word in first
    assert "exit code 3" in first
    assert "NotADirectoryError" not in text
    assert "Shutting down: Master" in text


def test_a_missing_function_is_named() -> None:
    text = explain("UserScriptError: User script at /x/score.py does not have a run() function defined.", 3)
    assert "defines no run()" in text


@pytest.mark.parametrize(
    ("code", "word"),
    [(-9, "out of memory"), (None, "readiness probe"), (1, "Its log should say why"), (-11, "SIGSEGV")],
)
def test_without_an_exception_the_way_it_ended_speaks(code: int | None, word: str) -> None:
    assert word in explain(NOISE, code)


def test_the_last_lines_come_along_and_no_more() -> None:
    text = explain("\n".join(f"line {number}" for number in range(1000)), 1)
    assert "line 999" in text
    assert "line 975" in text
    assert "line 974" not in text


def test_what_had_to_be_ended_says_why() -> None:
    killed = explain("loading", None, "was ended: OOMKilled, its processes used 620 MiB of the 512 MiB that …")
    assert killed.startswith("The scoring server was ended: OOMKilled, its processes used 620 MiB")
    assert "Choose a larger instance_type" in killed
    assert "liveness probe allows" in explain("loading", None, "failed its liveness probe 30 times")
