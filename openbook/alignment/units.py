"""Name the units that the book writes after numbers, in English and in Chinese, by one spelling each."""

from __future__ import annotations

import re

_WORDS = {
    "s": "s sec secs second seconds 秒 秒钟", "ms": "ms millisecond milliseconds 毫秒", "ns": "ns nanosecond nanoseconds 纳秒",
    "µs": "µs μs us microsecond microseconds 微秒", "min": "min minute minutes 分钟", "h": "h hour hours 小时",
    "d": "day days 天", "week": "week weeks 周 星期", "month": "month months 个月", "year": "year years 年",
    "B": "B byte bytes 字节", "bit": "bit bits 比特 位", "%": "% percent ％",
    "pp": "pp percentage-point percentage-points 个百分点 百分点",
    "W": "W watt watts 瓦", "kW": "kW kilowatt kilowatts 千瓦", "MW": "MW megawatt megawatts 兆瓦", "GW": "GW gigawatt gigawatts 吉瓦",
    "kWh": "kWh 千瓦时 度电", "MWh": "MWh 兆瓦时", "V": "V volt volts 伏", "A": "ampere amperes 安培",
    "°C": "°C ℃ 摄氏度", "°F": "°F", "Hz": "Hz 赫兹", "kHz": "kHz", "MHz": "MHz", "GHz": "GHz",
    "m": "m metre metres meter meters 米", "km": "km 公里 千米", "mm": "mm 毫米", "cm": "cm 厘米", "nm": "nm 纳米",
    "kg": "kg 公斤 千克", "USD": "USD dollar dollars 美元", "EUR": "EUR euro euros 欧元", "CNY": "CNY yuan 元",
    "FLOP": "FLOP FLOPs", "FLOP/s": "FLOP/s", "FLOP/B": "FLOP/B FLOP/byte FLOPs/byte FLOP/字节", "MAC": "MAC MACs",
    "GT/s": "GT/s", "MT/s": "MT/s", "IOPS": "IOPS", "GPU·h": "GPU-hour GPU-hours GPU·h GPU·小时 GPU小时",
}
_LONG = {"k": "kilo", "K": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa",
         "Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi", "Pi": "pebi"}
_BASES = {"B": "byte", "b": "bit"}
# Every prefix of a byte, a bit, their rates and of operations is a unit of its own: GB is not GiB, Gb/s not GB/s.
for _prefix in ("k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi"):
    for _base in ("B", "b", "bit"):
        _unit = _prefix.replace("K", "k") + _base.replace("bit", "b")
        _WORDS.setdefault(_unit, "")
        _WORDS[_unit] += f" {_prefix}{_base}" + (f" {_LONG[_prefix]}{_BASES[_base]} {_LONG[_prefix]}{_BASES[_base]}s" if _base in _BASES else "")
        _WORDS.setdefault(f"{_unit}/s", "")
        _WORDS[f"{_unit}/s"] += f" {_prefix}{_base}/s {_prefix}{_base}ps {_prefix}{_base}/秒"
for _prefix in ("G", "T", "P", "E"):
    _WORDS[f"{_prefix}FLOPS"] = f"{_prefix}FLOPS {_prefix}FLOP/s"
    _WORDS[f"{_prefix}FLOP"] = f"{_prefix}FLOP"
    _WORDS[f"{_prefix}OPS"] = f"{_prefix}OPS {_prefix}OP/s"

CANONICAL = {word: unit for unit, words in _WORDS.items() for word in words.split()}
CANONICAL |= {"FLOP per byte": "FLOP/B", "FLOPs per byte": "FLOP/B", "GPU hours": "GPU·h", "percentage points": "pp", "percentage point": "pp",
              "bytes per second": "B/s", "字节每秒": "B/s"}
_SPELLINGS = "|".join(re.escape(word) for word in sorted(CANONICAL, key=len, reverse=True))
# A unit ends where its word ends; a Chinese one has no such edge. "989.5 dense BF16 TFLOPS": the name is blank by now.
UNIT = re.compile(rf"(?:-|[ \u00a0\u202f]*(?:的? *(?:dense|sparse|peak|稠密|稀疏) +)?)(?P<unit>{_SPELLINGS})(?:(?<![A-Za-z])|(?![A-Za-z0-9]|/[a-zA-Z]))")

SOFT = frozenset({"d", "week", "month", "year", "bit", "B", "h", "min", "s", "pp", "GPU·h"})
"""Units that are also plain words, which a translation may move away from the number."""

#: How a text may write the units of bytes and bits, by unit: a number in words with one of these is another number than without.
MEASURES = {unit: re.compile("|".join(re.escape(word) for word, meant in CANONICAL.items() if meant == unit))
            for unit in set(CANONICAL.values()) if re.fullmatch(r"[kMGTPE]i?[Bb](?:/s)?", unit)}
