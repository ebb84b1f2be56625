import API
public import APIMachinery
import Client
import Synchronization

/// Tells nodes for how many seconds they may believe what they know of Secrets and ConfigMaps: the longer, the more nodes
/// ask.
public struct NodeTTL: Controller {
    public let name = "ttl-controller"
    static let annotation = "node.alpha.kubernetes.io/ttl"

    public init() {}

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(Node.self)
        let step = Mutex(NodeTTLStep())
        let loop = ReconcileLoop<ObjectName>(context)
        let changed = ReconcileLoop<ObjectName>.Source(nodes) { change in
            let hasMoved = step.withLock { $0.take(change) }
            guard hasMoved else { return change.new == nil ? [] : [change.name] }
            return step.withLock { $0.names }
        }
        await loop.run([changed]) { name throws(Status) in
            let wanted = String(step.withLock { $0.seconds })
            guard let node = nodes.get(Node.self, name), node.metadata.annotations[Self.annotation] != wanted else {
                return nil
            }
            let annotations: Value = [Self.annotation: .string(wanted)]
            try await context.client.patch(Node.self, name, .merge(["metadata": ["annotations": annotations]]))
            return nil
        }
    }
}

/// The step that the number of nodes stands on. Steps overlap, so that a node that comes and goes moves nothing.
struct NodeTTLStep: Sendable {
    private static let steps: [(least: Int, most: Int, seconds: Int)] = [
        (0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, .max, 300),
    ]

    private(set) var nodes: Set<ObjectName> = []
    private var index = 0

    var seconds: Int { Self.steps[index].seconds }
    var names: [ObjectName] { Array(nodes) }

    /// Returns whether the step is another now.
    mutating func take(_ change: ObjectChange) -> Bool {
        if change.new == nil { nodes.remove(change.name) } else { nodes.insert(change.name) }
        if nodes.count > Self.steps[index].most {
            index += 1
        } else if nodes.count < Self.steps[index].least {
            index -= 1
        } else {
            return false
        }
        return true
    }
}
