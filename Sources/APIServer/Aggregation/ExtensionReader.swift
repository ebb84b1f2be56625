public import APIMachinery
import Client
import Wire

/// Reads what extension API servers serve, for parts of this process that know it by its path alone, such as the
/// metrics that autoscaling goes by.
public struct ExtensionReader: Sendable {
    let table: ExtensionTable
    let caller: ExtensionCaller
    let authorizer: any Authorizer
    let user: User
    /// Reads what this server has itself.
    let own: LocalClient

    /// The JSON document at a path, given as its steps. Whether the user may read it is decided here first, and by the
    /// other server as it likes. What no other server serves is listed from here. Fails with 404 when nobody serves it.
    public func read(
        _ steps: [String], _ query: [(name: String, value: String)] = []
    ) async throws(Status) -> Value {
        let path = "/" + steps.map { PercentEncoding.encode($0) }.joined(separator: "/")
        let info = RequestInfo(method: "GET", path: path, isWatch: false)
        try await authorize(info)
        guard let server = table.server(forPath: path) else { return try await list(info, query) }
        guard server.isAvailable else { throw Self.away }
        let pairs = query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        let target = path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        do throws(ExtensionCaller.Unavailable) {
            return try await caller.document(target, of: server, as: user)
        } catch {
            if error.code == 404 { throw Self.unknown }
            throw .serviceUnavailable(error.description)
        }
    }

    /// Fails unless the user may do what is asked.
    func authorize(_ info: RequestInfo) async throws(Status) {
        let access = AccessRequest(user: user, info)
        switch await authorizer.ask(access) {
        case .allow: return
        case .deny(let reason), .noOpinion(let reason): throw .forbidden(access, reason: reason)
        case .failed(let why, _): throw .undecided(access, why)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
    }

    private func list(_ info: RequestInfo, _ query: [(name: String, value: String)]) async throws(Status) -> Value {
        guard let resource = info.resource, info.name.isEmpty else { throw Self.unknown }
        let options = ListOptions(labelSelector: query.first { $0.name == "labelSelector" }?.value ?? "")
        let list = try await own.list(Target(resource, namespace: info.namespace), options)
        return ["items": .array(list.items.map(\.value))]
    }

    static let unknown = Status(
        code: 404, reason: .notFound, message: "the server could not find the requested resource")
    static let away = Status.serviceUnavailable("the server is currently unable to handle the request")
}
