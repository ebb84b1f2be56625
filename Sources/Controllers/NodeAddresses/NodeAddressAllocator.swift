import API
public import APIMachinery
import Client
import Support
import Synchronization

/// Gives each node its block of the pods' addresses, one of each range.
///
/// A node that came with a block keeps it. A block is free again when its node is deleted.
public struct NodeAddressAllocator: Controller {
    public let name = "node-ipam-controller"
    private let ranges: [PodRange]

    /// - Parameter ranges: One, or one of each family.
    public init(_ ranges: [PodRange]) { self.ranges = ranges }

    public func run(_ context: ControllerContext) async throws(Status) {
        let nodes = try await context.client.observe(Node.self)
        let blocks = AddressBlocks(ranges)
        let loop = ReconcileLoop<ObjectName>(context)
        let changed = ReconcileLoop<ObjectName>.Source(nodes) { change in
            let waiting = blocks.take(change)
            guard change.new != nil else { return waiting }
            return [change.name] + waiting
        }
        await loop.run([changed]) { name throws(Status) in
            try await Self.reconcile(name, nodes, blocks, context)
            return nil
        }
    }

    private static func reconcile(
        _ name: ObjectName, _ nodes: any ObjectSet, _ blocks: AddressBlocks, _ context: ControllerContext
    ) async throws(Status) {
        guard let node = nodes.get(Node.self, name), node.metadata.deletionTimestamp == nil,
            AddressBlocks.prefixes(of: node).isEmpty
        else { return }
        guard let given = blocks.allocate(name) else {
            let message = "Node \(name.name) status is now: CIDRNotAvailable"
            context.record(.normal, "CIDRNotAvailable", message, about: node)
            return
        }
        let texts = given.map(\.description)
        do throws(Status) {
            let spec: Value = ["podCIDR": .string(texts[0]), "podCIDRs": Value(texts)]
            let metadata: Value = [
                "uid": .string(node.metadata.uid), "resourceVersion": .string(node.metadata.resourceVersion),
            ]
            try await context.client.patch(Node.self, name, .merge(["metadata": metadata, "spec": spec]))
        } catch {
            blocks.reset(name, nodes.get(Node.self, name))
            throw error
        }
    }
}

/// The ledgers of all ranges, and the nodes that wait for a block.
private final class AddressBlocks: Sendable {
    private struct State {
        var ledgers: [PodRangeLedger]
        var waiting: Set<ObjectName> = []

        mutating func set(_ node: String, _ prefixes: [IPPrefix]) -> Bool {
            var isFreed = false
            for index in ledgers.indices where ledgers[index].set(node, prefixes) { isFreed = true }
            return isFreed
        }
    }

    private let state: Mutex<State>

    init(_ ranges: [PodRange]) { state = Mutex(State(ledgers: ranges.map { PodRangeLedger($0) })) }

    static func prefixes(of node: Node) -> [IPPrefix] {
        let texts = node.spec.podCIDRs.isEmpty ? [node.spec.podCIDR] : node.spec.podCIDRs
        return texts.compactMap { IPPrefix($0) }
    }

    /// Takes in what became of a node. Returns those that waited, when a block became free.
    func take(_ change: ObjectChange) -> [ObjectName] {
        let prefixes = change.new.map { Self.prefixes(of: Node($0)) } ?? []
        return state.withLock { state in
            if change.new == nil { state.waiting.remove(change.name) }
            // What was given and is not written yet stays given.
            guard change.new == nil || !prefixes.isEmpty, state.set(change.name.name, prefixes) else { return [] }
            defer { state.waiting = [] }
            return Array(state.waiting)
        }
    }

    /// A block of each range; `nil` when one has none left.
    func allocate(_ name: ObjectName) -> [IPPrefix]? {
        state.withLock { state in
            var given: [IPPrefix] = []
            for index in state.ledgers.indices {
                if let block = state.ledgers[index].allocate(name.name) { given.append(block) }
            }
            guard given.count == state.ledgers.count, !given.isEmpty else {
                _ = state.set(name.name, [])
                state.waiting.insert(name)
                return nil
            }
            return given
        }
    }

    /// The node has what it says, and nothing else.
    func reset(_ name: ObjectName, _ node: Node?) {
        state.withLock { _ = $0.set(name.name, node.map(Self.prefixes) ?? []) }
    }
}
