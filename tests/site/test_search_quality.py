"""Search leads readers to the right chapter: forty questions in each language, asked of the site's own search."""

import json

import pytest

from openbook.site.build import build_site
from tests.conftest import SMALL_BOOK, with_site_settings
from tests.site.search_engine import SearchEngine

BATTLEFIELD = "insights/ai-battlefield/"
ACCELERATOR = "compute/accelerator/"
NETWORK = "network/"
FRAMEWORKS = "training/frameworks/large-scale/"
RESOURCES = "resources/"

CHINESE = {
    "有效吞吐": BATTLEFIELD,
    "goodput 怎么算": BATTLEFIELD,
    "检查点间隔多长合适": "training/checkpoints/",
    "训练为什么中断": "training/fault-tolerance/",
    "MFU 是多少才正常": "training/performance/",
    "静默挂起 看门狗": "training/fault-tolerance/",
    "慢节点 拖慢训练": "training/performance/",
    "谁负责哪种故障": BATTLEFIELD,
    "汇报给管理层的数字": BATTLEFIELD,
    "静默数据损坏": "training/fault-tolerance/",
    "H100 显存带宽": ACCELERATOR,
    "MI300X TFLOPS": ACCELERATOR,
    "稀疏 2:4 标称": ACCELERATOR,
    "显存实际能用多少": "training/memory/",
    "脊点 算术强度": ACCELERATOR,
    "屋顶线": ACCELERATOR,
    "昇腾": ACCELERATOR,
    "TPU HBM 容量": ACCELERATOR,
    "功耗 降频": ACCELERATOR,
    "规格书的陷阱": ACCELERATOR,
    "NVLink 单向带宽": NETWORK,
    "全规约": "network/comms/",
    "all-reduce 时间公式": "network/comms/",
    "胖树 收敛比": NETWORK,
    "RoCE 和 InfiniBand 的区别": NETWORK,
    "NCCL_SOCKET_IFNAME": "network/debug/",
    "GPUDirect RDMA": NETWORK,
    "轨道优化": NETWORK,
    "蜻蜓拓扑": NETWORK,
    "busbw 与 algbw": "network/benchmarks/",
    "张量并行 为什么放在节点内": NETWORK,
    "DeepSpeed ZeRO-3 配置": FRAMEWORKS,
    "FSDP2": FRAMEWORKS,
    "Megatron 检查点转换": "training/checkpoints/",
    "JAX 分片": FRAMEWORKS,
    "Horovod 还能用吗": FRAMEWORKS,
    "训练日志 损失尖峰": RESOURCES,
    "BLOOM chronicles": RESOURCES,
    "OPT-175B 日志": RESOURCES,
    "开放书籍 课程": RESOURCES,
}

ENGLISH = {
    "goodput": BATTLEFIELD,
    "checkpoint interval": "training/checkpoints/",
    "what interrupts a training run": BATTLEFIELD,
    "model FLOPs utilization": "training/performance/",
    "watchdog for silent hangs": "training/fault-tolerance/",
    "who owns which failure": BATTLEFIELD,
    "foundation model": BATTLEFIELD,
    "number for management": BATTLEFIELD,
    "silent data corruption": "training/fault-tolerance/",
    "vendor lock-in": BATTLEFIELD,
    "H100 memory bandwidth": ACCELERATOR,
    "MI300X TFLOPS": ACCELERATOR,
    "2:4 sparsity": ACCELERATOR,
    "usable accelerator memory GiB": ACCELERATOR,
    "ridge point": ACCELERATOR,
    "roofline": ACCELERATOR,
    "Ascend": ACCELERATOR,
    "TPU HBM capacity": ACCELERATOR,
    "power cap clock": ACCELERATOR,
    "spec sheet traps": ACCELERATOR,
    "NVLink bandwidth one way": NETWORK,
    "allreduce": "network/comms/",
    "all-reduce time formula": "network/comms/",
    "fat tree oversubscription": NETWORK,
    "RoCE versus InfiniBand": NETWORK,
    "NCCL_SOCKET_IFNAME": "network/debug/",
    "GPUDirect RDMA": NETWORK,
    "rail-optimised": NETWORK,
    "dragonfly": NETWORK,
    "busbw algbw": "network/benchmarks/",
    "tensor parallelism inside the node": NETWORK,
    "DeepSpeed ZeRO-3 config": FRAMEWORKS,
    "FSDP2": FRAMEWORKS,
    "convert Megatron checkpoints": "training/checkpoints/",
    "JAX sharding": FRAMEWORKS,
    "is Horovod maintained": FRAMEWORKS,
    "loss spike logbook": RESOURCES,
    "BLOOM chronicles": RESOURCES,
    "OPT-175B log": RESOURCES,
    "similar open books": RESOURCES,
}


@pytest.fixture(scope="module")
def engines(real_site):
    return {"zh": SearchEngine(real_site / "site", "zh/"), "en": SearchEngine(real_site / "site")}


@pytest.mark.parametrize("lang, questions", [("zh", CHINESE), ("en", ENGLISH)])
def test_the_right_chapter_is_among_the_first_three(engines, lang, questions):
    assert len(questions) == 40
    first_three = {words: engines[lang].pages(words)[:3] for words in questions}
    missed = {words: pages for words, pages in first_three.items() if questions[words] not in pages}
    assert len(missed) <= 4, missed


@pytest.mark.parametrize("lang, questions", [("zh", CHINESE), ("en", ENGLISH)])
def test_the_right_chapter_mostly_comes_first(engines, lang, questions):
    """The first place says more than the first three."""
    missed = [words for words in questions if engines[lang].pages(words)[:1] != [questions[words]]]
    assert len(missed) <= 12, missed


@pytest.fixture(scope="module")
def worded_site(tmp_path_factory):
    """A book whose Chinese page says 全归约 only and whose English page says all-reduce only."""
    root = tmp_path_factory.mktemp("worded")
    front = "---\ndescription: D.\n---\n"
    files = {**SMALL_BOOK,
             "docs/a.md": front + "# Alpha\n\n## How it works {#how}\n\nThe gradients go through an all-reduce.\n",
             "docs/a.zh.md": front + "# 甲\n\n## 原理\n\n梯度要做一次全归约。\n",
             "docs/data/terms.yml": "all-reduce: {en: all-reduce, zh: 全归约, avoid: [全规约], typed: [求和同步]}\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("\n        ", "\n").lstrip("\n"), "utf-8")
    build_site(with_site_settings(root))
    return root / "site"


@pytest.mark.parametrize("root", ["", "zh/"])
@pytest.mark.parametrize("words", ["all-reduce", "allreduce", "全归约", "全规约", "求和同步", "全归约是什么", "怎么做全规约"])
def test_a_term_is_found_by_its_other_name_and_by_what_readers_type(worded_site, root, words):
    assert SearchEngine(worded_site, root).pages(words) == ["a/"]


def test_what_is_added_to_the_index_is_not_shown(worded_site):
    (page,) = SearchEngine(worded_site, "zh/").sections("all-reduce")
    shown = [section["title"] + section["text"] for section in page]
    assert not any("all-reduce" in text or "全规约" in text for text in shown)
    index = json.loads((worded_site / "zh/search/search_index.json").read_text("utf-8"))
    assert "全规约" in json.dumps(index, ensure_ascii=False)


def test_the_last_character_of_a_word_counts(worded_site):
    """The theme alone would look for 全归 and, where it is no word, for nothing."""
    engine = SearchEngine(worded_site, "zh/")
    assert list(engine.sections("全归约")[0][0]["terms"]) == ["全归约"]


def test_a_page_with_more_of_the_words_comes_before_one_with_a_better_section(worded_site):
    engine = SearchEngine(worded_site)
    section = {"location": "one/", "title": "t", "text": ""}
    strong = [{**section, "score": 9, "terms": {"ring": True, "tree": False}}]
    broad = [{**section, "location": "two/", "score": 6, "terms": {"ring": True, "tree": False}},
             {**section, "location": "two/#b", "score": 4, "terms": {"ring": False, "tree": True}}]
    assert engine.ranked([strong, broad]) == ["two/", "one/"]


def test_a_question_with_an_unknown_character_is_still_answered(worded_site):
    assert SearchEngine(worded_site, "zh/").pages("龘全归约") == ["a/"]
