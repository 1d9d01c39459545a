#!/usr/bin/env python3
"""check_engines.py SRC BUILD LIST - engines are pure: no time, randomness, file, network, process

LIST names the engines and every outside symbol they may use (engine_symbols.txt says how).  What
another engine defines is allowed; everything else must be allowed by name.
"""
import fnmatch
import re
import sys

import layers

src, build, list_path = sys.argv[1:4]
modules = layers.read(src)
rules = {"engine": [], "allow": [], "deny": [], "exempt": []}
with open(list_path, encoding="utf-8") as lines:
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "exempt" and len(words) > 2:
            words = ["exempt", *((words[1], symbol) for symbol in words[2:])]
        elif words[0] not in rules or words[0] == "exempt" or len(words) < 2:
            sys.exit(f"{list_path}:{number}: a line is engine|allow|deny|exempt WORD…")
        rules[words[0]] += words[1:]


def plain(symbol):
    """The name as written: without the marks of fortified and versioned libc functions."""
    symbol = re.sub(r"^__(\w+)_chk$", r"\1", symbol)
    return re.sub(r"^__isoc\d+_", "", symbol)


def matches(symbol, patterns):
    return any(fnmatch.fnmatchcase(symbol, pattern) for pattern in patterns)


problems, files, own = [], {}, set()
for name in rules["engine"]:
    if name not in modules:
        sys.exit(f"{list_path}: '{name}' is not a module of LAYERS")
    files[name] = layers.objects(build, name)
    if not files[name]:
        problems.append(f"{name}: nothing was built in {build}")
    own |= {symbol for _, symbol in layers.symbols(files[name], "--defined-only")}
for name in rules["engine"]:
    for obj, symbol in layers.symbols(files[name], "--undefined-only"):
        written = plain(symbol)
        if (name, written) in rules["exempt"]:
            continue
        allowed = symbol in own or matches(written, rules["allow"])
        if matches(written, rules["deny"]) or not allowed:
            problems.append(f"{name}: {obj} uses '{written}', which an engine may not")
layers.finish(problems)
