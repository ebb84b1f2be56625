import PKI
import Support
import Wire

extension Document {
    /// The answer to a client that may have the document already, by its ``tag`` (RFC 9110, section 13.1.2).
    ///
    /// kubectl and client libraries keep discovery and OpenAPI on disk, and ask whether it still holds.
    func answer(to request: HTTPRequest) -> Document { answer(known: request.headers["If-None-Match"]) }

    /// `known` is the request's `If-None-Match`.
    func answer(known: String?) -> Document {
        guard let tag else { return self }
        let quoted = "\"\(tag)\""
        var answer = self
        answer.tag = nil
        answer.headers.append(("ETag", quoted))
        // The same path has several forms.
        answer.headers.append(("Vary", "Accept"))
        guard status == .ok, Self.names(known, quoted) else { return answer }
        answer.status = .notModified
        answer.bytes = []
        answer.recipe = nil
        return answer
    }

    /// A tag that is made of the bytes themselves.
    static func tag(of bytes: [UInt8]) -> String { Hex.encode(Digest.sha256(bytes)).uppercased() }

    private static func names(_ known: String?, _ quoted: String) -> Bool {
        HTTPFieldValue.list(known ?? "").contains { item in
            // Compared weakly: a proxy that compressed the document has marked the tag so.
            item == "*" || (item.hasPrefix("W/") ? String(item.dropFirst(2)) : item) == quoted
        }
    }
}
