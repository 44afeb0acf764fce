"""Numbers: the same value is known in digits, in words, in English and in Chinese, with its unit."""

import pytest
from hypothesis import given, strategies

from openbook.alignment.number_words import chinese_number
from openbook.alignment.numbers import numbers_in, unmatched
from openbook.alignment.prose import read_prose


def left(english, chinese):
    ours, theirs = unmatched(read_prose(chinese).numbers, read_prose(english).numbers)
    return [number.shown for number in ours], [number.shown for number in theirs]


@pytest.mark.parametrize("english, chinese", [
    ("1.5 times faster", "快 1.5 倍"), ("half of it", "一半"), ("50% of it", "其中一半"), ("10,000 steps", "1 万步"),
    ("1.2 million hours", "120 万小时"), ("a 70B model", "700 亿参数的模型"), ("a 70B model", "70B 模型"), ("15T tokens", "15 万亿个 token"),
    ("16K GPUs", "1.6 万块 GPU"), ("November 2026", "2026 年 11 月"), ("2026-11-21", "2026 年 11 月 21 日"),
    ("21 November 2026", "2026-11-21"), ("November 21, 2026", "2026 年 11 月 21 日"), ("in May", "5 月"), ("in 2025", "2025 年"),
    ("eight GPUs", "8 块 GPU"), ("8 GPUs", "八块 GPU"), ("two thirds", "三分之二"), ("60% of the time", "六成时间"),
    ("3 hours", "3 小时"), ("10 microseconds", "10 µs"), ("400 Gbps", "400 Gb/s"), ("989 dense BF16 TFLOPS", "稠密 BF16 989 TFLOPS"),
    ("a 16-bit type", "16 位的类型"), ("450 to 1,800 GB/s", "450–1,800 GB/s"), ("256 GB/s, then 320 within the rack", "256 GB/s，机柜内 320 GB/s"),
    ("$= 537$ MB", "即 537 MB"), ("$5 an hour", "每小时 5 美元"), ("it doubles", "变成 2 倍"), ("295 FLOP per byte", "295 FLOP/字节"),
    ("a dozen", "12 个"), ("H100s at 700 W", "H100 每块 700 W"), ("at 20 °C", "20 ℃"), ("one hundred and 128", "一百加 128"),
    ("three quarters of the time", "四分之三的时间"), ("one gigabyte of memory", "1 GB 内存"), ("one hundred gigabits", "100 Gb"), ("one large run", "这次训练"), ("memory, compute and network", "显存、计算、网络三样")])
def test_the_same_number(english, chinese):
    assert left(english, chinese) == ([], [])


@pytest.mark.parametrize("english, chinese, ours, theirs", [
    ("450 GB/s", "350 GB/s", ["350 GB/s"], ["450 GB/s"]), ("80 GB", "80 GiB", ["80 GiB"], ["80 GB"]),
    ("400 Gb/s", "400 GB/s", ["400 GB/s"], ["400 Gb/s"]), ("3 hours", "3 天", ["3 天"], ["3 hours"]), ("10,000", "10 万", ["10 万"], ["10,000"]),
    ("30% of it", "其中 30 个", ["30"], ["30%"]), ("November 2026", "2026 年 10 月", ["2026 年 10 月"], ["November 2026"]),
    ("8 and 8", "8", [], ["8"]), ("70B parameters", "7 亿参数", ["7 亿"], ["70B"]), ("5 ms", "5 µs", ["5 µs"], ["5 ms"]),
    ("2.13.0", "2.13.1", ["2.13.1"], ["2.13.0"]), ("−3 °C", "3 °C", ["3 °C"], ["−3 °C"]), ("700 W", "700 kW", ["700 kW"], ["700 W"]),
    ("1.5 GB", "15 GB", ["15 GB"], ["1.5 GB"]), ("eight GPUs", "九块 GPU", [], ["eight"]), ("eight GPUs", "9 块 GPU", ["9"], ["eight"]),
    ("Four walls", "三堵墙", [], ["Four"]), ("one run reads 1 GB", "一次运行读 1 GiB", ["1 GiB"], ["1 GB"]),
    ("one gigabyte of memory", "1 GiB 内存", ["1 GiB"], [])])
def test_another_number(english, chinese, ours, theirs):
    assert left(english, chinese) == (ours, theirs)


@pytest.mark.parametrize("text, names", [("eight H100s and MI300X", {"H100", "MI300X"}), ("ZeRO-3 with FP8", {"ZeRO-3", "FP8"}),
                                         ("PCIe 5.0 x16", {"x16"}), ("80GB", set())])
def test_names_with_digits_are_not_numbers(text, names):
    assert numbers_in(text).names == names


@pytest.mark.parametrize("word, value", [("十", 10), ("十二", 12), ("一百二十八", 128), ("三万", 30_000), ("两千零四十八", 2048), ("一亿", 10**8), ("万亿", 10**12)])
def test_chinese_numerals(word, value):
    assert chinese_number(word) == value


@given(strategies.text())
def test_no_text_crashes_and_every_text_agrees_with_itself(text):
    numbers = read_prose(text).numbers
    assert unmatched(numbers, numbers) == ([], [])
