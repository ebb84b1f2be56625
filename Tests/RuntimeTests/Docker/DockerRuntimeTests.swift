import APIMachinery
import Host
import Logging
import Support
import Synchronization
import Testing
import Wire

@testable import Runtime

/// What the runtime does with a Docker that has no containers, and with plug-ins that make no network.
@Suite struct DockerRuntimeTests {
    private struct World: Sendable {
        let runtime: DockerRuntime
        let docker: FakeDocker
        let plugins: FakePlugins
        let logs: String
    }

    private final class Told: Sendable {
        private let state = Mutex<[ContainerEvent]>([])
        var events: [ContainerEvent] { state.withLock { $0 } }
        func add(_ event: ContainerEvent) { state.withLock { $0.append(event) } }
    }

    private func withDocker(_ body: @escaping @Sendable (World) async throws -> Void) async throws {
        let (docker, plugins) = (FakeDocker(), try FakePlugins())
        defer { plugins.remove() }
        try plugins.add("first", prints: "{}")
        try plugins.add("second", prints: #"{"ips":[{"address":"10.42.0.7/24"},{"address":"fd00::7/64"}]}"#)
        var options = DockerOptions()
        options.socket = docker.socket
        options.checkpoints = plugins.folder + "/checkpoints"
        options.networkConfiguration = try plugins.describe()
        options.pluginFolders = [plugins.folder]
        let made = options
        try await docker.serve {
            let runtime = try await DockerRuntime.connect(made, log: Logger(label: "docker"))
            docker.forget()
            try await body(World(runtime: runtime, docker: docker, plugins: plugins, logs: plugins.folder + "/logs"))
        }
    }

    private static func sandbox(_ world: World) -> CRI.PodSandboxConfig {
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(name: "web", uid: "u", namespace: "shop")
        config.labels = ["io.kubernetes.pod.uid": "u"]
        config.logDirectory = world.logs
        config.dnsConfig = CRI.DNSConfig(servers: ["10.43.0.10"])
        return config
    }

    private static func container() -> CRI.ContainerConfig {
        var config = CRI.ContainerConfig()
        config.metadata = CRI.ContainerMetadata(name: "app")
        config.image = CRI.ImageSpec("sha256:1")
        config.logPath = "app/0.log"
        return config
    }

    @Test func `a pod lives and goes`() async throws {
        try await withDocker { world in
            let (runtime, config) = (world.runtime, Self.sandbox(world))
            let sandbox = try await runtime.runPodSandbox(config, handler: "")
            let pause = "docker.io/rancher/mirrored-pause:3.10.2"
            #expect(
                world.docker.paths() == [
                    "GET /images/\(pause)/json", "POST /images/load", "POST /containers/create",
                    "POST /containers/\(sandbox)/start", "GET /containers/\(sandbox)/json",
                ])
            let status = try await runtime.podSandboxStatus(sandbox)
            #expect(status.state == .ready && status.network.ips == ["10.42.0.7", "fd00::7"])
            #expect(status.metadata == config.metadata)
            #expect(try Files.readText(world.docker.folder + "/resolv.conf") == "nameserver 10.43.0.10\n")
            var filter = CRI.PodSandboxFilter()
            filter.labelSelector = config.labels
            #expect(try await runtime.listPodSandboxes(filter).map(\.id) == [sandbox])
            filter.state = .notReady
            #expect(try await runtime.listPodSandboxes(filter).isEmpty)

            let container = try await runtime.createContainer(in: sandbox, Self.container(), sandboxConfig: config)
            try await runtime.startContainer(container)
            let log = world.logs + "/app/0.log"
            #expect(try Files.target(ofLink: log) == world.docker.folder + "/\(container)-json.log")
            let running = try await runtime.containerStatus(container)
            #expect(running.state == .running && running.logPath == log && running.metadata.name == "app")
            var own = CRI.ContainerFilter()
            own.podSandboxID = sandbox
            #expect(try await runtime.listContainers(own).map(\.id) == [container])
            let stats = try await runtime.podSandboxStats(sandbox)
            #expect(stats.linux.containers.map(\.attributes.id) == [container])
            #expect(stats.linux.cpu?.usageCoreNanoseconds == 9)
            // Its layer is not measured again so soon.
            world.docker.forget()
            _ = try await runtime.containerStats(container)
            #expect(!world.docker.calls.contains { $0.target.contains("size=") })
            try await runtime.stopContainer(container, timeout: .milliseconds(1500))
            #expect(world.docker.calls.last?.target == "/v1.41/containers/\(container)/stop?t=2")
            try await runtime.stopContainer(container, timeout: .zero)
            #expect(try await runtime.containerStatus(container).state == .exited)

            try await runtime.stopPodSandbox(sandbox)
            #expect(world.plugins.calls.suffix(2).map { $0.prefix(10) } == ["second DEL", "first DEL "])
            #expect(try await runtime.podSandboxStatus(sandbox).state == .notReady)
            let calls = world.plugins.calls.count
            try await runtime.stopPodSandbox(sandbox)
            try await runtime.removePodSandbox(sandbox)
            #expect(world.plugins.calls.count == calls, "the network is left once")
            #expect(world.docker.containers.isEmpty && runtime.checkpoints.ids().isEmpty)
            let fault = await #expect(throws: Fault.self) { _ = try await runtime.podSandboxStatus(sandbox) }
            #expect(fault?.code == .notFound)
            try await runtime.removePodSandbox(sandbox)
            try await runtime.removeContainer(container)
        }
    }

    @Test func `what a plug-in refuses leaves nothing behind`() async throws {
        try await withDocker { world in
            try world.plugins.add("second", prints: #"{"code":1,"msg":"no address"}"#, fails: true)
            let config = Self.sandbox(world)
            let fault = await #expect(throws: Fault.self) {
                _ = try await world.runtime.runPodSandbox(config, handler: "")
            }
            #expect(fault?.summary.contains("no address") == true)
            // The plug-in fails there, too: what is left waits for the next attempt.
            try world.plugins.add("second", prints: "{}")
            for sandbox in try await world.runtime.listPodSandboxes(CRI.PodSandboxFilter()) {
                try await world.runtime.removePodSandbox(sandbox.id)
            }
            #expect(world.docker.containers.isEmpty && world.runtime.checkpoints.ids().isEmpty)
        }
    }

    @Test func `a sandbox that somebody removed gives its address back`() async throws {
        try await withDocker { world in
            let (runtime, config) = (world.runtime, Self.sandbox(world))
            let sandbox = try await runtime.runPodSandbox(config, handler: "")
            try await runtime.remove(sandbox)
            var filter = CRI.PodSandboxFilter()
            filter.labelSelector = config.labels
            let listed = try await runtime.listPodSandboxes(filter)
            #expect(listed.map(\.id) == [sandbox] && listed.first?.state == .notReady)
            #expect(listed.first?.metadata == config.metadata)
            filter.labelSelector = ["io.kubernetes.pod.uid": "other"]
            #expect(try await runtime.listPodSandboxes(filter).isEmpty)
            try await runtime.stopPodSandbox(sandbox)
            #expect(world.plugins.calls.last == "first DEL \(sandbox) eth0 ")
            try await runtime.removePodSandbox(sandbox)
            #expect(try await runtime.listPodSandboxes(CRI.PodSandboxFilter()).isEmpty)
        }
    }

    @Test func `a name that is taken is taken back, or gets a suffix`() async throws {
        try await withDocker { world in
            let (runtime, config) = (world.runtime, Self.sandbox(world))
            let sandbox = try await runtime.runPodSandbox(config, handler: "")
            let first = try await runtime.createContainer(in: sandbox, Self.container(), sandboxConfig: config)
            // Nobody heard of it: it was not started.
            let second = try await runtime.createContainer(in: sandbox, Self.container(), sandboxConfig: config)
            #expect(world.docker.containers[first] == nil)
            #expect(world.docker.containers[second]?["Name"] == "/k8s_app_web_shop_u_0")
            try await runtime.startContainer(second)
            let third = try await runtime.createContainer(in: sandbox, Self.container(), sandboxConfig: config)
            let name = world.docker.containers[third]?["Name"]?.string ?? ""
            #expect(name.hasPrefix("/k8s_app_web_shop_u_0_") && world.docker.containers[second] != nil)
            #expect(try await runtime.containerStatus(third).metadata == Self.container().metadata)
        }
    }

    @Test func `a command's output and code come back`() async throws {
        try await withDocker { world in
            let sandbox = try await world.runtime.runPodSandbox(Self.sandbox(world), handler: "")
            let answer = try await world.runtime.execSync(sandbox, ["ls", "-l"], timeout: .seconds(10))
            #expect(String(decoding: answer.stdout, as: UTF8.self) == "out")
            #expect(String(decoding: answer.stderr, as: UTF8.self) == "err" && answer.exitCode == 3)
            let made = world.docker.calls.first { $0.target.hasSuffix("/exec") }
            #expect(made?.body["Cmd"] == ["ls", "-l"] && made?.body["AttachStdin"] == false)
        }
    }

    @Test func `images are pulled, and why not is told`() async throws {
        try await withDocker { world in
            let images = world.runtime
            #expect(try await images.imageStatus(CRI.ImageSpec("nginx")) == nil)
            var auth = CRI.AuthConfig()
            auth.username = "me"
            #expect(try await images.pullImage(CRI.ImageSpec("nginx"), auth: auth, sandboxConfig: nil) == "sha256:1")
            #expect(try await images.imageStatus(CRI.ImageSpec("nginx"))?.repoTags == ["docker.io/library/nginx:latest"])
            try await images.removeImage(CRI.ImageSpec("nginx"))
            #expect(try await images.imageStatus(CRI.ImageSpec("nginx")) == nil)
            try await images.removeImage(CRI.ImageSpec("nginx"))
            let fault = await #expect(throws: Fault.self) {
                _ = try await images.pullImage(CRI.ImageSpec("missing"), auth: nil, sandboxConfig: nil)
            }
            #expect((fault?.cause as? GRPCStatus)?.message == "manifest unknown")
        }
    }

    @Test func `events are told from the moment when it is ready`() async throws {
        try await withDocker { world in
            let told = Told()
            let events = [ContainerEvent(.started, "a"), ContainerEvent(.exited, "a")]
            await withTaskGroup(of: Void.self) { group in
                let (ends, end) = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    try? await world.runtime.containerEvents {
                        world.docker.tell(#"{"Type":"container","Action":"start","Actor":{"ID":"a"}}"#)
                        world.docker.tell(#"{"Type":"container","Action":"attach","Actor":{"ID":"a"}}"#)
                        world.docker.tell(#"{"Type":"container","Action":"die","Actor":{"ID":"a"}}"#)
                    } _: { event in
                        told.add(event)
                        if told.events.count == events.count { end.finish() }
                    }
                }
                for await _ in ends {}
                group.cancelAll()
            }
            #expect(told.events == events)
            #expect(world.docker.calls.last?.target.contains("since=") == true)
        }
    }

    @Test func `what a client sees of a command goes over a URL that is good once`() async throws {
        try await withDocker { world in
            let sandbox = try await world.runtime.runPodSandbox(Self.sandbox(world), handler: "")
            let early = await #expect(throws: Fault.self) { _ = try await world.runtime.portForward(sandbox) }
            #expect(early?.code == .unavailable)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (ends, end) = AsyncStream.makeStream(of: Void.self)
                group.addTask { try? await world.runtime.run { end.finish() } }
                for await _ in ends {}
                let url = try await world.runtime.exec(sandbox, ["ls"], CRI.Streams())
                let headers: HTTPHeaders = [
                    "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": WebSocketSubprotocol.channelV4,
                ]
                let client = HTTPClient()
                guard case .upgraded(_, let stream) = try await client.upgrade(
                    HTTPClientRequest(.post, url: url, headers: headers))
                else { throw Fault(.failed, "the streaming server refused") }
                try await SPDYSession.run(over: stream, role: .client) { session in
                    let streams = try await RemoteCommandStreams.open(over: session, .init(stdout: true, stderr: true))
                    #expect(try await Self.text(streams.stdout) == "out")
                    #expect(try await Self.text(streams.stderr) == "err")
                    let status = try await Value(json: Self.text(streams.error))
                    #expect(status["reason"] == "NonZeroExitCode")
                    #expect(status.at("details", "causes")?.array?.first?["message"] == "3")
                }
                let again = try await client.send(HTTPClientRequest(.post, url: url, headers: headers))
                #expect(again.status == .notFound)
                group.cancelAll()
            }
        }
    }

    private static func text(_ stream: (any ByteStream)?) async throws -> String {
        var bytes: [UInt8] = []
        while let more = try await stream?.read() { bytes += more }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `nobody answers, or somebody who cannot run pods`() async throws {
        var options = DockerOptions()
        options.socket = "/tmp/k3s-no-docker-here.sock"
        let nobody = options
        let fault = await #expect(throws: Fault.self) {
            _ = try await DockerRuntime.connect(nobody, log: Logger(label: "docker"))
        }
        #expect(fault?.code == .unavailable)
        #expect(throws: Fault.self) { try DockerRuntime.driver(["CgroupDriver": "none"]) }
        #expect(try DockerRuntime.driver(["CgroupDriver": "systemd"]) == .systemd)
        #expect(try DockerRuntime.driver(["CgroupDriver": "cgroupfs"]) == .cgroupfs)
    }
}

@Suite struct LayerSizesTests {
    @Test func `a container is measured again when what is known is old`() {
        let start = Timestamp(seconds: 100)
        var sizes = LayerSizes()
        #expect(sizes.bytes(of: [], at: start) == [:] && sizes.bytes(of: ["a"], at: start) == nil)
        sizes.note(["a": 1, "b": 2], at: start)
        #expect(sizes.bytes(of: ["a"], at: start + .seconds(59)) == ["a": 1])
        #expect(sizes.bytes(of: ["a"], at: start + .seconds(60)) == nil)
        #expect(sizes.bytes(of: ["a", "c"], at: start) == nil)
        sizes.note(["a": 3], at: start + .seconds(30))
        #expect(sizes.bytes(of: ["a"], at: start + .seconds(80)) == ["a": 3])
        #expect(sizes.bytes(of: ["a", "b"], at: start + .seconds(80)) == nil)
    }
}

@Suite struct DockerStreamingTests {
    @Test func `a URL is good for a minute and one connection`() {
        let start = Timestamp(seconds: 100)
        var tickets = StreamingTickets()
        let talk = DockerStreaming.Conversation.forward(sandbox: "s")
        tickets.add(talk, "a", at: start)
        tickets.add(talk, "b", at: start)
        let first = tickets.take("a", at: start + .seconds(59))
        let second = tickets.take("a", at: start + .seconds(59))
        let late = tickets.take("b", at: start + .seconds(60))
        #expect(first == talk && second == nil && late == nil)
        for index in 0...1000 { tickets.add(talk, "n\(index)", at: start + .milliseconds(index)) }
        let oldest = tickets.take("n0", at: start + .seconds(2))
        let next = tickets.take("n1", at: start + .seconds(2))
        #expect(oldest == nil && next == talk)
    }

    @Test func `sizes of a terminal come in any pieces`() {
        let bytes = Array("{\"Width\":80,\"Height\":24}\n{\"Width\":0,\"Height\":1}{\"Width\":100,\"Height\":50}".utf8)
        for size in 1...bytes.count {
            var (sizes, widths) = (TerminalSizes(), [Int64]())
            for start in stride(from: 0, to: bytes.count, by: size) {
                widths += sizes.take(Array(bytes[start..<min(start + size, bytes.count)])).map(\.width)
            }
            #expect(widths == [80, 100], "in pieces of \(size)")
        }
    }

    @Test func `how a command ended, as clients read it`() {
        #expect(StreamOutcome.exited(0)["status"] == "Success")
        let failed = StreamOutcome.exited(7)
        #expect(failed["status"] == "Failure" && failed["reason"] == "NonZeroExitCode")
        #expect(failed.at("details", "causes")?.array?.first == ["reason": "ExitCode", "message": "7"])
        #expect(StreamOutcome.failed("gone")["message"] == "gone")
    }

    @Test func `a checkpoint comes back as it was written`() throws {
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(name: "web", uid: "u", namespace: "shop", attempt: 3)
        config.labels = ["a": "b"]
        config.annotations = ["kubernetes.io/egress-bandwidth": "1k"]
        let network = try CNINetwork(["name": "n", "plugins": [["type": "a"]]], source: "it")
        var checkpoint = SandboxCheckpoint(config, handler: "crun", network: network)
        #expect(SandboxCheckpoint(json: checkpoint.json) == checkpoint)
        checkpoint.result = ["ips": [["address": "10.0.0.1/8"]]]
        let read = SandboxCheckpoint(json: checkpoint.json)
        #expect(read == checkpoint && read?.addresses == ["10.0.0.1"])
        #expect(SandboxCheckpoint(json: Array("{}".utf8)) == nil)
    }
}
