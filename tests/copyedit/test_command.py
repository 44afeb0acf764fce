"""`openbook check --fix` mends what is safe, then says what is left."""

from openbook.cli import main


def test_fix_mends_the_files_named_and_no_others(small_book, write, monkeypatch, capsys):
    page = "---\ndescription: 描述。\n---\n# 甲\n\n## 原理\n\n用NCCL,共8块 [@nv-sheet]。\n"
    write({"docs/a.zh.md": page, "docs/index.zh.md": "---\ndescription: 首页。\n---\n# 首页\n\n见[甲](a.md#how),好。\n"})
    monkeypatch.chdir(small_book)
    main(["check", "--fix", "docs/a.zh.md"])
    assert "docs/a.zh.md: mended 4 mistakes.\n" in capsys.readouterr().out
    assert "用 NCCL，共 8 块 [@nv-sheet]。" in (small_book / "docs/a.zh.md").read_text("utf-8")
    assert "),好。" in (small_book / "docs/index.zh.md").read_text("utf-8")


def test_fix_leaves_files_without_mistakes_untouched(small_book, monkeypatch, capsys):
    monkeypatch.chdir(small_book)
    before = (small_book / "docs/a.zh.md").stat().st_mtime_ns
    assert main(["check", "--fix"]) == 0
    assert (small_book / "docs/a.zh.md").stat().st_mtime_ns == before
    assert capsys.readouterr().out == "No findings.\n"
