// The master's page. One SUBSCRIBE stream tells of tasks; agents and frameworks, with what they use and are offered,
// are asked for when it says that something has happened, and every few seconds for the offers.
import { ago, amount, bar, byId, every, h, json, light, link, pause, pill, problem, records, rows, say, visible } from "/pages/pages.js";

const SHOWN = 200;
const KEPT = 1000;
const ENDS = new Set(["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED", "TASK_GONE", "TASK_GONE_BY_OPERATOR"]);

const cluster = { active: new Map(), completed: new Map(), agents: new Map(), recovered: [], frameworks: new Map() };
let completed = false;
let drawing = false;

const call = (type) => ({ method: "POST", redirect: "manual", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify({ type }) });

async function ask(type) {
  const answer = await fetch("/api/v1", call(type));
  if (answer.type === "opaqueredirect") throw new Error("this master does not lead");
  if (!answer.ok) throw new Error((await answer.text()) || `${answer.status} ${answer.statusText}`);
  return (await answer.json())[type.toLowerCase()];
}

/** Scalars by name, and ranges as text. */
function amounts(resources = []) {
  const sums = { cpus: 0, mem: 0, disk: 0, gpus: 0, ports: "" };
  for (const { name, scalar, ranges } of resources) {
    if (scalar && name in sums) sums[name] += scalar.value;
    if (ranges && name === "ports") sums.ports = ranges.range.map(({ begin, end }) => `${begin}-${end}`).join(", ");
  }
  return sums;
}

const millis = (time) => (time ? Number(time.nanoseconds) / 1e6 : 0);
const keyOf = (framework, task) => `${framework}\n${task}`;

function keep(task) {
  const key = keyOf(task.framework_id.value, task.task_id.value);
  const last = task.statuses?.at(-1);
  const kept = {
    id: task.task_id.value, name: task.name, framework: task.framework_id.value, agent: task.agent_id?.value,
    executor: task.executor_id?.value || task.task_id.value, state: task.state, message: last?.message ?? "",
    since: (last?.timestamp ?? Date.now() / 1000) * 1000, resources: amounts(task.resources),
  };
  put(key, kept);
}

function put(key, task) {
  const over = ENDS.has(task.state);
  (over ? cluster.active : cluster.completed).delete(key);
  (over ? cluster.completed : cluster.active).set(key, task);
  if (cluster.completed.size > KEPT) cluster.completed.delete(cluster.completed.keys().next().value);
}

const folds = {
  SUBSCRIBED({ get_state: state }) {
    cluster.active.clear();
    cluster.completed.clear();
    const { completed_tasks: ended = [], tasks = [], unreachable_tasks: unreachable = [] } = state.get_tasks ?? {};
    [...ended, ...tasks, ...unreachable].forEach(keep);
    takeAgents(state.get_agents ?? {});
    takeFrameworks(state.get_frameworks ?? {});
  },
  TASK_ADDED: ({ task }) => keep(task),
  TASK_UPDATED({ framework_id: framework, status, state }) {
    const key = keyOf(framework.value, status.task_id.value);
    const task = cluster.active.get(key) ?? cluster.completed.get(key);
    if (task) put(key, { ...task, state, message: status.message ?? "", since: (status.timestamp ?? 0) * 1000 || task.since });
  },
  FRAMEWORK_REMOVED({ framework_info: { id } }) {
    for (const [key, task] of cluster.active) {
      if (task.framework !== id.value) continue;
      cluster.active.delete(key);
      cluster.completed.set(key, task);
    }
  },
};

function takeAgents({ agents = [], recovered_agents: recovered = [] }) {
  cluster.agents = new Map(agents.map((agent) => [agent.agent_info.id.value, agent]));
  cluster.recovered = recovered;
}

function takeFrameworks({ frameworks = [] }) {
  cluster.frameworks = new Map(frameworks.map((framework) => [framework.framework_info.id.value, framework]));
}

const refresh = every(2500, async () => {
  try {
    const [agents, frameworks] = await Promise.all([ask("GET_AGENTS"), ask("GET_FRAMEWORKS")]);
    takeAgents(agents);
    takeFrameworks(frameworks);
    draw();
  } catch {
    // The stream says what is wrong.
  }
});

let hurried = false;
/** What has changed is asked for soon, with what else changes meanwhile. */
function soon() {
  if (hurried) return;
  hurried = true;
  setTimeout(() => {
    hurried = false;
    refresh();
  }, 400);
}

async function follow() {
  for (;;) {
    await visible();
    const leave = new AbortController();
    const hide = () => document.hidden && leave.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      const answer = await fetch("/api/v1", { ...call("SUBSCRIBE"), signal: leave.signal });
      if (answer.type === "opaqueredirect") return elsewhere();
      if (!answer.ok) throw new Error((await answer.text()) || `${answer.status} ${answer.statusText}`);
      introduce();
      for await (const event of records(answer.body)) {
        const kind = event.type;
        folds[kind]?.(event[kind.toLowerCase()]);
        byId("live").replaceChildren(light("good", "live"));
        problem();
        if (kind === "HEARTBEAT") continue;
        if (kind !== "SUBSCRIBED") soon();
        draw();
      }
      throw new Error("the master has closed the stream");
    } catch (error) {
      if (!leave.signal.aborted) {
        byId("live").replaceChildren(light("bad", "lost"));
        problem(`No news from the master: ${error.message}. What is shown may be old; trying again.`);
        await pause(1000);
      }
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

/** Masters that do not lead send us on. */
async function elsewhere() {
  const banner = byId("banner");
  problem("", "warn");
  banner.hidden = false;
  banner.replaceChildren("This master does not lead. ", h("a", { href: "/redirect" }, "Go to the leader"), " (in a moment by itself)");
  await pause(2500);
  location.assign("/redirect");
}

async function introduce() {
  try {
    const [{ master_info: master, elected_time: elected, start_time: started }, flags, version] = await Promise.all([ask("GET_MASTER"), json("/flags"), json("/version")]);
    const name = flags.flags?.cluster || "Mesos";
    say("name", name);
    document.title = name === "Mesos" ? name : `${name} · Mesos`;
    const ip = master.address?.ip ?? master.hostname;
    say("leader", `${ip}:${master.address?.port ?? master.port}`);
    byId("leader").title = master.id;
    say("version", `Mesos ${version.version}, elected ${ago((elected ?? started ?? 0) * 1000)} ago`);
  } catch {
    // The stream says what is wrong.
  }
}

/** At most once a frame. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawTiles();
    drawAgents();
    drawFrameworks();
    drawOffers();
    drawTasks();
  });
}

const offersOf = (framework) => framework.offers ?? [];
const allOffers = () => [...cluster.frameworks.values()].flatMap(offersOf);

function drawTiles() {
  const sum = { total: amounts(), used: amounts(), offered: amounts() };
  for (const agent of cluster.agents.values()) {
    const parts = { total: agent.total_resources, used: agent.allocated_resources, offered: agent.offered_resources };
    for (const [part, resources] of Object.entries(parts)) {
      const all = amounts(resources);
      for (const name of ["cpus", "mem", "disk"]) sum[part][name] += all[name];
    }
  }
  const states = {};
  for (const { state } of cluster.active.values()) states[state] = (states[state] ?? 0) + 1;
  const running = states.TASK_RUNNING ?? 0;
  const others = Object.entries(states).filter(([state]) => state !== "TASK_RUNNING").map(([state, count]) => `${count} ${word(state)}`);
  const gauge = (title, name, unit) => {
    const part = sum.total[name] > 0 ? Math.round((100 * sum.used[name]) / sum.total[name]) : 0;
    return h("div", { class: "tile" }, h("span", {}, title), h("b", {}, `${part} %`), bar(sum.used[name], sum.offered[name], sum.total[name], unit));
  };
  const count = (title, number, more) => h("div", { class: "tile" }, h("span", {}, title), h("b", {}, String(number)), h("span", {}, more || "\u00a0"));
  const ended = [...cluster.completed.values()].filter(({ state }) => state !== "TASK_FINISHED" && state !== "TASK_KILLED").length;
  byId("tiles").replaceChildren(
    gauge("CPUs used", "cpus", ""), gauge("Memory used", "mem", " MB"),
    count("Agents", cluster.agents.size, cluster.recovered.length ? `${cluster.recovered.length} expected back` : "registered"),
    count("Frameworks", cluster.frameworks.size, `${allOffers().length} offers out`),
    count("Tasks running", running, others.join(", ")),
    count("Tasks completed", cluster.completed.size, ended ? `${ended} not as wished` : ""),
  );
}

const word = (state) => state.replace(/^TASK_/, "").toLowerCase().replaceAll("_", " ");

function kindOf(state) {
  if (state === "TASK_RUNNING") return "good";
  if (state === "TASK_FINISHED") return "note";
  if (["TASK_STAGING", "TASK_STARTING", "TASK_KILLING", "TASK_UNREACHABLE"].includes(state)) return "warn";
  return state === "TASK_KILLED" ? "" : "bad";
}

/** The agent's own page: `slave(1)@10.0.0.1:5051` is `http://10.0.0.1:5051/`. */
function pageOf(agent) {
  const at = /@([^@]+:\d+)$/.exec(agent?.pid ?? "");
  return at && `${location.protocol}//${at[1]}/`;
}

const nameOf = ({ agent_info: info }) => `${info.hostname}:${info.port ?? 5051}`;
const short = (id = "") => h("code", { title: id }, id.length > 18 ? `…${id.slice(-14)}` : id);

function lightOf(agent) {
  if (agent.drain_info) return light("warn", word(agent.drain_info.state ?? "draining"));
  if (agent.deactivated) return light("warn", "deactivated");
  return agent.active ? light("good", "active") : light("bad", "disconnected");
}

function drawAgents() {
  const tasks = new Map();
  for (const { agent } of cluster.active.values()) tasks.set(agent, (tasks.get(agent) ?? 0) + 1);
  const list = [...cluster.agents.values()].sort((a, b) => nameOf(a).localeCompare(nameOf(b), "en", { numeric: true }));
  say("agent-count", list.length);
  byId("no-agents").hidden = list.length > 0;
  const shown = list.slice(0, SHOWN).map((agent) => {
    const [total, used, offered] = [amounts(agent.total_resources), amounts(agent.allocated_resources), amounts(agent.offered_resources)];
    const bars = (name, unit) => bar(used[name], offered[name], total[name], unit);
    const id = agent.agent_info.id.value;
    const attributes = (agent.agent_info.attributes ?? []).map(({ name, text, scalar }) => `${name}:${text?.value ?? scalar?.value ?? "…"}`).join(" ");
    return [id, [
      link(pageOf(agent), nameOf(agent)), wide(short(id)), lightOf(agent), bars("cpus", ""), bars("mem", " MB"), wide(bars("disk", " MB")),
      num(tasks.get(id) ?? 0), wide(attributes),
    ]];
  });
  rows(byId("agent-rows"), shown);
}

const num = (text, more = "") => h("td", { class: `num ${more}` }, String(text));
const wide = (content) => h("td", { class: "wide" }, content);
const long = (...content) => h("td", { class: "long" }, ...content);

function drawFrameworks() {
  const tasks = new Map();
  for (const { framework } of cluster.active.values()) tasks.set(framework, (tasks.get(framework) ?? 0) + 1);
  const list = [...cluster.frameworks.values()];
  say("framework-count", list.length);
  byId("no-frameworks").hidden = list.length > 0;
  const shown = list.slice(0, SHOWN).map((framework) => {
    const info = framework.framework_info;
    const used = amounts(framework.allocated_resources);
    const state = !framework.connected ? light("bad", "disconnected") : framework.active ? light("good", "active") : light("warn", "inactive");
    return [info.id.value, [
      long(link(info.webui_url, info.name)), wide(short(info.id.value)), state, wide((info.roles ?? [info.role ?? "*"]).join(", ")), wide(info.user),
      num(amount(used.cpus)), num(`${amount(used.mem)} MB`), num(tasks.get(info.id.value) ?? 0), num(ago(millis(framework.registered_time)), "wide"),
    ]];
  });
  rows(byId("framework-rows"), shown);
}

function drawOffers() {
  const list = allOffers();
  say("offer-count", list.length || "");
  byId("no-offers").hidden = list.length > 0;
  const shown = list.slice(0, SHOWN).map((offer) => {
    const all = amounts(offer.resources);
    const framework = cluster.frameworks.get(offer.framework_id.value)?.framework_info.name ?? offer.framework_id.value;
    return [offer.id.value, [
      short(offer.id.value), long(framework), agentName(offer.agent_id.value), num(amount(all.cpus)), num(`${amount(all.mem)} MB`),
      num(`${amount(all.disk)} MB`, "wide"), wide(all.ports),
    ]];
  });
  rows(byId("offer-rows"), shown);
}

function agentName(id) {
  const agent = cluster.agents.get(id);
  return agent ? nameOf(agent) : h("span", { title: id ?? "" }, "gone");
}

function sandbox(task) {
  const page = pageOf(cluster.agents.get(task.agent));
  const where = [task.framework, task.executor, task.id].map(encodeURIComponent).join("/");
  return page ? link(`${page}#task/${where}`, "logs", { "aria-label": `Logs of ${task.id}` }) : "";
}

function drawTasks() {
  const all = [...(completed ? cluster.completed : cluster.active)].reverse();
  const wanted = byId("filter").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const text = ([, task]) => {
    const agent = cluster.agents.get(task.agent);
    return `${task.id} ${task.name} ${word(task.state)} ${agent ? nameOf(agent) : ""} ${task.framework} ${task.message}`.toLowerCase();
  };
  const list = wanted.length ? all.filter((entry) => wanted.every((part) => text(entry).includes(part))) : all;
  say("task-count", list.length > SHOWN ? `the last ${SHOWN} of ${list.length}` : list.length === all.length ? all.length : `${list.length} of ${all.length}`);
  say("no-tasks", list.length ? "" : wanted.length ? "No task fits the filter." : completed ? "No task has completed." : "No task is active.");
  byId("no-tasks").hidden = list.length > 0;
  const shown = list.slice(0, SHOWN).map(([key, task]) => [key, [
    long(h("code", {}, task.id)), long(task.name), h("td", {}, pill(kindOf(task.state), word(task.state)), task.message ? h("div", { class: "soft" }, task.message.slice(0, 80)) : ""),
    wide(cluster.frameworks.get(task.framework)?.framework_info.name ?? short(task.framework)), agentName(task.agent),
    num(amount(task.resources.cpus), "wide"), num(`${amount(task.resources.mem)} MB`, "wide"), num(ago(task.since)), sandbox(task),
  ]]);
  rows(byId("task-rows"), shown);
}

function show(ended) {
  completed = ended;
  byId("show-active").setAttribute("aria-pressed", String(!ended));
  byId("show-completed").setAttribute("aria-pressed", String(ended));
  draw();
}

byId("show-active").addEventListener("click", () => show(false));
byId("show-completed").addEventListener("click", () => show(true));
byId("filter").addEventListener("input", draw);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea")) return;
  event.preventDefault();
  byId("filter").focus();
});
follow();
