"""A framework on the third-party package mesoshttp (v1 HTTP API): launches three tasks, sees them running,
kills one, sees it killed, and tears itself down.

usage: mesoshttp_framework.py MASTER_URL

Prints one JSON line for each thing that happened, as a framework author would see it; exits 0 if all of it happened.
"""

import getpass
import json
import sys
import threading
import time

from mesoshttp.client import MesosClient

TASKS = ["py-1", "py-2", "py-3"]


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


class Framework:
    def __init__(self, url):
        self.client = MesosClient([url], frameworkName="mesoshttp", frameworkUser=getpass.getuser())
        self.client.checkpoint = False
        self.driver = None
        self.states = {}
        self.agents = {}
        self.launched = False
        self.lost = []
        for event, handler in (
            (MesosClient.SUBSCRIBED, self.subscribed),
            (MesosClient.OFFERS, self.offers),
            (MesosClient.UPDATE, self.update),
            (MesosClient.ERROR, self.lost.append),
            (MesosClient.HEARTBEAT, lambda _: say("heartbeat")),
        ):
            self.client.on(event, handler)

    def subscribed(self, driver):
        self.driver = driver
        say("subscribed", framework=self.client.frameworkId, version=self.client.get_master_info()["version"])

    def offers(self, offers):
        say("offers", count=len(offers))
        if not self.launched:
            self.launched = True
            offer = offers.pop(0)
            agent = offer.get_offer()["agent_id"]
            offer.accept([self.task(name, agent) for name in TASKS])
        for offer in offers:
            offer.decline({"filters": {"refuse_seconds": 3600}})

    def task(self, name, agent):
        def scalar(resource, value):
            return {"name": resource, "type": "SCALAR", "scalar": {"value": value}}

        return {
            "name": name,
            "task_id": {"value": name},
            "agent_id": agent,
            "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
            "command": {"shell": True, "value": "echo $MESOS_TASK_ID; exec sleep 1000"},
        }

    def update(self, update):
        status = update["status"]
        task, state = status["task_id"]["value"], status["state"]
        say("update", task=task, state=state)
        self.states[task] = state
        self.agents[task] = status["agent_id"]["value"]
        if state == "TASK_KILLED":
            self.driver.tearDown()
            self.client.tearDown()
        elif all(self.states.get(name) == "TASK_RUNNING" for name in TASKS):
            self.driver.kill(self.agents[TASKS[0]], TASKS[0])


def main():
    framework = Framework(sys.argv[1])
    stream = threading.Thread(target=framework.client.register, daemon=True)
    stream.start()
    deadline = time.monotonic() + 30
    while stream.is_alive() and time.monotonic() < deadline:
        stream.join(0.05)
    say("ended", alive=stream.is_alive(), states=framework.states, errors=framework.lost)
    wanted = {"py-1": "TASK_KILLED", "py-2": "TASK_RUNNING", "py-3": "TASK_RUNNING"}
    return 0 if framework.states == wanted and not stream.is_alive() else 1


if __name__ == "__main__":
    sys.exit(main())
