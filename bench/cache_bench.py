#!/usr/bin/env python3
"""cache_bench.py SWAN [DATA] - swan lean cache on problems of the OR-Library's kinds and sizes, made from a
seed as its authors did, and on the files of DATA (folders pmed, cap) when given.

Prints for each cost, bound, whether proven, seconds of the whole command."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time


def median(path, n, p, seed):
    """n nodes, n²/50 edges with costs 1 to 100, connected (Beasley 1985)."""
    rand = random.Random(seed)
    edges = [(i, i + 1) for i in range(1, n)]
    edges += [tuple(rand.sample(range(1, n + 1), 2)) for _ in range(n * n // 50 - n + 1)]
    with open(path, "w") as out:
        print(n, len(edges), p, file=out)
        for a, b in edges:
            print(a, b, rand.randint(1, 100), file=out)


def warehouses(path, m, n, fixed, seed):
    """Points in a square, demands 1 to 100, cost of serving by demand and distance."""
    rand = random.Random(seed)
    points = [(1000 * rand.random(), 1000 * rand.random()) for _ in range(m + n)]
    with open(path, "w") as out:
        print(m, n, file=out)
        for _ in range(m):
            print("capacity", round(fixed * (0.7 + 0.6 * rand.random()), 3), file=out)
        for x, y in points[m:]:
            demand = rand.randint(1, 100)
            print(demand, file=out)
            print(*(round(0.9 * demand * ((x - a) ** 2 + (y - b) ** 2) ** 0.5, 5)
                    for a, b in points[:m]), file=out)


def run(swan, name, path, *options):
    begin = time.perf_counter()
    done = subprocess.run([swan, "lean", "cache", "--orlib", path, "-o", "json", *options],
                          capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begin
    answer = json.loads(done.stdout)
    print(f"{name:34} {answer['cost']:16.3f} {answer['lower_bound']:16.3f} "
          f"{'proven' if answer['proven'] else '%.4f %%' % (100 * answer['gap']):10} {seconds:8.3f}",
          flush=True)


def main():
    swan, data = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "problem.txt")
        for n in (100, 300, 500, 700, 900):
            for p in (5, 10, n // 10, n // 3):
                for seed in (1, 2):
                    median(path, n, p, seed)
                    run(swan, f"p-median n={n} p={p} seed={seed}", path)
        # the capacities of capa, capb and capc; then such that 25, 50 and 67 of the 100 must open
        levels = {1e6: (8000, 10000, 12000, 14000), 5e5: (5000, 6000, 7000, 8000), 3e5: (5000, 5750, 6500, 7250)}
        for seed, fixed in ((1, 1e6), (2, 5e5), (3, 3e5), (11, 1e6), (12, 5e5), (13, 3e5)):
            warehouses(path, 100, 1000, fixed, seed)
            run(swan, f"warehouses 100x1000 seed={seed}", path, "--uncapacitated")
            for capacity in levels[fixed] + ((2000, 1000, 750) if seed < 10 else ()):
                run(swan, f"warehouses 100x1000 seed={seed} cap={capacity}", path,
                    "--capacity", str(capacity), "--time-limit", "10")
    for folder in data:
        for path in sorted(glob.glob(os.path.join(folder, "pmed", "*.txt"))):
            run(swan, os.path.basename(path), path)
        for path in sorted(glob.glob(os.path.join(folder, "cap", "*.txt"))):
            run(swan, os.path.basename(path) + " uncapacitated", path, "--uncapacitated")
            run(swan, os.path.basename(path) + " capacitated", path)


if __name__ == "__main__":
    main()
