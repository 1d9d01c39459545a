#!/usr/bin/env python3
"""operations_test.py - designs that take long: told of at once, followed and cancelled by the command line, never lost
when the server is killed."""
import http.client, os, pathlib, signal, subprocess, sys, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

NEED = {"text": "1台 2核 4G 云主机"}
ASYNC = {"Prefer": "respond-async"}


def operation(server, path):
    return server.ok("GET", path)["status"]


def ended(server, path):
    return swan.wait_for(f"{path} has ended", lambda: (s := operation(server, path))["state"] != "running" and s)


def ask(server, headers=ASYNC):
    answer = server.api("POST", "/api/v1/solutions", NEED, headers=headers)
    assert answer.status == 202, answer.text
    return answer.headers["Location"]


def restart(server, faults=None):
    server.stop(signal.SIGKILL)
    server.start(faults=faults)


def ids(server, collection):
    return {r["id"] for r in server.ok("GET", f"/api/v1/{collection}?limit=1000")["items"]}


def catches_interrupts(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16) & 1 << signal.SIGINT - 1


class Operations(unittest.TestCase):
    def setUp(self):
        self.server = swan.Server("--no-local-site").start()
        self.server.import_starter()

    def tearDown(self):
        self.server.__exit__()

    def command(self, *args):
        env = dict(os.environ, XDG_CONFIG_HOME=str(self.server.folder / "config"), SWAN_SERVER=self.server.url,
                   SWAN_TOKEN=self.server.token, SWAN_LANG="en", NO_COLOR="1")
        return subprocess.Popen([str(swan.SWAN), *args], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def test_what_a_killed_server_was_doing_has_failed_and_can_be_sent_again(self):
        restart(self.server, "api.operation=delay:60000")
        paths = [ask(self.server, {**ASYNC, "Idempotency-Key": f"k{i}"}) for i in range(12)]  # more than threads
        self.assertEqual({operation(self.server, p)["state"] for p in paths}, {"running"})
        restart(self.server)
        for path in paths:
            status = operation(self.server, path)
            self.assertEqual(status["state"], "failed")
            self.assertTrue(status["problem"]["retryable"])
            self.assertIn("again", status["problem"]["hint"])
        self.assertEqual(ids(self.server, "solutions"), set())
        self.assertEqual(ask(self.server, {**ASYNC, "Idempotency-Key": "k3"}), paths[3])
        self.assertEqual(ended(self.server, ask(self.server))["state"], "succeeded")

    def test_whenever_the_server_is_killed_what_succeeded_is_there_and_nothing_else(self):
        for fault in ("api.operation=kill@3", "store.commit=kill@20", "store.commit=kill@33", "store.commit=kill@41"):
            restart(self.server, fault)
            paths = []
            with self.assertRaises((OSError, http.client.HTTPException)):  # until it is gone
                for _ in range(100):
                    paths.append(ask(self.server))
            restart(self.server)
            for path in paths:
                status = operation(self.server, path)
                self.assertIn(status["state"], ("succeeded", "failed"))
                if status["state"] == "succeeded":
                    self.server.ok("GET", status["location"])
        told = self.server.ok("GET", "/api/v1/operations?limit=1000")["items"]
        made = {o["status"]["answer"]["id"] for o in told if o["status"]["state"] == "succeeded"}
        self.assertEqual(made, ids(self.server, "solutions"))

    def test_the_command_line_waits_for_a_long_design(self):
        solution = self.server.ok("POST", "/api/v1/solutions", NEED)["id"]
        restart(self.server, "api.operation=delay:2500")
        text = self.server.cli("solution", "refine", solution, "--objective", "latency")
        self.assertIn("2", text)
        operations = self.server.ok("GET", "/api/v1/operations")["items"]
        self.assertEqual([o["status"]["state"] for o in operations], ["succeeded"])
        self.assertEqual(self.server.ok("GET", f"/api/v1/solutions/{solution}")["version"], 2)

    def test_ctrl_c_cancels_the_servers_work(self):
        solution = self.server.ok("POST", "/api/v1/solutions", NEED)["id"]
        restart(self.server, "api.operation=delay:4000")
        process = self.command("solution", "refine", solution, "--objective", "latency")
        path = "/api/v1/operations/" + swan.wait_for("it is an operation", lambda: ids(self.server, "operations")).pop()
        swan.wait_for("the command line follows it", lambda: catches_interrupts(process.pid))
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
        self.assertNotIn(process.returncode, (0, -signal.SIGINT), out + error)
        self.assertIn("cancelled", error)
        self.assertEqual(operation(self.server, path)["state"], "cancelled")
        self.assertEqual(self.server.ok("GET", f"/api/v1/solutions/{solution}")["version"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
