#!/usr/bin/env python3
"""check_symbols.py SRC BUILD - what the linker sees must agree with SRC/LAYERS

Every global name carries a prefix of its module; a name is defined once; an undefined name that some
module defines comes from a module it may use (which catches a declaration written by hand); and only
base/mem.c asks for memory.
"""
import sys

import layers

src, build = sys.argv[1:3]
modules = layers.read(src)
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "posix_memalign",
              "memalign", "valloc", "strdup", "strndup", "__strdup", "__strndup", "asprintf",
              "vasprintf", "__asprintf_chk", "__vasprintf_chk"}
problems, definer, files = [], {}, {}

for name, module in modules.items():
    files[name] = layers.objects(build, name)
    if not files[name]:
        problems.append(f"{name}: nothing was built in {build}")
    for _, symbol in layers.symbols(files[name], "--defined-only"):
        if definer.get(symbol, name) != name:
            problems.append(f"{name}: '{symbol}' is defined by {definer[symbol]}, too")
        definer[symbol] = name
        if module.prefixes and not symbol.startswith(module.prefixes):
            wanted = " ".join(module.prefixes)
            problems.append(f"{name}: global name '{symbol}' carries none of: {wanted}")

for name, module in modules.items():
    for obj, symbol in layers.symbols(files[name], "--undefined-only"):
        to = definer.get(symbol, name)
        if to != name and to not in module.allowed:
            problems.append(f"{name}: {obj} uses '{symbol}' of {to}, which LAYERS does not allow")
        if symbol in ALLOCATORS and (name, obj) != ("base", "mem.c.o"):
            problems.append(f"{name}: {obj} calls {symbol}; only base/mem.c asks for memory")
layers.finish(problems)
