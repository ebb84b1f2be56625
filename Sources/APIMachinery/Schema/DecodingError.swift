/// Why a tree is not what a type demands, in the words of Go's decoder, which users of the API know.
public struct DecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Reason: Hashable {
        /// What JSON holds, and the Go type it cannot be.
        case mismatch(found: String, goType: String)
        /// The message of a type that reads itself.
        case message(String)
    }

    private let reason: Reason
    /// The Go struct that has the field.
    private var structure = ""
    private var path: [String] = []

    init(found: String, goType: String) { reason = .mismatch(found: found, goType: goType) }
    init(_ message: String) { reason = .message(message) }

    /// The error as seen from the object that has the field.
    func inside(_ field: String, of type: TypeSchema) -> DecodingError {
        var outer = self
        outer.path.insert(field, at: 0)
        if structure.isEmpty { outer.structure = String(type.name.split(separator: ".").last ?? "") }
        return outer
    }

    public var description: String {
        switch reason {
        case .message(let text): text
        case .mismatch(let found, let goType) where path.isEmpty:
            "json: cannot unmarshal \(found) into Go value of type \(goType)"
        case .mismatch(let found, let goType):
            "json: cannot unmarshal \(found) into Go struct field "
                + "\(structure).\(path.joined(separator: ".")) "
                + "of type \(goType)"
        }
    }
}

extension Status {
    /// The 400 answer to a body that cannot be read as the kind it should be.
    public static func cannotHandle(_ kind: GroupVersionKind, _ why: String) -> Status {
        .badRequest("\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): \(why)")
    }
}
