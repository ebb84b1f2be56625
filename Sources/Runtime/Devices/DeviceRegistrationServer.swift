public import Support
public import Wire

/// Where device plug-ins register: the service `v1beta1.Registration` on a Unix socket.
public struct DeviceRegistrationServer: Sendable {
    private let register: @Sendable (DeviceAPI.RegisterRequest) async throws(GRPCStatus) -> Void

    /// What `register` throws is what the plug-in is told.
    public init(_ register: @escaping @Sendable (DeviceAPI.RegisterRequest) async throws(GRPCStatus) -> Void)
    {
        self.register = register
    }

    /// Serves at `path` until cancelled. `ready` is called when plug-ins can register.
    public func run(at path: String, ready: @Sendable () -> Void = {}) async throws(Fault) {
        let register = register
        let server = GRPCServer([
            "/v1beta1.Registration/Register": .unary { message in
                let request: DeviceAPI.RegisterRequest
                do { request = try DeviceAPI.RegisterRequest(protobuf: message) } catch {
                    throw GRPCStatus(.internal, "the request cannot be read")
                }
                try await register(request)
                return []
            }
        ])
        try await server.run(at: path, ready: ready)
    }
}
