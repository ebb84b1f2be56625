import API
import APIMachinery
import Client
import Logging
import Runtime
import Support

/// Keeps the CSINode object and what the Node tells of storage drivers.
///
/// There is a CSINode as soon as there is a Node; when somebody deletes the Node, both are made again.
final class StorageNodeKeeper: Sendable {
    /// Others write the same objects: as often as that is tried anew.
    private static let attempts = 5

    private let client: any Client
    private let name: ObjectName
    private let drivers: CSIDrivers
    private let log: Logger
    private let queue = WorkQueue<String>(backOff: .init(first: .milliseconds(100), most: .seconds(30)))

    init(client: any Client, nodeName: String, drivers: CSIDrivers, log: Logger) {
        self.client = client
        name = ObjectName(name: nodeName)
        self.drivers = drivers
        self.log = log
    }

    /// Sees to it that every Node of this name has its CSINode, until cancelled. Run it once.
    func run() async {
        let queue = queue
        let observation = await observe { queue.add("") }
        defer { observation?.cancel() }
        await queue.run(workers: 1) { [log] (_: String, fault: Fault) in
            if !Task.isCancelled { log.warning("the CSINode is not kept: \(fault.summary)") }
        } _: { _ throws(Fault) in
            try await self.prepare()
            return nil
        }
    }

    /// `made` is called when a Node appears.
    private func observe(_ made: @escaping @Sendable () -> Void) async -> (any Observation)? {
        let scope = ObservationScope(fieldSelector: "metadata.name=\(name.name)")
        do throws(Status) {
            return try await client.observe(Node.self, scope).observe { change in
                if let new = change.new, change.old?.uid != new.uid { made() }
            }
        } catch {
            log.warning("cannot observe this node: \(error.message)")
            return nil
        }
    }

    private func prepare() async throws(Fault) {
        let node = try await node()
        _ = try await storageNode(of: node)
        for driver in drivers.all { try await install(driver.name, driver.info) }
    }

    /// The driver is on this node. Fails when the API does not take it, or the Node contradicts it.
    func install(_ driver: String, _ info: CSI.NodeInfo) async throws(Fault) {
        try await tryingAgain("error updating Node object with CSI driver node info") { () throws(Fault) in
            let node = try await self.node()
            guard let patch = try StorageNode.patch(node, adding: driver, info) else { return }
            try await self.patch(patch)
        }
        try await tryingAgain("error updating CSINode object with CSI driver node info") { () throws(Fault) in
            var object = try await self.storageNode(of: try await self.node())
            let present = object
            StorageNode.add(driver, info, to: &object)
            if object != present { try await self.update(object) }
        }
    }

    /// The driver is on this node no more.
    func uninstall(_ driver: String) async throws(Fault) {
        try await tryingAgain("error uninstalling CSI driver from CSINode object") { () throws(Fault) in
            guard var object = try await self.find(CSINode.self) else { return }
            let present = object
            StorageNode.remove(driver, from: &object)
            if object != present { try await self.update(object) }
        }
        try await tryingAgain("error removing CSI driver node info from Node object") { () throws(Fault) in
            guard let node = try await self.find(Node.self) else { return }
            if let patch = StorageNode.patch(node, removing: driver) { try await self.patch(patch) }
        }
    }

    // MARK: Requests

    /// Reads and writes once more where somebody else was first.
    private func tryingAgain(
        _ what: String, _ body: @Sendable () async throws(Fault) -> Void
    ) async throws(Fault) {
        for attempt in 1... {
            do throws(Fault) { return try await body() } catch {
                guard error.code == .conflict, attempt < Self.attempts else {
                    throw Fault(error.code, "\(what): \(error.summary)", cause: error.cause)
                }
            }
        }
    }

    private func node() async throws(Fault) -> Node {
        do throws(Status) { return try await client.get(Node.self, name) } catch {
            throw Fault(error, "cannot read the Node \(name.name)")
        }
    }

    /// The CSINode of the node, made if there is none. One of an earlier Node of the same name goes.
    private func storageNode(of node: Node) async throws(Fault) -> CSINode {
        do throws(Status) {
            if let found = try await client.find(CSINode.self, name) {
                let owners = found.metadata.ownerReferences
                if owners.isEmpty || owners.contains(where: { $0.uid == node.metadata.uid }) { return found }
                var options = DeletionOptions()
                options.preconditionUID = found.metadata.uid
                try await client.delete(CSINode.self, name, options)
            }
            return try await client.create(StorageNode.fresh(node, drivers.all.map { ($0.name, $0.info) }))
        } catch {
            throw Fault(error, "cannot make the CSINode \(name.name)")
        }
    }

    private func find<R: ResourceView>(_: R.Type) async throws(Fault) -> R? {
        do throws(Status) { return try await client.find(R.self, name) } catch {
            throw Fault(error, "cannot read the \(R.kind) \(name.name)")
        }
    }

    private func update(_ object: CSINode) async throws(Fault) {
        do throws(Status) { try await client.update(object) } catch {
            throw Fault(error, "cannot write the CSINode \(name.name)")
        }
    }

    private func patch(_ change: Value) async throws(Fault) {
        do throws(Status) { try await client.patch(Node.self, name, .merge(change)) } catch {
            throw Fault(error, "cannot write the Node \(name.name)")
        }
    }
}
