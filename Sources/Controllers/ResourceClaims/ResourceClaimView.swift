import API
import APIMachinery
import Client

/// What controllers ask about a ResourceClaim (KEP-4381).
struct ResourceClaimView: Hashable, Sendable {
    /// The pod and the claim of its spec that a generated claim is for.
    static let podClaimAnnotation = "resource.kubernetes.io/pod-claim-name"
    /// Kept by whoever allocated, until nothing is allocated any more.
    static let finalizer = "resource.kubernetes.io/delete-protection"
    /// Pods that may use one claim at once.
    static let most = 256

    var value: Value

    init(_ object: StoredObject) { value = object.value }
    init(_ value: Value) { self.value = value }

    var metadata: ObjectMeta { ObjectMeta(value["metadata"] ?? .emptyObject) }
    var name: ObjectName { ObjectName(namespace: metadata.namespace, name: metadata.name) }
    var isAllocated: Bool { value.at("status", "allocation") != nil }

    /// The devices that were given to it (`DeviceRequestAllocationResult`), each with the tolerations of its request.
    var devices: [Value] { value.at("status", "allocation", "devices", "results")?.array ?? [] }

    /// Those that use it.
    var consumers: [Value] { value.at("status", "reservedFor")?.array ?? [] }

    /// The pod that it was made for, if it was.
    var owner: OwnerReference? {
        metadata.controller.flatMap { $0.kind == Pod.kind && $0.apiVersion == "v1" ? $0 : nil }
    }

    /// The pod's uid, when this consumer is one.
    static func podUID(_ consumer: Value) -> String? {
        guard consumer["resource"]?.string == "pods", consumer["apiGroup"]?.string ?? "" == "" else { return nil }
        return consumer["uid"]?.string
    }
}

extension Pod {
    /// The names of the claims that it uses, as far as they are known.
    var deviceClaimNames: [String] {
        let told = status.resourceClaimStatuses.compactMap(\.resourceClaimName)
        let extended = [status.extendedResourceClaimStatus?.resourceClaimName].compactMap(\.self)
        return spec.resourceClaims.compactMap(\.resourceClaimName) + told + extended
    }

    /// Whether it can use no device any more.
    var isDoneWithDevices: Bool {
        isFinished || (metadata.deletionTimestamp != nil && spec.nodeName.isEmpty)
    }
}
