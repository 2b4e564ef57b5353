"""What people see on a terminal that is narrower than what is said."""

import os
import pty
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from azml_cli.render import folded

BAR = "█" * 18 + "░░"


def test_a_line_that_fits_is_as_it_is() -> None:
    assert folded(f"  old  {BAR}  90 %  served", 60) == [f"  old  {BAR}  90 %  served"]
    assert folded("", 60) == [""]


def test_a_row_has_its_last_column_below() -> None:
    row = f"  ridge-a5e3e6ee  {BAR}  90 %  kept ready until 2026-03-01 14:00:00, 2 h more"
    assert folded(row, 60) == [f"  ridge-a5e3e6ee  {BAR}  90 %", "    kept ready until 2026-03-01 14:00:00, 2 h more"]
    long = f"  {'r' * 32}  {BAR} 100 %  serves"
    assert folded(long, 60) == [f"  {'r' * 32}", f"    {BAR} 100 %", "    serves"]


def test_commands_and_numbers_with_their_units_stay_whole() -> None:
    text = "  `pulumi up -s prod` of the same program moves nothing until `azml rollout resume churn -s prod`"
    assert folded(text, 60) == [
        "  `pulumi up -s prod` of the same program moves nothing",
        "    until `azml rollout resume churn -s prod`",
    ]
    head = "churn: step 1 of 3, 10 %, since 2026-03-01 11:56:00, 4 min ago, watched for 6 min more"
    assert folded(head, 33) == [
        "churn: step 1 of 3, 10 %, since",
        "  2026-03-01 11:56:00, 4 min ago,",
        "  watched for 6 min more",
    ]


def test_a_terminal_alone_has_its_lines_broken() -> None:
    say = [sys.executable, "-c", "from azml_cli import render; render.say_folded('a line of more than twenty letters')"]
    variables = {**os.environ, "COLUMNS": "20", "LINES": "40", "TERM": "xterm"}
    piped = subprocess.run(say, env=variables, capture_output=True, text=True, check=True)
    assert piped.stdout == "a line of more than twenty letters\n"
    here, there = pty.openpty()
    subprocess.run(say, env=variables, stdout=there, check=True)
    assert os.read(here, 1000).decode() == "a line of more than\r\n  twenty letters\r\n"
    os.close(here)
    os.close(there)


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1), min_size=1),
    st.integers(20, 99),
)
def test_nothing_is_lost_and_all_fits(words: list[str], width: int) -> None:
    lines = folded(" ".join(words), width)
    assert "".join("".join(lines).split()) == "".join(words)
    assert all(len(line) <= width for line in lines)
