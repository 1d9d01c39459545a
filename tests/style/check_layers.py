#!/usr/bin/env python3
"""check_layers.py SRC - every include must be one that SRC/LAYERS allows

Also: every source belongs to a module that has a folder, *_priv.h stays inside its module, our own
headers are included with quotes and by their path from SRC, and no .c declares an extern by hand.
"""
import pathlib
import re
import sys

import layers

root = pathlib.Path(sys.argv[1])
modules = layers.read(root)
problems = [f"{root}/LAYERS: {name} has no folder" for name in modules if not (root / name).is_dir()]

for file in sorted(root.rglob("*.[ch]")):
    me = layers.owner(modules, file.relative_to(root).as_posix())
    if me is None:
        problems.append(f"{file}: no line of LAYERS holds this file")
        continue
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        at = f"{file}:{number}"
        if file.suffix == ".c" and re.match(r"\s*extern\b", line):
            problems.append(f"{at}: extern belongs in a header")
        include = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not include:
            continue
        quote, path = include.groups()
        exists = (root / path).is_file()
        if quote == "<":
            if exists:
                problems.append(f"{at}: <{path}> is ours and wants quotes")
            continue
        to = layers.owner(modules, path)
        if to is None or not exists or ".." in path.split("/"):
            problems.append(f'{at}: "{path}" is not a path from {root}/')
        elif to is not me and to.name not in me.allowed:
            problems.append(f"{at}: {me.name} may not include {to.name} (see {root}/LAYERS)")
        elif to is not me and path.endswith("_priv.h"):
            problems.append(f"{at}: {path} is private to {to.name}")
layers.finish(problems)
