// What the pages share. All that comes from a cluster becomes text nodes and checked links, never markup.

/** An element; `on...` are listeners, `class`, `title` and others attributes. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Shows text; leaves alone what shows it already. */
export function say(id, text) {
  const element = byId(id);
  if (element.textContent !== String(text)) element.textContent = text;
}

/** A link where the address is one of the web, else plain text. */
export function link(address, text, attributes = {}) {
  const known = typeof address === "string" && /^(https?:\/\/|\/(?!\/)|#)/i.test(address);
  return known ? h("a", { href: address, ...attributes }, text) : h("span", {}, text);
}

export const light = (kind, text) => h("span", { class: "status" }, h("i", { class: `light ${kind}` }), text);
export const pill = (kind, text) => h("span", { class: `pill ${kind}` }, text);

/** A bar of what is used and offered of a total, with its figures. */
export function bar(used, offered, total, unit = "") {
  const part = (amount) => `${total > 0 ? Math.min(100, (100 * amount) / total) : 0}%`;
  const figures = `${amount(used)}/${amount(total)}${unit}`;
  const drawn = h("div", { class: "bar", role: "img", "aria-label": `${figures} used` });
  drawn.style.setProperty("--used", part(used));
  drawn.style.setProperty("--offered", part(used + offered));
  return h("div", { class: "barred" }, h("small", {}, figures), drawn);
}

/** At most three decimals, as Mesos counts. */
export const amount = (value) => String(Math.round((value ?? 0) * 1000) / 1000);

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) [count, unit] = [count / 1024, unit + 1];
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

/** How long ago a time in milliseconds was: `5s`, `3m`, `2h`, `4d`. */
export function ago(time) {
  if (!time) return "";
  const seconds = Math.max(0, Math.floor((Date.now() - time) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

/**
 * Fills a table's body with `[key, cells]` rows. Rows that stay as they are are left alone, and the focus stays
 * in its row.
 */
export function rows(body, wanted) {
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const focused = document.activeElement?.closest?.("tr");
  const place = focused && body.contains(focused) ? focusables(focused).indexOf(document.activeElement) : -1;
  const made = wanted.map(([key, cells]) => {
    const row = h("tr", { "data-key": key }, cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : h("td", {}, cell))));
    const before = old.get(String(key));
    return before && (before.isEqualNode(row) || before.contains(document.activeElement) && edits(document.activeElement)) ? before : row;
  });
  if (made.length !== body.rows.length || made.some((row, at) => body.rows[at] !== row)) body.replaceChildren(...made);
  if (place >= 0 && !body.contains(document.activeElement)) {
    const row = made.find((row) => row.dataset.key === focused.dataset.key);
    if (row) focusables(row)[place]?.focus();
  }
}

const focusables = (element) => [...element.querySelectorAll("a, button, input")];
const edits = (element) => element.tagName === "INPUT";

/** A body of JSON; an error with the server's words otherwise. */
export async function json(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(words(text) || `${answer.status} ${answer.statusText}`), { status: answer.status });
  return text ? JSON.parse(text) : null;
}

function words(text) {
  try {
    const { message, details } = JSON.parse(text);
    const more = (Array.isArray(details) ? details : []).map(({ path, errors }) => `${path ?? ""} ${(errors ?? []).join(", ")}`);
    return [message, ...more].join("\n");
  } catch {
    return text;
  }
}

export const send = (method, path, body) =>
  json(path, { method, body: body === undefined ? undefined : JSON.stringify(body), headers: body === undefined ? {} : { "Content-Type": "application/json" } });

/** The JSON records of a RecordIO stream. A record is put together once, when all of it is there. */
export async function* records(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let [chunks, size, needed] = [[], 0, 1];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    chunks.push(value);
    size += value.length;
    if (size < needed) continue;
    const joined = new Uint8Array(size);
    chunks.reduce((at, chunk) => (joined.set(chunk, at), at + chunk.length), 0);
    let at = 0;
    for (;;) {
      const end = joined.indexOf(10, at);
      needed = end < 0 ? joined.length - at + 1 : end + 1 + Number(decoder.decode(joined.subarray(at, end))) - at;
      if (!(needed > 0)) throw new Error("the stream is not RecordIO");
      if (end < 0 || joined.length - at < needed) break;
      yield JSON.parse(decoder.decode(joined.subarray(end + 1, at + needed)));
      at += needed;
    }
    [chunks, size] = [[joined.subarray(at)], joined.length - at];
  }
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits until the page can be seen. */
export function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
  });
}

/** The longest pause that slow work is given. */
const SELDOM = 30000;

/**
 * Does the work over and over while the page is seen; work that takes long is done less often. Gives what hurries it:
 * the work is done at once, or again if it is under way.
 */
export function every(ms, work) {
  let wake = () => {};
  let again = false;
  const hurry = () => {
    again = true;
    wake();
  };
  (async () => {
    for (;;) {
      await visible();
      again = false;
      const begin = performance.now();
      await work();
      const took = performance.now() - begin;
      if (!again) await Promise.race([pause(Math.max(ms, Math.min(10 * took, SELDOM))), new Promise((done) => (wake = done))]);
    }
  })();
  return hurry;
}

/** Says at the top what is wrong; nothing hides it again. */
export function problem(text, kind = "bad") {
  const banner = byId("banner");
  banner.className = `banner ${kind}`;
  banner.hidden = !text;
  if (banner.textContent !== (text ?? "")) banner.textContent = text ?? "";
}

/** Asks before something is done; true when it is to be done. */
export function ask(title, text, button, danger = true) {
  return new Promise((done) => {
    const dialog = h(
      "dialog",
      {},
      h("form", { method: "dialog" }, h("h2", {}, title), h("p", {}, text), h("div", { class: "row" },
        h("button", { value: "" }, "Cancel"),
        h("button", { value: "yes", class: danger ? "main danger" : "main", "data-yes": "" }, button))),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
