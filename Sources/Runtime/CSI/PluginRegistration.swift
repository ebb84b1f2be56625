public import Support
import Wire

/// What a plug-in says of itself on the socket by which it registers (`pluginregistration.PluginInfo`).
public struct PluginInfo: ProtobufMessage, Hashable {
    /// `CSIPlugin`, `DevicePlugin`, `DRAPlugin`.
    public var type = ""
    public var name = ""
    /// Where the plug-in itself listens; empty for the socket by which it registers.
    public var endpoint = ""
    public var supportedVersions: [String] = []

    public init() {}

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &type)
        fields.string(2, &name)
        fields.string(3, &endpoint)
        fields.strings(4, &supportedVersions)
    }
}

/// Who registers a plug-in: it is asked for what, and told what came of it.
public protocol PluginRegistrar: Sendable {
    func info() async throws(Fault) -> PluginInfo
    /// `error` is `nil` when the plug-in is registered.
    func notify(error: String?) async throws(Fault)
}

/// A registrar behind a Unix socket: the service `pluginregistration.Registration`.
public struct PluginRegistrarClient: PluginRegistrar {
    /// Who listens answers at once.
    private static let limit = Duration.seconds(10)

    private let grpc: GRPCClient

    /// Does not connect yet; the connection ends with the last copy. `socket` is a path.
    public init(socket: String) { grpc = GRPCClient(.unix(socket)) }

    public func info() async throws(Fault) -> PluginInfo {
        try await call("GetInfo", EmptyMessage(), "cannot ask the plug-in what it is")
    }

    public func notify(error: String?) async throws(Fault) {
        let status = RegistrationStatus(isRegistered: error == nil, error: error ?? "")
        let _: EmptyMessage = try await call(
            "NotifyRegistrationStatus", status, "cannot tell the plug-in whether it is registered")
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        // The package has no version in its name.
        try await grpc.call("/pluginregistration.Registration/" + method, request, timeout: Self.limit, summary())
    }
}

struct RegistrationStatus: ProtobufMessage {
    var isRegistered = false
    var error = ""

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.bool(1, &isRegistered)
        fields.string(2, &error)
    }
}
