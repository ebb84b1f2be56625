/// The memory that a resource of a container could lie at.
struct TopologyHint: Hashable, Sendable {
    /// `nil` for any.
    var affinity: NUMAMask?
    /// As few nodes as would do on an empty machine.
    var isPreferred: Bool

    /// There is no such place.
    static let impossible = [TopologyHint(affinity: nil, isPreferred: false)]
}

/// How closely what a container gets must lie together.
enum TopologyPolicy: String, Hashable, Sendable {
    case none
    case bestEffort = "best-effort"
    case restricted
    case singleNode = "single-numa-node"
}

/// Of what the parts must lie together.
enum TopologyScope: String, Hashable, Sendable { case container, pod }

/// Finds the memory at which all that a container asks for can lie, from what is possible for each resource.
///
/// Pure (Kubernetes documentation, "Control Topology Management Policies on a Node").
struct TopologyMerge: Sendable {
    var policy: TopologyPolicy
    /// From each node to each; their keys are the nodes.
    var distances: [Int: [Int: Int]]
    /// `prefer-closest-numa-nodes`
    var prefersClosest = false

    private var everywhere: NUMAMask { NUMAMask(distances.keys) }

    /// `hints` holds what is possible for each resource that has a preference. The answer is the best of it,
    /// and whether the policy takes it.
    func merge(_ hints: [[TopologyHint]]) -> (hint: TopologyHint, isAdmitted: Bool) {
        guard policy != .none else { return (TopologyHint(affinity: nil, isPreferred: false), true) }
        guard policy == .singleNode else {
            let best = best(hints)
            return (best, policy == .bestEffort || best.isPreferred)
        }
        let single = hints.map {
            $0.filter { $0.isPreferred && ($0.affinity == nil || $0.affinity?.count == 1) }
        }
        var best = best(single)
        if best.affinity == everywhere { best.affinity = nil }
        return (best, best.isPreferred)
    }

    private struct Candidate: Hashable {
        var merged: NUMAMask
        var isPreferred = true
        /// All must lie at the same place in order to be preferred.
        var first: NUMAMask?
    }

    /// Every choice of one hint for each resource, in order; equal ones once, for there are many.
    private func best(_ hints: [[TopologyHint]]) -> TopologyHint {
        var candidates = [Candidate(merged: everywhere)]
        for list in hints {
            var (next, seen) = ([Candidate](), Set<Candidate>())
            for candidate in candidates {
                for hint in list {
                    var merged = candidate
                    merged.isPreferred = merged.isPreferred && hint.isPreferred
                    if let affinity = hint.affinity {
                        merged.merged = merged.merged.intersection(affinity)
                        merged.isPreferred = merged.isPreferred && affinity == merged.first ?? affinity
                        merged.first = merged.first ?? affinity
                    }
                    if seen.insert(merged).inserted { next.append(merged) }
                }
            }
            candidates = next
        }
        let wanted = hints.compactMap { $0.compactMap(\.affinity).map(\.count).min() }.max() ?? 0
        var best: Candidate?
        for candidate in candidates where !candidate.merged.isEmpty {
            guard let present = best else {
                best = candidate
                continue
            }
            if isBetter(candidate, than: present, wanted) { best = candidate }
        }
        guard let best else { return TopologyHint(affinity: everywhere, isPreferred: false) }
        return TopologyHint(affinity: best.merged, isPreferred: best.isPreferred)
    }

    /// Of two that are not preferred the one whose size is closer to what the largest resource needs, and not
    /// above.
    private func isBetter(_ candidate: Candidate, than present: Candidate, _ wanted: Int) -> Bool {
        if candidate.isPreferred != present.isPreferred { return candidate.isPreferred }
        let (new, old) = (candidate.merged.count, present.merged.count)
        guard !candidate.isPreferred, old <= wanted else {
            return isFitter(candidate.merged, than: present.merged)
        }
        if old == wanted { return new == wanted && isFitter(candidate.merged, than: present.merged) }
        if new > wanted { return false }
        return new == old ? isFitter(candidate.merged, than: present.merged) : new > old
    }

    private func isFitter(_ candidate: NUMAMask, than present: NUMAMask) -> Bool {
        guard candidate != present else { return false }
        if prefersClosest, policy != .singleNode, candidate.count == present.count {
            let (new, old) = (distance(candidate), distance(present))
            if new != old { return new < old }
        }
        return candidate.isNarrower(than: present)
    }

    /// The mean between the nodes, each to itself included.
    private func distance(_ mask: NUMAMask) -> Double {
        let nodes = mask.nodes
        let sum = nodes.reduce(0) { sum, one in sum + nodes.reduce(0) { $0 + (distances[one]?[$1] ?? 10) } }
        return Double(sum) / Double(max(nodes.count * nodes.count, 1))
    }
}
