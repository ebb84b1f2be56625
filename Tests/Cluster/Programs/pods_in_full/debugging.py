"""`kubectl debug` in all its forms."""
import json, tempfile

from conformance_node.steps import box
from pods_in_full.steps import PodSpec

LOOKS = "id -u; grep -e CapEff /proc/self/status; exec sleep 100000"


class Debugging(PodSpec):
    def debug(self, *words, fails=False): return self.kubectl("debug", *words, fails=fails)

    def ended(self, name, container):
        """What an ephemeral container printed that has ended."""
        self.waits(name, lambda pod: any(one["name"] == container and "terminated" in one["state"]
            for one in pod["status"].get("ephemeralContainerStatuses", [])), "the end of " + container)
        return self.log(name, container)

    def test_profiles(self):
        """What each profile asks for reaches the process."""
        self.run_ready("p", box("exec sleep 12345"))
        script = "id -u; grep -e CapEff /proc/self/status; ps"
        for profile in ("general", "baseline", "restricted", "netadmin", "sysadmin"):
            user = []
            if profile == "restricted": user = ["--custom=" + self.custom({"securityContext": {"runAsUser": 1000}})]
            self.debug("p", "--image=busybox:1", "--profile=" + profile, "-c", profile, "--target=c", *user,
                "--",
                "sh", "-c", script)
        said = {one: self.ended("p", one) for one in ("general", "baseline", "restricted", "netadmin",
            "sysadmin")}
        rights = {name: int(text.split()[2], 16) for name, text in said.items()}
        users = {name: text.split()[0] for name, text in said.items()}
        # SYS_PTRACE 19, NET_ADMIN 12
        self.assertEqual(rights["general"], 0xa80425fb | 1 << 19)
        self.assertEqual(rights["baseline"], 0xa80425fb)
        self.assertEqual((rights["restricted"], users["restricted"]), (0, "1000"))
        self.assertEqual(rights["netadmin"], 0xa80425fb | 1 << 12 | 1 << 13)
        self.assertGreater(rights["sysadmin"], 0x1ff00000000)
        for name, text in said.items(): self.assertIn("sleep 12345", text, name)

    def custom(self, value):
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        self.addCleanup(file.close)
        json.dump(value, file)
        file.flush()
        return file.name

    def test_copies(self):
        probe = {"exec": {"command": ["false"]}, "periodSeconds": 1}
        self.pod("p", box("exec sleep 12345", livenessProbe=probe), labels={"app": "a"})
        self.phase("p", "Running")
        # Its probes are left out, so that it stays for whoever looks.
        self.debug("p", "--image=busybox:1", "--copy-to=copy", "-c", "look", "--share-processes",
            "--profile=general",
            "--", "sh", "-c", "until ps | grep -q '[1]2345'; do sleep 0.2; done; ps; exec sleep 100000")
        copy = self.ready("copy")
        self.assertEqual([one["name"] for one in copy["spec"]["containers"]], ["c", "look"])
        self.assertNotIn("livenessProbe", copy["spec"]["containers"][0])
        self.assertEqual(copy["metadata"].get("labels", {}), {})
        self.logs("copy", "sleep 12345", "look")
        self.logs("copy", "/pause", "look")
        self.debug("p", "--copy-to=other", "--set-image=c=nginx:two", "--profile=general")
        self.assertEqual(self.ready("other")["spec"]["containers"][0]["image"], "nginx:two")
        self.debug("p", "--copy-to=command", "-c", "c", "--profile=general", "--", "sh", "-c",
            "echo other; exec sleep 10000")
        self.logs("command", "other", "c")
        # On the same node, in the place of the first.
        self.debug("p", "--copy-to=heir", "--replace", "--same-node", "-c", "c", "--profile=general", "--",
            "sleep", "10000")
        self.assertEqual(self.ready("heir")["spec"]["nodeName"], self.node)
        self.gone_pod("p")

    def test_nodes(self):
        script = "ls /host/etc/rancher/k3s/k3s.yaml; ps; busybox ip addr; exec sleep 100000"
        for profile in ("general", "baseline", "restricted", "netadmin", "sysadmin"):
            self.debug("node/" + self.node, "--image=busybox:1", "--profile=" + profile, "--", "sh", "-c",
                script)
        found = {}
        for pod in self.pods.items():
            name = pod["metadata"]["name"]
            self.assertTrue(name.startswith("node-debugger-%s-" % self.node))
            spec = pod["spec"]
            key = (spec.get("hostNetwork", False), spec["containers"][0].get("securityContext",
                {}).get("privileged", False))
            if not spec["containers"][0].get("volumeMounts"): continue
            if any(one["mountPath"] == "/host" for one in spec["containers"][0]["volumeMounts"]): found[key] = name
        self.assertIn((True, False), found)
        self.assertIn((True, True), found)
        for name in found.values():
            self.logs(name, "/host/etc/rancher/k3s/k3s.yaml")
            self.logs(name, self.node_address)
            self.logs(name, "containerd")

    def test_what_a_debugger_has(self):
        """Variables, volumes of the pod, a terminal; it ends with the pod, and alone."""
        self.pod("p", box("echo text >/data/file; exec sleep 12345", volumeMounts=[{"name": "v",
            "mountPath": "/data"}]),
            volumes=[{"name": "v", "emptyDir": {}}])
        self.ready("p")
        one = dict(box("cat /data/file; echo $LAMP; exit 3", name="look"), env=[{"name": "LAMP",
            "value": "lit"}],
            volumeMounts=[{"name": "v", "mountPath": "/data"}],
                terminationMessagePolicy="FallbackToLogsOnError")
        self.pods.patch("p", {"spec": {"ephemeralContainers": [one]}}, "strategic",
            part="ephemeralcontainers")
        self.assertEqual(self.ended("p", "look"), "text\nlit\n")
        status = self.pods.get("p")["status"]
        state = status["ephemeralContainerStatuses"][0]
        self.assertEqual((state["state"]["terminated"]["exitCode"], state["restartCount"], status["phase"]),
            (3, 0, "Running"))
        self.assertEqual(state["state"]["terminated"]["message"], "text\nlit\n")
        self.assertTrue(self.is_ready(self.pods.get("p")))
        # One whose image is not there harms nobody.
        self.debug("p", "--image=busybox:none", "-c", "lost", "--profile=general", "--", "true")
        self.waits("p", lambda pod: any(one["name"] == "lost" and one["state"].get("waiting",
            {}).get("reason")
            in ("ErrImagePull", "ImagePullBackOff") for one in pod["status"]["ephemeralContainerStatuses"]),
                "its wait")
        self.assertTrue(self.is_ready(self.pods.get("p")))
        self.remove("p")

    def test_in_a_pod_that_crashes(self):
        """A container that cannot run is looked at from beside."""
        self.pod("p", box("exit 1"))
        self.restarts("p", 1)
        self.debug("p", "--image=busybox:1", "-c", "look", "--profile=general", "--", "sh", "-c", "echo here")
        self.assertEqual(self.ended("p", "look"), "here\n")
