// The agent's page: what it runs, and the files of its sandboxes. It stands on the agent itself, because a page of the
// master may not read another origin. What is shown is said behind the `#`: `#task/FRAMEWORK/EXECUTOR/TASK` finds a
// task's sandbox, `#/directory` and `#/directory?file` are places.
import { ago, byId, bytes, every, h, json, light, link, pill, problem, rows, say } from "/pages/pages.js";

const TAIL = 64 * 1024;
const PIECE = 256 * 1024;
const KEPT = 2 * 1024 * 1024;

let place = {};
let opened = { path: "", at: 0 };

const query = (path, more = {}) => new URLSearchParams({ path, ...more });
const browse = (path) => json(`/files/browse?${query(path)}`);
const parent = (path) => path.slice(0, path.lastIndexOf("/"));
const base = (path) => path.slice(path.lastIndexOf("/") + 1);
const hashOf = (directory, file) => `#${encodeURI(directory).replaceAll("?", "%3F").replaceAll("#", "%23")}${file ? `?${encodeURIComponent(file)}` : ""}`;

function read() {
  const hash = location.hash.slice(1);
  if (hash.startsWith("task/")) {
    const [framework, executor, task] = hash.split("/").slice(1).map(decodeURIComponent);
    return { framework, executor, task };
  }
  const [directory, file] = hash.split("?");
  return directory ? { directory: decodeURIComponent(directory), file: file && decodeURIComponent(file) } : {};
}

function executorsOf(state) {
  return [...state.frameworks, ...state.completed_frameworks].flatMap((framework) =>
    [...framework.executors, ...framework.completed_executors].map((executor) => ({ framework, executor })));
}

const tasksOf = (executor) => [...executor.queued_tasks, ...executor.tasks, ...executor.completed_tasks];

/** The newest directory of a task; tasks of a group have one of their own in that of their executor. */
async function find(state, { framework, executor, task }) {
  const found = executorsOf(state).filter((it) => it.framework.id === framework && it.executor.id === executor).at(0);
  if (!found) throw new Error(`this agent knows no more of ${task}; its sandbox may be gone`);
  const directory = found.executor.directory;
  if (executor === task) return directory;
  const own = `${directory}/tasks/${task}`;
  return browse(own).then(() => own, () => directory);
}

async function open() {
  place = read();
  problem();
  try {
    if (place.task) {
      const { task } = place;
      const directory = await find(await json("/state"), place);
      const files = await browse(directory);
      const out = files.find(({ path }) => base(path) === "stdout");
      history.replaceState(null, "", hashOf(directory, out && "stdout"));
      place = read();
      say("whose", task);
    }
  } catch (error) {
    problem(error.message);
  }
  byId("overview").hidden = Boolean(place.directory);
  byId("folder").hidden = !place.directory;
  byId("reader").hidden = !place.file;
  byId("text").replaceChildren();
  opened = { path: "", at: 0 };
  wake();
}

const kind = (state) => ({ TASK_RUNNING: "good", TASK_FINISHED: "note", TASK_FAILED: "bad", TASK_LOST: "bad", TASK_ERROR: "bad" })[state] ?? "warn";

async function overview() {
  const state = await json("/state");
  say("name", `Agent ${state.hostname}`);
  document.title = `${state.hostname} · Mesos agent`;
  const facts = { id: state.id, address: state.pid, cpus: state.resources.cpus, memory: `${state.resources.mem} MB`, disk: `${state.resources.disk} MB`, ports: state.resources.ports ?? "none",
    attributes: Object.entries(state.attributes).map(([name, value]) => `${name}:${value}`).join(" ") || "none" };
  byId("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: "mono" }, String(value))]));
  const list = executorsOf(state).flatMap(({ framework, executor }) => tasksOf(executor).map((task) => ({ framework, executor, task })));
  say("executor-count", list.length);
  byId("no-tasks").hidden = list.length > 0;
  rows(byId("task-rows"), list.slice(0, 500).map(({ framework, executor, task }) => {
    const where = [framework.id, executor.id, task.id].map(encodeURIComponent).join("/");
    return [`${executor.container} ${task.id}`, [
      h("td", { class: "long" }, h("code", {}, task.id)), pill(kind(task.state), (task.state ?? "queued").replace(/^TASK_/, "").toLowerCase()), h("td", { class: "long" }, framework.name),
      h("td", { class: "wide" }, h("code", {}, executor.container)), link(`#task/${where}`, "files"),
    ]];
  }));
}

async function folder() {
  const { directory } = place;
  const files = await browse(directory);
  if (directory !== place.directory) return;
  const cut = directory.indexOf("/runs/");
  const known = cut < 0 ? directory : directory.slice(0, directory.indexOf("/", cut + 6) < 0 ? undefined : directory.indexOf("/", cut + 6));
  const below = directory.slice(known.length).split("/").filter(Boolean);
  const steps = [["sandbox", known], ...below.map((name, at) => [name, `${known}/${below.slice(0, at + 1).join("/")}`])];
  byId("crumbs").replaceChildren(...steps.flatMap(([name, path], at) => [at ? " / " : "", h("a", { href: hashOf(path), title: path }, name)]));
  byId("no-files").hidden = files.length > 0;
  rows(byId("file-rows"), files.map(({ path, size, mode, mtime }) => {
    const name = base(path);
    const inner = mode.startsWith("d");
    const at = inner ? hashOf(path) : hashOf(directory, name);
    return [path, [
      h("td", { class: "long" }, h("a", { href: at, "aria-current": name === place.file ? "true" : undefined }, inner ? `${name}/` : name)), h("td", { class: "num" }, inner ? "" : bytes(size)),
      h("td", { class: "wide" }, h("code", {}, mode)), h("td", { class: "num" }, ago(mtime * 1000)), inner ? "" : h("a", { href: `/files/download?${query(path)}`, "aria-label": `Download ${name}` }, "download"),
    ]];
  }));
}

/** Reads what the file has grown by; of a long one the end. */
async function file() {
  const path = `${place.directory}/${place.file}`;
  const { offset: size } = await json(`/files/read?${query(path, { offset: -1 })}`);
  if (opened.path !== path || size < opened.at) {
    opened = { path, at: Math.max(0, size - TAIL) };
    byId("text").replaceChildren(opened.at > 0 ? `… the first ${bytes(opened.at)} are left out …\n` : "");
  }
  say("size", `${place.file}, ${bytes(size)}`);
  byId("download").href = `/files/download?${query(path)}`;
  while (opened.at < size && opened.path === path) {
    const length = Math.min(PIECE, size - opened.at);
    const { data } = await json(`/files/read?${query(path, { offset: opened.at, length })}`);
    if (opened.path !== path) return;
    opened.at += length;
    show(data);
  }
}

function show(data) {
  const text = byId("text");
  text.append(data);
  while (text.textContent.length > KEPT && text.childNodes.length > 1) text.firstChild.remove();
  if (byId("tail").checked) text.scrollTop = text.scrollHeight;
}

let quiet = 0;
let lost = false;
const wake = every(1000, async () => {
  try {
    if (!place.directory) await overview();
    if (place.directory && quiet++ % 5 === 0) await folder();
    if (place.file) await file();
    byId("live").replaceChildren(light("good", "live"));
    if (lost) problem();
    lost = false;
  } catch (error) {
    lost = true;
    byId("live").replaceChildren(light("bad", "lost"));
    problem(error.message || "nothing is there");
  }
});

addEventListener("hashchange", () => {
  quiet = 0;
  say("whose", "");
  open();
});
open();
