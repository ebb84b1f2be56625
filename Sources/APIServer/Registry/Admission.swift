import APIMachinery

/// A rule between authorisation and the log: it may complete an object, or refuse it.
///
/// Plug-ins run in Kubernetes' order (facts: `admission.order`): first everybody's ``admit(_:_:over:)``, then, after the
/// object was validated, everybody's ``validate(_:_:over:)``.
protocol AdmissionPlugin: Sendable {
    /// Changes the object that is to be written; `current` is the version it replaces.
    func admit(_ object: inout Value, _ request: WriteRequest, over current: Value?) async throws(Status)

    /// Refuses, or lets pass. `object` is `nil` for a deletion.
    func validate(_ object: Value?, _ request: WriteRequest, over current: Value?) async throws(Status)
}

extension AdmissionPlugin {
    func admit(_ object: inout Value, _ request: WriteRequest, over current: Value?) async throws(Status) {}
    func validate(_ object: Value?, _ request: WriteRequest, over current: Value?) async throws(Status) {}
}

/// All plug-ins, in order.
struct AdmissionChain: Sendable {
    var plugins: [any AdmissionPlugin] = []

    func admit(_ object: inout Value, _ request: WriteRequest, over current: Value?) async throws(Status) {
        for plugin in plugins { try await plugin.admit(&object, request, over: current) }
    }

    func validate(_ object: Value?, _ request: WriteRequest, over current: Value?) async throws(Status) {
        for plugin in plugins { try await plugin.validate(object, request, over: current) }
    }
}
