#!/usr/bin/env python3
"""lean_test.py - swan lean report on what Swan itself makes, on traces of others and on random records, whose figures
are worked out a second time here, from the definitions alone."""
import json, math, os, pathlib, random, subprocess, sys, tempfile, unittest, xml.dom.minidom
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

HELLO = ("Deploy a hello web service on this machine, 2 replicas, 0.5 core and 256 MB memory each, "
         "latency at most 10 ms, budget 200 CNY per month")
OPEN = "在某公有云申请 2 台 8 核 16 G 内存 256 G 存储的云主机，并开通 5 M 的网络带宽，申请并绑定一个弹性公网 IP"


def report(text, *options, code=0):
    """JSON of the report on the text, or what stderr says when it is refused."""
    p = subprocess.run([str(swan.SWAN), "lean", "report", "-", "-o", "json", *options], input=text, text=True,
                       capture_output=True, env=dict(os.environ, SWAN_LANG="en", NO_COLOR="1"), timeout=120)
    assert (p.returncode == 0) == (code == 0), f"exit {p.returncode}\n{p.stderr}"
    return json.loads(p.stdout) if code == 0 else p.stderr


def lines(records):
    return "".join(json.dumps(r) + "\n" for r in records)


# ---- the definitions, a second time ----

def quantile(values, share):
    values = sorted(values)
    at = share * (len(values) - 1)
    low = math.floor(at)
    return values[low] if low + 1 >= len(values) else values[low] + (at - low) * (values[low + 1] - values[low])


def union(stretches):
    total, until = 0, -math.inf
    for a, b in sorted(stretches):
        total += max(0, b - max(a, until))
        until = max(until, b)
    return total


def ready(r, by_name):
    if "eligible_at" in r:
        return r["eligible_at"]
    ends = [by_name[a]["ended_at"] for a in r.get("after", [])] + ([r["queued_at"]] if "queued_at" in r else [])
    return max(ends) if ends else None


def value(kind):
    return "necessary" if "check" in kind else "waste" if "undo" in kind else "added"


def measured(records):
    """The figures of the report from its definitions; times of records in ms."""
    runs, out = {}, {}
    for r in records:
        runs.setdefault(r["run"], []).append(r)
    leads, serial, critical, valued, active, waits, kinds = [], 0, 0, 0, 0, [], {}
    waste = dict.fromkeys(("waiting", "defects", "transport", "inventory", "repeated"), 0.0)
    seen, clean, spans = set(), 0, []
    out["slack"], out["chain"] = {}, {}
    for name, run in runs.items():
        by_name = {r["task"]: r for r in run}
        duration = {r["task"]: (r["ended_at"] - r["started_at"]) / 1000 for r in run}
        begin = min(min(r.get("queued_at", r["started_at"]), r["started_at"]) for r in run)
        end = max(r["ended_at"] for r in run)
        spans.append((begin, end))
        leads.append((end - begin) / 1000)
        serial += sum(duration.values())
        earliest, latest = {}, {}
        for r in run:  # predecessors stand first
            earliest[r["task"]] = max([earliest[a] + duration[a] for a in r.get("after", [])], default=0)
        longest = max(earliest[t] + duration[t] for t in duration)
        for r in reversed(run):
            after = [x["task"] for x in run if r["task"] in x.get("after", [])]
            latest[r["task"]] = min([latest[x] - duration[x] for x in after], default=longest)
        for t in duration:
            out["slack"][name, t] = latest[t] - duration[t] - earliest[t]
        critical += longest
        spent = {r["task"]: value(r["kind"]) if r["state"] == "succeeded" else "waste" for r in run}
        valued += union([(r["started_at"], r["ended_at"]) for r in run if spent[r["task"]] == "added"]) / 1000
        active += union([(r["started_at"], r["ended_at"]) for r in run]) / 1000
        clean += all(r["state"] == "succeeded" and r["attempt"] == 1 for r in run)
        for r in run:
            at = ready(r, by_name)
            wait = 0 if at is None else max(0, r["started_at"] - at) / 1000
            waits.append(wait)
            kind = kinds.setdefault(r["kind"], {"duration": [], "wait": [], "good": 0})
            kind["duration"].append(duration[r["task"]])
            kind["wait"].append(wait)
            kind["good"] += r["state"] == "succeeded" and r["attempt"] == 1
            before = [by_name[a] for a in r.get("after", [])]
            last = max(before, key=lambda b: b["ended_at"], default=None)
            waste["transport" if last and last["actor"] != r["actor"] else "waiting"] += wait
            spoilt = duration[r["task"]]
            if spent[r["task"]] != "waste":
                spoilt *= (r["attempt"] - 1) / r["attempt"]
            waste["defects"] += spoilt
            users = [ready(x, by_name) for x in run if r["task"] in x.get("after", [])]
            if users:
                waste["inventory"] += max(0, min(users) - r["ended_at"]) / 1000
            if "key" in r and r["state"] == "succeeded":
                waste["repeated"] += duration[r["task"]] if (r["kind"], r["key"]) in seen else 0
                seen.add((r["kind"], r["key"]))
    period = (max(e for _, e in spans) - min(b for b, _ in spans)) / 1000
    out.update(serial_s=serial, critical_s=critical, parallel_rate=max(0, 1 - sum(leads) / serial),
               speed_up=serial / sum(leads), serial_rate=critical / serial, cycle_efficiency=valued / sum(leads),
               activity=active / sum(leads), clean_runs=clean / len(runs), throughput_h=len(runs) * 3600 / period,
               wip_mean=sum(leads) / period, wip_by_law=len(runs) / period * (sum(leads) / len(leads)),
               takt_s=period / len(runs), period_s=period,
               rolled_yield=math.prod(k["good"] / len(k["duration"]) for k in kinds.values()))
    out["lead"], out["wait"], out["kinds"], out["wastes"] = leads, waits, kinds, waste
    out["actors"] = {}
    for r in records:
        out["actors"][r["actor"]] = out["actors"].get(r["actor"], 0) + (r["ended_at"] - r["started_at"]) / 1000
    return out


def some_records(rand, runs):
    records, now = [], 1_700_000_000_000
    for k in range(runs):
        now += rand.randint(0, 60_000)
        done = []
        for t in range(rand.randint(1, 12)):
            after = rand.sample(done, min(len(done), rand.randint(0, 3)))
            at = max([now] + [a["ended_at"] for a in after])
            start = at + rand.choice((0, 0, rand.randint(1, 9000)))
            record = {"run": f"run {k}", "task": f"t{t}", "kind": rand.choice(("open", "deliver", "check it", "start", "undo")),
                      "actor": f"actor {k} {rand.randint(0, 2)}", "after": [a["task"] for a in after], "queued_at": now,
                      "started_at": start, "ended_at": start + rand.randint(1, 20_000), "attempt": rand.choice((1, 1, 1, 2, 3)),
                      "state": rand.choice(("succeeded",) * 7 + ("failed",))}
            if rand.random() < 0.2:
                record["eligible_at"] = rand.randint(at, start)
            if rand.random() < 0.3:
                record["key"] = f"k{rand.randint(0, 20)}"
            records.append(record)
            done.append(record)
    return records


class Definitions(unittest.TestCase):
    def near(self, seen, expected, what):
        self.assertTrue(math.isclose(seen, expected, rel_tol=1e-9, abs_tol=1e-7), f"{what}: {seen}, not {expected}")

    def test_random_records_have_the_figures_of_the_definitions(self):
        for seed in range(12):
            records = some_records(random.Random(seed), 3 + 5 * seed)
            seen, expected = report(lines(records), "--rate", "3600"), measured(records)
            for name in ("serial_s", "critical_s", "parallel_rate", "speed_up", "serial_rate", "cycle_efficiency", "activity",
                         "clean_runs", "throughput_h", "wip_mean", "wip_by_law", "takt_s", "period_s", "rolled_yield"):
                self.near(seen[name], expected[name], f"seed {seed}: {name}")
            for share, name in ((0.5, "p50_s"), (0.9, "p90_s"), (0.99, "p99_s"), (1, "most_s")):
                self.near(seen["lead"][name], quantile(expected["lead"], share), name)
                self.near(seen["wait"][name], quantile(expected["wait"], share), name)
            self.assertEqual({k["kind"] for k in seen["kinds"]}, set(expected["kinds"]))
            for kind in seen["kinds"]:
                mine = expected["kinds"][kind["kind"]]
                self.near(kind["complete_accurate"], mine["good"] / len(mine["duration"]), "%C&A")
                for what in ("duration", "wait"):
                    self.near(kind[what]["sum_s"], sum(mine[what]), what)
                    self.near(kind[what]["p90_s"], quantile(mine[what], 0.9), what)
            for waste in seen["wastes"]:  # actors stay with one run: no change-over takes of the waits
                if waste["class"] in expected["wastes"]:
                    self.near(waste["seconds"], expected["wastes"][waste["class"]], waste["class"])
                    self.near(waste["money"], waste["seconds"], "money at one a second")
            for actor in seen["actors"]:
                self.near(actor["utilisation"], expected["actors"][actor["name"]] / expected["period_s"], actor["name"])

    def test_each_task_of_a_run_has_its_times_and_its_slack(self):
        records = some_records(random.Random(99), 8)
        expected = measured(records)
        for name in {r["run"] for r in records}:
            run = report(lines(records), "--run", name)["run"]
            mine = {r["task"]: r for r in records if r["run"] == name}
            by_name = dict(mine)
            self.assertEqual({t["task"] for t in run["tasks"]}, set(mine))
            for t in run["tasks"]:
                r = mine[t["task"]]
                self.near(t["duration_s"], (r["ended_at"] - r["started_at"]) / 1000, "duration")
                self.near(t["wait_s"], max(0, r["started_at"] - ready(r, by_name)) / 1000, "wait")
                slack = expected["slack"][name, t["task"]]
                self.assertLess(abs(t["slack_s"] - slack), 6e-4)
                self.assertEqual(t["critical"], slack < 5e-4)
            chain = [t for t in run["tasks"] if t["longest_chain"]]
            self.near(sum(t["duration_s"] for t in chain), run["critical_s"], "the longest chain")
            for a, b in zip(chain, chain[1:]):
                self.assertIn(a["task"], mine[b["task"]]["after"])

    def test_little_and_takt_of_a_known_flow(self):
        # 10 runs of 30 s, one begun each 20 s: 210 s, 1.43 at a time, at most 2
        seen = report(lines({"run": str(k), "task": "t", "started_at": 20_000 * k + 1000, "ended_at": 20_000 * k + 31_000}
                            for k in range(10)), "--available", "100", "--demand", "20")
        self.near(seen["wip_mean"], 300 / 210, "WIP")
        self.near(seen["wip_by_law"], 10 / 210 * 30, "by the law")
        self.assertEqual(seen["wip_most"], 2)
        self.assertEqual(seen["takt_s"], 5)

    def test_three_steps_at_ninety_percent_roll_to_seventy_three(self):
        seen = report(lines({"run": str(k), "task": kind, "kind": kind, "started_at": 1000, "ended_at": 2000,
                             "attempt": 2 if (k + 3 * i) % 10 == 0 else 1}
                            for k in range(10) for i, kind in enumerate("abc")))
        self.near(seen["rolled_yield"], 0.729, "rolled yield")

    def test_two_periods_are_told_apart_by_the_rank_test(self):
        rand = random.Random(5)
        old = [{"run": f"a{k}", "task": "t", "kind": "x", "started_at": 1000 * k, "ended_at": 1000 * k + rand.randint(100, 900)}
               for k in range(1, 31)]
        new = [{"run": f"b{k}", "task": "t", "kind": "x", "started_at": 90_000 + 1000 * k,
                "ended_at": 90_000 + 1000 * k + rand.randint(300, 1100)} for k in range(1, 26)]
        seen = report(lines(old + new), "--split", "1970-01-01T00:01:30Z")["comparison"]
        a, b = ([r["ended_at"] - r["started_at"] for r in side] for side in (old, new))
        u = sum((y > x) + (y == x) / 2 for x in a for y in b)
        n, m = len(a), len(b)
        ties = sum(c ** 3 - c for c in (sum(v == w for v in a + b) for w in set(a + b)))
        variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
        p = math.erfc((abs(u - n * m / 2) - 0.5) / math.sqrt(2 * variance))
        for item in seen:  # lead time and the kind are the same numbers: Holm doubles both
            self.near(item["p"], min(1, 2 * p), item["what"])
            self.near(item["shift"], 2 * u / (n * m) - 1, item["what"])
            self.near(item["before_p50_s"], quantile(a, 0.5) / 1000, item["what"])
            self.assertEqual(item["significant"], 2 * p < 0.05)


class Proposals(unittest.TestCase):
    """Flows so small that what a proposal gains can be said without a computer."""

    def gain(self, records, name):
        items = {i["proposal"]: i["gain_s"] for i in report(lines(records))["proposals"]["items"]}
        return items.get(name, 0)

    def chain(self, run, *tasks, base=1_000_000):
        """Tasks (kind, seconds, more) one after the other, nobody waits."""
        out, at = [], base
        for i, (kind, seconds, more) in enumerate(tasks):
            out.append({"run": run, "task": f"t{i}", "kind": kind, "started_at": at, "ended_at": at + 1000 * seconds,
                        "after": [f"t{i - 1}"] if i else [], **more})
            at += 1000 * seconds
        return out

    def test_early_distribution_saves_the_shorter_of_both(self):
        # open 10 s, then deliver 6 s, then start 2 s: 18 s; with deliver from the beginning on 12 s
        records = self.chain("r", ("open", 10, {}), ("deliver", 6, {}), ("start", 2, {}))
        records[2]["after"] = ["t0", "t1"]
        self.assertEqual(self.gain(records, "early-distribution"), 6)

    def test_a_removal_is_nothing_to_move_early(self):
        records = self.chain("r", ("open", 10, {}), ("remove deliver", 6, {}))
        self.assertEqual(self.gain(records, "early-distribution"), 0)

    def test_a_dependency_is_unneeded_when_three_runs_did_without(self):
        tied = self.chain("tied", ("open", 10, {}), ("paint", 4, {}))  # 14 s; free of it 10 s
        free = [{"run": f"free {k}", "task": t, "kind": t, "started_at": 1_000_000, "ended_at": 1_000_000 + 1000 * s}
                for k in range(3) for t, s in (("open", 10), ("paint", 4))]
        self.assertEqual(self.gain(tied + free, "unneeded-dependency"), 4 / 4)  # a run, over four runs
        self.assertEqual(self.gain(tied + free[:4], "unneeded-dependency"), 0)  # two are too few

    def test_a_task_beside_the_predecessor_of_another_proves_nothing(self):
        # in each run: start a after deliver a; start b began while deliver a ran, but only after deliver b
        records = []
        for k in range(5):
            for name, begin in (("a", 5), ("b", 0)):
                at = 1_000_000 + 1000 * begin
                records += [{"run": str(k), "task": f"d{name}", "kind": "deliver", "started_at": at, "ended_at": at + 4000},
                            {"run": str(k), "task": f"s{name}", "kind": "start", "after": [f"d{name}"],
                             "started_at": at + 4000, "ended_at": at + 9000}]
        self.assertEqual(self.gain(records, "unneeded-dependency"), 0)

    def test_one_more_at_once_shortens_a_queue(self):
        # three of 10 s, one at a time: 30 s; two at a time 20 s
        records = [{"run": "r", "task": f"t{i}", "kind": "x", "queued_at": 1000, "started_at": 1000 + 10_000 * i,
                    "ended_at": 11_000 + 10_000 * i} for i in range(3)]
        self.assertEqual(self.gain(records, "parallelism"), 10)

    def test_work_done_twice_is_kept(self):
        records = self.chain("r", ("build", 7, {"key": "k"}), ("build", 5, {"key": "k"}), ("build", 3, {"key": "other"}))
        self.assertEqual(self.gain(records, "memoise"), 5)
        again = self.chain("later", ("build", 7, {"key": "k"}), base=9_000_000)  # in another run, too
        self.assertEqual(self.gain(records + again, "memoise"), (5 + 7) / 2)

    def test_things_kept_near_move_as_fast_as_the_fastest_tenth(self):
        # ten pulls of 2 s at best, 9 s otherwise: each run falls to 2 s
        records = [r for k in range(10) for r in self.chain(str(k), ("pull", 2 if k == 0 else 9, {}), base=1_000_000 * (k + 1))]
        self.assertAlmostEqual(self.gain(records, "cache"), 9 * 7 / 10)

    def test_like_tasks_at_one_site_are_set_up_once(self):
        # ten boots, the fastest takes 3 s; the second of a run at the same site saves that
        records = [r for k in range(5) for r in self.chain(str(k), ("boot", 3, {"site": "s"}), ("boot", 8, {"site": "s"}),
                                                           base=1_000_000 * (k + 1))]
        self.assertEqual(self.gain(records, "pack"), 3)
        for r in records:
            r["site"] = r["task"]
        self.assertEqual(self.gain(records, "pack"), 0)


class Traces(unittest.TestCase):
    """The same workflow in each form that WfCommons had."""
    TASKS = (("split_1", 3, []), ("blast_2", 10, ["split_1"]), ("blast_3", 7, ["split_1"]), ("cat_4", 2, ["blast_2", "blast_3"]))

    def test_each_schema_gives_the_same_figures(self):
        flat = {"1.3": ("runtime", "machine"), "1.4": ("runtimeInSeconds", "machines")}
        texts = {}
        for schema, (runtime, machine) in flat.items():
            texts[schema] = {"name": "w", "schemaVersion": schema, "workflow": {"tasks": [
                {"name": n, "id": f"{i:08d}", "type": "compute", "parents": p, runtime: s, machine: "m" if schema == "1.3" else ["m"]}
                for i, (n, s, p) in enumerate(self.TASKS)]}}
        for schema in ("1.5", "1.6"):
            texts[schema] = {"name": "w", "schemaVersion": schema, "workflow": {
                "specification": {"tasks": [{"name": n, "id": n, "parents": p, "children": []} for n, _, p in self.TASKS]},
                "execution": {"makespanInSeconds": 15, "tasks": [
                    # the moment of writing, as generators put it there: no start that can be
                    {"id": n, "runtimeInSeconds": s, "machines": ["m"], "executedAt": "2026-11-23T20:01:04.7Z"} for n, s, _ in reversed(self.TASKS)]}}}
        for schema, text in texts.items():
            seen = report(json.dumps(text))
            self.assertEqual((seen["tasks"], seen["serial_s"], seen["critical_s"]), (4, 22, 15), schema)
            self.assertEqual({k["kind"]: k["duration"]["count"] for k in seen["kinds"]}, {"split": 1, "blast": 2, "cat": 1})
            self.assertEqual(seen["lead"]["p50_s"], 15)
            self.assertEqual(seen["actors"][0]["name"], "m")
            self.assertTrue(seen["starts_derived"])
            self.assertEqual(sorted((t["kind"], t["slack_s"]) for t in seen["run"]["tasks"]),
                             [("blast", 0), ("blast", 3), ("cat", 0), ("split", 0)])


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = swan.Server().start()
        cls.server.import_starter()
        cls.server.publish_hello()
        cls.server.wait_local_site()
        cls.server.cli("launch", HELLO, "--yes")
        cls.opened, _ = cls.server.launch(OPEN, simulate=True)
        assert cls.server.wait_run(cls.opened) == "succeeded"
        listed = json.loads(cls.server.cli("run", "list", "-o", "json"))["items"]
        cls.runs = {r["id"]: json.loads(cls.server.cli("run", "show", r["id"], "-o", "json")) for r in listed}

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def tasks(self):
        return [t for r in self.runs.values() for t in r["status"]["tasks"]]

    def test_the_runs_of_the_server_are_reported(self):
        seen = json.loads(self.server.cli("lean", "report", "-o", "json"))
        self.assertEqual(seen["runs"], len(self.runs))
        self.assertEqual(seen["tasks"], len(self.tasks()))
        self.assertEqual(seen["incomplete"], 0)
        self.assertEqual({k["kind"] for k in seen["kinds"]}, {t["kind"] for t in self.tasks()})
        self.assertEqual({a["name"] for a in seen["actors"]}, {t["provider"] for t in self.tasks()})
        one = json.loads(self.server.cli("lean", "report", "--limit", "1", "-o", "json"))
        self.assertEqual(one["runs"], 1)

    def test_a_run_is_listed_with_the_times_of_its_record(self):
        seen = json.loads(self.server.cli("lean", "report", "--run", self.opened, "-o", "json"))["run"]
        record = {t["id"]: t for t in self.runs[self.opened]["status"]["tasks"]}
        self.assertEqual(seen["run"], self.opened)
        self.assertEqual({t["task"] for t in seen["tasks"]}, set(record))
        for t in seen["tasks"]:
            self.assertEqual((t["start"], t["end"]), (record[t["task"]]["started_at"], record[t["task"]]["ended_at"]))
            self.assertEqual(t["attempts"], record[t["task"]]["attempt"])
            self.assertEqual(t["wait_s"] > 0, "cause" in t)

    def test_printed_records_and_lists_can_be_piped(self):
        shown = "".join(json.dumps(r, indent=2) + "\n" for r in self.runs.values())
        alone = json.loads(self.server.cli("lean", "report", "-", "-o", "json", stdin=shown))
        self.assertEqual(alone["tasks"], len(self.tasks()))
        listed = self.server.cli("run", "list", "-o", "json")  # without tasks: the server is asked for them
        self.assertEqual(json.loads(self.server.cli("lean", "report", "-", "-o", "json", stdin=listed))["tasks"],
                         len(self.tasks()))
        self.server.cli("lean", "report", "-", stdin=listed, code=None, env={"SWAN_SERVER": "http://127.0.0.1:1"})
        self.assertIn("without their tasks", self.server.stderr)

    def test_drawings_are_wellformed(self):
        with tempfile.TemporaryDirectory() as folder:
            gantt, stream = os.path.join(folder, "g.svg"), os.path.join(folder, "v.svg")
            for lang, word in (("en", "critical path"), ("zh", "关键路径")):
                self.server.cli("lean", "report", "--gantt", gantt, "--value-stream", stream, lang=lang)
                for path in (gantt, stream):
                    xml.dom.minidom.parse(path)
                self.assertIn(word, pathlib.Path(gantt).read_text())

    def test_a_run_that_is_not_there_is_not_found(self):
        self.server.cli("lean", "report", "--run", "run-nowhere", code=None)
        self.assertIn("run-nowhere", self.server.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
