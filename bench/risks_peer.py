#!/usr/bin/env python3
"""risks_peer.py - swan twin risks beside NetworkX and SciPy.  Needs: pip install networkx numpy scipy topohub

  risks_peer.py cuts [FILE.json…]    articulation points and bridges of every real topology of TopoHub (Internet Topology
                                     Zoo, SNDlib, CAIDA, backbones), of its Gabriel graphs, of two random networks of 10,000
                                     nodes, and of the given network files
  risks_peer.py trends [--series N]  slopes and intervals against scipy.stats.theilslopes; how often the interval of the
                                     days to exhaustion holds the truth, beside ordinary least squares
SWAN names the program (build/swan if not said).
"""
import csv, glob, itertools, json, math, os, random, subprocess, sys, tempfile, time

SWAN = os.environ.get("SWAN", "build/swan")


def run(*options):
    begin = time.perf_counter()
    done = subprocess.run([SWAN, "twin", "risks", "-o", "json", *options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(options)}: {done.stderr}")
    return json.loads(done.stdout), time.perf_counter() - begin


# ---- cuts ----

def topologies():
    """(name, nodes, edges) of TopoHub's files; parallel edges stay."""
    import topohub
    top = os.path.join(os.path.dirname(topohub.__file__), "data")
    for path in sorted(glob.glob(os.path.join(top, "**", "*.json"), recursive=True)):
        data = json.load(open(path))
        nodes = [(str(n["id"]), n.get("pos")) for n in data["nodes"]]
        edges = [(str(e["source"]), str(e["target"]), e.get("dist", 1)) for e in data.get("edges") or data.get("links")]
        yield os.path.relpath(path, top), nodes, edges


def random_graphs():
    rand = random.Random(1)
    for nodes, links in ((10000, 12000), (10000, 50000)):
        edges = [(str(i), str(rand.randrange(i)), 100) for i in range(1, nodes)]
        while len(edges) < links:
            edges.append((str(rand.randrange(nodes)), str(rand.randrange(nodes)), 100))
        yield f"random {links}", [(str(i), None) for i in range(nodes)], edges


def write_network(nodes, edges, path):
    network = {"currency": "CNY", "access": [], "sites": [], "links": []}
    for i, (name, pos) in enumerate(nodes):
        node = {"id": "n" + name}
        if pos and abs(pos[0]) <= 180 and abs(pos[1]) <= 90:
            node |= {"lon": pos[0], "lat": pos[1]}
        network["sites" if i % 4 else "access"].append(node | ({"tier": "edge"} if i % 4 else {}))
    for i, (a, b, km) in enumerate(edges):
        if a != b:
            network["links"].append({"a": "n" + a, "b": "n" + b, "latency_ms": round((km or 0) / 200, 6) + i * 1e-6})
    json.dump(network, open(path, "w"))
    return network


def compare_cuts(network, path):
    """None, or what differs; and both times."""
    import networkx as nx
    answer, wall = run("--network", path, "--kind", "cut-off", "--groups", "declared", "--advise", "0", "--top", "1")
    ours_nodes = {f["element"]["id"] for f in answer["findings"] if f["element"]["kind"] in ("site", "access")}
    ours_links = {f["element"]["index"] for f in answer["findings"] if f["element"]["kind"] == "link"}
    graph = nx.Graph()
    graph.add_nodes_from(n["id"] for n in network["sites"] + network["access"])
    count = {}
    for i, link in enumerate(network["links"]):
        ends = frozenset((link["a"], link["b"]))
        count.setdefault(ends, []).append(i)
        graph.add_edge(link["a"], link["b"])
    begin = time.perf_counter()
    nodes = set(nx.articulation_points(graph))
    bridges = [frozenset(b) for b in nx.bridges(graph)]
    peer = time.perf_counter() - begin
    links = {count[b][0] for b in bridges if len(count[b]) == 1}
    return ours_nodes == nodes and ours_links == links, len(nodes), len(links), wall, peer


def cuts(files):
    sums = {}
    with tempfile.TemporaryDirectory() as folder:
        def one(kind, network, path, name):
            same, nodes, links, wall, peer = compare_cuts(network, path)
            row = sums.setdefault(kind, [0, 0, 0, 0, 0, 0.0, 0.0, 0])
            size = len(network["sites"]) + len(network["access"])
            for i, value in enumerate((1, same, nodes, links, size, wall, peer)):
                row[i] += value
            row[7] = max(row[7], size)
            if not same:
                print("DIFFERS:", name)
        for name, nodes, edges in itertools.chain(topologies(), random_graphs()):
            path = os.path.join(folder, "net.json")
            one(name.split(os.sep)[0], write_network(nodes, edges, path), path, name)
        for path in files:
            one("network files", json.load(open(path)), path, path)
    print(f"{'set':16}{'networks':>9}{'agree':>7}{'articulation':>14}{'bridges':>9}{'largest':>9}{'swan s':>9}{'networkx s':>12}")
    for kind, row in sums.items():
        print(f"{kind:16}{row[0]:9}{row[1]:7}{row[2]:14}{row[3]:9}{row[7]:9}{row[5]:9.2f}{row[6]:12.2f}")
    print("swan s: whole processes, reading the file, all single failures and pairs included; networkx s: its two calls alone")
    return all(row[0] == row[1] for row in sums.values())


# ---- trends ----

def series(rand, kind, days, slope, noise):
    """[(day, value)], the capacity, and the day on which the true line (of peaks) meets it."""
    base, points = 1000.0, []
    week = [0, 0, 0, 0, 0, -200, -250] if kind == "weekly" else [0] * 7
    hours = 24 if kind == "hourly" else 1
    for d in range(days):
        for h in range(hours):
            at = d + h / 24
            wave = 150 * math.cos(2 * math.pi * (h - 14) / 24) if hours > 1 else 0
            points.append((at, base + slope * at + wave + week[(d + START) % 7] + noise * rand.standard_normal()))
    last = points[-1][0]
    capacity = base + slope * (last + 60)
    if hours > 1:  # the mean of the day's maximum, at noon
        hour = numpy.arange(24)
        day = 150 * numpy.cos(2 * math.pi * (hour - 14) / 24) + slope * hour / 24 + noise * rand.standard_normal((4000, 24))
        capacity += day.max(axis=1).mean() - slope / 2
    return points, capacity


START = 20000  # days since 1970


def trends(count):
    import numpy as np
    from scipy import stats
    global numpy
    numpy = np
    rand = np.random.default_rng(1)
    for kind, days, noise in (("plain", 90, 20.0), ("plain", 30, 5.0), ("plain", 200, 100.0), ("weekly", 90, 20.0), ("hourly", 60, 20.0),
                              ("outliers", 90, 20.0)):
        truth, given = {}, {}
        network = {"currency": "CNY", "sites": [], "links": []}
        with tempfile.TemporaryDirectory() as folder:
            usage = os.path.join(folder, "usage.csv")
            with open(usage, "w", newline="") as file:
                out = csv.writer(file)
                out.writerow(["time", "entity", "resource", "value"])
                for i in range(count):
                    slope = float(rand.uniform(2, 10))
                    points, capacity = series(rand, kind, days, slope, noise)
                    if kind == "outliers":
                        for k in rand.choice(len(points), len(points) // 10, replace=False):
                            points[k] = (points[k][0], points[k][1] * float(rand.choice([0, 3])))
                    truth[f"s{i}"] = (slope, capacity, points)
                    network["sites"].append({"id": f"s{i}", "tier": "edge", "capacity": {"vcpus": capacity}})
                    for day, value in points:
                        out.writerow([round((START + day) * 86400), f"s{i}", "vcpus", repr(max(0, value))])
            path = os.path.join(folder, "net.json")
            json.dump(network, open(path, "w"))
            answer, wall = run("--network", path, "--usage", usage, "--kind", "capacity", "--headroom", "100", "--days", "100000",
                               "--advise", "0", "--top", "1")
        for finding in answer["findings"]:
            given[finding["element"]["id"]] = finding
        off, low_off, held, told, least, width = 0.0, 0.0, 0, 0, 0, []
        for name, (slope, capacity, points) in truth.items():
            finding = given.get(name)
            x = np.array([round((START + d) * 86400) / 86400 for d, _ in points])
            y = np.array([max(0, v) for _, v in points])
            if finding is None or "slope" not in finding:
                continue
            if kind in ("plain", "outliers"):
                peer = stats.theilslopes(y, x, 0.95)
                off = max(off, abs(peer.slope - finding["slope"]))
                low_off = max(low_off, abs(peer.low_slope - finding["slope_low"]) / (peer.high_slope - peer.low_slope))
            if "days" in finding:
                told += 1
                high = finding.get("days_high", math.inf)
                held += finding["days_low"] <= 60 <= high
                width.append(high - finding["days_low"])
            line = stats.linregress(x, y)  # the usual prediction of the line's mean, inverted
            t, n, sx = stats.t.ppf(0.975, len(x) - 2), len(x), ((x - x.mean()) ** 2).sum()
            s = math.sqrt(((y - line.intercept - line.slope * x) ** 2).sum() / (n - 2))
            at = x[-1] + 60
            band = t * s * math.sqrt(1 / n + (at - x.mean()) ** 2 / sx)
            least += abs(line.intercept + line.slope * at - capacity) <= band
        print(f"{kind:9} {days:4} days, noise {noise:5}: {count} series, {told} told; slope differs from scipy at most {off:.1e}, "
              f"low end by {100 * low_off:.1f} % of the interval; truth held {100 * held / max(told, 1):.1f} % "
              f"(width {np.median(width) if width else math.nan:.1f} days of 60); least squares {100 * least / count:.1f} %; {wall:.2f} s")
    return True


def main(arguments):
    if arguments[:1] == ["cuts"]:
        return 0 if cuts(arguments[1:]) else 1
    if arguments[:1] == ["trends"]:
        return 0 if trends(int(arguments[2]) if arguments[1:2] == ["--series"] else 300) else 1
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
