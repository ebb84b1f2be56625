import Host
import Support
import Synchronization
import Wire

@testable import Runtime

/// A driver for the devices of claims on a real socket, at which it registers as well. What it is asked is
/// remembered.
final class DeviceDriverProgram: Sendable {
    struct State {
        /// What claims get, by the names of the claims.
        var devices: [String: [ClaimAPI.Device]] = [:]
        /// Why claims get nothing, or are not taken back.
        var errors: [String: String] = [:]
        var refusal: GRPCStatus?
        /// Claims that it says nothing of.
        var silent: Set<String> = []
        /// `METHOD CLAIMS`
        var calls: [String] = []
        var health: [ClaimAPI.DeviceHealth]?
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextListener = 0
        var verdicts: [String] = []
    }

    let name: String
    private let service: String
    private let state = Mutex(State())
    private let told = Bell()

    init(_ name: String, service: String = "v1.DRAPlugin") {
        self.name = name
        self.service = service
    }

    var calls: [String] { state.withLock { $0.calls } }
    /// What it was told about its registration; empty text for success.
    var verdicts: [String] { state.withLock { $0.verdicts } }

    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }

    /// Gives a claim a device of this name, known to the runtime by the same.
    func give(_ claim: String, _ device: String, for requests: [String] = []) {
        var own = ClaimAPI.Device()
        (own.poolName, own.deviceName, own.requestNames) = ("pool", device, requests)
        own.cdiDeviceIDs = ["example.com/dev=" + device]
        change { $0.devices[claim, default: []].append(own) }
    }

    func report(
        _ health: ClaimAPI.DeviceHealth.State, of device: String, _ message: String = "", seconds: Int64 = 0
    ) {
        var report = ClaimAPI.DeviceHealth()
        (report.device.poolName, report.device.deviceName) = ("pool", device)
        (report.health, report.message, report.timeout) = (health, message, seconds)
        change { $0.health = [report] }
    }

    /// Serves in the kubelet's folder for plug-ins while `body` runs, which begins when it is registered.
    func run(in folder: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let socket = Path.join(folder, name + "-reg.sock")
        while !Files.exists(folder) { try await Task.sleep(for: .milliseconds(5)) }
        try await withThrowingTaskGroup { group in
            group.addTask { try await GRPCServer(self.methods).run(at: socket) }
            group.addTask {
                await self.told.wait()
                try await body()
            }
            try await group.next()
            group.cancelAll()
        }
        try? Files.remove(socket)
    }

    private var methods: [String: GRPCMethod] {
        var methods: [String: GRPCMethod] = [:]
        let own = "/k8s.io.kubelet.pkg.apis.dra.\(service)/"
        methods["/pluginregistration.Registration/GetInfo"] = .unary { _ in
            var info = PluginInfo()
            (info.type, info.name, info.supportedVersions) = ("DRAPlugin", self.name, [self.service])
            return info.protobuf
        }
        methods["/pluginregistration.Registration/NotifyRegistrationStatus"] = .unary { message in
            let status = try RegistrationStatus(protobuf: message)
            self.state.withLock { $0.verdicts.append(status.error) }
            self.told.ring()
            return []
        }
        methods[own + "NodePrepareResources"] = .unary { message in
            let claims = try self.note("prepare", message)
            var answer = AnswersByClaim<ClaimAPI.PreparedClaim>()
            answer.entries = self.state.withLock { state in
                claims.filter { !state.silent.contains($0.name) }.map { claim in
                    var own = ClaimAPI.PreparedClaim()
                    own.devices = state.devices[claim.name] ?? []
                    own.error = state.errors[claim.name] ?? ""
                    return AnswersByClaim<ClaimAPI.PreparedClaim>.Entry(uid: claim.uid, answer: own)
                }
            }
            return answer.protobuf
        }
        methods[own + "NodeUnprepareResources"] = .unary { message in
            let claims = try self.note("unprepare", message)
            var answer = AnswersByClaim<ClaimAPI.UnpreparedClaim>()
            answer.entries = self.state.withLock { state in
                claims.filter { !state.silent.contains($0.name) }.map { claim in
                    var own = ClaimAPI.UnpreparedClaim()
                    own.error = state.errors[claim.name] ?? ""
                    return AnswersByClaim<ClaimAPI.UnpreparedClaim>.Entry(uid: claim.uid, answer: own)
                }
            }
            return answer.protobuf
        }
        methods["/v1alpha1.DRAResourceHealth/NodeWatchResources"] = .stream { _, answer in
            guard self.state.withLock({ $0.health }) != nil else {
                throw GRPCStatus(.unimplemented, "not told")
            }
            let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let number = self.state.withLock { state in
                state.nextListener += 1
                state.listeners[state.nextListener] = input
                return state.nextListener
            }
            defer { self.state.withLock { $0.listeners[number] = nil } }
            input.yield()
            for await _ in news {
                let list = Items(items: self.state.withLock { $0.health } ?? [])
                try await answer.write(list.protobuf)
            }
        }
        return methods
    }

    private func note(_ method: String, _ message: [UInt8]) throws -> [ClaimAPI.Claim] {
        let claims = try Items<ClaimAPI.Claim>(protobuf: message).items
        let refusal = state.withLock { state in
            state.calls.append(
                ([method] + claims.map { "\($0.namespace)/\($0.name)=\($0.uid)" }).joined(separator: " "))
            return state.refusal
        }
        if let refusal { throw refusal }
        return claims
    }
}
