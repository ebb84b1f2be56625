import API
import APIMachinery

/// What is known of the claims that a pod uses.
struct VolumeFacts: Sendable {
    enum Claim: Sendable {
        case missing
        /// Not there yet; it is made for this pod alone.
        case toBeMade
        case deleting
        /// Bound to a volume that is gone.
        case lost(volume: String)
        /// Bound to a volume that only these nodes reach; `nil` for every node.
        case bound(nodes: NodeSelector?)
        /// A volume is kept for it, and will be bound to it soon.
        case reserved(nodes: NodeSelector?)
        /// Its class waits for the first consumer: the scheduler's choice of node decides.
        case waitsForConsumer(Options)
        /// Not bound, and nothing that the scheduler does will change that.
        case unbound
    }

    /// From what a claim that waits for its consumer may be served.
    struct Options: Sendable {
        /// Free volumes that suit it, the best first, and the nodes that reach each.
        var volumes: [(name: String, nodes: NodeSelector?)] = []
        /// Whether somebody makes volumes of its class, and for which nodes; `nil` for every node.
        var isProvisioned = false
        var provisionedNodes: NodeSelector?
        /// The node for which one is being made already.
        var selectedNode: String?
        /// Where there is how much room for one, and how much is asked for; `nil` when its driver does not say
        /// (KEP-1472).
        var room: Room?

        struct Room: Sendable {
            var wanted: Int64
            var places: [(nodes: LabelSelector, largest: Int64)]

            func isEnough(on node: NodeFacts) -> Bool {
                places.contains { $0.largest >= wanted && $0.nodes.matches(node.labels) }
            }
        }
    }

    /// How a claim shall be served on the chosen node.
    enum Choice: Hashable, Sendable {
        case volume(String)
        case provision
    }

    /// Why the waiting claims cannot be served on a node.
    enum Lack: Error {
        case volume
        case room
    }

    var claims: [(name: String, claim: Claim)] = []
    /// Of the volumes that it has: the labels that their nodes must have, each with one of these values.
    var zones: [(key: String, values: Set<String>)] = []
    /// The claims that one pod at a time may use (`ReadWriteOncePod`).
    var exclusive: [ObjectName] = []
    /// What it would attach, by driver; and who knows what nodes have.
    var attachments: [VolumeAttachmentFacts] = []
    var knowledge: (any VolumeKnowledge)?

    /// The message that Kubernetes gives for what no node can mend.
    private var complaint: String? {
        for (name, claim) in claims {
            let claimed = "persistentvolumeclaim \(GoText.quoted(name))"
            switch claim {
            case .missing: return "\(claimed) not found"
            case .toBeMade: return "waiting for ephemeral volume controller to create the \(claimed)"
            case .deleting: return "\(claimed) is being deleted"
            case .lost(let volume):
                return "\(claimed) bound to non-existent persistentvolume \(GoText.quoted(volume))"
            case .unbound: return "pod has unbound immediate PersistentVolumeClaims"
            case .bound, .reserved, .waitsForConsumer: continue
            }
        }
        return nil
    }

    /// What no node can mend.
    var refusal: Refusal? { complaint.map { Refusal(.volumeBinding, isFinal: true, $0) } }

    /// Whether every claim has its volume, so that the pod can start where it is placed.
    var isComplete: Bool {
        claims.allSatisfy { entry in
            if case .bound = entry.claim { true } else { false }
        }
    }

    /// Whether the node reaches the volumes that the pod's claims have.
    func isReached(from node: NodeFacts) -> Bool {
        claims.allSatisfy { entry in
            switch entry.claim {
            case .bound(let nodes?), .reserved(let nodes?):
                nodes.matches(labels: node.labels, name: node.name)
            default: true
            }
        }
    }

    /// How each claim that waits can be served on this node; fails when one cannot. No volume is given to two
    /// claims.
    func choices(on node: NodeFacts) throws(Lack) -> [(claim: String, choice: Choice)] {
        var taken: Set<String> = []
        var choices: [(claim: String, choice: Choice)] = []
        for case (let name, .waitsForConsumer(let options)) in claims {
            if let selected = options.selectedNode, selected != node.name { throw .volume }
            let volume = options.volumes.first { volume in
                !taken.contains(volume.name)
                    && (volume.nodes?.matches(labels: node.labels, name: node.name) ?? true)
            }
            if options.selectedNode == nil, let volume {
                taken.insert(volume.name)
                choices.append((name, .volume(volume.name)))
            } else if options.isProvisioned,
                options.provisionedNodes?.matches(labels: node.labels, name: node.name) ?? true
            {
                guard options.room?.isEnough(on: node) ?? true else { throw .room }
                choices.append((name, .provision))
            } else {
                throw .volume
            }
        }
        return choices
    }
}
