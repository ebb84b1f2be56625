import Runtime
import Support

/// A plug-in that said what it is, and where it can be reached.
struct RegisteredPlugin: Hashable, Sendable {
    var info: PluginInfo
    /// The socket by which it registers, in the folder that is watched.
    var socket: String

    var name: String { info.name }
    /// The socket on which the plug-in itself listens.
    var endpoint: String { info.endpoint.isEmpty ? socket : info.endpoint }
}

/// Who has use for plug-ins of one type.
protocol PluginHandler: Sendable {
    /// Takes the plug-in into use. One of the same name takes the place of the one before. The fault's summary is what
    /// the plug-in is told.
    func register(_ plugin: RegisteredPlugin) async throws(Fault)

    /// The plug-in's socket is gone. Nothing to do if another has taken its name since.
    func deregister(_ plugin: RegisteredPlugin) async throws(Fault)
}
