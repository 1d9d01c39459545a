#!/usr/bin/env python3
"""loop_test.py - one sentence to a running, watched service, as a user sees it: command line and API against a real
server with real processes.  Each test's name says what must hold."""
import concurrent.futures, json, os, pathlib, re, signal, subprocess, sys, unittest
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

ZH = "在本机部署一个 hello 网页服务，2个副本，每个0.5核256M内存，要求时延不超过10ms，预算每月200元"
EN = ("Deploy a hello web service on this machine, 2 replicas, 0.5 core and 256 MB memory each, "
      "latency at most 10 ms, budget 200 CNY per month")
PAPER = "在某公有云申请 2 台 8 核 16 G 内存 256 G 存储的云主机，并开通 5 M 的网络带宽，申请并绑定一个弹性公网 IP"


class Loop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = swan.Server().start()
        cls.server.import_starter()
        cls.server.publish_hello()
        cls.server.wait_local_site()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def deployments(self):
        return json.loads(self.server.cli("deployment", "list", "-o", "json"))["items"]

    def launched(self, words, *options, lang="en"):
        """Launches by the command line; (deployment record, what was printed)."""
        before = {d["id"] for d in self.deployments()}
        text = self.server.cli("launch", words, "--yes", *options, lang=lang)
        new = [d for d in self.deployments() if d["id"] not in before]
        self.assertEqual(len(new), 1, text)
        return new[0], text

    def remove(self, deployment):
        self.server.cli("deployment", "delete", deployment, "--yes")
        swan.wait_for("the deployment is removed",
                      lambda: self.server.ok("GET", f"/api/v1/deployments/{deployment}")["status"]["state"] == "removed", 30)

    def test_a_chinese_sentence_becomes_two_processes_that_answer(self):
        deployment, text = self.launched(ZH, lang="zh")
        urls = deployment["status"]["urls"]
        self.assertEqual(len(urls), 2)
        for url in urls:
            self.assertIn(url, text)
            status, body = swan.http_get(url)
            self.assertEqual(status, 200)
            self.assertIn(deployment["id"], body)
        running = self.server.instances(deployment["id"])
        self.assertEqual({n: len(p) for n, p in running.items()}, {n: 1 for n in running})
        self.assertEqual(len(running), 2)
        self.remove(deployment["id"])
        self.assertEqual(self.server.instances(deployment["id"]), {})
        for url in urls:
            with self.assertRaises(OSError):
                swan.http_get(url, 2)

    def test_the_same_in_english(self):
        deployment, text = self.launched(EN)
        self.assertEqual(len(deployment["status"]["urls"]), 2)
        self.assertEqual(deployment["status"]["state"], "up")
        self.assertFalse(deployment["status"]["simulated"])
        self.remove(deployment["id"])

    def test_run_deployment_and_twin_tell_the_truth(self):
        deployment, _ = self.launched(EN)
        run = json.loads(self.server.cli("run", "show", deployment["status"]["run"], "-o", "json"))
        self.assertEqual(run["status"]["state"], "succeeded")
        self.assertTrue(all(t["state"] == "succeeded" for t in run["status"]["tasks"]))
        twin = json.loads(self.server.cli("twin", "show", deployment["id"], "-o", "json"))
        kinds = sorted(e["kind"] for e in twin["entities"])
        self.assertEqual(kinds, ["application", "deployment", "instance", "instance", "site"])
        names = {e["name"] for e in twin["entities"] if e["kind"] == "instance"}
        self.assertEqual(names, set(self.server.instances(deployment["id"])))
        self.assertIn("runs-on", {e["relation"] for e in twin["edges"]})
        # an instance and its supervisor die: the twin and the deployment must say so
        name, pids = sorted(self.server.instances(deployment["id"]).items())[0]
        for pid in self.server.supervisors():
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            if name in command:
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

        def seen_dead():
            view = self.server.ok("GET", f"/api/v1/deployments/{deployment['id']}/twin")
            return [e for e in view["entities"] if e["name"] == name and e["state"] == "dead"]
        swan.wait_for("the twin says that the instance is dead", seen_dead, 20)
        state = self.server.ok("GET", f"/api/v1/deployments/{deployment['id']}")["status"]["state"]
        self.assertEqual(state, "degraded")
        self.remove(deployment["id"])
        # time travel: before the removal it was there
        gone = self.server.ok("GET", f"/api/v1/deployments/{deployment['id']}/twin")
        self.assertEqual([e for e in gone["entities"] if e["kind"] == "instance"], [])
        then = self.server.ok("GET", f"/api/v1/deployments/{deployment['id']}/twin?at={run['status']['ended_at']}")
        self.assertEqual(len([e for e in then["entities"] if e["kind"] == "instance"]), 2)

    def test_a_crashed_process_is_started_again(self):
        deployment, _ = self.launched(EN)
        name, pids = sorted(self.server.instances(deployment["id"]).items())[0]
        os.kill(pids[0], signal.SIGKILL)
        swan.wait_for("the supervisor starts it again",
                      lambda: self.server.instances(deployment["id"]).get(name, [0])[0] not in (0, pids[0]), 15)
        self.remove(deployment["id"])

    def test_the_papers_example_is_priced_and_opened_as_simulated(self):
        deployment, text = self.launched(PAPER)
        self.assertTrue(deployment["status"]["simulated"])
        self.assertIn("simulat", text.lower())
        solution = self.server.ok("GET", f"/api/v1/solutions/{deployment['spec']['solution']}")
        chosen = solution["spec"]["answer"]["solutions"][0]
        self.assertTrue(chosen["catalogue_only"])
        items = {line["item"] for line in chosen["cost_lines"]}
        self.assertTrue({"flavor", "disk", "bandwidth"} <= items, items)
        self.assertAlmostEqual(sum(line["amount"] for line in chosen["cost_lines"]), chosen["cost"], places=6)
        self.assertTrue(all(line.get("basis") and line.get("source") for line in chosen["cost_lines"]))
        self.assertEqual(len(chosen["evaluation"]["dimensions"]), 5)
        kinds = sorted(i["kind"] for i in deployment["status"]["instances"])
        self.assertEqual(kinds, ["address.open", "bandwidth.open", "server.open", "server.open"])
        self.assertTrue(all(i["simulated"] for i in deployment["status"]["instances"]))
        self.remove(deployment["id"])

    def test_an_impossible_need_says_what_conflicts_and_exits_with_3(self):
        text = self.server.cli("launch", ZH.replace("200元", "1元"), "--yes", code=3)
        self.assertIn("budget", (text + self.server.stderr).lower())
        problem = self.server.api("POST", "/api/v1/solutions", {"text": ZH.replace("200元", "1元")})
        self.assertEqual(problem.status, 422)
        self.assertTrue(problem.json["conflict"])
        self.assertTrue(problem.json["relaxations"])

    def test_without_terminal_and_consent_nothing_is_opened(self):
        before = len(self.deployments())
        self.server.cli("launch", ZH, code=2)
        self.assertIn("--yes", self.server.stderr)
        self.assertEqual(len(self.deployments()), before)

    def test_the_loop_by_the_api_alone(self):
        run, deployment = self.server.launch(ZH, key="loop-by-api")
        self.assertEqual(self.server.wait_run(run), "succeeded")
        record = self.server.ok("GET", f"/api/v1/deployments/{deployment}")
        self.assertEqual([swan.http_get(u)[0] for u in record["status"]["urls"]], [200, 200])
        removal = self.server.ok("DELETE", f"/api/v1/deployments/{deployment}")
        self.assertEqual(self.server.wait_run(removal["id"]), "succeeded")
        self.assertEqual(self.server.instances(deployment), {})

    def test_what_was_opened_outlives_the_server(self):
        deployment, _ = self.launched(EN)
        before = self.server.instances(deployment["id"])
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(self.server.instances(deployment["id"]), before)
        self.server.start()
        record = self.server.ok("GET", f"/api/v1/deployments/{deployment['id']}")
        self.assertEqual(record["status"]["state"], "up")
        self.remove(deployment["id"])

    def test_parallel_orders_share_the_machine_without_overbooking(self):
        site = self.server.ok("GET", "/api/v1/sites/local")
        spec = site["spec"]
        spec["capacity"]["vcpus"] = 3.2
        self.server.ok("PUT", "/api/v1/sites/local", spec)
        words = ZH.replace("2个副本", "1个副本")

        def one(_):
            try:
                return self.server.launch(words)
            except AssertionError as e:
                return str(e)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(one, range(10)))
        runs = [a for a in answers if isinstance(a, tuple)]
        self.assertEqual(len(runs), 6, answers)  # 3.2 / 0.5
        for refused in (a for a in answers if isinstance(a, str)):
            self.assertRegex(refused, "capacity|infeasible|412|422|409")
        for run, deployment in runs:
            self.assertEqual(self.server.wait_run(run), "succeeded")
        for run, deployment in runs:
            removal = self.server.ok("DELETE", f"/api/v1/deployments/{deployment}")
            self.assertEqual(self.server.wait_run(removal["id"]), "succeeded")
        self.assertEqual(self.server.instances(), {})

    def test_bad_files_and_words_are_one_clear_error_and_change_nothing(self):
        position = self.server.ok("GET", "/api/v1/sites?limit=1")["position"]
        bad = self.server.folder / "bad.yaml"
        cases = [("currency: CNY\nsites:\n  - id: a\n    tier: edge\n    colour: red\n", ("colour", "5")),
                 ("currency: CNY\nsites:\n  - id: a\n    tier: nowhere\n", ("tier", "4")),
                 ("currency: CNY\nlinks:\n  - {a: x, b: y, latency_ms: 1}\n", ("x",)),
                 ("currency: CNY\nsites: [", ("line",)), ("{" * 5000, ("deep",)), ("\xff\xfe", ())]
        for content, words in cases:
            bad.write_bytes(content.encode("latin-1"))
            self.server.cli("network", "import", str(bad), code=2)
            lines = [line for line in self.server.stderr.splitlines() if line.strip()]
            self.assertLessEqual(len(lines), 3, self.server.stderr)
            for word in words:
                self.assertIn(word, self.server.stderr)
        self.server.cli("network", "import", "/nonexistent.yaml", code=2)
        self.server.cli("launch", "x" * 100000, "--yes", code=2)
        self.server.cli("sites", code=2)
        self.assertIn("site", self.server.stderr)  # a near miss is suggested
        self.assertEqual(self.server.ok("GET", "/api/v1/sites?limit=1")["position"] > position, True)
        audits = self.server.ok("GET", f"/api/v1/audit?after={position}")["items"]
        self.assertTrue(all(not a["audit"]["outcome"].startswith("2") for a in audits), audits)

    def test_a_wrong_token_and_a_dead_server_are_explained(self):
        self.server.cli("site", "list", env={"SWAN_TOKEN": "swan_wrong"}, code=2)
        self.assertIn("token", self.server.stderr)
        self.server.cli("site", "list", env={"SWAN_SERVER": "http://127.0.0.1:1"}, code=1)
        self.assertIn("./run", self.server.stderr)


class Serving(unittest.TestCase):
    def test_a_public_address_without_tls_is_refused(self):
        server = swan.Server("--listen", "0.0.0.0")
        try:
            server.start(wait=False)
            self.assertEqual(server.process.wait(20), 3)
            self.assertIn("TLS", server.log_tail())
        finally:
            server.__exit__()

    def test_tls_works_by_flag(self):
        folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
        with swan.Server() as probe:
            folder = probe.folder
            key, cert = folder / "key.pem", folder / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
                           check=True, capture_output=True)
            with swan.Server("--tls-cert", str(cert), "--tls-key", str(key)) as server:
                self.assertTrue(server.url.startswith("https://"))
                import ssl, urllib.request
                context = ssl.create_default_context(cafile=str(cert))
                with urllib.request.urlopen(server.url + "/healthz", context=context, timeout=5) as reply:
                    self.assertEqual(reply.read(), b"ok\n")

    def test_two_servers_do_not_share_a_folder(self):
        with swan.Server() as one:
            two = swan.Server()
            two.data = one.data
            url = (one.data / "url").read_text()
            two.start(wait=False)
            self.assertEqual(two.process.wait(20), 3)
            self.assertIn("another server", two.log_tail())
            (one.data / "url").write_text(url)
            self.assertEqual(one.api("GET", "/healthz").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
