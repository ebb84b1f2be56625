import APIMachinery
import Runtime
import Support

/// By whose credentials an image came to the node, so that no pod uses a private image only because another pod's
/// credentials brought it (KEP 2535). In the form of Kubernetes (`ImagePulledRecord`). Pure.
struct PulledRecord: Hashable, Sendable {
    /// A secret with which the registry gave the image.
    struct Secret: Hashable, Sendable {
        var uid: String
        var namespace: String
        var name: String
        /// Of what is in it for the image: another secret that holds the same will do.
        var hash: String

        fileprivate func isSameObject(as other: Secret) -> Bool {
            uid == other.uid && namespace == other.namespace && name == other.name
        }
    }

    /// A service account on whose behalf a plug-in of the node gave the credentials (KEP-4412).
    struct Account: Hashable, Sendable {
        var uid: String
        var namespace: String
        var name: String
    }

    /// Whose credentials brought an image, where they were not the node's.
    enum Source: Hashable, Sendable {
        case secret(Secret)
        case account(Account)
    }

    /// Who may use the image under one name.
    struct Access: Hashable, Sendable {
        var secrets: [Secret] = []
        var accounts: [Account] = []
        /// The registry gives it to everybody, or to the node.
        var isForAll = false
    }

    /// As many secrets of one name are remembered, and as many service accounts.
    private static let most = 100

    /// The id of the image.
    var imageRef: String
    var updated: Timestamp
    /// By the name without tag and digest; none for an image of which is only known that it was pulled.
    var access: [String: Access] = [:]

    /// Whether somebody may use an image.
    enum Verdict: Hashable, Sendable {
        case refused
        case allowed
        /// Because of this secret, which is not remembered as it is: another one of the same credentials, or one
        /// whose credentials were changed since.
        case allowedAnew(Source)
    }

    /// Whether pods with one of these may use the image under this name.
    func verdict(_ name: String, _ sources: [Source]) -> Verdict {
        guard let access = access[name] else { return .refused }
        if access.isForAll { return .allowed }
        // With many secrets known, no more are learned by looking: who writes that often fills the disk.
        let isFull = access.secrets.count >= Self.most
        for source in sources {
            guard case .secret(let secret) = source else {
                if case .account(let account) = source, access.accounts.contains(account) { return .allowed }
                continue
            }
            for known in access.secrets {
                let isSame = known.isSameObject(as: secret)
                if known.hash == secret.hash, !secret.hash.isEmpty {
                    return isSame || isFull ? .allowed : .allowedAnew(source)
                }
                if isSame, !isFull { return .allowedAnew(source) }
            }
        }
        return .refused
    }

    /// The registry gave the image under this name: to whom the source is, or without anything that a pod brought.
    mutating func add(_ name: String, _ source: Source?, at now: Timestamp) {
        var present = access[name] ?? Access()
        guard !present.isForAll else { return }
        switch source {
        case .secret(let secret):
            present.secrets.removeAll { $0.isSameObject(as: secret) }
            present.secrets = present.secrets.suffix(Self.most - 1) + [secret]
        case .account(let account):
            present.accounts.removeAll { $0 == account }
            present.accounts = present.accounts.suffix(Self.most - 1) + [account]
        case nil:
            // Whoever may have it without, needs none.
            present = Access(isForAll: true)
        }
        guard present != access[name] else { return }
        (access[name], updated) = (present, now)
    }

    // MARK: On the disk

    private static let version = "kubelet.config.k8s.io/v1beta1"

    var json: [UInt8] {
        let mapping = access.sorted { $0.key < $1.key }.map { name, access -> (String, Value) in
            if access.isForAll { return (name, ["nodePodsAccessible": true]) }
            let secrets = access.secrets.map { secret -> Value in
                [
                    "uid": .string(secret.uid), "namespace": .string(secret.namespace), "name": .string(secret.name),
                    "credentialHash": .string(secret.hash),
                ]
            }
            let accounts = access.accounts.map { account -> Value in
                [
                    "uid": .string(account.uid), "namespace": .string(account.namespace),
                    "name": .string(account.name),
                ]
            }
            var mapped = Value.emptyObject
            if !secrets.isEmpty { mapped["kubernetesSecrets"] = .array(secrets) }
            if !accounts.isEmpty { mapped["kubernetesServiceAccounts"] = .array(accounts) }
            return (name, mapped)
        }
        let value: Value = [
            "kind": "ImagePulledRecord", "apiVersion": .string(Self.version),
            "lastUpdatedTime": .string(updated.description), "imageRef": .string(imageRef),
            "credentialMapping": .object(Fields(mapping)),
        ]
        return value.json
    }

    /// `nil` for what is no such record. The versions before have the same fields.
    init?(json: [UInt8]) {
        guard let value = try? Value(json: json), value["kind"]?.string == "ImagePulledRecord",
            let imageRef = value["imageRef"]?.string
        else { return nil }
        self.init(imageRef: imageRef, updated: value["lastUpdatedTime"]?.string.flatMap { Timestamp($0) } ?? .now)
        for (name, entry) in value["credentialMapping"]?.fields ?? Fields() {
            var own = Access(isForAll: entry["nodePodsAccessible"]?.bool ?? false)
            own.secrets = (entry["kubernetesSecrets"]?.array ?? []).map { secret in
                func text(_ field: String) -> String { secret[field]?.string ?? "" }
                return Secret(
                    uid: text("uid"), namespace: text("namespace"), name: text("name"), hash: text("credentialHash"))
            }
            own.accounts = (entry["kubernetesServiceAccounts"]?.array ?? []).map { account in
                func text(_ field: String) -> String { account[field]?.string ?? "" }
                return Account(uid: text("uid"), namespace: text("namespace"), name: text("name"))
            }
            access[name] = own
        }
    }

    init(imageRef: String, updated: Timestamp) {
        self.imageRef = imageRef
        self.updated = updated
    }
}

/// Of which images it is looked at who may use them (`imagePullCredentialsVerificationPolicy`).
public enum CredentialPolicy: String, Hashable, Sendable {
    case never = "NeverVerify"
    /// All that the kubelet has pulled.
    case exceptPreloaded = "NeverVerifyPreloadedImages"
    case exceptListed = "NeverVerifyAllowlistedImages"
    case always = "AlwaysVerify"

    /// Whether an entry of the list means something: a whole name without tag and digest, or the beginning of one with a
    /// star at its end, `registry.example.com/own/*`.
    static func isListable(_ entry: String) -> Bool {
        guard !entry.contains(where: \.isWhitespace) else { return false }
        if entry.hasSuffix("/*") { return entry.count > 2 && !entry.dropLast().contains("*") }
        return ImageReference(entry)?.untagged == entry
    }

    /// Whether it is looked at for an image of this name.
    func verifies(_ name: String, wasPulled: Bool, list: [String]) -> Bool {
        switch self {
        case .never: false
        case .exceptPreloaded: wasPulled
        case .exceptListed:
            !list.contains { entry in
                entry.hasSuffix("/*") ? name.hasPrefix(entry.dropLast(1)) : entry == name
            }
        case .always: true
        }
    }
}
