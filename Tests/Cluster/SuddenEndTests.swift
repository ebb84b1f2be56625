import Host
import Support
import Testing

/// k3s is killed while a pod is in each phase of its life at once: what comes back finishes each as if nothing had been.
@Suite(.serialized) struct SuddenEndTests {
    enum Victims: CaseIterable {
        case k3s, k3sAndContainerd
    }

    /// The phase that a pod is held in, which is also its name.
    private enum Phase: String, CaseIterable {
        /// A network plugin does not return.
        case sandbox
        /// The registry accepts connections and answers none.
        case pulling
        /// An init container waits.
        case initial
        /// A `postStart` hook waits.
        case starting
        case running
        /// A `preStop` hook takes its time.
        case stopping
        /// A container ignores SIGTERM.
        case deleting
        /// A process that is none of the pod's keeps a volume busy.
        case unmounting

        var isLeaving: Bool { [.stopping, .deleting, .unmounting].contains(self) }
    }

    /// The containers write down what they do in `/shared`, which is a folder of the test.
    private static func pod(_ phase: Phase, _ node: TestNode) -> String {
        var main = "echo main >> /shared/begun; exec sleep 100000"
        var (image, life, initial, grace) = ("busybox:1", "{}", "[]", 1)
        let wait = "while [ ! -e /shared/go ]; do sleep 0.1; done"
        func exec(_ hook: String, _ script: String) -> String {
            "{\(hook): {exec: {command: [sh, -c, \"\(script)\"]}}}"
        }
        switch phase {
        case .sandbox, .running, .unmounting: break
        case .pulling: image = "nginx:two"
        case .initial:
            initial = """
                [{name: first, image: "busybox:1", command: [sh, -c, "echo init >> /shared/begun; \(wait)"], \
                volumeMounts: [{name: shared, mountPath: /shared}]}]
                """
        case .starting: life = exec("postStart", "echo hook >> /shared/begun; \(wait)")
        case .stopping: (life, grace) = (exec("preStop", "echo stop >> /shared/begun; sleep 4"), 8)
        case .deleting:
            main = "trap 'echo term >> /shared/begun' TERM; echo main >> /shared/begun; while :; do sleep 0.1; done"
            grace = 8
        }
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(phase.rawValue)}
            spec:
              nodeName: node-1
              terminationGracePeriodSeconds: \(grace)
              volumes:
              - {name: shared, hostPath: {path: "\(node.folder)/shared/\(phase.rawValue)", type: DirectoryOrCreate}}
              - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
              initContainers: \(initial)
              containers:
              - name: main
                image: \(image)
                command: [sh, -c, "\(main)"]
                lifecycle: \(life)
                volumeMounts: [{name: shared, mountPath: /shared}, {name: memory, mountPath: /memory}]
            """
    }

    /// One run: the pods of all phases on one node.
    private struct Story {
        let node: TestNode
        let slow: SlowNetwork

        private func folder(_ phase: Phase) -> String { node.folder + "/shared/" + phase.rawValue }

        /// What the containers of a pod have begun, in order.
        func begun(_ phase: Phase) -> [String] {
            let text = (try? Files.readText(folder(phase) + "/begun")) ?? ""
            return text.split(separator: "\n").map(String.init)
        }

        func status(_ phase: Phase, _ path: String, _ server: TestNode.Server) async throws -> String {
            try await server.kubectl("get", "pod", phase.rawValue, "-o", "jsonpath={.status\(path)}").text
        }

        /// Whether the pod is where it is to be interrupted.
        func isReached(_ phase: Phase, _ server: TestNode.Server) async throws -> Bool {
            switch phase {
            case .sandbox: return slow.isReached
            case .pulling:
                let selector = "involvedObject.name=pulling,reason=Pulling"
                return try await server.must("get", "events", "--field-selector", selector, "-o", "name").isEmpty == false
            case .initial: return begun(phase) == ["init"]
            case .starting: return begun(phase).contains("hook")
            case .running: return begun(phase) == ["main"]
            case .stopping: return begun(phase) == ["main", "stop"]
            case .deleting: return begun(phase) == ["main", "term"]
            case .unmounting:
                return try await status(phase, ".containerStatuses[0].state.terminated", server).isEmpty == false
            }
        }

        /// The pod's own memory is somebody else's working directory.
        func occupy(_ server: TestNode.Server) async throws {
            let uid = try await server.must("get", "pod", "unmounting", "-o", "jsonpath={.metadata.uid}")
            try await node.shell(
                """
                cd /var/lib/kubelet/pods/\(uid)/volumes/kubernetes.io~empty-dir/memory
                sleep 1000 </dev/null >/dev/null 2>&1 &
                echo $! >\(node.folder)/occupant
                """)
        }

        /// Nothing holds any pod any more.
        func go() async throws {
            try slow.go()
            for phase in [Phase.initial, .starting] { try Files.write([], to: folder(phase) + "/go") }
            try await node.shell("kill $(cat \(node.folder)/occupant)")
            try await TestRegistry.resume(on: node)
        }

        func expectDone(_ phase: Phase, _ server: TestNode.Server) async throws {
            if phase.isLeaving {
                try await server.must("wait", "--for=delete", "pod/\(phase.rawValue)", "--timeout=50s")
            } else {
                try await server.must("wait", "--for=condition=Ready", "pod/\(phase.rawValue)", "--timeout=50s")
            }
            let begun = self.begun(phase)
            switch phase {
            case .initial: #expect(begun == ["init", "main"])
            // A hook that was interrupted runs again, as long as there is time.
            case .stopping: #expect(Array(Set(begun)).sorted() == ["main", "stop"] && begun.first == "main")
            case .deleting: #expect(Array(Set(begun)).sorted() == ["main", "term"] && begun.first == "main")
            // What is told to the hook's caller is lost with it: the container has started.
            case .starting: #expect(begun.count { $0 == "main" } == 1 && begun.count { $0 == "hook" } == 1)
            case .sandbox, .pulling, .running, .unmounting: #expect(begun == ["main"], "\(phase)")
            }
            guard !phase.isLeaving else { return }
            #expect(try await status(phase, ".containerStatuses[0].restartCount", server) == "0", "\(phase)")
            // The sandbox, and each container once.
            let held = phase == .initial ? 3 : 2
            try await eventually("the runtime holds \(held) containers of \(phase)") {
                let filter = #"'labels."io.kubernetes.pod.name"==\#(phase.rawValue)'"#
                let ctr = "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io"
                return try await node.shell("\(ctr) containers ls -q \(filter)").split(separator: "\n").count == held
            }
        }
    }

    @Test(arguments: Victims.allCases)
    func `pods in every phase are brought to where they were going`(_ victims: Victims) async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.pod(.running, node))
            try await server.must("wait", "--for=condition=Ready", "pod/running", "--timeout=50s")
            try await server.must("delete", "pod", "running")
            try Files.remove(node.folder + "/shared")
            let story = Story(node: node, slow: try await SlowNetwork.hold("sandbox", on: node))
            let before = try await Leftovers.count(on: node)
            try await TestRegistry.suspend(on: node)

            try await server.must("create", input: Phase.allCases.map { Self.pod($0, node) }.joined(separator: "\n---\n"))
            for phase in Phase.allCases where !phase.isLeaving {
                try await eventually("\(phase)") { try await story.isReached(phase, server) }
            }
            for phase in Phase.allCases where phase.isLeaving {
                try await eventually("\(phase) runs") { story.begun(phase) == ["main"] }
            }
            try await story.occupy(server)
            try await server.must("delete", "pod", "stopping", "deleting", "unmounting", "--wait=false")
            for phase in Phase.allCases where phase.isLeaving {
                try await eventually("\(phase)") { try await story.isReached(phase, server) }
            }
            let kept = try await story.status(.running, ".containerStatuses[0].containerID", server)

            try await server.stop(.kill)
            if victims == .k3sAndContainerd { try await node.killContainerd() }
            let again = try await node.start()
            try await story.go()
            for phase in Phase.allCases { try await story.expectDone(phase, again) }
            #expect(try await story.status(.running, ".containerStatuses[0].containerID", again) == kept)
            try await again.must("delete", "pods", "--all")
            // The namespace of the sandbox that a killed containerd was making must seem to be nobody's for half a minute.
            try await Leftovers.expectNone(since: before, on: node, within: .seconds(victims == .k3s ? 20 : 40))
        }
    }
}
