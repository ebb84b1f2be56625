import APIMachinery
import Wire

/// What it means that a backend was asked to switch protocols and did not. Pure.
enum UpgradeRefusal {
    /// What the client is answered in place of the backend's answer; `nil` when that is passed on, as whatever says that
    /// something is wrong is. A redirection is not: a client that follows it would take its credentials elsewhere.
    static func replacement(_ status: HTTPStatus) -> Status? {
        guard status.code < 400 else { return nil }
        return Status(code: 500, reason: .unknown, message: "invalid upgrade response: status code \(status.code)")
    }
}
