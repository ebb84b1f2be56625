import APIMachinery
import Support

extension Fault {
    /// An answer of the API as a fault: `summary` is what was tried, the API's own words are added to it.
    init(_ status: Status, _ summary: String) {
        let code: Code =
            switch status.code {
            case 404: .notFound
            case 401, 403: .denied
            case 409: .conflict
            case 410: .expired
            case 400, 422: .invalid
            case 408, 504: .timedOut
            case 429, 500...: .unavailable
            default: .failed
            }
        self.init(code, "\(summary): \(status.message)")
        cause = status
    }
}
