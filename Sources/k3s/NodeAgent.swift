import API
import APIMachinery
import APIServer
import Client
import Host
import Kubelet
import Logging
import Network
import PKI
import Runtime
import Supervisor
import Support
import Wire

/// The node's part of a server: the kubelet with its API, the service proxy and the cluster's DNS.
struct NodeAgent {
    let configuration: ServerConfiguration
    let identity: ServerIdentity
    let api: APIServer
    let credentials: ServerCredentials
    let log: Logger
    /// Is called when somebody has set the clock.
    let clockWasSet: @Sendable () -> Void

    private var name: String { identity.name }

    /// What must be the node's before anything of it is begun.
    struct Ports {
        /// Of the node's API.
        let api: HeldPort
        /// Of the cluster's DNS, where it is wanted.
        let dns: DNSEntrance?

        /// Fails with `conflict` when another program has one of them.
        init(_ configuration: ServerConfiguration, log: Logger) async throws(Fault) {
            api = try await HeldPort(configuration.ownBindAddress, configuration.node.kubelet.port, log: log)
            guard configuration.isDNSWanted else {
                dns = nil
                return
            }
            do throws(Fault) {
                dns = try await DNSEntrance([DNSAddress(configuration.clusterDNS, port: 53)])
            } catch where error.code == .conflict {
                throw Fault(
                    .conflict, error.summary,
                    remedy: "stop the program that listens there (ss -lntup shows it)")
            }
        }
    }

    /// Runs until the task is cancelled; the node's API and the cluster's DNS answer on `ports`. `ready` is called
    /// when the node is Ready in the API.
    func run(
        on clients: NodeRuntime.Clients, _ ports: Ports, ready: @escaping @Sendable () -> Void
    ) async throws(Fault) {
        let (runtime, images) = (clients.runtime, clients.images)
        let client = api.client(as: .node(name))
        let events = EventRecorder(client, component: "kubelet", host: name)
        let resolver = try resolverFile()
        var options = try kubeletOptions(resolver)
        // What the runtime does goes before what anybody says (KEP 4033).
        if let driver = try await runtime.cgroupDriver() {
            options.cgroupDriver = driver == .systemd ? .systemd : .cgroupfs
        }
        let kubelet = Kubelet(
            options, client: client, runtime: runtime, images: images, events: events, log: log)
        let nodeAPI = try NodeAPI(
            nodeName: name, pods: kubelet.directory, volumes: kubelet.volumeUsages, figures: kubelet,
            runtime: runtime, client: client,
            configuration: options.configurationJSON, flags: options.flags, version: options.version,
            layout: options.layout, handlers: options.handlers,
            clientAuthorities: credentials[Authority.client].chain, log: log)
        let serving = credentials[.nodeKubeletServing]
        ports.api.open(
            to: nodeAPI, as: try TLSIdentity(certificatePEM: serving.certificatePEM, keyPEM: serving.keyPEM))
        log.info("serving the node's API on \(ports.api.address)")
        var parts: [Parts.Part] = [
            { await ports.api.server.run() },
            { await events.run() },
            { try await kubelet.run(ready: ready, clockWasSet: clockWasSet) },
        ]
        if configuration.parts.hasServiceProxy { parts.append { try await serviceProxy.run() } }
        if let entrance = ports.dns {
            // Before any pod asks.
            try ClusterDNS.claim([configuration.clusterDNS])
            let service = DNSService(client: api.client(), addresses: [configuration.clusterDNS], log: log)
            let dns = clusterDNS(resolver)
            parts += [{ try await dns.run(at: entrance) }, { try await service.run() }]
        }
        try await Parts.untilFirstEnds(parts)
        await ports.api.server.stop(within: .seconds(1))
    }

    // MARK: The kubelet

    private func kubeletOptions(_ resolver: String) throws(Fault) -> KubeletOptions {
        let node = configuration.node
        var options = KubeletOptions(
            nodeName: name, internalAddresses: identity.addresses, version: Program.version,
            layout: KubeletLayout(root: node.kubelet.rootDirectory))
        options.externalAddresses = node.externalAddresses
        let hasCloud = configuration.parts.hasCloudController
        options.labels = hasCloud ? node.labels.merging(Self.serverLabels) { asked, _ in asked } : node.labels
        options.annotations = annotations
        options.taints = node.taints.map { wanted in
            var taint = Taint()
            taint.key = wanted.key
            taint.valueText = wanted.value
            taint.effect = wanted.effect
            return taint
        }
        options.clusterDNS = [configuration.clusterDNS.description]
        options.clusterDomain = configuration.clusterDomain
        options.resolvConf = resolver
        options.podCIDRs = [identity.podCIDR.description]
        options.port = node.kubelet.port
        options.cgroupRoot = node.kubelet.cgroupRoot
        // A runtime of somebody else does as its own configuration says.
        if node.runtime.endpoint == nil { options.cgroupDriver = ServerConfiguration.suitedCgroupDriver }
        options.maxPods = node.kubelet.maxPods
        options.staticPods = Path.join(configuration.dataDirectory, "agent/pod-manifests")
        try options.configure(
            credentialProviders.merging(node.kubelet.others) { $1 }, folder: configuration.kubeletConfigurations)
        try KernelSettings().prepare(isProtected: options.protectsKernel, log: log)
        if hasCloud { options.providerID = "k3s://" + name }
        return options
    }

    /// The kubelet's arguments about plug-ins for credentials, where there are any.
    private var credentialProviders: [String: String] {
        let paths = configuration.node.credentialProviders
        let arguments = paths.arguments
        if arguments.isEmpty, paths.isAsked {
            log.warning("no plug-in gives credentials for images: \(paths.folder) or \(paths.file) is not there")
        }
        return arguments
    }

    /// What k3s' cloud controller says about a node (facts: "Labels and annotations"). Its role, the server tells.
    private static let serverLabels = [
        "node.kubernetes.io/instance-type": "k3s", "beta.kubernetes.io/instance-type": "k3s",
    ]

    private var annotations: [String: String] {
        let addresses = identity.addresses.map(\.description).joined(separator: ",")
        var annotations = [
            "k3s.io/hostname": name, "k3s.io/internal-ip": addresses,
            "alpha.kubernetes.io/provided-node-ip": addresses,
        ]
        let external = configuration.node.externalAddresses
        if !external.isEmpty {
            annotations["k3s.io/external-ip"] = external.map(\.description).joined(separator: ",")
        }
        return annotations
    }

    /// Whose name servers answer what the cluster does not know, to its DNS and to pods with the host's names.
    private func resolverFile() throws(Fault) -> String {
        try ResolverFile.choose(
            asked: configuration.node.resolvConf,
            below: Path.join(configuration.dataDirectory, "agent/etc"))
    }

    // MARK: The network

    private var serviceProxy: ServiceProxy {
        let arguments = configuration.node.kubeProxy
        let pods = arguments.podRanges.isEmpty ? [configuration.clusterCIDR] : arguments.podRanges
        var options = ServiceProxyOptions(nodeName: name, podCIDRs: pods)
        options.nodePortRanges = arguments.nodePortRanges
        if arguments.isNodePortPrimary {
            options.nodePortRanges = identity.addresses.compactMap { IPPrefix($0, length: $0.family.bitCount) }
        }
        if configuration.isDNSWanted { options.ownClusterIPs = [configuration.clusterDNS] }
        let user = User(name: "system:kube-proxy", groups: [User.authenticatedGroup])
        return ServiceProxy(client: api.client(as: user), options: options, log: log)
    }

    private func clusterDNS(_ resolver: String) -> ClusterDNS {
        var options = ClusterDNSOptions(
            domain: ClusterDomain(configuration.clusterDomain),
            addresses: [DNSAddress(configuration.clusterDNS, port: 53)])
        options.upstream = .file(resolver)
        let user = User.serviceAccount(namespace: "kube-system", name: "coredns")
        return ClusterDNS(client: api.client(as: user), options: options, log: log)
    }
}

extension ServerConfiguration {
    /// `--disable=coredns`: somebody brings their own.
    fileprivate var isDNSWanted: Bool { !disabled.contains("coredns") }
}
