#!/usr/bin/env python3
"""A custom executor on the standard library alone: it speaks the v1 executor API in JSON, with nothing of ours.

A task's data says what becomes of it: "run" runs until it is killed, "finish" ends at once, "cut" cuts the connection to
the agent and then subscribes again. What the framework sends as a message is sent back in capitals.
"""

import base64
import http.client
import json
import os
import sys
import time
import uuid

ENDPOINT = os.environ["MESOS_AGENT_ENDPOINT"]
WHO = {
    "executor_id": {"value": os.environ["MESOS_EXECUTOR_ID"]},
    "framework_id": {"value": os.environ["MESOS_FRAMEWORK_ID"]},
}
CHECKPOINT = os.environ["MESOS_CHECKPOINT"] == "1"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class Lost(Exception):
    """The agent cannot be reached, or has ended the stream."""


def post(call):
    connection = http.client.HTTPConnection(ENDPOINT, timeout=600)
    try:
        connection.request("POST", "/api/v1/executor", json.dumps({**WHO, **call}), HEADERS)
        return connection, connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise Lost(str(error)) from error


class Executor:
    def __init__(self):
        self.tasks = {}
        self.updates = {}

    def say(self, call):
        try:
            connection, response = post(call)
        except Lost:
            return
        body = response.read().decode()
        if response.status != 202:
            print("refused:", response.status, body, file=sys.stderr, flush=True)
        connection.close()

    def update(self, task_id, state):
        number = base64.b64encode(uuid.uuid4().bytes).decode()
        status = {
            "task_id": {"value": task_id},
            "state": state,
            "source": "SOURCE_EXECUTOR",
            "executor_id": WHO["executor_id"],
            "uuid": number,
            "timestamp": time.time(),
        }
        self.updates[number] = {"status": status}
        self.say({"type": "UPDATE", "update": self.updates[number]})

    def events(self):
        subscribe = {
            "unacknowledged_tasks": list(self.tasks.values()),
            "unacknowledged_updates": list(self.updates.values()),
        }
        connection, response = post({"type": "SUBSCRIBE", "subscribe": subscribe})
        if response.status != 200:
            raise Lost(response.read().decode())
        try:
            while True:
                length = b""
                while not length.endswith(b"\n"):
                    byte = response.read(1)
                    if not byte:
                        raise Lost("the stream has ended")
                    length += byte
                yield json.loads(response.read(int(length)))
        except (OSError, http.client.HTTPException) as error:
            raise Lost(str(error)) from error
        finally:
            connection.close()

    def launch(self, task):
        task_id = task["task_id"]["value"]
        self.tasks[task_id] = task
        self.update(task_id, "TASK_RUNNING")
        what = base64.b64decode(task.get("data", "")).decode()
        if what == "finish":
            self.update(task_id, "TASK_FINISHED")
        if what == "cut":
            raise Lost("as the task wants it")

    def run_once(self):
        """Until the connection is lost; False when the agent wants us gone."""
        for event in self.events():
            kind = event["type"]
            print(json.dumps(event), flush=True)
            if kind == "LAUNCH":
                self.launch(event["launch"]["task"])
            elif kind == "LAUNCH_GROUP":
                for task in event["launch_group"]["task_group"]["tasks"]:
                    self.launch(task)
            elif kind == "ACKNOWLEDGED":
                self.updates.pop(event["acknowledged"]["uuid"], None)
                self.tasks.pop(event["acknowledged"]["task_id"]["value"], None)
            elif kind == "KILL":
                self.update(event["kill"]["task_id"]["value"], "TASK_KILLED")
            elif kind == "MESSAGE":
                data = base64.b64decode(event["message"]["data"]).upper()
                data = base64.b64encode(data).decode()
                self.say({"type": "MESSAGE", "message": {"data": data}})
            elif kind == "SHUTDOWN":
                return False
        return True


def main():
    executor = Executor()
    patience = 60 if CHECKPOINT else 5
    lost_at = time.monotonic()
    while True:
        try:
            if not executor.run_once():
                return
        except Lost as lost:
            print("lost:", lost, file=sys.stderr, flush=True)
            if str(lost) == "as the task wants it":
                lost_at = time.monotonic()
        if time.monotonic() - lost_at > patience:
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
