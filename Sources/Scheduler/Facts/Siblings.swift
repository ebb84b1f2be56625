import APIMachinery

/// Which pods belong together though they do not say so: by the services that pick them, and by their controller.
final class Siblings {
    /// The selector of a controller, by what a pod says of it; `nil` when there is none.
    private let selectorOfOwner: (ObjectName, OwnerFacts) -> LabelSelector?
    private var services: [String: [String: Fields]] = [:]
    /// By uid. Selectors of controllers do not change.
    private var owners: [String: LabelSelector] = [:]
    private static let limit = 4096

    init(selectorOfOwner: @escaping (ObjectName, OwnerFacts) -> LabelSelector? = { _, _ in nil }) {
        self.selectorOfOwner = selectorOfOwner
    }

    /// Takes a service's selector; `nil` when it is gone or picks nothing.
    func setService(_ name: ObjectName, _ selector: Fields?) {
        services[name.namespace, default: [:]][name.name] = selector
        if services[name.namespace]?.isEmpty == true { services[name.namespace] = nil }
    }

    /// Picks a pod and its siblings; `nil` when nothing binds it to others.
    func selector(of pod: PodFacts) -> LabelSelector? {
        var labels = Fields()
        for (_, selector) in (services[pod.name.namespace] ?? [:]).sorted(by: { $0.key < $1.key })
        where selector.allSatisfy({ pod.labels[$0.key] == $0.value }) {
            for (key, value) in selector { labels[key] = value }
        }
        var requirements = labels.compactMap { key, value in
            try? LabelRequirement(key, .equals, [value.string ?? ""])
        }
        if let owner = pod.owner { requirements += self.owner(owner, of: pod)?.requirements ?? [] }
        return requirements.isEmpty ? nil : LabelSelector(requirements)
    }

    private func owner(_ owner: OwnerFacts, of pod: PodFacts) -> LabelSelector? {
        if let known = owners[owner.uid] { return known }
        guard ["ReplicationController", "ReplicaSet", "StatefulSet"].contains(owner.kind) else { return nil }
        guard let selector = selectorOfOwner(ObjectName(namespace: pod.name.namespace, name: owner.name), owner)
        else { return nil }
        if owners.count >= Self.limit { owners = [:] }
        owners[owner.uid] = selector
        return selector
    }
}
