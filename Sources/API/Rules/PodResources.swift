public import APIMachinery

/// What a pod asks for, and what it may use at most, all its containers together (KEP-753 for sidecars, KEP-2837 for
/// amounts of the pod itself).
public enum PodResources {
    /// Amounts by the name of the resource: `cpu`, `memory`, `example.com/gpu`.
    public typealias Amounts = [String: Quantity]

    /// What must not be taken twice: containers one after the other take the most of any, those beside each other the
    /// sum.
    public struct Options: Hashable, Sendable {
        /// Adds what the runtime class costs.
        public var countsOverhead = true
        /// Counts what a resized pod still holds, by its status (KEP-1287).
        public var heedsStatus = false

        public init(countsOverhead: Bool = true, heedsStatus: Bool = false) {
            self.countsOverhead = countsOverhead
            self.heedsStatus = heedsStatus
        }
    }

    public static func requests(of pod: Value, _ options: Options = Options()) -> Amounts {
        var total = containers(of: pod, "requests", options)
        for (name, amount) in own(of: pod, "requests", options) { total[name] = amount }
        if options.countsOverhead { total.add(Amounts(pod.at("spec", "overhead"))) }
        return total
    }

    public static func limits(of pod: Value, _ options: Options = Options()) -> Amounts {
        var total = containers(of: pod, "limits", options)
        for (name, amount) in own(of: pod, "limits", options) { total[name] = amount }
        guard options.countsOverhead else { return total }
        // What has no limit does not get one from the overhead.
        for (name, amount) in Amounts(pod.at("spec", "overhead")) where total[name]?.isZero == false {
            total[name]? += amount
        }
        return total
    }

    /// Resources that may be given to the pod as a whole.
    private static func ofPod(_ pod: Value, _ list: String) -> Amounts {
        Amounts(pod.at("spec", "resources", list)).filter { name, _ in
            name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
        }
    }

    /// Those of the pod as a whole. While they are being changed they count for the most of what the pod has and shall have
    /// (KEP-5419), of which its status tells with the overhead.
    private static func own(of pod: Value, _ list: String, _ options: Options) -> Amounts {
        var own = ofPod(pod, list)
        guard options.heedsStatus, !own.isEmpty else { return own }
        var told = Amounts(pod.at("status", "resources", list))
        if list == "requests" { told.raise(to: Amounts(pod.at("status", "allocatedResources"))) }
        for (name, amount) in Amounts(pod.at("spec", "overhead")) where told[name] != nil { told[name]? -= amount }
        own.raise(to: told.filter { own[$0.key] != nil })
        return own
    }

    private static func containers(of pod: Value, _ list: String, _ options: Options) -> Amounts {
        var running = Amounts()
        for container in pod.at("spec", "containers")?.array ?? [] {
            running.add(amounts(of: container, list, pod, "containerStatuses", options))
        }
        var (sidecars, starting) = (Amounts(), Amounts())
        for container in pod.at("spec", "initContainers")?.array ?? [] {
            let own = amounts(of: container, list, pod, "initContainerStatuses", options)
            let isSidecar = container["restartPolicy"]?.string == "Always"
            if isSidecar {
                running.add(own)
                sidecars.add(own)
            }
            // Of nothing else is more taken than before.
            for (name, amount) in own {
                let before = sidecars[name]
                let present = isSidecar ? before ?? amount : before.map { amount + $0 } ?? amount
                starting.raise(to: [name: present])
            }
        }
        running.raise(to: starting)
        return running
    }

    /// What one container counts for. One that is being resized counts for the most of what it has and shall have.
    private static func amounts(
        of container: Value, _ list: String, _ pod: Value, _ statuses: String, _ options: Options
    ) -> Amounts {
        var own = Amounts(container.at("resources", list))
        guard options.heedsStatus, let name = container["name"],
            let status = pod.at("status", statuses)?.array?.first(where: { $0["name"] == name })
        else { return own }
        own.raise(to: Amounts(status.at("resources", list)))
        if list == "requests" { own.raise(to: Amounts(status["allocatedResources"])) }
        return own
    }
}

extension [String: Quantity] {
    /// Reads a `ResourceList`; what is no quantity is left out.
    public init(_ list: APIMachinery.Value?) {
        self.init()
        for (name, amount) in list?.fields ?? Fields() {
            if let quantity = try? Quantity(json: amount) { self[name] = quantity }
        }
    }

    public mutating func add(_ others: [String: Quantity]) {
        for (name, amount) in others { self[name, default: .zero] += amount }
    }

    public mutating func subtract(_ others: [String: Quantity]) {
        for (name, amount) in others { self[name, default: .zero] -= amount }
    }

    /// Takes the greater of both for each name.
    public mutating func raise(to others: [String: Quantity]) {
        for (name, amount) in others {
            if let present = self[name], present >= amount { continue }
            self[name] = amount
        }
    }
}
