import Host
import Logging
import Runtime
import Supervisor
import Support
import Synchronization

/// The container runtime of this node: containerd, started or adopted, with the pods' network described to it.
///
/// It is started as soon as the start cannot fail for a port or the state any more, because it takes the longest;
/// ``clients`` tells when it answers.
final class NodeRuntime: Sendable {
    /// The runtime's client, at its first answer and again after each restart of containerd.
    let clients: AsyncStream<CRIClient>
    private let containerd: Containerd
    private let log: Logger
    private let answers: AsyncStream<CRIClient>.Continuation
    private let network: BridgeNetwork
    private let archives: ImageArchives
    private let isKept = Mutex(false)

    init(_ configuration: ServerConfiguration, podCIDR: IPPrefix, log: Logger) throws(Fault) {
        let node = configuration.node
        var options = try ContainerdOptions.detect()
        options.registries = try Registries.read(node.registriesFile)
        options.isDefaultRegistryEndpointDisabled = node.isDefaultRegistryEndpointDisabled
        options.snapshotter = node.snapshotter
        if let image = node.pauseImage { options.pauseImage = image }
        let layout = ContainerdLayout(dataDirectory: configuration.dataDirectory)
        let programs = try ContainerdPrograms.find(dataDirectory: configuration.dataDirectory)
        containerd = Containerd(layout: layout, options: options, programs: programs, logger: log)
        archives = ImageArchives(layout: layout, programs: programs, options: options, logger: log)
        self.log = log
        var network = BridgeNetwork(podCIDRs: [podCIDR])
        network.hasBandwidthPlugin = programs.hasPlugin("bandwidth")
        self.network = network
        (clients, answers) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// containerd copies it into each sandbox and makes none without it; small systems may have none.
    private func makeHostsFile() throws(Fault) {
        guard !Files.exists("/etc/hosts") else { return }
        try Files.write(Array("127.0.0.1\tlocalhost\n::1\tlocalhost\n".utf8), to: "/etc/hosts", mode: 0o644)
    }

    /// Keeps containerd running until the task is cancelled; the containers, and containerd, stay.
    func run() async throws(Fault) {
        do {
            try makeHostsFile()
            try network.write(to: containerd.layout.cniConfiguration)
            try await containerd.run { [archives, answers] client in
                // Before any pod asks for them.
                try await archives.importAll(client)
                answers.yield(client)
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.failed, "containerd cannot be run", cause: error)
        }
    }

    /// From now on pods may run: whatever happens, containerd stays.
    func keep() { isKept.withLock { $0 = true } }

    /// The start came to nothing: what it has begun ends, unless it is kept.
    func undo() async {
        guard !isKept.withLock({ $0 }) else { return }
        do {
            try await containerd.undo()
        } catch {
            log.warning("the containerd of a start that failed may still run: \(error)")
        }
    }
}
