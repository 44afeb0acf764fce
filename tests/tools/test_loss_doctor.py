"""The loss doctor: finds what is put in and nothing else, reads the logs people have, and says clearly what it cannot read."""

import json
import math
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TOOL = ROOT / "docs/training/instabilities/loss_doctor.py"
LAB = TOOL.parent / "loss_patterns.csv"
sys.path.insert(0, str(TOOL.parent))
import loss_doctor  # noqa: E402

sys.path.pop(0)


def run(*arguments: str, text: str | None = None, tool: Path = TOOL) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(tool), *arguments], input=text, text=True, capture_output=True, timeout=60)


def examine(series, **settings) -> list:
    doctor = loss_doctor.Doctor(**settings)
    for step, loss in series:
        doctor.feed(step, loss)
    return doctor.finish()


def smooth(points: int = 1500, seed: int = 3) -> list[tuple[int, float]]:
    draw = random.Random(seed)
    return [(i, 2 + 6 * (i + 10) ** -0.3 + draw.gauss(0, 0.02)) for i in range(points)]


def test_precision_and_recall_on_runs_it_was_not_tuned_on():
    precision, recall = loss_doctor.precision_recall(loss_doctor.score(seed=5, runs=66))
    assert precision > 0.95 and recall > 0.95


def test_a_healthy_run_has_no_events():
    assert examine(smooth()) == []


def test_a_spike_that_heals_has_its_first_step_its_peak_and_needs_nobody():
    series = [(i, v + (3.0 if 800 <= i < 803 else 0)) for i, v in smooth()]
    event, = examine(series)
    assert (event.kind, event.first, event.last) == ("spike", 800, 802) and event.peak > 5 and not event.needs_you()


def test_a_spike_at_the_end_is_open():
    assert [e.kind for e in examine([(i, v + (2 if i >= 1480 else 0)) for i, v in smooth()])] == ["open spike"]


def test_one_nan_is_one_event_and_does_not_spoil_the_baseline():
    series = [(i, math.nan if 700 <= i < 705 else v) for i, v in smooth()]
    event, = examine(series)
    assert (event.kind, event.first, event.last) == ("non-finite", 700, 704)


def test_going_back_is_a_restart_and_the_steps_given_up_do_not_count():
    whole = smooth()
    series = whole[:900] + [(900 + i, 9.0) for i in range(40)] + whole[850:]
    events = examine(series)
    assert [e.kind for e in events] == ["open spike"] and events[0].last == 939


def test_a_jump_down_at_a_restart_is_reported_too():
    series = [(i, v - (0.3 * 0.5 ** ((i - 900) / 100) if i >= 900 else 0)) for i, v in smooth()]
    assert [(e.kind, e.first) for e in examine(series, resumes={900})] == [("resume jump", 900)]


def test_the_gradient_norm_that_rose_first_is_named():
    doctor = loss_doctor.Doctor()
    for i, v in smooth():
        doctor.feed(i, v + (2 if 800 <= i < 820 else 0), 5.0 if 793 <= i < 820 else 0.3)
    assert doctor.finish()[0].grad_lead == 7


@pytest.mark.parametrize("line", ['{{"step": {0}, "loss": {1}}}', "{0}\t{1}", "{0},{1}",
                                  " iteration {0}/ 115311 | learning rate: 5.279E-05 | lm loss: {1} | grad norm: 0.242 |"])
def test_reads_the_logs_people_have(line, tmp_path):
    rows = [line.format(i, 9.5 if i == 900 else v) for i, v in smooth()]
    if "{0}\t{1}" == line or "{0},{1}" == line:
        rows.insert(0, line.format("step", "loss"))
    log = tmp_path / "log.txt"
    log.write_text("a line of something else\n" * (line[0] == " ") + "\n".join(rows))
    done = run(str(log), "--json", str(tmp_path / "out.json"))
    found = json.loads((tmp_path / "out.json").read_text())
    assert done.returncode == 0 and found["losses"] == 1500 and [e["first"] for e in found["events"]] == [900]


def test_follows_standard_input_and_speaks_when_it_happens():
    lines = "step,loss\n" + "".join(f"{i},{v + (2 if i >= 1000 else 0)}\n" for i, v in smooth())
    done = run("-", "--follow", text=lines)
    assert done.returncode == 1 and done.stdout.count("\n") >= 2 and "1000" in done.stdout


def test_the_nine_runs_of_the_lab_get_the_names_the_chapter_gives_them(tmp_path):
    import csv
    with LAB.open() as file:
        head, *rows = csv.reader(file)
    verdicts = {}
    for k, name in enumerate(head[1:9], 1):
        series = [(int(row[0]), float(row[k])) for row in rows if row[k]]
        verdicts[name] = [e.kind for e in examine(series, resumes={250} if name == "resume step" else set(), patience=120)]
    assert verdicts["healthy"] == [] and "spike" in verdicts["fast spike"] and "no recovery" in verdicts["no recovery"]
    assert verdicts["divergence"] and "resume jump" in verdicts["resume step"]


def test_the_figure_is_what_the_lab_draws(tmp_path):
    figure = TOOL.parent / "figures/loss-patterns.svg"
    done = run("--figure", str(tmp_path / "new.svg"), tool=TOOL.parent / "instability_lab.py")
    assert done.returncode == 0 and (tmp_path / "new.svg").read_bytes() == figure.read_bytes()


def test_the_kick_of_one_batch_is_what_the_chapter_says():
    def kick(k, beta1, beta2):
        return (1 - beta1) * k / math.sqrt(beta2 + (1 - beta2) * k**2)
    assert [round(kick(10, 0.9, b), 2) for b in (0.999, 0.95)] == [0.95, 0.41]
    assert [round(kick(1e9, 0.9, b), 2) for b in (0.999, 0.95)] == [3.16, 0.45]


def test_wrong_usage_is_one_line_and_code_2(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("time,value\n1,2\n")
    for arguments, words in (((), "give one log"), ((str(tmp_path / "none.csv"),), "cannot read"), ((str(empty),), "0 losses found"),
                             (("--demo", "--resume", "x"), "step numbers"), (("--demo", "--json", str(tmp_path / "no/way.json")), "cannot write")):
        done = run(*arguments)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_a_copy_of_the_file_alone_runs_and_shows_its_examples(tmp_path):
    shutil.copy(TOOL, tmp_path)
    alone = tmp_path / TOOL.name
    assert "--demo" in run("--help", tool=alone).stdout and run("--demo", tool=alone).returncode == 1
