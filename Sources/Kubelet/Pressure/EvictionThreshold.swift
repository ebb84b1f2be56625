import APIMachinery
import Support

/// Something that a node can run out of, under the names that Kubernetes' options have for it.
enum EvictionSignal: String, Hashable, Sendable, CaseIterable {
    case memory = "memory.available"
    /// What all pods together still get of what they are held to (``AllocatableEnforcement``).
    case podMemory = "allocatableMemory.available"
    case nodeDisk = "nodefs.available"
    case nodeInodes = "nodefs.inodesFree"
    case imageDisk = "imagefs.available"
    case imageInodes = "imagefs.inodesFree"
    case processes = "pid.available"

    /// As the message to the owner of a pod calls it.
    var resource: String {
        switch self {
        case .memory, .podMemory: "memory"
        case .nodeDisk, .imageDisk: "ephemeral-storage"
        case .nodeInodes, .imageInodes: "inodes"
        case .processes: "pids"
        }
    }

    /// Whether it is counted in bytes, and pods ask for it.
    var isRequested: Bool {
        switch self {
        case .memory, .podMemory, .nodeDisk, .imageDisk: true
        case .nodeInodes, .imageInodes, .processes: false
        }
    }

    var pressure: NodePressure {
        switch self {
        case .memory, .podMemory: .memory
        case .processes: .processes
        case .nodeDisk, .nodeInodes, .imageDisk, .imageInodes: .disk
        }
    }
}

/// A condition of the node that says that it runs short of something.
enum NodePressure: Hashable, Sendable, CaseIterable { case memory, disk, processes }

/// How much of something there is.
struct EvictionAmount: Hashable, Sendable {
    /// Bytes, inodes or processes.
    var available: Int64
    var capacity: Int64
}

/// Below which amount a node helps itself.
public struct EvictionThreshold: Hashable, Sendable {
    enum Quantity: Hashable, Sendable {
        case amount(Int64, text: String)
        /// Of the capacity, in thousandths of a percent.
        case part(Int64, text: String)

        func value(of capacity: Int64) -> Int64 {
            switch self {
            case .amount(let amount, _): amount
            case .part(let part, _): Int64(clamping: Int128(capacity) * Int128(part) / 100_000)
            }
        }

        /// The amount as people read it.
        func shown(of capacity: Int64) -> String {
            switch self {
            case .amount(let amount, let text):
                (try? APIMachinery.Quantity(text))?.canonical ?? "\(amount)"
            case .part: APIMachinery.Quantity(value(of: capacity), .binarySI).canonical
            }
        }

        /// `100Mi`, or `5%`.
        init?(_ text: String) {
            if text.hasSuffix("%") {
                guard let part = Double(text.dropLast()), part > 0, part <= 100 else { return nil }
                self = .part(Int64(part * 1000), text: text)
            } else {
                guard let amount = try? APIMachinery.Quantity(text), amount.value > 0 else { return nil }
                self = .amount(amount.value, text: text)
            }
        }
    }

    var signal: EvictionSignal
    var quantity: Quantity
    /// How long it must hold; `nil` for one that counts at once.
    var gracePeriod: Duration?
    /// Pressure that has begun ends with this much more.
    var reclaim: Quantity?

    /// What a node of k3s keeps free where nobody says otherwise.
    public static let defaults: [EvictionThreshold] = {
        let five = Quantity.part(5000, text: "5%")
        let ten = Quantity.part(10_000, text: "10%")
        return [
            EvictionThreshold(signal: .memory, quantity: .amount(100 << 20, text: "100Mi")),
            EvictionThreshold(signal: .nodeDisk, quantity: five, reclaim: ten),
            EvictionThreshold(signal: .imageDisk, quantity: five, reclaim: ten),
            EvictionThreshold(signal: .nodeInodes, quantity: five),
            EvictionThreshold(signal: .imageInodes, quantity: five),
        ]
    }()

    /// With those that hold for pods alone: where pods are held to their share, they must leave as much of it free as of
    /// the node's memory, or the kernel would end their processes while the node has room (Kubernetes documentation,
    /// "Node Allocatable").
    static func all(_ thresholds: [EvictionThreshold], _ enforcement: AllocatableEnforcement) -> [EvictionThreshold] {
        guard enforcement.shares.contains(.pods), !thresholds.contains(where: { $0.signal == .podMemory }) else {
            return thresholds
        }
        let own = thresholds.filter { $0.signal == .memory && $0.gracePeriod == nil }.map { threshold in
            var own = threshold
            own.signal = .podMemory
            return own
        }
        return thresholds + own
    }

    /// Whether there is too little; `hasBegun` when there was before.
    func isMet(by amount: EvictionAmount, hasBegun: Bool = false) -> Bool {
        var limit = Int128(quantity.value(of: amount.capacity))
        if hasBegun, let reclaim { limit += Int128(reclaim.value(of: amount.capacity)) }
        return Int128(amount.available) < limit
    }
}
