"""The workflows do what SECURITY.md rests on: pinned actions, least rights, no stranger's words in a shell."""

import re

import pytest
import yaml

NAMES = ("check", "preview", "publish", "release", "links")


@pytest.fixture(params=NAMES)
def workflow(request, root):
    path = root / f".github/workflows/{request.param}.yml"
    return path.read_text("utf-8"), yaml.safe_load(path.read_text("utf-8"))


def steps(parsed):
    return [step for job in parsed["jobs"].values() for step in job["steps"]]


def test_there_are_no_other_workflows(root):
    assert sorted(path.stem for path in (root / ".github/workflows").iterdir()) == sorted(NAMES)


def test_each_action_is_pinned_by_commit_with_its_version(workflow):
    text, parsed = workflow
    pinned = re.findall(r"uses: [\w-]+/[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", text, re.MULTILINE)
    assert len(pinned) == sum("uses" in step for step in steps(parsed)) > 0


def test_an_action_has_one_version_in_all_workflows(root):
    versions = {}
    for name in NAMES:
        for action, pin in re.findall(r"uses: ([\w-]+/[\w-]+)(?:/\w+)?@(.+)$", (root / f".github/workflows/{name}.yml").read_text("utf-8"), re.MULTILINE):
            versions.setdefault(action, set()).add(pin)
    assert {action: len(pins) for action, pins in versions.items()} == dict.fromkeys(versions, 1)


def test_no_right_is_given_but_to_a_job_that_names_it(workflow):
    _, parsed = workflow
    assert parsed["permissions"] == {} and all(job["permissions"] for job in parsed["jobs"].values())


def test_no_checkout_leaves_its_token_behind(workflow):
    _, parsed = workflow
    for step in steps(parsed):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
            assert "ref" not in step["with"] and "repository" not in step["with"]


def test_no_expression_stands_in_a_script(workflow):
    _, parsed = workflow
    assert [step["name"] for step in steps(parsed) if "${{" in step.get("run", "")] == []


def test_every_job_ends(workflow):
    _, parsed = workflow
    assert all(job["timeout-minutes"] <= 120 for job in parsed["jobs"].values())


def test_what_runs_a_strangers_code_may_only_read(root):
    text = (root / ".github/workflows/check.yml").read_text("utf-8")
    parsed = yaml.safe_load(text)
    assert parsed[True] == "pull_request"    # YAML reads `on` so
    assert {name: job["permissions"] for name, job in parsed["jobs"].items()} == {"book": {"contents": "read"}, "tests": {"contents": "read"}}
    assert not re.search(r"\bsecrets\.|github\.token|GH_TOKEN", text)


@pytest.mark.parametrize("name", NAMES)
def test_what_may_write_builds_nothing(root, name):
    for job in yaml.safe_load((root / f".github/workflows/{name}.yml").read_text("utf-8"))["jobs"].values():
        if "write" in job["permissions"].values():
            assert not [step for step in job["steps"] if re.search(r"\b(make|pip|openbook (?!\.)|\.ci/run|apt-get)\b", step.get("run", ""))]
