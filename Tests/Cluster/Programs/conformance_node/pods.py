"""[sig-node], what needs a node."""
import json, time, urllib.parse, websocket
from .steps import *



class Maps(NodeSpec):
    def make(self, kind, name, data):
        plural = kind.lower() + "s"
        if kind == "Secret": return self.core(kind, plural).create(
            {"metadata": {"name": name}, "stringData": data})
        return self.core(kind, plural).create({"metadata": {"name": name}, "data": data})

    def test_env_from_config_map_and_secret(self):
        """consumable via environment variable, via the environment, names with various prefixes"""
        for kind, ref, key in (("ConfigMap", "configMapRef", "configMapKeyRef"),
            ("Secret", "secretRef", "secretKeyRef")):
            name = kind.lower()
            self.make(kind, name, {"data-1": "value-1", "data_2": "value-2", "data.3": "value-3",
                "4x": "four"})
            prefixes = ["", "p-", "p_", "$_", "#.", "=".replace("=", "~")]
            text = self.output(dict(box(), command=["env"],
                               env=env(ONE={key: {"name": name, "key": "data-1"}},
                                   NONE={key: {"name": name, "key": "no", "optional": True}}),
                               envFrom=[dict({ref: {"name": name}}, **({"prefix": p} if p else {}))
                                   for p in prefixes]), name="env-" + name)
            lines = text.splitlines()
            self.assertIn("ONE=value-1", lines)
            for p in prefixes:
                for k, v in (("data-1", "value-1"), ("data_2", "value-2"), ("data.3", "value-3"),
                    ("4x", "four")):
                    self.assertIn("%s%s=%s" % (p, k, v), lines)
            self.assertFalse([l for l in lines if l.startswith("NONE")])


class Downward(NodeSpec):
    def test_env(self):
        limits = {"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}}
        resource = lambda name: {"resourceFieldRef": {"resource": name}}
        self.pod("out", box("env", env=env(
            POD_NAME=field("metadata.name"), POD_NAMESPACE=field("metadata.namespace"),
                POD_IP=field("status.podIP"), POD_IPS=field("status.podIPs"),
            HOST_IP=field("status.hostIP"), HOST_IPS=field("status.hostIPs"), POD_UID=field("metadata.uid"),
                WHERE=field("spec.nodeName"), SA=field("spec.serviceAccountName"),
            LABEL=field("metadata.labels['a']"), NOTE=field("metadata.annotations['b']"),
            CPU_LIMIT=resource("limits.cpu"), MEMORY_LIMIT=resource("limits.memory"),
                CPU_REQUEST=resource("requests.cpu"), MEMORY_REQUEST=resource("requests.memory")),
            resources=limits), labels={"a": "x"}, annotations={"b": "y z"}, restartPolicy="Never")
        pod = self.phase("out", "Succeeded")
        lines = self.log("out").splitlines()
        for one in ("POD_NAME=out", "POD_NAMESPACE=" + self.space, "HOST_IP=" + self.node_address,
            "HOST_IPS=" + self.node_address, "POD_UID=" + pod["metadata"]["uid"],
                    "WHERE=" + self.node, "SA=default", "LABEL=x", "NOTE=y z", "CPU_LIMIT=2",
                        "MEMORY_LIMIT=67108864", "CPU_REQUEST=1", "MEMORY_REQUEST=33554432",
                    "POD_IP=" + pod["status"]["podIP"], "POD_IPS=" + pod["status"]["podIP"]): self.assertIn(
                        one, lines)
        self.assertEqual(pod["status"]["hostIP"], self.node_address)
        self.assertEqual(pod["status"]["hostIPs"], [{"ip": self.node_address}])

    def test_defaults_from_allocatable(self):
        resource = lambda name: {"resourceFieldRef": {"resource": name}}
        lines = self.output("env", env=env(CPU_LIMIT=resource("limits.cpu"),
            MEMORY_LIMIT=resource("limits.memory"))).splitlines()
        node = self.kind("v1", "Node", "nodes").get(self.node)["status"]["allocatable"]
        self.assertIn("CPU_LIMIT=" + node["cpu"], lines)
        memory = node["memory"]
        self.assertIn("MEMORY_LIMIT=%d" % (int(memory[:-2]) * 1024 if memory.endswith("Ki") else int(memory)),
            lines)


class Expansion(NodeSpec):
    def test_env_command_args(self):
        lines = self.output("env", env=env(FOO="foo-value", BAR="bar-value", FOOBAR="$(FOO);;$(BAR)",
            LATE="$(AFTER)", AFTER="1", ESC="$$(FOO)")).splitlines()
        for one in ("FOO=foo-value", "BAR=bar-value", "FOOBAR=foo-value;;bar-value", "LATE=$(AFTER)",
            "ESC=$(FOO)"): self.assertIn(one, lines)
        one = dict(box(), command=["sh", "-c", 'TEST_VAR=wrong echo "$(TEST_VAR)"'],
            env=env(TEST_VAR="test-value"))
        self.assertEqual(self.output(one, name="two"), "test-value\n")
        one = dict(box(), command=["sh", "-c"], args=['TEST_VAR=wrong echo "$(TEST_VAR)"'],
            env=env(TEST_VAR="test-value"))
        self.assertEqual(self.output(one, name="three"), "test-value\n")

    def mounts(self, expression): return [{"name": "w", "mountPath": "/subpath_mount",
        "subPathExpr": expression}, {"name": "w", "mountPath": "/volume_mount"}]

    def test_subpath(self):
        self.output("test -d /testcontainer/out; [ -d /logscontainer ] && ls /testcontainer",
            env=env(POD_NAME=field("metadata.name")), pod={"volumes": [{"name": "w", "emptyDir": {}}]},
                    volumeMounts=[{"name": "w", "mountPath": "/logscontainer", "subPathExpr": "$(POD_NAME)"},
                        {"name": "w", "mountPath": "/testcontainer"}])

    def test_subpath_backticks_and_absolute_path_fail(self):
        for name, value, expression in (("ticks", "..", "$(POD_NAME)"), ("absolute", "/tmp", "$(POD_NAME)")):
            self.pod(name, box(env=env(POD_NAME=value), volumeMounts=self.mounts(expression)),
                volumes=[{"name": "w", "emptyDir": {}}], restartPolicy="Never")
        for name in ("ticks", "absolute"):
            self.waits(name, lambda pod: pod["status"].get("containerStatuses")
                and pod["status"]["containerStatuses"][0]["state"].get("waiting",
                {}).get("reason") == "CreateContainerConfigError", "CreateContainerConfigError", 60)
            self.remove(name)

    def test_failing_subpath_can_be_modified(self):
        self.pod("p", box(env=env(POD_NAME="foo", ANNOTATION=field("metadata.annotations['mysubpath']")),
            volumeMounts=self.mounts("$(ANNOTATION)/$(POD_NAME)")),
                 annotations={"notmysubpath": "mypath"}, volumes=[{"name": "w", "emptyDir": {}}],
                     restartPolicy="Never")
        self.waits("p", lambda pod: pod["status"].get("containerStatuses")
            and "waiting" in pod["status"]["containerStatuses"][0]["state"] and
                   pod["status"]["containerStatuses"][0]["state"]["waiting"][
                       "reason"] == "CreateContainerConfigError", "failure", 60)
        self.pods.retried("p", lambda pod: pod["metadata"].setdefault("annotations",
            {}).update(mysubpath="mypath"))
        self.phase("p", "Running", seconds=120)
        self.remove("p")

    def test_writing_subpaths(self):
        self.pod("p", box(env=env(POD_NAME="foo", ANNOTATION=field("metadata.annotations['mysubpath']")),
            volumeMounts=self.mounts("$(ANNOTATION)/$(POD_NAME)")),
                 annotations={"mysubpath": "mypath"}, volumes=[{"name": "w", "emptyDir": {}}],
                     restartPolicy="Never")
        self.phase("p", "Running")
        self.shell("p", "touch /volume_mount/mypath/foo/test.log")
        self.shell("p", "test -f /subpath_mount/test.log")
        self.pods.retried("p", lambda pod: pod["metadata"]["annotations"].update(mysubpath="mynewpath"))
        time.sleep(1)
        self.assertEqual(self.pods.get("p")["status"]["phase"], "Running")
        self.remove("p")


class Lifecycle(NodeSpec):
    def hook(self, name, kind, exec_=False):
        self.run_ready("server", program("netexec", name="h"))
        server = self.address("server")
        if exec_: action = {"exec": {"command": ["sh", "-c", "wget -q -O- 'http://%s:8080/echo?msg=%s'" % (
            server, kind.lower())]}}
        else: action = {"httpGet": {"path": "/dial?host=%s&port=8080&request=%s" % (server,
            urllib.parse.quote("echo?msg=" + kind.lower(), safe="")), "port": 8080}}
        side = program("netexec", "--udp-port", "-1", name="container-redirect", restartPolicy="Always",
            startupProbe=http("/echo?msg=startup", 8080))
        self.run_ready(name, box(lifecycle={kind: action}), initContainers=[side],
            terminationGracePeriodSeconds=30)
        if kind == "postStart": self.logs("server", "GET /echo?msg=poststart")
        self.pods.delete(name, gracePeriodSeconds=15)
        self.gone_pod(name)
        if kind == "preStop": self.logs("server", "GET /echo?msg=prestop", seconds=30)

    def test_poststart_http(self): self.hook("p", "postStart")
    def test_prestop_exec(self): self.hook("p", "preStop", True)
    def test_prestop_http(self): self.hook("p", "preStop")

    def test_prestop_service_pod(self):
        """PreStop should call prestop when killing a pod"""
        self.run_ready("server", program("netexec"))
        command = ["wget", "-O-", "--post-data=" + json.dumps({"Source": "prestop"}),
            "http://%s:8080/write" % self.address("server")]
        self.pod("tester", box("sleep 600", lifecycle={"preStop": {"exec": {"command": command}}}))
        self.phase("tester", "Running")
        self.pods.delete("tester")
        self.logs("server", "POST /write")
        self.gone_pod("tester")


class Blackbox(NodeSpec):
    def test_expected_status(self):
        script = ("echo hello >>/count/f; count=$(grep -c hello /count/f); [ $count = 1 ] && exit 1; "
                  "[ $count = 2 ] && exit 0; " + WAITS)
        for name, policy in (("rpa", "Always"), ("rpof", "OnFailure"), ("rpn", "Never")):
            self.pod(name, box(script, volumeMounts=[{"name": "r", "mountPath": "/count"}]),
                restartPolicy=policy, volumes=[{"name": "r", "emptyDir": {"medium": "Memory"}}])
        for name, phase, count, is_ready, state in (("rpa", "Running", 2, True, "running"),
            ("rpof", "Succeeded", 1, False, "terminated"), ("rpn", "Failed", 0, False, "terminated")):
            pod = self.waits(name, lambda pod: pod["status"].get("phase") == phase
                and self.container(pod)["restartCount"] == count and self.is_ready(pod) == is_ready, phase,
                120)
            self.assertEqual(list(self.container(pod)["state"]), [state])
            self.remove(name)

    def message(self, name, script, phase, wanted, **more):
        self.pod(name, box(script, **more), restartPolicy="Never")
        pod = self.phase(name, "Succeeded", "Failed")
        state = self.container(pod)["state"]["terminated"]
        self.assertEqual((pod["status"]["phase"], state.get("message", "")), (phase, wanted), state)

    def test_termination_messages(self):
        self.message("custom", "echo -n DONE > /dev/termination-custom-log", "Succeeded", "DONE",
            terminationMessagePath="/dev/termination-custom-log", securityContext={"runAsUser": 10000})
        self.message("default", "echo -n DONE > /dev/termination-log", "Succeeded", "DONE",
            terminationMessagePath="/dev/termination-log", securityContext={"runAsUser": 0})
        self.message("logs", "echo -n DONE; exit 1", "Failed", "DONE",
            terminationMessagePolicy="FallbackToLogsOnError")
        self.message("empty", "echo DONE; exit 0", "Succeeded", "",
            terminationMessagePolicy="FallbackToLogsOnError")
        self.message("file", "echo -n OK > /dev/termination-log; exit 0", "Succeeded", "OK",
            terminationMessagePolicy="FallbackToLogsOnError")


class Ephemeral(NodeSpec):
    def test_start_and_update(self):
        self.pod("p", box("sleep 10000"))
        self.assertEqual(self.ready("p")["metadata"]["generation"], 1)
        one = dict(box("while true; do echo polo; sleep 2; done", name="debugger"), stdin=True, tty=True)
        self.pods.patch("p", {"spec": {"ephemeralContainers": [one]}}, "strategic",
            part="ephemeralcontainers")
        self.waits("p", lambda pod: any("running" in s["state"]
            for s in pod["status"].get("ephemeralContainerStatuses", [])), "the ephemeral container")
        self.assertEqual(self.pods.get("p")["metadata"]["generation"], 2)
        self.assertIn("marco", self.does("p", "/bin/echo", "marco", container="debugger"))
        self.logs("p", "polo", "debugger", 10)
        pod = self.pods.get("p", part="ephemeralcontainers")
        self.assertEqual((pod["kind"], len(pod["spec"]["ephemeralContainers"])), ("Pod", 1))
        self.pods.retried("p", lambda pod: pod["spec"]["ephemeralContainers"].append(
            {"name": "debugger2", "image": "busybox:1", "imagePullPolicy": "IfNotPresent",
                "terminationMessagePolicy": "File"}), part="ephemeralcontainers")
        self.assertEqual(len(self.pods.get("p", part="ephemeralcontainers")["spec"]["ephemeralContainers"]),
            2)


class Init(NodeSpec):
    LIMITS = {"limits": {"cpu": "100m"}}

    def follow(self, policy, first, second, main, check):
        """Every event of it, until `check` of one."""
        t = lambda name, command: {"name": name, "image": "busybox:1", "command": command}
        made = self.pod("p", dict(t("run1", main), resources=self.LIMITS),
            initContainers=[t("init1", first), t("init2", second)], restartPolicy=policy)
        watch = self.pods.watch(fieldSelector="metadata.name=p",
            resourceVersion=made["metadata"]["resourceVersion"])
        while True:
            _, pod = watch.next()
            self.invariant(pod)
            if check(pod): return pod

    def invariant(self, pod):
        """containerInitInvariant of upstream."""
        status = pod["status"]
        inits, mains = status.get("initContainerStatuses", []), status.get("containerStatuses", [])
        if not status.get("conditions") or not inits: return
        ready, failed = self.ready_inits(inits, pod["spec"]["restartPolicy"])
        if not ready or failed:
            for one in mains:
                self.assertFalse("running" in one["state"] or "terminated" in one["state"], one)
                self.assertEqual(one["state"].get("waiting", {}).get("reason"), "PodInitializing", one)

    def ready_inits(self, inits, policy):
        for one in inits:
            state = one["state"]
            if "terminated" not in state: return False, False
            if state["terminated"]["exitCode"] != 0: return False, policy == "Never"
        return True, False

    def initialized(self, pod): return self.condition(pod, "Initialized")

    def test_restart_never(self):
        pod = self.follow("Never", ["/bin/true"], ["/bin/true"], ["/bin/true"],
            lambda pod: pod["status"].get("phase") == "Succeeded")
        self.assertEqual(self.initialized(pod)["status"], "True")
        for one in pod["status"]["initContainerStatuses"]: self.assertEqual(
            (one["ready"], one["state"]["terminated"]["exitCode"]), (True, 0))

    def test_restart_always(self):
        pod = self.follow("Always", ["/bin/true"], ["/bin/true"], ["sleep", "1000"],
            lambda pod: pod["status"].get("phase") == "Running")
        self.assertEqual(self.initialized(pod)["status"], "True")
        for one in pod["status"]["initContainerStatuses"]: self.assertEqual(
            (one["ready"], one["state"]["terminated"]["exitCode"]), (True, 0))

    def test_failing_restart_always(self):
        def check(pod):
            for one in pod["status"].get("containerStatuses",
                []): self.assertEqual(one["state"]["waiting"]["reason"], "PodInitializing")
            inits = pod["status"].get("initContainerStatuses", [])
            if len(inits) != 2: return False
            self.assertEqual(inits[1]["state"]["waiting"]["reason"], "PodInitializing")
            return inits[0]["restartCount"] >= 3
        pod = self.follow("Always", ["/bin/false"], ["/bin/true"], ["sleep", "1000"], check)
        self.assertIn("lastState", pod["status"]["initContainerStatuses"][0])
        self.assertEqual(pod["status"]["phase"], "Pending")
        one = self.initialized(pod)
        self.assertEqual((one["status"], one["reason"], one["message"]),
            ("False", "ContainersNotInitialized", "containers with incomplete status: [init1 init2]"))

    def test_failing_restart_never(self):
        pod = self.follow("Never", ["/bin/true"], ["/bin/false"], ["/bin/true"],
            lambda pod: pod["status"].get("phase") in ("Failed", "Succeeded"))
        self.assertEqual(pod["status"]["phase"], "Failed")
        one = self.initialized(pod)
        self.assertEqual((one["status"], one["reason"], one["message"]),
            ("False", "ContainersNotInitialized", "containers with incomplete status: [init2]"))
        self.assertIn("waiting", pod["status"]["containerStatuses"][0]["state"])


class Kubelet(NodeSpec):
    def test_output_and_read_only(self):
        self.pod("says", box("echo 'Hello World' ; sleep 240"))
        self.logs("says", "Hello World")
        self.pod("read-only", box("echo test > /file; sleep 240",
            securityContext={"readOnlyRootFilesystem": True}))
        self.logs("read-only", "can't create /file: Read-only file system")

    def test_always_fails(self):
        self.pod("p", {"name": "bin-false", "image": "busybox:1", "command": ["/bin/false"]})
        pod = self.waits("p", lambda pod: pod["status"].get("containerStatuses")
            and "terminated" in pod["status"]["containerStatuses"][0]["state"], "a terminated state", 60)
        state = pod["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual((state["exitCode"], state["reason"]), (1, "Error"))
        self.remove("p")

    def test_host_aliases(self):
        text = self.output("cat /etc/hosts", pod={"hostAliases": [
            {"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]})
        self.assertIn("# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n", text)

    def test_managed_hosts(self):
        mounts = [{"name": "h", "mountPath": "/etc/hosts-original"}]
        own = mounts + [{"name": "h", "mountPath": "/etc/hosts"}]
        volumes = [{"name": "h", "hostPath": {"path": "/etc/hosts", "type": "File"}}]
        self.run_ready("pod", box(name="b1", volumeMounts=mounts), box(name="b2", volumeMounts=mounts),
            box(name="b3", volumeMounts=own), volumes=volumes)
        self.run_ready("host", box(name="b1", volumeMounts=mounts), box(name="b2", volumeMounts=mounts),
            volumes=volumes, hostNetwork=True)
        for pod, name, managed in (("pod", "b1", True), ("pod", "b2", True), ("pod", "b3", False),
            ("host", "b1", False), ("host", "b2", False)):
            text = self.does(pod, "cat", "/etc/hosts", container=name)
            self.assertEqual("# Kubernetes-managed hosts file." in text, managed, text)
            self.assertNotIn("# Kubernetes-managed hosts file.",
                self.does(pod, "cat", "/etc/hosts-original", container=name))


class Pods(NodeSpec):
    def test_submitted_and_removed(self):
        watch = self.pods.watch(labelSelector="time=now", resourceVersion=self.pods.list()["metadata"][
            "resourceVersion"])
        self.pod("p", box(), labels={"time": "now"}, terminationGracePeriodSeconds=30)
        watch.expect("ADDED")
        self.phase("p", "Running")
        self.ready("p")
        self.pods.delete("p", gracePeriodSeconds=30)
        last = watch.until("DELETED")
        self.assertEqual(last["spec"]["terminationGracePeriodSeconds"], 30)
        self.assertIn("deletionTimestamp", last["metadata"])
        self.assertEqual(self.pods.items(labelSelector="time=now"), [])

    def test_updated_and_deadline(self):
        self.pod("p", box(), labels={"name": "foo", "time": "a"})
        self.ready("p")
        self.pods.retried("p", lambda pod: pod["metadata"]["labels"].update(time="updated"))
        self.assertEqual(len(self.pods.items(labelSelector="time=updated")), 1)
        self.pods.retried("p", lambda pod: pod["spec"].update(activeDeadlineSeconds=5))
        pod = self.phase("p", "Failed", seconds=60)
        self.assertEqual(pod["status"]["reason"], "DeadlineExceeded")

    def test_host_ip(self):
        self.run_ready("p", box())
        self.assertEqual(self.pods.get("p")["status"]["hostIP"], self.node_address)

    def test_service_env(self):
        self.run_ready("server", program("serve-hostname", "--port=8080"), labels={"name": "server"})
        self.service("fooservice", [{"port": 8765, "targetPort": 8080}], {"name": "server"})
        ip = self.core("Service", "services").get("fooservice")["spec"]["clusterIP"]

        def seen():
            lines = self.output("env", name="env-%d" % int(time.monotonic() * 1000)).splitlines()
            return {"FOOSERVICE_SERVICE_HOST=" + ip, "FOOSERVICE_SERVICE_PORT=8765",
                "FOOSERVICE_PORT=tcp://%s:8765" % ip, "FOOSERVICE_PORT_8765_TCP_PORT=8765",
                    "FOOSERVICE_PORT_8765_TCP_PROTO=tcp", "FOOSERVICE_PORT_8765_TCP=tcp://%s:8765" % ip,
                        "FOOSERVICE_PORT_8765_TCP_ADDR=" + ip} <= set(lines)
        self.eventually(seen, "the variables", 60)

    def test_exec_over_websockets(self):
        self.run_ready("p", box("echo container is alive; sleep 600", name="main"))
        query = [("stderr", "1"), ("stdout", "1"), ("container", "main"), ("command", "echo"),
            ("command", "remote execution test")]
        for protocol in ("channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io", ""):
            conf = self.api.configuration
            one = websocket.create_connection(self.host.replace("https", "wss") + self.pods.path("p",
                "exec") + "?" + urllib.parse.urlencode(query),
                subprotocols=[protocol] if protocol else None, timeout=30,
                    sslopt={"ca_certs": conf.ssl_ca_cert, "certfile": conf.cert_file,
                    "keyfile": conf.key_file})
            out = b""
            while True:
                try: data = one.recv()
                except websocket.WebSocketConnectionClosedException: break
                if not data: break
                data = data if isinstance(data, bytes) else data.encode()
                if protocol == "channel.k8s.io" and data[0] != 1:
                    self.assertEqual(len(data), 1, "%r: not of channel 1" % data)
                    continue
                if data[0] == 1: out += data[1:]
            self.assertIn(b"remote execution test", out, protocol)

    def test_logs_over_websockets(self):
        self.run_ready("p", box("echo container is alive; sleep 10000", name="main"))
        one = self.connect(self.pods.path("p", "log") + "?container=main", "binary.k8s.io")
        out = b""
        while True:
            try: data = one.recv()
            except websocket.WebSocketConnectionClosedException: break
            if not data: break
            out += data if isinstance(data, bytes) else data.encode()
        self.assertEqual(out, b"container is alive\n")

    def test_generation(self):
        self.pod("p", program("pause"), initContainers=[box("true", name="i")])
        self.ready("p")
        pod = self.pods.get("p")
        self.assertEqual(pod["metadata"]["generation"], 1)

        def tolerate(pod): pod["spec"]["tolerations"] = pod["spec"].get("tolerations",
            []) + [{"key": "foo", "operator": "Equal", "value": "bar", "effect": "NoSchedule"}]
        def deadline(pod): pod["spec"]["activeDeadlineSeconds"] = 5000
        def image(pod): pod["spec"]["containers"][0]["image"] = "nginx:two"
        def init(pod): pod["spec"]["initContainers"][0]["image"] = "nginx:two"
        def note(pod): pod["metadata"]["annotations"] = {"key": "value"}
        def number(pod): pod["metadata"]["generation"] = 1
        wanted = 1
        for change, bump in ((lambda pod: None, 0), (tolerate, 1), (deadline, 1), (image, 1), (init, 1),
            (note, 0), (number, 0)):
            self.pods.retried("p", change)
            wanted += bump
            self.assertEqual(self.pods.get("p")["metadata"]["generation"], wanted)
            self.waits("p", lambda pod: pod["status"].get("observedGeneration") == wanted
                and all(one.get("observedGeneration", wanted) == wanted
                for one in pod["status"]["conditions"]), "observedGeneration %d" % wanted, 30)

    def test_custom_generation_and_delete(self):
        self.pods.create({"metadata": {"name": "p", "generation": 100},
            "spec": spec_of(box("trap '' TERM; while :; do sleep 1; done"),
            terminationGracePeriodSeconds=60)})
        self.assertEqual(self.ready("p")["metadata"]["generation"], 1)
        self.pods.delete("p", gracePeriodSeconds=30)
        self.assertEqual(self.pods.get("p")["metadata"]["generation"], 2)
        self.waits("p", lambda pod: pod["status"].get("observedGeneration") == 2, "observedGeneration 2", 20)
        self.pods.delete("p", gracePeriodSeconds=0)

    def test_500_updates(self):
        self.run_ready("p", box())
        for number in range(500):
            answer = self.pods.patch("p", {"spec": {"activeDeadlineSeconds": 5000 - number}}, "merge")
        self.assertEqual(answer["metadata"]["generation"], 501)
        self.waits("p", lambda pod: pod["status"].get("observedGeneration") == 501, "observedGeneration 501",
            60)

    def test_status_written_by_others(self):
        """patch a pod status; run through the lifecycle of Pods and PodStatus, with the node's own writing"""
        self.run_ready("p", box())
        one = self.pods.patch("p", {"status": {"message": "Patched by e2e test", "reason": "E2E"}},
            "strategic", part="status")
        self.assertEqual((one["status"]["message"], one["status"]["reason"]), ("Patched by e2e test", "E2E"))
        one = self.pods.patch("p", {"status": {"conditions": [{"type": "Own", "status": "True"}]}},
            "strategic", part="status")

        def change(pod):
            for condition in pod["status"]["conditions"]:
                if condition["type"] == "Ready": condition["status"] = "False"
        one = self.pods.retried("p", change, part="status")
        self.assertEqual([c["status"] for c in one["status"]["conditions"] if c["type"] == "Ready"],
            ["False"])
        self.pods.patch("p", {"metadata": {"labels": {"test-pod": "patched"}},
            "spec": {"containers": [{"name": "c", "image": "nginx:two"}]}}, "strategic")
        self.waits("p", lambda pod: self.container(pod)["restartCount"] == 1 and self.is_ready(pod),
            "the restart with the other image")
        self.assertEqual(self.condition(self.pods.get("p"), "Own").get("status"), "True")
        self.pods.delete_all(labelSelector="test-pod=patched")
        self.gone_pod("p")

    def test_unknown_handler(self):
        """A pod of a class whose handler the node has not is scheduled, waits, and can be deleted."""
        classes = self.kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses")
        classes.create({"metadata": {"name": self.unique}, "handler": "test-handler"})
        self.addCleanup(classes.delete, self.unique)
        self.pod("p", box(), runtimeClassName=self.unique)
        self.waits("p", lambda pod: self.condition(pod, "PodScheduled").get("status") == "True", "its node")
        self.eventually(lambda: any(one["reason"] == "FailedCreatePodSandBox"
            for one in self.core("Event", "events").items(fieldSelector="involvedObject.name=p")),
            "the event", 30)
        self.assertEqual(self.pods.get("p")["status"]["phase"], "Pending")
        self.remove("p")

    def test_statuses_never_lie(self):
        """never report success for a pending container; of pods deleted early"""
        def one(number, init):
            name = "fast-%d-%d" % (number, init)
            t = {"name": "fail", "image": "busybox:1", "command": ["/bin/false"]}
            pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [t]}
            if init: pod = dict(pod, initContainers=[t], containers=[
                dict(t, name="blocked", command=["/bin/true"])])
            made = self.pods.create({"metadata": {"name": name}, "spec": pod})
            watch = self.pods.watch(fieldSelector="metadata.name=" + name,
                resourceVersion=made["metadata"]["resourceVersion"])
            time.sleep(number * 0.1)
            self.pods.delete(name)
            ended = False
            while True:
                kind, pod = watch.next()
                for status in pod["status"].get("containerStatuses",
                    []) + pod["status"].get("initContainerStatuses", []):
                    state = status["state"].get("terminated")
                    if state and status["name"] == "fail":
                        self.assertTrue(state["exitCode"] in (1, 137, 128) , status)
                        self.assertFalse(state["reason"] == "Completed", status)
                    if status["name"] == "blocked": self.assertIn("waiting", status["state"], status)
                phase = pod["status"].get("phase")
                if ended: self.assertIn(phase, ("Failed", "Succeeded"))
                ended = ended or phase in ("Failed", "Succeeded")
                self.assertNotEqual(phase, "Succeeded")
                if kind == "DELETED": break
        for number in range(0, 16, 5):
            for init in (False, True): one(number, init)


class Probes(NodeSpec):
    def live(self, container, count, seconds, **more):
        self.pod("p", container, **more)
        self.phase("p", "Running")
        end, last = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            now = self.container(self.pods.get("p"))["restartCount"]
            self.assertGreaterEqual(now, last)
            last = now
            if count and last >= count: break
            time.sleep(0.5)
        self.assertEqual(last, count)

    def test_readiness_after_initial_delay(self):
        self.pod("p", program("test-webserver", name="c", readinessProbe=http("/", 80,
            initialDelaySeconds=10)))
        pod = self.ready("p")
        started = self.container(pod)["state"]["running"]["startedAt"]
        ready = self.condition(pod, "Ready")["lastTransitionTime"]
        parse = lambda text: time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        self.assertGreaterEqual(parse(ready) - parse(started), 10)
        self.assertEqual(self.container(pod)["restartCount"], 0)

    def test_failing_readiness(self):
        self.pod("p", program("test-webserver", name="c", readinessProbe={"exec": {"command": ["/bin/false"]},
            "initialDelaySeconds": 10, "periodSeconds": 2}))
        end = time.monotonic() + 14
        while time.monotonic() < end:
            self.assertFalse(self.is_ready(self.pods.get("p")))
            time.sleep(1)
        self.assertEqual(self.container(self.pods.get("p"))["restartCount"], 0)

    def test_exec_restarts(self):
        self.live(box("echo ok >/tmp/health; sleep 3; rm /tmp/health; sleep 600", livenessProbe={
            "exec": {"command": ["cat", "/tmp/health"]}, "initialDelaySeconds": 5, "timeoutSeconds": 5,
                "failureThreshold": 1}), 1, 60)

    def test_exec_stays(self):
        self.live(box("echo ok >/tmp/health; sleep 600", livenessProbe={
            "exec": {"command": ["cat", "/tmp/health"]}, "initialDelaySeconds": 3, "timeoutSeconds": 5,
                "failureThreshold": 1}), 0, 16)

    def test_http_restarts(self): self.live(program("liveness", name="c",
        livenessProbe=http("/healthz", 8080, initialDelaySeconds=5, failureThreshold=1)), 1, 60)
    def test_http_stays(self): self.live(program("test-webserver", name="c",
        livenessProbe=http("/programs/agnhost.py", 80, initialDelaySeconds=3, timeoutSeconds=5,
        failureThreshold=5)), 0, 16)
    def test_tcp_stays(self): self.live(program("liveness", name="c",
        livenessProbe={"tcpSocket": {"port": 8080}, "initialDelaySeconds": 3, "failureThreshold": 1}), 0, 25)

    def test_grpc_stays(self):
        self.live(program("grpc-health", name="c", livenessProbe={"grpc": {"port": 5000},
            "initialDelaySeconds": 5, "timeoutSeconds": 5, "failureThreshold": 1}), 0, 17)

    def test_grpc_restarts(self):
        self.live(program("grpc-health", name="c", livenessProbe={"grpc": {"port": 2333},
            "initialDelaySeconds": 5, "timeoutSeconds": 5, "failureThreshold": 1}), 1, 60)


class Security(NodeSpec):
    def test_users(self):
        self.assertEqual(self.output("id -u", name="a", securityContext={"runAsUser": 65534}), "65534\n")
        both = {"runAsUser": 1001, "runAsGroup": 2002}
        wanted = "uid=1001 gid=2002 groups=2002\n"
        self.assertEqual(self.output("id", name="b", securityContext=both), wanted)
        self.assertEqual(self.output("id", name="d", pod={"securityContext": both}), wanted)

    def test_unprivileged_writable_and_escalation(self):
        text = self.output("ip link add dummy0 type dummy || true", name="a",
            securityContext={"privileged": False})
        self.assertIn("Operation not permitted", text)
        self.output("touch checkfile", name="b", securityContext={"readOnlyRootFilesystem": False})
        for name, more, wanted in (("d", {"allowPrivilegeEscalation": False}, "1"), ("e", {}, "0")):
            text = self.output("grep NoNewPrivs /proc/self/status", name=name,
                securityContext=dict({"runAsUser": 1000}, **more))
            self.assertEqual(text.split()[1], wanted)

    def test_sysctls(self):
        text = self.output("sysctl kernel.shm_rmid_forced", pod={
            "securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}})
        self.assertIn("kernel.shm_rmid_forced = 1", text)


class Classes(NodeSpec):
    def test_runtime_classes(self):
        classes = self.kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses")
        for name, more in (("plain", {}), ("heavy", {"overhead": {
            "podFixed": {"cpu": "10m", "memory": "1Mi"}}})):
            self.addCleanup(classes.delete, self.unique + name)
            classes.create(dict({"metadata": {"name": self.unique + name}, "handler": "runc"}, **more))
            self.pod(name, box(), runtimeClassName=self.unique + name)
            pod = self.ready(name)
            self.assertEqual(pod["spec"].get("overhead"), more.get("overhead", {}).get("podFixed"))


class Resize(NodeSpec):
    ORIGINAL, MORE, LESS = ("20m", "35Mi"), ("25m", "40Mi"), ("15m", "30Mi")

    def resources(self, cpu=None, cpu_limit=None, memory=None, memory_limit=None):
        found = {}
        for key, pairs in (("requests", (("cpu", cpu), ("memory", memory))),
            ("limits", (("cpu", cpu_limit), ("memory", memory_limit)))):
            some = {k: v for k, v in pairs if v}
            if some: found[key] = some
        return found

    def make(self, *resources):
        command = "grep Cpus_allowed_list /proc/self/status && sleep 1d"
        self.pod("p", *[dict(box(name="c%d" % (i + 1)), command=["/bin/sh"], args=["-c", command],
            resources=r) for i, r in enumerate(resources)],
                 os={"name": "linux"}, restartPolicy="OnFailure", terminationGracePeriodSeconds=0)
        self.ready("p")
        self.verify(resources)

    def milli(self, text): return int(text[:-1]) if text.endswith("m") else int(text) * 1000
    def bytes(self, text): return int(text[:-2]) * 1024 * 1024

    def verify(self, resources):
        pod = self.waits("p", lambda pod: [one.get("resources", {})
            for one in sorted(pod["status"]["containerStatuses"], key=lambda o: o["name"])] == list(resources)
                         and not [c for c in pod["status"]["conditions"]
                             if c["type"].startswith("PodResize")] and self.is_ready(pod),
                             "resources %s" % list(resources), 60)
        for index, one in enumerate(resources):
            name = "c%d" % (index + 1)
            self.assertEqual(self.container(pod, name)["restartCount"], 0)
            self.assertEqual(pod["spec"]["containers"][index]["resources"], one)
            limits, requests = one.get("limits", {}), one.get("requests", {})
            files = "cpu/cpu.cfs_quota_us cpu/cpu.shares memory/memory.limit_in_bytes"
            text = self.shell("p", "cd /sys/fs/cgroup; cat " + files, container=name).split()
            quota = limits.get("cpu")
            allowed = ["-1"] if not quota else [str(max(1000, self.milli(quota) * 100)),
                str(max(1000, (self.milli(quota) // 10 + 1) * 1000))]
            self.assertIn(text[0], allowed, name)
            shares = self.milli(requests.get("cpu") or limits.get("cpu") or "0m") * 1024 // 1000
            self.assertEqual(text[1], str(max(2, shares)), name)
            if "memory" in limits: self.assertEqual(text[2], str(self.bytes(limits["memory"])), name)

    def patch(self, *resources, before):
        def changes(old, new):
            found = {}
            for key in ("requests", "limits"):
                a, b = old.get(key, {}), new.get(key, {})
                some = {k: v for k, v in b.items() if a.get(k) != v}
                some.update({k: None for k in a if k not in b})
                if some: found[key] = some
            return found
        body = {"spec": {"$setElementOrder/containers": [{"name": "c%d" % (i + 1)}
            for i in range(len(resources))],
                         "containers": [{"name": "c%d" % (i + 1), "resources": changes(before[i], r)} for i,
                             r in enumerate(resources) if changes(before[i], r)]}}
        self.pods.patch("p", body, "strategic", part="resize")
        self.verify(resources)

    def table(self, original, wanted, back=True):
        self.make(*original)
        self.patch(*wanted, before=original)
        if back: self.patch(*original, before=wanted)
        self.remove("p")

    def same(self, index, cpu, memory):
        cpu, memory = "%dm" % (int(cpu[:-1]) + 2 * index), "%dMi" % (int(memory[:-2]) + 2 * index)
        return self.resources(cpu, cpu, memory, memory)

    def three(self, *wanted):
        self.table([self.same(i, *self.ORIGINAL) for i in range(3)],
            [self.same(i, *one) for i, one in enumerate(wanted)])

    def test_net_increase(self): self.three(self.MORE, self.MORE, self.LESS)
    def test_net_decrease(self): self.three(self.MORE, self.LESS, self.LESS)
    def test_mixed(self): self.three(("25m", "35Mi"), ("15m", "40Mi"), ("25m", "40Mi"))

    def test_six_containers(self):
        r = self.resources
        self.table([r("20m"), r(memory="35Mi"), r("20m", memory="35Mi"), r("20m"), r(memory="35Mi"), {}],
                   [r("25m", "35m"), r(memory="30Mi", memory_limit="50Mi"), r("20m", memory="30Mi"),
                       r("15m", memory="35Mi"), r("20m", memory="40Mi"), r("20m", "30m", "35Mi", "45Mi")],
                       back=False)

    def test_equivalents(self): self.table([self.resources("2m", "10m")], [self.resources("1m", "5m")])

    def test_replace(self):
        self.make(self.resources("20m", memory="35Mi"))
        wanted = self.resources("25m", memory="40Mi")
        pod = self.pods.retried("p", lambda pod: pod["spec"]["containers"][0].update(resources=wanted),
            part="resize")
        self.assertEqual(self.pods.get("p")["metadata"]["generation"], 2)
        self.verify([wanted])
        self.eventually(lambda: self.pods.get("p") == self.pods.get("p", part="resize"), "the same of both",
            10)


class Forced(NodeSpec):
    alone = True

    def test_what_is_deleted_by_force_has_no_part_of_the_node(self):
        """As in the specs that delete with a grace period of 0 and go on."""
        cpu = int(self.kind("v1", "Node", "nodes").get(self.node)["status"]["allocatable"]["cpu"])
        more = {"resources": {"requests": {"cpu": "%dm" % (cpu * 550)}},
            "ports": [{"containerPort": 80, "hostPort": 5555}]}
        self.run_ready("a", box("trap '' TERM; while :; do sleep 0.2; done", **more),
            terminationGracePeriodSeconds=10)
        self.pods.delete("a", gracePeriodSeconds=0)
        self.pod("b", box(**more))
        b = self.phase("b", "Running", "Failed")["status"]
        self.assertEqual(b["phase"], "Running", b)
