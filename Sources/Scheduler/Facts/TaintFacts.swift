import APIMachinery

/// A node's taint, read once: comparing it is what each decision does for each node.
struct TaintFacts: Hashable, Sendable {
    enum Effect: Hashable, Sendable {
        case noSchedule, preferNoSchedule, noExecute, unknown

        init(_ text: String?) {
            switch text {
            case "NoSchedule": self = .noSchedule
            case "PreferNoSchedule": self = .preferNoSchedule
            case "NoExecute": self = .noExecute
            default: self = .unknown
            }
        }
    }

    var key: String
    var value: String
    var effect: Effect

    init(_ taint: Value) {
        key = taint["key"]?.string ?? ""
        value = taint["value"]?.string ?? ""
        effect = Effect(taint["effect"]?.string)
    }

    init(key: String, value: String = "", effect: Effect) {
        (self.key, self.value, self.effect) = (key, value, effect)
    }

    /// Whether it keeps pods away that do not tolerate it, and does not merely ask them to stay away.
    var isHard: Bool { effect == .noSchedule || effect == .noExecute }

    /// What the node controller puts on a cordoned node, beside the field.
    static let unschedulable = TaintFacts(key: "node.kubernetes.io/unschedulable", effect: .noSchedule)
}

/// A pod's toleration (API, "Toleration"): an empty key with `Exists` covers all keys, an absent effect all effects.
struct TolerationFacts: Hashable, Sendable {
    var key: String
    var value: String
    var exists: Bool
    /// `nil` for all.
    var effect: TaintFacts.Effect?

    init(_ toleration: Value) {
        key = toleration["key"]?.string ?? ""
        value = toleration["value"]?.string ?? ""
        exists = toleration["operator"]?.string == "Exists"
        let effect = toleration["effect"]?.string ?? ""
        self.effect = effect.isEmpty ? nil : TaintFacts.Effect(effect)
    }

    func tolerates(_ taint: TaintFacts) -> Bool {
        if let effect, effect != taint.effect { return false }
        guard key == taint.key || (key.isEmpty && exists) else { return false }
        return exists || value == taint.value
    }
}
