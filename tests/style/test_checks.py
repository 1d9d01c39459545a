#!/usr/bin/env python3
"""test_checks.py CC - every check must refuse its broken samples and take the good one

A sample is a folder samples/NAME with src/ (a small house), perhaps list.txt (for check_engines), and
expected.txt: each line `CHECK` (must pass) or `CHECK: TEXT` (must fail, and print TEXT).
"""
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
sys.dont_write_bytecode = True
import layers  # noqa: E402

compiler = sys.argv[1:]


def build_house(src, build):
    """Compiles each module to the archive that meson would make."""
    modules = layers.read(src)
    for file in sorted(src.rglob("*.c")):
        path = file.relative_to(src).as_posix()
        module = layers.owner(modules, path)
        folder = build / "src" / module.name
        folder.mkdir(parents=True, exist_ok=True)
        obj = folder / f"{file.name}.o"
        subprocess.run([*compiler, "-std=gnu17", "-D_GNU_SOURCE", "-I", str(src), "-c", str(file), "-o",
                        str(obj)], check=True)
        archive = folder / f"lib{module.name.replace('/', '-')}.a"
        subprocess.run(["ar", "rcs", str(archive), str(obj)], check=True)


def run_check(check, sample, build):
    command = [sys.executable, "-B", str(here / f"{check}.py"), str(sample / "src")]
    if check == "check_headers":
        command += compiler
    if check in ("check_symbols", "check_engines"):
        command.append(str(build))
    if check == "check_engines":
        command.append(str(sample / "list.txt"))
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


failed = 0
samples = sorted(path for path in (here / "samples").iterdir() if path.is_dir())
for sample in samples:
    wanted = {}
    for line in (sample / "expected.txt").read_text(encoding="utf-8").splitlines():
        check, _, text = line.partition(": ")
        wanted.setdefault(check, []).append(text)
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder)
        if wanted.keys() & {"check_symbols", "check_engines"}:
            build_house(sample / "src", build)
        for check, texts in wanted.items():
            run = run_check(check, sample, build)
            texts = [text for text in texts if text]
            good = (run.returncode == (1 if texts else 0)
                    and all(text in run.stdout for text in texts)
                    and (texts or not run.stdout))
            print(f"{'ok' if good else 'NOT OK'} {sample.name} {check}")
            if not good:
                failed += 1
                print(f"exit {run.returncode}, wanted: {texts}\n{run.stdout}")
print(f"{len(samples)} samples")
sys.exit(1 if failed or not samples else 0)
