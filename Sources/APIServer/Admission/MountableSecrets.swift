import APIMachinery

/// Which Secrets the pods of an account may name, where the account's annotation says that it matters: those that the
/// account names itself (Kubernetes documentation, "Enforce mountable secrets"; CVE-2023-2728, CVE-2024-3177). Pure.
struct MountableSecrets {
    private let account: String
    private let secrets: Set<String>
    private let pullSecrets: Set<String>

    private static let annotation = "kubernetes.io/enforce-mountable-secrets"

    /// `nil` for an account whose pods may name any.
    init?(_ account: Value) {
        let said = account.at("metadata", "annotations", Self.annotation)?.string ?? ""
        guard ["1", "t", "T", "true", "TRUE", "True"].contains(said) else { return nil }
        func names(_ list: String) -> Set<String> {
            Set((account[list]?.array ?? []).compactMap { $0["name"]?.string })
        }
        self.account = account.at("metadata", "name")?.string ?? ""
        (secrets, pullSecrets) = (names("secrets"), names("imagePullSecrets"))
    }

    /// Why a new pod must not be.
    func refusal(of pod: Value) -> String? {
        for volume in pod.at("spec", "volumes")?.array ?? [] {
            if let why = refusal("volume with", volume.at("secret", "secretName")) { return why }
        }
        for (list, word) in [("initContainers", "init container"), ("containers", "container")] {
            if let why = refusal(ofContainers: list, word, pod) { return why }
        }
        for (index, secret) in (pod.at("spec", "imagePullSecrets")?.array ?? []).enumerated() {
            let name = secret["name"]?.string ?? ""
            guard !pullSecrets.contains(name) else { continue }
            return "imagePullSecrets[\(index)].name=\"\(name)\" is not allowed because service account \(account) does not "
                + "reference that imagePullSecret"
        }
        return nil
    }

    /// Why a pod must not get the containers that are added to it for a while.
    func refusal(ofAdditionsTo pod: Value) -> String? {
        refusal(ofContainers: "ephemeralContainers", "ephemeral container", pod)
    }

    private func refusal(ofContainers list: String, _ word: String, _ pod: Value) -> String? {
        for container in pod.at("spec", list)?.array ?? [] {
            let name = "\(word) \(container["name"]?.string ?? "")"
            for variable in container["env"]?.array ?? [] {
                let secret = variable.at("valueFrom", "secretKeyRef").map { $0["name"] ?? "" }
                let what = "\(name) with envVar \(variable["name"]?.string ?? "") referencing"
                if let why = refusal(what, secret) { return why }
            }
            for source in container["envFrom"]?.array ?? [] {
                let secret = source["secretRef"].map { $0["name"] ?? "" }
                if let why = refusal("\(name) with envFrom referencing", secret) { return why }
            }
        }
        return nil
    }

    private func refusal(_ what: String, _ secret: Value?) -> String? {
        guard let secret = secret?.string, !secrets.contains(secret) else { return nil }
        return "\(what) secret.secretName=\"\(secret)\" is not allowed because service account "
            + "\(account) does not reference that secret"
    }
}
