#!/usr/bin/env python3
"""kill_test.py - kill -9 of the server at named points and at random moments.

  kill_test.py                     named points, and a few random kills        (in ./test)
  kill_test.py --random 100        many random kills                            (make torture)
  kill_test.py --store sqlite|URL --seed N
  kill_test.py --provider docker                   containers; to be run below tests/testbed/isolated.sh

Every run that the server accepted ends, after restarts, with exactly the two instances that were asked for, counted
from /proc (or the container engine), and a removal ends with none.
"""
import argparse, http.client, json, os, pathlib, random, signal, socket, subprocess, sys, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

WORDS = "在本机部署一个 hello 网页服务，2个副本，每个0.5核256M内存，要求时延不超过10ms，预算每月200元"
CONTAINERS = "在本机部署一个 hello 容器，2个副本，每个0.5核256M内存，要求时延不超过10ms，预算每月200元"
TESTBED = pathlib.Path(__file__).resolve().parents[1] / "testbed"
OPENING = ["workflow.before_do", "workflow.after_do", "workflow.after_done", "workflow.before_verify"]
UNDOING = ["workflow.before_undo", "workflow.during_undo", "workflow.after_undo"]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket: how the test asks the container engine, past Swan."""

    def __init__(self, path):
        super().__init__("engine", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Bed:
    def __init__(self, options):
        self.engine, self.words = None, WORDS
        store = options.store if options.store != "sqlite" else None
        self.server = swan.Server(store=store)
        if options.provider == "docker":
            self.words = CONTAINERS
            up = subprocess.run([str(TESTBED / "podman.sh"), "up", str(self.server.folder)], capture_output=True, text=True)
            if up.returncode == 77:
                print(up.stdout.strip())
                sys.exit(77)
            endpoint = [line for line in up.stdout.splitlines() if line.startswith("endpoint=")][0].split("=", 1)[1]
            self.engine = endpoint[len("unix://"):]
            self.server.options += ["--engine", endpoint]
        self.passed = self.failed = self.kills = 0

    def prepare(self):
        self.server.start()
        self.server.publish_hello("hello-container" if self.engine else "hello")
        self.server.wait_local_site()
        if self.engine:
            swan.wait_for("the engine is connected",
                          lambda: self.server.api("GET", "/api/v1/connections/local~docker").status == 200, 20)

    def close(self):
        if self.engine:
            self.server.stop(signal.SIGKILL)
            subprocess.run([str(TESTBED / "podman.sh"), "down", str(self.server.folder)])
        self.server.__exit__()

    def counts(self, deployment):
        """How many things of each name there really are."""
        if not self.engine:
            return {name: len(pids) for name, pids in self.server.instances(deployment).items()}
        connection = UnixConnection(self.engine)
        connection.request("GET", "/v1.40/containers/json?all=true")
        found = {}
        for container in json.loads(connection.getresponse().read()):
            name = container["Names"][0].lstrip("/")
            if name.startswith(f"swan-{deployment}"):
                found[name] = found.get(name, 0) + (1 if container["State"] == "running" else 100)
        connection.close()
        return found

    def check(self, what, truth, detail=""):
        if truth:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what} {detail}", flush=True)
            print(self.server.log_tail(), flush=True)

    def restart(self, faults=None):
        self.server.stop(signal.SIGKILL)
        self.server.start(faults)

    def died(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.server.process.poll() is not None:
                return True
            time.sleep(0.01)
        return False

    def expect_two(self, what, run, deployment):
        state = self.server.wait_run(run, 90)
        counts = self.counts(deployment)
        self.check(what, state == "succeeded" and len(counts) == 2 and all(n == 1 for n in counts.values()),
                   f"run {run} {state}, processes {counts}")

    def remove(self, deployment):
        """The id of the run that removes; None when the server died before it could answer."""
        try:
            return self.server.ok("DELETE", f"/api/v1/deployments/{deployment}")["id"]
        except (ConnectionError, http.client.HTTPException):
            return None

    def expect_none(self, what, run, deployment):
        if run is None:
            run = self.server.ok("GET", f"/api/v1/deployments/{deployment}")["status"]["run"]
        state = self.server.wait_run(run, 90)
        counts = self.counts(deployment)
        self.check(what, state == "succeeded" and not counts, f"run {run} {state}, processes {counts}")

    def named_points(self):
        for point in OPENING:
            for hit in (1, 2):
                self.restart(f"{point}=kill@{hit}")
                run, deployment = self.server.launch(self.words)
                self.check(f"{point} hit {hit} kills", self.died(30))
                self.kills += 1
                self.restart()
                self.expect_two(f"{point} hit {hit}: two instances", run, deployment)
                self.expect_none(f"{point} hit {hit}: removed", self.remove(deployment), deployment)
        for point in UNDOING:
            for hit in (1, 2):
                self.restart()
                run, deployment = self.server.launch(self.words)
                self.expect_two(f"{point}: opened before", run, deployment)
                self.restart(f"{point}=kill@{hit}")
                removal = self.remove(deployment)
                self.check(f"{point} hit {hit} kills", self.died(30))
                self.kills += 1
                self.restart()
                self.expect_none(f"{point} hit {hit}: nothing is left", removal, deployment)

    def kill_soon(self, rng, spread_s):
        time.sleep(rng.random() * spread_s)
        self.server.stop(signal.SIGKILL)
        self.kills += 1
        self.server.start()

    def random_kills(self, wanted, rng):
        self.restart()
        while self.kills < wanted:
            run, deployment = self.server.launch(self.words)
            for _ in range(rng.randint(1, 3)):
                self.kill_soon(rng, 0.35)
            self.expect_two(f"after {self.kills} kills: two instances", run, deployment)
            removal = self.remove(deployment)
            self.kill_soon(rng, 0.25)
            self.expect_none(f"after {self.kills} kills: none", removal, deployment)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, default=6)
    parser.add_argument("--no-named", action="store_true")
    parser.add_argument("--provider", choices=["host", "docker"], default="host")
    parser.add_argument("--store", default="sqlite")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    bed = Bed(options)
    started = time.monotonic()
    try:
        bed.prepare()
        if not options.no_named:
            bed.named_points()
        bed.kills = 0
        bed.random_kills(options.random, rng)
        bed.server.stop()  # its observer asks with a short-lived process of the same program
        gone = time.monotonic() + 10
        while (bed.server.instances() or bed.server.supervisors()) and time.monotonic() < gone:
            time.sleep(0.1)
        bed.check("no instance is left", not bed.server.instances() and not bed.server.supervisors(),
                  f"{bed.server.instances()} {bed.server.supervisors()}")
    finally:
        bed.close()
    print(f"{bed.kills} random kills, seed {options.seed}, {time.monotonic() - started:.0f} s: "
          f"{bed.passed} passed, {bed.failed} failed")
    return 1 if bed.failed else 0


if __name__ == "__main__":
    sys.exit(main())
