"""The marks are the SDK's own, and the messages come without it."""

import subprocess
import sys

from pulumi.runtime import rpc

from azml_protocol import marks


def test_the_marks_are_those_of_the_sdk() -> None:
    assert rpc._special_sig_key == marks.SIGNATURE
    assert rpc._special_secret_sig == marks.SECRET
    assert rpc._special_output_value_sig == marks.OUTPUT
    assert marks.UNKNOWN == rpc.UNKNOWN
    assert marks.UNKNOWN in marks.UNKNOWNS
    assert len(marks.UNKNOWNS) == 7


def test_messages_without_the_sdk() -> None:
    code = (
        "import sys; from azml_protocol.messages import without_the_sdk; without_the_sdk(); "
        "from pulumi.runtime.proto import analyzer_pb2; analyzer_pb2.AnalyzeRequest(urn='u'); "
        "sys.exit('pulumi.output' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
