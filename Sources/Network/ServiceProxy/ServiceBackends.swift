import API
import Support

/// The backends of one port of a service, out of its EndpointSlices.
struct ServiceBackends: Sendable {
    private struct Candidate: Hashable {
        var backend: Backend
        var isReady: Bool
        /// On its way out, but it still answers (KEP-1669).
        var isLastResort: Bool
    }

    private var candidates: [Candidate] = []

    init(
        of port: ServicePort, _ family: IPAddress.Family, in slices: [EndpointSlice], node: String
    ) {
        let transport = port.protocol.isEmpty ? "TCP" : port.protocol
        var found: [Backend: Candidate] = [:]
        for slice in slices where slice.addressType == family.rawValue {
            for target in slice.ports {
                guard target.name ?? "" == port.name, target.protocol ?? "TCP" == transport,
                    let number = target.port.flatMap(UInt16.init(exactly:)), number > 0
                else { continue }
                for endpoint in slice.endpoints {
                    guard let candidate = Self.candidate(endpoint, number, family, node) else { continue }
                    // A pod that moves between slices is in both for a moment.
                    if found[candidate.backend]?.isReady != true { found[candidate.backend] = candidate }
                }
            }
        }
        candidates = found.values.sorted { $0.backend < $1.backend }
    }

    /// Those that are ready; where there are none, those that still serve while they end.
    var all: [Backend] { Self.chosen(candidates) }

    /// The same on this node.
    var local: [Backend] { Self.chosen(candidates.filter(\.backend.isLocal)) }

    private static func chosen(_ candidates: [Candidate]) -> [Backend] {
        let ready = candidates.filter(\.isReady)
        return (ready.isEmpty ? candidates.filter(\.isLastResort) : ready).map(\.backend)
    }

    /// The addresses of one endpoint lead to the same pod: the first is enough (API, "EndpointSlice").
    private static func candidate(
        _ endpoint: Endpoint, _ port: UInt16, _ family: IPAddress.Family, _ node: String
    ) -> Candidate? {
        guard let address = endpoint.addresses.first.flatMap({ IPAddress($0) }), address.family == family
        else { return nil }
        let conditions = endpoint.conditions
        let isReady = conditions.ready ?? true
        let isLastResort = conditions.terminating ?? false && conditions.serving ?? isReady
        return Candidate(
            backend: Backend(address: address, port: port, isLocal: endpoint.nodeName == node),
            isReady: isReady, isLastResort: isLastResort)
    }
}
