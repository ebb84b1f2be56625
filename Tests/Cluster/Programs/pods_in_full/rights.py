"""What processes of pods may, and what the node refuses."""
from conformance_node.steps import box
from pods_in_full.steps import PodSpec

STATUS = "grep -e ^Cap -e NoNewPrivs -e Seccomp: /proc/self/status"


class Rights(PodSpec):
    def rights(self, name, security, pod=None):
        text = self.output(STATUS, name=name, securityContext=security, pod={"securityContext": pod or {}})
        return dict(line.split(":\t") for line in text.splitlines())

    def test_root_where_none_may_be(self):
        """What the container says goes before what its pod says."""
        self.pod("p", box(securityContext={"runAsUser": 0}), securityContext={"runAsNonRoot": True,
            "runAsUser": 7})
        uid = self.pods.get("p")["metadata"]["uid"]
        said = self.waiting("p", "CreateContainerConfigError")
        self.assertEqual(said, "container's runAsUser breaks non-root policy "
            '(pod: "p_%s(%s)", container: c)' % (self.space, uid))
        self.told("p", "Failed", "Error: container's runAsUser breaks non-root policy")
        self.output("true", name="q", securityContext={"runAsNonRoot": False}, pod={"securityContext": {
            "runAsNonRoot": True}})

    def test_capabilities(self):
        found = self.rights("some", {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "CHOWN"]}})
        # CHOWN 0, NET_BIND_SERVICE 10
        self.assertEqual(int(found["CapEff"], 16), 1 | 1 << 10)
        self.assertEqual(int(found["CapBnd"], 16), 1 | 1 << 10)
        everything = self.rights("all", {"capabilities": {"add": ["ALL"]}})
        self.assertGreater(int(everything["CapEff"], 16), 0x1ff00000000)
        # They are root's.
        other = self.rights("other", {"capabilities": {"add": ["NET_ADMIN"]}, "runAsUser": 1000})
        self.assertEqual(int(other["CapEff"], 16), 0)

    def test_seccomp(self):
        """This node confines who says nothing (seccompDefault)."""
        modes = [("plain", {}, "2"), ("free", {"seccompProfile": {"type": "Unconfined"}}, "0"),
            ("default", {"seccompProfile": {"type": "RuntimeDefault"}}, "2"), ("privileged",
                {"privileged": True}, "0")]
        for name, security, mode in modes: self.assertEqual(self.rights(name, security)["Seccomp"], mode,
            name)
        shared = self.rights("shared", {}, {"seccompProfile": {"type": "Unconfined"}})
        self.assertEqual(shared["Seccomp"], "0")
        self.pod("lost", box(securityContext={"seccompProfile": {"type": "Localhost",
            "localhostProfile": "none.json"}}))
        said = self.waiting("lost", "CreateContainerError")
        self.assertIn("none.json", said)

    def test_what_is_hidden(self):
        """`procMount`: some files of the kernel are empty, others cannot be written."""
        text = self.output("busybox wc -c </proc/timer_list; echo x 2>/dev/null >/proc/sysrq-trigger || echo kept; "
            "echo 1 2>/dev/null >/proc/sys/kernel/panic || echo kept; ls /sys/firmware | busybox wc -l; "
            "busybox mount -o remount,rw /proc/sys 2>/dev/null || echo kept")
        self.assertEqual([line.strip() for line in text.splitlines()], ["0", "kept", "kept", "0", "kept"])
        free = self.output("busybox head -c 20 /proc/timer_list | busybox wc -c", name="free",
            securityContext={"privileged": True})
        self.assertEqual(free.strip(), "20")
        # Only a pod with users of its own may have them shown.
        answer = self.send("POST", self.pods.path(), {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "bad"},
            "spec": {"containers": [box(securityContext={"procMount": "Unmasked"})]}})
        self.assertEqual(answer.status, 422)
        self.assertIn(b"`hostUsers` must be false to use `Unmasked`", answer.data)

    def test_sysctls(self):
        """The node allows some that are not safe (`allowed-unsafe-sysctls`), and no others."""
        def of(name, value, **more): return dict({"securityContext": {"sysctls": [{"name": name,
            "value": value}]}}, **more)
        self.assertEqual(self.output("cat /proc/sys/kernel/msgmax", name="a", pod=of("kernel.msgmax",
            "65530")), "65530\n")
        self.assertEqual(self.output("cat /proc/sys/net/core/somaxconn", name="b",
            pod=of("net/core/somaxconn", "77")), "77\n")
        self.pod("c", box(), **of("kernel.sem", "1 2 3 4"))
        self.rejected("c", "SysctlForbidden",
            'Pod was rejected: forbidden sysctl: "kernel.sem" not allowlisted')
        # People are shown why, in the place of containers that never were.
        self.assertNotIn("containerStatuses", self.pods.get("c")["status"])
        self.assertRegex(self.kubectl("get", "pod", "c"), "c +0/1 +SysctlForbidden ")
        self.told("c", "SysctlForbidden", 'forbidden sysctl: "kernel.sem" not allowlisted')
        # One that the kernel does not take.
        self.pod("d", box(), **of("net.core.somaxconn", "many"))
        self.told("d", "FailedCreatePodSandBox")

    def test_what_this_node_has_not(self):
        """A kernel without AppArmor, a runtime without strict groups and users of a pod's own."""
        self.pod("armor", box(securityContext={"appArmorProfile": {"type": "RuntimeDefault"}}))
        self.pod("old", box(), annotations={"container.apparmor.security.beta.kubernetes.io/c": "unconfined"})
        self.pod("groups", box(), securityContext={"supplementalGroupsPolicy": "Strict"})
        self.pod("users", box(), hostUsers=False)
        self.ready("old")
        try:
            with open("/sys/module/apparmor/parameters/enabled") as file: has_armor = file.read().startswith("Y")
        except OSError: has_armor = False
        node = self.kind("v1", "Node", "nodes").get(self.node)["status"]
        if has_armor: self.ready("armor")
        else: self.rejected("armor", "AppArmor", "Pod was rejected: Cannot enforce AppArmor: AppArmor is not "
            "enabled on the host")
        if node.get("features", {}).get("supplementalGroupsPolicy"): self.ready("groups")
        else: self.rejected("groups", "SupplementalGroupsPolicyNotSupported",
            "Pod was rejected: SupplementalGroupsPolicy=Strict is not supported in this node")
        if any(one["features"].get("userNamespaces") for one in node.get("runtimeHandlers",
            [])): self.ready("users")
        else: self.told("users", "FailedCreatePodSandBox", "user namespaces")

    def test_groups_of_the_image(self):
        """`Merge`: those that its files give to the user are there, too."""
        script = "id -G"
        text = self.output(script, name="p", pod={"securityContext": {"runAsUser": 1000, "runAsGroup": 2000,
            "supplementalGroups": [4000], "supplementalGroupsPolicy": "Merge"}})
        self.assertEqual(set(text.split()), {"2000", "4000"})

    def test_labels_of_SELinux(self):
        """They go to the runtime, which does nothing with them on a kernel without it."""
        self.output("true", name="p", securityContext={"seLinuxOptions": {"level": "s0:c1,c2",
            "type": "spc_t"}})
