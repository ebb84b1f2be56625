/// Nodes that have what the pod's claims would rather have are better, where claims name alternatives (KEP-4816).
struct DynamicResourcesScorer: NodeScorer {
    /// So many alternatives a request may have (`FirstAvailableDeviceRequestMaxSize`).
    private static let mostAlternatives = 8

    private let devices: PodDevices

    init?(_ devices: PodDevices) {
        guard devices.needs.contains(where: { $0.requests.contains { $0.ways.count > 1 } }) else { return nil }
        self.devices = devices
    }

    func scores(of nodes: [NodeFacts]) -> [Int] {
        var scores = nodes.map(score)
        scores.normalize()
        return scores
    }

    private func score(_ node: NodeFacts) -> Int {
        let picks = devices.picks(on: node) ?? []
        return devices.needs.enumerated().reduce(0) { sum, entry in
            let names = Set(picks.filter { $0.claim == entry.offset }.map(\.way.name))
            let ranks = entry.element.requests.compactMap { request in
                request.ways.firstIndex { names.contains($0.name) && $0.name != request.name }
            }
            return sum + ranks.reduce(0) { $0 + Self.mostAlternatives - $1 }
        }
    }
}
