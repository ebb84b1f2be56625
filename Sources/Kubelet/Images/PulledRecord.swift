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

    /// Who may use the image under one name.
    struct Access: Hashable, Sendable {
        var secrets: [Secret] = []
        /// The registry gives it to everybody, or to the node.
        var isForAll = false
    }

    /// As many secrets of one name are remembered.
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
        case allowedAnew(Secret)
    }

    /// Whether pods with these secrets may use the image under this name.
    func verdict(_ name: String, _ secrets: [Secret]) -> Verdict {
        guard let access = access[name] else { return .refused }
        if access.isForAll { return .allowed }
        // With many secrets known, no more are learned by looking: who writes that often fills the disk.
        let isFull = access.secrets.count >= Self.most
        for secret in secrets {
            for known in access.secrets {
                let isSame = known.isSameObject(as: secret)
                if known.hash == secret.hash, !secret.hash.isEmpty {
                    return isSame || isFull ? .allowed : .allowedAnew(secret)
                }
                if isSame, !isFull { return .allowedAnew(secret) }
            }
        }
        return .refused
    }

    /// The registry gave the image under this name: with the secret, or with none that a pod brought.
    mutating func add(_ name: String, _ secret: Secret?, at now: Timestamp) {
        var present = access[name] ?? Access()
        guard !present.isForAll else { return }
        if let secret {
            present.secrets.removeAll { $0.isSameObject(as: secret) }
            present.secrets = present.secrets.suffix(Self.most - 1) + [secret]
        } else {
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
            return (name, ["kubernetesSecrets": .array(secrets)])
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
