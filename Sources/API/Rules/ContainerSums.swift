import APIMachinery

/// What the containers of a pod request, or may use at most, together, as the scheduler counts it (KEP-753): the
/// containers and sidecars that run side by side, or an init container with the sidecars before it, whichever is more.
struct ContainerSums {
    private(set) var amounts: [String: Quantity] = [:]
    /// `requests` or `limits`.
    private let list: String

    init(of list: String, in spec: Value) {
        self.list = list
        for container in spec["containers"].items { add(container, to: &amounts) }
        var sidecars: [String: Quantity] = [:]
        var most: [String: Quantity] = [:]
        for container in spec["initContainers"].items {
            let isSidecar = container["restartPolicy"].text == "Always"
            if isSidecar {
                add(container, to: &sidecars)
                add(container, to: &amounts)
            }
            // Of nothing else is more taken than before.
            for (name, amount) in container["resources"][list].entries {
                guard let amount = Optional(amount).quantity else { continue }
                let before = sidecars[name]
                let present = isSidecar ? before ?? amount : before.map { $0 + amount } ?? amount
                most[name] = max(most[name] ?? present, present)
            }
        }
        amounts.merge(most) { max($0, $1) }
    }

    private func add(_ container: Value, to amounts: inout [String: Quantity]) {
        for (name, amount) in container["resources"][list].entries {
            guard let amount = Optional(amount).quantity else { continue }
            amounts[name] = amounts[name].map { $0 + amount } ?? amount
        }
    }
}
