#!/usr/bin/env python3
"""refine_test.py - a design in people's hands, on a real server: refined, compared, confirmed, ordered, opened and
removed, by the command line and by the API; fifty designs at once; room that lapses.

  refine_test.py [--postgres]        on SQLite, or on the PostgreSQL of SWAN_TEST_POSTGRES
"""
import concurrent.futures, json, os, pathlib, shutil, subprocess, sys, tempfile, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

STORE = None
serial = 0


def fresh_store():
    """PostgreSQL: a schema of its own for each server, in the one database of the run."""
    global serial
    if not STORE:
        return None
    serial += 1
    schema = f"r{os.getpid()}_{serial}"
    psql = shutil.which("psql") or sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
    subprocess.run([str(psql), "-q", STORE, "-c", f"CREATE SCHEMA {schema}"], check=True)
    return f"{STORE}?options=-csearch_path%3D{schema}"


def network(sites, vcpus):
    """Sites s0, s1 …: each dearer and nearer than the one before; the simulator opens them."""
    return {"currency": "CNY", "access": [{"id": "city"}],
            "sites": [{"id": f"s{i}", "name": f"S{i}", "tier": "edge", "regions": [f"r{i}"], "provider": "simulator",
                       "arch": ["x86_64"], "capacity": {"vcpus": vcpus, "memory_gib": 1000, "disk_gib": 10000},
                       "price": {"vcpu_hour": 0.1 * (i + 1), "memory_gib_hour": 0.01, "disk_gib_month": 0.1},
                       "availability_percent": 99.9} for i in range(sites)],
            "links": [{"a": "city", "b": f"s{i}", "latency_ms": 20 - 2 * i, "bandwidth_mbps": 10000, "type": "optical"}
                      for i in range(sites)]}


NEED = {"components": [{"name": "web", "form": "server", "instances": 1, "vcpus": 1, "memory_gib": 1, "disk_gib": 1}],
        "flows": [{"from": "user", "to": "web", "max_latency_ms": 30}]}


class Refining(unittest.TestCase):
    def serve(self, sites, vcpus, *options):
        self.store = fresh_store()
        server = swan.Server("--no-local-site", *options, store=self.store).start()
        self.addCleanup(server.__exit__)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(network(sites, vcpus), file)
            file.flush()
            server.cli("network", "import", file.name)
        return server

    def need(self, server, **changes):
        need = json.loads(json.dumps(NEED))
        need["components"][0].update(changes)
        return server.ok("POST", "/api/v1/requirements", {"requirement": need})["id"]

    def held(self, server):
        """What is held for whom, by the records of sets and orders."""
        found = {}
        for collection in ("solutions", "orders"):
            for record in server.ok("GET", f"/api/v1/{collection}?limit=1000")["items"]:
                if record["status"].get("reservation", {}).get("state") == "held":
                    found[record["id"]] = record
        return found

    def test_the_whole_way_by_command_line_and_api(self):
        server = self.serve(3, 4)
        design = server.ok("POST", "/api/v1/solutions", {"requirement": self.need(server)})
        sol = design["id"]
        self.assertEqual(design["spec"]["answer"]["solutions"][0]["placements"][0]["site"], "s0")
        text = server.cli("solution", "refine", sol, "--set", "flows[0].max_latency_ms=18.5", "--set", "web.instances=2",
                          "--note", "nearer")
        self.assertIn("version 2", text)
        self.assertIn("web.instances", text)
        text = server.cli("solution", "refine", sol, "--pin", "web#0=s2", "--exclude", "s0", lang="zh")
        self.assertIn("版本 3", text)
        # refusals name the field and the nearest one
        server.cli("solution", "refine", sol, "--set", "web.vcpu=2", code=2)
        self.assertIn("vcpus", server.stderr)
        server.cli("solution", "refine", sol, "--set", "latency=2", code=2)
        server.cli("solution", "refine", sol, "--pin", "web#0=s2", "--set", "web.location=r1", code=3)
        server.cli("solution", "refine", sol, "--version", "2", "--set", "web.vcpus=2", code=3)
        # versions stay
        self.assertEqual([v["number"] for v in json.loads(server.cli("solution", "versions", sol, "-o", "json"))], [1, 2, 3])
        old = json.loads(server.cli("solution", "show", sol, "--version", "1", "-o", "json"))
        self.assertEqual(old["spec"]["answer"], design["spec"]["answer"])
        three = json.loads(server.cli("solution", "show", sol, "-o", "json"))
        self.assertEqual(three["spec"]["number"], 3)
        self.assertEqual(sorted(p["site"] for p in three["spec"]["answer"]["solutions"][0]["placements"]), ["s1", "s2"])
        self.assertEqual(three["spec"]["refinement"]["by"], "admin")
        # what differs
        diff = json.loads(server.cli("solution", "diff", sol, "--from", "1", "--to", "3", "-o", "json"))
        cost = [f for f in diff["figures"] if f["figure"] == "cost"][0]
        self.assertAlmostEqual(cost["change"], cost["to"] - cost["from"], places=9)
        self.assertAlmostEqual(sum(c["change"] for c in diff["costs"]), cost["change"], places=2)
        self.assertEqual({p["change"] for p in diff["placements"]}, {"moved", "added"})
        self.assertIn("web.instances", server.cli("solution", "diff", sol, "--from", "1"))
        self.assertEqual(server.ok("GET", f"/api/v1/solutions/{sol}/diff?from=1&to=3"), diff)
        # only what is confirmed is ordered
        server.cli("order", "create", sol, code=3)
        self.assertIn("swan solution confirm", server.stderr)
        self.assertIn(sol, self.held(server))
        server.cli("solution", "choose", sol, "--choice", "1")
        server.cli("solution", "confirm", sol)
        order = server.cli("order", "create", sol, "-q").strip()
        self.assertEqual(list(self.held(server)), [order])
        spec = server.ok("GET", f"/api/v1/orders/{order}")["spec"]
        self.assertEqual((spec["version"], spec["choice"]), (3, 0))
        server.cli("solution", "refine", sol, "--set", "web.instances=1", "--reserve", "0")  # touches no order
        plan = server.cli("plan", "create", order, "-q").strip()
        server.cli("run", "start", plan, "--yes")
        deployment = server.ok("GET", f"/api/v1/orders/{order}")["status"]["deployment"]
        placed = server.ok("GET", f"/api/v1/deployments/{deployment}")["spec"]["placements"]
        self.assertEqual(sorted(p["site"] for p in placed), ["s1", "s2"])
        self.assertEqual(self.held(server), {})
        # an export holds no use of Swan's own: imported again it counts nothing twice
        exported = server.cli("network", "export")
        self.assertNotIn("allocated", exported)
        server.cli("deployment", "delete", deployment, "--yes")
        state = server.ok("GET", f"/api/v1/deployments/{deployment}")["status"]["state"]
        self.assertEqual(state, "removed")
        events = [e for e in server.ok("GET", f"/api/v1/orders/{order}")["status"].items()]
        self.assertIn(("state", "closed"), events)

    def test_fifty_designs_at_once_share_what_there_is(self):
        server = self.serve(4, 6)  # room for 24
        need = self.need(server)

        def one(_):
            answer = server.api("POST", "/api/v1/solutions", {"requirement": need, "reserve_s": 5}, timeout=60)
            return answer.status, answer.json
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(one, range(50)))
        got = [a for status, a in answers if status == 201]
        self.assertEqual(len(got), 24, [status for status, _ in answers])
        self.assertEqual({status for status, _ in answers}, {201, 422})
        per_site = {}
        for set_ in got:
            site = set_["spec"]["answer"]["solutions"][0]["placements"][0]["site"]
            per_site[site] = per_site.get(site, 0) + 1
        self.assertEqual(per_site, {f"s{i}": 6 for i in range(4)})
        # nobody ordered: all of it is free again, without a restart, and the records say so
        swan.wait_for("the reservations have lapsed", lambda: not self.held(server), 30)
        states = {r["status"]["reservation"]["state"] for r in server.ok("GET", "/api/v1/solutions?limit=1000")["items"]}
        self.assertEqual(states, {"lapsed"})
        again = server.ok("POST", "/api/v1/solutions", {"requirement": need})
        self.assertEqual(again["spec"]["answer"]["solutions"][0]["placements"][0]["site"], "s0")

    @unittest.skipUnless("--postgres" in sys.argv or STORE, "two servers share a PostgreSQL")
    def test_two_servers_on_one_store_give_nothing_twice(self):
        first = self.serve(10, 3)  # room for 30
        second = swan.Server("--no-local-site", store=self.store)
        second.token = first.token
        second.data.mkdir(mode=0o700)
        shutil.copy(first.data / "access.key", second.data)  # tokens are those of the store
        second.start()
        self.addCleanup(second.__exit__)
        need = self.need(first)

        def one(number):
            server = (first, second)[number % 2]
            return server.api("POST", "/api/v1/solutions", {"requirement": need, "reserve_s": 60}, timeout=60)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(one, range(50)))
        # a loser may give up after eight times: then he is told to try again, and room may be left for now
        self.assertLessEqual({a.status for a in answers}, {201, 422, 409})
        per_site = {}
        for answer in answers:
            if answer.status == 201:
                site = answer.json["spec"]["answer"]["solutions"][0]["placements"][0]["site"]
                per_site[site] = per_site.get(site, 0) + 1
        self.assertLessEqual(max(per_site.values()), 3, per_site)
        gave_up = [a for a in answers if a.status == 409]
        self.assertGreaterEqual(sum(per_site.values()) + len(gave_up), 30, [a.status for a in answers])
        self.assertTrue(all(a.json["code"] == "capacity" for a in gave_up))

    def test_a_batch_shares_capacity_at_the_least_total_cost(self):
        server = self.serve(2, 4)
        needs = [self.need(server, vcpus=3), self.need(server, vcpus=2)]
        batch = server.ok("POST", "/api/v1/solutions/batch", {"needs": [{"requirement": n} for n in needs]})
        self.assertEqual(batch["gap"], 0)
        self.assertAlmostEqual(batch["total"], sum(n["cost"] for n in batch["needs"]), places=6)
        sites = []
        for need in batch["needs"]:
            record = server.ok("GET", f"/api/v1/solutions/{need['solution']}")
            self.assertEqual(record["status"]["reservation"]["state"], "held")
            sites.append(record["spec"]["answer"]["solutions"][0]["placements"][0]["site"])
        self.assertEqual(sites, ["s0", "s1"])
        full = server.api("POST", "/api/v1/solutions/batch", {"needs": [{"requirement": needs[0]}] * 2})
        self.assertEqual(full.status, 422)  # neither site has three left

    def test_a_launch_that_ends_before_its_run_gives_back_what_it_held(self):
        server = self.serve(1, 4)
        words = "边缘节点 1台 2核 4G 云主机"
        server.cli("launch", words, code=2)  # nobody can be asked
        self.assertIn("--yes", server.stderr)
        record = server.ok("GET", "/api/v1/solutions")["items"][0]
        self.assertEqual(record["status"]["reservation"]["state"], "released")
        self.assertEqual(self.held(server), {})

    def test_an_order_that_waits_too_long_is_lapsed_and_can_be_planned_again(self):
        server = self.serve(1, 1, "--reserve", "1s")
        need = self.need(server)
        sol = server.ok("POST", "/api/v1/solutions", {"requirement": need})["id"]
        order = server.ok("POST", "/api/v1/orders", {"solution": sol, "confirm": True})["id"]
        swan.wait_for("the order has lapsed",
                      lambda: server.ok("GET", f"/api/v1/orders/{order}")["status"]["state"] == "lapsed", 20)
        other = server.ok("POST", "/api/v1/solutions", {"requirement": need, "reserve_s": 60})["id"]  # takes the room
        refused = server.api("POST", "/api/v1/plans", {"order": order})
        self.assertEqual((refused.status, refused.json["code"]), (409, "capacity"))
        server.cli("solution", "release", other)
        plan = server.ok("POST", "/api/v1/plans", {"order": order})
        run = server.ok("POST", "/api/v1/runs", {"plan": plan["id"], "digest": plan["spec"]["digest"]})["id"]
        self.assertEqual(server.wait_run(run), "succeeded")


if __name__ == "__main__":
    if "--postgres" in sys.argv:
        sys.argv.remove("--postgres")
        STORE = os.environ["SWAN_TEST_POSTGRES"]
    unittest.main(verbosity=2)
