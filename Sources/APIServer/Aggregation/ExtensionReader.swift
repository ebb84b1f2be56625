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

    /// The JSON document at a path, given as its steps. Whether the user may read it is decided here first, and by the
    /// other server as it likes. Fails with 404 when nobody serves the group in this version.
    public func read(
        _ steps: [String], _ query: [(name: String, value: String)] = []
    ) async throws(Status) -> Value {
        let path = "/" + steps.map { PercentEncoding.encode($0) }.joined(separator: "/")
        let access = AccessRequest(user: user, RequestInfo(method: "GET", path: path, isWatch: false))
        switch await authorizer.ask(access) {
        case .allow: break
        case .deny(let reason), .noOpinion(let reason): throw .forbidden(access, reason: reason)
        case .failed(let why, _): throw .undecided(access, why)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
        guard let server = table.server(forPath: path) else { throw Self.unknown }
        guard server.isAvailable else { throw .serviceUnavailable("the server is currently unable to handle the request") }
        let pairs = query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
        let target = path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        do throws(ExtensionCaller.Unavailable) {
            return try await caller.document(target, of: server, as: user)
        } catch {
            if error.code == 404 { throw Self.unknown }
            throw .serviceUnavailable(error.description)
        }
    }

    private static let unknown = Status(
        code: 404, reason: .notFound, message: "the server could not find the requested resource")
}
