"""swan.py - a Swan server of a test's own: temporary folder, free port, ended by its process id.

Python's standard library only.  SWAN_BUILD names the folder that holds `swan` (build-test by default).
"""
import json, os, pathlib, shutil, signal, subprocess, sys, tempfile, time, urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SWAN_BUILD", ROOT / "build-test")).resolve()
SWAN = BUILD / "swan"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)


def wait_for(what, condition, seconds=30.0, step=0.05):
    """Polls until condition() is true; its value.  Raises with `what` when time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"timed out after {seconds} s: {what}")
        time.sleep(step)


class Server:
    """with Server() as s: s.api("GET", "/api/v1/sites") … ; s.cli("deployment", "list") …"""

    def __init__(self, *options, store=None, keep=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swan-test-"))
        self.data = self.folder / "data"
        self.options, self.store, self.keep = list(options), store, keep
        self.process, self.url, self.token, self.log = None, None, None, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.kill_things()
        finally:
            self.stop(signal.SIGKILL)
            if not self.keep:
                shutil.rmtree(self.folder, ignore_errors=True)

    # ---- process ----
    def start(self, faults=None, wait=True):
        self.data.mkdir(exist_ok=True, mode=0o700)
        (self.data / "url").unlink(missing_ok=True)
        env = dict(os.environ, XDG_CONFIG_HOME=str(self.folder / "config"))
        env.pop("SWAN_FAULTS", None)
        if faults:
            env["SWAN_FAULTS"] = faults
        command = [str(SWAN), "serve", "--data", str(self.data), "--port", "0", "--observe", "500ms", *self.options]
        if self.store:
            command += ["--store", self.store]
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        if wait:
            wait_for("the server is ready", self._ready, 30)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
        path = self.data / "url"
        if not path.exists() or not path.read_text().endswith("\n"):
            return False
        self.url = path.read_text().strip()
        first = self.data / "first-token"
        if self.token is None and first.exists():
            self.token = first.read_text().strip()
        return True

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(20)
        code = self.process.returncode if self.process else None
        if self.log:
            self.log.close()
            self.log = None
        return code

    def log_tail(self, lines=30):
        try:
            return "\n".join((self.folder / "server.log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # ---- faces ----
    def api(self, method, path, body=None, headers=None, token=None, timeout=30):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + urllib.request.quote(path, safe="/?=&%:@~-._"), data=data, method=method)
        request.add_header("Content-Type", "application/json")
        use = self.token if token is None else token
        if use:
            request.add_header("Authorization", "Bearer " + use)
        request.add_header("Prefer", "wait=30")  # an answer, no operation, however busy the machine is
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.headers, e.read())

    def ok(self, method, path, body=None, **more):
        answer = self.api(method, path, body, **more)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.text}\n{self.log_tail()}"
        return answer.json if answer.text.strip() else None

    def cli(self, *args, code=0, stdin="", lang="en", env=None):
        """Runs swan with this server; checks the exit code (None = any); returns stdout."""
        e = dict(os.environ, XDG_CONFIG_HOME=str(self.folder / "config"), SWAN_SERVER=self.url or "", SWAN_TOKEN=self.token or "",
                 SWAN_LANG=lang, NO_COLOR="1", COLUMNS="160")
        e.update(env or {})
        p = subprocess.run([str(SWAN), *args], env=e, input=stdin, capture_output=True, text=True, timeout=120)
        if code is not None:
            assert p.returncode == code, f"swan {' '.join(args)}: exit {p.returncode}, not {code}\n{p.stdout}\n{p.stderr}\n{self.log_tail()}"
        self.stderr = p.stderr
        return p.stdout

    # ---- the usual preparations ----
    def import_starter(self):
        self.cli("network", "import", str(ROOT / "content/network/starter.yaml"), "--price-notes",
                 str(ROOT / "content/network/starter-prices.yaml"), "--prices", str(ROOT / "content/prices/price-book.yaml"))

    def publish_hello(self, name="hello"):
        self.cli("app", "publish", str(BUILD / "applications" / name), "--yes")

    def wait_local_site(self):
        def is_up():  # the last that is written of it
            answer = self.api("GET", "/api/v1/sites/local")
            return answer.status == 200 and answer.json.get("status", {}).get("state") == "up"
        wait_for("this machine is a site", is_up, 20)

    # ---- the loop by the API; returns the id of the run ----
    def launch(self, words, choice=0, simulate=False, key=None):
        solution = self.ok("POST", "/api/v1/solutions", {"text": words})
        order = self.ok("POST", "/api/v1/orders", {"solution": solution["id"], "choice": choice, "confirm": True})
        plan = self.ok("POST", "/api/v1/plans", {"order": order["id"], "simulate": simulate})
        run = self.ok("POST", "/api/v1/runs", {"plan": plan["id"], "digest": plan["spec"]["digest"]},
                      headers={"Idempotency-Key": key} if key else None)
        return run["id"], run["spec"]["deployment"]

    def run_state(self, run):
        return self.ok("GET", f"/api/v1/runs/{run}")["status"]["state"]

    def wait_run(self, run, seconds=60):
        ended = ("succeeded", "failed", "partly", "cancelled")
        return wait_for(f"run {run} ends", lambda: (s := self.run_state(run)) in ended and s, seconds)

    # ---- counting what is really there ----
    def instances(self, deployment=None):
        """Process ids of instances of this server's deployments, by instance name: {name: [pid…]}."""
        found = {}
        mine = str(self.data)
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                env = (folder / "environ").read_bytes().split(b"\0")
                exe = os.readlink(folder / "exe")
            except OSError:
                continue
            values = dict(e.split(b"=", 1) for e in env if b"=" in e)
            name = values.get(b"SWAN_INSTANCE", b"").decode()
            if not name or not exe.startswith(mine):
                continue
            if deployment and values.get(b"SWAN_DEPLOYMENT", b"").decode() != deployment:
                continue
            found.setdefault(name, []).append(int(folder.name))
        return found

    def supervisors(self):
        """Process ids of the host provider's supervisors that work below this server's folder."""
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    words = (folder / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words and words[0].endswith(b"swan-supervise") and any(str(self.data).encode() in w for w in words[1:]):
                    found.append(int(folder.name))
        return found

    def kill_things(self):
        """Ends every process that this server opened and left (a failed test must leave nothing)."""
        for pid in self.supervisors():
            try:
                os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        end = time.monotonic() + 5
        while (self.instances() or self.supervisors()) and time.monotonic() < end:
            time.sleep(0.1)
        for pid in self.supervisors() + [p for pids in self.instances().values() for p in pids]:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


def http_get(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as reply:
        return reply.status, reply.read().decode()
