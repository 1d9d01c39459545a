#!/usr/bin/env python3
"""twin_test.py - the twin asked by command line and API on a real server: what depends on what, ways, moments, differences,
what would be; before and after a restart; and the twin of something that Swan opened and removed.

  twin_test.py [--postgres]        on SQLite, or on the PostgreSQL of SWAN_TEST_POSTGRES
"""
import json, os, pathlib, shutil, subprocess, sys, tempfile, time, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

STORE = None
serial = 0

THINGS = """
entities:
  - {id: region/north, kind: region, layer: physical}
  - {id: site/a, kind: site, layer: physical}
  - {id: site/b, kind: site, layer: physical, origin: observed, confidence: 0.5, expires_at: "2100-01-01T00:00:00Z"}
  - {id: server/1, kind: server, layer: virtual}
  - {id: server/2, kind: server, layer: virtual}
  - {id: instance/0, kind: instance, layer: application}
  - {id: instance/1, kind: instance, layer: application}
  - {id: service/shop, kind: service, layer: business}
edges:
  - {from: region/north, to: site/a, relation: hosts}
  - {from: region/north, to: site/b, relation: hosts}
  - {from: server/1, to: site/a, relation: runs-on}
  - {from: server/2, to: site/b, relation: runs-on}
  - {from: instance/0, to: server/1, relation: runs-on}
  - {from: instance/1, to: server/2, relation: runs-on}
  - {from: instance/0, to: service/shop, relation: part-of}
  - {from: instance/1, to: service/shop, relation: part-of}
"""


def fresh_store():
    """PostgreSQL: a schema of its own for each server, in the one database of the run."""
    global serial
    if not STORE:
        return None
    serial += 1
    schema = f"w{os.getpid()}_{serial}"
    psql = shutil.which("psql") or sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
    subprocess.run([str(psql), "-q", STORE, "-c", f"CREATE SCHEMA {schema}"], check=True)
    return f"{STORE}?options=-csearch_path%3D{schema}"


class Asking(unittest.TestCase):
    def serve(self):
        server = swan.Server("--no-local-site", store=fresh_store()).start()
        self.addCleanup(server.__exit__)
        return server

    def ask(self, server, *args):
        return json.loads(server.cli("twin", *args, "-o", "json"))

    def ids(self, answer):
        return [item["id"] for item in answer["items"]]

    def told(self, server, entity):
        """PostgreSQL shows an event when no older transaction is open any more."""
        return swan.wait_for(f"the twin knows {entity}", lambda: (
            a := server.api("GET", f"/api/v1/twin/neighbours?entity={entity}")).status == 200 and a.json["at"])

    def declare(self, server, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            return server.cli("twin", "declare", file.name)

    def position(self, server):
        text = server.api("GET", "/metrics").text
        return int(next(l for l in text.splitlines() if l.startswith("swan_twin_position ")).split()[1])

    def after(self, server, position):
        swan.wait_for("the twin has moved on", lambda: (
            server.api("GET", "/api/v1/twin/outline"), self.position(server) > position)[1])

    def test_questions_now_and_then_before_and_after_a_restart(self):
        server = self.serve()
        self.assertIn("8 entities, 8 edges, 0 ended", self.declare(server, THINGS))
        first = self.told(server, "service/shop")
        time.sleep(0.02)
        self.assertEqual(self.ids(self.ask(server, "impact", "site/a")), ["server/1", "instance/0", "service/shop"])
        down = self.ask(server, "impact", "service/shop", "--direction", "down", "--layer", "physical")
        self.assertEqual(sorted(self.ids(down)), ["region/north", "site/a", "site/b"])
        self.assertEqual({i["id"]: i["confidence"] for i in down["items"]}["site/b"], 0.5)
        self.assertEqual(self.ids(self.ask(server, "path", "site/a", "service/shop", "--direction", "up")),
                         ["site/a", "server/1", "instance/0", "service/shop"])
        self.assertEqual(self.ask(server, "path", "site/a", "instance/1", "--direction", "up")["items"], [])
        text = server.cli("twin", "neighbours", "site/b")
        for word in ["site/b", "server/2", "region/north", "runs on", "hosts"]:
            self.assertIn(word, text)
        # pages
        seen, cursor = [], []
        while True:
            page = self.ask(server, "impact", "region/north", "--limit", "2", *cursor)
            seen += self.ids(page)
            if "next" not in page:
                break
            cursor = ["--cursor", page["next"]]
        self.assertEqual(seen, self.ids(self.ask(server, "impact", "region/north")))
        self.assertEqual(len(seen), 7)
        # what would be
        would = self.ask(server, "what-if", "--set", "site/a=dead")
        self.assertEqual((would["total"], would["dead"], would["degraded"]), (4, 3, 1))
        self.assertIn("nothing would change", server.cli("twin", "what-if", "--set", "site/a=up"))
        # from afar
        groups = {g["name"]: g for g in self.ask(server, "outline", "--by", "site")["groups"]}
        self.assertEqual(groups["site/a"]["count"] + groups["site/b"]["count"] + groups["others"]["count"], 8)
        self.assertEqual([g["name"] for g in self.ask(server, "outline", "--by", "region")["groups"]], ["region/north"])
        self.assertEqual(len(self.ask(server, "outline", "--most", "2")["groups"]), 2)
        # a change
        position = self.position(server)
        self.declare(server, '{"entities": [{"id": "site/a", "kind": "site", "layer": "physical", "state": "dead"}],'
                             ' "ended": [{"id": "server/2"}]}')
        self.after(server, position)
        for turn in range(2):
            now = self.ask(server, "diff", first)
            changes = {i.get("entity"): i["change"] for i in now["items"] if "entity" in i}
            self.assertEqual(changes, {"site/a": "changed", "server/2": "ended"})
            self.assertEqual(now["total"], 4)  # and two edges
            self.assertEqual(self.ask(server, "diff", first, first)["total"], 0)
            then = self.ask(server, "impact", "site/a", "--at", first)
            self.assertEqual((then["entity"]["state"], then["at"]), ("up", first))
            self.assertEqual(self.ask(server, "impact", "site/a")["entity"]["state"], "dead")
            self.assertIn("site/b", self.ids(self.ask(server, "impact", "server/2", "--direction", "down", "--at", first)))
            server.cli("twin", "impact", "server/2", code=None)
            self.assertIn("no entity named 'server/2' was there", server.stderr)
            history = self.ask(server, "history", "site/a")
            self.assertEqual([e["what"] for e in history["items"]], ["state", "state", "began"])
            self.assertEqual(history["items"][0]["state"], "dead")
            if turn == 0:
                server.stop()
                server.start()
        # expiry, by the time that is asked for
        late = self.ask(server, "neighbours", "site/b", "--at", "2100-01-01T00:00:00Z")
        self.assertEqual(late["entity"]["state"], "unknown")
        self.assertIn("unknown", server.cli("twin", "show", "--at", "2100-01-01T00:00:00Z"))

    def test_refusals_name_what_is_wrong(self):
        server = self.serve()
        self.declare(server, THINGS)
        self.told(server, "service/shop")
        for path, field in [("impact", "entity"), ("impact?entity=site/a&layer=cellar", "layer"),
                            ("impact?entity=site/a&direction=left", "direction"), ("impact?entity=site/a&at=noon", "at"),
                            ("impact?entity=site/a&limit=-1", "limit"), ("impact?entity=site/a&cursor=1.2", "cursor"),
                            ("impact?entity=site/a&colour=red", "colour"), ("diff", "from"), ("history", "entity")]:
            answer = server.api("GET", f"/api/v1/twin/{path}")
            self.assertEqual((answer.status, answer.json.get("field")), (400, field), path)
        self.assertEqual(server.api("GET", "/api/v1/twin/path?entity=site/a&to=nowhere").status, 404)
        for change, status in [({"entities": [{"id": "x", "kind": "k", "layer": "cellar"}]}, 400),
                               ({"entities": [{"id": "x", "kind": "k", "layer": "physical", "confidence": 2}]}, 400),
                               ({"entities": [{"id": "x" * 600, "kind": "k", "layer": "physical"}]}, 413),
                               ({"entities": [{"id": "x", "kind": "k", "layer": "physical", "valid_to": "2026-01-01T00:00:00Z"}]}, 400),
                               ({"entities": [{"id": "site/a", "kind": "site", "layer": "physical",
                                               "valid_from": "2025-01-01T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}]}, 400),
                               ({"edges": [{"from": "server/1", "to": "site/a", "relation": "runs-on", "valid_to": "2026-01-01T00:00:00Z"}]}, 400),
                               ({"entities": [{"id": "x", "kind": "k", "layer": "physical",
                                               "valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}]}, 400),
                               ({"edges": [{"from": "site/a", "to": "nowhere", "relation": "calls"}]}, 404),
                               ({"ended": [{"id": "nowhere"}]}, 404)]:
            self.assertEqual(server.api("POST", "/api/v1/twin/changes", change).status, status, change)
        self.assertEqual(len(self.ask(server, "impact", "region/north")["items"]), 7)  # none of it did harm
        server.cli("twin", "what-if", "--set", "nonsense", code=2)
        self.assertEqual(server.api("POST", "/api/v1/twin/what-if",
                                    {"states": [{"id": "nowhere", "state": "dead"}]}).status, 404)

    def test_what_is_opened_and_removed_is_in_the_graph(self):
        server = self.serve()
        network = {"currency": "CNY", "access": [{"id": "city"}],
                   "sites": [{"id": "s0", "tier": "edge", "regions": ["r0"], "provider": "simulator", "arch": ["x86_64"],
                              "capacity": {"vcpus": 8, "memory_gib": 100, "disk_gib": 1000},
                              "price": {"vcpu_hour": 0.1, "memory_gib_hour": 0.01, "disk_gib_month": 0.1},
                              "availability_percent": 99.9}],
                   "links": [{"a": "city", "b": "s0", "latency_ms": 2, "bandwidth_mbps": 10000}]}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(network, file)
            file.flush()
            server.cli("network", "import", file.name)
        need = {"components": [{"name": "web", "form": "server", "instances": 2, "vcpus": 1, "memory_gib": 1, "disk_gib": 1}]}
        requirement = server.ok("POST", "/api/v1/requirements", {"requirement": need})["id"]
        solution = server.ok("POST", "/api/v1/solutions", {"requirement": requirement})["id"]
        order = server.ok("POST", "/api/v1/orders", {"solution": solution, "confirm": True})["id"]
        plan = server.ok("POST", "/api/v1/plans", {"order": order, "simulate": True})
        run = server.ok("POST", "/api/v1/runs", {"plan": plan["id"], "digest": plan["spec"]["digest"]})
        self.assertEqual(server.wait_run(run["id"]), "succeeded")
        deployment = "deployment/" + run["spec"]["deployment"]
        swan.wait_for("the whole is in the graph", lambda: server.api(
            "GET", f"/api/v1/twin/impact?entity={deployment}&direction=down").json.get("total", 0) >= 3)
        up = self.ids(self.ask(server, "impact", "site/s0"))
        self.assertEqual(len([i for i in up if i.startswith("server/")]), 2)
        self.assertIn(deployment, up)
        one = next(i for i in up if i.startswith("server/"))
        would = {i["id"]: i["after"] for i in self.ask(server, "what-if", "--set", f"{one}=dead")["items"]}
        self.assertEqual(would, {one: "dead", deployment: "degraded"})
        graph = {i["id"] for i in self.ask(server, "impact", "site/s0")["items"]} | {"site/s0"}
        rows = {e["id"] for e in server.ok("GET", "/api/v1/twin")["entities"]}
        self.assertEqual(graph, rows)
        removal = json.loads(server.cli("deployment", "delete", run["spec"]["deployment"], "--yes", "-o", "json"))
        self.assertTrue(removal)
        swan.wait_for("nothing stands there any more", lambda: server.api(
            "GET", "/api/v1/twin/impact?entity=site/s0").json["total"] == 0)


if __name__ == "__main__":
    if "--postgres" in sys.argv:
        sys.argv.remove("--postgres")
        STORE = os.environ["SWAN_TEST_POSTGRES"]
    unittest.main(verbosity=2)
