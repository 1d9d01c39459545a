#!/usr/bin/env python3
"""scheduling_peer.py - OR-Tools CP-SAT beside `swan lean schedule` on a PSPLIB folder, in one run.

    scheduling_peer.py SWAN DATA [--sets j30,j60,j120] [--every K] [--seconds 1,5] [--seed N]

DATA holds bounds.csv (set, instance, lo, hi, critical_path) and SET/NAME.sm.  Each solver gets the
same wall-clock seconds for an instance, one thread, one after the other; Python's own reading and
building of the model is not counted against CP-SAT.  Wants: pip install ortools (in a venv); it is
no dependency of Swan and of no test.  Every plan of both is checked here."""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time


def read_sm(path):
    text = open(path).read()
    after = text.split("PRECEDENCE RELATIONS:")[1].split("*")[0].strip().splitlines()[1:]
    asked = text.split("REQUESTS/DURATIONS:")[1].split("*")[0].strip().splitlines()[2:]
    there = text.split("RESOURCEAVAILABILITIES:")[1].split("*")[0].strip().splitlines()[1]
    successors = [[int(x) - 1 for x in line.split()[3:]] for line in after]
    rows = [[int(x) for x in line.split()] for line in asked]
    return successors, [row[2] for row in rows], [row[3:] for row in rows], [
        int(x) for x in there.split()]


def is_broken(problem, starts):
    successors, durations, needs, capacities = problem
    for i, followers in enumerate(successors):
        if any(starts[i] + durations[i] > starts[j] for j in followers):
            return True
    for time_ in starts:
        running = [i for i in range(len(starts))
                   if starts[i] <= time_ < starts[i] + durations[i]]
        if any(sum(needs[i][r] for i in running) > c for r, c in enumerate(capacities)):
            return True
    return False


def peer(problem, seconds, seed):
    from ortools.sat.python import cp_model
    successors, durations, needs, capacities = problem
    model = cp_model.CpModel()
    horizon = sum(durations)
    starts = [model.NewIntVar(0, horizon, "") for _ in durations]
    intervals = [model.NewFixedSizeIntervalVar(s, d, "") for s, d in zip(starts, durations)]
    makespan = model.NewIntVar(0, horizon, "")
    for i, followers in enumerate(successors):
        for j in followers:
            model.Add(starts[j] >= starts[i] + durations[i])
        if not followers:
            model.Add(makespan >= starts[i] + durations[i])
    for r, capacity in enumerate(capacities):
        users = [i for i in range(len(durations)) if needs[i][r] and durations[i]]
        if users:
            model.AddCumulative([intervals[i] for i in users], [needs[i][r] for i in users],
                                capacity)
    model.Minimize(makespan)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed
    begin = time.monotonic()
    status = solver.Solve(model)
    took = time.monotonic() - begin
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, int(solver.BestObjectiveBound()), took
    return [solver.Value(s) for s in starts], int(solver.BestObjectiveBound() + 0.5), took


def ours(swan, path, seconds, seed):
    begin = time.monotonic()
    answer = subprocess.run([swan, "lean", "schedule", "--psplib", path, "--time-limit",
                             str(seconds), "--seed", str(seed), "-o", "json"],
                            capture_output=True, check=True)
    took = time.monotonic() - begin
    plan = json.loads(answer.stdout)
    return plan["starts"], plan["lower_bound"], took


class Sum:
    def __init__(self):
        self.count = self.none = self.proven = self.at_best = 0
        self.over_path = self.over_best = self.took = self.worst = 0.0

    def add(self, problem, row, starts, bound, took):
        self.took += took
        self.worst = max(self.worst, took)
        if bound > int(row["hi"]):
            sys.exit("%s: a bound cannot be true" % row["instance"])
        if starts is None:
            self.none += 1
            return
        if is_broken(problem, starts):
            sys.exit("%s: a plan breaks a rule" % row["instance"])
        makespan = max(s + d for s, d in zip(starts, problem[1]))
        self.count += 1
        self.proven += makespan == bound
        self.at_best += makespan <= int(row["hi"])
        self.over_path += 100.0 * makespan / int(row["critical_path"]) - 100
        self.over_best += 100.0 * makespan / int(row["hi"]) - 100

    def line(self, name, seconds, who):
        n = max(1, self.count)
        print("%-5s %7g %-7s %5d %5d %7.1f%% %8d %10.3f %10.3f %8.3f %8.3f" % (
            name, seconds, who, self.count, self.none, 100.0 * self.proven / n, self.at_best,
            self.over_path / n, self.over_best / n, self.took / max(1, self.count + self.none),
            self.worst), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("swan")
    parser.add_argument("data")
    parser.add_argument("--sets", default="j30,j60,j120")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--seconds", default="1")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with open(os.path.join(options.data, "bounds.csv")) as file:
        rows = [row for row in csv.DictReader(file, fieldnames=[
            "set", "instance", "lo", "hi", "critical_path", "source"])
                if re.fullmatch(r"\d+", row["hi"] or "")]
    print("%-5s %7s %-7s %5s %5s %8s %8s %10s %10s %8s %8s" % (
        "set", "seconds", "who", "plans", "none", "proven", "at best", "over path", "over best",
        "mean s", "most s"))
    for name in options.sets.split(","):
        for seconds in [float(s) for s in options.seconds.split(",")]:
            sums = {"swan": Sum(), "CP-SAT": Sum()}
            for row in [r for r in rows if r["set"] == name][::options.every]:
                path = os.path.join(options.data, name, row["instance"] + ".sm")
                problem = read_sm(path)
                sums["swan"].add(problem, row, *ours(options.swan, path, seconds, options.seed))
                sums["CP-SAT"].add(problem, row, *peer(problem, seconds, options.seed))
            for who, total in sums.items():
                total.line(name, seconds, who)
            took = sums["swan"].took
            print("%-5s %7g time of CP-SAT over that of swan: %.2f" % (
                name, seconds, sums["CP-SAT"].took / took if took else 0))


if __name__ == "__main__":
    main()
