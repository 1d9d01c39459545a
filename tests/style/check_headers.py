#!/usr/bin/env python3
"""check_headers.py SRC COMPILER… - every header compiles alone, and twice in one file

The compiler command may hold flags; SRC is added to its include path.
"""
import concurrent.futures
import pathlib
import subprocess
import sys

import layers

root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
headers = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.h"))


def problem_of(header):
    text = f'#include "{header}"\n' * 2 + "typedef int not_an_empty_file;\n"
    run = subprocess.run([*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic",
                          "-Wstrict-prototypes", "-Werror", "-fsyntax-only", "-I", str(root),
                          "-x", "c", "-"], input=text, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return f"{root}/{header} does not compile alone:\n{run.stdout}" if run.returncode else None


with concurrent.futures.ThreadPoolExecutor() as pool:
    problems = [problem for problem in pool.map(problem_of, headers) if problem]
if not headers:
    problems = [f"{root}: holds no header"]
layers.finish(problems)
