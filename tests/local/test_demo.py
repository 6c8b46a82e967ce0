"""`make demo`, ended by hand."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil


def test_ctrl_c_leaves_no_process(repository: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "scripts/demo.py"],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    with demo:
        while "cdk deploy" not in demo.stdout.readline():
            assert demo.poll() is None
        started = psutil.Process(demo.pid).children(recursive=True)

        os.kill(demo.pid, signal.SIGINT)
        _output, errors = demo.communicate()

    _gone, alive = psutil.wait_procs(started, timeout=30)
    assert started
    assert alive == []
    assert demo.returncode == 130
    assert "nothing is left running" in errors
