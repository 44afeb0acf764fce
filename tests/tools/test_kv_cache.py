"""The KV-cache calculator: formulas, the chapter's tables and numbers, wrong input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openbook.facts.load import load_facts
from tests.conftest import ROOT

TOOL = ROOT / "docs/inference/kv_cache.py"
sys.path.insert(0, str(TOOL.parent))
import kv_cache as tool  # noqa: E402

sys.path.pop(0)

TABLES = load_facts(ROOT / "docs/data", ROOT)[0].tables
EIGHT = ["--model", "llama-3.1-8b"]


def run(*arguments: str, file: Path = TOOL, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, str(file), *arguments], cwd=folder, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def answer(capsys, *arguments: str) -> tuple[int, str]:
    code = tool.main(list(arguments))
    return code, capsys.readouterr().out


def test_the_bytes_of_a_token():
    assert tool.kv_bytes(tool.MODELS["llama-3.1-8b"], 1) == 2 * 32 * 8 * 128 * 2 == 131_072
    assert tool.kv_bytes(tool.MODELS["opt-13b"], 1) == 2 * 5120 * 40 * 2          # arXiv:2309.06180, section 3
    assert tool.kv_bytes(tool.MODELS["deepseek-v3"], 1) == 61 * (512 + 64) * 2
    assert tool.kv_bytes(tool.MODELS["llama-3.1-8b"], 4096, 1) == 131_072 * 4096 / 2


def test_a_window_keeps_no_more_than_its_tokens():
    model = tool.Model(8, 8, layers=4, kv_heads=2, head_dim=8, full=1, window=100)
    assert tool.kv_bytes(model, 50) == 4 * 50 * 32 * 2
    assert tool.kv_bytes(model, 1000) == (1000 + 3 * 100) * 32 * 2


def test_the_models_are_those_of_the_table():
    rows = {row.id: {name: cell.value for name, cell in row.cells.items()} for row in TABLES["kv_models"].rows}
    assert rows.keys() == tool.MODELS.keys()
    for name, row in rows.items():
        model = tool.MODELS[name]
        assert (model.layers, model.width) == (row["layers"], row["width"]), name
        assert tool.kv_bytes(model, 32768) / 1e9 == pytest.approx(row["gb_32k"]), name
        assert (model.layers if model.full < 0 else model.full) == row["full"], name


def test_the_accelerators_are_those_of_the_book():
    memory, chips = ({row.id: {name: cell.value for name, cell in row.cells.items()} for row in TABLES[name].rows} for name in ("accel_memory", "accelerators"))
    for name, (gb, tbs, tflops) in tool.ACCELERATORS.items():
        assert (gb, tbs, tflops) == (memory[name]["capacity_gb"], memory[name]["bandwidth_tbs"], chips[name]["bf16"]), name


def test_the_step_is_the_longer_of_bytes_and_flops():
    assert tool.decode_step(weights=10e9, sequence=1e9, batch=5, active=5e9, bandwidth=1e12, flops=1e15) == pytest.approx(15e-3)
    assert tool.decode_step(weights=10e9, sequence=0, batch=1000, active=5e9, bandwidth=1e12, flops=1e14) == pytest.approx(0.1)


def test_the_numbers_of_the_chapter(capsys):
    code, text = answer(capsys, *EIGHT)
    assert code == 0 and "104" in text and "21.46 ms" in text and "4,846 tokens/s; 202 for one" in text and "24,643 tokens/s" in text
    assert "18,042 tokens/s" in answer(capsys, *EIGHT, "--seq", "1100")[1]
    fp8 = answer(capsys, *EIGHT, *"--input 3500 --output 500 --rate 20 --weight-dtype fp8 --kv-dtype fp8 --tflops 1978.9".split())[1]
    assert "151" in fp8 and "5 devices in all" in fp8
    assert "10 devices in all" in answer(capsys, *EIGHT, *"--input 3500 --output 500 --rate 20 --tpot-ms 30".split())[1]
    code, text = answer(capsys, *"--model llama-3.1-70b --accel h200-sxm --weight-dtype fp8 --seq 8192".split())
    assert code == 0 and "most sequences                   20" in text and "65 for one sequence alone" in text


def test_littles_law_and_the_promise_hold(tmp_path, capsys):
    file = tmp_path / "out.json"
    assert answer(capsys, *EIGHT, *"--input 3500 --output 500 --rate 20".split(), "--json", str(file))[0] == 0
    got = json.loads(file.read_text())
    assert got["tpot"] <= 0.05 and got["limit_batch"] <= got["memory_batch"]
    assert got["in_flight"] == pytest.approx(20 * got["seconds"])
    assert got["replica_rate"] * got["seconds"] == pytest.approx(got["limit_batch"])
    assert got["devices"] == got["replicas"] + 1 and got["replicas"] * got["replica_rate"] >= 20


def test_a_latent_cache_is_copied_and_heads_are_split(tmp_path, capsys):
    got = {}
    for name in ("deepseek-v3", "llama-3.1-70b"):
        file = tmp_path / name
        assert answer(capsys, "--model", name, *"--accel h200-sxm --tp 8 --weight-dtype fp8 --json".split(), str(file))[0] == 0
        got[name] = json.loads(file.read_text())["copies"]
    assert got == {"deepseek-v3": 8, "llama-3.1-70b": 1}


@pytest.mark.parametrize("config, token", [
    ({"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096}, 131_072),
    ({"text_config": {"num_hidden_layers": 4, "num_attention_heads": 8, "hidden_size": 64, "head_dim": 16}}, 2 * 4 * 8 * 16 * 2),
    ({"num_hidden_layers": 61, "num_attention_heads": 128, "kv_lora_rank": 512, "qk_rope_head_dim": 64}, 70_272),
])
def test_a_hugging_face_configuration(tmp_path, config, token):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert tool.kv_bytes(tool.model_from_config(tmp_path / "config.json"), 1) == token


def test_a_configuration_with_windows(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 6, "num_attention_heads": 4, "hidden_size": 64, "sliding_window": 10,
                                                      "layer_types": ["sliding_attention"] * 5 + ["full_attention"]}))
    model = tool.model_from_config(tmp_path / "config.json")
    assert (model.full, model.window) == (1, 10)


@pytest.mark.parametrize("arguments, says", [
    ([], "give --model NAME, --config FILE, or --layers"),
    (["--config", "none.json"], "cannot read none.json: No such file"),
    ([*EIGHT, "--tp", "0"], "sizes must be positive"),
    ([*EIGHT, "--reserve", "1"], "--reserve in [0, 1)"),
    ([*EIGHT, "--rate", "5"], "--rate needs --input, --output"),
    (["--layers", "4"], "--kv-heads and --head-dim or --latent must be positive"),
])
def test_wrong_usage_is_one_line_and_status_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as stop:
        tool.main(arguments)
    assert stop.value.code == 2 and says in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("arguments, says", [
    (["--model", "llama-3.1-70b"], "does NOT fit: 0 of 1 sequences fit"),
    ([*EIGHT, "--batch", "105"], "does NOT fit: 104 of 105"),
    ([*EIGHT, *"--input 3500 --output 500 --rate 20 --tpot-ms 5".split()], "does NOT meet it: no batch keeps 5 ms"),
])
def test_what_cannot_be_is_status_1_and_says_what_to_try(arguments, says, capsys):
    code, text = answer(capsys, *arguments)
    assert code == 1 and says in text


def test_an_unwritable_file_is_one_line(tmp_path):
    code, out, err = run(*EIGHT, "--json", str(tmp_path / "none" / "out.json"))
    assert code == 1 and "decode ceiling" in out and "cannot write" in err and "Traceback" not in err


def test_a_copy_alone_answers(tmp_path):
    shutil.copy(TOOL, tmp_path)
    copy = tmp_path / TOOL.name
    assert "Examples:" in run("--help", file=copy, folder=tmp_path)[1]
    code, out, _ = run("--list", file=copy, folder=tmp_path)
    assert code == 0 and "llama-3.1-8b          128.0 KiB" in out
