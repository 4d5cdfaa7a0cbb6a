"use strict";
(() => {
  const all = (selector, under = document) => [...under.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);
  const items = all(".tree li[data-node]");
  const links = all(".tree li.link");
  const marks = all(".graph .node, .chip[data-node]");
  const edges = all(".graph .edge");
  const text = new Map(items.map((item) => {
    const details = item.firstElementChild;
    const own = [details.firstElementChild, ...all(":scope > .body > .facts > .seek", details)];
    return [item, own.map((part) => part.textContent).join(" ").toLowerCase().replace(/\s+/g, " ")];
  }));
  const state = { decision: new Set(), verdict: new Set(), q: "", all: false };
  let opened = null; // what was open before a filter opened more

  const active = () => state.decision.size > 0 || state.verdict.size > 0 || state.q.trim() !== "";
  const idle = (item) => item.classList.contains("idle");
  const above = (element) => element.parentElement.closest("li[data-node]");

  function matches(item, words) {
    return (state.all || !idle(item))
      && (state.decision.size === 0 || state.decision.has(item.dataset.decision))
      && (state.verdict.size === 0 || state.verdict.has(item.dataset.verdict))
      && words.every((word) => text.get(item).includes(word));
  }

  function show() {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Set(items.filter((item) => matches(item, words)));
    const kept = new Set(found);
    for (const item of found) {
      for (let up = above(item); up && !kept.has(up); up = above(up)) kept.add(up);
    }
    if (active() && !opened) opened = new Set(items.filter((item) => item.firstElementChild.open));
    for (const item of items) {
      item.hidden = !kept.has(item);
      item.classList.toggle("context", kept.has(item) && !found.has(item));
      if (active()) item.firstElementChild.open = kept.has(item) && leads(item, kept);
      else if (opened) item.firstElementChild.open = opened.has(item);
    }
    if (!active()) opened = null;
    for (const link of links) link.hidden = active() || (idle(link) && !state.all);
    const names = new Set([...found].map((item) => item.dataset.node));
    for (const mark of marks) mark.classList.toggle("off", active() && !names.has(mark.dataset.node));
    for (const edge of edges) edge.classList.toggle("off", active() && !(names.has(edge.dataset.from) && names.has(edge.dataset.to)));
    one("shown").firstElementChild.textContent = String(found.size);
    one("shown").lastChild.textContent = ` of ${items.filter((item) => state.all || !idle(item)).length} shown`;
    one("none").hidden = found.size > 0;
    one("clear").disabled = !active();
    if (one("all")) one("all").setAttribute("aria-pressed", String(state.all));
    for (const key of ["decision", "verdict"]) {
      for (const button of all(`button[data-${key}]`)) {
        button.setAttribute("aria-pressed", String(state[key].has(button.dataset[key])));
      }
    }
    if (one("q").value !== state.q) one("q").value = state.q;
  }

  /** Whether something that is kept stands below an item. */
  function leads(item, kept) {
    return all(":scope > details > .body > ul > li[data-node]", item).some((child) => kept.has(child));
  }

  /** The state as the fragment of the page's address, which read() understands. */
  function write() {
    const words = new URLSearchParams();
    if (state.decision.size) words.set("filter", [...state.decision].join(","));
    if (state.verdict.size) words.set("verdict", [...state.verdict].join(","));
    if (state.q.trim()) words.set("q", state.q.trim());
    if (state.all) words.set("all", "1");
    const fragment = words.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", location.href.split("#")[0] + (fragment ? `#${fragment}` : ""));
  }

  function change(update) {
    update();
    show();
    write();
  }

  function clear() {
    state.decision.clear();
    state.verdict.clear();
    state.q = "";
  }

  function read() {
    const fragment = location.hash.slice(1);
    if (fragment.startsWith("d-")) {
      reveal(fragment);
    } else if (fragment.includes("=") || fragment === "") {
      const words = new URLSearchParams(fragment);
      const known = (key, name) => new Set((words.get(name) || "").split(",").filter(
        (word) => all(`button[data-${key}]`).some((button) => button.dataset[key] === word)));
      state.decision = known("decision", "filter");
      state.verdict = known("verdict", "verdict");
      state.q = words.get("q") || "";
      state.all = words.get("all") === "1" && one("all") !== null;
      show();
    }
  }

  /** Open the tree down to a distribution, go there, and mark it in the graph. */
  function reveal(id) {
    const summary = one(id);
    const item = summary && summary.closest("li[data-node]");
    if (!item) return;
    if (idle(item)) state.all = true;
    if (active() || item.hidden) {
      clear();
      show();
    }
    for (let up = item; up; up = above(up)) up.firstElementChild.open = true;
    for (const other of all(".target")) other.classList.remove("target");
    item.classList.add("target");
    for (const mark of marks) mark.classList.toggle("target", mark.dataset.node === id);
    light(id);
    centre(all(".graph .target rect")[0]);
    summary.focus({ preventScroll: true });
    summary.scrollIntoView({ block: "start" });
  }

  /** Bring out the edges of one node of the graph. */
  function light(id) {
    const graph = document.querySelector(".graph");
    if (!graph) return;
    let near = 0;
    for (const edge of edges) {
      const touches = edge.dataset.from === id || edge.dataset.to === id;
      edge.classList.toggle("near", touches);
      near += touches;
    }
    graph.classList.toggle("lit", near > 0);
  }

  /** Scroll the drawing, and nothing else, so that a box of the graph stands in its middle. */
  function centre(box) {
    const canvas = one("canvas");
    if (!box) return;
    const [inner, outer] = [box.getBoundingClientRect(), canvas.getBoundingClientRect()];
    canvas.scrollBy(
      inner.x + inner.width / 2 - outer.x - outer.width / 2, inner.y + inner.height / 2 - outer.y - outer.height / 2);
  }

  for (const key of ["decision", "verdict"]) {
    for (const button of all(`button[data-${key}]`)) {
      button.addEventListener("click", () => change(() => {
        if (!state[key].delete(button.dataset[key])) state[key].add(button.dataset[key]);
      }));
    }
  }
  one("q").addEventListener("input", () => change(() => { state.q = one("q").value; }));
  one("clear").addEventListener("click", () => change(clear));
  if (one("all")) one("all").addEventListener("click", () => change(() => { state.all = !state.all; }));
  const every = (open) => { for (const item of items) item.firstElementChild.open = open; };
  one("open").addEventListener("click", () => every(true));
  one("close").addEventListener("click", () => every(false));

  window.addEventListener("hashchange", read);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#d-']");
    // The fragment doesn't change where it is there already, so that nothing else would happen.
    if (link && link.getAttribute("href") === location.hash) reveal(location.hash.slice(1));
  });

  document.querySelector(".tree").addEventListener("keydown", (event) => {
    if (event.target.tagName !== "SUMMARY" || event.altKey || event.ctrlKey || event.metaKey) return;
    const details = event.target.parentElement;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      details.open = event.key === "ArrowRight";
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const rows = all(".tree summary").filter((row) => row.checkVisibility());
      const next = rows[rows.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) next.focus();
    } else {
      return;
    }
    event.preventDefault();
  });

  let unprinted = [];
  window.addEventListener("beforeprint", () => {
    unprinted = all(".tree details:not([open])");
    for (const details of unprinted) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of unprinted) details.open = false;
    unprinted = [];
  });

  const canvas = one("canvas");
  if (canvas) {
    const graph = canvas.querySelector(".graph");
    const [width, height] = [graph.width.baseVal.value, graph.height.baseVal.value];
    let scale = 1;
    const fit = () => Math.min(1, canvas.clientWidth / width);
    const zoom = (to, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
      const next = Math.min(2.5, Math.max(Math.min(fit(), 0.2), to));
      const [left, top] = [(canvas.scrollLeft + x) * next / scale - x, (canvas.scrollTop + y) * next / scale - y];
      scale = next;
      graph.style.width = `${width * scale}px`;
      graph.style.height = `${height * scale}px`;
      canvas.scrollTo(left, top);
    };
    const zooms = { in: () => zoom(scale * 1.3), out: () => zoom(scale / 1.3), fit: () => zoom(fit()), full: () => zoom(1) };
    canvas.classList.add("scaled");
    one("zoom").hidden = false;
    for (const button of all("button", one("zoom"))) button.addEventListener("click", zooms[button.dataset.zoom]);
    zoom(Math.max(fit(), 0.8));
    centre(graph.querySelector(".node.root rect"));
    canvas.addEventListener("keydown", (event) => {
      const key = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "full" }[event.key];
      if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      zooms[key]();
    });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      zoom(scale * Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType === "mouse") {
        from = { x: event.clientX, y: event.clientY, left: canvas.scrollLeft, top: canvas.scrollTop };
      }
    });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (Math.hypot(dx, dy) > 4) canvas.classList.add("dragged");
      if (canvas.classList.contains("dragged")) canvas.scrollTo(from.left - dx, from.top - dy);
    });
    window.addEventListener("pointerup", () => {
      from = null;
      setTimeout(() => canvas.classList.remove("dragged"), 0);
    });
    canvas.addEventListener("dragstart", (event) => event.preventDefault());
    canvas.addEventListener("click", (event) => {
      if (canvas.classList.contains("dragged")) {
        event.preventDefault();
      } else if (!event.target.closest(".node")) {
        for (const mark of marks) mark.classList.remove("target");
        light("");
      }
    }, true);
    for (const node of all(".node", graph)) {
      for (const name of ["mouseenter", "focus"]) node.addEventListener(name, () => light(node.dataset.node));
      for (const name of ["mouseleave", "blur"]) {
        node.addEventListener(name, () => {
          const target = graph.querySelector(".node.target");
          light(target ? target.dataset.node : "");
        });
      }
    }
  }
  read();
})();
