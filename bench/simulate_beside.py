#!/usr/bin/env python3
"""simulate_beside.py - `swan bench simulate` and SimGrid on the same tasks, in one run.

    bench/simulate_beside.py [HOSTS [TASKS]]      (`make bench-simulate`)

Needs build/swan, a C++ compiler and SimGrid (Debian: libsimgrid-dev), which is only measured
against and no part of Swan; without it Swan alone is measured and that is said.  Exit 77 then.
Swan's seconds are those of two whole runs (with the faults, of which the list has none, and the
base), SimGrid's of one.
"""
import json, os, shutil, subprocess, sys, tempfile

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
hosts, tasks = (sys.argv[1:] + ["20000", "50000"][len(sys.argv) - 1:])[:2]


def measured(command):
    """Output as JSON, and the most memory the program had, in MB."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        text = program.stdout.read()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        sys.exit(f"simulate_beside.py: {command[0]} failed")
    return json.loads(text), usage.ru_maxrss / 1000


def built(folder):
    """The peer, compiled; None without SimGrid or a compiler."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if not compiler:
        return None
    program = os.path.join(folder, "simulate-simgrid")
    done = subprocess.run([compiler, "-O2", "-std=c++17", "-o", program,
                           os.path.join(top, "bench/simulate_simgrid.cpp"), "-lsimgrid"],
                          capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return program
    if "simgrid" not in done.stderr:
        sys.exit(done.stderr)
    return None


def main():
    print(f"{hosts} hosts, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        listed = os.path.join(folder, "tasks.txt")
        swan = [os.path.join(top, "build/swan"), "bench", "simulate", "--hosts", hosts, "--tasks", tasks,
                "-o", "json"]
        answer, memory = measured(swan)
        print(f"swan, a switch fails      {answer['tasks']} tasks  {answer['seconds']:8.3f} s (two runs)"
              f"  {memory:6.0f} MB")
        answer, memory = measured(swan + ["--dump", listed])
        print(f"swan, the listed tasks    {answer['tasks']} tasks  {answer['seconds']:8.3f} s (two runs)"
              f"  {memory:6.0f} MB")
        peer = built(folder)
        if not peer:
            print("SimGrid is not installed (Debian: apt-get install libsimgrid-dev g++): nothing to compare with")
            return 77
        other, _ = measured([peer, listed])
        print(f"SimGrid, the listed tasks {other['tasks']} tasks  {other['seconds']:8.3f} s (one run) "
              f"  {other['memory_mb']:6.0f} MB")
        print(f"ratio {other['seconds'] / (answer['seconds'] / 2):.0f} a run")
        print(f"mean answer: swan {other['swan_mean_s']:.6f} s, SimGrid {other['mean_s']:.6f} s; task by task "
              f"{other['mean_difference_s'] * 1000:.3f} ms apart on average, {other['largest_difference_s'] * 1000:.3f}"
              f" ms at most")
    return 0


sys.exit(main())
