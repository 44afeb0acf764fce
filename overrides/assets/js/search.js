// Chinese questions: cut them into words of the index, without question words, before the theme's search sees them.
// The theme cuts too, but gives up at the first character that begins no word it knows, and never looks at a run's last
// character: 训练 becomes 训. So each word is sent with one more character, which the theme then leaves out. What it finds
// is put in a better order.
(() => {
  const SETUP = 0, QUERY = 2, RESULT = 3; // the kinds of message between the theme and its worker
  const HAN = /[\u3400-\u4dbf\u4e00-\u9fff]+/g;
  const EMPTY = new Set(("的 了 吗 呢 吧 和 与 或 及 在 是 有 不 就 也 都 还 把 被 让 给 对 从 到 用 为 以 而 我 你 它 们 这 那 哪 谁 几 " +
    "怎么 怎样 如何 什么 为什么 为何 多少 多大 多长 多久 哪些 哪个 哪种 哪里 可以 能否 是否 怎么办 才 能 要 会 该 应该 一个 一下").split(" "));
  const GUARD = "\u3400";
  const known = new Set();

  const learn = (docs) => {
    for (const { title = "", text = "", named = "", also = "" } of docs)
      for (const word of [title, text, named, also].join(" ").match(HAN) ?? []) known.add(word);
  };

  // The cut that leaves the fewest characters over, then has the fewest words.
  const cut = (run) => {
    const best = [{ cost: 0, words: [] }];
    for (let end = 1; end <= run.length; end++) {
      const { cost, words } = best[end - 1];
      best[end] = { cost: cost + 10, words };
      for (let start = Math.max(0, end - 12); start < end; start++) {
        const word = run.slice(start, end), price = best[start].cost + (word.length > 1 ? 1 : 4);
        if ((known.has(word) || EMPTY.has(word)) && price < best[end].cost)
          best[end] = { cost: price, words: [...best[start].words, word] };
      }
    }
    return best[run.length].words.filter((word) => !EMPTY.has(word));
  };

  const question = (query) => {
    // What stands in quotes is asked for as it is.
    const parts = query.split('"').map((part, place) => (place % 2 ? part : part.replace(HAN, (run) => ` ${cut(run).join(" ")} `)));
    const words = parts.join('"').trim().split(/ +/);
    // A single character says little beside a word.
    const long = words.filter((word) => word.length > 1 || !word.match(HAN));
    const kept = (long.length ? long : words).map((word) => (known.has(word) ? word + GUARD : word));
    return kept.join(" ").trim() || query;
  };

  // The theme orders pages by their best section alone. A page that has more of the words, in more sections, answers better.
  const worth = (sections) => {
    const words = Object.keys(sections[0].terms);
    const met = words.filter((word) => sections.some(({ terms }) => terms[word]));
    const scores = sections.map(({ score }) => score), best = Math.max(...scores);
    return (met.length / (words.length || 1)) * (best + 0.3 * (scores.reduce((sum, score) => sum + score, 0) - best));
  };

  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (data?.type === RESULT) data.data.items.sort((one, other) => worth(other) - worth(one));
      });
    }

    postMessage(message, ...rest) {
      if (message?.type === SETUP) learn(message.data.docs);
      super.postMessage(message?.type === QUERY ? { ...message, data: question(message.data) } : message, ...rest);
    }
  };
})();
