import APIMachinery
import PKI

/// Who asks the node.
struct NodeUser: Hashable, Sendable {
    var name: String
    var uid = ""
    var groups: [String]

    /// The owner of a client certificate: the common name is the user, the organisations are the groups.
    init?(_ peer: PeerIdentity) {
        guard !peer.commonName.isEmpty else { return nil }
        name = peer.commonName
        uid = peer.uid ?? ""
        groups = peer.organizations + ["system:authenticated"]
    }

    /// The answer of a TokenReview; `nil` when the token does not hold.
    init?(review: Value) {
        guard review.at("status", "authenticated")?.bool == true, let user = review.at("status", "user"),
            let name = user["username"]?.string, !name.isEmpty
        else { return nil }
        self.name = name
        uid = user["uid"]?.string ?? ""
        groups = (user["groups"]?.array ?? []).compactMap(\.string)
    }
}
