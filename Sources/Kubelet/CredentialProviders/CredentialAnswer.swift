import APIMachinery
import Support

/// What a plug-in is asked, and what it answers: `CredentialProviderRequest` and `CredentialProviderResponse` of
/// credentialprovider.kubelet.k8s.io/v1, in JSON.
struct CredentialAnswer: Hashable, Sendable {
    /// For what else the answer is good.
    enum Scope: String, Hashable, Sendable {
        case image = "Image"
        case registry = "Registry"
        case all = "Global"
    }

    struct Login: Hashable, Sendable {
        var username: String
        var password: String
    }

    var scope: Scope
    /// How long it may be used again; `nil` when it does not say so.
    var lifetime: Duration?
    /// By the registries, with a path or without one, as `matchImages` names them.
    var logins: [String: Login]

    /// What a plug-in reads from its standard input.
    static func request(
        _ image: String, version: String, token: String?, annotations: [String: String]
    ) -> [UInt8] {
        var value: Value = [
            "kind": "CredentialProviderRequest", "apiVersion": .string(version), "image": .string(image),
        ]
        if let token { value["serviceAccountToken"] = .string(token) }
        if !annotations.isEmpty {
            let sorted = annotations.sorted { $0.key < $1.key }
            value["serviceAccountAnnotations"] = .object(Fields(sorted.map { ($0.key, Value.string($0.value)) }))
        }
        return value.json
    }

    /// Reads what it printed. The faults show nothing of it, as it may hold credentials.
    init(json: [UInt8], version: String) throws(Fault) {
        let unreadable = Fault(.invalid, "error decoding credential provider plugin response from stdout")
        guard let value = try? Value(json: json) else { throw unreadable }
        guard value["apiVersion"]?.string == version else {
            throw Fault(
                .invalid,
                "apiVersion from credential plugin response did not match expected apiVersion:\(version), "
                    + "actual apiVersion:\(value["apiVersion"]?.string ?? "")")
        }
        guard value["kind"]?.string == "CredentialProviderResponse" else { throw unreadable }
        let kind = value["cacheKeyType"]?.string ?? ""
        guard let scope = Scope(rawValue: kind) else {
            throw Fault(
                .invalid, "credential provider plugin did not return a valid cacheKeyType: \(GoText.quoted(kind))")
        }
        self.scope = scope
        if let text = value["cacheDuration"], !text.isNull {
            guard let duration = text.string.flatMap({ try? GoDuration.parse($0) }) else { throw unreadable }
            lifetime = duration
        }
        logins = [:]
        for (registry, login) in value["auth"]?.fields ?? Fields() {
            logins[registry] = Login(
                username: login["username"]?.string ?? "", password: login["password"]?.string ?? "")
        }
    }
}
