import API
import APIMachinery
public import Client
public import Host
public import Logging
public import Support
import Wire

/// The DNS of the cluster: answers for services, pods and nodes from the server's cache, and asks the host's
/// own name servers for the rest.
///
/// It needs no pod: each node can run one, under the one address that all pods ask.
public final class ClusterDNS: Sendable {
    private let client: any Client
    private let options: ClusterDNSOptions
    private let log: Logger

    public init(client: any Client, options: ClusterDNSOptions, log: Logger) {
        self.client = client
        self.options = options
        self.log = log
    }

    // ip address replace ADDRESS/32 dev lo
    /// Makes the host answer under these addresses, in this namespace or in that of the process. They stay
    /// when the process ends: nobody else has them, and pods that run ask again as soon as it is back.
    public static func claim(
        _ addresses: [Support.IPAddress], in namespace: NetworkNamespace? = nil
    ) throws(Fault) {
        let network = try NetworkStack(in: namespace)
        guard let loopback = try network.link(named: "lo") else {
            throw Fault(.notFound, "this host has no loopback interface")
        }
        for address in addresses {
            // Of no wider scope, or the host would speak to others under this address.
            try network.add(InterfaceAddress(IPPrefix(host: address), link: loopback.index, isGlobal: false))
        }
    }

    /// Answers at `entrance` until the task is cancelled, and closes it then. It begins when it knows all names
    /// that there are.
    public func run(at entrance: DNSEntrance) async throws(Fault) {
        let zone = try DNSZone(options.domain, servers: options.addresses.map(\.ip))
        let answers = QueryAnswers(zone)
        let sources = try await NameSources(client)
        sources.read(sources.inbox.take(), into: answers)
        entrance.open(to: answers)
        let addresses = entrance.addresses.map(\.description).joined(separator: ", ")
        log.info("answering DNS for \(options.domain.name) at \(addresses)")
        let forwarder = Forwarder(
            answers: answers, upstreams: Upstreams(options.upstream, own: options.addresses),
            patience: options.patience)
        await withDiscardingTaskGroup { group in
            group.addTask { await forwarder.run() }
            while let changed = await sources.inbox.next() { sources.read(changed, into: answers) }
        }
        await entrance.close()
    }
}

/// What the DNS observes.
private final class NameSources: Sendable {
    enum Key: Hashable {
        case service(ObjectName)
        case namespace(String)
        case node(String)
    }

    let inbox = ChangeInbox<Key>()
    private let services: any ObjectSet
    private let slices: any ObjectSet
    private let namespaces: any ObjectSet
    private let nodes: any ObjectSet
    private let index = SliceIndex()
    private let observations: [any Observation]

    init(_ client: any Client) async throws(Fault) {
        do throws(Status) {
            services = try await client.observe(Service.self)
            slices = try await client.observe(EndpointSlice.self)
            namespaces = try await client.observe(Namespace.self)
            nodes = try await client.observe(Node.self)
        } catch {
            throw Fault(.unavailable, "the DNS cannot observe the cluster", cause: error)
        }
        observations = [
            services.observe { [inbox] in inbox.add(.service($0.name)) },
            slices.observe { [inbox, index] change in
                for service in index.record(change) { inbox.add(.service(service)) }
            },
            namespaces.observe { [inbox] in inbox.add(.namespace($0.name.name)) },
            nodes.observe { [inbox] in inbox.add(.node($0.name.name)) },
        ]
    }

    deinit { for observation in observations { observation.cancel() } }

    /// Looks at what changed.
    func read(_ keys: Set<Key>, into answers: QueryAnswers) {
        for key in keys {
            switch key {
            case .service(let name):
                let names = names(ofService: name)
                answers.update { $0.set(names, of: name) }
            case .namespace(let name):
                let isThere = namespaces.get(ObjectName(name: name)) != nil
                answers.update { zone in
                    if isThere { zone.namespaces.insert(name) } else { zone.namespaces.remove(name) }
                }
            case .node(let name):
                let names = nodes.get(Node.self, ObjectName(name: name)).map { NodeNames($0) }
                answers.update { $0.set(names, ofNode: name) }
            }
        }
    }

    private func names(ofService name: ObjectName) -> ServiceNames? {
        guard let service = services.get(Service.self, name) else { return nil }
        // The endpoints of other services have no names.
        let isHeadless = service.spec.clusterIP == "None"
        return ServiceNames(service, isHeadless ? index.slices(of: name, in: slices) : [])
    }
}
