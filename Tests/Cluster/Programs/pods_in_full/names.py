"""How pods are called, and whom they ask for names."""
from conformance_node.steps import box, env, field
from pods_in_full.steps import PodSpec


class Names(PodSpec):
    def test_hostname_override(self):
        """It is the host's name, whatever else is said, and nothing is put behind it (KEP 4762)."""
        text = self.output("hostname; cat /etc/hosts", pod={"hostnameOverride": "lamp.example.com"})
        self.assertEqual(text.splitlines()[0], "lamp.example.com")
        self.assertIn("\tlamp.example.com\n", text)

    def test_long_names(self):
        """As the kernel has it, 63 characters of it; a full name that is longer is an error."""
        name = "a" * 62 + "-bcd"
        self.pod(name, box("hostname"), restartPolicy="Never")
        self.phase(name, "Succeeded")
        self.assertEqual(self.log(name), "a" * 62 + "\n")
        self.pod("long", box("hostname"), hostname="a" * 60, subdomain="family", setHostnameAsFQDN=True)
        full = "%s.family.%s.svc.cluster.local" % ("a" * 60, self.space)
        self.told("long", "FailedCreatePodSandBox", "FQDN %s is too long (64 characters is the max, %d "
            "characters requested)" % (full, len(full)))
        self.assertEqual(self.pods.get("long")["status"]["phase"], "Pending")

    def test_resolvers_in_the_network_of_the_node(self):
        """The node's own, unless the pod asks for the cluster's."""
        own = self.output("cat /etc/resolv.conf", name="own", pod={"hostNetwork": True})
        self.assertNotIn("10.43.0.10", own)
        cluster = self.output("cat /etc/resolv.conf", name="cluster", pod={"hostNetwork": True,
            "dnsPolicy": "ClusterFirstWithHostNet"})
        self.assertIn("nameserver 10.43.0.10\n", cluster)
        self.assertIn("search %s.svc.cluster.local svc.cluster.local cluster.local" % self.space, cluster)
        self.assertIn("options ndots:5\n", cluster)

    def test_aliases_in_the_network_of_the_node(self):
        text = self.output("cat /etc/hosts", pod={"hostNetwork": True, "hostAliases": [
            {"ip": "192.0.2.7", "hostnames": ["lamp.example"]}]})
        self.assertTrue(text.endswith("# Entries added by HostAliases.\n192.0.2.7\tlamp.example\n"), text)

    def test_variables_of_files(self):
        """A container is told by one before it (KEP 3721)."""
        mounts = [{"name": "v", "mountPath": "/data"}]
        self.pod("p", dict(box("echo $LAMP,$OIL"), env=[
            {"name": "LAMP", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "own.env",
                "key": "LAMP"}}},
            {"name": "OIL", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "own.env", "key": "OIL",
                "optional": True}}}]),
            initContainers=[box("printf \"LAMP='lit up'\\n\" >/data/own.env", name="i", volumeMounts=mounts)],
            volumes=[{"name": "v", "emptyDir": {}}], restartPolicy="Never")
        self.phase("p", "Succeeded")
        self.assertEqual(self.log("p"), "lit up,\n")
        self.pod("q", dict(box("true"), env=[
            {"name": "LAMP", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "none.env",
                "key": "LAMP"}}}]),
            volumes=[{"name": "v", "emptyDir": {}}])
        self.waiting("q", "CreateContainerConfigError")

    def test_conditions_in_their_order(self):
        """Each comes once what it tells of is there, and says which generation it is about."""
        made = self.pod("p", box(), initContainers=[box("sleep 1", name="i")])
        watch = self.pods.watch(fieldSelector="metadata.name=p",
            resourceVersion=made["metadata"]["resourceVersion"])
        order, pod = [], made
        while "Ready" not in order:
            _, pod = watch.next()
            for one in pod["status"].get("conditions", []):
                if one["status"] == "True" and one["type"] not in order: order.append(one["type"])
        self.assertEqual(set(order[:2]), {"PodScheduled", "PodReadyToStartContainers"})
        self.assertEqual((order[2], set(order[3:])), ("Initialized", {"ContainersReady", "Ready"}))
        self.assertEqual(pod["status"]["qosClass"], "BestEffort")
        self.pods.delete("p")
        last = watch.until("DELETED")
        self.assertEqual(self.condition(last, "Ready")["status"], "False")
