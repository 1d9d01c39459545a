#!/usr/bin/env python3
"""endpoint.py SCRIPT - an embeddings endpoint that answers as its script says; prints its port.

SCRIPT is a list of words, one a call, the last for all calls after it:
  good    vectors of 8 dimensions made from the letters of each text
  wide    the same with 12 dimensions
  mixed   the second vector of the call has another length
  few     one vector less than there are texts
  late    no answer for 3 seconds
  junk    no JSON
  NNN     that status, with an error message
Each call is printed as a line: number of texts, and the Authorization header.
"""
import http.server
import json
import sys
import time

script = sys.argv[1].split(",")


def vector(text, size):
    out = [0.01] * size
    for word in ("电", "网", "光", "price"):
        if word in text:
            out[("电", "网", "光", "price").index(word)] += 1.0
    return out


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        step = script.pop(0) if len(script) > 1 else script[0]
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = asked["input"]
        print(len(texts), self.headers.get("Authorization", "-"), self.path, asked["model"], flush=True)
        if step == "late":
            time.sleep(3)
            step = "good"
        if step.isdigit():
            return self.answer(int(step), b'{"error":{"message":"as the script says"}}')
        if step == "junk":
            return self.answer(200, b"<html>")
        size = 12 if step == "wide" else 8
        data = [{"index": i, "embedding": vector(text, size)} for i, text in enumerate(texts)]
        data.reverse()  # servers may answer in any order
        if step == "mixed":
            data[-1]["embedding"] = [1.0]
        if step == "few":
            data = data[1:]
        self.answer(200, json.dumps({"data": data}).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
print(server.server_port, flush=True)
server.serve_forever()
