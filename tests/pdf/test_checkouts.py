"""An unusual folder, locale and time zone change no byte of a PDF."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_a_strange_folder_locale_and_time_zone_give_the_same_bytes(site, made, cache, tmp_path):
    away = tmp_path / "it's \"a\" $b 汉字"
    shutil.copytree(site, away / "site")
    shutil.copytree(cache / "pdf/faces", away / "cache/pdf/faces")
    environment = {**os.environ, "OPENBOOK_CACHE": str(away / "cache"), "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, ROOT / "build_pdf.py", "--site", "site", "--lang", "zh", "--jobs", "1"], cwd=away, env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    assert (away / "site/pdf/tiny.zh.pdf").read_bytes() == made["zh"].path.read_bytes()
