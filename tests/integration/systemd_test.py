#!/usr/bin/env python3
"""systemd_test.py - the host provider over SSH on a real Debian with systemd as process 1.

systemd_test.py IMAGE, run by `make systemd` below tests/testbed/isolated.sh; not part of ./test (it builds a Debian, about a minute)."""
import pathlib, subprocess, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testbed"))
import swan

TESTBED = pathlib.Path(__file__).resolve().parents[1] / "testbed"
NEED = {"components": [{"name": "hello", "instances": 2, "vcpus": 0.5, "memory_gib": 0.25, "location": "lab"}]}


def main():
    server = swan.Server("--no-local-site")
    folder = server.folder
    up = subprocess.run([str(TESTBED / "systemd_host.sh"), "up", str(folder), sys.argv[1]], capture_output=True, text=True)
    if up.returncode:
        print(up.stdout.strip(), up.stderr.strip())
        return up.returncode
    values = dict(line.split("=", 1) for line in up.stdout.splitlines() if "=" in line)

    def ssh(*words):
        return subprocess.run(["ssh", "-i", str(folder / "key"), "-o", f"UserKnownHostsFile={folder}/known_hosts", f"root@{values['address']}",
                               *words], capture_output=True, text=True, timeout=30)
    try:
        server.start()
        server.publish_hello()
        server.ok("POST", "/api/v1/network/import", {"currency": "CNY", "access": [{"id": "here"}], "sites": [
            {"id": "lab1", "tier": "edge", "regions": ["lab"], "provider": "host", "arch": ["x86_64"],
             "capacity": {"vcpus": 2, "memory_gib": 4, "disk_gib": 10}, "price": {"vcpu_hour": 0.1, "memory_gib_hour": 0.02}}]})
        server.ok("PUT", "/api/v1/connections/lab1~host", {"site": "lab1", "provider": "host", "endpoint": values["endpoint"]})
        site = server.ok("POST", "/api/v1/sites/lab1/discover")
        print("discovered:", site["status"])
        assert "systemd" in site["status"]["system"] and "no systemd" not in site["status"]["system"], site["status"]
        need = server.ok("POST", "/api/v1/requirements", {"requirement": NEED})
        solution = server.ok("POST", "/api/v1/solutions", {"requirement": need["id"]})
        order = server.ok("POST", "/api/v1/orders", {"solution": solution["id"]})
        plan = server.ok("POST", "/api/v1/plans", {"order": order["id"]})
        run = server.ok("POST", "/api/v1/runs", {"plan": plan["id"], "digest": plan["spec"]["digest"]})
        state = server.wait_run(run["id"])
        assert state == "succeeded", server.ok("GET", f"/api/v1/runs/{run['id']}")["status"]
        deployment = server.ok("GET", f"/api/v1/deployments/{run['spec']['deployment']}")
        for url in deployment["status"]["urls"]:
            status, body = swan.http_get(url)
            assert status == 200 and deployment["id"] in body
            print("answers:", url)
        units = ssh("systemctl list-units --plain --no-legend 'swan-*'").stdout.strip().splitlines()
        print("\n".join(units))
        assert len(units) == 2 and all("running" in unit for unit in units), units
        name = units[0].split()[0]
        print(ssh(f"systemctl show {name} -p MemoryMax -p CPUQuotaPerSecUSec -p Restart -p MainPID").stdout.split())
        before = ssh(f"systemctl show {name} -p MainPID --value").stdout.strip()
        ssh(f"kill -9 {before}")
        swan.wait_for("systemd starts it again",
                      lambda: ssh(f"systemctl show {name} -p MainPID --value").stdout.strip() not in (before, "0", ""), 20, 0.5)
        swan.wait_for("it answers again", lambda: all_answer(deployment["status"]["urls"]), 20, 0.5)
        ssh(f"systemctl stop {name}")
        swan.wait_for("the twin says that it is dead", lambda: [
            e for e in server.ok("GET", f"/api/v1/deployments/{deployment['id']}/twin")["entities"] if e["state"] == "dead"], 20, 0.5)
        removal = server.ok("DELETE", f"/api/v1/deployments/{deployment['id']}")
        assert server.wait_run(removal["id"]) == "succeeded"
        left = ssh("ls /etc/systemd/system/ /run/systemd/system 2>/dev/null | grep '^swan-'; pgrep -x hello; ls /var/lib/swan/instances 2>/dev/null").stdout.split()
        assert not left, left
        print("1 passed, 0 failed")
        return 0
    finally:
        subprocess.run([str(TESTBED / "systemd_host.sh"), "down", str(folder)])
        server.__exit__()


def all_answer(urls):
    try:
        return all(swan.http_get(url, 2)[0] == 200 for url in urls)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
