#!/usr/bin/env python3
"""reserve_bench.py - what holding room costs a design, and how fifty designs at once fare.

  SWAN_BUILD=build bench/reserve_bench.py                 SQLite
  SWAN_BUILD=build tests/testbed/postgres.sh run bench/reserve_bench.py --postgres
"""
import concurrent.futures, json, os, pathlib, statistics, sys, tempfile, time
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/testbed"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))
import swan, refine_test


def network(sites, vcpus):
    site = refine_test.network(1, vcpus)["sites"][0]
    return {"currency": "CNY", "access": [{"id": "city"}],
            "sites": [dict(site, id=f"s{i}", price=dict(site["price"], vcpu_hour=0.1 + i / sites)) for i in range(sites)],
            "links": [{"a": "city", "b": f"s{i}", "latency_ms": 5, "bandwidth_mbps": 10000} for i in range(sites)]}


def serve(sites, vcpus):
    server = swan.Server("--no-local-site", store=refine_test.fresh_store()).start()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(network(sites, vcpus), file)
        file.flush()
        server.cli("network", "import", file.name, "--timeout", "300s")
    return server, server.ok("POST", "/api/v1/requirements", {"requirement": refine_test.NEED})["id"]


def one_by_one(sites):
    server, need = serve(sites, 8)
    times = {0: [], 600: []}
    for turn in range(40):
        reserve = 600 if turn % 2 else 0
        begin = time.perf_counter()
        server.ok("POST", "/api/v1/solutions", {"requirement": need, "reserve_s": reserve})
        times[reserve].append((time.perf_counter() - begin) * 1000)
    server.__exit__()
    print(f"{sites} sites, one by one, median: {statistics.median(times[0]):.1f} ms without, "
          f"{statistics.median(times[600]):.1f} ms with room held", flush=True)


def at_once(sites, vcpus):
    server, need = serve(sites, vcpus)

    def one(_):
        begin = time.perf_counter()
        answer = server.api("POST", "/api/v1/solutions", {"requirement": need}, timeout=120)
        return answer, (time.perf_counter() - begin) * 1000
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(one, range(50)))
    took = time.perf_counter() - begin
    server.__exit__()
    again = [a.json["spec"].get("redesigns", 0) for a, _ in answers if a.status == 201]
    print(f"{sites} sites with room for {vcpus} each, 50 at once: {took:.2f} s, slowest {max(ms for _, ms in answers):.0f} ms, "
          f"{len(again)} designed, {sum(1 for n in again if n)} of them again, at most {max(again)} times", flush=True)


if "--postgres" in sys.argv:
    refine_test.STORE = os.environ["SWAN_TEST_POSTGRES"]
for count in (100, 1000, 10000):
    one_by_one(count)
at_once(50, 1)
at_once(5, 10)
at_once(1000, 1)
