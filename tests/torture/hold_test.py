#!/usr/bin/env python3
"""hold_test.py - kill -9 of the server while people design, refine, confirm, order, plan, open and cancel: nothing that
is held is lost or held twice.

  hold_test.py [--kills N] [--seed N]

After each death and restart the rows of compute_allocations are held against the records that say who holds what: each
set and order that says "held" has just its placements' rows, until the moment it says; each deployment has its own; no
other row exists; no site has more taken than it has.
"""
import argparse, http.client, json, pathlib, random, signal, sqlite3, sys, tempfile, threading, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

SITES, VCPUS = 3, 8
POINTS = ["store.commit", "store.commit_done", "store.exec", "store.query"]


def network():
    return {"currency": "CNY", "access": [{"id": "city"}],
            "sites": [{"id": f"s{i}", "tier": "edge", "regions": [f"r{i}"], "provider": "simulator", "arch": ["x86_64"],
                       "capacity": {"vcpus": VCPUS, "memory_gib": 1000, "disk_gib": 10000},
                       "price": {"vcpu_hour": 0.1 * (i + 1), "memory_gib_hour": 0.01, "disk_gib_month": 0.1},
                       "availability_percent": 99.9} for i in range(SITES)],
            "links": [{"a": "city", "b": f"s{i}", "latency_ms": 2, "bandwidth_mbps": 10000} for i in range(SITES)]}


class Bed:
    def __init__(self, rng):
        self.rng, self.failed, self.checked = rng, 0, 0
        self.server = swan.Server("--no-local-site", "--reserve", "4s")
        self.server.start()
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(network(), file)
            file.flush()
            self.server.cli("network", "import", file.name)
        need = {"components": [{"name": "web", "form": "server", "instances": 2, "vcpus": 1, "memory_gib": 1, "disk_gib": 1}]}
        self.need = self.server.ok("POST", "/api/v1/requirements", {"requirement": need})["id"]

    # ---- what people do; every answer but a crash of the server is fine ----
    def someone(self, rng, until):
        server = self.server
        try:
            while time.monotonic() < until:
                answer = server.api("POST", "/api/v1/solutions", {"requirement": self.need, "reserve_s": rng.choice([1, 4, 30])})
                if answer.status != 201:
                    time.sleep(0.05)
                    continue
                sol = answer.json["id"]
                if rng.random() < 0.5:
                    server.api("POST", f"/api/v1/solutions/{sol}/refine",
                               {"set": [{"path": "web.instances", "value": rng.randint(1, 3)}]})
                if rng.random() < 0.2:
                    server.api("POST", f"/api/v1/solutions/{sol}/release")
                if rng.random() < 0.3:
                    continue
                order = server.api("POST", "/api/v1/orders", {"solution": sol, "confirm": True})
                if order.status != 201:
                    continue
                if rng.random() < 0.2:
                    server.api("POST", f"/api/v1/orders/{order.json['id']}/cancel")
                plan = server.api("POST", "/api/v1/plans", {"order": order.json["id"], "simulate": True})
                if plan.status != 201 or rng.random() < 0.3:
                    continue
                run = server.api("POST", "/api/v1/runs", {"plan": plan.json["id"], "digest": plan.json["spec"]["digest"]})
                if run.status == 202 and rng.random() < 0.7:
                    server.wait_run(run.json["id"], 30)
                    server.api("DELETE", f"/api/v1/deployments/{run.json['spec']['deployment']}")
        except (OSError, http.client.HTTPException, AssertionError, ValueError):
            return  # the server died

    # ---- what must hold ----
    def complain(self, text):
        self.failed += 1
        print("FAILED:", text, flush=True)

    def records(self, db, collection):
        rows = db.execute("SELECT id, spec, status FROM store_record WHERE collection = ?", (collection,))
        return {id: (json.loads(spec), json.loads(status) if status else {}) for id, spec, status in rows}

    def placements(self, sets, versions, solution, number, choice):
        spec = sets[solution][0]
        if number not in (0, spec["number"]):
            spec = versions[f"{solution}@{number}"]
        answer = spec["answer"]["solutions"][choice]
        return sorted((p["component"], p["instance"], p["site"]) for p in answer["placements"])

    def check(self, what):
        db = sqlite3.connect(f"file:{self.server.data}/swan.db?mode=ro", uri=True)
        db.execute("BEGIN")
        rows = {}
        for holder, component, instance, site, vcpus, expires in db.execute(
                "SELECT deployment, component, instance, site, vcpus, expires_ms FROM compute_allocations"):
            rows.setdefault(holder, []).append((component, instance, site, vcpus, expires))
        sets, orders = self.records(db, "solutions"), self.records(db, "orders")
        versions = {id: spec for id, (spec, _) in self.records(db, "solution-versions").items()}
        deployments = self.records(db, "deployments")
        now = time.time() * 1000
        db.close()
        expected = {}
        for id, (spec, status) in sets.items():
            if status["reservation"]["state"] == "held":
                chosen = status.get("chosen", {})
                expected[id] = self.placements(sets, versions, id, chosen.get("version", 0), status["reservation"]["choice"])
        for id, (spec, status) in orders.items():
            if status.get("reservation", {}).get("state") == "held":
                expected[id] = self.placements(sets, versions, spec["solution"], spec["version"], spec["choice"])
        for id, (spec, status) in deployments.items():
            if status["state"] not in ("removed", "failed"):
                expected[id] = sorted((p["component"], p["instance"], p["site"]) for p in spec["placements"])
        for id in set(expected) | set(rows):
            have = sorted((c, i, s) for c, i, s, _, _ in rows.get(id, []))
            if have != expected.get(id, []):
                self.complain(f"{what}: {id} has {have}, its record says {expected.get(id)}")
            ends = {e for *_, e in rows.get(id, [])}
            if id in rows and (len(ends) != 1 or (0 in ends) != id.startswith("dep-")):
                self.complain(f"{what}: {id} ends at {ends}")
        taken = {}
        for held in rows.values():
            for _, _, site, vcpus, expires in held:
                if expires == 0 or expires > now:
                    taken[site] = taken.get(site, 0) + vcpus
        for site, sum_ in taken.items():
            if sum_ > VCPUS:
                self.complain(f"{what}: {sum_} of {VCPUS} vCPU of {site} are taken")
        self.checked += 1
        return len(rows)

    def kill_once(self, number):
        rng = self.rng
        point = rng.choice(POINTS + ["moment"])
        faults = None if point == "moment" else f"{point}=kill@{rng.randint(5, 250)}"
        self.server.stop(signal.SIGKILL)
        self.server.start(faults, wait=False)
        until = time.monotonic() + 6
        try:
            swan.wait_for("the server is ready", self.server._ready, 20)
        except AssertionError:
            pass  # it died at its start: that is a death, too
        people = [threading.Thread(target=self.someone, args=(random.Random(rng.random()), until)) for _ in range(6)]
        for person in people:
            person.start()
        if not faults:
            time.sleep(rng.random() * 2)
            self.server.process.kill()
        while self.server.process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        self.server.stop(signal.SIGKILL)
        for person in people:
            person.join()
        self.server.start()
        held = self.check(f"kill {number} ({faults or 'a moment'})")
        return held


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    bed = Bed(random.Random(options.seed))
    started, held = time.monotonic(), 0
    try:
        for number in range(options.kills):
            held += bed.kill_once(number + 1)
        # left alone, all that is only held lapses
        swan.wait_for("everything has lapsed", lambda: not sqlite3.connect(
            f"file:{bed.server.data}/swan.db?mode=ro", uri=True).execute(
                "SELECT COUNT(*) FROM compute_allocations WHERE expires_ms > 0").fetchone()[0], 45)
        bed.check("at the end")
    finally:
        print(f"{options.kills} kills, seed {options.seed}, {time.monotonic() - started:.0f} s: {bed.checked} checks, "
              f"{held} holders seen, {bed.failed} failed", flush=True)
        bed.server.__exit__()
    sys.exit(1 if bed.failed or not held else 0)


if __name__ == "__main__":
    main()
