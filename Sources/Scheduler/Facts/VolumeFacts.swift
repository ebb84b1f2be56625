import API
import APIMachinery

/// What is known of the claims that a pod mounts.
struct VolumeFacts: Sendable {
    enum Claim: Sendable {
        case missing
        case deleting
        /// Bound to a volume that only these nodes reach; `nil` for every node.
        case bound(nodes: NodeSelector?)
        /// Its class waits for the first consumer: the scheduler's choice of node decides.
        case waitsForConsumer
        /// Not bound, and nothing that the scheduler does will change that.
        case unbound
    }

    var claims: [(name: String, claim: Claim)] = []

    /// The message that Kubernetes gives for what no node can mend.
    var refusal: String? {
        for (name, claim) in claims {
            switch claim {
            case .missing: return "persistentvolumeclaim \"\(name)\" not found"
            case .deleting: return "persistentvolumeclaim \"\(name)\" is being deleted"
            case .unbound: return "pod has unbound immediate PersistentVolumeClaims"
            case .bound, .waitsForConsumer: continue
            }
        }
        return nil
    }

    var waitingClaims: [String] {
        claims.compactMap { name, claim in
            if case .waitsForConsumer = claim { name } else { nil }
        }
    }
}
