#!/usr/bin/env python3
"""knowledge_bench.py SWAN [PASSAGES] - time and memory of ingest and of a first search.

Makes folders of documents of 100 sections each, whose texts are three paragraphs of the content that
ships, once for each kind of document; then ingests (median of three), ingests again without a
change, and asks one question.  10,000 passages unless said.
"""
import html
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

swan = os.path.abspath(sys.argv[1])
wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
content = pathlib.Path(__file__).resolve().parents[1] / "content" / "knowledge"
texts = []
for path in sorted(content.glob("*.md")):
    texts += [part for part in path.read_text(encoding="utf-8").split("\n\n") if re.search("〔[A-D]", part)]
plain = [re.sub("〔[A-D].*?〕", "", text) for text in texts]


def sections(document, choose):
    for i in range(document * 100, document * 100 + 100):
        yield i, [f"第 {i} 条。" + choose.choice(plain) for _ in range(1)] + choose.sample(plain, 2)


def markdown(path, document, choose):
    out = [f"---\ntitle: 文档 {document}\nconfidence: D\n---\n"]
    for i, parts in sections(document, choose):
        out.append(f"## 第 {i} 条 {{#p{i}}}\n\n" + "\n\n".join(parts) + "\n\n")
    path.with_suffix(".md").write_text("".join(out), encoding="utf-8")


def page(path, document, choose):
    out = [f"<html lang=zh><head><title>文档 {document}</title></head><body>"]
    for i, parts in sections(document, choose):
        out.append(f"<h2 id=p{i}>第 {i} 条</h2>" + "".join(f"<p>{html.escape(part)}</p>" for part in parts))
    path.with_suffix(".html").write_text("".join(out), encoding="utf-8")


def plain_text(path, document, choose):
    out = []
    for i, parts in sections(document, choose):
        out.append(f"1.{i} 第{i}条\n\n" + "\n\n".join(parts) + "\n\n")
    path.with_suffix(".txt").write_text("".join(out), encoding="gb18030")


def docx(path, document, choose):
    out = ["<w:document xmlns:w='w'><w:body>"]
    for i, parts in sections(document, choose):
        out.append(f"<w:p><w:pPr><w:pStyle w:val='Heading2'/></w:pPr><w:r><w:t>第 {i} 条</w:t></w:r></w:p>")
        out += [f"<w:p><w:r><w:t>{html.escape(part)}</w:t></w:r></w:p>" for part in parts]
    out.append("</w:body></w:document>")
    with zipfile.ZipFile(path.with_suffix(".docx"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "".join(out))


def run(*arguments):
    begin = time.perf_counter()
    process = subprocess.Popen([swan, "knowledge", *map(str, arguments), "-o", "json"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{arguments}: status {status}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


print("kind      MB   ingest s  passages/s   MiB   again s  question s   MiB")
for name, write in (("markdown", markdown), ("html", page), ("text", plain_text), ("docx", docx)):
    with tempfile.TemporaryDirectory() as folder:
        docs, choose = pathlib.Path(folder, "docs"), random.Random(1)
        docs.mkdir()
        for document in range(wanted // 100):
            write(docs / f"d{document:05}", document, choose)
        size = sum(path.stat().st_size for path in docs.iterdir()) / 1e6
        taken = [run("ingest", docs, "--into", pathlib.Path(folder, f"kb{i}")) for i in range(3)]
        lines = pathlib.Path(folder, "kb0", "knowledge.jsonl").read_text(encoding="utf-8").count('{"passage":')
        seconds = statistics.median(t for t, _ in taken)
        again, _ = run("ingest", docs, "--into", pathlib.Path(folder, "kb0"))
        question, memory = run("search", "--corpus", pathlib.Path(folder, "kb0"), "空调坏了视频告警为什么迟到")
        print(f"{name:9} {size:4.1f} {seconds:8.2f} {lines / seconds:10.0f} {max(m for _, m in taken):7.0f}"
              f" {again:8.2f} {question:9.2f} {memory:8.0f}   ({lines} passages)")
