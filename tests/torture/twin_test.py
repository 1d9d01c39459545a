#!/usr/bin/env python3
"""twin_test.py - kill -9 of the server while it is told of things: the twin's graph loses nothing that was acknowledged,
holds no half of a change, says what the rows say, and shows old moments as they were.

  twin_test.py [--kills N] [--seed N]

Each writer has a hub and THINGS entities on it, and tells of all of them at once with a number of its own (as the time
at which they expire).  After each death and restart all of a writer's things must carry one number: the last that was
acknowledged, or one that was tried after it.  Enough is told that packs are made, and killed, too.
"""
import argparse, datetime, hashlib, http.client, json, pathlib, random, signal, sqlite3, sys, threading, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

WRITERS, THINGS = 3, 300
POINTS = ["store.commit", "store.commit_done", "store.exec", "store.query", "store.begin"]
EPOCH = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)


def stamp(number):
    return (EPOCH + datetime.timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def number_of(text):
    return round((datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH).total_seconds())


class Bed:
    def __init__(self, rng):
        self.rng, self.failed, self.checks, self.packs = rng, 0, 0, 0
        self.acknowledged, self.tried = [0] * WRITERS, [0] * WRITERS
        self.moments = []  # (at, digest): what must stay as it was
        self.server = swan.Server("--no-local-site")
        self.server.start()
        for writer in range(WRITERS):
            self.tell(writer)

    def change(self, writer, number):
        ids = [f"server/{writer}-{i}" for i in range(THINGS)]
        return {"entities": [{"id": f"site/{writer}", "kind": "site", "layer": "physical", "expires_at": stamp(number)}] +
                            [{"id": id, "kind": "server", "layer": "virtual", "expires_at": stamp(number)} for id in ids],
                "edges": [{"from": id, "to": f"site/{writer}", "relation": "runs-on"} for id in ids]}

    def tell(self, writer):
        self.tried[writer] += 1
        number = self.tried[writer]
        answer = self.server.api("POST", "/api/v1/twin/changes", self.change(writer, number))
        assert 200 <= answer.status < 300 or answer.status in (503, 429), answer.text
        if answer.status < 300:
            self.acknowledged[writer] = number

    def someone(self, writer, until):
        try:
            while time.monotonic() < until:
                self.tell(writer)
        except (OSError, http.client.HTTPException, ValueError):
            return  # the server died

    # ---- what must hold ----
    def complain(self, text):
        self.failed += 1
        print("FAILED:", text, flush=True)

    def impact(self, writer, at=None):
        path = f"/api/v1/twin/impact?entity=site/{writer}&limit=1000" + (f"&at={at}" if at else "")
        return self.server.ok("GET", path)

    def digest(self, answer):
        things = sorted((i["id"], i["state"], i["valid_from"], i.get("expires_at")) for i in answer["items"])
        return hashlib.sha256(json.dumps(things).encode()).hexdigest()

    def check(self, what):
        rows = {}
        for entity in self.server.ok("GET", "/api/v1/twin")["entities"]:
            rows[entity["id"]] = (entity["state"], entity["valid_from"], entity.get("expires_at"))
        for writer in range(WRITERS):
            answer = self.impact(writer)
            numbers = {number_of(i["expires_at"]) for i in answer["items"] + [answer["entity"]]}
            if len(numbers) != 1 or answer["total"] != THINGS:
                self.complain(f"{what}: {answer['total']} things of {writer} carry the numbers {numbers}")
            elif not self.acknowledged[writer] <= min(numbers) <= self.tried[writer]:
                self.complain(f"{what}: {writer} carries {numbers}, {self.acknowledged[writer]} is acknowledged")
            for item in answer["items"]:
                if rows.get(item["id"]) != (item["state"], item["valid_from"], item["expires_at"]):
                    self.complain(f"{what}: the rows say {rows.get(item['id'])} of {item}")
                    break
        for writer, at, digest in self.moments:
            if self.digest(self.impact(writer, at)) != digest:
                self.complain(f"{what}: the moment {at} has changed")
        writer = self.rng.randrange(WRITERS)  # nobody writes now: this moment is told for good
        answer = self.impact(writer)
        self.moments.append((writer, answer["at"], self.digest(answer)))
        self.moments = self.moments[-8:]
        time.sleep(0.01)
        db = sqlite3.connect(f"file:{self.server.data}/swan.db?mode=ro", uri=True)
        self.packs = max(self.packs, db.execute("SELECT COUNT(*) FROM twin_packs").fetchone()[0])
        db.close()
        self.checks += 1

    def kill_once(self, number):
        point = self.rng.choice(POINTS + ["moment"])
        most = 6000 if point in ("store.exec", "store.query") else 60
        faults = None if point == "moment" else f"{point}=kill@{self.rng.randint(5, most)}"
        self.server.stop(signal.SIGKILL)
        self.server.start(faults, wait=False)
        until = time.monotonic() + 8
        try:
            swan.wait_for("the server is ready", self.server._ready, 20)
        except AssertionError:
            pass  # it died at its start: that is a death, too
        people = [threading.Thread(target=self.someone, args=(writer, until)) for writer in range(WRITERS)]
        for person in people:
            person.start()
        if not faults:
            time.sleep(1 + self.rng.random() * 4)
            self.server.process.kill()
        while self.server.process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        self.server.stop(signal.SIGKILL)
        for person in people:
            person.join()
        self.server.start()
        self.check(f"kill {number} ({faults or 'a moment'})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    bed = Bed(random.Random(options.seed))
    started = time.monotonic()
    try:
        bed.check("before")
        for number in range(options.kills):
            bed.kill_once(number + 1)
    finally:
        print(f"{options.kills} kills, seed {options.seed}, {time.monotonic() - started:.0f} s: {bed.checks} checks, "
              f"{sum(bed.acknowledged)} changes acknowledged, at most {bed.packs} packs, {bed.failed} failed", flush=True)
        bed.server.__exit__()
    sys.exit(1 if bed.failed else 0)


if __name__ == "__main__":
    main()
