"""Drives a Marathon through all that the package `marathon` offers.

    marathon_client.py URL

Says what it saw, one JSON object a line; a condition that does not come within its time ends it with an error.
"""

import collections
import collections.abc
import json
import sys
import threading
import time

from marathon import MarathonClient
from marathon.exceptions import ConflictError, MarathonHttpError, NotFoundError
from marathon.models import MarathonApp, MarathonConstraint, MarathonGroup, MarathonHealthCheck

# The package still asks `collections` for it.
collections.Iterable = collections.abc.Iterable

PATIENCE = 30


def say(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


def wait(what, holds):
    """What `holds` gives once it is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = holds()
        if got:
            return got
        time.sleep(0.02)
    raise SystemExit(f"{what} did not come")


class Events:
    """The types of all events since it was made, as they come.

    The package's own objects want plans to tell the state before, which they have not done since Marathon 1.7.
    """

    def __init__(self, client):
        self.seen = []
        self.stream = client.event_stream(raw=True)
        self.begun = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for event in self.stream:
            self.seen.append(json.loads(event)["eventType"])
            self.begun.set()

    def kinds(self):
        return list(self.seen)


def settled(client):
    wait("the end of all deployments", lambda: not client.list_deployments())


def app(client, app_id):
    return client.get_app(app_id, embed_tasks=True)


def running(client, app_id, count):
    def holds():
        tasks = [task for task in client.list_tasks(app_id) if task.state == "TASK_RUNNING"]
        return len(tasks) == count and tasks or count == 0 and not tasks and [None]

    tasks = wait(f"{count} tasks of {app_id}", holds)
    settled(client)
    return tasks


def info(client):
    got = client.get_info()
    say("info", name=got.name, version=got.version, framework=bool(got.framework_id))
    say("leader", leader=bool(client.get_leader()["leader"]))
    say("ping", answer=json.loads(client.ping()))
    say("metrics", gauges=sorted(client.get_metrics()["gauges"]))


def lives(client):
    made = client.create_app("/py/sleep", MarathonApp(cmd="sleep 1000", cpus=0.1, mem=16, instances=2))
    say("created", id=made.id, instances=made.instances, deployments=len(made.deployments))
    tasks = running(client, "/py/sleep", 2)
    say("tasks", ports=all(31000 <= task.ports[0] <= 32000 for task in tasks), hosts=len({t.host for t in tasks}))
    say("listed", apps=[each.id for each in client.list_apps(cmd="sleep")], none=len(client.list_apps(cmd="awake")))
    try:
        client.create_app("/py/sleep", MarathonApp(cmd="sleep 1"))
    except ConflictError as error:
        say("conflict", message=error.error_message)
    client.scale_app("/py/sleep", 3)
    more = running(client, "/py/sleep", 3)
    say("scaled", kept={task.id for task in tasks} <= {task.id for task in more})
    client.scale_app("/py/sleep", delta=-1)
    running(client, "/py/sleep", 2)
    return made


def updates(client):
    before = running(client, "/py/sleep", 2)
    client.update_app("/py/sleep", MarathonApp(env={"COLOUR": "blue"}))
    wait("new tasks", lambda: not {t.id for t in before} & {t.id for t in client.list_tasks("/py/sleep")})
    running(client, "/py/sleep", 2)
    now = app(client, "/py/sleep")
    versions = client.list_versions("/py/sleep")
    say("updated", env=now.env, versions=len(versions), first=client.get_version("/py/sleep", versions[-1]).env)
    before = running(client, "/py/sleep", 2)
    client.restart_app("/py/sleep")
    wait("other tasks", lambda: not {t.id for t in before} & {t.id for t in client.list_tasks("/py/sleep")})
    running(client, "/py/sleep", 2)
    say("restarted", env=app(client, "/py/sleep").env)
    client.rollback_app("/py/sleep", versions[-1])
    settled(client)
    say("rolled back", env=app(client, "/py/sleep").env)


def kills(client):
    one, _ = running(client, "/py/sleep", 2)
    killed = client.kill_task("/py/sleep", one.id)
    wait("another task", lambda: one.id not in {t.id for t in client.list_tasks("/py/sleep")})
    again = running(client, "/py/sleep", 2)
    say("killed", id=killed.id == one.id, others=len(again))
    client.kill_task("/py/sleep", again[0].id, scale=True)
    running(client, "/py/sleep", 1)
    say("killed and scaled", instances=app(client, "/py/sleep").instances)
    say("killed given", ok=client.kill_given_tasks([running(client, "/py/sleep", 1)[0].id]))
    running(client, "/py/sleep", 1)
    say("killed all", count=len(client.kill_tasks("/py/sleep")))
    running(client, "/py/sleep", 1)
    try:
        client.get_app("/py/nothing")
    except NotFoundError as error:
        say("not found", message=error.error_message)
    try:
        client.create_app("/py/BAD", MarathonApp(cmd="sleep 1"))
    except (MarathonHttpError, ValueError) as error:
        say("invalid", refused=bool(str(error)))


def waits(client):
    big = MarathonApp(cmd="sleep 1", cpus=1000, mem=16, constraints=[MarathonConstraint("hostname", "UNIQUE")])
    made = client.create_app("/py/big", big)
    # The package's own model of an item knows no `role`, which Marathon has had since 1.9.
    queue = lambda: client._do_request("GET", "/v2/queue").json()["queue"]
    item = wait("the queue", queue)[0]
    say("queued", app=item["app"]["id"], count=item["count"], role=item["role"])
    client.reset_delay("/py/big")
    try:
        client.update_app("/py/big", MarathonApp(cpus=2000))
    except ConflictError as error:
        say("locked", message=error.error_message.split(".")[0])
    deployment = client.list_deployments()[0]
    say("deployment", apps=deployment.affected_apps, id=deployment.id == made.deployments[0].id)
    client.delete_deployment(deployment.id)
    wait("the end of the app", lambda: "/py/big" not in [each.id for each in client.list_apps()])
    settled(client)
    say("canceled", apps=[each.id for each in client.list_apps()])


def groups(client):
    apps = [
        MarathonApp(id="/team/web", cmd="sleep 1000", cpus=0.1, mem=16, dependencies=["/team/db"]),
        MarathonApp(id="/team/db", cmd="sleep 1000", cpus=0.1, mem=16),
    ]
    client.create_group(MarathonGroup(id="/team", apps=apps))
    settled(client)
    running(client, "/team/web", 1)
    say("group", apps=sorted(each.id for each in client.get_group("/team").apps))
    client.scale_group("/team", 2)
    running(client, "/team/web", 2)
    say("groups", ids=[each.id for each in client.list_groups()])
    client.delete_group("/team", force=True)
    settled(client)
    say("deleted", apps=[each.id for each in client.list_apps()])


def health(client):
    check = MarathonHealthCheck(
        protocol="TCP", port_index=0, grace_period_seconds=5, interval_seconds=1, timeout_seconds=1, delay_seconds=0
    )
    serve = "exec python3 -m http.server --bind 127.0.0.1 $PORT0"
    client.create_app("/py/web", MarathonApp(cmd=serve, cpus=0.1, mem=32, health_checks=[check]))
    wait("health", lambda: client.get_app("/py/web").tasks_healthy == 1)
    settled(client)
    task = client.list_tasks("/py/web")[0]
    say("healthy", alive=task.health_check_results[0].alive)
    client.delete_app("/py/web")
    running(client, "/py/web", 0) if "/py/web" in [a.id for a in client.list_apps()] else settled(client)


def main(url):
    client = MarathonClient(url)
    events = Events(client)
    assert events.begun.wait(PATIENCE), "no event"
    info(client)
    lives(client)
    updates(client)
    kills(client)
    waits(client)
    groups(client)
    health(client)
    client.delete_app("/py/sleep")
    settled(client)
    wait("the last event", lambda: events.kinds()[-1:] == ["deployment_success"])
    say("events", first=events.kinds()[0], kinds=sorted(set(events.kinds())))


main(sys.argv[1])
