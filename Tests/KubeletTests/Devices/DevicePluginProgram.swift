import Host
import Support
import Synchronization
import Wire

@testable import Runtime

/// A device plug-in on a real socket. Its devices are what the test says, and what it is asked is remembered.
final class DevicePluginProgram: Sendable {
    struct State {
        var devices: [DeviceAPI.Device] = []
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextListener = 0
        /// `METHOD IDS`
        var calls: [String] = []
        var options = DeviceAPI.DevicePluginOptions()
        var refusal: GRPCStatus?
    }

    let resource: String
    private let state = Mutex(State())

    init(_ resource: String, _ devices: [DeviceAPI.Device]) {
        self.resource = resource
        state.withLock { $0.devices = devices }
    }

    /// Nobody follows its list.
    var hasNoListeners: Bool { state.withLock { $0.listeners.isEmpty } }
    var calls: [String] { state.withLock { $0.calls } }
    func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }

    /// Serves on a socket and registers by `registration` while `body` runs.
    func run(
        at socket: String, registering registration: String?,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let begun = Bell()
        try await withThrowingTaskGroup { group in
            group.addTask { try await GRPCServer(self.methods).run(at: socket) { begun.ring() } }
            group.addTask {
                await begun.wait()
                if let registration { try await self.register(registration, endpoint: Path.name(of: socket)) }
                try await body()
            }
            try await group.next()
            group.cancelAll()
        }
        try? Files.remove(socket)
    }

    func register(_ registration: String, endpoint: String, version: String = "v1beta1") async throws {
        var request = DeviceAPI.RegisterRequest()
        (request.version, request.endpoint, request.resourceName) = (version, endpoint, resource)
        _ = try await GRPCClient(.unix(registration)).unary(
            "/v1beta1.Registration/Register", request.protobuf, timeout: .seconds(20))
    }

    private var methods: [String: GRPCMethod] {
        var methods: [String: GRPCMethod] = [:]
        methods["/v1beta1.DevicePlugin/GetDevicePluginOptions"] = .unary { _ in
            self.state.withLock { $0.options }.protobuf
        }
        methods["/v1beta1.DevicePlugin/ListAndWatch"] = .stream { _, answer in
            let (news, input) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let number = self.state.withLock { state in
                state.nextListener += 1
                state.listeners[state.nextListener] = input
                return state.nextListener
            }
            defer { self.state.withLock { $0.listeners[number] = nil } }
            input.yield()
            for await _ in news {
                var list = DeviceAPI.ListAndWatchResponse()
                list.devices = self.state.withLock { $0.devices }
                try await answer.write(list.protobuf)
            }
        }
        methods["/v1beta1.DevicePlugin/Allocate"] = .unary { message in
            let ids = try Items<DeviceAPI.DeviceIDs>(protobuf: message).items[0].ids
            if let refusal = self.note("Allocate", ids) { throw refusal }
            var answer = DeviceAPI.ContainerAllocateResponse()
            answer.envs = ["DEVICES": ids.joined(separator: ","), "LEVEL": "device"]
            answer.mounts = [DeviceAPI.Mount()]
            (answer.mounts[0].hostPath, answer.mounts[0].containerPath) = ("/opt/driver", "/driver")
            answer.mounts[0].readOnly = true
            answer.devices = ids.map { id in
                var file = DeviceAPI.DeviceSpec()
                (file.hostPath, file.containerPath, file.permissions) = ("/dev/" + id, "/dev/x-" + id, "rw")
                return file
            }
            answer.annotations = ["example.com/devices": ids.joined(separator: ",")]
            answer.cdiDevices = [CRI.CDIDevice()]
            answer.cdiDevices[0].name = "example.com/dev=" + (ids.first ?? "")
            return Items(items: [answer]).protobuf
        }
        methods["/v1beta1.DevicePlugin/GetPreferredAllocation"] = .unary { message in
            let request = try Items<DeviceAPI.ContainerPreferredAllocationRequest>(protobuf: message).items[0]
            if let refusal = self.note("Prefer", request.availableDeviceIDs) { throw refusal }
            // The last ones.
            let ids = request.availableDeviceIDs.suffix(Int(request.allocationSize))
            return Items(items: [DeviceAPI.DeviceIDs(Array(ids))]).protobuf
        }
        methods["/v1beta1.DevicePlugin/PreStartContainer"] = .unary { message in
            if let refusal = self.note("PreStart", try DeviceAPI.DeviceIDs(protobuf: message).ids) {
                throw refusal
            }
            return []
        }
        return methods
    }

    private func note(_ method: String, _ ids: [String]) -> GRPCStatus? {
        state.withLock { state in
            state.calls.append(([method] + ids).joined(separator: " "))
            return state.refusal
        }
    }
}
