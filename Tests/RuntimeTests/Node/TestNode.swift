import APIMachinery
import Host
import Logging
import Support
import Testing

@testable import Runtime

/// A containerd of a test's own: all its paths in a temporary folder, its network in a namespace of its own.
struct TestNode: Sendable {
    let name: String
    let layout: ContainerdLayout
    var options: ContainerdOptions
    let programs: ContainerdPrograms
    let folder: String

    /// Whether this machine can run one: root, and everything installed.
    static var isPossible: Bool {
        Machine.effectiveUserID == 0 && (try? ContainerdPrograms.find(dataDirectory: "/nonexistent")) != nil
            && Files.exists("/usr/bin/nsenter") && Files.exists("/bin/busybox")
    }

    /// Runs `body` on a new node and cleans up after it, also when it fails.
    static func run(
        registries: Registries = Registries(), _ body: (TestNode) async throws -> Void
    ) async throws {
        let node = try await TestNode(registries)
        var failure: (any Error)?
        do { try await body(node) } catch { failure = error }
        // A task of its own: a test that has run out of time is cancelled, and must clean up nevertheless.
        do { try await Task { try await node.cleanUp() }.value } catch { failure = failure ?? error }
        if let failure { throw failure }
    }

    private init(_ registries: Registries) async throws {
        name = "k3s-runtime-test-\(UInt32.random(in: 0...UInt32.max))"
        folder = "/tmp/" + name
        var layout = ContainerdLayout(dataDirectory: folder + "/data", runDirectory: folder + "/run")
        layout.images = folder + "/images"
        self.layout = layout
        var options = try ContainerdOptions.detect()
        options.streamPort = 0
        options.registries = registries
        self.options = options
        try Files.makeDirectory(folder)

        _ = try NetworkNamespace.create(named: name)
        let loopback = try await Command("ip", ["-n", name, "link", "set", "lo", "up"]).run()
        #expect(loopback.status.isSuccess)
        var programs = try ContainerdPrograms.find(dataDirectory: folder)
        // The plugins make their bridge where containerd runs.
        let wrapper = folder + "/containerd"
        let script = "#!/bin/sh\nexec nsenter --net=/run/netns/\(name) \(programs.containerd) \"$@\"\n"
        try await install(Array(script.utf8), at: wrapper)
        programs.containerd = wrapper
        self.programs = programs

        var network = BridgeNetwork(podCIDRs: [try #require(IPPrefix("10.199.0.0/24"))])
        network.name = name
        network.bridge = "rt0"
        network.addressFolder = folder + "/addresses"
        try network.write(to: layout.cniConfiguration)
    }

    /// Tests say what went wrong by themselves.
    let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    var containerd: Containerd {
        Containerd(
            layout: layout, options: options, programs: programs,
            logger: silent)
    }

    /// Runs containerd while `body` runs, and leaves it running then.
    func withContainerd(_ body: @escaping @Sendable (CRIClient) async throws -> Void) async throws {
        try await with(containerd, body)
    }

    func with(
        _ containerd: Containerd, _ body: @escaping @Sendable (CRIClient) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            let (ready, announce) = AsyncStream<CRIClient>.makeStream()
            group.addTask {
                defer { announce.finish() }
                try await containerd.run { client in announce.yield(client) }
            }
            group.addTask {
                for await client in ready { return try await body(client) }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// An image of busybox with a few of its names, stored under `image`.
    static let image = "docker.io/library/busybox:test"

    func importBusybox(_ client: CRIClient) async throws {
        var layer = TarArchive()
        layer.add(directory: "bin", mode: 0o755)
        layer.add(directory: "tmp", mode: 0o1777)
        layer.add(file: "bin/busybox", mode: 0o755, try Files.read("/bin/busybox"))
        for applet in ["sh", "sleep", "echo", "cat", "true", "dd", "hostname", "ps", "tail", "ip"] {
            layer.add(link: "bin/" + applet, to: "busybox")
        }
        let image = OCIImage(
            layer: layer, architecture: Machine.architecture,
            settings: ["Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": ["purpose": "test"]])
        try await ContainerdImages(grpc: client.grpc).put(image, name: Self.image, labels: [:])
        try await client.untilImage(Self.image, within: .seconds(10))
    }

    /// Runs a program in the node's network.
    func command(_ program: String, _ arguments: [String]) -> Command {
        Command("nsenter", ["--net=/run/netns/\(name)", program] + arguments)
    }

    func sandbox(_ pod: String) -> CRI.PodSandboxConfig {
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(name: pod, uid: "uid-" + pod, namespace: "default")
        config.hostname = pod
        config.logDirectory = folder + "/logs/" + pod
        config.labels = ["io.kubernetes.pod.name": pod]
        config.linux.cgroupParent = "/" + name
        return config
    }

    func container(_ name: String, _ command: [String]) -> CRI.ContainerConfig {
        var config = CRI.ContainerConfig()
        config.metadata = CRI.ContainerMetadata(name: name)
        config.image = CRI.ImageSpec(Self.image)
        config.command = command
        config.logPath = name + ".log"
        config.labels = ["io.kubernetes.container.name": name]
        return config
    }

    func log(_ pod: String, _ container: String) throws -> String {
        try Files.readText("\(folder)/logs/\(pod)/\(container).log")
    }

    private func cleanUp() async throws {
        // Whatever a failed test left: its sandboxes take their containers and networks with them.
        var limits = CRIClient.Limits()
        limits.request = .seconds(10)
        let client = CRIClient(socket: layout.socket, limits: limits)
        if let sandboxes = try? await client.listPodSandboxes(CRI.PodSandboxFilter()) {
            for sandbox in sandboxes {
                try? await client.stopPodSandbox(sandbox.id)
                try? await client.removePodSandbox(sandbox.id)
            }
        }
        client.close()
        try await containerd.stop()
        try Mounts.unmountAll(below: folder, lazy: true)
        try NetworkNamespace.delete(named: name)
        let groups = Cgroup("/" + name, in: try CgroupHierarchy.detect())
        try await groups.killAll()
        try groups.remove()
        try Files.remove(folder)
    }
}

/// Writes a program that can be run at once.
///
/// The system runs no file that is open for writing, and a process that another test starts at this moment
/// holds all that we hold open until its own program runs. So another process writes it.
func install(_ program: [UInt8], at path: String) async throws {
    let draft = path + ".draft"
    try Files.write(program, to: draft, mode: 0o755)
    let copy = try await Command("cp", ["-p", draft, path]).run()
    #expect(copy.status.isSuccess)
    try Files.remove(draft)
}
