import APIMachinery

/// What the containers of a pod request together, as the scheduler counts it (KEP-753): the containers and sidecars
/// that run side by side, or an init container with the sidecars before it, whichever is more.
struct ContainerRequests {
    private(set) var amounts: [String: Quantity] = [:]

    init(of spec: Value) {
        for container in spec["containers"].items { Self.add(container, to: &amounts) }
        var sidecars: [String: Quantity] = [:]
        var most: [String: Quantity] = [:]
        for container in spec["initContainers"].items {
            let isSidecar = container["restartPolicy"].text == "Always"
            if isSidecar {
                Self.add(container, to: &sidecars)
                Self.add(container, to: &amounts)
            }
            // Of nothing else is more taken than before.
            for (name, amount) in container["resources"]["requests"].entries {
                guard let amount = Optional(amount).quantity else { continue }
                let before = sidecars[name]
                let present = isSidecar ? before ?? amount : before.map { $0 + amount } ?? amount
                most[name] = max(most[name] ?? present, present)
            }
        }
        Self.raise(&amounts, to: most)
    }

    private static func add(_ container: Value, to amounts: inout [String: Quantity]) {
        for (name, amount) in container["resources"]["requests"].entries {
            guard let amount = Optional(amount).quantity else { continue }
            amounts[name] = amounts[name].map { $0 + amount } ?? amount
        }
    }

    private static func raise(_ amounts: inout [String: Quantity], to others: [String: Quantity]) {
        amounts.merge(others) { max($0, $1) }
    }
}
