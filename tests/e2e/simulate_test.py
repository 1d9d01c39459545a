#!/usr/bin/env python3
"""swan twin simulate as people and programs use it: two cities, their edge and cloud sites; what comes out is reckoned
here again, by hand where work and ways are constant and by Erlang's formula where there are queues."""
import json, os, subprocess, sys, tempfile, unittest

SWAN = os.path.join(os.environ.get("SWAN_BUILD", "build"), "swan")


def site(name, tier, region, available):
    return {"id": name, "tier": tier, "regions": [region, "中国"], "arch": ["x86_64"], "protection_level": 3,
            "capacity": {"vcpus": 64, "memory_gib": 256, "disk_gib": 4000}, "availability_percent": available,
            "price": {"vcpu_hour": 0.12 if tier == "edge" else 0.2, "memory_gib_hour": 0.03, "disk_gib_month": 0.35,
                      "bandwidth_mbps_month": 20}}


def link(a, b, latency_ms, **more):
    return {"a": a, "b": b, "type": "optical", "latency_ms": latency_ms, "bandwidth_mbps": 10000, **more}


NETWORK = {
    "currency": "CNY",
    "access": [{"id": "上海", "lat": 31.23, "lon": 121.47}, {"id": "杭州", "lat": 30.27, "lon": 120.15}],
    "sites": [site("sh-edge", "edge", "上海", 99), site("hz-edge", "edge", "杭州", 98),
              site("sh-cloud", "public-cloud", "上海", 99.9), site("hz-cloud", "public-cloud", "杭州", 99.5)],
    "links": [link("上海", "sh-edge", 1), link("杭州", "hz-edge", 1), link("上海", "sh-cloud", 2),
              link("杭州", "hz-cloud", 2), link("上海", "杭州", 4), link("sh-edge", "sh-cloud", 2)]}

CONSTANT = {"slots": 1000, "service_cv": 0}


def erlang_c(slots, load):
    blocked = 1
    for c in range(1, slots + 1):
        blocked = load * blocked / (c + load * blocked)
    return blocked / (1 - load / slots * (1 - blocked))


class Simulate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.network = self.write("network.json", json.dumps(NETWORK))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def swan(self, *arguments):
        return subprocess.run([SWAN, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def simulate(self, scenario, *more):
        text = scenario if isinstance(scenario, str) else json.dumps(scenario)
        return self.swan("twin", "simulate", "--network", self.network, "--faults", self.write("faults.yaml", text), *more)

    def answer(self, scenario, *more):
        run = self.simulate(scenario, "-o", "json", *more)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def stretches(self, answer, flow):
        return {(one["from_s"], one["to_s"]): one for one in answer["timeline"] if one["flow"] == flow}

    def near(self, got, wanted, share):
        self.assertLessEqual(abs(got - wanted), share * abs(wanted), f"{got} is not {wanted}")

    def test_a_dead_line_is_noticed_and_the_longer_way_taken(self):
        """Users 1 ms to the edge, 20 ms of work, 2 ms to the cloud, 5 ms of work: 31 ms there and back; around the
        dead line the cloud is 1 + 2 ms away: 33 ms."""
        answer = self.answer({
            "duration_s": 300, "reroute_s": 5,
            "services": [{"name": "web", "sites": ["sh-edge"], "service_ms": 20, "calls": [{"to": "db"}], **CONSTANT},
                         {"name": "db", "sites": ["sh-cloud"], "service_ms": 5, **CONSTANT}],
            "flows": [{"name": "users", "from": "上海", "to": "web", "rate_per_s": 100}],
            "faults": [{"kind": "fail", "a": "sh-edge", "b": "sh-cloud", "at_s": 100, "until_s": 200}]})
        self.assertEqual([(one["at_s"], one["stage"]) for one in answer["happenings"]],
                         [(100, "begins"), (105, "noticed"), (200, "ends"), (205, "end noticed")])
        seen = self.stretches(answer, "users")
        for bounds, ms in {(0, 100): 31, (105, 200): 33, (200, 205): 33, (205, 300): 31}.items():
            self.near(seen[bounds]["with"]["p50_ms"], ms, 1e-9)
            self.near(seen[bounds]["with"]["p99_ms"], ms, 1e-9)
        # who comes in the last 21 ms is at the line when its loss is known
        self.near(seen[(100, 105)]["with"]["loss"], 1 - 0.021 / 5, 0.005)
        self.assertEqual(seen[(100, 105)]["with"]["availability"], 0)
        self.assertEqual(seen[(105, 200)]["with"]["lost"], 0)
        self.assertEqual([seen[k]["state"] for k in sorted(seen)], ["same", "down", "same", "same", "same"])
        phases = {one["phase"]: one for one in answer["outcomes"]}
        self.near(phases["during"]["with"]["availability"], 0.95, 1e-9)
        self.near(phases["during"]["mean_change_ms"], 2, 1e-6)
        for one in answer["outcomes"] + answer["timeline"]:
            for run in one["with"], one["base"]:
                self.assertEqual(run["offered"], run["answered"] + run["lost"])

    def test_a_dead_site_costs_its_share_until_failover_and_then_the_other_has_it_all(self):
        """Two edges of two slots at 10 ms share 160 requests a second: M/M/2 at 80 a second each, then at 160."""
        scenario = {
            "duration_s": 1200, "failover_s": 30,
            "services": [{"name": "web", "sites": ["sh-edge", "hz-edge"], "slots": 2, "service_ms": 10}],
            "flows": [{"name": "users", "from": "上海", "to": "web", "rate_per_s": 160}],
            "faults": [{"kind": "fail", "site": "hz-edge", "at_s": 400, "until_s": 800}]}
        seen = self.stretches(self.answer(scenario), "users")
        half = 10 + erlang_c(2, 0.8) * 10 / (2 - 0.8)
        whole = 10 + erlang_c(2, 1.6) * 10 / (2 - 1.6)
        self.near(seen[(0, 400)]["with"]["mean_ms"], half + (2 * 1 + 2 * 5) / 2, 0.02)  # 1 ms and 4 + 1 ms away
        self.near(seen[(430, 800)]["with"]["mean_ms"], whole + 2, 0.05)
        self.near(seen[(400, 430)]["with"]["loss"], 0.5, 0.05)
        self.assertEqual(seen[(400, 430)]["with"]["availability"], 1)  # the other could be reached
        self.assertEqual(seen[(430, 800)]["with"]["lost"], 0)
        steady = self.answer(scenario, "--analytic")["flows"]
        self.near(steady[0]["mean_ms"], half + 6, 1e-9)
        self.near(steady[1]["mean_ms"], whole + 2, 1e-9)
        stations = {one["site"]: one for one in self.answer(scenario)["stations"]}
        self.assertGreater(stations["sh-edge"]["visits"], stations["sh-edge"]["base_visits"] * 1.2)
        self.assertLess(stations["hz-edge"]["utilisation"], stations["hz-edge"]["base_utilisation"] * 0.8)
        scenario["flows"][0].update(retries=12, backoff_ms=1)
        tried = self.stretches(self.answer(scenario), "users")[(400, 430)]
        self.assertEqual(tried["with"]["lost"], 0)  # twelve times at 1/2: once in 8192
        self.near(tried["with"]["retries"] / tried["with"]["offered"], 1, 0.1)  # 1/2 + 1/4 + …

    def test_what_grows_is_busier_then_saturated(self):
        """One slot at 10 ms: 40 a second wait 100/60 times, 80 a second 100/20 times as long."""
        answer = self.answer({
            "duration_s": 3000, "services": [{"name": "web", "sites": ["sh-edge"], "slots": 1, "service_ms": 10}],
            "flows": [{"name": "users", "from": "上海", "to": "web", "rate_per_s": 40}],
            "faults": [{"kind": "grow", "flow": "users", "factor": 2, "at_s": 1000, "until_s": 2000}]})
        seen = self.stretches(answer, "users")
        self.near(seen[(0, 1000)]["with"]["mean_ms"], 1000 / 60 + 2, 0.03)
        self.near(seen[(1000, 2000)]["with"]["mean_ms"], 1000 / 20 + 2, 0.08)
        self.near(seen[(1000, 2000)]["with"]["throughput_per_s"], 80, 0.02)
        self.assertEqual(seen[(1000, 2000)]["state"], "slower")
        self.assertEqual(seen[(0, 1000)]["state"], "same")

    def test_many_runs_give_intervals(self):
        """M/M/1 at 40 of 100 a second: 1000/60 ms of visit and 2 ms of way."""
        answer = self.answer({
            "duration_s": 300, "services": [{"name": "web", "sites": ["sh-edge"], "slots": 1, "service_ms": 10}],
            "flows": [{"name": "users", "from": "上海", "to": "web", "rate_per_s": 40}]}, "--runs", "12")
        self.assertEqual(answer["runs"], 12)
        one = answer["outcomes"][0]
        self.assertLessEqual(abs(one["mean_ms"] - (1000 / 60 + 2)), 2 * one["mean_half_ms"])
        self.assertLess(one["mean_half_ms"], 1)

    def test_availability_is_the_closed_form(self):
        answer = self.answer({
            "duration_s": 1,
            "services": [{"name": "web", "sites": ["sh-edge", "hz-edge"], "service_ms": 1, "calls": [{"to": "db"}]},
                         {"name": "db", "sites": ["sh-cloud", "hz-cloud"], "service_ms": 1}],
            "flows": [{"name": "users", "from": "上海", "to": "web", "rate_per_s": 1}]}, "--availability", "200000")
        wanted = (1 - 0.01 * 0.02) * (1 - 0.001 * 0.005)
        one = answer["flows"][0]
        self.near(one["exact"], wanted, 1e-12)
        self.assertLessEqual(one["low"], wanted)
        self.assertGreaterEqual(one["high"], wanted)

    def test_a_designed_solution_is_simulated_as_it_is(self):
        """Both components on the same two sites: while one is dead and nobody knows, a request comes through when
        both of its visits go to the other one: a quarter."""
        need = self.write("need.json", json.dumps({
            "user_location": "上海", "components": [{"name": "web", "vcpus": 4, "memory_gib": 8, "tier": "edge"},
                                                   {"name": "db", "vcpus": 8, "memory_gib": 32, "tier": "edge"}],
            "flows": [{"from": "user", "to": "web", "max_latency_ms": 20, "bandwidth_mbps": 50},
                      {"from": "web", "to": "db", "max_latency_ms": 20}],
            "reliability": {"mode": "active-active"}, "service_level": {"throughput_per_s": 200}}))
        design = self.swan("solution", "design", "--network", self.network, "--requirement", need, "-o", "json")
        self.assertEqual(design.returncode, 0, design.stderr)
        chosen = {one["site"] for one in json.loads(design.stdout)["solutions"][0]["placements"]}
        self.assertEqual(chosen, {"sh-edge", "hz-edge"})
        faults = {"duration_s": 300, "failover_s": 20,
                  "services": [{"name": "web", "service_ms": 10}, {"name": "db", "service_ms": 4}],
                  "faults": [{"kind": "fail", "site": "hz-edge", "at_s": 100}]}
        more = ["--solution", self.write("solution.json", design.stdout), "--requirement", need]
        answer = self.answer(faults, *more)
        seen = self.stretches(answer, answer["outcomes"][0]["flow"])
        self.near(seen[(0, 100)]["with"]["throughput_per_s"], 200, 0.03)
        self.near(seen[(100, 120)]["with"]["loss"], 0.75, 0.04)
        self.assertEqual(seen[(120, 300)]["with"]["lost"], 0)
        self.assertEqual(self.simulate(faults, *more[:2]).returncode, 2)  # the requirement is missing
        run = self.simulate(faults, *more, "--choice", "99")
        self.assertEqual(run.returncode, 2)
        self.assertIn("--choice", run.stderr)

    def test_recorded_requests_are_played(self):
        tasks = [{"at_s": i / 10, "site": "sh-edge", "work_ms": 200} for i in range(5)]
        answer = self.answer({
            "duration_s": 10, "services": [{"name": "web", "sites": ["sh-edge"], "slots": 1, "service_ms": 1}],
            "flows": [{"name": "log", "from": "上海", "to": "web", "tasks": tasks}]})
        for i, one in enumerate(answer["tasks"]):
            self.near(one["response_ms"], 202 + 100 * i, 1e-9)  # each waits 100 ms more than the one before

    def test_the_table_says_what_happens_when_in_both_languages(self):
        text = ("duration_s: 60\nfailover_s: 5\nservices:\n  - {name: web, sites: [sh-edge], slots: 4, service_ms: 10}\n"
                "flows:\n  - {name: users, from: 上海, to: web, rate_per_s: 50}\n"
                "faults:\n  - {kind: fail, site: sh-edge, at_s: 20, until_s: 40}\n")
        for language, words in ("en", ["sh-edge fails", "the failure of sh-edge is noticed", "sh-edge is back", "during",
                                       "down", "as usual", "20–25"]), ("zh", ["sh-edge 失效", "期间", "停止", "照常"]):
            run = self.simulate(text, "--lang", language)
            self.assertEqual(run.returncode, 0, run.stderr)
            for word in words:
                self.assertIn(word, run.stdout)
        self.assertEqual(self.simulate(text).stdout, self.simulate(text).stdout)

    def test_what_is_wrong_is_named_with_its_place(self):
        good = ("duration_s: 60\nservices:\n  - {name: web, sites: [sh-edge], service_ms: 10}\n"
                "flows:\n  - {name: users, from: 上海, to: web, rate_per_s: 5}\nfaults:\n"
                "  - {kind: fail, site: sh-edge, at_s: 20, until_s: 40}\n")
        for old, new, words in [("until_s", "untill_s", ["line 7", "untill_s"]), ("site: sh-edge", "site: sh-eddge", ["faults[0].site"]),
                                ("service_ms: 10", "service_ms: -1", ["line 3", "service_ms"]), ("duration_s: 60", "", ["duration_s"]),
                                ("rate_per_s: 5", "retries: 1", ["line 5", "rate_per_s"]), ("from: 上海", "from: 北京", ["flows[0].from", "北京"]),
                                ("kind: fail", "kind: melt", ["line 7", "kind"]), ("at_s: 20", "at_s: 70, x: 1", ["line 7"]),
                                ("services:", "services", ["line"])]:
            self.assertIn(old, good)
            run = self.simulate(good.replace(old, new, 1))
            self.assertEqual(run.returncode, 2, run.stdout)
            self.assertEqual(run.stdout, "")
            for word in words:
                self.assertIn(word, run.stderr)
        self.assertEqual(self.swan("twin", "simulate", "--network", self.network).returncode, 2)
        self.assertNotEqual(self.swan("twin", "simulate", "--network", self.network, "--faults", "/nowhere").returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
