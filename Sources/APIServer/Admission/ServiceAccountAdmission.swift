import API
import APIMachinery
import Client
import Support

/// Gives each pod its service account: the name, the account's pull secrets, and a mounted token (facts: admission,
/// "ServiceAccount").
struct ServiceAccountAdmission: MutatingAdmission {
    let accounts: any ObjectSet
    var clock: any Clock<Duration> = ContinuousClock()
    var randomness = Randomness.system

    var name: String { "ServiceAccount" }

    static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
    /// An hour and seven seconds, as in Kubernetes: it marks tokens that were mounted by admission.
    private static let tokenSeconds: Int64 = 3607
    static let mirrorAnnotation = "kubernetes.io/config.mirror"
    /// How long a pod waits for the account `default`, which a controller makes just after its namespace.
    private static let patience = Duration.milliseconds(1500)

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .pods }

    func admit(_ request: inout AdmissionRequest) async throws(Status) {
        guard request.operation == .create, request.isMain(.pods), var pod = request.object else { return }
        // A mirror pod stands for a pod that the node runs anyway, from a file.
        guard pod.at("metadata", "annotations", Self.mirrorAnnotation) == nil else { return }
        let asked = pod.at("spec", "serviceAccountName")?.string ?? ""
        let name = asked.isEmpty ? "default" : asked
        pod[path: ["spec", "serviceAccountName"]] = .string(name)
        pod[path: ["spec", "serviceAccount"]] = .string(name)
        let accountName = ObjectName(namespace: request.namespace, name: name)
        var stored = accounts.get(accountName)
        if stored == nil, name == "default" { stored = await accounts.awaited(accountName, atMost: Self.patience, clock: clock) }
        guard let account = stored?.value else {
            throw request.forbidden(
                "error looking up service account \(accountName): serviceaccount \"\(name)\" not found")
        }
        if (pod.at("spec", "imagePullSecrets")?.array ?? []).isEmpty, let secrets = account["imagePullSecrets"] {
            pod[path: ["spec", "imagePullSecrets"]] = secrets
        }
        let wantsToken =
            pod.at("spec", "automountServiceAccountToken")?.bool ?? account["automountServiceAccountToken"]?.bool ?? true
        if wantsToken { mountToken(&pod) }
        request.object = pod
    }

    private func mountToken(_ pod: inout Value) {
        let volumes = pod.at("spec", "volumes")?.array ?? []
        var volumeName = volumes.compactMap { $0["name"]?.string }.first { $0.hasPrefix("kube-api-access-") }
        let name: String
        if let present = volumeName {
            name = present
        } else {
            var random = randomness
            name = GeneratedName.make(base: "kube-api-access-", using: &random)
        }
        var isUsed = false
        for list in ["containers", "initContainers"] {
            guard var containers = pod.at("spec", list)?.array else { continue }
            for index in containers.indices {
                var mounts = containers[index]["volumeMounts"]?.array ?? []
                guard !mounts.contains(where: { $0["mountPath"]?.string == Self.mountPath }) else { continue }
                mounts.append(["name": .string(name), "readOnly": true, "mountPath": .string(Self.mountPath)])
                containers[index]["volumeMounts"] = .array(mounts)
                isUsed = true
            }
            pod[path: ["spec", list]] = .array(containers)
        }
        guard isUsed, volumeName == nil else { return }
        volumeName = name
        pod[path: ["spec", "volumes"]] = .array(volumes + [Self.tokenVolume(name)])
    }

    private static func tokenVolume(_ name: String) -> Value {
        [
            "name": .string(name),
            "projected": [
                "defaultMode": 420,
                "sources": [
                    ["serviceAccountToken": ["path": "token", "expirationSeconds": .integer(tokenSeconds)]],
                    [
                        "configMap": [
                            "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
                        ]
                    ],
                    [
                        "downwardAPI": [
                            "items": [
                                [
                                    "path": "namespace",
                                    "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                                ]
                            ]
                        ]
                    ],
                ],
            ],
        ]
    }
}
