import Host
import Runtime
import Support
import Synchronization
import Wire

@testable import Kubelet

/// A storage driver that only remembers what it was asked, and fails when it is told to.
final class ScriptedDriver: CSINodeService {
    struct State {
        var info = CSI.NodeInfo()
        var capabilities: Set<CSI.NodeCapability> = []
        /// `METHOD VOLUME`, in order; refused calls too.
        var calls: [String] = []
        /// The next answers of a method, by its name.
        var failures: [String: [GRPCStatus]] = [:]
        var staged: [CSI.NodeStageVolumeRequest] = []
        var published: [CSI.NodePublishVolumeRequest] = []
        var expanded: [CSI.NodeExpandVolumeRequest] = []
        var stats = CSI.NodeGetVolumeStatsResponse()
        var isClosed = false
        /// It says that it took away what it did not.
        var leaves = false
    }

    private let state = Mutex(State())

    init(_ capabilities: Set<CSI.NodeCapability> = [], nodeID: String = "node-1-id") {
        state.withLock { state in
            state.capabilities = capabilities
            state.info.nodeID = nodeID
        }
    }

    func read<Result: Sendable>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
    var calls: [String] { read(\.calls) }

    /// The next call of the method fails.
    func fail(_ method: String, _ code: GRPCStatus.Code = .internal, _ message: String = "boom") {
        change { $0.failures[method, default: []].append(GRPCStatus(code, message)) }
    }

    private func call(_ method: String, _ volume: String) throws(Fault) {
        let failure = state.withLock { state in
            state.calls.append(volume.isEmpty ? method : "\(method) \(volume)")
            guard let next = state.failures[method]?.first else { return GRPCStatus?.none }
            state.failures[method]?.removeFirst()
            return next
        }
        if let failure { throw Fault("refused", failure) }
    }

    func info() async throws(Fault) -> CSI.NodeInfo {
        try call("info", "")
        return read(\.info)
    }

    func capabilities() async throws(Fault) -> Set<CSI.NodeCapability> { read(\.capabilities) }

    func stage(_ request: CSI.NodeStageVolumeRequest) async throws(Fault) {
        try call("stage", request.volumeID)
        change { $0.staged.append(request) }
    }

    func unstage(_ volumeID: String, stagingPath: String) async throws(Fault) { try call("unstage", volumeID) }

    func publish(_ request: CSI.NodePublishVolumeRequest) async throws(Fault) {
        try call("publish", request.volumeID)
        change { $0.published.append(request) }
        // As the interface has it: the driver makes what it publishes.
        guard request.volumeCapability?.block == nil else {
            if !Files.exists(request.targetPath) { try Files.append([], to: request.targetPath) }
            return
        }
        if !Files.exists(request.targetPath) { try Files.makeDirectory(request.targetPath) }
    }

    func unpublish(_ volumeID: String, targetPath: String) async throws(Fault) {
        try call("unpublish", volumeID)
        if Files.exists(targetPath), !read(\.leaves) { try Files.remove(targetPath) }
    }

    func expand(_ request: CSI.NodeExpandVolumeRequest) async throws(Fault) -> Int64 {
        try call("expand", request.volumeID)
        change { $0.expanded.append(request) }
        return request.capacityRange?.requiredBytes ?? 0
    }

    func stats(_ request: CSI.NodeGetVolumeStatsRequest) async throws(Fault) -> CSI.NodeGetVolumeStatsResponse {
        try call("stats", request.volumeID)
        return read(\.stats)
    }

    func close() { change { $0.isClosed = true } }
}
