// Marathon's page. The event stream says when something has happened; apps and deployments are asked for then, and
// every few seconds besides.
import { ago, amount, ask, bar, byId, every, h, json, light, link, pill, problem, rows, say, send, visible } from "/pages/pages.js";

let apps = [];
let waiting = [];
let shown = "";

const num = (text, more = "") => h("td", { class: `num ${more}` }, String(text));
const wide = (content) => h("td", { class: "wide" }, content);
const long = (...content) => h("td", { class: "long" }, ...content);
const encoded = (id) => id.split("/").map(encodeURIComponent).join("/");
const pathOf = (id) => `/v2/apps${encoded(id)}`;

/** A change; one that a deployment stands in the way of is offered to be forced. */
async function change(method, path, body) {
  try {
    try {
      await send(method, path, body);
    } catch (error) {
      if (error.status !== 409 || !/locked/i.test(error.message)) throw error;
      if (!(await ask("A deployment is under way", error.message.split(". View")[0], "Do it by force"))) return;
      await send(method, `${path}${path.includes("?") ? "&" : "?"}force=true`, body);
    }
    problem();
  } catch (error) {
    problem(error.message);
  }
  hurry();
}

const act = {
  scale: (id, instances) => change("PUT", pathOf(id), { instances }),
  async restart(id) {
    if (await ask(`Restart ${id}?`, "Its instances are replaced one after the other, by its upgrade strategy.", "Restart")) await change("POST", `${pathOf(id)}/restart`);
  },
  async suspend(id) {
    if (await ask(`Suspend ${id}?`, "All its instances end; the app stays, with 0 instances.", "Suspend")) await act.scale(id, 0);
  },
  async destroy(id) {
    if (!(await ask(`Destroy ${id}?`, "The app, its instances and its versions go for ever.", "Destroy"))) return;
    await change("DELETE", pathOf(id));
    if (shown === id) location.hash = "";
  },
  async kill(id, task) {
    if (await ask(`Kill ${task}?`, "Marathon starts another instance in its place.", "Kill")) await change("DELETE", `${pathOf(id)}/tasks/${encodeURIComponent(task)}`);
  },
  async cancel(id) {
    if (await ask("Cancel the deployment?", "Marathon goes back to what was there before it, by another deployment.", "Go back")) await change("DELETE", `/v2/deployments/${encodeURIComponent(id)}`);
  },
};

function stateOf(app) {
  const there = app.tasksRunning + app.tasksStaged;
  if (app.deployments?.length) return ["warn", "deploying"];
  if (app.instances === 0 && there === 0) return ["", "suspended"];
  if (app.tasksUnhealthy > 0) return ["bad", "unhealthy"];
  if (app.tasksRunning < app.instances) {
    const queued = waiting.find((entry) => entry.app?.id === app.id);
    return queued && queued.delay?.overdue === false ? ["bad", "delayed"] : ["warn", "waiting"];
  }
  return ["good", "running"];
}

function healthOf(app) {
  if (!app.healthChecks?.length) return h("span", { class: "soft" }, "no checks");
  return bar(app.tasksHealthy, app.tasksUnhealthy, Math.max(app.instances, app.tasksRunning), " healthy");
}

function scaleField(id, instances) {
  const field = h("input", { type: "number", min: "0", max: "100000", value: String(instances), "aria-label": `Instances of ${id}` });
  const form = h("form", { class: "row", onsubmit: (event) => {
    event.preventDefault();
    const wanted = Number(field.value);
    field.blur();
    if (field.value !== "" && Number.isInteger(wanted) && wanted >= 0) act.scale(id, wanted);
  } }, field, h("button", { "aria-label": `Scale ${id}` }, "Scale"));
  return form;
}

const buttons = (id) => h("div", { class: "row" },
  h("button", { onclick: () => act.restart(id), "aria-label": `Restart ${id}` }, "Restart"),
  h("button", { onclick: () => act.suspend(id), "aria-label": `Suspend ${id}` }, "Suspend"),
  h("button", { class: "danger", onclick: () => act.destroy(id), "aria-label": `Destroy ${id}` }, "Destroy"));

function drawList() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const list = apps.filter(({ id, cmd, labels }) => `${id} ${cmd ?? ""} ${JSON.stringify(labels ?? {})}`.toLowerCase().includes(wanted)).sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
  say("app-count", list.length === apps.length ? apps.length : `${list.length} of ${apps.length}`);
  say("no-apps", apps.length ? "No app fits the filter." : "There is no app yet.");
  byId("no-apps").hidden = list.length > 0;
  rows(byId("app-rows"), list.slice(0, 500).map((app) => [app.id, [
    long(h("a", { href: `#${encoded(app.id)}` }, app.id)), light(...stateOf(app)), wide(healthOf(app)),
    num(`${app.tasksRunning}/${app.instances}`), scaleField(app.id, app.instances), num(amount(app.cpus * app.instances), "wide"), num(`${amount(app.mem * app.instances)} MB`, "wide"), wide(buttons(app.id)),
  ]]));
}

function drawDeployments(deployments) {
  byId("deployments").hidden = deployments.length === 0;
  say("deployment-count", deployments.length);
  rows(byId("deployment-rows"), deployments.map((deployment) => {
    const now = deployment.currentActions ?? [];
    return [deployment.id, [
      h("td", {}, h("code", { title: deployment.id }, deployment.id.slice(0, 8))), long(deployment.affectedApps.join(", ")), bar(Math.max(0, deployment.currentStep - 1), 1, deployment.totalSteps, ""),
      wide(now.map(({ action, app, pod }) => `${action} ${app ?? pod}`).join(", ")), h("button", { class: "danger", onclick: () => act.cancel(deployment.id) }, "Cancel"),
    ]];
  }));
}

async function drawDetail() {
  const id = shown;
  const { app } = await json(pathOf(id));
  if (id !== shown) return;
  say("app", app.id);
  byId("app-state").replaceChildren(light(...stateOf(app)));
  if (byId("app-tools").dataset.app !== `${id} ${app.instances}` && !byId("app-tools").contains(document.activeElement)) {
    byId("app-tools").dataset.app = `${id} ${app.instances}`;
    byId("app-tools").replaceChildren(scaleField(id, app.instances), buttons(id));
  }
  drawFacts(app);
  const tasks = app.tasks ?? [];
  say("task-count", `${tasks.length} of ${app.instances}`);
  byId("no-tasks").hidden = tasks.length > 0;
  rows(byId("task-rows"), tasks.map((task) => {
    const alive = (task.healthCheckResults ?? []).map((result) => result?.alive);
    const health = alive.length === 0 ? pill("", "unknown") : alive.every(Boolean) ? pill("good", "healthy") : pill("bad", "unhealthy");
    const word = (task.state ?? "").replace(/^TASK_/, "").toLowerCase();
    return [task.id, [
      long(h("code", {}, task.id)), pill({ running: "good", failed: "bad", lost: "bad", error: "bad" }[word] ?? "warn", word), health, h("td", {}, task.host), wide((task.ports ?? []).join(", ")), num(ago(Date.parse(task.startedAt ?? task.stagedAt))), wide(task.version),
      h("button", { class: "danger", onclick: () => act.kill(id, task.id), "aria-label": `Kill ${task.id}` }, "Kill"),
    ]];
  }));
  const { tasks: _, lastTaskFailure, deployments, tasksStaged, tasksRunning, tasksHealthy, tasksUnhealthy, ...definition } = app;
  say("json", JSON.stringify(definition, null, 2));
}

function drawFacts(app) {
  const failure = app.lastTaskFailure;
  const queued = waiting.find((entry) => entry.app?.id === app.id);
  const declined = (queued?.processedOffersSummary?.rejectSummaryLastOffers ?? []).filter(({ declined }) => declined > 0).map(({ reason, declined, processed }) => `${reason} ${declined}/${processed}`);
  const facts = {
    command: app.cmd ?? (app.args ?? []).join(" "),
    image: app.container?.docker?.image,
    each: `${app.cpus} CPUs, ${app.mem} MB memory, ${app.disk} MB disk`,
    constraints: (app.constraints ?? []).map((parts) => parts.join(" ")).join(", "),
    labels: Object.entries(app.labels ?? {}).map(([name, value]) => `${name}=${value}`).join(" "),
    version: app.version,
    waits: queued && `for ${queued.count} instances since ${ago(Date.parse(queued.since))}${declined.length ? `; offers declined: ${declined.join(", ")}` : ""}`,
    "last failure": failure && `${failure.state} ${failure.message ?? ""} (${failure.host}, ${ago(Date.parse(failure.timestamp))} ago)`,
  };
  byId("facts").replaceChildren(...Object.entries(facts).filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: name === "command" ? "mono" : "" }, value)]));
}

const EXAMPLE = { id: "/hello", cmd: "while true; do echo hello; sleep 5; done", cpus: 0.1, mem: 32, instances: 1 };

function create() {
  const text = h("textarea", { "aria-label": "The app as JSON", spellcheck: "false", id: "app-json" });
  text.value = JSON.stringify(EXAMPLE, null, 2);
  const wrong = h("p", { class: "banner bad", hidden: true });
  const dialog = h("dialog", { "aria-label": "Create app" }, h("form", { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await send("POST", "/v2/apps", JSON.parse(text.value));
      dialog.close();
      hurry();
    } catch (error) {
      wrong.hidden = false;
      wrong.textContent = error.message;
    }
  } }, h("h2", {}, "Create app"), text, wrong, h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), h("button", { class: "main", id: "app-create" }, "Create"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let introduced = false;
async function introduce() {
  if (introduced) return;
  const info = await json("/v2/info");
  introduced = true;
  say("version", `Marathon ${info.version}`);
  const leader = info.leader ? `leader ${info.leader}` : "no leader";
  byId("who").replaceChildren(link(info.marathon_config?.mesos_leader_ui_url || info.marathon_config?.mesos_master_ui_url, leader));
}

let lost = false;
const hurry = every(4000, async () => {
  try {
    const [list, deployments, queue] = await Promise.all([json("/v2/apps"), json("/v2/deployments"), json("/v2/queue"), introduce()]);
    apps = list.apps;
    waiting = queue.queue ?? [];
    drawDeployments(deployments);
    if (shown) await drawDetail();
    else drawList();
    byId("live").replaceChildren(light("good", "live"));
    if (lost) problem();
    lost = false;
  } catch (error) {
    if (shown && error.status === 404) {
      location.hash = "";
      return;
    }
    lost = true;
    byId("live").replaceChildren(light("bad", "lost"));
    problem(`No news from Marathon: ${error.message}. What is shown may be old; trying again.`);
  }
});

let hurried = false;
function soon() {
  if (hurried) return;
  hurried = true;
  setTimeout(() => {
    hurried = false;
    hurry();
  }, 300);
}

const EVENTS = ["api_post_event", "app_terminated_event", "status_update_event", "instance_changed_event", "instance_health_changed_event", "health_status_changed_event", "unhealthy_instance_kill_event", "deployment_info", "deployment_success", "deployment_failed", "deployment_step_success", "deployment_step_failure", "group_change_success"];

/** The stream lasts as long as the page is seen. */
async function follow() {
  for (;;) {
    await visible();
    const events = new EventSource("/v2/events");
    EVENTS.forEach((name) => events.addEventListener(name, soon));
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
    events.close();
  }
}

function route() {
  shown = decodeURIComponent(location.hash.slice(1));
  byId("list").hidden = Boolean(shown);
  byId("detail").hidden = !shown;
  document.title = shown ? `${shown} · Marathon` : "Marathon";
  hurry();
}

byId("filter").addEventListener("input", drawList);
byId("create").addEventListener("click", create);
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || shown || event.target.closest("input, textarea")) return;
  event.preventDefault();
  byId("filter").focus();
});
addEventListener("hashchange", route);
route();
follow();
