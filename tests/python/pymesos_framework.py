"""A framework on the third-party package pymesos (the v1 HTTP API behind the classic driver interface): launches two
tasks, sees one finish and one run, reconciles, kills it, and stops its driver, which tears the framework down.

usage: pymesos_framework.py HOST:PORT | zk://HOST:PORT/PATH

Prints one JSON line for each thing that happened; exits 0 if all of it happened.
"""

import getpass
import json
import sys

from pymesos import MesosSchedulerDriver, Scheduler

WANTED = {"pm-ends": "TASK_FINISHED", "pm-stays": "TASK_KILLED"}


def say(what, **more):
    print(json.dumps({"what": what, **more}), flush=True)


class Framework(Scheduler):
    def __init__(self):
        self.states = {}
        self.launched = False
        self.reconciled = False

    def registered(self, driver, frameworkId, masterInfo):
        say("subscribed", framework=frameworkId["value"], version=masterInfo["version"])

    def resourceOffers(self, driver, offers):
        say("offers", count=len(offers))
        if self.launched:
            driver.declineOffer([o["id"] for o in offers], {"refuse_seconds": 3600})
            return
        self.launched = True
        tasks = [self.task("pm-ends", "exit 0", offers[0]), self.task("pm-stays", "sleep 1000", offers[0])]
        driver.launchTasks([o["id"] for o in offers], tasks)

    def task(self, name, command, offer):
        def scalar(resource, value):
            return {"name": resource, "type": "SCALAR", "scalar": {"value": value}}

        return {
            "name": name,
            "task_id": {"value": name},
            "agent_id": offer["agent_id"],
            "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
            "command": {"value": command},
        }

    def statusUpdate(self, driver, update):
        task, state = update["task_id"]["value"], update["state"]
        say("update", task=task, state=state, reason=update.get("reason"))
        self.states[task] = state
        if update.get("reason") == "REASON_RECONCILIATION":
            driver.killTask(update["task_id"])
        elif self.states == {"pm-ends": "TASK_FINISHED", "pm-stays": "TASK_RUNNING"} and not self.reconciled:
            self.reconciled = True
            driver.reconcileTasks([{"task_id": {"value": "pm-stays"}, "agent_id": update["agent_id"]}])
        elif self.states == WANTED:
            driver.stop()

    def error(self, driver, message):
        say("error", message=message)


def main():
    framework = Framework()
    info = {"user": getpass.getuser(), "name": "pymesos"}
    driver = MesosSchedulerDriver(framework, info, sys.argv[1])
    driver.run()
    say("ended", states=framework.states)
    return 0 if framework.states == WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
