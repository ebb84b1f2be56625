"""How containers of pods end and begin again: rules, back-off, hooks, last words."""
import time

from conformance_node.steps import box, key_pair, env, program
from pods_in_full.steps import SHARED, PodSpec, writes

STAYS = "exec sleep 100000"


def rule(action, operator, *codes):
    return {"action": action, "exitCodes": {"operator": operator, "values": list(codes)}}


class Rules(PodSpec):
    """KEP 5307, KEP 5532"""
    def test_what_is_not_listed_begins_again(self):
        first = "[ -e /shared/again ] && exit 3; touch /shared/again; exit 7"
        rules = [rule("Restart", "NotIn", 3)]
        self.pod("p", writes(first, restartPolicy="Never", restartPolicyRules=rules), volumes=SHARED,
            restartPolicy="OnFailure")
        one = self.container(self.phase("p", "Failed"))
        self.assertEqual((one["restartCount"], one["state"]["terminated"]["exitCode"]), (1, 3))
        self.assertEqual(one["lastState"]["terminated"]["exitCode"], 7)

    def test_an_init_container_has_rules(self):
        first = "[ -e /shared/again ] && exit 0; touch /shared/again; exit 42"
        init = writes(first, name="i", restartPolicy="Never", restartPolicyRules=[rule("Restart", "In", 42)])
        self.pod("p", box("exit 0"), initContainers=[init], volumes=SHARED, restartPolicy="Never")
        pod = self.phase("p", "Succeeded", "Failed")
        self.assertEqual(pod["status"]["phase"], "Succeeded")
        self.assertEqual(self.container(pod, "i", "initContainerStatuses")["restartCount"], 1)

    def test_a_policy_of_its_own(self):
        """A container that is over does not end a pod whose other one goes on."""
        self.pod("p", box("exit 5", restartPolicy="Never"), box(STAYS, name="d"))
        pod = self.waits("p", lambda pod: "terminated" in self.container(pod)["state"], "its end")
        self.assertEqual((pod["status"]["phase"], self.container(pod)["restartCount"]), ("Running", 0))

    def test_all_containers_begin_again(self):
        say = "echo %s >>/shared/log; "
        restarts = [rule("RestartAllContainers", "In", 88)]
        main = say % "main" + "[ $(grep -c main /shared/log) = 1 ] || exec sleep 100000; sleep 2; exit 88"
        done = writes(say % "done" + "exit 0", name="done", restartPolicy="Never")
        polite = "trap 'echo asked >>/shared/log; exit 0' TERM; while :; do sleep 0.1; done"
        stops = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >>/shared/log"]}}}
        self.pod("p", writes(main, restartPolicy="Never", restartPolicyRules=restarts), done,
            writes(say % "beside" + polite, name="watch", lifecycle=stops),
            initContainers=[writes(say % "init", name="i"), writes(say % "side" + polite, name="s",
                restartPolicy="Always")],
            volumes=SHARED, restartPolicy="Never")
        before = self.phase("p", "Running")
        pod = self.waits("p", lambda pod: self.condition(pod,
            "AllContainersRestarting").get("status") == "False"
            and self.container(pod)["restartCount"] == 1 and "running" in self.container(pod)["state"],
            "the second life")
        self.assertEqual(pod["status"]["podIP"], before["status"]["podIP"])
        for kind, name in (("containerStatuses", "c"), ("containerStatuses", "done"),
            ("containerStatuses", "watch"), ("initContainerStatuses", "i"), ("initContainerStatuses", "s")):
            one = self.waits("p", lambda pod: self.container(pod, name, kind)["restartCount"] == 1, name)
        self.assertEqual(self.container(one, "c")["lastState"]["terminated"]["exitCode"], 88)
        # Nobody is asked to end, and what a life begins with comes first again.
        lines = self.journal("p")
        self.assertEqual(sorted(lines[:2]) + sorted(lines[2:5]), ["init", "side", "beside", "done", "main"])
        self.assertEqual(lines[5:7], ["init", "side"])
        self.assertEqual(sorted(lines[7:]), ["beside", "done", "main"])

    def test_all_begin_again_from_an_init_container(self):
        script = "echo x >>/shared/log; [ $(grep -c x /shared/log) = 1 ] && exit 88; exit 0"
        init = writes(script, name="i", restartPolicy="Never",
            restartPolicyRules=[rule("RestartAllContainers", "In", 88)])
        self.pod("p", box("exit 0"), initContainers=[writes("echo first >>/shared/log", name="f"), init],
            volumes=SHARED, restartPolicy="Never")
        pod = self.phase("p", "Succeeded", "Failed")
        self.assertEqual(pod["status"]["phase"], "Succeeded")
        self.assertEqual([one["restartCount"] for one in pod["status"]["initContainerStatuses"]], [1, 1])


class BackOff(PodSpec):
    def test_the_schedule(self):
        """At once, then after as long as the node says at most, each time with the reason."""
        self.pod("p", box("exit 9"))
        uid = self.pods.get("p")["metadata"]["uid"]
        said = self.waiting("p", "CrashLoopBackOff")
        self.assertEqual(said, "back-off 3s restarting failed container=c pod=p_%s(%s)" % (self.space, uid))
        self.told("p", "BackOff", "Back-off restarting failed container c in pod p_%s(%s)" % (self.space,
            uid))
        one = self.container(self.restarts("p", 3))
        self.assertEqual(one["lastState"]["terminated"]["exitCode"], 9)
        self.assertEqual(self.pods.get("p")["status"]["phase"], "Running")
        parse = lambda text: time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        state = one["state"].get("terminated") or one["state"].get("running")
        if state: self.assertGreaterEqual(
            parse(state["startedAt"]) - parse(one["lastState"]["terminated"]["finishedAt"]), 2)


class Hooks(PodSpec):
    def gone_within(self, name, least, most, **options):
        began = time.monotonic()
        self.remove(name, **options)
        took = time.monotonic() - began
        self.assertTrue(least <= took <= most, "%s took %.1f s" % (name, took))

    def test_sleeps(self):
        self.pod("p", box(STAYS, lifecycle={"postStart": {"sleep": {"seconds": 3}}}),
            terminationGracePeriodSeconds=5)
        began = time.monotonic()
        self.ready("p")
        self.assertGreaterEqual(time.monotonic() - began, 2.5)
        # None at all is one, too.
        self.pod("zero", box(lifecycle={"preStop": {"sleep": {"seconds": 0}}}))
        self.ready("zero")
        self.gone_within("zero", 0, 8)

    def test_preStop_that_takes_too_long(self):
        """The grace period bounds it; the process has two seconds then."""
        hook = {"preStop": {"exec": {"command": ["sleep", "1000"]}}}
        script = "trap 'echo asked >>/shared/log; exit 0' TERM; while :; do sleep 0.1; done"
        self.pod("p", writes(script, lifecycle=hook), volumes=SHARED, terminationGracePeriodSeconds=3)
        self.ready("p")
        self.gone_within("p", 2.5, 12)

    def test_preStop_that_fails(self):
        self.pod("p", box(lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "exit 7"]}}}))
        self.ready("p")
        self.remove("p")
        self.assertEqual(self.told("p", "FailedPreStopHook"), "PreStopHook failed")

    def test_over_TLS_with_headers(self):
        """A hook asks nobody who he is, and says what it is told to."""
        self.run_ready("server", program("netexec"))
        host = self.address("server")
        keys = key_pair()
        self.run_ready("safe", program("porter", env=env(SERVE_TLS_PORT_1443="hello", **keys)))
        hook = lambda **more: {"httpGet": dict({"path": "/header?key=Lamp", "port": 8080, "host": host,
            "httpHeaders": [{"name": "Lamp", "value": "lit"}]}, **more)}
        self.pod("p", box(lifecycle={"postStart": hook(), "preStop": hook(host=self.address("safe"),
            port=1443,
            scheme="HTTPS", path="/bye")}))
        self.ready("p")
        self.logs("server", "GET /header?key=Lamp")
        self.remove("p")
        self.logs("safe", "GET /bye")

    def test_no_more_than_the_pod_has(self):
        """A container that does not listen is killed when its time is over."""
        self.pod("p", box("trap '' TERM; while :; do sleep 0.2; done"), terminationGracePeriodSeconds=3)
        self.ready("p")
        self.gone_within("p", 2.5, 10)


class LastWords(PodSpec):
    def test_their_bounds(self):
        many = "for i in $(busybox seq 1 500); do echo 0123456789012345678901234567890123456789; done"
        self.pod("p", box(many + " > /dev/termination-log; exit 1"), box(many + "; exit 1", name="d",
            terminationMessagePolicy="FallbackToLogsOnError"), box(
            "for i in $(busybox seq 1 500); do echo $i; done; exit 1", name="e",
            terminationMessagePolicy="FallbackToLogsOnError"), restartPolicy="Never")
        pod = self.phase("p", "Failed")
        message = lambda name: self.container(pod, name)["state"]["terminated"]["message"]
        self.assertEqual(len(message("c")), 4096)
        self.assertEqual(len(message("d")), 2048)
        self.assertEqual(message("e"), "".join("%d\n" % n for n in range(421, 501)))

    def test_what_all_of_them_may_say(self):
        """12 KiB for a pod, in equal parts."""
        many = "busybox yes | busybox head -c 10000 > /dev/termination-log"
        self.pod("p", *[box(many, name="c%d" % n) for n in range(4)], restartPolicy="Never")
        pod = self.phase("p", "Succeeded")
        for one in pod["status"]["containerStatuses"]:
            self.assertEqual(len(one["state"]["terminated"]["message"]), 3072)
