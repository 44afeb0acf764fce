"""The four recipes of the fine-tuning toolkits parse, and ask for the same job."""

import ast
import shlex
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "docs/training/frameworks"
JOB = {"model": "Qwen/Qwen3-4B-Instruct-2507", "rank": 16, "alpha": 32, "dropout": 0, "length": 2048, "rows": 2, "accumulate": 8,
       "rate": 2e-4, "schedule": "cosine", "warmup": 0.05, "epochs": 1, "seed": 42}


def picked(values: dict, names: list[str]) -> dict:
    """The job as one recipe states it, in the order of JOB."""
    def plain(value):
        try:
            return float(value)
        except ValueError:
            return value
    return {key: plain(values[name]) for key, name in zip(JOB, names)}


def test_swift():
    words = shlex.split((FOLDER / "ft_swift.sh").read_text().replace("\\\n", " "))
    assert words[:2] == ["swift", "sft"]
    flags = dict(zip([word.removeprefix("--") for word in words[2::2]], words[3::2]))
    assert picked(flags, ["model", "lora_rank", "lora_alpha", "lora_dropout", "max_length", "per_device_train_batch_size",
                          "gradient_accumulation_steps", "learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs", "seed"]) == JOB


def test_llamafactory():
    assert picked(yaml.safe_load((FOLDER / "ft_llamafactory.yaml").read_text()),
                  ["model_name_or_path", "lora_rank", "lora_alpha", "lora_dropout", "cutoff_len", "per_device_train_batch_size",
                   "gradient_accumulation_steps", "learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs", "seed"]) == JOB


def test_axolotl():
    config = yaml.safe_load((FOLDER / "ft_axolotl.yaml").read_text())
    assert config["datasets"][0]["roles_to_train"] == ["assistant"]
    assert picked(config, ["base_model", "lora_r", "lora_alpha", "lora_dropout", "sequence_len", "micro_batch_size",
                           "gradient_accumulation_steps", "learning_rate", "lr_scheduler", "warmup_ratio", "num_epochs", "seed"]) == JOB


def test_unsloth():
    calls = [node for node in ast.walk(ast.parse((FOLDER / "ft_unsloth.py").read_text())) if isinstance(node, ast.Call)]
    values = {word.arg: word.value.value for call in calls for word in call.keywords if isinstance(word.value, ast.Constant)}
    values["model"] = next(call.args[0].value for call in calls if getattr(call.func, "attr", "") == "from_pretrained")
    assert picked(values, ["model", "r", "lora_alpha", "lora_dropout", "max_length", "per_device_train_batch_size", "gradient_accumulation_steps",
                           "learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs", "seed"]) == JOB
