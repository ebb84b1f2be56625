"""[sig-cli], what needs a node."""
import json, re, subprocess, time
import urllib.request
from .steps import *


class Kubectl(NodeSpec):
    def yaml(self, thing): return json.dumps(thing)

    def rc(self, name, replicas, container, labels):
        return {"apiVersion": "v1", "kind": "ReplicationController",
            "metadata": {"name": name, "labels": labels}, "spec": {"replicas": replicas, "selector": labels,
            "template": self.template(container, labels=labels)}}

    def demo(self, count):
        """What `validateController` asks by go templates."""
        names = lambda: self.kubectl("get", "pods", "-o", "template",
            "--template={{range.items}}{{.metadata.name}} {{end}}", "-l", "name=update-demo").split()
        self.eventually(lambda: len(names()) == count, "%d pods" % count, 60)
        for name in names():
            running = ('--template={{if (exists . "status" "containerStatuses")}}'
                       '{{range .status.containerStatuses}}{{if (and (eq .name "update-demo") '
                       '(exists . "state" "running"))}}true{{end}}{{end}}{{end}}')
            self.eventually(lambda: self.kubectl("get", "pods", name, "-o", "template", running) == "true",
                "%s to run" % name, 60)
            image = ('--template={{if (exists . "spec" "containers")}}{{range .spec.containers}}'
                     '{{if eq .name "update-demo"}}{{.image}}{{end}}{{end}}{{end}}')
            self.assertEqual(self.kubectl("get", "pods", name, "-o", "template", image), "busybox:1")
            self.eventually(lambda: self.is_ready(self.pods.get(name)), "readiness")
            self.eventually(lambda: "agnhost" in self.proxy("pods", name, "/programs/agnhost.py",
                status=None), "its data", 20)

    def test_update_demo(self):
        self.kubectl("create", "-f", "-", input=self.yaml(self.rc("update-demo-nautilus", 2,
            program("test-webserver", name="update-demo", ports=[{"containerPort": 80}]),
            {"name": "update-demo", "version": "nautilus"})))
        self.demo(2)
        self.kubectl("scale", "rc", "update-demo-nautilus", "--replicas=1", "--timeout=5m")
        self.demo(1)
        self.kubectl("scale", "rc", "update-demo-nautilus", "--replicas=2", "--timeout=5m")
        self.demo(2)
        self.kubectl("delete", "--grace-period=0", "--force", "rc", "update-demo-nautilus")
        self.assertEqual(self.kubectl("get", "rc,svc", "-l", "name=update-demo", "--no-headers"), "")

    def test_guestbook(self):
        """as deployments and services; one writes, the others read"""
        for name, labels, replicas, container, port, target in (
                ("frontend", {"app": "guestbook", "tier": "frontend"}, 3,
                    program("netexec", "--http-port=80", "--udp-port=-1"), 80, 80),
                ("agnhost-primary", {"app": "agnhost", "role": "primary"}, 1,
                    program("netexec", "--http-port=6379", "--udp-port=-1"), 6379, 6379),
                ("agnhost-replica", {"app": "agnhost", "role": "replica"}, 2,
                    program("netexec", "--http-port=6379", "--udp-port=-1"), 6379, 6379)):
            self.kubectl("create", "-f", "-", input=self.yaml(
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": labels},
                "spec": {"ports": [{"port": port, "targetPort": target}], "selector": labels}}))
            self.kubectl("create", "-f", "-", input=self.yaml(
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                "template": self.template(dict(container, resources={
                    "requests": {"cpu": "10m", "memory": "20Mi"}}), labels=labels)}}))
        self.ready_pods("app=guestbook,tier=frontend", 3)
        self.ready_pods("app=agnhost", 3)
        self.eventually(lambda: "agnhost-primary" in self.proxy("services", "frontend", "/dial", status=None,
            host="agnhost-primary", port=6379, request="hostname"), "the guestbook", 60)
        for kind in ("deployments", "services"): self.kubectl("delete", "--grace-period=0", "--force", kind,
            "frontend", "agnhost-primary", "agnhost-replica")

    def test_replace_and_run(self):
        self.kubectl("run", "e2e-test-httpd-pod", "--image=nginx:stable-alpine", "--pod-running-timeout=2m0s",
            "--labels=run=e2e-test-httpd-pod")
        self.phase("e2e-test-httpd-pod", "Running")
        text = self.kubectl("get", "pod", "e2e-test-httpd-pod", "-o", "json")
        self.kubectl("replace", "-f", "-", input=text.replace('"image": "nginx:stable-alpine"',
            '"image": "nginx:two"', 1))
        self.assertEqual(self.pods.get("e2e-test-httpd-pod")["spec"]["containers"][0]["image"], "nginx:two")
        self.waits("e2e-test-httpd-pod", lambda pod: pod["status"]["containerStatuses"][0][
            "restartCount"] == 1 and "running" in pod["status"]["containerStatuses"][0]["state"],
            "the restart")
        self.kubectl("patch", "pod", "e2e-test-httpd-pod", "--dry-run=server", "-p",
            json.dumps({"spec": {"containers": [{"name": "e2e-test-httpd-pod", "image": "busybox:3"}]}}))
        self.assertEqual(self.pods.get("e2e-test-httpd-pod")["spec"]["containers"][0]["image"], "nginx:two")
        self.kubectl("run", "never", "--restart=Never", "--pod-running-timeout=2m0s", "--image=busybox:1")
        self.assertEqual(self.pods.get("never")["spec"]["restartPolicy"], "Never")
        self.kubectl("delete", "pods", "never", "e2e-test-httpd-pod", "--now")

    def test_label_and_patch(self):
        self.kubectl("create", "-f", "-", input=self.yaml({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "pause", "labels": {"name": "pause"}}, "spec": spec_of(box())}))
        self.ready("pause")
        self.kubectl("label", "pods", "pause", "testing-label=testing-label-value")
        self.assertIn("testing-label-value", self.kubectl("get", "pod", "pause", "-L", "testing-label"))
        self.kubectl("label", "pods", "pause", "testing-label-")
        self.assertNotIn("testing-label-value", self.kubectl("get", "pod", "pause", "-L", "testing-label"))
        self.kubectl("create", "-f", "-", input=self.yaml(self.rc("agnhost-primary", 1, program("netexec"),
            {"app": "agnhost", "role": "primary"})))
        pod = self.ready_pods("app=agnhost", 1)[0]["metadata"]["name"]
        self.kubectl("patch", "pod", pod, "-p", '{"metadata":{"annotations":{"x":"y"}}}')
        self.assertEqual(self.notes(self.pods.get(pod))["x"], "y")

    def test_describe(self):
        self.kubectl("create", "-f", "-", input=self.yaml(self.rc("agnhost-primary", 1,
            program("netexec", name="agnhost-primary", ports=[
            {"name": "agnhost-server", "containerPort": 6379}]), {"app": "agnhost", "role": "primary"})))
        self.kubectl("create", "-f", "-", input=self.yaml({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "agnhost-primary", "labels": {"app": "agnhost", "role": "primary"}},
            "spec": {"ports": [{"port": 6379, "targetPort": "agnhost-server"}],
                "selector": {"app": "agnhost", "role": "primary"}}}))
        pod = self.ready_pods("app=agnhost", 1)[0]["metadata"]["name"]

        def check(text, wanted):
            for words in wanted:
                lines = [line for line in text.splitlines() if words[0] in line]
                self.assertTrue(any(all(word in line for word in words) for line in lines),
                    "%s in\n%s" % (words, text))
        check(self.kubectl("describe", "pod", pod), [["Name:", "agnhost-primary-"],
            ["Namespace:", self.space], ["Node:"], ["Labels:", "app=agnhost"], ["role=primary"],
            ["Annotations:"], ["Status:", "Running"], ["IP:"],
            ["Controlled By:", "ReplicationController/agnhost-primary"], ["Image:", "busybox:1"],
                ["State:", "Running"], ["QoS Class:", "BestEffort"]])
        check(self.kubectl("describe", "rc", "agnhost-primary"),
            [["Name:", "agnhost-primary"], ["Namespace:", self.space],
            ["Selector:", "app=agnhost,role=primary"], ["Labels:", "app=agnhost"], ["role=primary"],
            ["Annotations:"],
            ["Replicas:", "1 current", "1 desired"], ["Pods Status:", "1 Running", "0 Waiting", "0 Succeeded",
                "0 Failed"], ["Pod Template:"], ["Image:", "busybox:1"], ["Events:"]])
        check(self.kubectl("describe", "service", "agnhost-primary"),
            [["Name:", "agnhost-primary"], ["Namespace:", self.space], ["Labels:", "app=agnhost"],
            ["role=primary"], ["Annotations:"], ["Selector:", "app=agnhost", "role=primary"],
            ["Type:", "ClusterIP"], ["IP:"], ["Port:", "<unset>", "6379/TCP"], ["Endpoints:"],
                ["Session Affinity:", "None"]])
        check(self.kubectl("describe", "node", self.node), [["Name:", self.node], ["Labels:"],
            ["Annotations:"], ["CreationTimestamp:"], ["Conditions:"],
            ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"],
            ["Addresses:"], ["Capacity:"], ["Kubelet Version:"], ["Pods:"]])
        check(self.kubectl("describe", "namespace", self.space),
            [["Name:", self.space], ["Labels:"], ["Annotations:"], ["Status:", "Active"]])

    def test_expose(self):
        self.kubectl("create", "-f", "-", input=self.yaml(self.rc("agnhost-primary", 1,
            program("netexec", "--http-port=6379"), {"app": "agnhost", "role": "primary"})))
        pod = self.ready_pods("app=agnhost", 1)[0]["metadata"]["name"]
        self.kubectl("expose", "rc", "agnhost-primary", "--name=rm2", "--port=1234", "--target-port=6379")
        self.endpoints("rm2", **{pod: [6379]})
        self.assertEqual(self.core("Service", "services").get("rm2")["spec"]["ports"][0]["port"], 1234)
        self.kubectl("expose", "service", "rm2", "--name=rm3", "--port=2345", "--target-port=6379")
        self.endpoints("rm3", **{pod: [6379]})

    def test_logs(self):
        """logs should be able to retrieve and filter logs"""
        name = "logs-generator"
        spec = {"spec": spec_of(program("logs-generator", "--log-lines-total", "100", "--run-duration", "8s",
            name=name), restartPolicy="Never")}
        self.kubectl("run", name, "--image=busybox:1", "--restart=Never", "--pod-running-timeout=2m0s",
            "--overrides=" + json.dumps(spec))
        self.phase(name, "Running", "Succeeded")
        self.logs(name, "/api/v1/namespaces/kube-system", name)
        time.sleep(1)
        out = self.kubectl("logs", name, name, "--tail=1")
        self.assertEqual(len(out.rstrip("\n").split("\n")), 1, out)
        self.assertTrue(out)
        out = self.kubectl("logs", name, name, "--limit-bytes=1")
        self.assertEqual(len(out), 1, out)
        out = self.kubectl("logs", name, name, "--tail=1", "--timestamps")
        self.assertRegex(out, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z [^\n]+\n$")
        time.sleep(2.5)
        recent, older = self.kubectl("logs", name, name, "--since=1s"), self.kubectl("logs", name, name,
            "--since=24h")
        self.assertLess(recent.count("\n"), older.count("\n"))
        self.assertGreater(recent.count("\n"), 0)
        self.phase(name, "Succeeded")
        self.assertEqual(self.kubectl("logs", name).count("\n"), 100)
        self.assertEqual(self.kubectl("logs", name, "--tail=7").count("\n"), 7)
        self.kubectl("delete", "pod", name)

    def test_logs_of_deployments(self):
        make = lambda n: program("logs-generator", "--log-lines-total", str(n * 10), "--run-duration", "1s",
            name="container-%d" % n)
        self.workload("Deployment", "d", 2, self.template(*[dict(make(n),
            command=["sh", "-c", "%s; exec sleep 1000" % " ".join(make(n)["command"])]) for n in (1, 2)],
            annotations={"kubectl.kubernetes.io/default-container": "container-2"},
                terminationGracePeriodSeconds=0))
        pods = [one["metadata"]["name"] for one in self.ready_pods("app=a", 2)]
        for pod in pods: self.eventually(lambda: self.log(pod, "container-2").count("\n") == 20
            and self.log(pod, "container-1").count("\n") == 10, "all lines")
        out = self.kubectl("logs", "deploy/d", "--all-pods").splitlines()
        self.assertEqual(len(out), 40)
        for line in out: self.assertTrue(any("[pod/%s/container-2]" % pod in line for pod in pods), line)
        out = self.kubectl("logs", "deploy/d", "--all-pods", "--all-containers").splitlines()
        self.assertEqual(len(out), 60)
        self.assertEqual(self.kubectl("logs", pods[0]).count("\n"), 20)
        self.assertEqual(self.kubectl("logs", pods[0], "--all-containers").count("\n"), 30)

    def test_port_forward(self):
        self.run_ready("p", program("netexec", readinessProbe=http("/healthz", 8080, periodSeconds=1)))
        with subprocess.Popen(["kubectl", "--kubeconfig", self.config, "-n", self.space, "port-forward",
            "pod/p", ":8080"], stdout=subprocess.PIPE, text=True) as one:
            try:
                port = re.search(r"127.0.0.1:(\d+)", one.stdout.readline()).group(1)
                for _ in range(3):
                    with urllib.request.urlopen("http://127.0.0.1:%s/hostname" % port,
                        timeout=10) as answer: self.assertEqual(answer.read(), b"p")
            finally: one.kill()
