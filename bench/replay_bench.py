#!/usr/bin/env python3
"""replay_bench.py SWAN DATA [--policies swan,fgd,…] [--workloads …] [--seeds 42,43,…] - GPU allocation on openb

DATA is the folder of the Alibaba cluster trace cluster-trace-gpu-v2023 (openb_node_list_gpu_node.csv,
openb_pod_list_NAME.csv, also as .gz).  Arrivals of a seed: every pod once, sorted by name and shuffled,
then pods drawn with replacement until one would bring the GPU asked for over 1.3 times what there is.
"""
import argparse
import csv
import gzip
import json
import os
import random
import statistics
import subprocess
import tempfile
import time

COLUMNS = ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec"]
WORKLOADS = "default,multigpu50,gpushare100,gpuspec33,cpu250"


def rows(path):
    if not os.path.exists(path):
        path += ".gz"
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def gpu(row):
    return int(row["num_gpu"]) * int(row["gpu_milli"])


def write_arrivals(pods, capacity, seed, out):
    draw, base = random.Random(seed), sorted(pods, key=lambda row: row["name"])
    order = base[:]
    draw.shuffle(order)
    total = sum(map(gpu, order))
    while total > 1.3 * capacity:
        total -= gpu(order.pop(draw.randrange(len(order))))
    while True:
        row = base[draw.randrange(len(base))]
        total += gpu(row)
        if total > 1.3 * capacity:
            break
        order.append(row)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", *COLUMNS])
    for number, row in enumerate(order, 1):
        writer.writerow([number, *(row.get(column) or "" for column in COLUMNS)])
    out.flush()


parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
parser.add_argument("swan")
parser.add_argument("data")
parser.add_argument("--policies", default="random,bestfit,dotproduct,fgd,swan")
parser.add_argument("--workloads", default=WORKLOADS)
parser.add_argument("--seeds", default="42,43,44,45,46,47,48,49,50,51")
given = parser.parse_args()
nodes = os.path.join(given.data, "openb_node_list_gpu_node.csv")
capacity = 1000 * sum(int(row["gpu"]) for row in rows(nodes))
policies = given.policies.split(",")
print("workload".ljust(14), *(policy.rjust(18) for policy in policies))
for workload in given.workloads.split(","):
    pods = rows(os.path.join(given.data, f"openb_pod_list_{workload}.csv"))
    percent, seconds = {p: [] for p in policies}, {p: [] for p in policies}
    for seed in map(int, given.seeds.split(",")):
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as arrivals:
            write_arrivals(pods, capacity, seed, arrivals)
            for policy in policies:
                begin = time.perf_counter()
                text = subprocess.run(
                    [given.swan, "solution", "replay", "--nodes", nodes, "--pods", arrivals.name,
                     "--policy", policy, "--seed", str(seed), "-o", "json"],
                    check=True, capture_output=True).stdout
                seconds[policy].append(time.perf_counter() - begin)
                percent[policy].append(json.loads(text)["allocation_percent"])
    print(workload.ljust(14), *(f"{statistics.fmean(percent[p]):8.3f} % {statistics.median(seconds[p]):6.2f} s"
                                for p in policies), flush=True)
