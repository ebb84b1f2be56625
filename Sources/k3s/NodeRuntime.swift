import Host
import Kubelet
import Logging
import Runtime
import Supervisor
import Support
import Synchronization

/// The container runtime of this node, with the pods' network described to it: containerd, started or adopted, Docker, or one
/// that somebody else runs.
///
/// It is started as soon as the start cannot fail for a port or the state any more, because it takes the longest;
/// ``clients`` tells when it answers.
final class NodeRuntime: Sendable {
    /// Who runs containers, and who has their images.
    struct Clients: Sendable {
        let runtime: any RuntimeService
        let images: any ImageService
    }

    private enum Source: Sendable {
        case own(Containerd, ImageFolder)
        case external(ExternalRuntime)
        case docker(DockerOptions)
    }

    /// The runtime's clients, at its first answer and again after each restart of containerd.
    let clients: AsyncStream<Clients>
    private let source: Source
    /// Of an image service of its own.
    private let imageSocket: String?
    private let layout: ContainerdLayout
    private let log: Logger
    private let answers: AsyncStream<Clients>.Continuation
    private let network: BridgeNetwork
    private let isKept = Mutex(false)

    /// - Parameter hasNoCgroups: Whether there are none that could be given to containers.
    init(
        _ configuration: ServerConfiguration, podCIDR: IPPrefix, hasNoCgroups: Bool = false, log: Logger
    ) throws(Fault) {
        let node = configuration.node
        self.log = log
        layout = ContainerdLayout(dataDirectory: configuration.dataDirectory)
        (clients, answers) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        var network = BridgeNetwork(podCIDRs: [podCIDR])
        if let socket = node.runtime.endpoint {
            source = .external(ExternalRuntime(socket: socket, logger: log))
            imageSocket = node.runtime.imageEndpoint
            self.network = network
            return
        }
        if let socket = node.runtime.docker {
            let options = try Self.dockerOptions(configuration, socket: socket)
            source = .docker(options)
            imageSocket = node.runtime.imageEndpoint
            network.hasBandwidthPlugin = options.hasPlugin("bandwidth")
            self.network = network
            return
        }
        var options = try ContainerdOptions.detect()
        options.hasNoCgroups = hasNoCgroups
        options.registries = try Registries.read(node.registriesFile)
        options.isDefaultRegistryEndpointDisabled = node.isDefaultRegistryEndpointDisabled
        options.snapshotter = node.snapshotter
        try options.take(ExtraRuntime.find(), default: node.runtime.defaultRuntime)
        if node.runtime.imageEndpoint == nil {
            try SnapshotterCheck().check(node.snapshotter, root: layout.root)
        }
        imageSocket =
            node.runtime.imageEndpoint ?? (node.snapshotter == "stargz" ? SnapshotterCheck.sockets["stargz"] : nil)
        options.isSELinuxEnabled = node.usesSELinux
        options.usesSystemdCgroups = try configuration.cgroupDriver() == .systemd
        if let registry = node.systemRegistry { options.pauseImage = registry + "/" + options.pauseImage }
        if let image = node.pauseImage { options.pauseImage = image }
        let programs = try ContainerdPrograms.find(
            dataDirectory: configuration.dataDirectory, prefersBundle: node.prefersBundle)
        source = .own(
            Containerd(layout: layout, options: options, programs: programs, logger: log),
            ImageFolder(
                ImageArchives(
                    layout: layout, programs: programs, options: options, registries: node.importRegistries, logger: log),
                layout: layout))
        network.hasBandwidthPlugin = programs.hasPlugin("bandwidth")
        self.network = network
    }

    private static func dockerOptions(
        _ configuration: ServerConfiguration, socket: String
    ) throws(Fault) -> DockerOptions {
        let node = configuration.node
        var options = DockerOptions(dataDirectory: configuration.dataDirectory)
        options.socket = socket
        try options.detect()
        if let registry = node.systemRegistry { options.pauseImage = registry + "/" + options.pauseImage }
        if let image = node.pauseImage { options.pauseImage = image }
        return options
    }

    /// containerd copies it into each sandbox and makes none without it; small systems may have none.
    private func makeHostsFile() throws(Fault) {
        guard !Files.exists("/etc/hosts") else { return }
        try Files.write(Array("127.0.0.1\tlocalhost\n::1\tlocalhost\n".utf8), to: "/etc/hosts", mode: 0o644)
    }

    /// Keeps containerd running until the task is cancelled; the containers, and containerd, stay. A runtime of somebody else
    /// is left alone.
    func run() async throws(Fault) {
        do {
            try network.write(to: layout.cniConfiguration)
            switch source {
            case .own(let containerd, let images):
                try makeHostsFile()
                try await withThrowingTaskGroup { group in
                    group.addTask { await images.run() }
                    try await containerd.run { client in
                        // Before any pod asks for them.
                        try await images.take(client)
                        answer(client)
                    }
                    group.cancelAll()
                }
            case .external(let runtime):
                defer { runtime.close() }
                answer(try await runtime.answering())
                // It is the kubelet's to see how it fares.
                await Bell().wait()
            case .docker(let options):
                let runtime = try await DockerRuntime.answering(options, log: log)
                try await runtime.run { self.answer(runtime) }
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            guard !Task.isCancelled else { return }
            throw Fault(.failed, "the container runtime cannot be run", cause: error)
        }
    }

    private func answer(_ runtime: some RuntimeService & ImageService) {
        let images: any ImageService = if let imageSocket { CRIClient(socket: imageSocket) } else { runtime }
        answers.yield(Clients(runtime: runtime, images: images))
    }

    /// From now on pods may run: whatever happens, containerd stays.
    func keep() { isKept.withLock { $0 = true } }

    /// The start came to nothing: what it has begun ends, unless it is kept.
    func undo() async {
        guard !isKept.withLock({ $0 }), case .own(let containerd, _) = source else { return }
        do {
            try await containerd.undo()
        } catch {
            log.warning("the containerd of a start that failed may still run: \(error)")
        }
    }
}
