"""Code is copied without prompts and without what it prints."""

import pytest

from openbook.site.copying import commands_in, mark_commands


@pytest.mark.parametrize("text, commands", [
    ("$ squeue\nJOBID\n$ sinfo -R\nREASON\n", ["squeue", "sinfo -R"]),
    ("$ srun \\\n    hostname\nnode1\n", ["srun \\", "    hostname"]),
    (">>> for x in y:\n...     f(x)\n...\n3\n>>> z\n", ["for x in y:", "    f(x)", "", "z"]),
    ("echo $HOME\n$ not a prompt in the first line\n", []),
    ("plain\n", [])])
def test_a_session_is_its_commands(text, commands):
    assert list(commands_in(text)) == commands


def test_a_block_with_prompts_says_what_is_copied():
    block = '<div class="output highlight"><pre><code><span>$ </span>grep "a" &lt;f\nfound\n</code></pre></div>'
    assert mark_commands(block) == block.replace('highlight">', 'highlight" data-copy="grep &quot;a&quot; &lt;f">')


def test_a_block_without_prompts_is_copied_as_it_stands():
    block = '<div class="highlight"><pre><code>cost=$ 5\n</code></pre></div>'
    assert mark_commands(block) == block
