import APIMachinery
import Datastore
import Support

/// Where the next page of a list begins: opaque to clients, made and read here alone (API conventions, "Retrieving
/// large results sets in chunks").
struct ContinueToken: Hashable, Sendable {
    /// The state that the first page showed; `nil` continues with whatever is there now.
    var revision: Revision?
    /// When the first page was shown.
    var begun: Timestamp
    /// The last object of the page before.
    var after: ObjectName

    /// How long a state is shown: as long as Kubernetes keeps history at least.
    static let lifetime: Duration = .seconds(300)

    init(revision: Revision?, begun: Timestamp, after: ObjectName) {
        self.revision = revision
        self.begun = begun
        self.after = after
    }

    /// Reads a token; `nil` for anything that ``text`` did not make.
    init?(_ text: String) {
        guard let bytes = Base64.decode(text), let value = try? Value(json: bytes),
            value["v"]?.string == Self.version, let name = value["name"]?.string
        else { return nil }
        let revision = value["rv"]?.integer ?? 0
        self.revision = revision > 0 ? revision : nil
        // Whoever made a token up does not choose a time that nobody can count to.
        begun = Timestamp(seconds: min(max(value["begun"]?.integer ?? 0, 0), 1 << 40))
        after = ObjectName(namespace: value["namespace"]?.string ?? "", name: name)
    }

    var text: String {
        let value: Value = [
            "v": .string(Self.version), "rv": .integer(revision ?? 0), "begun": .integer(begun.seconds),
            "name": .string(after.name), "namespace": .string(after.namespace),
        ]
        return Base64.encodeURLSafe(value.json)
    }

    /// Whether the state is too old to be shown. History may well hold it still: that a token ends after a while whatever
    /// happens is what its users can rely on, and rehearse.
    func isExpired(at now: Timestamp) -> Bool { revision != nil && now - begun > Self.lifetime }

    private static let version = "meta.k8s.io/v1"
}
