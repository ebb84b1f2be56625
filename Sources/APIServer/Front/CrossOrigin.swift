public import APIMachinery
import Wire

/// The pages of which other origins may use the API from a browser (`--cors-allowed-origins`; Fetch standard, "CORS
/// protocol"). Origins are told by regular expressions, of which one has to be found in the origin's text.
public struct CrossOrigin: Sendable {
    private let allowed: [RegularExpression]

    public init(_ patterns: [String]) throws(RegularExpressionError) {
        var allowed: [RegularExpression] = []
        for pattern in patterns { allowed.append(try RegularExpression(pattern)) }
        self.allowed = allowed
    }

    /// What answers to a page of the request's origin bear; `nil` for those that are not allowed, or come from no page.
    func decoration(of request: HTTPRequest) -> HTTPDecoration? {
        guard let origin = request.headers["Origin"], !origin.isEmpty, allowed.contains(where: { $0.matches(origin) })
        else { return nil }
        return HTTPDecoration(headers: [
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
            "Access-Control-Allow-Headers":
                "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, "
                + "If-Modified-Since",
            "Access-Control-Expose-Headers": "Date",
            "Access-Control-Allow-Credentials": "true",
        ])
    }
}
