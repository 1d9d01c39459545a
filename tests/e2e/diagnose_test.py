#!/usr/bin/env python3
"""swan twin diagnose on folders as they come: repaired and said, or refused with file and line."""
import json, math, os, random, subprocess, sys, tempfile

SWAN = os.path.join(os.environ.get("SWAN_BUILD", "build"), "swan")
failures = 0


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print("FAILED:", what)


def diagnose(folder, *more):
    return subprocess.run([SWAN, "twin", "diagnose", "--case", folder, "-o", "json", *more],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)


def series(columns, rows, alarm, rand):
    """[time, cells]; the first column's entity is slow from the alarm on, the second's follows."""
    table = []
    for i in range(rows):
        cells = [10 * (1 + c % 7) * (1 + 0.03 * rand.gauss(0, 1)) for c in range(columns)]
        if i >= alarm:
            cells[0] += 60
            cells[1] += 60
        table.append([1700000000 + 60 * i, cells])
    return table


def write(folder, header, lines, alarm_time, symptom="b", end="\n", bom="", topology=True):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metrics.csv"), "w", newline="") as f:
        f.write(bom + end.join([header] + lines) + end)
    with open(os.path.join(folder, "question.json"), "w") as f:
        json.dump({"alarm_time": alarm_time, "symptom": {"entity": symptom, "metric": "latency_avg"}}, f)
    if topology:
        with open(os.path.join(folder, "topology.json"), "w") as f:
            json.dump({"entities": [{"id": "a"}, {"id": symptom}],
                       "edges": [{"from": symptom, "to": "a", "relation": "calls"}]}, f)


def hostile(top):
    rand = random.Random(1)
    table = series(6, 120, 110, rand)
    header = 'time,a:latency_avg,"b, the ""shop"":latency_avg",c:cpu,d:cpu,e:requests,f:memory'
    lines = []
    for time, cells in table:
        text = ["%.6g" % x for x in cells]
        for k in range(2, 6):
            if rand.random() < 0.1:
                text[k] = rand.choice(["", "NaN", "inf", "-inf", "nan"])
        if rand.random() > 0.04:  # gaps
            lines.append(",".join([str(time)] + text))
    lines += rand.sample(lines[:100], 10)  # duplicates
    lines.append("%d,1,2,3,4,5,6" % (1700000000 - 86400 * 30))  # a clock far behind
    rand.shuffle(lines)
    folder = os.path.join(top, "hostile")
    write(folder, header, lines, 1700000000 + 60 * 111, 'b, the "shop"', "\r\n", "\ufeff")
    run = diagnose(folder)
    check(run.returncode == 0, "hostile folder answered: " + run.stderr)
    answer = json.loads(run.stdout)
    check(answer["causes"] and answer["causes"][0]["entity"] == "a", "the cause is found in it")
    check(answer["status"] in ("confirmed", "likely"), "and claimed")
    notes = " ".join(answer["notes"])
    for word in ("out of order", "merged", "no finite number", "gaps"):
        check(word in notes, "notes say: " + word)
    for cause in answer["causes"]:
        check(math.isfinite(cause["score"]), "scores are finite")


def wide(top):
    rand = random.Random(2)
    columns = 100000
    header = "time,a:latency_avg,b:latency_avg," + ",".join("e%d:cpu" % i for i in range(columns - 2))
    lines = [",".join([str(t)] + ["%.4g" % x for x in cells])
             for t, cells in series(columns, 40, 36, rand)]
    folder = os.path.join(top, "wide")
    write(folder, header, lines, 1700000000 + 60 * 36)
    run = diagnose(folder)
    check(run.returncode == 0, "100000 columns are answered: " + run.stderr)
    if run.returncode == 0:
        check(json.loads(run.stdout)["causes"][0]["entity"] == "a", "and the cause is found")


def refused(top):
    good = [",".join(map(str, [t] + cells)) for t, cells in series(2, 60, 50, random.Random(3))]
    header, alarm = "time,a:latency_avg,b:latency_avg", 1700000000 + 60 * 51
    cases = [
        ("text", header, good[:9] + ["1700000540,high,1"], "metrics.csv: line 11: column 'a:latency_avg'"),
        ("cells", header, good[:9] + ["1700000540,1"], "metrics.csv: line 11: fewer cells"),
        ("twice", header + ",a:latency_avg", good, "metrics.csv: line 1: column 'a:latency_avg' is there twice"),
        ("millis", header, ["1700000000000,1,2"], "metrics.csv: line 2: time 1700000000000"),
        ("empty", header, [], "metrics.csv: line 2: there is no row"),
    ]
    for name, head, lines, says in cases:
        folder = os.path.join(top, name)
        write(folder, head, lines, alarm)
        run = diagnose(folder)
        check(run.returncode == 2 and says in run.stderr, f"{name}: {run.returncode} {run.stderr}")
    folder = os.path.join(top, "far")
    write(folder, header, good, 1900000000)
    run = diagnose(folder)
    check(run.returncode == 2 and "outside of the metrics" in run.stderr, "a far alarm: " + run.stderr)
    folder = os.path.join(top, "json")
    write(folder, header, good, alarm)
    with open(os.path.join(folder, "topology.json"), "w") as f:
        f.write('{"entities":[{"id":"a"}],\n "edges":[{"from":"a","to":"b"}]}')
    run = diagnose(folder)
    check(run.returncode == 2 and "topology.json" in run.stderr and "edges[0].relation" in run.stderr,
          "a bad edge: " + run.stderr)
    run = diagnose(os.path.join(top, "nowhere"))
    check(run.returncode != 0 and "question.json" in run.stderr, "a missing folder: " + run.stderr)


def main():
    with tempfile.TemporaryDirectory() as top:
        hostile(top)
        refused(top)
        wide(top)
    print("failures:", failures)
    sys.exit(1 if failures else 0)


main()
