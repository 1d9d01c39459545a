#!/usr/bin/env python3
"""server_bench.py start|memory|http|design|launch - the whole server, on the starter network.

Python's standard library; SWAN_BUILD names the folder with an optimised `swan` (build).  Each
server has a temporary folder and a free port of its own, and is ended at the end.
"""
import json, os, pathlib, re, socket, statistics, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("SWAN_BUILD", str(ROOT / "build"))
sys.path.insert(0, str(ROOT / "tests" / "testbed"))
from swan import SWAN, Server, http_get, wait_for  # noqa: E402

STARTS = 20
IDLE_S = 60
HELLO = "在本机部署一个 hello 网页服务，2个副本，每个0.5核256M内存，要求时延不超过10ms，预算每月200元"
PAPER = "申请两台云主机，每台8核16G内存256G硬盘，带宽5M，一个弹性公网IP"
STARTER = ROOT / "content/network/starter.yaml"
PRICE_NOTES = ROOT / "content/network/starter-prices.yaml"


def spread(values, digits=1):
    return f"median {statistics.median(values):.{digits}f} ms, most {max(values):.{digits}f} ms, of {len(values)}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_ready(port):
    """One GET /readyz on a connection of its own."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(b"GET /readyz HTTP/1.1\r\nHost: swan\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start_once(data, log):
    """From exec to the first 200 of /readyz, asked again without a pause; both figures in ms."""
    port = free_port()
    with open(log, "wb") as out:
        begin = time.monotonic()
        process = subprocess.Popen([str(SWAN), "serve", "--data", str(data), "--port", str(port)],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        while not is_ready(port):
            if process.poll() is not None:
                raise SystemExit(f"the server ended:\n{pathlib.Path(log).read_text()}")
            time.sleep(0.0002)
        took = (time.monotonic() - begin) * 1000
    wait_for("the log says it", lambda: b"took_ms=" in pathlib.Path(log).read_bytes())
    process.terminate()
    process.wait(20)
    return took, float(re.search(rb"took_ms=([0-9.]+)", pathlib.Path(log).read_bytes()).group(1))


def start():
    with Server() as server:
        server.import_starter()
        server.publish_hello()
        server.wait_local_site()
        server.stop()
        log = server.folder / "start.log"
        seen = [start_once(server.data, log) for _ in range(STARTS)]
        empty = [start_once(server.folder / f"empty-{i}", log) for i in range(STARTS)]
    print(f"start to ready, starter network:  {spread([s[0] for s in seen])} (its log: {spread([s[1] for s in seen])})")
    print(f"first start, empty folder:        {spread([s[0] for s in empty])} (its log: {spread([s[1] for s in empty])})")


def memory_of(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) / 1024 for name in ("Rss", "Pss", "Pss_Anon")}


def tell_memory(what, pid):
    m = memory_of(pid)
    print(f"{what:<33} RSS {m['Rss']:.1f} MiB, PSS {m['Pss']:.1f} MiB, of that its own {m['Pss_Anon']:.1f} MiB")


def memory():
    with Server() as server:
        server.import_starter()
        server.publish_hello()
        server.wait_local_site()
        server.stop()
        server.start()
        server.wait_local_site()
        time.sleep(IDLE_S)
        tell_memory(f"idle {IDLE_S} s, starter network:", server.process.pid)
        if "--loaded" in sys.argv:
            run, _ = server.launch(HELLO)
            server.wait_run(run)
            time.sleep(5)
            tell_memory("after a launch:", server.process.pid)


def http():
    rounds, seconds = "3", "10"
    with Server() as server:
        server.import_starter()
        server.wait_local_site()
        path = "/api/v1/sites/zhangjiakou-cloud"
        body = server.folder / "site.json"
        answer = server.api("GET", path)
        assert answer.status == 200, answer.text
        body.write_text(answer.text)
        subprocess.run(["sh", str(ROOT / "bench/beside_nginx.sh"), server.url + path, str(body), rounds, seconds,
                        f"Authorization: Bearer {server.token}"], check=True)
        tell_memory("after it:", server.process.pid)


def design():
    with Server() as server:
        server.import_starter()
        server.publish_hello()
        server.wait_local_site()
        for name, words in (("hello", HELLO), ("paper", PAPER)):
            took = []
            for _ in range(20):
                begin = time.monotonic()
                solution = server.ok("POST", "/api/v1/solutions", {"text": words}, headers={"Prefer": "wait=30"})
                took.append((time.monotonic() - begin) * 1000)
            count = len(solution["spec"]["answer"]["solutions"])
            print(f"POST /solutions, {name}:           {spread(took)}: {count} solutions")
    took = []
    for _ in range(20):
        begin = time.monotonic()
        p = subprocess.run([str(SWAN), "solution", "design", "--network", str(STARTER), "--price-notes", str(PRICE_NOTES),
                            "--requirement", PAPER, "-o", "json"], capture_output=True, text=True)
        took.append((time.monotonic() - begin) * 1000)
        if p.returncode:
            raise SystemExit(p.stderr)
    print(f"swan solution design, paper:      {spread(took)}: {len(json.loads(p.stdout)['solutions'])} solutions, whole command")


def launch():
    with Server() as server:
        server.import_starter()
        server.publish_hello()
        server.wait_local_site()
        took = []
        for _ in range(5):
            begin = time.monotonic()
            out = server.cli("launch", HELLO, "--yes")
            took.append((time.monotonic() - begin) * 1000)
            urls = re.findall(r"http://127\.0\.0\.1:\d+", out.split("✔ open")[1])
            assert len(urls) == 2 and all(http_get(u)[0] == 200 for u in urls), out
            server.cli("deployment", "delete", re.search(r"dep-\w+", out.split("✔ open")[1]).group(0), "--yes")
        print(f"launch, from words to two URLs:   {spread(took, 0)}")


if __name__ == "__main__":
    commands = {"start": start, "memory": memory, "http": http, "design": design, "launch": launch}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        raise SystemExit(__doc__)
    commands[sys.argv[1]]()
