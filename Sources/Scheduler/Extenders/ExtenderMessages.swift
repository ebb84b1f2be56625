import APIMachinery
import Support

/// What is said to extenders and how their answers are read (`k8s.io/kube-scheduler/extender/v1`). Names of fields are
/// read in any case, as Go does.
enum ExtenderMessages {
    /// `ExtenderArgs`: the pod, and the nodes, or their names for those who know them.
    static func question(_ pod: Value, _ nodes: [String], objects: [Value]?) -> [UInt8] {
        var question: Value = ["Pod": pod]
        if let objects {
            question["Nodes"] = ["metadata": [:], "items": .array(objects)]
        } else {
            question["NodeNames"] = Value(nodes)
        }
        return question.json
    }

    /// What an extender leaves of the nodes (`ExtenderFilterResult`).
    struct Filtered {
        var nodes: Set<String>
        /// Why not, by node; and whether that would stand if pods left.
        var refused: [String: (reason: String, isFinal: Bool)]
    }

    static func filtered(_ answer: [UInt8]) throws(Fault) -> Filtered {
        let value = try parsed(answer)
        if let error = field(value, "error")?.string, !error.isEmpty {
            throw Fault(.failed, "the extender could not filter: \(error)")
        }
        var result = Filtered(nodes: [], refused: [:])
        if let names = field(value, "nodenames")?.array {
            result.nodes = Set(names.compactMap(\.string))
        } else if let items = field(value, "nodes")?["items"]?.array {
            result.nodes = Set(items.compactMap { $0.at("metadata", "name")?.string })
        }
        for (key, isFinal) in [("failednodes", false), ("failedandunresolvablenodes", true)] {
            for (node, reason) in field(value, key)?.fields ?? Fields() {
                result.refused[node] = (reason.string ?? "", isFinal)
            }
        }
        return result
    }

    /// The scores that it gives, from 0 to 10 (`HostPriorityList`).
    static func priorities(_ answer: [UInt8]) throws(Fault) -> [String: Int] {
        guard let list = try parsed(answer).array else { throw Fault(.failed, "the extender's scores are no list") }
        var scores: [String: Int] = [:]
        for entry in list {
            guard let host = field(entry, "host")?.string, let score = field(entry, "score")?.integer else { continue }
            scores[host] = Int(min(max(score, 0), 10))
        }
        return scores
    }

    /// `ExtenderPreemptionArgs`: the pod, and of each node the pods that would go, or their uids for those who know them.
    static func preemption(
        _ pod: Value, _ candidates: [Preemption.Candidate], objects: ((PodFacts) -> Value?)?
    ) -> [UInt8] {
        var nodes = Fields()
        for candidate in candidates {
            let pods = candidate.victims.compactMap { victim in
                guard let objects else { return ["UID": .string(victim.uid)] as Value }
                return objects(victim)
            }
            nodes[candidate.node.name] = [
                "Pods": .array(pods), "NumPDBViolations": .integer(Int64(candidate.violations)),
            ]
        }
        let key = objects == nil ? "NodeNameToMetaVictims" : "NodeNameToVictims"
        return (["Pod": pod, key: .object(nodes)] as Value).json
    }

    /// Who would go from a node, by the word of an extender (`MetaVictims`).
    struct Victims: Hashable {
        var uids: [String]
        var violations: Int
    }

    /// `ExtenderPreemptionResult`, in order of the nodes' names.
    static func victims(_ answer: [UInt8]) throws(Fault) -> [(node: String, victims: Victims)] {
        var found: [(node: String, victims: Victims)] = []
        for (node, victims) in field(try parsed(answer), "nodenametometavictims")?.fields ?? Fields() {
            let pods = field(victims, "pods")?.array ?? []
            let violations = field(victims, "numpdbviolations")?.integer ?? 0
            found.append(
                (
                    node,
                    Victims(
                        uids: pods.compactMap { field($0, "uid")?.string }, violations: Int(Int32(clamping: violations)))
                ))
        }
        return found.sorted { $0.node < $1.node }
    }

    /// `ExtenderBindingArgs`.
    static func binding(_ pod: PodFacts, to node: String) -> [UInt8] {
        let binding: Value = [
            "PodName": .string(pod.name.name), "PodNamespace": .string(pod.name.namespace),
            "PodUID": .string(pod.uid), "Node": .string(node),
        ]
        return binding.json
    }

    /// `ExtenderBindingResult`.
    static func checkBound(_ answer: [UInt8]) throws(Fault) {
        if let error = field(try parsed(answer), "error")?.string, !error.isEmpty {
            throw Fault(.failed, "the extender could not bind: \(error)")
        }
    }

    private static func parsed(_ answer: [UInt8]) throws(Fault) -> Value {
        do throws(JSONError) {
            return try Value(json: answer)
        } catch {
            throw Fault(.failed, "the extender's answer is no JSON: \(error)")
        }
    }

    private static func field(_ value: Value, _ name: String) -> Value? {
        value.fields?.first { $0.key.lowercased() == name }?.value
    }
}
