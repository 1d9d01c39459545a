#!/usr/bin/env python3
"""swan twin risks by command line: answers worked out by hand, broken inputs, and what is open on a server."""
import json, math, os, pathlib, re, subprocess, sys, tempfile, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

# u at the equator; x and y one and two degrees east by lines in one duct, z one degree north.
NETWORK = """\
currency: CNY
access:
  - {id: u, lat: 0, lon: 0}
sites:
  - {id: x, tier: edge, lat: 0, lon: 1, provider: simulator, capacity: {vcpus: 10}, price: {vcpu_hour: 0.1, memory_gib_hour: 0, disk_gib_month: 0, bandwidth_mbps_month: 0}}
  - {id: y, tier: edge, lat: 0, lon: 2, provider: simulator, capacity: {vcpus: 10}, price: {vcpu_hour: 0.1, memory_gib_hour: 0, disk_gib_month: 0, bandwidth_mbps_month: 0}}
  - {id: z, tier: edge, lat: 1, lon: 0, provider: simulator, capacity: {vcpus: 10}, price: {vcpu_hour: 0.2, memory_gib_hour: 0, disk_gib_month: 0, bandwidth_mbps_month: 0}}
links:
  - {a: u, b: x, latency_ms: 1, bandwidth_mbps: 100, shared_risk: [duct]}
  - {a: u, b: y, latency_ms: 2, bandwidth_mbps: 100, shared_risk: [duct]}
  - {a: u, b: z, latency_ms: 3, bandwidth_mbps: 100}
"""
NEED = {"components": [{"name": "web", "form": "server", "instances": 2, "vcpus": 1}],
        "flows": [{"from": "user", "to": "web", "max_latency_ms": 10, "bandwidth_mbps": 20}],
        "service_level": {"concurrent_users": 50}}
SOLUTION = {"placements": [{"component": "web", "instance": 0, "site": "x"}, {"component": "web", "instance": 1, "site": "y"}]}
DEGREE_KM = 6371 * math.pi / 180


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.network = self.write("net.yaml", NETWORK)
        self.need = self.write("need.json", NEED)
        self.solution = self.write("solution.json", SOLUTION)

    def write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_it(self, *options, code=0, lang="en"):
        done = subprocess.run([swan.SWAN, "twin", "risks", "--lang", lang, *options], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if not code else done.stderr

    def answer(self, *options):
        return json.loads(self.run_it("-o", "json", *options))

    def placed(self, *options):
        return self.answer("--network", self.network, "--solution", self.solution, "--requirement", self.need, *options)

    def test_single_failures_and_pairs_are_those_worked_out_by_hand(self):
        answer = self.placed()
        single = {(f["element"]["kind"], f["element"]["id"]): f for f in answer["findings"] if f["kind"] == "service-breaks"}
        self.assertEqual(set(single), {("access", "u"), ("group", "duct")})
        duct = single["group", "duct"]
        self.assertEqual((duct["reason"], duct["severity"], duct["instances_left"]), ("unreachable", "critical", 2))
        self.assertEqual(duct["element"]["basis"], "declared")
        pairs = {frozenset((f["element"]["id"], f["second"]["id"])) for f in answer["findings"] if f["kind"] == "pair"}
        self.assertEqual(pairs, {frozenset(p) for p in (("x", "y"), ("x", "u—y"), ("u—x", "y"), ("u—x", "u—y"))})
        self.assertEqual(answer["summary"]["pairs_left_out"], 0)
        self.assertEqual(answer["summary"]["services_broken_now"], 0)

    def test_a_service_on_time_only_by_one_site_misses_by_a_margin(self):
        self.need = self.write("need.json", dict(NEED, flows=[dict(NEED["flows"][0], max_latency_ms=1.5)]))
        late = [f for f in self.placed()["findings"] if f["kind"] == "service-breaks" and f["element"]["id"] == "x"]
        self.assertEqual(late[0]["reason"], "late")
        self.assertAlmostEqual(late[0]["observed"], 2)
        self.assertAlmostEqual(late[0]["margin"], -0.5)

    def test_advice_is_the_shortest_link_and_the_cheapest_site_with_what_it_costs(self):
        dangers = {d["element"]["id"]: d for d in self.placed()["dangers"]}
        self.assertEqual(dangers["duct"]["consequence"], 50)  # one service, all of its users
        advice = {a["action"]: a for a in dangers["duct"]["advice"]}
        move, more, link = advice["move-instance"], advice["add-instance"], advice["add-link"]
        self.assertEqual((move["from"], move["to"], move["component"]), ("x", "z", "web"))
        self.assertAlmostEqual(move["cost_change_month"], (0.2 - 0.1) * 730, places=6)
        self.assertEqual(more["to"], "z")
        self.assertAlmostEqual(more["cost_change_month"], 0.2 * 730, places=6)
        self.assertEqual({link["a"], link["b"]}, {"u", "x"})
        self.assertAlmostEqual(link["km"], DEGREE_KM, places=3)
        self.assertAlmostEqual(link["latency_ms_at_least"], DEGREE_KM / 200, places=5)
        for item in advice.values():
            self.assertEqual((item["services_mended"], item["breaks_before"], item["breaks_after"]), (1, 2, 1))
        # done as advised, the duct breaks nothing
        moved = {"placements": [dict(SOLUTION["placements"][0], site="z"), SOLUTION["placements"][1]]}
        self.solution = self.write("moved.json", moved)
        self.assertNotIn("duct", [f["element"]["id"] for f in self.placed()["findings"] if f["kind"] == "service-breaks"])

    def test_room_ends_on_its_day_and_a_short_history_says_so(self):
        rows = ["time,entity,resource,value"] + [f"{86400 * d},x,vcpus,{d + 1}" for d in range(7)] + ["0,y,vcpus,9", "86400,y,vcpus,9.5"]
        usage = self.write("usage.csv", "\n".join(rows) + "\n")
        answer = self.answer("--network", self.network, "--usage", usage, "--kind", "capacity")
        found = {f["element"]["id"]: f for f in answer["findings"]}
        self.assertAlmostEqual(found["x"]["days"], 3, places=6)  # 7 of 10, one more a day
        self.assertAlmostEqual(found["x"]["slope"], 1, places=6)
        self.assertEqual(found["x"]["severity"], "high")
        self.assertNotIn("days", found["y"])
        self.assertIn("2 of 4", found["y"]["unknown"])
        self.assertTrue(any("too short" in note for note in answer["notes"]))

    def test_filters_and_pages_together_are_all(self):
        whole = self.placed()
        for kind in {f["kind"] for f in whole["findings"]}:
            part = self.placed("--kind", kind)
            self.assertEqual(part["findings"], [f for f in whole["findings"] if f["kind"] == kind])
            first, rest = self.placed("--kind", kind, "--most", "1"), self.placed("--kind", kind, "--skip", "1")
            self.assertEqual(first["findings"] + rest["findings"], part["findings"])
            self.assertEqual(first["findings_left_out"], len(part["findings"]) - 1)
        layers = sum((self.placed("--layer", layer)["findings"] for layer in ("compute", "network", "application")), [])
        self.assertEqual(len(layers), len(whole["findings"]))

    def test_the_table_counts_in_words_of_the_language(self):
        table = self.run_it("--network", self.network)
        self.assertIn("3 sites, 1 access point, 3 links; 0 services", table)
        self.assertIsNone(re.search(r"\b1 (sites|links|access points|services|days|instances)\b", table))
        table = self.run_it("--network", self.network, "--solution", self.solution, "--requirement", self.need, lang="zh")
        self.assertIn("共享风险 duct", table)
        self.assertIn("将 web 的实例 0 由 x 迁至 z", table)

    def test_broken_inputs_name_file_and_place(self):
        bad = self.write("bad.yaml", NETWORK.replace("shared_risk: [duct]}", "shared_risk: duct}", 1))
        self.assertIn("links[0].shared_risk", self.run_it("--network", bad, code=2))
        self.assertIn("line 11", self.run_it("--network", self.write("bad.yaml", NETWORK.replace("b: z", "b: z: q")), code=2))
        self.assertIn("shared_risks", self.run_it("--network", self.write("bad.yaml", NETWORK.replace("shared_risk", "shared_risks")), code=2))
        gone = self.write("gone.json", {"placements": [{"component": "web", "instance": 0, "site": "w"}]})
        self.assertIn("'w'", self.run_it("--network", self.network, "--solution", gone, code=2))
        usage = self.write("usage.csv", "time,entity,resource,value\n0,x,vcpus,1\n1,x,vcpus,much\n")
        self.assertIn("line 3", self.run_it("--network", self.network, "--usage", usage, code=2))
        self.assertIn("--solution", self.run_it("--network", self.network, "--requirement", self.need, code=2))
        self.run_it("--network", os.path.join(self.folder.name, "nothing.yaml"), code=2)

    def test_a_designed_solution_goes_in_as_it_comes_out(self):
        design = subprocess.run([swan.SWAN, "solution", "design", "--network", self.network, "--requirement", self.need, "-o", "json"],
                                capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(design.returncode, 0, design.stderr)
        path = self.write("designed.json", design.stdout)
        alone = self.answer("--network", self.network, "--solution", path)
        laid = self.answer("--network", self.network, "--solution", path, "--requirement", self.need)
        self.assertEqual(alone["summary"]["services"], 1)
        self.assertEqual([f for f in alone["findings"] if f["kind"] != "capacity"], [f for f in laid["findings"] if f["kind"] != "capacity"])


class Server(unittest.TestCase):
    def test_what_is_open_on_a_server_is_judged_with_its_network(self):
        with swan.Server("--no-local-site") as server, tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(NETWORK)
            file.flush()
            server.cli("network", "import", file.name)
            empty = json.loads(server.cli("twin", "risks", "-o", "json"))
            self.assertEqual((empty["summary"]["sites"], empty["summary"]["services"]), (3, 0))
            self.assertEqual(empty["summary"]["shared_risk_groups"], 1)  # it lived through the store
            deployments = [self.open(server) for _ in range(2)]
            both = json.loads(server.cli("twin", "risks", "-o", "json"))
            self.assertEqual(both["summary"]["services"], 2)
            names = {f["service"] for f in both["findings"] if f["kind"] == "service-breaks"}
            self.assertEqual(names, {f"{d}/user→{d}/web" for d in deployments})
            one = json.loads(server.cli("twin", "risks", "--deployment", deployments[0], "-o", "json"))
            broken = {f["element"]["id"] for f in one["findings"] if f["kind"] == "service-breaks"}
            self.assertEqual(broken, {"u", "duct"})  # the cheapest two sites are x and y
            duct = [d for d in one["dangers"] if d["element"]["id"] == "duct"][0]
            self.assertEqual(duct["advice"][0]["to"], "z")
            server.cli("twin", "risks", "--deployment", "dep-none", code=2)

    def open(self, server):
        need = dict(NEED, reliability={"mode": "active-active"})
        need = server.ok("POST", "/api/v1/requirements", {"requirement": need})["id"]
        solution = server.ok("POST", "/api/v1/solutions", {"requirement": need})["id"]
        server.cli("solution", "confirm", solution)
        order = server.cli("order", "create", solution, "-q").strip()
        plan = server.cli("plan", "create", order, "-q").strip()
        server.cli("run", "start", plan, "--yes")
        return server.ok("GET", f"/api/v1/orders/{order}")["status"]["deployment"]


if __name__ == "__main__":
    unittest.main(verbosity=1)
