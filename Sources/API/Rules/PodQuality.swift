public import APIMachinery

/// How well a pod is kept when its node runs short: `Guaranteed`, `Burstable` or `BestEffort` (Kubernetes
/// documentation, "Pod Quality of Service Classes").
public enum PodQuality {
    private static let counted = ["cpu", "memory"]

    /// Best-effort when neither processor nor memory is asked for; guaranteed when every container limits both and
    /// requests just that. Resources of the pod as a whole stand for those of its containers (KEP-2837). A request that
    /// is left out is the limit.
    public static func of(spec: Value) -> String {
        let lists = ["containers", "initContainers"].flatMap { spec[$0]?.array ?? [] }
        let whole = Amounts(spec["resources"])
        let all = whole.saysSomething ? [whole] : lists.map { Amounts($0["resources"]) }
        guard all.contains(where: \.asksForAnything) else { return "BestEffort" }
        return all.allSatisfy(\.requestsItsLimits) ? "Guaranteed" : "Burstable"
    }

    /// What one container, or the pod, says of resources.
    private struct Amounts {
        let requests, limits: [String: Quantity]

        init(_ resources: Value?) {
            requests = [String: Quantity](resources?["requests"])
            limits = [String: Quantity](resources?["limits"])
        }

        /// Of what may be given to a pod as a whole.
        var saysSomething: Bool {
            [requests, limits].contains { $0.keys.contains { ComputeResource($0).isForPods } }
        }

        var asksForAnything: Bool {
            counted.contains { requests[$0]?.isPositive ?? false || limits[$0]?.isPositive ?? false }
        }

        var requestsItsLimits: Bool {
            counted.allSatisfy { name in
                guard let limit = limits[name], limit.isPositive else { return false }
                return (requests[name] ?? limit) == limit
            }
        }
    }
}

extension Quantity {
    fileprivate var isPositive: Bool { sign > 0 }
}
