import Host
import Support
import Testing

/// How containers of a pod begin, end, and begin again, on real containers. They write down what they do in a folder of
/// the test.
@Suite(.serialized) struct PodLifeTests {
    /// A container that says when it begins and ends, and does something in between.
    private static func container(_ name: String, _ script: String = "", _ more: String = "") -> String {
        """
        - name: \(name)
          image: busybox:1
          command: [sh, -c, "echo begin \(name) >> /shared/log; \(script)"]
          volumeMounts: [{name: shared, mountPath: /shared}]
          \(more)
        """
    }

    /// Until it is asked to end.
    private static func waits(_ name: String) -> String {
        "trap 'echo end \(name) >> /shared/log; exit 0' TERM; while :; do sleep 0.1; done"
    }

    private static func pod(
        _ name: String, _ node: TestNode, policy: String = "Always", initial: [String] = [], _ containers: [String],
        more: String = ""
    ) -> String {
        let lists = [initial, containers].map { $0.map { "\n" + $0.indented(by: 2) }.joined() }
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              nodeName: node-1
              restartPolicy: \(policy)
              terminationGracePeriodSeconds: 10
              \(more)
              volumes: [{name: shared, hostPath: {path: "\(node.folder)/shared/\(name)", type: DirectoryOrCreate}}]
              initContainers: \(initial.isEmpty ? "[]" : lists[0])
              containers: \(lists[1])
            """
    }

    private static func log(_ name: String, _ node: TestNode) -> [String] {
        let text = (try? Files.readText("\(node.folder)/shared/\(name)/log")) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    private static func status(_ pod: String, _ path: String, _ server: TestNode.Server) async throws -> String {
        try await server.must("get", "pod", pod, "-o", "jsonpath={.status\(path)}")
    }

    @Test func `init containers and sidecars begin in order, and sidecars end last, in the other order`() async throws {
        try await TestNode.with { node, server in
            let always = "restartPolicy: Always"
            // The one after waits until it has started, which takes a while.
            let probed = """
                restartPolicy: Always
                  startupProbe: {exec: {command: [ls, /shared/up]}, periodSeconds: 1}
                """
            let slow = "sleep 1; echo up one >> /shared/log; touch /shared/up; " + Self.waits("one")
            let initial = [
                Self.container("first"), Self.container("one", slow, probed), Self.container("second"),
                Self.container("two", Self.waits("two"), always),
            ]
            try await server.must(
                "create", input: Self.pod("ordered", node, initial: initial, [Self.container("main", Self.waits("main"))]))
            // Its sidecar does not keep it from its end.
            try await server.must(
                "create",
                input: Self.pod(
                    "batch", node, policy: "Never", initial: [Self.container("side", Self.waits("side"), always)],
                    [Self.container("work", "sleep 1")]))
            // It has what it takes to begin once, then it has not.
            let fails = "if [ -e /shared/tried ]; then sleep 1000; fi; touch /shared/tried; exit 3"
            try await server.must(
                "create",
                input: Self.pod(
                    "stubborn", node, initial: [Self.container("first", "[ -e /shared/again ] || { touch /shared/again; exit 1; }")],
                    [Self.container("main", fails)]))
            try await server.must("wait", "--for=condition=Ready", "pod/ordered", "--timeout=50s")
            let begun = ["begin first", "begin one", "up one", "begin second", "begin two", "begin main"]
            #expect(Self.log("ordered", node) == begun)
            try await server.must("delete", "pod", "ordered")
            #expect(Self.log("ordered", node) == begun + ["end main", "end two", "end one"])

            try await server.must("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/batch", "--timeout=50s")
            #expect(Self.log("batch", node) == ["begin side", "begin work", "end side"])

            try await eventually("the container has been started again") {
                try await Self.status("stubborn", ".containerStatuses[0].restartCount", server) == "1"
            }
            #expect(Self.log("stubborn", node) == ["begin first", "begin first", "begin main", "begin main"])
            #expect(try await Self.status("stubborn", ".initContainerStatuses[0].restartCount", server) == "1")
            let last = try await Self.status("stubborn", ".containerStatuses[0].lastState.terminated.exitCode", server)
            #expect(last == "3")
        }
    }

    @Test func `pods end as their policies, rules and deadlines say, and say so`() async throws {
        try await TestNode.with { node, server in
            let says = "printf 'out of lamps' >/dev/termination-log; exit 4"
            try await server.must("create", input: Self.pod("says", node, policy: "Never", [Self.container("main", says)]))
            let logs = "echo out of oil; exit 5"
            let policy = "terminationMessagePolicy: FallbackToLogsOnError"
            try await server.must("create", input: Self.pod("logs", node, policy: "Never", [Self.container("main", logs, policy)]))
            let late = Self.pod("late", node, [Self.container("main", Self.waits("main"))], more: "activeDeadlineSeconds: 2")
            try await server.must("create", input: late)
            // One exit code of one container begins it again, whatever the pod's policy is.
            let rule = """
                restartPolicy: Never
                  restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]
                """
            let once = "[ -e /shared/tried ] && exit 0; touch /shared/tried; exit 42"
            try await server.must("create", input: Self.pod("ruled", node, policy: "Never", [Self.container("main", once, rule)]))
            let memory = "resources: {limits: {memory: 16Mi}}"
            try await server.must(
                "create", input: Self.pod("greedy", node, policy: "Never", [Self.container("main", "tail /dev/zero", memory)]))

            let end = ".containerStatuses[0].state.terminated"
            for (name, phase, path, expected) in [
                ("says", "Failed", end + ".message}{.status\(end).exitCode", "out of lamps4"),
                ("logs", "Failed", end + ".message}{.status\(end).exitCode", "out of oil\n5"),
                ("late", "Failed", ".reason", "DeadlineExceeded"),
                ("ruled", "Succeeded", ".containerStatuses[0].restartCount", "1"),
                ("greedy", "Failed", end + ".reason", "OOMKilled"),
            ] {
                try await server.must("wait", "--for=jsonpath={.status.phase}=\(phase)", "pod/\(name)", "--timeout=50s")
                #expect(try await Self.status(name, path, server) == expected, "\(name)")
            }
            #expect(Self.log("late", node) == ["begin main", "end main"])
            #expect(Self.log("ruled", node) == ["begin main", "begin main"])
        }
    }

    @Test func `hooks run after the start and before the end, and one that fails is told`() async throws {
        try await TestNode.with { node, server in
            // A request of the hook leaves its first line.
            let answer = """
                read line
                echo $line | tr -d '\\r' >>/shared/log
                while read header && [ ${#header} -gt 1 ]; do :; done
                printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'
                """
            try Files.makeDirectory(node.folder + "/shared/polite")
            try Files.write(answer, to: node.folder + "/shared/polite/answer")
            let serves = "exec nc -ll -p 8080 -e sh /shared/answer"
            let hooks = """
                lifecycle:
                    postStart: {exec: {command: [sh, -c, "echo hook >> /shared/log"]}}
                    preStop: {httpGet: {path: /bye, port: 8080, httpHeaders: [{name: Who, value: me}]}}
                """
            try await server.must("create", input: Self.pod("polite", node, [Self.container("main", serves, hooks)]))
            let failing = #"lifecycle: {postStart: {exec: {command: [sh, -c, "exit 9"]}}}"#
            try await server.must("create", input: Self.pod("failing", node, [Self.container("main", "sleep 1000", failing)]))
            let unknown = "lifecycle: {postStart: {tcpSocket: {port: 8080}}}"
            try await server.must("create", input: Self.pod("unknown", node, [Self.container("main", "sleep 1000", unknown)]))
            let sleeping = "lifecycle: {preStop: {sleep: {seconds: 3}}}"
            try await server.must("create", input: Self.pod("sleeping", node, [Self.container("main", Self.waits("main"), sleeping)]))
            try await server.must("wait", "--for=condition=Ready", "pod/polite", "pod/sleeping", "--timeout=50s")
            try await eventually("the server of the pod listens") {
                // Port 8080.
                try await server.shell("polite", "grep -q :1F90 /proc/net/tcp /proc/net/tcp6").status.isSuccess
            }
            for name in ["failing", "unknown"] {
                try await eventually("it is told that the hook of \(name) failed") {
                    let text = try await server.must("get", "events", "--field-selector", "involvedObject.name=\(name)")
                    return text.contains("FailedPostStartHook") && text.contains("Killing")
                }
            }
            let begun = ContinuousClock.now
            try await server.must("delete", "pod", "sleeping")
            #expect((.seconds(2.9)...(.seconds(9))).contains(ContinuousClock.now - begun))
            try await server.must("delete", "pod", "polite")
            let log = Self.log("polite", node)
            #expect(Set(log.prefix(2)) == ["begin main", "hook"] && log.last == "GET /bye HTTP/1.1", "\(log)")
        }
    }

    @Test func `a container for debugging sees the processes of another`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pod("main", node, [Self.container("main", "exec sleep 12345")]))
            try await server.must("wait", "--for=condition=Ready", "pod/main", "--timeout=50s")
            try await server.must(
                "debug", "main", "--image=busybox:1", "--target=main", "--container=look", "--", "sh", "-c",
                "ps; cat /proc/1/root/shared/log")
            let state = "{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}"
            try await server.must("wait", "--for=jsonpath=\(state)=0", "pod/main", "--timeout=50s")
            let seen = try await server.must("logs", "main", "-c", "look")
            #expect(seen.contains("sleep 12345") && seen.hasSuffix("begin main\n"), "\(seen)")
        }
    }
}

extension String {
    /// Each line further to the right.
    fileprivate func indented(by count: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
    }
}
