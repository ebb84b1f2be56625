import APIMachinery

/// How evenly the pods that a selector picks shall lie over the values of a node label (KEP-895).
struct SpreadConstraint: Hashable, Sendable {
    var topologyKey: String
    /// How many more a place may have than the one that has the fewest.
    var maxSkew: Int
    /// With fewer places than this, the fewest count as none.
    var minDomains: Int
    /// Whether a node that breaks it is out of the question, or merely worse.
    var isHard: Bool
    var selector: LabelSelector
    /// Whether only nodes count that the pod's node selector and affinity allow (KEP-3094).
    var honorsAffinity: Bool
    /// Whether only nodes count whose taints the pod tolerates.
    var honorsTaints: Bool

    init(_ constraint: Value, labels: Fields) {
        topologyKey = constraint["topologyKey"]?.string ?? ""
        maxSkew = Int(Int32(clamping: constraint["maxSkew"]?.integer ?? 1))
        minDomains = Int(Int32(clamping: constraint["minDomains"]?.integer ?? 1))
        isHard = constraint["whenUnsatisfiable"]?.string != "ScheduleAnyway"
        selector = Selectors.reading(constraint["labelSelector"])
            .adding(constraint["matchLabelKeys"], of: labels, .in)
        honorsAffinity = constraint["nodeAffinityPolicy"]?.string != "Ignore"
        honorsTaints = constraint["nodeTaintsPolicy"]?.string == "Honor"
    }

    /// A soft one of the scheduler's own.
    init(softly topologyKey: String, maxSkew: Int) {
        self.topologyKey = topologyKey
        self.maxSkew = maxSkew
        minDomains = 1
        isHard = false
        selector = .nothing
        honorsAffinity = true
        honorsTaints = false
    }

    /// What holds for pods that say nothing themselves, unless the configuration says otherwise.
    static let systemDefaults = [
        SpreadConstraint(softly: "kubernetes.io/hostname", maxSkew: 3),
        SpreadConstraint(softly: "topology.kubernetes.io/zone", maxSkew: 5),
    ]
}
