import PKI
import Support

/// The names and addresses by which parts of a server are reached.
struct ServerNames {
    let request: ServerCredentialsRequest

    private static let local = ["localhost", "127.0.0.1", "::1"].map { SubjectAlternativeName($0) }

    /// By which the API server is reached, from pods, nodes and outside; no name twice.
    var apiServer: [SubjectAlternativeName] {
        let service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        var names = service.map { SubjectAlternativeName($0) }
        names.append(.dns("kubernetes.default.svc." + request.clusterDomain))
        names += Self.local + [SubjectAlternativeName(request.nodeName)]
        let short = request.nodeName.prefix { $0 != "." }
        if IPAddress(request.nodeName) == nil { names.append(.dns(String(short))) }
        names += request.nodeAddresses.map(SubjectAlternativeName.ip)
        names += request.additionalNames.map { SubjectAlternativeName($0) }
        names += request.serviceAddresses.map(SubjectAlternativeName.ip)
        names += request.advertiseAddress.map { [.ip($0)] } ?? []
        return names.withoutRepetition
    }

    /// By which `leaf` is reached; none for a client.
    func names(_ leaf: Leaf) -> [SubjectAlternativeName] {
        switch leaf {
        case .apiServer, .etcdServer, .etcdPeer: apiServer
        case .controllerManagerServing, .schedulerServing: Self.local
        case .nodeKubeletServing:
            ([SubjectAlternativeName(request.nodeName)] + Self.local
                + request.nodeAddresses.map(SubjectAlternativeName.ip)).withoutRepetition
        default: []
        }
    }
}

extension Array where Element: Hashable {
    /// The elements in their order, each once.
    var withoutRepetition: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
