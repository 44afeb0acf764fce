// What the theme would ask for before the reader needs it waits: the search index, which weighs a megabyte, and the
// worker that reads it. Comes before the theme's own script.
(() => {
  // The theme looks for a map of another site behind every link to a page's other forms; these lead to this one.
  // The space keeps the link's meaning, and the theme from finding it.
  for (const link of document.querySelectorAll("link[rel=alternate]")) link.setAttribute("rel", "alternate ");

  // A page loaded anew begins with search and navigation closed: some browsers would remember that they were open.
  for (const toggle of document.querySelectorAll("input.md-toggle")) toggle.autocomplete = "off";

  const box = document.getElementById("__search");
  const opened = new Promise((resolve) => {
    // A page reached from a search marks the words that were looked for: it needs the index's settings.
    if (!box || box.checked || /[?&][hq]=/.test(location.search)) return resolve();
    box.addEventListener("change", () => resolve(), { once: true });
  });

  const { open, send } = XMLHttpRequest.prototype;
  const waiting = new WeakSet();
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    if (/\/search_index\.json$/.test(address)) waiting.add(this);
    return open.call(this, method, address, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    if (waiting.has(this)) opened.then(() => send.apply(this, body));
    else send.apply(this, body);
  };

  // Stands for a worker that starts when the search is opened. From a disk a browser starts none by its address:
  // the copy to read offline carries the worker's text.
  const Started = self.Worker;
  const QUESTION = 2, ANSWER = 3;    // as the theme numbers its messages
  self.Worker = class extends EventTarget {
    constructor(address, options) {
      super();
      this.free = true;
      this.started = opened.then(() => {
        const text = self.bookSearchWorker;
        const worker = new Started(text ? URL.createObjectURL(new Blob([text], { type: "text/javascript" })) : address, options);
        worker.addEventListener("message", ({ data }) => {
          this.dispatchEvent(new MessageEvent("message", { data }));
          if (data.type === ANSWER) this.ask(worker, true);
        });
        return worker;
      });
    }

    // Of questions that come faster than they are answered, as when a word is typed, the last is put and the others dropped.
    ask(worker, free) {
      this.free ||= free;
      if (!this.free || !this.question) return;
      worker.postMessage(this.question);
      this.free = this.question = null;
    }

    postMessage(message) {
      this.started.then((worker) => {
        if (message.type !== QUESTION) return worker.postMessage(message);
        this.question = message;
        this.ask(worker);
      });
    }
  };
})();
