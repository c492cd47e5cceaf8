"""What kazoo and its recipes see of a ZooKeeper: one line of JSON per behaviour, the same for every server.

    python zookeeper_clients.py HOST:PORT
"""

import hashlib
import json
import sys
import threading
import time
from base64 import b64encode

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState
from kazoo.security import make_acl, make_digest_acl

HOSTS = sys.argv[1]
CLIENTS = []
WAIT = 15


def client(**options):
    made = KazooClient(hosts=HOSTS, timeout=options.pop("timeout", 4.0), **options)
    made.start(timeout=WAIT)
    CLIENTS.append(made)
    return made


def eventually(what, condition):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    raise AssertionError("never: " + what)


def attempt(call, *args, **kwargs):
    """The result, or the name of the error."""
    try:
        return call(*args, **kwargs)
    except KazooException as error:
        return type(error).__name__


def stat(s):
    """What of a stat is the same on every server."""
    if s is None or isinstance(s, str):
        return s
    return [s.version, s.cversion, s.aversion, s.ephemeralOwner != 0, s.dataLength, s.numChildren]


def plain(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (list, tuple)) and not hasattr(value, "czxid"):
        return [plain(v) for v in value]
    if hasattr(value, "czxid"):
        return stat(value)
    if isinstance(value, Exception):
        return type(value).__name__
    return value


BEHAVIOURS = []


def behaviour(function):
    BEHAVIOURS.append(function)
    return function


@behaviour
def nodes(zk):
    yield zk.create("/n", b"one")
    yield attempt(zk.create, "/n", b"again")
    yield attempt(zk.create, "/no/parent", b"")
    yield zk.create("/n/deep/er", b"x", makepath=True)
    yield zk.get("/n")
    yield zk.set("/n", b"two")
    yield attempt(zk.set, "/n", b"three", version=7)
    yield zk.set("/n", b"three", version=1)
    yield attempt(zk.set, "/none", b"")
    yield sorted(zk.get_children("/n"))
    children, s = zk.get_children("/n", include_data=True)
    yield sorted(children), s
    yield zk.exists("/n/deep"), zk.exists("/none")
    yield attempt(zk.delete, "/n/deep")
    yield attempt(zk.delete, "/n", version=9)
    yield attempt(zk.delete, "/zookeeper")
    yield zk.create("/n/s-", b"", sequence=True), zk.create("/n/s-", b"", sequence=True)
    yield zk.create("/n/with", b"stat", include_data=True)
    yield zk.sync("/n")
    yield zk.create("/n/big", b"x" * 500_000), zk.get("/n/big")[1]
    yield zk.create("/n/\u00fc\u00e4", b"unicode"), sorted(zk.get_children("/n"))
    yield sorted(zk.get_children("/")), sorted(zk.get_children("/zookeeper"))
    yield zk.delete("/n", recursive=True), zk.exists("/n")


@behaviour
def ephemerals(zk):
    other = client()
    other.create("/e", b"", ephemeral=True)
    yield attempt(zk.create, "/e/child", b"")
    yield zk.exists("/e")
    other.stop()
    yield eventually("the node goes with its session", lambda: zk.exists("/e") is None)
    zk.create("/es")
    yield zk.create("/es/x-", b"", ephemeral=True, sequence=True), zk.get_children("/es")
    zk.delete("/es", recursive=True)


@behaviour
def watches(zk):
    seen = []

    def watch(event):
        seen.append((event.type, event.path))

    other = client()
    zk.create("/w", b"")
    zk.get("/w", watch=watch)
    zk.get_children("/w", watch=watch)
    zk.exists("/w/later", watch=watch)
    other.create("/w/later", b"")
    eventually("two events", lambda: len(seen) == 2)
    other.set("/w", b"x")
    eventually("three events", lambda: len(seen) == 3)
    other.set("/w", b"y")
    zk.sync("/w")
    zk.get("/w")
    yield sorted(seen)
    seen.clear()
    zk.get("/w/later", watch=watch)
    zk.get_children("/w/later", watch=watch)
    other.delete("/w/later")
    eventually("a deletion", lambda: len(seen) >= 1)
    zk.sync("/w")
    zk.get("/w")
    yield sorted(seen)
    seen.clear()
    zk.set("/w", b"own", version=-1)
    zk.get("/w", watch=watch)
    zk.set("/w", b"own")
    zk.get("/w")
    yield eventually("one's own change", lambda: seen == [("CHANGED", "/w")])
    zk.delete("/w", recursive=True)


@behaviour
def transactions(zk):
    t = zk.transaction()
    t.create("/t", b"1")
    t.create("/t/child", b"2")
    t.set_data("/t", b"3")
    t.check("/t", 1)
    t.delete("/t/child")
    yield t.commit()
    t = zk.transaction()
    t.set_data("/t", b"lost")
    t.check("/t", 77)
    t.create("/t/never", b"")
    yield t.commit()
    yield zk.get("/t")
    t = zk.transaction()
    t.create("/t/s-", b"", sequence=True)
    t.create("/t/s-", b"", sequence=True)
    t.create("/t/e", b"", ephemeral=True)
    yield t.commit()
    yield sorted(zk.get_children("/t"))
    yield zk.transaction().commit()
    zk.delete("/t", recursive=True)


@behaviour
def acls(zk):
    password = "ann:secret"
    ann = client(auth_data=[("digest", password)])
    own = make_digest_acl("ann", "secret", all=True)
    digest = b64encode(hashlib.sha1(password.encode()).digest()).decode()
    yield own.id.id == "ann:" + digest
    ann.create("/acl", b"hers", acl=[own])
    yield attempt(zk.get, "/acl"), attempt(zk.set, "/acl", b""), attempt(zk.get_children, "/acl")
    yield attempt(zk.create, "/acl/x", b""), attempt(zk.get_acls, "/acl")
    yield ann.get("/acl"), ann.get_acls("/acl")[0]
    yield attempt(zk.set_acls, "/acl", [own])
    yield ann.set_acls("/acl", [own, make_acl("world", "anyone", read=True)]), attempt(zk.get, "/acl")
    yield attempt(ann.set_acls, "/acl", [own], version=9)
    yield attempt(zk.get_acls, "/acl")
    yield zk.add_auth("digest", password), zk.set("/acl", b"mine too")
    for scheme, who in [("digest", "none"), ("ip", "1.2.3"), ("ip", "10.0.0.0/33"), ("nobody", "x"), ("world", "x")]:
        yield attempt(zk.create, "/bad", b"", acl=[make_acl(scheme, who, all=True)])
    yield attempt(zk.create, "/bad", b"", acl=[make_acl("auth", "", all=True)]), zk.get_acls("/bad")[0]
    yield zk.create("/ip", b"", acl=[make_acl("ip", "127.0.0.0/8", all=True)]), zk.get("/ip")
    yield zk.create("/far", b"", acl=[make_acl("ip", "10.0.0.0/8", all=True)]), attempt(zk.get, "/far")
    for path in ("/acl", "/bad", "/ip", "/far"):
        zk.delete(path)
    refused = client()
    yield attempt(refused.add_auth, "nobody", "x")


@behaviour
def fleeting(zk):
    yield zk.exists("/zookeeper/config"), zk.get_acls("/zookeeper/config")[0]


@behaviour
def elections(zk):
    order, release = [], threading.Event()
    others = [client() for _ in range(3)]
    zk.ensure_path("/election")

    def lead(name):
        order.append(name)
        release.wait(WAIT)

    threads = []
    for at, one in enumerate(others):
        election = one.Election("/election", "c%d" % at)
        thread = threading.Thread(target=election.run, args=(lead, "c%d" % at), daemon=True)
        thread.start()
        threads.append(thread)
        eventually("a contender", lambda: len(zk.get_children("/election")) == at + 1)
    eventually("a leader", lambda: len(order) == 1)
    yield others[0].Election("/election").contenders()
    release.set()
    for thread in threads:
        thread.join(WAIT)
    yield order


@behaviour
def locks(zk):
    other = client()
    mine, theirs = zk.Lock("/lock", "mine"), other.Lock("/lock", "theirs")
    yield mine.acquire(), theirs.acquire(blocking=False), mine.contenders()
    yield mine.release(), theirs.acquire(timeout=WAIT), theirs.contenders()
    yield theirs.release()
    readers = [c.ReadLock("/rw", "r") for c in (zk, other)]
    yield [r.acquire(timeout=WAIT) for r in readers]
    yield zk.WriteLock("/rw", "w").acquire(blocking=False)
    yield [r.release() for r in readers]
    semaphores = [client().Semaphore("/semaphore", "s%d" % n, max_leases=2) for n in range(3)]
    yield [s.acquire(blocking=False) for s in semaphores]
    yield sorted(semaphores[0].lease_holders())
    yield semaphores[0].release(), semaphores[2].acquire(timeout=WAIT)


@behaviour
def counters(zk):
    counter, other = zk.Counter("/counter"), client().Counter("/counter")
    counter += 2
    other -= 1
    counter += 5
    yield counter.value, other.value, counter.pre_value, counter.post_value

    def count(one):
        for _ in range(20):
            one += 1

    threads = [threading.Thread(target=count, args=(client().Counter("/counter"),)) for _ in range(3)]
    [t.start() for t in threads]
    [t.join(WAIT) for t in threads]
    yield zk.Counter("/counter").value


@behaviour
def parties(zk):
    others = [client() for _ in range(2)]
    party = [c.Party("/party", "p%d" % n) for n, c in enumerate([zk, *others])]
    [p.join() for p in party]
    yield sorted(party[0]), len(party[1])
    party[1].leave()
    yield sorted(party[0])
    others[1].stop()
    yield eventually("the session's end", lambda: list(zk.Party("/party")) == ["p0"])


@behaviour
def barriers(zk):
    barrier = zk.Barrier("/barrier")
    barrier.create()
    passed = []
    waiting = client().Barrier("/barrier")
    thread = threading.Thread(target=lambda: passed.append(waiting.wait(WAIT)))
    thread.start()
    yield client().Barrier("/barrier").wait(0.05), barrier.remove()
    thread.join(WAIT)
    yield passed, barrier.wait(1)
    left = []

    def both(one):
        double = one.DoubleBarrier("/double", 2)
        double.enter()
        left.append("entered")
        double.leave()
        left.append("left")

    threads = [threading.Thread(target=both, args=(client(),)) for _ in range(2)]
    [t.start() for t in threads]
    [t.join(WAIT) for t in threads]
    yield sorted(left)


@behaviour
def queues(zk):
    queue = zk.Queue("/queue")
    [queue.put(b"%d" % n) for n in range(3)]
    queue.put(b"first", priority=1)
    yield len(queue), [queue.get() for _ in range(5)]
    locking = zk.LockingQueue("/locking")
    locking.put_all([b"a", b"b"])
    yield locking.get(1), locking.holds_lock(), locking.consume()
    other = client().LockingQueue("/locking")
    yield other.get(1), len(locking), other.release(), locking.get(WAIT), locking.consume()


@behaviour
def recipes_that_watch(zk):
    data, children = [], []
    zk.DataWatch("/dw", lambda value, s: data.append(plain(value)))
    zk.ensure_path("/cw")
    zk.ChildrenWatch("/cw", lambda names: children.append(sorted(names)))
    other = client()
    for call in (
        lambda: other.create("/dw", b"1"), lambda: other.set("/dw", b"2"), lambda: other.delete("/dw")
    ):
        before = len(data)
        call()
        eventually("data", lambda: len(data) > before)
    for call in (lambda: other.create("/cw/a"), lambda: other.create("/cw/b"), lambda: other.delete("/cw/a")):
        before = len(children)
        call()
        eventually("children", lambda: len(children) > before)
    yield data, children


@behaviour
def sessions(zk):
    states = []
    dying = client(timeout=0.4)
    dying.add_listener(states.append)
    dying.create("/dying", b"", ephemeral=True)
    session = dying.client_id
    # Somebody takes the session over and ends it.
    taker = KazooClient(hosts=HOSTS, timeout=0.4, client_id=session)
    taker.start(timeout=WAIT)
    yield taker.client_id == session, taker.exists("/dying")
    taker.stop()
    yield eventually("the loss", lambda: KazooState.LOST in states)
    yield eventually("the node", lambda: zk.exists("/dying") is None)
    yield eventually("a new session", lambda: dying.connected and dying.client_id[0] != session[0])
    wrong = KazooClient(hosts=HOSTS, client_id=(session[0], b"0" * 16))
    CLIENTS.append(wrong)
    wrong.start(timeout=WAIT)
    yield wrong.client_id[0] != session[0]


def main():
    for function in BEHAVIOURS:
        zk = client()
        try:
            for step, value in enumerate(function(zk)):
                print(json.dumps([function.__name__, step, plain(value)]), flush=True)
        finally:
            for one in CLIENTS:
                one.stop()
                one.close()
            CLIENTS.clear()


main()
