import API
import APIMachinery
import Support

extension DaemonSetDecision {
    /// The pods of one node during a rolling update, those that are being deleted left out.
    private struct Pair {
        var node: String
        var new: Pod?
        var old: Pod?
        /// There are more than one of either; they are dealt with elsewhere.
        var isCrowded = false
    }

    /// One step of a rolling update: old pods that go, or nodes that get a new one beside the old.
    var rollout: Changes {
        let limits = set.limits(nodes: verdicts.values.count { $0 == .run })
        return limits.surge == 0 ? replacements(limits.unavailable) : surges(limits.surge)
    }

    /// Old pods that are not available go at no cost, the others as far as the limit allows.
    private func replacements(_ mostUnavailable: Int) -> Changes {
        var spare = mostUnavailable
        var (broken, candidates): ([Pod], [Pod]) = ([], [])
        for pair in pairs {
            switch (pair.new, pair.old) {
            case (nil, let old?) where !pair.isCrowded:
                if isAvailable(old) { candidates.append(old) } else { broken.append(old) }
            case (let new?, nil) where !pair.isCrowded: spare -= isAvailable(new) ? 0 : 1
            default: spare -= 1
            }
        }
        var changes = Changes()
        changes.delete(broken)
        changes.delete(candidates.prefix(max(0, spare)))
        return changes
    }

    /// Nodes whose old pod is not available get a new one at no cost, the others as far as the limit allows; an old one
    /// goes when the new one beside it is available.
    private func surges(_ mostSurging: Int) -> Changes {
        var spare = mostSurging
        var (broken, candidates): ([String], [String]) = ([], [])
        var (done, astray): ([Pod], [Pod]) = ([], [])
        for pair in pairs {
            if pair.isCrowded {
                spare -= 1
                continue
            }
            guard let old = pair.old else { continue }
            if let new = pair.new {
                if isAvailable(new) { done.append(old) } else { spare -= 1 }
                continue
            }
            switch verdicts[pair.node] {
            case .run?: if isAvailable(old) { candidates.append(pair.node) } else { broken.append(pair.node) }
            // Where none may be made the old one stays as long as it is needed.
            case .stay?: astray.append(old)
            case .leave?, nil: break
            }
        }
        let surplus = pairs.count { ($0.old ?? $0.new).map(isAvailable) ?? false } - verdicts.values.count { $0 == .run }
        var changes = Changes(nodes: broken + candidates.prefix(max(0, spare)))
        changes.delete(done)
        changes.delete(astray.prefix(max(0, surplus)))
        return changes
    }

    /// In order of the nodes' names. Nodes that shall have a pod and have none are among them.
    private var pairs: [Pair] {
        nodes.filter { verdicts[$0.name] == .run || pods[$0.name] != nil }.map { node in
            let staying = (pods[node.name] ?? []).filter { $0.metadata.deletionTimestamp == nil }
            let (new, old) = (staying.filter(isPresent), staying.filter { !isPresent($0) })
            return Pair(node: node.name, new: new.first, old: old.first, isCrowded: new.count > 1 || old.count > 1)
        }
    }

    /// When something changes by mere passing of time: a pod becomes available, or may be tried again.
    var nextDeadline: Duration? {
        let minimum = set.spec.minReadySeconds
        let coming = pods.values.joined().filter(\.isActive).compactMap {
            $0.availableAt(minReadySeconds: minimum)
        }
        return (coming + pauses.values).filter { $0 > now }.min().map { $0 - now }
    }

    /// The status that the nodes and pods amount to: on each node the pod that will stay counts.
    var status: DaemonSetStatus {
        let wanted = nodes.filter { verdicts[$0.name] == .run }
        let first = wanted.compactMap { pods[$0.name]?.first }
        let ready = first.filter(\.isReady)
        let available = ready.count(where: isAvailable)
        var status = set.status
        status.assign(\.observedGeneration, set.metadata.generation)
        status.assign(\.desiredNumberScheduled, wanted.count)
        status.assign(\.currentNumberScheduled, first.count)
        status.assign(
            \.numberMisscheduled, nodes.count { verdicts[$0.name] != .run && pods[$0.name] != nil })
        status.assign(\.numberReady, ready.count)
        status.assign(\.numberAvailable, available)
        status.assign(\.numberUnavailable, wanted.count - available)
        status.assign(\.updatedNumberScheduled, first.count(where: isPresent))
        return status
    }
}
