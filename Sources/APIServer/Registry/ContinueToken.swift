import APIMachinery
import Datastore
import Support

/// Where the next page of a list begins: opaque to clients, made and read here alone (API conventions, "Retrieving
/// large results sets in chunks").
struct ContinueToken: Hashable, Sendable {
    /// The state that the first page showed; `nil` continues with whatever is there now.
    var revision: Revision?
    /// The last object of the page before.
    var after: ObjectName

    init(revision: Revision?, after: ObjectName) {
        self.revision = revision
        self.after = after
    }

    /// Reads a token; `nil` for anything that ``text`` did not make.
    init?(_ text: String) {
        guard let bytes = Base64.decode(text), let value = try? Value(json: bytes),
            value["v"]?.string == Self.version, let name = value["name"]?.string
        else { return nil }
        let revision = value["rv"]?.integer ?? 0
        self.revision = revision > 0 ? revision : nil
        after = ObjectName(namespace: value["namespace"]?.string ?? "", name: name)
    }

    var text: String {
        let value: Value = [
            "v": .string(Self.version), "rv": .integer(revision ?? 0), "name": .string(after.name),
            "namespace": .string(after.namespace),
        ]
        return Base64.encodeURLSafe(value.json)
    }

    private static let version = "meta.k8s.io/v1"
}
