// Exhibitor's page: how the ZooKeeper is, orders to it, its tree, its own words, and what Exhibitor has done.
import { ago, ask, byId, every, h, json, light, pill, problem, rows, say } from "/pages/pages.js";

const BASE = "/exhibitor/v1";
const WORDS = ["ruok", "srvr", "stat", "mntr", "conf", "cons", "dump", "wchs", "wchc", "wchp", "reqs"];
const KINDS = ["", "bad", "warn", "good"];
const DATES = new Set(["ctime", "mtime"]);

let selected = "/";
let word = "";
let turn = 0;
let settings = { seen: "", text: {} };

const get = (path) => json(`${BASE}/${path}`);

/** What fails says so in its body. */
async function order(path) {
  const { message, succeeded } = await get(path);
  problem(succeeded ? "" : message);
  turn = 0;
  hurry();
}

let code = -1;

/** The light, asked for often; all else when it has changed and every few seconds. */
async function look() {
  const [main] = await get("cluster/status");
  byId("state").replaceChildren(light(KINDS[main.code], main.description));
  document.title = `${main.description} · Exhibitor`;
  const changed = main.code !== code;
  code = main.code;
  if (changed && code === 3) hurryTree();
  if (changed || turn++ % 3 === 0) await Promise.all([control(main), log()]);
}

async function control({ hostname, code, description, isLeader }) {
  const [state, system] = await Promise.all([get("cluster/state"), systemState()]);
  rows(byId("servers"), [[hostname, [
    h("td", {}, h("code", {}, `${hostname}:${system.config.clientPort}`)), light(KINDS[code], description), isLeader ? pill("note", "leads") : pill("", code === 3 ? "follows" : "none"),
    h("td", { class: "num" }, String(system.restarts ?? 0)), h("td", { class: "num wide" }, `${system.config.checkMs} ms`),
  ]]]);
  for (const id of ["start", "stop", "restart"]) {
    byId(id).disabled = system.supervised === false;
    byId(id).title = system.supervised === false ? "Somebody else runs this ZooKeeper" : "";
  }
  byId("writes").hidden = !system.nodeMutationsAllowed;
  say("version", `Exhibitor ${system.version}`);
  const now = JSON.stringify(state.switches);
  if (byId("switches").dataset.now === now) return;
  byId("switches").dataset.now = now;
  byId("switches").replaceChildren("Switches:", ...Object.entries(state.switches).map(([name, on]) =>
    h("label", {}, h("input", { type: "checkbox", checked: on, onchange: (event) => order(`cluster/set/${name}/${event.target.checked}`) }), ` ${name === "restarts" ? "automatic restarts" : name}`)));
}

/** Sent again only when it has changed. */
async function systemState() {
  const answer = await fetch(`${BASE}/config/get-state`, { headers: { Accept: "application/json", ...(settings.seen && { "If-None-Match": settings.seen }) } });
  if (answer.status !== 304) settings = { seen: answer.headers.get("ETag"), text: await answer.json() };
  return settings.text;
}

async function log() {
  const text = await get("cluster/log");
  if (byId("log-text").textContent.length === text.length) return;
  say("log-text", text.trimEnd().split("\n").reverse().join("\n"));
}

const keyOf = (path) => new URLSearchParams({ key: path });

function item(title, path) {
  const line = h("li", { role: "treeitem", "aria-expanded": "false", "aria-selected": String(path === selected), tabindex: path === selected ? "0" : "-1", "data-path": path }, h("span", {}, title));
  return line;
}

async function open(line) {
  const { path } = line.dataset;
  const children = await get(`explorer/node?${keyOf(path)}`);
  if (children.some(({ key }) => key === "*")) {
    problem(`ZooKeeper does not say what is below ${path}`);
    return;
  }
  const shown = line.querySelector(":scope > ul");
  const old = new Map([...(shown?.children ?? [])].map((child) => [child.dataset.path, child]));
  if (!shown || old.size !== children.length || children.some(({ key }) => !old.has(key))) {
    const list = h("ul", { role: "group" }, children.map(({ title, key }) => old.get(key) ?? item(title, key)));
    shown?.remove();
    line.append(list);
  }
  line.setAttribute("aria-expanded", "true");
  line.classList.toggle("leaf", children.length === 0);
}

function close(line) {
  line.querySelector(":scope > ul")?.remove();
  line.setAttribute("aria-expanded", "false");
}

const isOpen = (line) => line.getAttribute("aria-expanded") === "true";
const lines = () => [...byId("tree").querySelectorAll("[role=treeitem]")];
const lineOf = (path) => lines().find((line) => line.dataset.path === path);

async function select(line, focus = true) {
  selected = line.dataset.path;
  for (const other of lines()) {
    other.setAttribute("aria-selected", String(other === line));
    other.tabIndex = other === line ? 0 : -1;
  }
  if (focus) line.focus();
  await data();
}

async function data() {
  const path = selected;
  const { bytes, str, stat } = await get(`explorer/node-data?${keyOf(path)}`);
  if (path !== selected) return;
  say("path", path);
  say("str", str);
  say("bytes", bytes);
  const figures = stat.includes(": ") ? stat.split(", ").map((pair) => pair.split(": ")) : [["", stat]];
  rows(byId("stat-rows"), figures.map(([name, value]) => [name, [h("th", {}, name), h("td", { class: "mono" }, shownFigure(name, value))]]));
}

function shownFigure(name, value) {
  if (name === "ephemeralOwner" && value !== "0") return `0x${BigInt(value).toString(16)}`;
  return DATES.has(name) && value !== "0" ? `${value} (${ago(Number(value))} ago)` : value;
}

async function refreshTree() {
  for (const line of lines().filter((line) => isOpen(line) && line.isConnected)) await open(line);
  if (!lineOf(selected)) await select(lineOf("/"), false);
  else await data();
}

const safely = (work) => async (event) => {
  try {
    await work(event);
  } catch (error) {
    problem(error.message);
  }
};

byId("tree").append(item("/", "/"));
byId("tree").addEventListener("click", safely(async (event) => {
  const line = event.target.closest("[role=treeitem]");
  if (!line || event.target.tagName !== "SPAN") return;
  if (isOpen(line) && line.dataset.path !== "/") close(line);
  else await open(line);
  await select(line);
}));
byId("tree").addEventListener("keydown", safely(async (event) => {
  const all = lines();
  const at = all.indexOf(document.activeElement);
  if (at < 0) return;
  const line = all[at];
  const steps = { ArrowDown: all[at + 1], ArrowUp: all[at - 1], Home: all[0], End: all.at(-1) };
  if (event.key in steps) {
    event.preventDefault();
    if (steps[event.key]) await select(steps[event.key]);
  } else if (event.key === "ArrowRight" || event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (!isOpen(line)) await open(line);
    else if (event.key === "ArrowRight" && line.querySelector("li")) await select(line.querySelector("li"));
    else close(line);
  } else if (event.key === "ArrowLeft") {
    event.preventDefault();
    if (isOpen(line) && line.dataset.path !== "/") close(line);
    else if (line.parentElement.closest("li")) await select(line.parentElement.closest("li"));
  }
}));

async function showWord() {
  if (!word) return;
  say("answer", (await get(`cluster/4ltr/${word}`)).trimEnd() || "No answer.");
}

byId("word-buttons").append(...WORDS.map((name) => h("button", { "aria-pressed": "false", onclick: safely(async (event) => {
  word = name;
  for (const button of byId("word-buttons").children) button.setAttribute("aria-pressed", String(button === event.target));
  await showWord();
}) }, name)));

byId("start").addEventListener("click", safely(() => order("cluster/start")));
byId("restart").addEventListener("click", safely(async () => {
  if (await ask("Restart ZooKeeper?", "Its clients lose their connections for a moment; their sessions go on.", "Restart")) await order("cluster/restart");
}));
byId("stop").addEventListener("click", safely(async () => {
  if (await ask("Stop ZooKeeper?", "It stays down until it is started here. Masters cannot elect a leader meanwhile.", "Stop")) await order("cluster/stop");
}));

const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
const hexOf = (text) => [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

async function write(method, path, text) {
  const answer = await json(`${BASE}/explorer/znode${encoded(path)}`, { method, body: text === undefined ? undefined : hexOf(text), headers: { "Content-Type": "application/json", "netflix-user-name": "page" } });
  problem(answer.succeeded ? "" : answer.message);
}

/** Asks for a path and a text; nothing when it is cancelled. */
function form(title, path, text, fixed) {
  return new Promise((done) => {
    const name = h("input", { value: path, readonly: fixed, "aria-label": "Path", id: "form-path", size: "40" });
    const data = h("textarea", { "aria-label": "Data as text", id: "form-data" });
    data.value = text;
    const dialog = h("dialog", {}, h("form", { method: "dialog" }, h("h2", {}, title), h("p", {}, name), data, h("div", { class: "row" }, h("button", { value: "" }, "Cancel"), h("button", { value: "yes", class: "main" }, "Write"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes" ? [name.value, data.value] : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

byId("new").addEventListener("click", safely(async () => {
  const wanted = await form("New node", selected === "/" ? "/" : `${selected}/`, "", false);
  if (!wanted) return;
  await write("PUT", ...wanted);
  const line = lineOf(selected);
  if (line) await open(line);
}));
byId("edit").addEventListener("click", safely(async () => {
  const wanted = await form("Change data", selected, byId("str").textContent, true);
  if (wanted) await write("PUT", ...wanted);
  await data();
}));
byId("delete").addEventListener("click", safely(async () => {
  if (selected === "/") return problem("The root cannot be deleted.");
  if (!(await ask(`Delete ${selected}?`, "All nodes below it go too.", "Delete"))) return;
  await write("DELETE", selected);
  const above = lineOf(selected)?.parentElement.closest("li");
  if (above) {
    await select(above);
    await open(above);
  }
}));

let lost = false;
const hurry = every(1000, async () => {
  try {
    await look();
    if (lost) problem();
    lost = false;
  } catch (error) {
    lost = true;
    code = -1;
    byId("state").replaceChildren(light("bad", "Exhibitor is gone"));
    problem(`No news from Exhibitor: ${error.message}`);
  }
});

/** A ZooKeeper that does not serve has no tree to show. */
const hurryTree = every(3000, async () => {
  if (code !== 3) return;
  try {
    if (!isOpen(lineOf("/"))) await open(lineOf("/"));
    await Promise.all([refreshTree(), showWord()]);
  } catch {
    // The light says it.
  }
});
