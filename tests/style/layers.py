"""layers - reads src/LAYERS, and what the linker knows of each module's archive

A line is `MODULE PREFIX,PREFIX… : MODULE MODULE …`; '-' stands for any prefix.  A module may name
only modules above it.  A file belongs to the module whose path is its longest prefix.
"""
import pathlib
import re
import subprocess
import sys


class Module:
    def __init__(self, name, prefixes, allowed):
        self.name = name
        self.prefixes = prefixes  # () = any
        self.allowed = allowed


def read(src):
    """The modules by name, in the order of the file; ends the program on a bad line."""
    path = pathlib.Path(src) / "LAYERS"
    modules = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        head, colon, rest = line.partition(":")
        if not colon or len(head.split()) != 2:
            sys.exit(f"{path}:{number}: a line is MODULE PREFIXES : MODULES")
        name, prefixes = head.split()
        if name in modules:
            sys.exit(f"{path}:{number}: {name} is declared twice")
        for dep in rest.split():
            if dep not in modules:
                sys.exit(f"{path}:{number}: {name}: '{dep}' is not declared above")
        modules[name] = Module(name, () if prefixes == "-" else tuple(prefixes.split(",")),
                               set(rest.split()))
    if not modules:
        sys.exit(f"{path}: declares no module")
    return modules


def owner(modules, path):
    """The module that a path from src/ belongs to, or None."""
    hits = [name for name in modules if path.startswith(name + "/")]
    return modules[max(hits, key=len)] if hits else None


def is_generated(symbol):
    """Names that compilers and sanitizers make; no C name of ours looks like them."""
    return (not re.fullmatch(r"\w+", symbol) or symbol == "_GLOBAL_OFFSET_TABLE_"
            or symbol.startswith(("__asan_", "__ubsan_", "__sanitizer_", "__tsan_", "__lsan_",
                                  "__msan_", "__sancov", "__gcov_", "__llvm_", "__odr_asan",
                                  "__stack_chk_", "__start_", "__stop_", "__emutls_")))


def objects(build, name):
    """The archive of a module, or the objects of a module that is linked straight into swan."""
    dashed = name.replace("/", "-")
    archive = pathlib.Path(build) / "src" / name / f"lib{dashed}.a"
    if archive.exists():
        return [archive]
    underscored = name.replace("/", "_")
    return sorted((pathlib.Path(build) / "swan.p").glob(f"src_{underscored}_*.o"))


def symbols(files, option):
    """(object, name) of the global symbols that nm lists with --defined-only or --undefined-only."""
    found = set()
    for file in files:
        out = subprocess.run(["nm", "-g", "-P", "-A", option, str(file)], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout
        for line in out.splitlines():
            # LIB.a[OBJECT.o]: NAME TYPE …   or   OBJECT.o: NAME TYPE …
            where, _, rest = line.partition(": ")
            name = rest.split()[0]
            if not is_generated(name):
                inner = re.search(r"\[(.*)\]$", where)
                found.add((pathlib.PurePath(inner.group(1) if inner else where).name, name))
    return sorted(found)


def finish(problems):
    """Prints the problems; the exit status says whether there were any."""
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
