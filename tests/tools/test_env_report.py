"""Reports of environments: secrets stay out, differences are named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "docs/debug/env_report.py"


def run(*words, cwd, **env):
    return subprocess.run([sys.executable, str(TOOL), *words], cwd=cwd, capture_output=True, text=True, env={**os.environ, **env})


def test_a_report_holds_variables_but_no_secret(tmp_path):
    done = run("--json", "a.json", cwd=tmp_path, NCCL_DEBUG="INFO", TORCH_API_KEY="hush")
    assert done.returncode == 0 and "variable NCCL_DEBUG: INFO" in done.stdout and "hush" not in done.stdout
    assert json.loads((tmp_path / "a.json").read_text())["variable NCCL_DEBUG"] == "INFO"


def test_two_reports_are_compared(tmp_path):
    (tmp_path / "a").write_text('{"python": "3.11.7", "package numpy": "2.3.0"}')
    (tmp_path / "b").write_text('{"python": "3.11.7", "package numpy": "2.4.0", "variable NCCL_DEBUG": "INFO"}')
    done = run("--diff", "a", "b", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["package numpy: 2.3.0 -> 2.4.0", "variable NCCL_DEBUG: (absent) -> INFO", "2 of 3 facts differ"]
    assert run("--diff", "a", "a", cwd=tmp_path).returncode == 0


def test_a_missing_file_is_wrong_usage(tmp_path):
    done = run("--diff", "a", "b", cwd=tmp_path)
    assert done.returncode == 2 and "No such file" in done.stderr and "Traceback" not in done.stderr


def test_the_single_file_runs_alone(tmp_path):
    shutil.copy(TOOL, tmp_path)
    assert subprocess.run([sys.executable, "env_report.py", "--help"], cwd=tmp_path, capture_output=True).returncode == 0
